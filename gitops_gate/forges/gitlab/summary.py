"""Comments on a merge request: https://docs.gitlab.com/api/notes/#merge-requests."""

from __future__ import annotations

from typing import Any

from gitops_gate.errors import ForgeError
from gitops_gate.forges.failures import forge_error
from gitops_gate.forges.gitlab.connection import Connection
from gitops_gate.forges.gitlab.notes import comment as as_comment
from gitops_gate.forges.gitlab.reading import Reader
from gitops_gate.forges.values import Comment


class Summary:
    """Writes, changes and removes comments."""

    limit = 1_000_000
    """https://docs.gitlab.com/administration/instance_limits/#size-of-comments-and-descriptions-of-issues-merge-requests-and-epics"""

    def __init__(self, connection: Connection, reader: Reader) -> None:
        self._connection = connection
        self._reader = reader

    def create_comment(self, body: str) -> Comment:
        """See `PublishesSummary.create_comment`.

        Where GitLab may have made the comment without an answer, it is looked for before it is
        made again.
        """
        try:
            return self._create(body)
        except ForgeError as error:
            if not error.uncertain:
                raise
        return self._find(body) or self._create(body)

    def update_comment(self, comment: Comment, body: str) -> Comment:
        """See `PublishesSummary.update_comment`."""
        with self._connection.asking("a change of our comment", writes=True):
            note = self._connection.merge_request.notes.update(int(comment.id), {"body": body})
            return self._written(_mapping(note))

    def delete_comment(self, comment: Comment) -> None:
        """See `PublishesSummary.delete_comment`."""
        try:
            with self._connection.asking("the removal of our comment", writes=True):
                self._connection.merge_request.notes.delete(int(comment.id))
        except ForgeError as error:
            if error.status != 404:
                raise

    def _create(self, body: str) -> Comment:
        with self._connection.asking("a comment", writes=True):
            note = self._connection.merge_request.notes.create({"body": body})
            return self._written(note.attributes)

    def _written(self, note: dict[str, Any]) -> Comment:
        if "id" not in note or "body" not in note:
            raise forge_error("GitLab took a comment for quick actions and kept no comment")
        return as_comment(note, me=self._reader.me)

    def _find(self, body: str) -> Comment | None:
        """The newest comment of ours with this text; GitLab drops space at its end."""
        same = [
            comment
            for comment in self._reader.comments()
            if comment.ours and comment.body.rstrip() == body.rstrip()
        ]
        return same[-1] if same else None


def _mapping(answer: object) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise TypeError("not an object")
    return answer
