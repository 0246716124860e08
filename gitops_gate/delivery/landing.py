"""Which change request brought a commit, proven by making its merge again from Git alone.

    commit ──the forge names candidates──> for each: does Git give these very commits from it?

The forge's word only names candidates. A merge, a squash, a rebase or a fast-forward of the head
that a change request had must give the trees that the branch has; what cannot be made again, such
as an edit inside of a merge commit, did not come from the change request.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from gitops_gate.delivery.values import Hold, Landing, Method
from gitops_gate.errors import MergeConflictError
from gitops_gate.forges.values import LandedChange
from gitops_gate.source import Repository
from gitops_gate.source.commits import read_commit
from gitops_gate.source.recompute import (
    merged_tree_id,
    reachable,
    rebased_tree_ids,
    steps_between,
)

Landed = Callable[[str], tuple[LandedChange, ...]]
"""The change requests that the forge connects with a commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proof:
    """That a change gives the first `count` commits, or why it does not."""

    method: Method | None = None
    count: int = 0
    why: str = ""


def landing_of(
    repository: Repository,
    commits: Sequence[str],
    *,
    before: str,
    branch: str,
    landed: Landed,
    earlier: Collection[int] = (),
) -> Landing | Hold:
    """How the first of `commits`, which stand on `before`, came to a branch (full ref name).

    The forge is asked about that commit alone, and not about later ones: so what was pushed just
    before a change is not taken for a part of it. `earlier` are the numbers of change requests that
    landed before: none lands twice. Raises `ForgeError` and `SourceError` when it cannot be found
    out.
    """
    first = commits[0]
    parents = read_commit(repository, first).parents
    if len(parents) > 2:
        message = f"{_short(first)} is a merge of {len(parents)} parents: no forge makes one"
        return Hold(commit=first, code="octopus", message=message)
    proofs = {
        change: _proof(repository, before, commits, change)
        for change in landed(first)
        if change.base_ref == branch
    }
    proven = {change: proof for change, proof in proofs.items() if proof.method}
    if proven:
        return _landing(before, commits, proven, earlier)
    return _unexplained(first, {change.number: proof.why for change, proof in proofs.items()})


def _landing(
    before: str,
    commits: Sequence[str],
    proofs: dict[LandedChange, _Proof],
    earlier: Collection[int],
) -> Landing | Hold:
    """All changes that account for the longest run of commits."""
    count = max(proof.count for proof in proofs.values())
    best = [change for change, proof in proofs.items() if proof.count == count]
    again = [change.number for change in best if change.number in earlier]
    if again:
        message = f"change request {again[0]} landed once already, and was not reviewed again"
        return Hold(commit=commits[0], code="landed_twice", message=message)
    method = proofs[best[0]].method
    assert method is not None
    return Landing(
        before=before,
        commits=tuple(commits[:count]),
        method=method,
        changes=tuple(sorted(best, key=lambda change: change.number)),
    )


def _unexplained(commit: str, refusals: dict[int, str]) -> Hold:
    if not refusals:
        message = f"no merged change request brought {_short(commit)}: it was pushed directly"
        return Hold(commit=commit, code="direct_push", message=message)
    whys = "; ".join(f"change request {number}: {why}" for number, why in sorted(refusals.items()))
    message = f"{_short(commit)} is not what its change request gives: {whys}"
    return Hold(commit=commit, code="not_reproduced", message=message)


def _proof(
    repository: Repository, before: str, commits: Sequence[str], change: LandedChange
) -> _Proof:
    try:
        repository.resolve(change.head)
        if change.head in commits:
            return _fast_forward(commits, change)
        if len(read_commit(repository, commits[0]).parents) == 2:
            return _merge(repository, before, commits[0], change)
        return _linear(repository, before, commits, change)
    except MergeConflictError as error:
        return _Proof(why=f"it does not merge: {error.message}")


