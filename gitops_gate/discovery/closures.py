"""Every file that rendering an application reads, and every reason not to start.

Put together from the nodes of a survey: nothing is read here. A closure that misses a file is a
hole in the gate, one that has a file too many costs a rendering; so in doubt a file is in it.
"""

from __future__ import annotations

from collections.abc import Iterable

from gitops_gate.discovery import refusals
from gitops_gate.discovery.plans import Plan
from gitops_gate.discovery.references import locate, parent
from gitops_gate.discovery.values import Application, Closure, Refusal, RemoteReference, Renderer


class Closures:
    """Makes the closures of the applications of one plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        survey = plan.survey
        self._pointers = survey.pointers | {
            path for path, facts in survey.manifests.items() if facts.pointer
        }
        self._notable: dict[str, list[str]] = {}
        for path in sorted(survey.notable):
            self._notable.setdefault(parent(path), []).append(path)

    def reached(self, application: Application) -> set[str]:
        """The directories of all kustomizations that an application leads to."""
        starts = [application.path] if application.renderer is Renderer.KUSTOMIZE else []
        return set(self._nodes([*starts, *self._components(application.path)]))

    def is_opaque(self, application: Application) -> bool:
        """Whether an application makes resources whose kinds its files do not show."""
        if application.renderer is Renderer.HELM:
            return True
        nodes = self._plan.survey.kustomizations
        return any(nodes[directory].opaque for directory in self.reached(application))

    def closure(self, application: Application) -> Closure:
        """The closure of one application."""
        draft = _Draft()
        path = application.path
        match application.renderer:
            case Renderer.KUSTOMIZE:
                self._add_kustomizations([path, *self._components(path)], draft)
            case Renderer.HELM:
                self._add_charts([path], draft)
                self._add_values(application, draft)
            case Renderer.DIRECTORY:
                self._add_directory(path, draft)
        self._add_agents(application, draft)
        pointers = sorted(self._pointers & draft.files)
        draft.refusals += map(refusals.pointer, pointers)
        return Closure(
            files=frozenset(draft.files),
            missing=frozenset(draft.missing),
            remotes=tuple(dict.fromkeys(draft.remotes)),
            refusals=tuple(dict.fromkeys(draft.refusals)),
        )

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

    def _add_kustomizations(self, starts: list[str], draft: _Draft) -> None:
        for directory in self._nodes(starts):
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

    def _add_agents(self, application: Application, draft: _Draft) -> None:
        """What an agent of the cluster would do beyond what is rendered here."""
        for path in self._notable.get(application.path, ()):
            if path.endswith(".yaml") and path not in self._plan.listing.submodules:
                draft.files.add(path)
                draft.refusals.append(refusals.argocd_source(path))
        tools = {d.tool for d in self._plan.deployments.get(application.path, ()) if d.tool}
        if tools:
            draft.files.update(self._plan.listing.below(application.path))
        if "plugin" in tools:
            draft.refusals.append(refusals.config_plugin(application.path))
        if "jsonnet" in tools:
            draft.refusals.append(refusals.jsonnet(application.path))


class _Draft:
    """A closure in the making."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.missing: set[str] = set()
        self.remotes: list[RemoteReference] = []
        self.refusals: list[Refusal] = []


def values_paths(directory: str, values: Iterable[str]) -> tuple[str, ...]:
    """Configured values files as repository paths: beside the chart, or from the root with `/`.

    A path that leaves the repository stays as written; it leads nowhere.
    """
    return tuple(
        locate("." if value.startswith("/") else directory, value.lstrip("/")) or value
        for value in values
    )
