"""Which steps of a branch are meant: by commit, or by the change request that brought them.

A step is a commit of the branch's first-parent history: a merge, a squashed commit, or one of the
commits of a rebased or fast-forwarded change request.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gitops_gate.errors import ConfigurationError, ForgeError, MergeConflictError, SourceError
from gitops_gate.forges.values import ChangeRequest, ChangeState, LandedChange
from gitops_gate.recovery.proposal import Target
from gitops_gate.source.commits import read_commit
from gitops_gate.source.git import git_failed, run_git
from gitops_gate.source.recompute import merged_tree_id, reachable, steps_between

if TYPE_CHECKING:
    from gitops_gate.forges.interface import Forge
    from gitops_gate.source import Repository

MOST_COMMITS = 250
"""Commits of one change request that are looked for; GitHub lists no more of one either."""

Landed = Callable[[str], Sequence[LandedChange]]
"""The change requests that brought a commit: what a forge says, or an attestation."""


def newest_first(repository: Repository, target: Target, names: Sequence[str]) -> tuple[str, ...]:
    """The full ids of the named steps, in the order in which they are to be undone.

    Raises `ConfigurationError` for a commit that is no step of the branch, naming the one that
    brought it, and `SourceError` for one that is unknown.
    """
    found: dict[str, int] = {}
    for name in names:
        commit = repository.resolve(name)
        after = steps_between(repository, commit, target.commit)
        if after is None:
            raise _no_step(repository, target, commit)
        found[commit] = len(after)
    return tuple(sorted(found, key=found.__getitem__))


def commits_of(
    repository: Repository, target: Target, change: ChangeRequest, landed: Landed | None
) -> tuple[str, ...]:
    """The steps that a merged change request landed as, the newest first.

    Its head has to be in the repository. What `landed` says is not believed alone, since a forge
    may know only the last of several rebased commits: a part of a change request is never taken
    for the whole of it. Raises `ConfigurationError` when it was not merged into this branch or
    cannot be found in its history, and when it cannot be known which commits it landed as.
    """
    if change.state is not ChangeState.MERGED or change.base_ref != target.ref:
        branch = target.ref.removeprefix("refs/heads/")
        raise ConfigurationError(
            f"change request {change.number} is {change.state.value} and was for "
            f"{change.base_ref.removeprefix('refs/heads/')}: it landed nothing on {branch}",
            remedy="name the branch that it landed on: --branch NAME",
        )
    last = _last_step(repository, target, change)
    if len(read_commit(repository, last).parents) > 1:
        return (last,)
    found = _with_earlier(repository, last, change.number, landed) if landed else (last,)
    if not _is_whole(repository, target, change, found):
        raise ConfigurationError(
            f"it cannot be known which commits change request {change.number} landed as",
            remedy=f"name its commits instead of its number, {last} being the last of them",
        )
    return found


def change_of(forge: Forge, number: int) -> ChangeRequest:
    """A change request as it is at this moment. Raises `ForgeError`."""
    change = forge.change_requests.read().change
    if change.number != number:
        raise ForgeError(f"the forge answers with {change.number} when it is asked for {number}")
    return change


def parent_of(repository: Repository, commit: str) -> str:
    """The first parent. Raises `SourceError` for the first commit of a history."""
    parents = read_commit(repository, commit).parents
    if not parents:
        raise SourceError(
            f"{commit} is the first commit: there is no state before it",
            remedy="remove what is not wanted by a change request of your own",
        )
    return parents[0]


def _last_step(repository: Repository, target: Target, change: ChangeRequest) -> str:
    """The newest commit that the change request landed as; a fast-forward lands its head."""
    for candidate in (change.merge_commit, change.head_commit):
        try:
            if candidate and steps_between(repository, candidate, target.commit) is not None:
                return repository.resolve(candidate)
        except SourceError:
            continue
    raise ConfigurationError(
        f"change request {change.number} is merged, and its commit is not in the history of "
        f"{target.ref.removeprefix('refs/heads/')}",
        remedy="name the commits to revert instead",
    )


def _with_earlier(
    repository: Repository, last: str, number: int, landed: Landed
) -> tuple[str, ...]:
    found = [last]
    while len(found) <= MOST_COMMITS:
        parents = read_commit(repository, found[-1]).parents
        if not parents or all(one.number != number for one in landed(parents[0])):
            return tuple(found)
        found.append(parents[0])
    raise ConfigurationError(
        f"change request {number} landed as more than {MOST_COMMITS} commits",
        remedy="name the commits to revert instead",
    )


def _is_whole(
    repository: Repository, target: Target, change: ChangeRequest, found: Sequence[str]
) -> bool:
    """Whether these commits are all that a change request landed as: squashed, or one by one."""
    head, oldest = change.head_commit, parent_of(repository, found[-1])
    if reachable(repository, head, target.commit):
        # Fast-forwarded: its own commits, from where GitLab says that it began.
        began = change.versions[0] if change.versions is not None else oldest
        between = steps_between(repository, began, head)
        return between is not None and tuple(reversed(between)) == tuple(found)
    originals = _originals(repository, head, target.commit)
    if len(found) == originals:
        return True
    if len(found) > 1 or originals < 2:
        return False
    # Squashed, unless all but the last of its commits were there before.
    earlier = parent_of(repository, head)
    try:
        without_last = merged_tree_id(repository, oldest, earlier)
    except MergeConflictError:
        return False
    return without_last != read_commit(repository, oldest).tree


def _originals(repository: Repository, head: str, tip: str) -> int:
    """How many commits, merges apart, a head has that its target does not have."""
    asked = run_git(
        ("rev-list", "--count", "--no-merges", head, f"^{tip}"), git_dir=repository.scratch
    )
    if asked.code or asked.stderr:
        raise git_failed(f"the commits of {head} cannot be counted", asked)
    return int(asked.stdout)


def _no_step(repository: Repository, target: Target, commit: str) -> ConfigurationError:
    """Say which step brought a commit that is none itself."""
    branch = target.ref.removeprefix("refs/heads/")
    if not reachable(repository, commit, target.commit):
        return ConfigurationError(
            f"{commit} never landed on {branch}", remedy="name the branch: --branch NAME"
        )
    brought = target.commit
    while (parents := read_commit(repository, brought).parents) and reachable(
        repository, commit, parents[0]
    ):
        brought = parents[0]
    return ConfigurationError(
        f"{commit} is no step of {branch} itself; the merge {brought} brought it",
        remedy=f"revert the step as a whole: gitops-gate revert {brought}",
    )
