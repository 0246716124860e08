"""Which paths differ between two trees."""

from __future__ import annotations

from gitops_gate.source.blobs import FOLDER_PREFIX
from gitops_gate.source.values import Entry, Mode, Tree


def changed_paths(base: Tree, head: Tree) -> tuple[str, ...]:
    """The sorted paths whose mode or content differ, or that only one of the trees has.

    Git's ids are compared where both trees have them; where one is a folder, whose files nobody
    has hashed, or where their hashes differ in kind, the contents are read and compared.
    """
    if base.identity and base.identity == head.identity:
        return ()
    before, after = base.entries, head.entries
    one_folder = base.blobs == head.blobs
    differing: set[str] = set()
    unsure: list[str] = []
    for path, entry in after.items():
        other = before.get(path)
        if other is entry or (other == entry and (one_folder or not _in_folder(entry))):
            continue
        if other is not None and _only_content_tells(other, entry):
            unsure.append(path)
        else:
            differing.add(path)
    differing.update(path for path in before if path not in after)
    return tuple(sorted(differing | _differing_content(base, head, unsure)))


def _in_folder(entry: Entry) -> bool:
    return entry.oid.startswith(FOLDER_PREFIX)


def _only_content_tells(one: Entry, other: Entry) -> bool:
    """Whether these entries can be equal although their ids differ."""
    if one.mode != other.mode or one.mode == Mode.SUBMODULE:
        return False
    return _in_folder(one) or _in_folder(other) or len(one.oid) != len(other.oid)


def _differing_content(base: Tree, head: Tree, paths: list[str]) -> set[str]:
    """Those of `paths` that do not have the same content in both trees."""
    ones = base.blobs.read_many(base.entries[path] for path in paths)
    others = head.blobs.read_many(head.entries[path] for path in paths)
    return {path for path, one, other in zip(paths, ones, others, strict=True) if one != other}
