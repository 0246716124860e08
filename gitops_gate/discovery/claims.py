"""Manifests that no kustomization and no chart reads: directories of their own, or unclaimed."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops_gate.config.globs import matches
from gitops_gate.config.settings import Settings
from gitops_gate.discovery.facts import ManifestFacts
from gitops_gate.discovery.manifests import is_policy, is_tool_configuration
from gitops_gate.discovery.references import ancestors, inside, parent
from gitops_gate.discovery.selection import Selection
from gitops_gate.discovery.values import Unclaimed

if TYPE_CHECKING:
    from gitops_gate.discovery.plans import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What becomes of the manifests of one revision that nothing reads."""

    directories: Mapping[str, frozenset[str]]
    unclaimed: tuple[Unclaimed, ...]


def claim(read: Set[str], plan: Plan, places: Places) -> Claims:
    """Sort the manifests of a revision, given the files that something reads already."""
    manifests = plan.survey.manifests
    directories: dict[str, set[str]] = {}
    unclaimed: list[Unclaimed] = []
    for path in manifests.keys() - read:
        refused = places.refuses(path, manifests[path])
        if refused is None:
            directories.setdefault(parent(path), set()).add(path)
        else:
            unclaimed.append(refused)
    unclaimed += map(places.submodule, plan.listing.submodules)
    for directory in [d for d, paths in directories.items() if _only_templates(paths, plan)]:
        for path in directories.pop(directory):
            reason = f"a template, not YAML ({manifests[path].problem})"
            unclaimed.append(Unclaimed(path=path, reason=reason))
    return Claims(
        directories={d: frozenset(paths) for d, paths in directories.items()},
        unclaimed=tuple(sorted(unclaimed, key=lambda item: item.path)),
    )


def _only_templates(paths: Set[str], plan: Plan) -> bool:
    return all(plan.survey.manifests[path].template for path in paths)


class Places:
    """Why a manifest in some folder is not deployed from there, remembered for each folder."""

    def __init__(self, plan: Plan, settings: Settings, selection: Selection) -> None:
        self._kustomizations = plan.nodes.keys()
        self._charts = plan.charts.keys()
        self._deployed = plan.deployments.keys()
        self._policies = settings.policies.paths
        self._selected = selection.selected
        self._known: dict[str, tuple[str, bool]] = {}

    def is_open(self, folder: str) -> bool:
        """Whether manifests in a folder can be an application of their own."""
        return not self._folder(folder)[0]

    def refuses(self, path: str, facts: ManifestFacts) -> Unclaimed | None:
        """Why a manifest is not deployed; None when its directory is an application."""
        if not self._selected(path):
            return Unclaimed(path=path, reason="left out by the settings of discovery")
        folder = parent(path)
        reason, blocks = self._folder(folder)
        if reason and not blocks:
            return Unclaimed(path=path, reason=reason)
        if is_tool_configuration(facts):
            return Unclaimed(path=path, reason="configures a tool, not a cluster")
        if self._holds_policies(folder) and is_policy(facts):
            return Unclaimed(path=path, reason="a policy")
        return Unclaimed(path=path, reason=reason, blocks=True) if reason else None

    def submodule(self, path: str) -> Unclaimed:
        """Why nothing is known of a submodule: an agent may deploy what is in there."""
        if not self._selected(inside(path, "_")):
            return Unclaimed(path=path, reason="left out by the settings of discovery")
        reason, blocks = self._folder(path)
        if reason and not blocks:
            return Unclaimed(path=path, reason=reason)
        reason = "a submodule, whose content is not part of this repository"
        return Unclaimed(path=path, reason=reason, blocks=True)

    def _folder(self, folder: str) -> tuple[str, bool]:
        if folder not in self._known:
            self._known[folder] = self._look(folder)
        return self._known[folder]

    def _look(self, folder: str) -> tuple[str, bool]:
        """The reason, "" for none, and whether a change there cannot be judged.

        Agents deploy from dot-directories like from any other: one counts as soon as an object
        names it, or a folder around it other than the root.
        """
        hidden = folder != "." and any(part.startswith(".") for part in folder.split("/"))
        for place in (folder, *ancestors(folder)):
            if hidden and place != "." and place in self._deployed:
                return "", False
            if hidden and (place in self._kustomizations or place in self._charts):
                break
            if place in self._kustomizations:
                return f"no kustomization reads it, in or below that of {place}", True
            if place in self._charts:
                return f"nothing reads it, in or below the chart {place}", True
        return ("in a dot-directory", False) if hidden else ("", False)

    def _holds_policies(self, folder: str) -> bool:
        return any(
            matches(pattern.rstrip("/"), place)
            for pattern in self._policies
            for place in (folder, *ancestors(folder))
        )
