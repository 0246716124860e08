"""What a forge can do, in small pieces: a token rarely can do everything.

`Forge` holds one object for each capability, or None; `missing` then says why, in one line that
is shown to people. A capability that is there works, or raises `ForgeError`; none is a stub.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gitops_gate.approvals.people import Access
from gitops_gate.forges.queues import ReadsQueue
from gitops_gate.forges.values import (
    Account,
    ApprovalFacts,
    Comment,
    CommitStatus,
    ForgeKind,
    InlineComment,
    LandedChange,
    NewChangeRequest,
    Protection,
    Push,
    RepositoryIdentity,
    RepositoryProtection,
    Snapshot,
    Thread,
    Tips,
)


class ReadsChangeRequest(Protocol):
    """Reads the change request that the forge was connected for."""

    def read(self) -> Snapshot:
        """Everything about it at this moment, every list to its end.

        Raises `ForgeError` when it cannot be read or the repository's id is not the pinned one.
        """

    def tips(self) -> Tips:
        """Where the head and the target are at this moment, in one request, never from a cache.

        Asked for just before writing, so that nothing of an older head is put over a newer one.
        """

    def comments(self) -> Sequence[Comment]:
        """The comments at this moment, in one request for each hundred, never from a cache.

        Asked for just after writing, to see what other runs wrote at the same time.
        """

    def sharing(self, snapshot: Snapshot) -> tuple[int, ...]:
        """The numbers of other open change requests with the same head, sorted.

        A commit's status counts for all of them, whatever branch each is for. Raises `ForgeError`.
        """

    def protects(self, branch: str) -> bool | None:
        """Whether a branch, by its short name, is protected; None where it cannot be read."""

    def number_of(self, head: str) -> int | None:
        """The number of the one open change request whose head is this commit, else None."""


class ReadsApprovals(Protocol):
    """Reads what approvals are evaluated from.

    Of a merged change request too, whether its branch, its fork or its target is still there or
    not. What people did after the merge is among the reviews, by its time.
    """

    def approvals(self, snapshot: Snapshot) -> ApprovalFacts:
        """Reviews, pushes and the people behind the commits. Raises `ForgeError`.

        Pushes after the merge are left out. They are None where the record of them is gone with
        the fork that it was kept in (GitHub).
        """

    def target_moves(self, snapshot: Snapshot) -> tuple[Push, ...] | None:
        """Where the target branch has moved since the change request was opened, oldest first.

        Asked for only where an approval may have been given on an older tip, since it takes a
        request. Of a merged one the merge is among them, and what came after it. None where the
        token may not read it, and on GitHub where the branch is gone. Raises `ForgeError`.
        """

    def members(self, teams: Iterable[str]) -> Mapping[str, frozenset[int] | None]:
        """The numeric ids of the members of teams or groups, nested ones included.

        None for a team that does not exist or that this token may not see.
        """

    def access(self, account: Account) -> Access | None:
        """What an account may do in the repository; None where it cannot be read."""


class ReadsLanded(Protocol):
    """Reads which change requests brought a commit to its branch."""

    def landed(self, commit: str) -> tuple[LandedChange, ...]:
        """The merged change requests that the forge connects with a commit, by number.

        Those for every branch, since a forge does not tell which one the commit was asked on. An
        empty answer means that it knows of none, which may be so for a while after the merge: who
        needs an answer asks again. Raises `ForgeError`.
        """


class ReadsIdentity(Protocol):
    """Reads which repository it is."""

    def identity(self) -> RepositoryIdentity:
        """Its numeric id, its path and its addresses, in one request.

        Raises `ForgeError` when it cannot be read or the repository's id is not the pinned one.
        """


class PublishesSummary(Protocol):
    """Writes comments on the change request as a whole.

    `limit` is how many characters (code points) one comment takes.
    """

    limit: int

    def create_comment(self, body: str) -> Comment:
        """A new comment. A `ForgeError` that is `uncertain` may have made one."""

    def update_comment(self, comment: Comment, body: str) -> Comment:
        """The same comment with another body."""

    def delete_comment(self, comment: Comment) -> None:
        """Remove a comment of our own; one that is already gone is no error."""


class PublishesInline(Protocol):
    """Writes comments on lines."""

    def add(self, snapshot: Snapshot, comments: Sequence[InlineComment]) -> Sequence[InlineComment]:
        """Put comments on lines, and return those that the forge would not take."""

    def edit(self, thread: Thread, body: str) -> None:
        """Replace the first comment of a thread of ours."""

    def resolve(self, thread: Thread) -> None:
        """Resolve a thread of ours whose `can_resolve` is true."""


class PublishesStatus(Protocol):
    """Sets a commit's status."""

    def statuses(self, commit: str) -> Sequence[CommitStatus]:
        """The newest status of each context on a commit."""

    def set_status(self, commit: str, status: CommitStatus) -> None:
        """Set a status; setting the same one again changes nothing."""


class UploadsSarif(Protocol):
    """Takes a SARIF report into the forge's own list of alerts."""

    def upload(self, commit: str, ref: str, sarif: str) -> None:
        """Hand a SARIF report over for a commit on a full ref name."""


class ReadsProtection(Protocol):
    """Reads how a repository and its branches are protected, and writes nothing."""

    def protection(self, branch: str) -> Protection:
        """The protection of a branch, given by its short name; it need not exist."""

    def repository(self) -> RepositoryProtection:
        """The settings beside branches. What the token may not read is None.

        Raises `ForgeError` when the repository itself cannot be read.
        """


class OpensChangeRequest(Protocol):
    """Opens a change request."""

    def open(self, request: NewChangeRequest) -> str:
        """Open it, or find the open one from the same branch; returns its address for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forge:
    """A connected forge: one object for each capability, or None with a line in `missing`."""

    kind: ForgeKind
    change_requests: ReadsChangeRequest
    approvals: ReadsApprovals | None
    summary: PublishesSummary | None
    inline: PublishesInline | None
    status: PublishesStatus | None
    sarif: UploadsSarif | None
    protection: ReadsProtection | None
    opening: OpensChangeRequest | None
    landed: ReadsLanded | None = None
    queue: ReadsQueue | None = None
    identity: ReadsIdentity | None = None
    missing: tuple[str, ...] = ()
