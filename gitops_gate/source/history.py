"""Ancestors of commits, and whether enough history is there to be sure of them.

A shallow clone knows that it ends somewhere, but not what lies behind: an ancestor that looks
like the best common one may not be it. So ancestors are computed without shallow boundaries,
where a missing commit is an error; only when that fails is the answer of the shallow history
taken, and only if it can be proven: every commit that is an ancestor of one side and not of the
answer is there with all its parents. Then no better common ancestor can hide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops_gate.errors import SourceError
from gitops_gate.source.commits import parse_commit
from gitops_gate.source.git import decode, run_git

if TYPE_CHECKING:
    from gitops_gate.source.location import Location
    from gitops_gate.source.objects import GitBlobs


def best_ancestor(location: Location, blobs: GitBlobs, one: str, other: str) -> str:
    """The merge base of two commits (git-merge-base(1)).

    Where merges criss-cross there are several: the one with the newest committer date is taken,
    and of equally new ones the smallest id, in whatever order the commits are given.
    Raises `SourceError` when the commits have no common ancestor, or when it cannot be known.
    """
    bases = _merge_bases(blobs.git_dir, one, other)
    if bases is None:
        bases = _merge_bases(location.git_dir, one, other)
        if not bases or len(bases) > 1 or not _all_known(blobs.git_dir, one, other, bases[0]):
            raise SourceError(
                f"too little history to know the common ancestor of {one} and {other}",
                remedy=_deeper(location),
            )
    if not bases:
        raise SourceError(
            f"the commits {one} and {other} have no common ancestor",
            remedy="name what to compare with: --base REV",
        )
    if len(bases) == 1:
        return bases[0]
    facts = (parse_commit(commit, blobs.read_object(commit, "commit")) for commit in bases)
    return min(facts, key=lambda fact: (-fact.committed_at.timestamp(), fact.commit)).commit


def first_parents(blobs: GitBlobs, commit: str, limit: int) -> tuple[str, ...]:
    """At most `limit` commits: this one, its first parent, and so on to the root."""
    found: list[str] = []
    current: str | None = commit
    while current is not None and len(found) < limit:
        parents = parse_commit(current, blobs.read_object(current, "commit")).parents
        found.append(current)
        current = parents[0] if parents else None
    return tuple(found)


def _deeper(location: Location) -> str:
    if location.shallow:
        return "git fetch --unshallow, or a little more at a time: git fetch --deepen=100"
    return location.remedy


def _merge_bases(git_dir: str, one: str, other: str) -> list[str] | None:
    """All best common ancestors; None when a commit is missing on the way."""
    asked = run_git(("merge-base", "--all", one, other), git_dir=git_dir)
    if asked.stderr or asked.code > 1:
        return None
    return decode(asked.stdout).split()


def _all_known(git_dir: str, one: str, other: str, base: str) -> bool:
    """Whether every ancestor of either side that is no ancestor of the base is there."""
    asked = run_git(("rev-list", "--count", one, other, f"^{base}"), git_dir=git_dir)
    return asked.code == 0 and not asked.stderr
