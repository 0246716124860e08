"""What a merge, a squash, a rebase or a cherry-pick must have given, by Git's objects alone.

After the merge the gate does not believe the forge: it computes each landed step again and
compares trees. Everything is a merge of three trees with Git's own strategy, in the scratch
repository (see `gitops_gate.source.merging`): a picked commit is the merge of two commits made up
for it, which have the picked commit's parent as their common ancestor.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gitops_gate.errors import MergeConflictError, SourceError
from gitops_gate.source.commits import CommitFacts, parse_commit, read_commit, write_commit
from gitops_gate.source.git import decode, git_failed, run_git
from gitops_gate.source.merging import merged_tree
from gitops_gate.source.objects import is_object_id
from gitops_gate.source.trees import edited_tree

if TYPE_CHECKING:
    from gitops_gate.source.repository import Repository

MAXIMUM_PICKS = 1_000
"""Commits of one change that are rebased; forges list at most 250 of a change request."""

_MADE_UP = datetime.fromtimestamp(0, UTC)


def merged_tree_id(repository: Repository, ours: str, theirs: str) -> str:
    """The tree that merging the commit `theirs` into `ours` gives, also when squashed.

    Raises `MergeConflictError`, naming files, when they do not merge, and `SourceError` when a
    commit or too much of the history is missing.
    """
    one, other = repository.resolve(ours), repository.resolve(theirs)
    return merged_tree(repository.location, repository.scratch, one, other)


def picked_tree_id(repository: Repository, commit: str, onto: str) -> str:
    """The tree of `git cherry-pick commit` on top of `onto`; so does a rebase, step by step.

    A commit without parents adds everything it has. Raises `MergeConflictError` when it does not
    apply, and `SourceError` for a merge commit and for what is missing.
    """
    target = read_commit(repository, onto)
    return _picked(repository, commit, target.tree)


def reverted_tree_id(repository: Repository, commit: str, onto: str) -> str:
    """The tree of `git revert --mainline 1 commit` on top of `onto`.

    What the commit changed against its first parent is undone. Raises as `picked_tree_id` does,
    but takes merge commits.
    """
    facts = read_commit(repository, commit)
    before = _tree_of_parent(repository, facts.parents)
    return _three_way(repository, facts.tree, read_commit(repository, onto).tree, before, commit)


def rebased_tree_ids(
    repository: Repository, base: str, head: str, onto: str
) -> tuple[tuple[str, str], ...]:
    """The commits that a rebase of `base..head` onto `onto` lands, oldest first, with the trees.

    Which ones is what `git rebase --onto onto base head` says: not in the history of `base`, no
    merge commits, none whose patch `base` has already, in topological order. One that changes
    something and would change nothing any more is left out, one that never did stays. GitLab does
    the same (gitaly, internal/git/localrepo/rebase.go), but lets a branch as it is, merges and
    all, that `base` is an ancestor of; GitHub publishes no rule for commits that change nothing.
    So whoever compares with what landed should leave out such steps on both sides.

    Raises `MergeConflictError` when one of them does not apply, `SourceError` when history is
    missing or there are more than `MAXIMUM_PICKS`.
    """
    tree = read_commit(repository, onto).tree
    landed: list[tuple[str, str]] = []
    for commit in _rebased(repository, repository.resolve(base), repository.resolve(head)):
        picked = _picked(repository, commit, tree)
        if picked != tree or _changes_nothing(repository, commit):
            landed.append((commit, picked))
            tree = picked
    return tuple(landed)


def reachable(repository: Repository, commit: str, of: str) -> bool:
    """Whether `commit` is `of` itself, or an ancestor of it.

    Raises `SourceError` when a commit or the history between them is missing.
    """
    one, other = repository.resolve(commit), repository.resolve(of)
    asked = run_git(("merge-base", "--is-ancestor", one, other), git_dir=repository.scratch)
    if asked.code > 1 or asked.stderr:
        what = f"it cannot be known whether {one} is an ancestor of {other}"
        raise git_failed(what, asked, remedy=repository.location.remedy)
    return asked.code == 0


def steps_between(
    repository: Repository, old: str, tip: str, limit: int = 10_000
) -> tuple[str, ...] | None:
    """The first-parent commits after `old` up to `tip`, oldest first; () when they are the same.

    None when the walk from `tip` over first parents ends without having met `old`: history was
    rewritten, or turned over by a merge in the wrong direction. Raises `SourceError` when history
    is missing before that is known, and when there are more than `limit` steps.
    """
    first, current = repository.resolve(old), repository.resolve(tip)
    walked: list[str] = []
    while current != first:
        if len(walked) == limit:
            raise SourceError(
                f"more than {limit:,} steps lie between {first} and {walked[0]}, if any way leads "
                "there"
            )
        walked.append(current)
        parents = _facts(repository, current).parents
        if not parents:
            return None
        current = parents[0]
    return tuple(reversed(walked))


def touching(repository: Repository, tip: str, path: str, limit: int) -> tuple[str, ...]:
    """The newest `limit` first-parent commits up to `tip` that change one file, newest first.

    Raises `SourceError` when a commit is missing.
    """
    last = repository.resolve(tip)
    command = ("rev-list", "--first-parent", f"--max-count={limit}", last, "--", path)
    asked = run_git(command, git_dir=repository.scratch)
    if asked.code or asked.stderr:
        raise git_failed(f"the history of {path} cannot be read", asked)
    return tuple(decode(asked.stdout).split())


def _rebased(repository: Repository, base: str, head: str) -> list[str]:
    """The commits to pick, oldest first; those that `base` has in other words are marked `=`."""
    options = ("--right-only", "--cherry-mark", "--no-merges", "--topo-order", "--reverse")
    asked = run_git(("rev-list", *options, f"{base}...{head}"), git_dir=repository.scratch)
    if asked.code or asked.stderr:
        what = f"the commits of {head} that {base} does not have cannot be listed"
        raise git_failed(what, asked, remedy=repository.location.remedy)
    marked = decode(asked.stdout).split()
    if len(marked) > MAXIMUM_PICKS:
        raise SourceError(f"{len(marked):,} commits to rebase; at most {MAXIMUM_PICKS:,} are")
    return [
        mark[1:]
        for mark in marked
        if not mark.startswith("=") or _changes_nothing(repository, mark[1:])
    ]


def _picked(repository: Repository, commit: str, onto: str) -> str:
    facts = read_commit(repository, commit)
    if len(facts.parents) > 1:
        raise SourceError(f"{facts.commit} is a merge commit, and cannot be picked")
    before = _tree_of_parent(repository, facts.parents)
    return _three_way(repository, before, onto, facts.tree, facts.commit)


def _changes_nothing(repository: Repository, commit: str) -> bool:
    facts = read_commit(repository, commit)
    return facts.tree == _tree_of_parent(repository, facts.parents)


def _tree_of_parent(repository: Repository, parents: tuple[str, ...]) -> str:
    if not parents:
        return edited_tree(repository, None, {})
    return _facts(repository, parents[0]).tree


def _facts(repository: Repository, commit: str) -> CommitFacts:
    """A commit that another one names; where it is missing, history is, and not a revision."""
    return parse_commit(commit, repository.blobs.read_object(commit, "commit"))


def _three_way(repository: Repository, base: str, ours: str, theirs: str, commit: str) -> str:
    """Merge two trees that have `base` in common, as commits that are made up for it.

    Git 2.40 can be given the base; 2.38 computes it itself, and finds the one that we made.
    """
    if base in (ours, theirs):
        return theirs if ours == base else ours
    origin = _made_up(repository, base, "base")
    one = _made_up(repository, ours, "ours", origin)
    other = _made_up(repository, theirs, "theirs", origin)
    try:
        return merged_tree(repository.location, repository.scratch, one, other)
    except MergeConflictError as error:
        raise MergeConflictError(f"{commit} does not apply: {error.message}") from None


def _made_up(repository: Repository, tree: str, message: str, *parents: str) -> str:
    assert is_object_id(tree)
    return write_commit(repository, tree=tree, parents=parents, message=message, at=_MADE_UP)
