"""What a rule is, whichever engine evaluates it: its id, its metadata and what it applies to.

A rule is one package of the native dialect (contract, section 4): its id is
`<area>/<name>`, which is also its file name, its test's name, its place in the documentation and
the key that a waiver names.
"""

from __future__ import annotations

import fnmatch
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from gitops_gate.checks.policy.modules import Module, native_id
from gitops_gate.errors import PolicyError
from gitops_gate.findings import Severity

OPERATIONS = ("CREATE", "UPDATE", "DELETE")
DEFAULT_OPERATIONS = ("CREATE", "UPDATE")
_METADATA_KEYS = {
    "areas",
    "context",
    "kinds",
    "operations",
    "parameters",
    "profiles",
    "remediation",
    "severity",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter that a rule reads from `input.parameters`, with its default."""

    name: str
    description: str
    default: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. `kinds` are patterns: `Kind` in any group, `group/Kind`, `core/Kind`, `*`.

    `contextual` and `inventory` are as in `Module`, over everything that the rule imports.
    `lifted` is the metadata's `context: lifts`: what the rule reads besides the resource can only
    lift a denial, never cause one, so that a resource which passes alone needs no second look.
    """

    id: str
    package: str
    severity: Severity
    title: str
    description: str
    remediation: str | None
    kinds: tuple[str, ...]
    operations: tuple[str, ...]
    areas: tuple[str, ...]
    profiles: tuple[str, ...]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    related: tuple[str, ...] = ()
    source: Literal["builtin", "repository"]
    path: str
    contextual: bool
    inventory: bool
    lifted: bool = False

    @property
    def query(self) -> str:
        """The reference that an engine evaluates."""
        return f"data.{self.package}.deny"

    def applies(self, group: str, kind: str) -> bool:
        """Whether the rule looks at resources of this group ("" for core) and kind."""
        return _applies(self.kinds, group, kind)


@functools.lru_cache(maxsize=20_000)
def _applies(kinds: tuple[str, ...], group: str, kind: str) -> bool:
    return any(_matches_kind(pattern, group, kind) for pattern in kinds)


def _matches_kind(pattern: str, group: str, kind: str) -> bool:
    wanted_group, separator, wanted_kind = pattern.rpartition("/")
    if not fnmatch.fnmatchcase(kind, wanted_kind):
        return False
    return not separator or fnmatch.fnmatchcase(group or "core", wanted_group)


def read_rule(
    module: Module, *, source: Literal["builtin", "repository"], contextual: bool, inventory: bool
) -> Rule:
    """A module of the native dialect as a rule. Raises `PolicyError` for metadata it cannot use."""
    rule_id = native_id(module.package)
    if rule_id is None or "deny" not in module.rules:
        raise PolicyError(
            f"package {module.package} is no rule: a rule is package gitops_gate.<area>.<name> "
            "with `deny contains result`",
            path=module.path,
        )
    custom = _mapping(module, module.metadata.get("custom", {}), "custom")
    unknown = sorted(set(custom) - _METADATA_KEYS)
    if unknown:
        raise _metadata_error(module, f"custom.{unknown[0]} is not a key of a rule's metadata")
    operations = _strings(module, custom, "operations", DEFAULT_OPERATIONS)
    if not set(operations) <= set(OPERATIONS):
        raise _metadata_error(module, f"custom.operations must be among {', '.join(OPERATIONS)}")
    return Rule(
        id=rule_id,
        package=module.package,
        severity=_severity(module, custom.get("severity", "error")),
        title=str(module.metadata.get("title", rule_id)).strip(),
        description=str(module.metadata.get("description", "")).strip(),
        remediation=str(custom["remediation"]).strip() if custom.get("remediation") else None,
        kinds=_strings(module, custom, "kinds", ("*",)),
        operations=operations,
        areas=_strings(module, custom, "areas", (rule_id.split("/")[0],)),
        profiles=_strings(module, custom, "profiles", ()),
        parameters=_parameters(module, custom),
        related=_related(module.metadata.get("related_resources", [])),
        source=source,
        path=module.path,
        contextual=contextual,
        inventory=inventory,
        lifted=_lifted(module, custom.get("context")),
    )


def _metadata_error(module: Module, message: str) -> PolicyError:
    return PolicyError(f"metadata: {message}", path=module.path)


def _lifted(module: Module, value: Any) -> bool:
    if value not in (None, "decides", "lifts"):
        raise _metadata_error(module, "custom.context must be decides or lifts")
    return bool(value == "lifts")


def _mapping(module: Module, value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _metadata_error(module, f"{name} must be a mapping")
    return value


def _severity(module: Module, value: Any) -> Severity:
    try:
        return Severity(value)
    except ValueError:
        raise _metadata_error(module, "custom.severity must be error or warning") from None


def _strings(
    module: Module, custom: Mapping[str, Any], name: str, default: tuple[str, ...]
) -> tuple[str, ...]:
    value = custom.get(name)
    if value is None:
        return default
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _metadata_error(module, f"custom.{name} must be a list of strings")
    return tuple(value)


def _parameters(module: Module, custom: Mapping[str, Any]) -> Mapping[str, Parameter]:
    described = _mapping(module, custom.get("parameters", {}), "custom.parameters")
    parameters = {}
    for name, entry in sorted(described.items()):
        about = _mapping(module, entry, f"custom.parameters.{name}")
        parameters[name] = Parameter(
            name=name,
            description=str(about.get("description", "")).strip(),
            default=about.get("default"),
        )
    return parameters


def _related(value: Any) -> tuple[str, ...]:
    entries = value if isinstance(value, list) else []
    references = [e.get("ref") if isinstance(e, dict) else e for e in entries]
    return tuple(str(reference) for reference in references if reference)