def _fast_forward(commits: Sequence[str], change: LandedChange) -> _Proof:
    """The head itself is on the branch, and what leads to it, whatever merges are among that."""
    landed_as = change.merge_commit or change.squash_commit
    if landed_as not in (None, change.head):
        return _Proof(why=f"it landed as {_short(landed_as)}")
    return _Proof(method=Method.FAST_FORWARD, count=commits.index(change.head) + 1)


def _merge(repository: Repository, before: str, commit: str, change: LandedChange) -> _Proof:
    if change.merge_commit not in (None, commit):
        return _Proof(why=f"it landed as {_short(change.merge_commit)}")
    facts = read_commit(repository, commit)
    expected = merged_tree_id(repository, before, change.head)
    if facts.tree != expected:
        return _Proof(why="the merge commit holds something else than the merge gives")
    if not _brings_only(repository, before, facts.parents[1], change):
        return _Proof(why=f"what was merged is {_short(facts.parents[1])}, not its head")
    return _Proof(method=Method.MERGE, count=1)


def _brings_only(repository: Repository, before: str, merged: str, change: LandedChange) -> bool:
    """Whether a merge's second parent is the change: its head, or its commits made anew."""
    if merged == change.head:
        return True
    if merged == change.squash_commit:
        return all(
            reachable(repository, parent, before) or reachable(repository, parent, change.head)
            for parent in read_commit(repository, merged).parents
        )
    steps = steps_between(repository, before, merged)
    if not steps:
        return False
    return bool(_rebased(repository, before, steps, change, whole=True))


def _linear(
    repository: Repository, before: str, commits: Sequence[str], change: LandedChange
) -> _Proof:
    """A commit of one parent: a squash, or the first of rebased commits."""
    landed_as = change.merge_commit or change.squash_commit
    if landed_as is not None and landed_as not in commits:
        return _Proof(why=f"it landed as {_short(landed_as)}")
    merged = merged_tree_id(repository, before, change.head)
    if landed_as == commits[0] and read_commit(repository, commits[0]).tree == merged:
        return _Proof(method=Method.SQUASH, count=1)
    run = commits if landed_as is None else commits[: commits.index(landed_as) + 1]
    count = _rebased(repository, before, run, change, whole=landed_as is not None)
    if not count:
        return _Proof(why="neither squashing nor rebasing it gives these commits")
    # Its review showed the merge. A rebase leaves out what the branch had before and took back.
    if read_commit(repository, commits[count - 1]).tree != merged:
        return _Proof(why="rebasing it gave something else than the merge that was reviewed")
    return _Proof(method=Method.REBASE, count=count)


def _rebased(
    repository: Repository,
    before: str,
    commits: Sequence[str],
    change: LandedChange,
    *,
    whole: bool,
) -> int:
    """How many of the commits are the change's own, made anew on `before`; 0 where not all are.

    Forges differ in what they keep of commits that change nothing, so those are passed over. After
    the last one that changes something, all of them belong to the change where `whole` says that
    the commits end with it; else as many as a rebase makes.
    """
    start = read_commit(repository, before).tree
    made = [tree for _, tree in rebased_tree_ids(repository, before, change.head, before)]
    wanted = _changing(start, made)
    there = [read_commit(repository, commit).tree for commit in commits]
    found = _changing(start, there)
    if [tree for tree, _ in found[: len(wanted)]] != [tree for tree, _ in wanted]:
        return 0
    more = found[len(wanted) :]
    if whole:
        return 0 if more else len(commits)
    last, end = (wanted[-1][1], found[len(wanted) - 1][1]) if wanted else (0, 0)
    return min(end + len(made) - last, more[0][1] - 1 if more else len(commits))


def _changing(tree: str, steps: Sequence[str]) -> list[tuple[str, int]]:
    """The trees that differ from the one before, and the numbers of their steps, from 1."""
    changing = []
    for number, after in enumerate(steps, start=1):
        if after != tree:
            changing.append((after, number))
        tree = after
    return changing


def _short(commit: str | None) -> str:
    return commit[:12] if commit else "nothing"
