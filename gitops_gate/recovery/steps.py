"""Which steps of a branch are meant: by commit, or by the change request that brought them.

A step is a commit of the branch's first-parent history: a merge, a squashed commit, or one of the
commits of a rebased or fast-forwarded change request.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gitops_gate.errors import ConfigurationError, ForgeError, SourceError
from gitops_gate.forges.values import ChangeRequest, ChangeState, LandedChange
from gitops_gate.recovery.proposal import Target
from gitops_gate.source.commits import read_commit
from gitops_gate.source.recompute import reachable, steps_between

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

    Raises `ConfigurationError` when it was not merged into this branch or cannot be found in its
    history, and when nothing says whether it landed as one commit or several.
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
    if landed is None:
        raise ConfigurationError(
            f"nothing says how many commits change request {change.number} landed as",
            remedy=f"name its commits instead of its number, {last} being the last of them",
        )
    return _with_earlier(repository, last, change.number, landed)


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
    candidates = [one for one in (change.merge_commit, change.head_commit) if one is not None]
    for candidate in candidates:
        try:
            if steps_between(repository, candidate, target.commit) is not None:
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
