"""Kustomizations in a tree: which files each one reads, and to which others it leads.

A node is one directory with a kustomization. It knows its own files; what the kustomizations that
it refers to read is theirs, so that a change touches one node and not all that lead to it. The
rules of looking are Kustomize's own (`internal/target/kusttarget.go`): names are joined as text,
then links are followed; a resource is tried as a file first and as a directory second.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gitops_gate.discovery.charts import CHART
from gitops_gate.discovery.facts import Reference, References, Role
from gitops_gate.discovery.kustomizations import NAMES
from gitops_gate.discovery.listing import Listing, Place
from gitops_gate.discovery.reader import FactReader
from gitops_gate.discovery.references import inside, locate
from gitops_gate.discovery.refusals import leads_outside, path_outside, plugins_too_far, submodule
from gitops_gate.discovery.values import Refusal, RemoteReference

_MAXIMUM_PLUGIN_FOLDERS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A directory with a kustomization.

    `files` are read by it itself, its kustomization file and the links that lead to them among
    them. `missing` would be read if they existed. `shaped_by` are the files, besides its
    kustomization, whose content decided about this node. `children` are the directories of the
    kustomizations, `charts` of the charts that it refers to; both exist. `folders` would be read
    as a whole. `opaque` is whether its files do not show all kinds that it makes.
    """

    component: bool
    opaque: bool
    files: frozenset[str]
    missing: frozenset[str] = frozenset()
    shaped_by: frozenset[str] = frozenset()
    children: tuple[str, ...] = ()
    charts: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    remotes: tuple[RemoteReference, ...] = ()
    refusals: tuple[Refusal, ...] = ()


@dataclass(slots=True)
class _Draft:
    """A node in the making."""

    directory: str
    listing: Listing
    reader: FactReader
    files: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    shaped_by: set[str] = field(default_factory=set)
    children: dict[str, None] = field(default_factory=dict)
    charts: dict[str, None] = field(default_factory=dict)
    folders: dict[str, None] = field(default_factory=dict)
    remotes: dict[RemoteReference, None] = field(default_factory=dict)
    refusals: dict[Refusal, None] = field(default_factory=dict)
    opaque: bool = False


def build_node(directory: str, listing: Listing, reader: FactReader) -> Node:
    """The node of a directory that has a kustomization file."""
    draft = _Draft(directory, listing, reader)
    component = False
    for path in listing.named(directory, NAMES):
        facts = reader.kustomization(path)
        component = component or facts.component
        _add_file(draft, path)
        _add(draft, facts, path)
    return Node(
        component=component,
        opaque=draft.opaque,
        files=frozenset(draft.files),
        missing=frozenset(draft.missing),
        shaped_by=frozenset(draft.shaped_by),
        children=tuple(draft.children),
        charts=tuple(draft.charts),
        folders=tuple(draft.folders),
        remotes=tuple(draft.remotes),
        refusals=tuple(draft.refusals),
    )


def likely_plugin_files(directory: str, references: Iterable[Reference]) -> list[str]:
    """The files of plug-in configuration that a kustomization names, to be read beforehand."""
    found = (
        locate(directory, reference.target)
        for reference in references
        if reference.role is Role.PLUGIN and not reference.remote
    )
    return [path for path in found if path is not None]


def _add(draft: _Draft, facts: References, path: str) -> None:
    """Take in what one file, at `path`, refers to."""
    draft.opaque = draft.opaque or facts.opaque
    for issue in facts.issues:
        draft.refusals[
            Refusal(
                code=issue.code,
                message=issue.message,
                path=path,
                line=issue.line,
                remedy=issue.remedy,
            )
        ] = None
    for reference in facts.references:
        if reference.remote:
            draft.remotes[
                RemoteReference(reference=reference.target, path=path, line=reference.line)
            ] = None
        _add_reference(draft, reference, path)


