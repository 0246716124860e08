"""A change that is proposed: written onto the tip of its target, pushed, opened for review.

    tree on the tip ──draft──> Proposal ──propose──> branch on the forge ──> change request

Up to the push, everything is in our own scratch repository and nothing has happened. The commit is
the same whenever the same is proposed on the same tip, so that proposing it again finds the branch
and the change request that are there. Nothing that is proposed here is privileged: it passes the
same gate as every other change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops_gate.errors import ConfigurationError, MergeConflictError, SourceError
from gitops_gate.forges.values import NewChangeRequest
from gitops_gate.source.commits import edited_tree, read_commit, write_commit
from gitops_gate.source.git import decode, git_failed, run_git
from gitops_gate.source.recompute import picked_tree_id, reachable
from gitops_gate.source.remote import fetch, push, remote_refs
from gitops_gate.source.remote_values import PushResult, RefUpdate
from gitops_gate.tools import clean_text

if TYPE_CHECKING:
    from gitops_gate.recovery.reaching import Remote
    from gitops_gate.source import Repository

PREFIX = "refs/heads/gitops-gate/"
"""Where the branches of proposals are."""

TRAILER = "Gitops-Gate"
"""The trailer (git-interpret-trailers(1)) of a proposal's message that says what it is."""

_LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The branch that a change is for, by its full ref name, and the commit of its tip."""

    ref: str
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A change request to be.

    `what` says in a line what it does, in the same words each time: `revert <commit>`. `commit` is
    in the scratch repository, on top of the target's tip; `branch` is the full name of the ref that
    it goes to. `body` is Markdown. `diff` is what changes in the files, for people, unescaped.
    """

    what: str
    title: str
    body: str
    branch: str
    target: Target
    commit: str
    diff: tuple[str, ...]
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How a proposal presents itself; `short` ends the name of its branch."""

    what: str
    title: str
    body: str
    short: str
    reason: str = ""
    labels: tuple[str, ...] = ()


def draft(repository: Repository, target: Target, tree: str, wording: Wording) -> Proposal:
    """The proposal that makes the target's tree the given one.

    Raises `SourceError` when that changes nothing.
    """
    tip = read_commit(repository, target.commit)
    if tree == tip.tree:
        raise SourceError(f"there is nothing to propose: {wording.what} changes no file")
    title = clean_text(wording.title, limit=_LONGEST_TITLE).replace("\n", " ")
    parts = [title, clean_text(wording.reason, limit=10_000), f"{TRAILER}: {wording.what}"]
    commit = write_commit(
        repository,
        tree=tree,
        parents=(target.commit,),
        message="\n\n".join(part for part in parts if part),
        at=tip.committed_at,
    )
    return Proposal(
        what=wording.what,
        title=title,
        body=wording.body,
        branch=f"{PREFIX}{wording.short}",
        target=target,
        commit=commit,
        diff=_diff(repository, target.commit, commit),
        labels=wording.labels,
    )


def draft_edits(
    repository: Repository, target: Target, edits: Mapping[str, bytes | None], wording: Wording
) -> Proposal:
    """As `draft`, for files by their path; None removes one."""
    tip = read_commit(repository, target.commit)
    return draft(repository, target, edited_tree(repository, tip.tree, edits), wording)


def propose(repository: Repository, remote: Remote, proposal: Proposal) -> str:
    """Push the proposal's branch, open its change request, and return the address for people.

    A branch that is there with the same change is taken as it is, and so is its change request.
    Raises `SourceError` when the branch holds something else or cannot be pushed, `ForgeError` when
    the forge does not open it, `ConfigurationError` when the token may not.
    """
    opening = remote.forge.opening
    if opening is None:
        raise ConfigurationError(
            "the token may not open change requests"
            + "".join(f"; {line}" for line in remote.forge.missing),
            remedy="give one that may write contents and change requests",
        )
    _push(repository, remote, proposal)
    request = NewChangeRequest(
        title=proposal.title,
        body=proposal.body,
        head_ref=proposal.branch,
        base_ref=proposal.target.ref,
        labels=proposal.labels,
    )
    return opening.open(request)


def _push(repository: Repository, remote: Remote, proposal: Proposal) -> None:
    """Make the branch on the forge, or see that it is there already."""
    if _is_there(repository, remote, proposal):
        return
    update = RefUpdate(ref=proposal.branch, old=None, new=proposal.commit)
    try:
        pushed = push(repository, remote.address, [update])
    except SourceError:
        # It may have arrived all the same.
        if _is_there(repository, remote, proposal):
            return
        raise
    if pushed.result is PushResult.DONE:
        return
    if pushed.result is PushResult.STALE and _is_there(repository, remote, proposal):
        return
    raise SourceError(
        f"the branch {_short(proposal.branch)} cannot be pushed: {pushed.message}",
        remedy="give a token that may write contents, and let it make branches of gitops-gate/",
    )


def _is_there(repository: Repository, remote: Remote, proposal: Proposal) -> bool:
    """Whether the branch exists with this change. Raises `SourceError` for one with another."""
    there = remote_refs(remote.address, (proposal.branch,)).get(proposal.branch)
    if there in (None, proposal.commit):
        return there is not None
    assert there is not None
    fetch(repository, remote.address, (there,))
    if reachable(repository, there, proposal.target.commit):
        what = "is there already, and what it holds has landed"
    elif not _same_change(repository, proposal, there):
        what = "is there already and holds another change"
    else:
        return True
    raise SourceError(
        f"the branch {_short(proposal.branch)} {what}",
        remedy="close its change request and delete the branch, if nobody needs them",
    )


def _same_change(repository: Repository, proposal: Proposal, there: str) -> bool:
    """Whether a commit, made on an older tip, changes today's tip as the proposal does."""
    older = read_commit(repository, there)
    if len(older.parents) != 1:
        return False
    try:
        picked = picked_tree_id(repository, there, proposal.target.commit)
    except MergeConflictError:
        return False
    on_target = reachable(repository, older.parents[0], proposal.target.commit)
    return on_target and picked == read_commit(repository, proposal.commit).tree


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/")


def _diff(repository: Repository, before: str, after: str) -> tuple[str, ...]:
    """The unified diff of two commits, a line each (git-diff-tree(1))."""
    options = ("-r", "-p", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames")
    shown = run_git(("diff-tree", *options, before, after), git_dir=repository.scratch)
    if shown.code:
        raise git_failed("the difference cannot be shown", shown)
    return tuple(decode(shown.stdout).removesuffix("\n").split("\n"))
