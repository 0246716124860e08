"""GitHub's shapes as our values. What is not as GitHub documents it raises `ForgeError`."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from gitops_gate.forges.github.api import as_documented
from gitops_gate.forges.github.reading import Reading
from gitops_gate.forges.values import (
    Account,
    ChangeRequest,
    ChangeState,
    Comment,
    CommitStatus,
    Snapshot,
    StatusState,
    Thread,
    Tips,
)

_STATES = {
    "OPEN": ChangeState.OPEN,
    "CLOSED": ChangeState.CLOSED,
    "MERGED": ChangeState.MERGED,
}
_STATUS_STATES: Mapping[str, StatusState] = {
    "SUCCESS": "success",
    "FAILURE": "failure",
    "ERROR": "error",
    "PENDING": "pending",
    "EXPECTED": "pending",
}
_WORDS = {
    "commits": "commits",
    "reviews": "reviews",
    "comments": "comments",
    "reviewThreads": "discussions",
}
GHOST = Account(id=None, login="ghost")
"""Who GitHub shows in place of an account that is gone."""


def snapshot_of(reading: Reading) -> Snapshot:
    """A reading as a snapshot."""
    with as_documented("the pull request"):
        statuses, unknown = _statuses(reading)
        unknown += tuple(
            f"GitHub gave fewer {_WORDS.get(field, field)} of the pull request than it counts"
            for field in sorted(reading.short)
        )
        return Snapshot(
            change=_change(reading),
            comments=comments_of(reading.lists["comments"]),
            threads=tuple(
                thread for node in reading.lists["reviewThreads"] if (thread := _thread(node))
            ),
            statuses=statuses,
            own_id=reading.viewer_id,
            unknown=unknown,
        )


def comments_of(nodes: Sequence[Mapping[str, Any]]) -> tuple[Comment, ...]:
    """Comments, the oldest first, however the forge ordered them."""
    return tuple(sorted(map(_comment, nodes), key=_order))


def tips_of(pull: Mapping[str, Any]) -> Tips:
    """Where the head and the target are."""
    base = pull.get("baseRef") or {}
    return Tips(
        state=_STATES[pull["state"]],
        head=str(pull["headRefOid"]),
        base_ref=f"refs/heads/{pull['baseRefName']}",
        base=(base.get("target") or {}).get("oid"),
    )


def moment(text: str) -> datetime.datetime:
    """A time of GitHub's, with its zone. Raises `ValueError` for one without."""
    parsed = datetime.datetime.fromisoformat(text)
    if parsed.tzinfo is None:
        raise ValueError(text)
    return parsed


def account(node: Mapping[str, Any] | None) -> Account:
    """An actor of a GraphQL answer."""
    if node is None:
        return GHOST
    number = node.get("databaseId")
    return Account(
        id=None if number is None else int(number),
        login=str(node["login"]),
        bot=node.get("__typename") == "Bot",
    )


def rest_account(user: Mapping[str, Any] | None) -> Account:
    """A user of a REST answer, whose name of a bot has a suffix that GraphQL's has not."""
    if user is None:
        return GHOST
    return Account(
        id=int(user["id"]),
        login=str(user["login"]).removesuffix("[bot]"),
        bot=user.get("type") == "Bot",
    )


def rest_comment(answer: Mapping[str, Any]) -> Comment:
    """A comment of our own, as REST answers after it was written."""
    created, updated = moment(answer["created_at"]), moment(answer["updated_at"])
    return Comment(
        id=str(int(answer["id"])),
        author=rest_account(answer.get("user")),
        ours=True,
        body=str(answer.get("body") or ""),
        created_at=created,
        edited_at=updated if updated != created else None,
    )


def status_state(text: str) -> StatusState:
    """A status's state, as either API writes it."""
    return _STATUS_STATES[text.upper()]


def is_ours(creator: Mapping[str, Any] | None, viewer: str) -> bool | None:
    """Whether an account is the token's own; None for one that is gone."""
    if not creator:
        return None
    return str(creator["login"]).removesuffix("[bot]") == viewer


def _change(reading: Reading) -> ChangeRequest:
    pull, repository = reading.pull, reading.repository
    tips = tips_of(pull)
    head_repository = pull.get("headRepository")
    merge_commit = pull.get("mergeCommit")
    return ChangeRequest(
        number=int(pull["number"]),
        url=str(pull["url"]),
        title=str(pull["title"]),
        state=tips.state,
        draft=bool(pull["isDraft"]),
        repository=str(repository["nameWithOwner"]),
        repository_id=int(repository["databaseId"]),
        head_repository=str(head_repository["nameWithOwner"]) if head_repository else None,
        from_fork=bool(pull["isCrossRepository"]),
        base_ref=tips.base_ref,
        base_commit=tips.base,
        head_ref=str(pull["headRefName"]),
        head_commit=tips.head,
        author=account(pull.get("author")),
        labels=tuple(str(node["name"]) for node in pull["labels"]["nodes"]),
        default_branch=(repository.get("defaultBranchRef") or {}).get("name"),
        merge_commit=merge_commit["oid"] if merge_commit else None,
    )


def _comment(node: Mapping[str, Any]) -> Comment:
    edited, editor = node.get("lastEditedAt"), node.get("editor")
    return Comment(
        id=str(int(node["fullDatabaseId"])),
        author=account(node.get("author")),
        ours=bool(node["viewerDidAuthor"]),
        body=str(node["body"]),
        created_at=moment(node["createdAt"]),
        edited_at=moment(edited) if edited else None,
        edited_by=account(editor) if editor else None,
    )


def _order(comment: Comment) -> tuple[datetime.datetime, int]:
    return comment.created_at, int(comment.id)


def _thread(node: Mapping[str, Any]) -> Thread | None:
    """A discussion; None for one whose first comment was deleted just now."""
    comments = node["comments"]
    if not comments["nodes"]:
        return None
    first = comments["nodes"][0]
    return Thread(
        id=str(node["id"]),
        comment_id=str(int(first["fullDatabaseId"])),
        ours=bool(first["viewerDidAuthor"]),
        body=str(first["body"]),
        path=str(node["path"]),
        line=node.get("line"),
        resolved=bool(node["isResolved"]),
        can_resolve=bool(node["viewerCanResolve"]),
        answered=int(comments["totalCount"]) > 1,
    )


def _statuses(reading: Reading) -> tuple[tuple[CommitStatus, ...], tuple[str, ...]]:
    """The statuses of the head, and what could not be read of them."""
    if "statuses" in reading.unreadable:
        return (), ("the token may not read commit statuses: give it `statuses: read`",)
    newest = reading.pull["headCommit"]["nodes"]
    commit = newest[-1]["commit"] if newest else {}
    if commit.get("oid") != reading.pull["headRefOid"]:
        return (), ("GitHub does not list the head among the commits yet: statuses are unknown",)
    contexts = (commit.get("status") or {}).get("contexts") or ()
    found = (
        CommitStatus(
            context=str(node["context"]),
            state=status_state(node["state"]),
            description=str(node.get("description") or ""),
            url=node.get("targetUrl"),
            ours=is_ours(node.get("creator"), reading.viewer),
        )
        for node in contexts
    )
    return tuple(sorted(found, key=lambda status: status.context)), ()
