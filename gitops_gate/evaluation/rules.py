"""The rules of one revision: its configuration, its waivers and its policies, loaded together.

Which revision decides is the pipeline's choice (design, invariant 2); this module reads what that
revision says, and tells two revisions' rules apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gitops_gate.checks.policy import RuleSet, is_policy_path, select
from gitops_gate.config import (
    CONFIGURATION_PATH,
    Waiver,
    load_settings,
    load_waivers,
    locate_waiver,
)
from gitops_gate.config.settings import Settings
from gitops_gate.errors import ConfigurationError
from gitops_gate.findings import Location
from gitops_gate.source import changed_paths
from gitops_gate.source.values import Mode, Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Everything that decides; `digest` is over the content of all rule files."""

    settings: Settings = field(default_factory=Settings)
    waivers: tuple[Waiver, ...] = ()
    rule_set: RuleSet = field(default_factory=RuleSet)
    digest: str = ""
    waiver_file: bytes = field(default=b"", repr=False)

    def locate_waiver(self, waiver: Waiver) -> Location:
        """Where a waiver stands in the waiver file."""
        return locate_waiver(waiver, self.waiver_file, self.settings.waivers)


def load_rules(tree: Tree, *, configuration: bytes | None = None, name: str = "") -> Rules:
    """The rules of a tree; `configuration` replaces its configuration file (`--config`).

    Raises `ConfigurationError` or `PolicyError` when any part of them does not load.
    """
    contents: dict[str, bytes] = {}
    if configuration is None:
        configuration = _optional(tree, CONFIGURATION_PATH)
    if configuration is not None:
        contents[name or CONFIGURATION_PATH] = configuration
    settings = load_settings(configuration or b"", path=name or CONFIGURATION_PATH)
    waivers: tuple[Waiver, ...] = ()
    waiver_file = _optional(tree, settings.waivers)
    if waiver_file is not None:
        contents[settings.waivers] = waiver_file
        waivers = load_waivers(waiver_file, path=settings.waivers)
    _refuse_missing(tree, settings, name or CONFIGURATION_PATH)
    policies = _policies(tree, settings)
    contents.update({path: raw for path, raw in policies.items() if path.endswith(".rego")})
    rule_set = select(settings.policies, policies)
    files = {path: hashlib.sha256(raw).hexdigest() for path, raw in sorted(contents.items())}
    return Rules(
        settings=settings,
        waivers=waivers,
        rule_set=rule_set,
        digest=_digest(files),
        waiver_file=waiver_file or b"",
    )


def edited_rules(before: Tree, after: Tree, settings: Settings) -> tuple[str, ...]:
    """The rule files that differ between two trees, sorted; `settings` say which those are."""
    return tuple(
        path
        for path in changed_paths(before, after)
        if path in (CONFIGURATION_PATH, settings.waivers)
        or (is_policy_path(path, settings.policies) and path.endswith(".rego"))
    )


def _refuse_missing(tree: Tree, settings: Settings, name: str) -> None:
    """What a configuration names must be there; only the defaults may be absent."""
    defaults = Settings()
    if settings.waivers != defaults.waivers and settings.waivers not in tree.entries:
        raise ConfigurationError(f"waivers names {settings.waivers}, which is not there", path=name)
    for place in settings.policies.paths:
        one = replace(settings.policies, paths=(place,))
        expected = place in defaults.policies.paths
        if not expected and not any(is_policy_path(path, one) for path in tree.entries):
            message = f"policies.paths names {place}, where there is no file"
            raise ConfigurationError(message, path=name)


def _policies(tree: Tree, settings: Settings) -> dict[str, bytes]:
    paths = sorted(path for path in tree.entries if is_policy_path(path, settings.policies))
    wanted = [
        path
        for path in paths
        if path.endswith((".rego", ".yaml", ".yml", ".json"))
        and tree.entries[path].mode in (Mode.FILE, Mode.EXECUTABLE)
    ]
    contents = tree.blobs.read_many(tree.entries[path] for path in wanted)
    return dict(zip(wanted, contents, strict=True))


def _optional(tree: Tree, path: str) -> bytes | None:
    """The content of a rule file, None where there is none; never through a link."""
    entry = tree.entries.get(path)
    if entry is None:
        return None
    if entry.mode not in (Mode.FILE, Mode.EXECUTABLE):
        raise ConfigurationError("must be a file, not a link or a submodule", path=path)
    return tree.blobs.read(entry)


def _digest(files: Mapping[str, str]) -> str:
    text = "\n".join(f"{digest}  {path}" for path, digest in files.items())
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
