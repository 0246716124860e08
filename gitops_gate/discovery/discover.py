"""Trees to applications: the way through this room, with and without what is known already."""

from __future__ import annotations

from collections.abc import Mapping

from gitops_gate.config.globs import matches
from gitops_gate.config.settings import Settings
from gitops_gate.discovery.applications import applications_of
from gitops_gate.discovery.cache import FactCache, Marks, family_of, marks_of
from gitops_gate.discovery.closures import Closures, Reach, values_paths
from gitops_gate.discovery.listing import Listing
from gitops_gate.discovery.plans import Plan, make_plans, unclaimed_entries
from gitops_gate.discovery.reader import FactReader
from gitops_gate.discovery.references import inside
from gitops_gate.discovery.selection import Selection
from gitops_gate.discovery.survey import Survey, changes_structure, resurvey, survey_tree
from gitops_gate.discovery.values import Application, Discovery, Renderer
from gitops_gate.source import changed_paths
from gitops_gate.source.values import Mode, Tree

_MANY_CHANGES = 200
_SPECIAL = (Mode.LINK.value, Mode.SUBMODULE.value)


def discover(
    tree: Tree, settings: Settings, *, other: Tree | None = None, cache: FactCache | None = None
) -> Discovery:
    """The applications of a tree, and of those of `other` the ones that exist in it.

    Raises `ConfigurationError` when the configuration gives one name to two applications.
    """
    if other is not None:
        return discover_pair(tree, other, settings, cache)[0]
    listing = Listing(tree)
    survey = _survey(listing, cache)
    return _discoveries([(survey, listing)], settings)[0]


def discover_pair(
    base: Tree, head: Tree, settings: Settings, cache: FactCache | None = None
) -> tuple[Discovery, Discovery]:
    """The applications of two revisions; what is one at either is one at both, where it exists.

    Raises `ConfigurationError` when the configuration gives one name to two applications.
    """
    before, after = Listing(base), Listing(head)
    survey = _survey(before, cache)
    changed = frozenset(changed_paths(base, head))
    if not changed:
        later = survey
    elif changes_structure(changed, before, after):
        later = _survey(after, cache)
    else:
        reader = FactReader(after, cache)
        later = resurvey(survey, changed, after, reader)
        reader.save()
    one, two = _discoveries([(survey, before), (later, after)], settings)
    return one, two


def _survey(listing: Listing, cache: FactCache | None) -> Survey:
    """The survey of a tree: from the cache, from that of a similar tree, or from its files."""
    tree = listing.tree
    reader = FactReader(listing, cache)
    if cache is None or not tree.identity:
        survey = survey_tree(listing, reader)
        reader.save()
        return survey
    known = cache.survey(tree.identity)
    if known is not None:
        return known
    family = family_of(tree.entries)
    marks = marks_of(tree.entries)
    near = cache.nearest(family)
    changed = None if near is None else _changes(near[1], marks)
    if near is None or changed is None:
        survey, worth_keeping = survey_tree(listing, reader), True
    else:
        survey = resurvey(near[0], changed, listing, reader)
        worth_keeping = len(changed) > _MANY_CHANGES
    reader.save()
    if worth_keeping and reader.complete:
        cache.store_survey(tree.identity, family, survey, marks)
    return survey


def _changes(before: Marks, after: Marks) -> frozenset[str] | None:
    """The paths that differ; None when links or submodules do, so that any path may."""
    differing = {path for path, mark in after.items() if before.get(path) != mark}
    differing |= before.keys() - after.keys()
    special = any(
        side.get(path, "").startswith(_SPECIAL) for path in differing for side in (before, after)
    )
    return None if special else frozenset(differing)


def _discoveries(surveys: list[tuple[Survey, Listing]], settings: Settings) -> list[Discovery]:
    selection = Selection(settings)
    plans = make_plans(surveys, settings, selection)
    nothing_there = tuple(unclaimed_entries(plans, settings))
    simple: dict[int, Reach] = {}
    plain: dict[tuple[str, Renderer], Application] = {}
    found = []
    for plan in plans:
        applications = applications_of(plan, selection, plain)
        closures = Closures(plan, simple)
        reaches = {name: closures.reach(each) for name, each in applications.items()}
        unclaimed = sorted((*plan.unclaimed, *nothing_there), key=lambda item: item.path)
        reached = {d for reach in reaches.values() for d in reach.kustomizations}
        found.append(
            Discovery(
                applications=applications,
                closures={name: reach.closure for name, reach in reaches.items()},
                unclaimed=tuple(unclaimed),
                crds=_crds(plan, settings, selection),
                kustomization_files=_unreached(plan, reached),
                hidden_charts=_hidden_charts(plan),
                unrendered_values=_unrendered_values(plan, applications),
                facts=plan.survey.manifests,
                opaque=frozenset(name for name, reach in reaches.items() if reach.opaque),
            )
        )
    return found


def _unreached(plan: Plan, reached: set[str]) -> Mapping[str, frozenset[str]]:
    return {d: plan.nodes[d].files for d in sorted(plan.nodes.keys() - reached)}


def _hidden_charts(plan: Plan) -> Mapping[str, frozenset[str]]:
    """Charts that an Argo CD or Flux object names, although the kustomization is what is rendered.

    A HelmRelease deploys such a chart all the same, so that no change to it may go unseen.
    """
    inflated = {chart for node in plan.nodes.values() for chart in node.charts}
    return {
        directory: frozenset(plan.charts[directory].files)
        for directory in sorted(plan.charts.keys() & plan.deployments.keys())
        if directory in plan.survey.kustomizations
        and directory not in inflated
        and directory not in plan.releases
    }


def _unrendered_values(plan: Plan, applications: Mapping[str, Application]) -> frozenset[str]:
    """Values with which an agent renders a chart and we do not: a change in them shows nothing."""
    given = {
        value
        for path in plan.releases
        for deployed in plan.deployments.get(path, ())
        for value in values_paths(path, deployed.values)
    }
    used = {value for one in applications.values() if one.helm for value in one.helm.values}
    return frozenset(given - used - {inside(path, "values.yaml") for path in plan.releases})


def _crds(plan: Plan, settings: Settings, selection: Selection) -> tuple[str, ...]:
    """Files with CustomResourceDefinitions, and those that the configuration takes for such.

    A file that cannot be read counts when the configuration names it, so that it is an error.
    """
    patterns = settings.schemas.crds
    return tuple(
        sorted(
            path
            for path, facts in plan.survey.manifests.items()
            if (facts.crds and (selection.selected(path) or _any(patterns, path)))
            or (facts.problem and _any(patterns, path))
        )
    )


def _any(patterns: tuple[str, ...], path: str) -> bool:
    return any(matches(pattern, path) for pattern in patterns)
