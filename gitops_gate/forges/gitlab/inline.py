"""Comments on lines: https://docs.gitlab.com/api/discussions/#create-a-thread-in-the-merge-request-diff.

One request puts one comment. A line is named by the newest version's three commits, both of the
file's paths, and its number in the new file, with the one in the old file where the line is there
as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from gitops_gate.errors import ForgeError
from gitops_gate.forges.failures import forge_error
from gitops_gate.forges.gitlab.connection import Connection
from gitops_gate.forges.gitlab.notes import threads_in
from gitops_gate.forges.gitlab.reading import Reader
from gitops_gate.forges.values import InlineComment, InlinePlace, Snapshot, Thread


class Inline:
    """Writes, changes and resolves discussions on lines."""

    def __init__(self, connection: Connection, reader: Reader) -> None:
        self._connection = connection
        self._reader = reader

    def add(self, snapshot: Snapshot, comments: Sequence[InlineComment]) -> Sequence[InlineComment]:
        """See `PublishesInline.add`. A line that is not in GitLab's diff is refused with 400."""
        versions = snapshot.change.versions
        if versions is None:
            raise forge_error("GitLab gave no version of the diff to put comments on")
        refused = []
        for comment in comments:
            data = {"body": comment.body, "position": position(comment.place, versions)}
            try:
                self._put(comment, data)
            except ForgeError as error:
                if error.status != 400:
                    raise
                refused.append(comment)
        return tuple(refused)

    def edit(self, thread: Thread, body: str) -> None:
        """See `PublishesInline.edit`."""
        with self._connection.asking("a change of our comment on a line", writes=True):
            self._connection.merge_request.notes.update(int(thread.comment_id), {"body": body})

    def resolve(self, thread: Thread) -> None:
        """See `PublishesInline.resolve`.

        https://docs.gitlab.com/api/discussions/#resolve-a-merge-request-thread
        """
        with self._connection.asking("resolving our thread", writes=True):
            self._connection.merge_request.discussions.update(thread.id, {"resolved": True})

    def _put(self, comment: InlineComment, data: Mapping[str, Any]) -> None:
        """Put one comment, and look for it before putting it again when no answer came."""
        try:
            self._create(data)
        except ForgeError as error:
            if not error.uncertain:
                raise
            if not self._is_there(comment):
                self._create(data)

    def _create(self, data: Mapping[str, Any]) -> None:
        with self._connection.asking("a comment on a line", writes=True):
            self._connection.merge_request.discussions.create(dict(data))

    def _is_there(self, comment: InlineComment) -> bool:
        connection = self._connection
        with connection.asking("the discussions"):
            found = connection.every(connection.merge_request.discussions)
            threads = threads_in(found, me=self._reader.me, may_resolve=False)
        return any(
            thread.ours
            and not thread.resolved
            and thread.body.rstrip() == comment.body.rstrip()
            and (thread.path, thread.line) == (comment.place.path, comment.place.line)
            for thread in threads
        )


def position(place: InlinePlace, versions: tuple[str, str, str]) -> dict[str, Any]:
    """A place in GitLab's words; `versions` are base, start and head of the newest version."""
    base, start, head = versions
    told: dict[str, Any] = {
        "position_type": "text",
        "base_sha": base,
        "start_sha": start,
        "head_sha": head,
        "old_path": place.old_path,
        "new_path": place.path,
        "new_line": place.line,
    }
    if place.old_line is not None:
        told["old_line"] = place.old_line
    if place.start_line is not None and place.start_line != place.line:
        told["line_range"] = {
            "start": _end(place.path, place.start_line, place.old_start_line),
            "end": _end(place.path, place.line, place.old_line),
        }
    return told


def _end(path: str, new: int, old: int | None) -> dict[str, Any]:
    """One end of a range: https://docs.gitlab.com/api/discussions/#line-code.

    An added line's code has the number of the old line that it stands before, which is not known
    here; GitLab shows the range by the codes and checks the line by its numbers.
    """
    name = hashlib.sha1(path.encode(), usedforsecurity=False).hexdigest()
    told: dict[str, Any] = {
        "line_code": f"{name}_{old or 0}_{new}",
        "type": "new" if old is None else "old",
        "new_line": new,
    }
    return told if old is None else {**told, "old_line": old}
