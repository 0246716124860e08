"""The bytes of `.gitops-gate.yaml` -> settings that every other room can trust.

Which revision the bytes come from is decided by the pipeline (the base's, in a review). Here they
are read as Kubernetes reads YAML, checked against the published schema, and become values; what is
not said has the default of `gitops_gate.config.settings`.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from gitops_gate.config.approval_loading import approval_problems, load_approvals, load_freezes
from gitops_gate.config.delivery_loading import delivery_problems, load_delivery
from gitops_gate.config.durations import seconds
from gitops_gate.config.globs import is_glob
from gitops_gate.config.settings import (
    ConfiguredApplication,
    ConfiguredHelm,
    DiscoverySettings,
    Environment,
    ForgeSettings,
    GateSettings,
    PolicySettings,
    RenderSettings,
    ReviewSettings,
    RuleOverride,
    SchemaSettings,
    Settings,
)
from gitops_gate.config.validation import check, read_document
from gitops_gate.config.wording import Problem
from gitops_gate.findings import Severity

CONFIGURATION_PATH = ".gitops-gate.yaml"
"""Where a repository keeps its configuration."""


def load_settings(data: bytes, path: str = CONFIGURATION_PATH) -> Settings:
    """The settings that a configuration file describes; an empty one describes the defaults.

    Raises `ConfigurationError` that tells everything that is wrong with the file: line and column
    of the first problem, and in the message a line for each further one.
    """
    document, value = read_document(data, path)
    if document is None or value is None:
        return Settings()
    check(value, document, path, "configuration", _meaning)
    assert isinstance(value, dict)
    return _settings(value)


def settings_digest(settings: Settings) -> str:
    """`sha256:` and the digest of what settings mean, however they were written.

    Equal settings have equal digests: comments, the order of keys, quotes and defaults that are
    spelled out make no difference; the order of lists, of environments and of the branches that are
    delivered does, as it matters.
    """
    meaning = dataclasses.asdict(settings)
    # The first pattern that matches a branch counts, so that their order is part of the meaning.
    meaning["delivery"]["branches"] = list(meaning["delivery"]["branches"].items())
    content = json.dumps(
        meaning,
        sort_keys=True,
        ensure_ascii=True,
        separators=(",", ":"),
        default=datetime.datetime.isoformat,
    )
    return f"sha256:{hashlib.sha256(content.encode('ascii')).hexdigest()}"


def _meaning(value: Mapping[str, Any]) -> Iterator[Problem]:
    """What the schema cannot say: how entries relate."""
    yield from approval_problems(value)
    yield from delivery_problems(value)
    names: set[str] = set()
    for number, entry in enumerate(value.get("applications", ())):
        name = entry.get("name")
        if name is not None and is_glob(_folder(entry["path"])):
            yield Problem(
                field=("applications", number, "name"),
                message=f"`applications[{number}].name`: a pattern of several paths has no name",
            )
        if name is not None and name in names:
            yield Problem(
                field=("applications", number, "name"),
                message=f"`applications[{number}].name`: another application has this name",
            )
        names.add(name)
        if "helm" in entry and entry.get("renderer", "helm") != "helm":
            yield Problem(
                field=("applications", number, "helm"),
                message=f"`applications[{number}].helm`: the renderer is {entry['renderer']}",
                at_key=True,
            )


def _settings(value: Mapping[str, Any]) -> Settings:
    return Settings(
        environments=tuple(
            Environment(name=name, **_lists(content))
            for name, content in value.get("environments", {}).items()
        ),
        discovery=DiscoverySettings(**_lists(value.get("discovery", {}))),
        applications=tuple(map(_application, value.get("applications", ()))),
        render=_render(value.get("render", {})),
        schemas=_schemas(value.get("schemas", {})),
        policies=_policies(value.get("policies", {})),
        gate=_gate(value.get("gate", {})),
        waivers=value.get("waivers", Settings().waivers),
        approvals=load_approvals(value.get("approvals", {})),
        freezes=load_freezes(value.get("freezes", ())),
        forge=ForgeSettings(**value.get("forge", {})),
        review=_review(value.get("review", {})),
        delivery=load_delivery(value.get("delivery", {})),
        redact=tuple(value.get("review", {}).get("redact", ())),
    )


def _lists(content: Mapping[str, Any]) -> dict[str, Any]:
    """The same entries, with tuples for lists."""
    return {key: tuple(item) if isinstance(item, list) else item for key, item in content.items()}


def _application(content: Mapping[str, Any]) -> ConfiguredApplication:
    given = dict(content)
    given["path"] = _folder(content["path"])
    given["helm"] = ConfiguredHelm(**_lists(content.get("helm", {})))
    return ConfiguredApplication(**given)


def _folder(path: str) -> str:
    """The path of an application: a folder, with or without a slash at its end."""
    return path.removesuffix("/")


def _render(content: Mapping[str, Any]) -> RenderSettings:
    given = _commands(content, "helm", "kustomize")
    if "timeout" in given:
        given["timeout"] = seconds(given["timeout"])
    return RenderSettings(**given)


def _schemas(content: Mapping[str, Any]) -> SchemaSettings:
    return SchemaSettings(**_commands(content, "kubeconform"))


def _policies(content: Mapping[str, Any]) -> PolicySettings:
    given = _commands(content, "opa")
    given["rules"] = {
        name: RuleOverride(**_override(override))
        for name, override in content.get("rules", {}).items()
    }
    return PolicySettings(**given)


def _override(content: Mapping[str, Any]) -> dict[str, Any]:
    given = _lists(content)
    severity = given.get("severity")
    if severity is not None:
        given["severity"] = "off" if severity in (False, "off") else Severity(severity)
    return given


def _gate(content: Mapping[str, Any]) -> GateSettings:
    given = dict(content)
    if "fail_on" in given:
        given["fail_on"] = Severity(given["fail_on"])
    return GateSettings(**given)


def _review(content: Mapping[str, Any]) -> ReviewSettings:
    given = {key: content[key] for key in ("comment", "check_name") if key in content}
    inline = content.get("inline", {})
    if "enabled" in inline:
        given["inline"] = inline["enabled"]
    if "maximum" in inline:
        given["inline_maximum"] = inline["maximum"]
    return ReviewSettings(**given)


def _commands(content: Mapping[str, Any], *tools: str) -> dict[str, Any]:
    """The entries of a section, those of its tools flattened: `helm.command`, `helm_command`."""
    flat = {key: item for key, item in content.items() if key not in tools}
    for tool in tools:
        flat |= {f"{tool}_{key}": item for key, item in content.get(tool, {}).items()}
    return _lists(flat)
