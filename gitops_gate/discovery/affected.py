"""Which applications a change affects, and which changed files nobody looks at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Set

from gitops_gate.discovery.facts import ManifestFacts
from gitops_gate.discovery.manifests import group_of
from gitops_gate.discovery.values import Affected, Discovery, Renderer, Unclaimed
from gitops_gate.errors import SourceError
from gitops_gate.source import changed_paths
from gitops_gate.source.values import Mode, Tree

_BATCH = 512
_ARCHIVES = (".tgz", ".tar.gz")
Kinds = frozenset[tuple[str, str]]


def affected(base: Discovery, head: Discovery, base_tree: Tree, head_tree: Tree) -> Affected:
    """Compare two revisions whose discoveries were made with each other in view.

    An application is affected when it exists on one side only or is not the same on both, when a
    file of its closure differs in content, mode or existence, and when a changed
    CustomResourceDefinition may validate one of its resources.
    """
    changed = frozenset(changed_paths(base_tree, head_tree))
    names = {
        name
        for name in base.applications.keys() | head.applications.keys()
        if _differs(name, base, head, changed)
    }
    names |= _validated_anew(changed, base, head, head_tree, names)
    unreached, others = _unlooked(changed, base, head)
    unclaimed = {item.path for side in (base, head) for item in side.unclaimed}
    return Affected(
        applications=tuple(sorted(names)),
        unreached=unreached,
        unclaimed=others,
        unchanged_unclaimed=len(unclaimed - changed),
    )


def _differs(name: str, base: Discovery, head: Discovery, changed: Set[str]) -> bool:
    before, after = base.applications.get(name), head.applications.get(name)
    if before is None or after is None or before != after:
        return True
    one, other = base.closures[name], head.closures[name]
    if one is other and not one.missing:
        return not changed.isdisjoint(one.files)
    return not (
        one.files == other.files
        and one.remotes == other.remotes
        and one.refusals == other.refusals
        and changed.isdisjoint(one.files)
        and changed.isdisjoint(one.missing)
        and changed.isdisjoint(other.missing)
    )


def _validated_anew(
    changed: frozenset[str], base: Discovery, head: Discovery, tree: Tree, known: Set[str]
) -> set[str]:
    """Applications whose resources a changed CRD may judge otherwise than before.

    Where the files show all kinds, these tell; where a chart or generator makes resources, the
    name of the kind anywhere in its files does.
    """
    kinds = frozenset(
        kind
        for side in (base, head)
        for path in changed.intersection(side.crds)
        for kind in _defined(side.facts.get(path))
    )
    if not kinds:
        return set()
    candidates = head.applications.keys() - known
    opaque = candidates & head.opaque
    found = {name for name in candidates - opaque if _shows(head.closures[name].files, kinds, head)}
    mentioning = _mentioning(
        {path for name in opaque for path in head.closures[name].files}, kinds, tree
    )
    return found | {name for name in opaque if not mentioning.isdisjoint(head.closures[name].files)}


def _defined(facts: ManifestFacts | None) -> tuple[tuple[str, str], ...]:
    return facts.crds if facts is not None else ()


def _shows(files: Iterable[str], kinds: Kinds, side: Discovery) -> bool:
    return any(
        (group_of(version), kind) in kinds
        for path in files
        if (facts := side.facts.get(path)) is not None
        for version, kind in facts.kinds
    )


def _mentioning(paths: Set[str], kinds: Kinds, tree: Tree) -> set[str]:
    """The files that hold the name of a kind as a word, and those that nobody can look into."""
    words = b"|".join(re.escape(kind.encode("utf-8", "replace")) for _, kind in sorted(kinds))
    pattern = re.compile(rb"\b(?:" + words + rb")\b")
    found = {path for path in paths if path.endswith(_ARCHIVES)}
    wanted = sorted(
        path
        for path in paths - found
        if path in tree.entries and tree.entries[path].mode in (Mode.FILE, Mode.EXECUTABLE)
    )
    for start in range(0, len(wanted), _BATCH):
        some = wanted[start : start + _BATCH]
        try:
            contents = list(tree.blobs.read_many(tree.entries[path] for path in some))
        except SourceError:
            found.update(some)
            continue
        found.update(
            path for path, content in zip(some, contents, strict=True) if pattern.search(content)
        )
    return found


def _unlooked(
    changed: Set[str], base: Discovery, head: Discovery
) -> tuple[tuple[Unclaimed, ...], tuple[Unclaimed, ...]]:
    """The changed files that no application reads: those that block, and the others.

    A file that a kustomization lets go is judged with that application. Not so when a kustomization
    is put in front of a chart or of a directory of manifests, or becomes a Component: that hides
    files from us, but not from who deploys the directory as before.
    """
    before, after = _unread(changed, base), _unread(changed, head)
    dead = frozenset(path for files in head.kustomization_files.values() for path in files)
    for closure in head.closures.values() if before else ():
        for path in before.keys() & closure.files:
            del before[path]
    for name, closure in base.closures.items() if after else ():
        if base.applications[name].renderer is Renderer.KUSTOMIZE:
            for path in (after.keys() & closure.files) - dead:
                del after[path]
    unread = before | after
    reason = (
        "values that an agent gives to a chart, and that it is not rendered with: "
        "name them under applications[].helm.values"
    )
    for path in changed & (base.unrendered_values | head.unrendered_values):
        unread[path] = Unclaimed(path=path, reason=reason, blocks=True)
    items = [unread[path] for path in sorted(unread)]
    return (
        tuple(item for item in items if item.blocks),
        tuple(item for item in items if not item.blocks),
    )


def _unread(changed: Set[str], side: Discovery) -> dict[str, Unclaimed]:
    """The changed files that nothing reads at one revision, by path."""
    known: dict[str, Unclaimed] = {}
    for directory, files in sorted(side.kustomization_files.items()):
        reason = f"read only by the kustomization of {directory}, which no application reaches"
        for path in changed & files:
            known[path] = Unclaimed(path=path, reason=reason, blocks=True)
    for directory, files in sorted(side.hidden_charts.items()):
        reason = f"of the chart in {directory}, which an agent names and a kustomization hides"
        for path in changed & files:
            known[path] = Unclaimed(path=path, reason=reason, blocks=True)
    known |= {item.path: item for item in side.unclaimed if item.path in changed}
    for closure in side.closures.values() if known else ():
        for path in known.keys() & closure.files:
            del known[path]
    return known
