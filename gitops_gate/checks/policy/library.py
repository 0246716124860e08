"""Policy files -> the rules that a configuration selects, with what it changes about them.

Two sources: the library that ships with gitops-gate, and the repository's own files below
`policies.paths`, which come from the revision that decides. A file of a dialect that this version
does not evaluate is an error that names it, so that no rule is ever silently left out.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gitops_gate.checks.policy.modules import (
    LIBRARY_ROOT,
    NATIVE_ROOT,
    Module,
    outline_module,
    package_of,
    parse_module,
)
from gitops_gate.checks.policy.rules import Rule, read_rule
from gitops_gate.config.settings import PolicySettings, RuleOverride
from gitops_gate.errors import ConfigurationError, PolicyError
from gitops_gate.findings import Severity

_GATEKEEPER = re.compile(
    rb"^apiVersion:\s*[\"']?(templates|constraints)\.gatekeeper\.sh/", re.MULTILINE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectedRule:
    """A rule together with what the configuration says about it."""

    rule: Rule
    overrides: tuple[RuleOverride, ...] = ()

    def severity(self, environment: str) -> Severity | None:
        """The severity in an environment; None where the rule is off."""
        severity: Severity | None = self.rule.severity
        for override in self._in_force(environment):
            if override.severity is not None:
                severity = None if override.severity == "off" else Severity(override.severity)
        return severity

    def parameters(self, environment: str, kubernetes: str) -> dict[str, Any]:
        """`input.parameters` in an environment: the configured ones, and the version if asked."""
        merged: dict[str, Any] = {}
        for override in self._in_force(environment):
            merged.update(override.parameters)
        if "kubernetes" in self.rule.parameters:
            merged.setdefault("kubernetes", kubernetes)
        return merged

    def _in_force(self, environment: str) -> Sequence[RuleOverride]:
        return [o for o in self.overrides if not o.environments or environment in o.environments]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """The selected rules, sorted by id, and every module that they need, sorted by path."""

    rules: tuple[SelectedRule, ...] = ()
    modules: tuple[Module, ...] = field(default=(), repr=False)

    @property
    def needs_inventory(self) -> bool:
        """Whether any rule reads `data.inventory`."""
        return any(selected.rule.inventory for selected in self.rules)


def shipped_folder() -> Path:
    """Where the library is: inside the installed package, or at the checkout's root."""
    package = Path(__file__).resolve().parents[2]
    installed = package / "_policies"
    return installed if installed.is_dir() else package.parent / "policies"


@functools.cache
def shipped_files() -> Mapping[str, bytes]:
    """The library's Rego files without their tests, by path relative to `policies/`."""
    folder = shipped_folder()
    files = sorted(folder.rglob("*.rego"))
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in files
        if not file.name.endswith("_test.rego")
    }


@functools.cache
def shipped_rules() -> tuple[tuple[Rule, ...], tuple[Module, ...]]:
    """All rules of the library, selected or not, and its modules. Raises `PolicyError`."""
    modules = tuple(outline_module(path, raw.decode()) for path, raw in shipped_files().items())
    return _rules(modules, modules, "builtin"), modules


def repository_modules(files: Mapping[str, bytes]) -> tuple[Module, ...]:
    """The repository's policies, by path; tests are left out.

    Raises `PolicyError` for a file of a dialect that is not supported, by name, for one that does
    not parse, and for one that takes the place of a shipped package.
    """
    modules = []
    for path, raw in sorted(files.items()):
        if not path.endswith(".rego"):
            _refuse_gatekeeper(path, raw)
            continue
        if path.endswith("_test.rego"):
            continue
        modules.append(_native(path, raw))
    return tuple(modules)


def select(settings: PolicySettings, files: Mapping[str, bytes]) -> RuleSet:
    """The rules that `policies` asks for, from the library and from the repository's files.

    Raises `ConfigurationError` for profiles, areas and rules that do not exist, `PolicyError` for
    policies that do not load.
    """
    shipped, shipped_modules = shipped_rules()
    own_modules = repository_modules(files)
    _refuse_taken(own_modules, shipped_modules)
    own = _rules(own_modules, (*shipped_modules, *own_modules), "repository")
    known = (*shipped, *own)
    _refuse_unknown(settings, known)
    chosen = [rule for rule in shipped if _asked_for(rule, settings)] + list(own)
    chosen.sort(key=lambda rule: rule.id)
    selected = tuple(
        SelectedRule(rule=rule, overrides=_overrides(rule, settings)) for rule in chosen
    )
    needed = _needed([rule.package for rule in chosen], (*shipped_modules, *own_modules))
    return RuleSet(rules=selected, modules=needed)


