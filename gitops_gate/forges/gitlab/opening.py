"""Opens a merge request: https://docs.gitlab.com/api/merge_requests/#create-a-merge-request."""

from __future__ import annotations

from gitops_gate.errors import ForgeError
from gitops_gate.forges.gitlab.connection import Connection
from gitops_gate.forges.values import NewChangeRequest


class Opening:
    """Opens merge requests between branches of the project."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(self, request: NewChangeRequest) -> str:
        """See `OpensChangeRequest.open`. The open one is looked for before and after a failure."""
        there = self._open_one(request)
        if there is not None:
            return there
        try:
            return self._create(request)
        except ForgeError as error:
            # 409: somebody has opened it meanwhile.
            if not (error.uncertain or error.status == 409):
                raise
            there = self._open_one(request)
            if there is not None:
                return there
            if error.status == 409:
                raise
        return self._create(request)

    def _open_one(self, request: NewChangeRequest) -> str | None:
        connection = self._connection
        with connection.asking("the open merge requests"):
            found = connection.every(
                connection.project.mergerequests,
                state="opened",
                source_branch=_short(request.head_ref),
                target_branch=_short(request.base_ref),
            )
            # A fork may have a branch of the same name.
            own = [one for one in found if one["source_project_id"] == one["target_project_id"]]
            return str(own[0]["web_url"]) if own else None

    def _create(self, request: NewChangeRequest) -> str:
        data = {
            "source_branch": _short(request.head_ref),
            "target_branch": _short(request.base_ref),
            "title": f"Draft: {request.title}" if request.draft else request.title,
            "description": request.body,
        }
        if request.labels:
            data["labels"] = ",".join(request.labels)
        with self._connection.asking("a merge request", writes=True):
            made = self._connection.project.mergerequests.create(data)
            return str(made.attributes["web_url"])


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/")
