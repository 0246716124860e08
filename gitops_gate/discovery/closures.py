"""Every file that rendering an application reads, and every reason not to start.

Put together from the nodes of a survey: nothing is read here. A closure that misses a file is a
hole in the gate, one that has a file too many costs a rendering; so in doubt a file is in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gitops_gate.discovery import refusals
from gitops_gate.discovery.nodes import Node
from gitops_gate.discovery.plans import Plan
from gitops_gate.discovery.references import locate, parent
from gitops_gate.discovery.values import Application, Closure, Refusal, RemoteReference, Renderer


@dataclass(frozen=True, slots=True)
class Reach:
    """What one application reads.

    `kustomizations` are the directories of all that it leads to. `opaque` is whether its files do
    not show all the kinds of its resources.
    """

    closure: Closure
    kustomizations: tuple[str, ...] = ()
    opaque: bool = False


@dataclass(slots=True)
class _Draft:
    """A closure in the making."""

    files: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    remotes: list[RemoteReference] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    def finished(self) -> Closure:
        return Closure(
            files=frozenset(self.files),
            missing=frozenset(self.missing),
            remotes=tuple(dict.fromkeys(self.remotes)),
            refusals=tuple(dict.fromkeys(self.refusals)),
        )


class Closures:
    """Makes the closures of the applications of one plan.

    `simple` holds the reach of kustomizations that refer to no other, by the identity of their
    node; two plans that are compared share it, as they share all nodes that did not change.
    """

    def __init__(self, plan: Plan, simple: dict[int, Reach]) -> None:
        self._plan = plan
        self._simple = simple
        survey = plan.survey
        self._pointers = survey.pointers | {
            path for path, facts in survey.manifests.items() if facts.pointer
        }
        self._notable: dict[str, list[str]] = {}
        for path in sorted(survey.notable):
            self._notable.setdefault(parent(path), []).append(path)

    def reach(self, application: Application) -> Reach:
        """What one application reads and leads to."""
        path = application.path
        if path not in self._plan.deployments and path not in self._notable:
            node = self._plan.survey.kustomizations.get(path)
            if application.renderer is Renderer.KUSTOMIZE and node is not None and _alone(node):
                return self._simple_reach(path, node)
        draft = _Draft()
        kustomize = application.renderer is Renderer.KUSTOMIZE
        directories = self._nodes([path, *self._components(path)] if kustomize else [])
        self._add_kustomizations(directories, draft)
        if application.renderer is Renderer.HELM:
            self._add_charts([path], draft)
            self._add_values(application, draft)
        elif application.renderer is Renderer.DIRECTORY:
            self._add_directory(path, draft)
        self._add_agents(path, draft)
        draft.refusals += map(refusals.pointer, sorted(self._pointers & draft.files))
        nodes = self._plan.survey.kustomizations
        return Reach(
            draft.finished(),
            tuple(directories),
            application.renderer is Renderer.HELM or any(nodes[d].opaque for d in directories),
        )

    def _simple_reach(self, path: str, node: Node) -> Reach:
        """The reach of a kustomization that refers to files alone."""
        if not self._pointers.isdisjoint(node.files):
            found = map(refusals.pointer, sorted(self._pointers & node.files))
            return _reach_of(path, node, (*node.refusals, *found))
        reach = self._simple.get(id(node))
        if reach is None:
            reach = self._simple[id(node)] = _reach_of(path, node, node.refusals)
        return reach

    def _components(self, path: str) -> list[str]:
        """Components that Argo CD or Flux add to a kustomization, by their directories."""
        found: list[str] = []
        for deployed in self._plan.deployments.get(path, ()):
            for component in deployed.components:
                located = locate(path, component)
                place = None if located is None else self._plan.listing.resolve(located)
                if place is not None and not place.outside:
                    found.append(place.path)
        return found

    def _nodes(self, starts: Iterable[str]) -> list[str]:
        """The kustomizations that some lead to, themselves included, each once."""
        nodes = self._plan.survey.kustomizations
        found: dict[str, None] = {}
        waiting = list(starts)
        while waiting:
            directory = waiting.pop()
            if directory in nodes and directory not in found:
                found[directory] = None
                waiting += nodes[directory].children
        return list(found)

    def _add_kustomizations(self, directories: Iterable[str], draft: _Draft) -> None:
        for directory in directories:
            node = self._plan.survey.kustomizations[directory]
            draft.files |= node.files
            draft.missing |= node.missing
            draft.remotes += node.remotes
            draft.refusals += node.refusals
            if node.charts:
                self._add_charts(node.charts, draft)

    def _add_charts(self, starts: Iterable[str], draft: _Draft) -> None:
        """Charts and those that they depend on within the repository."""
        done: set[str] = set()
        waiting = list(starts)
        while waiting:
            directory = waiting.pop()
            chart = self._plan.survey.charts.get(directory)
            if chart is None or directory in done:
                continue
            done.add(directory)
            draft.files |= chart.files
            draft.missing |= chart.missing
            draft.refusals += chart.refusals
            waiting += chart.local

    def _add_values(self, application: Application, draft: _Draft) -> None:
        """Values files that the configuration, Argo CD or Flux give to a chart."""
        paths = list(application.helm.values) if application.helm is not None else []
        for deployed in self._plan.deployments.get(application.path, ()):
            for value in deployed.values:
                start = "." if value.startswith("/") else application.path
                located = locate(start, value.lstrip("/"))
                paths += [] if located is None else [located]
        for path in paths:
            self._add_file(path, draft)

    def _add_directory(self, path: str, draft: _Draft) -> None:
        for file in self._plan.directories.get(path, ()):
            self._add_file(file, draft)
        for file in self._notable.get(path, ()):
            if file in self._plan.listing.submodules:
                draft.refusals.append(refusals.submodule(file))
            elif file.endswith(".jsonnet"):
                draft.files.add(file)
                draft.refusals.append(refusals.jsonnet(file))

    def _add_file(self, path: str, draft: _Draft) -> None:
        listing = self._plan.listing
        place = listing.resolve(path)
        draft.files.update(place.links)
        if place.outside:
            draft.refusals.append(refusals.leads_outside(path))
        elif listing.is_file(place.path):
            draft.files.add(place.path)
        elif (below := listing.submodule_of(place.path)) is not None:
            draft.refusals.append(refusals.submodule(below))
        else:
            draft.missing.add(place.path)

    def _add_agents(self, path: str, draft: _Draft) -> None:
        """What an agent of the cluster would do beyond what is rendered here."""
        for file in self._notable.get(path, ()):
            if file.endswith(".yaml") and file not in self._plan.listing.submodules:
                draft.files.add(file)
                draft.refusals.append(refusals.argocd_source(file))
        tools = {d.tool for d in self._plan.deployments.get(path, ()) if d.tool}
        if tools:
            draft.files.update(self._plan.listing.below(path))
        if "plugin" in tools:
            draft.refusals.append(refusals.config_plugin(path))
        if "jsonnet" in tools:
            draft.refusals.append(refusals.jsonnet(path))


def _reach_of(path: str, node: Node, refused: tuple[Refusal, ...]) -> Reach:
    closure = Closure(
        files=node.files, missing=node.missing, remotes=node.remotes, refusals=refused
    )
    return Reach(closure, (path,), node.opaque)


def _alone(node: Node) -> bool:
    return not node.children and not node.charts


def values_paths(directory: str, values: Iterable[str]) -> tuple[str, ...]:
    """Configured values files as repository paths: beside the chart, or from the root with `/`.

    A path that leaves the repository stays as written; it leads nowhere.
    """
    return tuple(
        locate("." if value.startswith("/") else directory, value.lstrip("/")) or value
        for value in values
    )
