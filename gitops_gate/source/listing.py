"""The entries of a tree object, as `git ls-tree -r -z` lists them (git-ls-tree(1))."""

from __future__ import annotations

import re

from gitops_gate.errors import SourceError, UnsafePathError
from gitops_gate.source.git import decode, git_failed, run_git
from gitops_gate.source.paths import shown
from gitops_gate.source.values import Entry, Mode

MODES = {mode.value: mode for mode in Mode}

# Also finds a harmless name with a tab before one of these, which is then looked at again.
_SUSPECT = re.compile(rb"[\t/](?:\.{0,2}|\.git)[/\0]", re.IGNORECASE)
_NEVER = re.compile(r"(?:\A|/)(?:\.{0,2}|\.git)(?:/|\Z)", re.IGNORECASE)


def list_tree(git_dir: str, tree: str, *, remedy: str | None = None) -> dict[str, Entry]:
    """Every entry below a tree object, by its path, in Git's order.

    Raises `SourceError` when a part of it is missing, when it is larger than `MAXIMUM_LISTING`, or
    names a path twice; `UnsafePathError` when it holds a name that Git would never check out.
    """
    listed = run_git(("ls-tree", "-r", "-z", "--full-tree", tree), git_dir=git_dir)
    if listed.code or listed.stderr:
        raise git_failed(f"tree {tree} cannot be listed", listed, remedy=remedy)
    if _SUSPECT.search(listed.stdout):
        _refuse_unsafe(decode(listed.stdout))
    known: dict[str, Entry] = {}
    entries: dict[str, Entry] = {}
    records = decode(listed.stdout).split("\0")
    for record in records[:-1]:
        what, _, path = record.partition("\t")
        entry = known.get(what)
        if entry is None:
            mode, _, oid = what.split(" ")
            entry = known[what] = entry_of(mode, oid, path)
        entries[path] = entry
    if len(entries) != len(records) - 1:
        raise SourceError(f"tree {tree} names a path twice; it was not made by Git")
    return entries


def entry_of(mode: str, oid: str, path: str) -> Entry:
    """An entry as Git lists it. Raises `SourceError` for a mode that Git does not have."""
    if mode not in MODES:
        raise SourceError(f"has the unknown mode {mode}", path=shown(path))
    return Entry(MODES[mode], oid)


def _refuse_unsafe(listing: str) -> None:
    for record in listing.split("\0")[:-1]:
        path = record.partition("\t")[2]
        if _NEVER.search(path):
            raise UnsafePathError(f"Git would not check out a tree with the path {shown(path)}")