def _native(path: str, raw: bytes) -> Module:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise PolicyError("is not UTF-8", path=path) from None
    package = package_of(text)
    if package is None:
        raise PolicyError("declares no package", path=path, line=1)
    if package.split(".")[0] != NATIVE_ROOT:
        raise PolicyError(
            f"package {package} is of the conftest dialect, which this version does not evaluate",
            path=path,
            remedy="name it gitops_gate.<area>.<name>, or move it out of policies.paths",
        )
    return parse_module(path, text)


def _refuse_gatekeeper(path: str, raw: bytes) -> None:
    if path.endswith((".yaml", ".yml", ".json")) and _GATEKEEPER.search(raw):
        raise PolicyError(
            "is a Gatekeeper policy, a dialect that this version does not evaluate",
            path=path,
            remedy="move it out of policies.paths",
        )


def _refuse_taken(own: Sequence[Module], shipped: Sequence[Module]) -> None:
    taken = {module.package: f"policies/{module.path} of the shipped library" for module in shipped}
    for module in own:
        if module.package in taken:
            raise PolicyError(
                f"package {module.package} is already defined by {taken[module.package]}",
                path=module.path,
                remedy="give it another name; severity and parameters of a shipped rule are "
                "configured under policies.rules",
            )
        taken[module.package] = module.path


def _rules(
    modules: Sequence[Module],
    everything: Sequence[Module],
    source: Literal["builtin", "repository"],
) -> tuple[Rule, ...]:
    rules = []
    for module in modules:
        if module.package == LIBRARY_ROOT or module.package.startswith(f"{LIBRARY_ROOT}."):
            continue
        reached = _needed([module.package], everything)
        rules.append(
            read_rule(
                module,
                source=source,
                contextual=any(one.contextual for one in reached),
                inventory=any(one.inventory for one in reached),
            )
        )
    return tuple(rules)


def _needed(packages: Sequence[str], modules: Sequence[Module]) -> tuple[Module, ...]:
    """The modules of the packages, and of every package that they refer to, transitively."""
    waiting, kept = list(packages), dict[str, Module]()
    while waiting:
        wanted = waiting.pop()
        for module in modules:
            related = wanted == module.package or wanted.startswith(f"{module.package}.")
            if related and module.path not in kept:
                kept[module.path] = module
                waiting.extend(module.uses)
    return tuple(kept[path] for path in sorted(kept))


def _asked_for(rule: Rule, settings: PolicySettings) -> bool:
    names = {rule.id, *rule.areas, *rule.profiles, rule.id.split("/")[0]}
    configured = settings.rules.get(rule.id)
    enabled = configured is not None and configured.severity not in (None, "off")
    return enabled or not names.isdisjoint(settings.builtin)


def _overrides(rule: Rule, settings: PolicySettings) -> tuple[RuleOverride, ...]:
    """From the general to the particular: a rule's own entry has the last word over its areas'."""
    names = [*sorted({*rule.areas, rule.id.split("/")[0]}), rule.id]
    return tuple(settings.rules[name] for name in names if name in settings.rules)


def _refuse_unknown(settings: PolicySettings, known: Sequence[Rule]) -> None:
    ids = {rule.id for rule in known}
    areas = {area for rule in known for area in (*rule.areas, rule.id.split("/")[0])}
    profiles = {profile for rule in known for profile in rule.profiles}
    for key, names, allowed in (
        ("policies.builtin", settings.builtin, ids | areas | profiles),
        ("policies.rules", tuple(settings.rules), ids | areas),
    ):
        for name in names:
            if name not in allowed:
                near = difflib.get_close_matches(name, sorted(allowed), n=1)
                hint = f'did you mean "{near[0]}"?' if near else "see gitops-gate policy list"
                message = f'{key} names "{name}", which is no rule, area or profile'
                raise ConfigurationError(message, remedy=hint)
    for rule in known:
        override = settings.rules.get(rule.id)
        _refuse_unknown_parameters(rule, override)


def _refuse_unknown_parameters(rule: Rule, override: RuleOverride | None) -> None:
    for name in override.parameters if override else ():
        if rule.parameters and name not in rule.parameters:
            near = difflib.get_close_matches(name, sorted(rule.parameters), n=1)
            known = near or sorted(rule.parameters)
            raise ConfigurationError(
                f"policies.rules.{rule.id}.parameters has no {name}",
                remedy=f"known: {', '.join(known)}",
            )


def is_policy_path(path: str, settings: PolicySettings) -> bool:
    """Whether a file of the repository is one of `policies.paths`, or lies below one."""
    return any(
        place in (".", path) or path.startswith(f"{place}/")
        for place in (named.rstrip("/") for named in settings.paths)
    )
