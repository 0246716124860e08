"""From surveys and settings to what is an application, before names and closures.

One plan for each revision, each made with an eye on the other: what is an application at either
revision is one at both, wherever it exists (contract, section 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from gitops_gate.config.settings import ConfiguredApplication, Settings
from gitops_gate.discovery.applicationsets import expand
from gitops_gate.discovery.chart_nodes import Chart, is_subchart
from gitops_gate.discovery.charts import CHART
from gitops_gate.discovery.claims import Claims, Places, claim
from gitops_gate.discovery.facts import Deployed
from gitops_gate.discovery.kustomizations import NAMES
from gitops_gate.discovery.listing import Listing
from gitops_gate.discovery.nodes import Node
from gitops_gate.discovery.references import inside, locate, parent
from gitops_gate.discovery.selection import Selection, configured, is_glob
from gitops_gate.discovery.survey import Survey
from gitops_gate.discovery.values import Renderer, Unclaimed


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one revision deploys.

    `nodes` and `charts` are those that discovery looks at. `deployments` are the Argo CD and Flux
    entries by the directory that they name, `entries` the configured applications by theirs.
    `kustomizations`, `releases` and `directories` are the directories of applications by renderer,
    the last with their files.
    """

    listing: Listing
    survey: Survey
    nodes: Mapping[str, Node]
    charts: Mapping[str, Chart]
    deployments: Mapping[str, tuple[Deployed, ...]]
    entries: Mapping[str, tuple[ConfiguredApplication, ...]]
    kustomizations: Set[str] = frozenset()
    releases: Set[str] = frozenset()
    directories: Mapping[str, frozenset[str]]
    unclaimed: tuple[Unclaimed, ...] = ()


def make_plans(
    surveys: Sequence[tuple[Survey, Listing]], settings: Settings, selection: Selection
) -> list[Plan]:
    """The plans of one revision, or of two that are compared, in the order given."""
    drafts = [_draft(survey, listing, settings, selection) for survey, listing in surveys]
    named = {path for draft in drafts for path in draft.deployments}
    roots = {path for draft in drafts for path in _roots(draft, named)}
    releases = {path for draft in drafts for path in _releases(draft, named)}
    plans = [
        replace(
            draft,
            kustomizations=_existing(roots, draft, Renderer.KUSTOMIZE),
            releases=_existing(releases, draft, Renderer.HELM),
        )
        for draft in drafts
    ]
    places = [Places(plan, settings, selection) for plan in plans]
    read = [_read_by(plan) for plan in plans]
    claims = [claim(*each) for each in zip(read, plans, places, strict=True)]
    return [
        _with_directories(plan, own, _also_directories(claims, files, where))
        for plan, own, files, where in zip(plans, claims, read, places, strict=True)
    ]


def renderer_of(entry: ConfiguredApplication, path: str, plan: Plan) -> Renderer:
    """How a configured application is rendered: as it says, or by what its directory holds."""
    if entry.renderer is not None:
        return Renderer(entry.renderer)
    if path in plan.survey.kustomizations:
        return Renderer.KUSTOMIZE
    return Renderer.HELM if path in plan.survey.charts else Renderer.DIRECTORY


def _draft(survey: Survey, listing: Listing, settings: Settings, selection: Selection) -> Plan:
    """What a revision holds and names, before anything follows from it."""
    selected = selection.selected
    nodes = {d: node for d, node in survey.kustomizations.items() if selected(inside(d, NAMES[0]))}
    charts = {d: chart for d, chart in survey.charts.items() if selected(inside(d, CHART))}
    folders = {parent(path) for path in survey.manifests}
    candidates = sorted({*nodes, *charts, *folders})
    deployed = [
        entry
        for path, facts in survey.manifests.items()
        if facts.deployed and selected(path)
        for entry in facts.deployed
    ]
    deployments: dict[str, list[Deployed]] = {}
    for entry in expand(deployed, candidates):
        place = listing.resolve(entry.path)
        if not place.outside:
            deployments.setdefault(place.path, []).append(entry)
    return Plan(
        listing=listing,
        survey=survey,
        nodes=nodes,
        charts=charts,
        deployments={path: tuple(entries) for path, entries in deployments.items()},
        entries=configured(settings.applications, candidates),
        directories={},
    )


def _roots(plan: Plan, named: Set[str]) -> set[str]:
    """The kustomizations that are applications, seen from this revision alone."""
    referred = {
        child
        for directory, node in plan.nodes.items()
        for child in node.children
        if child != directory
    }
    found = {
        directory
        for directory, node in plan.nodes.items()
        if not node.component and (directory not in referred or directory in named)
    }
    return found | _configured_as(Renderer.KUSTOMIZE, plan)


