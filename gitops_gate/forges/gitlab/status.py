"""Commit statuses: https://docs.gitlab.com/api/commits/#commit-status.

GitLab keeps a status as a job of a pipeline, with a job's states: one that is to enter a state
again is refused ("Cannot transition status"), and one that has ended is followed by another one
(gitlabhq, `app/services/ci/create_commit_status_service.rb`). Only who set it can move it on.

It counts in its own pipeline alone. A merge request is held by the newest pipeline of its head,
which may run on the merged result: a status of the head elsewhere, or in the pipeline before,
holds nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gitops_gate.errors import ForgeError
from gitops_gate.forges.gitlab.connection import Connection
from gitops_gate.forges.gitlab.facts import HeadPipeline, rest_account
from gitops_gate.forges.values import Account, CommitStatus, StatusState

_GIVEN: Mapping[StatusState, str] = {
    "pending": "pending",
    "success": "success",
    "failure": "failed",
    "error": "failed",
}
# What is neither here nor underway (canceled, skipped, unheard-of) says nothing good.
_READ: Mapping[str, StatusState] = {
    "success": "success",
    "failed": "failure",
    **dict.fromkeys(
        (
            "created",
            "waiting_for_resource",
            "preparing",
            "waiting_for_callback",
            "pending",
            "running",
            "manual",
            "scheduled",
        ),
        "pending",
    ),
}

ATTEMPTS = 4
"""How often a status is set before what other runs do to it is too much."""


class Statuses:
    """The statuses of commits, as they were last read or set here.

    `me` is the token's own account, known after connecting.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[str, dict[str, Mapping[str, Any]]] = {}
        self._head: tuple[str, HeadPipeline | None] = ("", None)
        self.me: Account | None = None

    def judge_by(self, head: str, pipeline: HeadPipeline | None) -> None:
        """Tell which pipeline holds the merge request with this head."""
        self._head = (head, pipeline)

    def statuses(self, commit: str) -> Sequence[CommitStatus]:
        """See `PublishesStatus.statuses`."""
        newest = self._read(commit)
        with self._connection.asking("the statuses of a commit"):
            return tuple(self._value(newest[name]) for name in sorted(newest))

    def set_status(self, commit: str, status: CommitStatus) -> None:
        """See `PublishesStatus.set_status`.

        A refusal, or an answer that was lost, may come from a status that is set already, here or
        by another run: it is looked at before it is set again.
        """
        newest = self._known.get(commit)
        for attempt in range(ATTEMPTS):
            current = (self._read(commit) if newest is None else newest).get(status.context)
            if self._same(current, status):
                return
            try:
                self._advance(commit, status, current)
            except ForgeError as error:
                if attempt + 1 == ATTEMPTS or not (error.uncertain or _already(error)):
                    raise
                newest = None
            else:
                return

    def _place(self, commit: str) -> tuple[str, int | None]:
        """The commit and the pipeline in which a status of a commit counts, as far as known."""
        head, pipeline = self._head
        if self._connection.target.pipeline_id is not None:
            return commit, self._connection.target.pipeline_id
        if commit == head and pipeline is not None:
            return pipeline.commit, pipeline.id
        return commit, None

    def _read(self, commit: str) -> dict[str, Mapping[str, Any]]:
        connection = self._connection
        place, pipeline = self._place(commit)
        with connection.asking("the statuses of a commit"):
            manager = connection.project.commits.get(place, lazy=True).statuses
            newest: dict[str, Mapping[str, Any]] = {}
            for entry in sorted(connection.every(manager), key=lambda entry: int(entry["id"])):
                if pipeline in (None, entry.get("pipeline_id", pipeline)):
                    newest[str(entry["name"])] = entry
        self._known[commit] = newest
        return newest

    def _value(self, entry: Mapping[str, Any]) -> CommitStatus:
        return CommitStatus(
            context=str(entry["name"]),
            state=_READ.get(str(entry["status"]), "error"),
            description=str(entry["description"] or ""),
            url=entry["target_url"],
            ours=self._ours(entry),
        )

    def _ours(self, entry: Mapping[str, Any]) -> bool:
        return self.me is not None and rest_account(entry["author"]).id == self.me.id

    def _same(self, current: Mapping[str, Any] | None, status: CommitStatus) -> bool:
        if current is None or not self._ours(current):
            return False
        known = self._value(current)
        return (
            _GIVEN[known.state] == _GIVEN[status.state]
            and str(current["status"]) not in ("canceled", "skipped")
            and known.description == status.description
            and status.url in (None, known.url)
        )

    def _advance(
        self, commit: str, status: CommitStatus, current: Mapping[str, Any] | None
    ) -> None:
        """Set it, by way of another state where GitLab would refuse the same one twice."""
        state = _GIVEN[status.state]
        running = current is not None and self._ours(current) and current["status"]
        if state == "pending" and running == "pending":
            state = "running"
        elif state == "pending" and running == "running":
            self._post(commit, status, "canceled")
        entry = self._post(commit, status, state)
        self._known.setdefault(commit, {})[status.context] = entry

    def _post(self, commit: str, status: CommitStatus, state: str) -> Mapping[str, Any]:
        data: dict[str, Any] = {
            "state": state,
            "name": status.context,
            "description": status.description,
        }
        if status.url is not None:
            data["target_url"] = status.url
        target = self._connection.target
        place, pipeline = self._place(commit)
        if pipeline is not None:
            try:
                return self._create(place, {**data, "pipeline_id": pipeline})
            except ForgeError as error:
                # The pipeline that runs this may be one of another commit.
                if error.status != 404:
                    raise
        try:
            return self._create(commit, data)
        except ForgeError as error:
            # The head of a fork is on no branch of this project.
            if error.status != 404 or target.number is None or "References" not in error.message:
                raise
        return self._create(commit, {**data, "ref": f"refs/merge-requests/{target.number}/head"})

    def _create(self, commit: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
        with self._connection.asking("a commit status", writes=True):
            manager = self._connection.project.commits.get(commit, lazy=True).statuses
            return manager.create(dict(data)).attributes


def _already(error: ForgeError) -> bool:
    """Whether it was refused for what it is by now; 409 is another update that is under way."""
    return error.status == 409 or (error.status == 400 and "Cannot transition" in error.message)
