"""Reading a merge request: what it is, what was written in it, and where its branches are."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gitops_gate.errors import ForgeError
from gitops_gate.forges.failures import forge_error
from gitops_gate.forges.gitlab.connection import Connection
from gitops_gate.forges.gitlab.facts import (
    Allowed,
    Facts,
    change_from_rest,
    commit_id,
    landed_as,
    pipeline_from_rest,
    rest_account,
    state_of,
)
from gitops_gate.forges.gitlab.graph import Graph
from gitops_gate.forges.gitlab.notes import (
    SystemNote,
    comments_in,
    notes_in,
    system_notes_in,
    threads_in,
)
from gitops_gate.forges.gitlab.status import Statuses
from gitops_gate.forges.values import (
    Account,
    ChangeRequest,
    ChangeState,
    Comment,
    CommitStatus,
    Snapshot,
    Tips,
)

_WAITS = (1.0, 2.0, 4.0, 8.0)
"""Seconds between looks at a merge request whose diff GitLab is still making."""

_FRESH = 10.0
"""Seconds for which what was read while connecting is as good as read now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What `read` saw besides the snapshot; `system` is None where it may not be read."""

    facts: Facts
    system: tuple[SystemNote, ...] | None


class Reader:
    """Reads the merge request of a connection, over GraphQL where it is served.

    A first `read` within ten seconds of connecting uses the query that connecting made.
    """

    def __init__(
        self,
        connection: Connection,
        graph: Graph,
        statuses: Statuses,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connection = connection
        self._graph = graph
        self._statuses = statuses
        self._sleep = sleep
        self._first: tuple[float, Facts] | None = None
        self.me: Account | None = None
        self.may_resolve = False
        self.seen: Seen | None = None

    def probe(self) -> Facts:
        """What the token may do here, before anything is read with it. Raises `ForgeError`."""
        facts = self._facts()
        self.me = facts.me
        self._first = (time.monotonic(), facts)
        return facts

    def read(self) -> Snapshot:
        """See `ReadsChangeRequest.read`."""
        facts = self._complete()
        change = facts.change
        if change is None:
            raise forge_error("this run has no merge request to read")
        self._graph.aim(change.base_ref)
        unknown = list(facts.unknown)
        tip = self._tip(change, facts, unknown)
        change = replace(change, base_commit=tip, merge_commit=self._landed(change))
        discussions = self._discussions(unknown)
        found = () if discussions is None else discussions
        with self._connection.asking("the discussions"):
            system = None if discussions is None else system_notes_in(found)
            threads = threads_in(found, me=self.me, may_resolve=self._may_resolve(change))
            comments = comments_in(notes_in(found), me=self.me) if found else ()
        if discussions is None:
            comments = tuple(self.comments())
        self.seen = Seen(facts=facts, system=system)
        return Snapshot(
            change=change,
            comments=comments,
            threads=threads,
            statuses=self._read_statuses(change.head_commit, unknown),
            own_id=None if self.me is None else self.me.id,
            unknown=tuple(unknown),
        )

    def tips(self) -> Tips:
        """See `ReadsChangeRequest.tips`. Without GraphQL it takes a second request."""
        tips = self._graph.tips()
        if tips is None:
            return self._tips_over_rest()
        if tips.base is None:
            self._graph.aim(tips.base_ref)
        return tips

    def comments(self) -> Sequence[Comment]:
        """See `ReadsChangeRequest.comments`.

        https://docs.gitlab.com/api/notes/#list-all-merge-request-notes
        """
        connection = self._connection
        with connection.asking("the notes"):
            notes = connection.every(
                connection.merge_request.notes, activity_filter="only_comments"
            )
            return comments_in(notes, me=self.me)

    def number_of(self, head: str) -> int | None:
        """See `ReadsChangeRequest.number_of`.

        https://docs.gitlab.com/api/commits/#list-merge-requests-associated-with-a-commit names
        every merge request that a commit is in, so only those are kept whose head it is.
        """
        try:
            numbers = self._with_head(head)
        except ForgeError as error:
            if error.status == 404:
                return None
            raise
        return numbers.pop() if len(numbers) == 1 else None

    def protects(self, branch: str) -> bool | None:
        """See `ReadsChangeRequest.protects`: https://docs.gitlab.com/api/branches/."""
        connection = self._connection
        try:
            with connection.asking("the target branch"):
                found = connection.project.branches.get(branch).attributes
                return bool(found["protected"] or found["default"])
        except ForgeError as error:
            if error.status in (401, 403, 404):
                return None
            raise

    def sharing(self, snapshot: Snapshot) -> tuple[int, ...]:
        """See `ReadsChangeRequest.sharing`; one request."""
        numbers = self._with_head(snapshot.change.head_commit)
        return tuple(sorted(numbers - {snapshot.change.number}))

    def _with_head(self, head: str) -> set[int]:
        connection = self._connection
        with connection.asking("the merge requests of a commit"):
            commit = connection.project.commits.get(commit_id(head), lazy=True)
            entries = commit.merge_requests(get_all=True, state="opened")
            return {
                int(entry["iid"])
                for entry in entries
                if entry["sha"] == head and state_of(entry["state"]) is ChangeState.OPEN
            }

    def _complete(self) -> Facts:
        """Facts with the three ids that lines are placed by, waiting for them a little."""
        first, self._first = self._first, None
        fresh = first is not None and time.monotonic() - first[0] < _FRESH
        facts = first[1] if first is not None and fresh else self._facts()
        for wait in _WAITS:
            if not facts.pending_diff:
                break
            self._sleep(wait)
            facts = self._facts()
        if facts.pending_diff:
            raise forge_error(
                "GitLab has not finished the diff of the merge request's newest commit",
                remedy="run again in a minute",
            )
        self.me = facts.me
        return facts

    def _facts(self) -> Facts:
        facts = self._graph.read() or self._facts_over_rest()
        if facts.change is not None:
            self._statuses.judge_by(facts.change.head_commit, facts.pipeline)
        return facts

    def _facts_over_rest(self) -> Facts:
        """The merge request by itself; people and permissions are then not known."""
        connection = self._connection
        me = None
        if not connection.job_token:
            with connection.asking("the token's account"):
                me = rest_account(_mapping(connection.api.http_get("/user")))
        if connection.target.number is None:
            with connection.asking("the project"):
                project = connection.api.projects.get(connection.target.repository)
                return Facts(project_id=connection.pinned(int(project.id)), me=me, change=None)
        entry = self._merge_request()
        with connection.asking("the merge request"):
            project_id = connection.pinned(int(entry["target_project_id"]))
            change = change_from_rest(entry, repository=connection.target.repository)
            pipeline = pipeline_from_rest(entry.get("head_pipeline"), project_id=project_id)
        return Facts(
            project_id=project_id,
            me=me,
            change=change,
            pending_diff=change is None,
            allowed=Allowed(),
            pipeline=pipeline,
        )

    def _merge_request(self) -> Mapping[str, Any]:
        connection = self._connection
        number = connection.number
        with connection.asking("the merge request"):
            return connection.project.mergerequests.get(number).attributes

    def _landed(self, change: ChangeRequest) -> str | None:
        """What it was merged as, which GraphQL says of merge commits alone."""
        if change.state is not ChangeState.MERGED or change.merge_commit is not None:
            return change.merge_commit
        entry = self._merge_request()
        with self._connection.asking("the merge request"):
            return landed_as(entry)

    def _may_resolve(self, change: ChangeRequest) -> bool:
        """Developers may, and who opened the merge request."""
        if self.me is None:
            return False
        return self.may_resolve or self.me.id == change.author.id

    def _tip(self, change: ChangeRequest, facts: Facts, unknown: list[str]) -> str | None:
        branch = change.base_ref.removeprefix("refs/heads/")
        if facts.tip is not None and facts.tip_of == branch:
            return facts.tip
        try:
            return self._branch_tip(branch)
        except ForgeError as error:
            if error.status not in (401, 403, 404):
                raise
            unknown.append(f"the tip of the target branch, as GitLab has it: {error.message}")
            return None

    def _branch_tip(self, branch: str) -> str:
        """The tip of a branch: https://docs.gitlab.com/api/branches/.

        A job token may list branches but not ask for one.
        """
        branches = self._connection.project.branches
        with self._connection.asking("the target branch"):
            if not self._connection.job_token:
                return commit_id(branches.get(branch).attributes["commit"]["id"])
            for entry in self._connection.every(branches, search=f"^{branch}"):
                if entry["name"] == branch:
                    return commit_id(entry["commit"]["id"])
        raise forge_error("GitLab has no target branch of this name", status=404)

    def _tips_over_rest(self) -> Tips:
        entry = self._merge_request()
        with self._connection.asking("the merge request"):
            self._connection.pinned(int(entry["target_project_id"]))
            state, head = state_of(entry["state"]), commit_id(entry["sha"])
            branch = str(entry["target_branch"])
        try:
            base: str | None = self._branch_tip(branch)
        except ForgeError as error:
            if error.status not in (401, 403, 404):
                raise
            base = None
        return Tips(state=state, head=head, base_ref=f"refs/heads/{branch}", base=base)

    def _discussions(self, unknown: list[str]) -> list[dict[str, Any]] | None:
        """All of them; None for a token that may read notes at most."""
        if self._connection.job_token:
            unknown.append("threads on lines and what GitLab noted itself: not with a CI_JOB_TOKEN")
            return None
        with self._connection.asking("the discussions"):
            return self._connection.every(self._connection.merge_request.discussions)

    def _read_statuses(self, commit: str, unknown: list[str]) -> tuple[CommitStatus, ...]:
        if self._connection.job_token:
            unknown.append("the statuses of the head: not with a CI_JOB_TOKEN")
            return ()
        return tuple(self._statuses.statuses(commit))


def _mapping(answer: object) -> Mapping[str, Any]:
    if not isinstance(answer, dict):
        raise TypeError("not an object")
    return answer