def _releases(plan: Plan, named: Set[str]) -> set[str]:
    """The charts that are applications, seen from this revision alone.

    A chart that a kustomization stands in front of is not deployed, and so deploys no other.
    """
    inflated = {chart for node in plan.nodes.values() for chart in node.charts}
    shadowed = plan.survey.kustomizations.keys() - inflated
    needed = {
        local
        for directory, chart in plan.charts.items()
        if directory not in shadowed
        for local in chart.local
    }
    found = {
        directory
        for directory, chart in plan.charts.items()
        if not chart.library
        and directory not in plan.survey.kustomizations
        and not is_subchart(directory, plan.survey.charts)
        and (directory in named or directory not in inflated | needed)
    }
    return found | _configured_as(Renderer.HELM, plan)


def _configured_as(renderer: Renderer, plan: Plan) -> set[str]:
    return {
        path
        for path, entries in plan.entries.items()
        if any(renderer_of(entry, path, plan) is renderer for entry in entries)
    }


def _existing(wanted: Set[str], plan: Plan, renderer: Renderer) -> frozenset[str]:
    """Those of the directories that exist in a revision, and are not configured otherwise.

    What `applications` names plainly is taken even where discovery does not look.
    """
    plainly = {
        path
        for path, entries in plan.entries.items()
        if any(not is_glob(entry.path) for entry in entries)
    }
    otherwise = plan.entries.keys() - _configured_as(renderer, plan)
    if renderer is Renderer.KUSTOMIZE:
        there = {d for d, node in plan.nodes.items() if not node.component}
        there |= plainly & plan.survey.kustomizations.keys()
    else:
        there = {d for d in plan.charts if d not in plan.survey.kustomizations}
        there |= plan.entries.keys() & plan.survey.charts.keys()
    return frozenset((wanted & there) - otherwise)


def _read_by(plan: Plan) -> set[str]:
    """Every file that a kustomization, or a chart that is deployed, reads."""
    read: set[str] = set()
    for node in plan.nodes.values():
        read |= node.files
    waiting = [chart for node in plan.nodes.values() for chart in node.charts]
    waiting += plan.releases
    done: set[str] = set()
    while waiting:
        directory = waiting.pop()
        chart = plan.survey.charts.get(directory)
        if chart is not None and directory not in done:
            done.add(directory)
            read |= chart.files
            waiting += chart.local
    return read


def _also_directories(claims: Sequence[Claims], read: Set[str], places: Places) -> set[str]:
    """Files that something reads at this revision, and that a directory has at another one."""
    return {
        path
        for other in claims
        for directory, paths in other.directories.items()
        if places.is_open(directory)
        for path in paths & read
    }


def _with_directories(plan: Plan, own: Claims, also: Iterable[str]) -> Plan:
    """Add the directories of manifests, with the files that any of the revisions has in them."""
    files = {directory: set(paths) for directory, paths in own.directories.items()}
    for path in also:
        files.setdefault(parent(path), set()).add(path)
    for path, entries in plan.entries.items():
        if any(renderer_of(entry, path, plan) is Renderer.DIRECTORY for entry in entries):
            listed = {p for p in plan.survey.manifests if parent(p) == path}
            if listed:
                files[path] = listed
        else:
            files.pop(path, None)
    for path in _rendered_by_others(plan):
        files.setdefault(path, set())
    taken = set().union(*files.values())
    return replace(
        plan,
        directories={d: frozenset(paths) for d, paths in files.items()},
        unclaimed=tuple(unclaimed for unclaimed in own.unclaimed if unclaimed.path not in taken),
    )


def _rendered_by_others(plan: Plan) -> list[str]:
    """Directories that Argo CD renders by a plug-in or as Jsonnet, and that are nothing else.

    They are applications that fail: what the cluster gets from there is not known here.
    """
    jsonnet = {parent(path) for path in plan.survey.notable if path.endswith(".jsonnet")}
    return [
        path
        for path, entries in plan.deployments.items()
        if path not in plan.kustomizations
        and path not in plan.releases
        and (path in jsonnet or any(entry.tool for entry in entries))
        and plan.listing.is_folder(path)
    ]


def unclaimed_entries(plans: Iterable[Plan], settings: Settings) -> list[Unclaimed]:
    """The configured applications that name a directory with nothing to render at any revision."""
    found = {
        path for plan in plans for path in (*plan.kustomizations, *plan.releases, *plan.directories)
    }
    wanted = (e.path for e in settings.applications if not is_glob(e.path))
    paths = sorted({locate(".", path.strip("/") or ".") or path for path in wanted})
    return [
        Unclaimed(path=path, reason="applications names it, and nothing to render is there")
        for path in paths
        if path not in found
    ]
