"""Everything in a tree that discovery builds on, before any setting is applied.

A survey is a function of the tree alone. That of one revision is made from that of another and
the paths that differ, so that a repository with thousands of applications is read once and not
for every change: an unchanged file is not looked at, an unchanged kustomization is not followed
again. `survey_tree` of a tree and `resurvey` along any way to it give the same value.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gitops_gate.discovery.chart_nodes import Chart, build_chart
from gitops_gate.discovery.charts import CHART, REQUIREMENTS
from gitops_gate.discovery.facts import ManifestFacts, Purpose
from gitops_gate.discovery.kustomizations import NAMES
from gitops_gate.discovery.listing import Listing
from gitops_gate.discovery.manifests import may_hold_manifests
from gitops_gate.discovery.nodes import Node, build_node, likely_plugin_files
from gitops_gate.discovery.reader import FactReader
from gitops_gate.discovery.references import ancestors, parent

_NOT_MANIFESTS = frozenset({*NAMES, CHART, REQUIREMENTS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a tree holds, by path.

    `manifests` are the files that look like manifests, and Git LFS pointers with such names;
    `pointers` are all other LFS pointers that some kustomization or chart reads. `notable` are
    entries that an agent of the cluster treats in its own way: submodules, Jsonnet, Argo CD's
    parameter overrides.
    """

    manifests: Mapping[str, ManifestFacts]
    kustomizations: Mapping[str, Node]
    charts: Mapping[str, Chart]
    pointers: frozenset[str] = frozenset()
    notable: frozenset[str] = frozenset()


EMPTY = Survey(
    manifests=MappingProxyType({}), kustomizations=MappingProxyType({}), charts=MappingProxyType({})
)
"""The survey of a tree without entries."""


def survey_tree(listing: Listing, reader: FactReader) -> Survey:
    """The survey of a whole tree."""
    return resurvey(EMPTY, frozenset(listing.entries), listing, reader)


def changes_structure(changed: Collection[str], before: Listing, after: Listing) -> bool:
    """Whether links or submodules are among the changes, so that any path may lead elsewhere."""
    special = before.links | before.submodules | after.links | after.submodules
    return bool(special) and not special.isdisjoint(changed)


def resurvey(
    previous: Survey, changed: frozenset[str], listing: Listing, reader: FactReader
) -> Survey:
    """The survey of `listing`, from that of a tree which differs from it in the changed paths.

    Where `changes_structure` holds, start from `survey_tree` instead.
    """
    manifests = _manifests(previous, changed, listing, reader)
    kustomizations, fresh_nodes = _kustomizations(previous, changed, listing, reader)
    charts, fresh_charts = _charts(previous, changed, listing, reader)
    candidates = set(changed)
    for node in fresh_nodes:
        candidates |= node.files
    for chart in fresh_charts:
        candidates |= chart.files
    readers: list[Node | Chart] = [*kustomizations.values(), *charts.values()]
    return Survey(
        manifests=manifests,
        kustomizations=kustomizations,
        charts=charts,
        pointers=_pointers(previous.pointers - changed, candidates, readers, listing, reader),
        notable=_notable(previous.notable, changed, listing),
    )


def is_manifest_name(path: str) -> bool:
    """Whether a file is read as manifests when nothing else is known about it."""
    return may_hold_manifests(path) and path.rpartition("/")[2] not in _NOT_MANIFESTS


def _manifests(
    previous: Survey, changed: frozenset[str], listing: Listing, reader: FactReader
) -> dict[str, ManifestFacts]:
    found = {path: facts for path, facts in previous.manifests.items() if path not in changed}
    wanted = sorted(
        path
        for path in changed
        if is_manifest_name(path) and path in listing.entries and path not in listing.submodules
    )
    reader.prefetch(Purpose.MANIFEST, wanted)
    for path in wanted:
        if listing.links and path in listing.links and _leads_to_folder(path, listing):
            continue
        facts = reader.manifests(path)
        if facts.manifest or facts.pointer:
            found[path] = facts
    return found


def _leads_to_folder(link: str, listing: Listing) -> bool:
    place = listing.resolve(link)
    return not place.outside and place.path not in listing.entries and listing.is_folder(place.path)


def _kustomizations(
    previous: Survey, changed: frozenset[str], listing: Listing, reader: FactReader
) -> tuple[dict[str, Node], list[Node]]:
    """The nodes of a tree, and those of them that were built anew."""
    touched = {parent(path) for path in changed if path.rpartition("/")[2] in NAMES}
    charts = {parent(path) for path in changed if path.rpartition("/")[2] == CHART}
    vanished = changed.difference(listing.entries)
    stale = touched | {
        directory
        for directory, node in previous.kustomizations.items()
        if not (
            changed.isdisjoint(node.shaped_by)
            and changed.isdisjoint(node.missing)
            and vanished.isdisjoint(node.files)
            and touched.isdisjoint(node.children)
            and charts.isdisjoint(node.folders)
        )
    }
    found = {d: node for d, node in previous.kustomizations.items() if d not in stale}
    wanted = {d: files for d in sorted(stale) if (files := listing.named(d, NAMES))}
    paths = [path for files in wanted.values() for path in files]
    reader.prefetch(Purpose.KUSTOMIZATION, paths)
    reader.prefetch(
        Purpose.PLUGIN,
        (
            file
            for path in paths
            for file in likely_plugin_files(parent(path), reader.kustomization(path).references)
        ),
    )
    fresh = {directory: build_node(directory, listing, reader) for directory in wanted}
    return found | fresh, list(fresh.values())


def _charts(
    previous: Survey, changed: frozenset[str], listing: Listing, reader: FactReader
) -> tuple[dict[str, Chart], list[Chart]]:
    """The charts of a tree, and those of them that were built anew."""
    touched = {parent(path) for path in changed if path.rpartition("/")[2] == CHART}
    above: set[str] = set()
    if previous.charts:
        above.update(directory for path in changed for directory in ancestors(path))
    stale = touched | {
        directory
        for directory, chart in previous.charts.items()
        if not (
            above.isdisjoint(chart.folders)
            and touched.isdisjoint(chart.local)
            and changed.isdisjoint(chart.files)
            and changed.isdisjoint(chart.missing)
        )
    }
    found = {d: chart for d, chart in previous.charts.items() if d not in stale}
    wanted = [directory for directory in sorted(stale) if listing.named(directory, (CHART,))]
    fresh = {directory: build_chart(directory, listing, reader) for directory in wanted}
    return found | fresh, list(fresh.values())


def _pointers(
    known: frozenset[str],
    candidates: set[str],
    readers: Collection[Node | Chart],
    listing: Listing,
    reader: FactReader,
) -> frozenset[str]:
    """The LFS pointers among the files that are read for something else than their manifests."""
    unsure = {
        path
        for path in candidates
        if path in listing.entries
        and not is_manifest_name(path)
        and path.rpartition("/")[2] not in NAMES
    }
    if not unsure and not known:
        return known
    read: set[str] = set()
    for each in readers:
        read |= each.files
    unsure &= read
    wanted = sorted(unsure)
    reader.prefetch(Purpose.CONTENT, wanted)
    return frozenset(known & read) | {path for path in wanted if reader.is_pointer(path)}


def _notable(known: frozenset[str], changed: frozenset[str], listing: Listing) -> frozenset[str]:
    fresh = {
        path
        for path in changed
        if path in listing.entries and (path in listing.submodules or _is_notable(path))
    }
    return known.difference(changed) | fresh


def _is_notable(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.endswith(".jsonnet") or (
        name.startswith(".argocd-source") and name.endswith(".yaml")
    )
