"""Comments on lines: all of them in one review, and none of them twice.

`pulls/create-review` is one transaction: when GitHub refuses one comment (422, a line outside the
diff) it takes none. Which one it was is found by halving, so that a few refused comments cost a
few requests and nothing is posted twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from gitops_gate.errors import ForgeError
from gitops_gate.forges.failures import forge_error
from gitops_gate.forges.github.api import Api
from gitops_gate.forges.github.queries import RESOLVE
from gitops_gate.forges.values import InlineComment, InlinePlace, Snapshot, Thread

_NEEDS = "pull-requests: write"
# Refusals with 422 that are no fault of any one comment.
_OF_ALL = ("submitted too quickly", "temporarily", "locked")


class GithubInline:
    """Writes comments on lines. `read` gives a new snapshot, to see what has arrived."""

    def __init__(self, api: Api, number: int, read: Callable[[], Snapshot]) -> None:
        self._api = api
        self._number = number
        self._read = read

    def add(self, snapshot: Snapshot, comments: Sequence[InlineComment]) -> Sequence[InlineComment]:
        """Put comments on lines of the snapshot's head, and return those that were refused."""
        try:
            return self._review(snapshot.change.head_commit, comments)
        except ForgeError as error:
            if not error.uncertain:
                raise
        missing = _not_there(self._read(), comments)
        return self._review(snapshot.change.head_commit, missing)

    def edit(self, thread: Thread, body: str) -> None:
        """Replace the first comment of a thread of ours (`pulls/update-review-comment`)."""
        path = f"{self._api.repository}/pulls/comments/{quote(thread.comment_id, safe='')}"
        self._api.write(
            "PATCH", path, {"body": body}, can="change a comment on a line", needs=_NEEDS
        )

    def resolve(self, thread: Thread) -> None:
        """Resolve a thread of ours whose `can_resolve` is true."""
        can, needs = "resolve a discussion", "contents: write"
        data, errors = self._api.graphql(RESOLVE, {"thread": thread.id}, can=can, needs=needs)
        self._api.refuse_partial(errors, can=can, needs=needs)
        answer = data.get("resolveReviewThread") or {}
        if not (answer.get("thread") or {}).get("isResolved"):
            raise forge_error("GitHub did not resolve a discussion, and does not say why")

    def _review(self, head: str, comments: Sequence[InlineComment]) -> Sequence[InlineComment]:
        """Those of the comments that GitHub refused; the others are posted."""
        if not comments:
            return ()
        body = {
            "commit_id": head,
            "event": "COMMENT",
            "comments": [_as_sent(comment) for comment in comments],
        }
        path = f"{self._api.repository}/pulls/{self._number}/reviews"
        try:
            self._api.write("POST", path, body, can="take comments on lines", needs=_NEEDS)
        except ForgeError as error:
            refused_all = any(words in error.message.lower() for words in _OF_ALL)
            if error.status != 422 or refused_all:
                raise
        else:
            return ()
        if len(comments) == 1:
            return tuple(comments)
        half = len(comments) // 2
        return (*self._review(head, comments[:half]), *self._review(head, comments[half:]))


def _as_sent(comment: InlineComment) -> dict[str, Any]:
    """A comment as GitHub takes it: lines of the head are on the right side of its diff."""
    place = comment.place
    sent: dict[str, Any] = {
        "path": place.path,
        "body": comment.body,
        "line": place.line,
        "side": "RIGHT",
    }
    if place.start_line is not None and place.start_line < place.line:
        sent |= {"start_line": place.start_line, "start_side": "RIGHT"}
    return sent


def _not_there(snapshot: Snapshot, comments: Sequence[InlineComment]) -> Sequence[InlineComment]:
    """The comments for which there is no thread of ours with the same words at the same place."""
    there = [
        (thread.path, thread.line, _text(thread.body)) for thread in snapshot.threads if thread.ours
    ]
    missing = []
    for comment in comments:
        same = [one for one in there if _same(one, comment.place, _text(comment.body))]
        if same:
            there.remove(same[0])
        else:
            missing.append(comment)
    return missing


def _same(there: tuple[str, int | None, str], place: InlinePlace, body: str) -> bool:
    path, line, text = there
    return path == place.path and line in (None, place.line) and text == body


def _text(body: str) -> str:
    return body.replace("\r\n", "\n").strip()