def _add_reference(draft: _Draft, reference: Reference, origin: str) -> None:
    """Look a reference up; the rest of what a remote one means is not in the tree."""
    located = locate(draft.directory, reference.target)
    if located is None:
        if not reference.remote and reference.role is not Role.HINT:
            draft.refusals[path_outside(reference.target, origin, reference.line)] = None
        return
    listing = draft.listing
    place = listing.resolve(located)
    if reference.remote or reference.role is Role.HINT:
        _add_if_there(draft, place, reference)
        return
    draft.files.update(place.links)
    if place.outside:
        draft.refusals[leads_outside(place.links[0] if place.links else origin)] = None
        return
    if (below := listing.submodule_of(place.path)) is not None:
        draft.refusals[submodule(below)] = None
        draft.missing.add(place.path)
        return
    if reference.role is Role.CHART:
        _add_chart(draft, place)
    elif listing.is_file(place.path) and reference.role is not Role.COMPONENT:
        _add_found(draft, place, reference)
    elif reference.role is not Role.FILE and listing.named(place.path, NAMES):
        _add_directory(draft, place, reference)
    else:
        _add_missing(draft, place, reference)


def _add_if_there(draft: _Draft, place: Place, reference: Reference) -> None:
    """Something that is a file of the tree only if it happens to exist."""
    if place.outside:
        return
    if draft.listing.is_file(place.path):
        _add_found(draft, place, reference)
    else:
        draft.missing.add(place.path)


def _add_missing(draft: _Draft, place: Place, reference: Reference) -> None:
    """Something that does not exist: every place where Kustomize would look for it."""
    draft.missing.add(place.path)
    if reference.role is not Role.FILE:
        draft.missing.update(inside(place.path, name) for name in NAMES)


def _add_found(draft: _Draft, place: Place, reference: Reference) -> None:
    draft.files.add(place.path)
    draft.files.update(place.links)
    if reference.role is Role.PLUGIN:
        draft.shaped_by.add(place.path)
        _add(draft, draft.reader.plugins(place.path), place.path)


def _add_file(draft: _Draft, path: str) -> None:
    """A file and, where it is a link, what it leads to."""
    place = draft.listing.resolve(path)
    draft.files.update((path, *place.links))
    if place.outside:
        draft.refusals[leads_outside(path)] = None
    elif draft.listing.is_file(place.path):
        draft.files.add(place.path)
        if place.path != path:
            draft.shaped_by.add(place.path)
    else:
        draft.missing.add(place.path)


def _add_chart(draft: _Draft, place: Place) -> None:
    draft.folders[place.path] = None
    if inside(place.path, CHART) in draft.listing.entries:
        draft.charts[place.path] = None
    else:
        draft.missing.add(inside(place.path, CHART))


def _add_directory(draft: _Draft, place: Place, reference: Reference) -> None:
    draft.children[place.path] = None
    if reference.role is Role.PLUGIN:
        for path, role in _files_of_plugins(draft, place.path):
            draft.shaped_by.add(path)
            facts = draft.reader.plugins(path)
            _add(draft, References(facts.references) if role is Role.FILE else facts, path)


def _files_of_plugins(draft: _Draft, directory: str) -> list[tuple[str, Role]]:
    """The files of a kustomization that configures plug-ins, and of those it refers to.

    Kustomize resolves the paths inside such files from the kustomization that uses the plug-ins,
    wherever the files lie.
    """
    found: list[tuple[str, Role]] = []
    entered: set[str] = set()
    waiting = [directory]
    while waiting:
        folder = waiting.pop()
        if folder in entered:
            continue
        entered.add(folder)
        if len(entered) > _MAXIMUM_PLUGIN_FOLDERS:
            draft.refusals[plugins_too_far(inside(draft.directory, NAMES[0]))] = None
            break
        for name in draft.listing.named(folder, NAMES):
            draft.shaped_by.add(name)
            for reference in draft.reader.kustomization(name).references:
                if reference.remote or reference.role in (Role.HINT, Role.CHART):
                    continue
                located = locate(folder, reference.target)
                place = None if located is None else draft.listing.resolve(located)
                if place is None or place.outside:
                    continue
                if draft.listing.is_file(place.path):
                    found.append((place.path, reference.role))
                elif reference.role is Role.FILE or not draft.listing.named(place.path, NAMES):
                    _add_missing(draft, place, reference)
                else:
                    waiting.append(place.path)
    return found
