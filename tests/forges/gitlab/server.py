"""The whole of it: REST and GraphQL behind one loopback server, with limits, log and faults."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import urlsplit

from tests.forges.gitlab import (
    access,
    description,
    graphql_api,
    landing,
    rest,
    rest_notes,
    smart_http,
)
from tests.forges.gitlab.access import RefusedError
from tests.forges.gitlab.description import Operation
from tests.forges.gitlab.entities import Entities
from tests.forges.gitlab.state import (
    AccessEntry,
    Approval,
    MergeRequest,
    Project,
    ProtectedBranch,
    State,
)
from tests.forges.pushes import Lookups, Pushes
from tests.forges.serving import Fault, Loopback, Reply, Request

SHOP = "group/shop"
"""The project that is meant where none is named: that of `scenario`."""


@dataclass
class GitLab:
    """The application: `root` is a relative URL root such as `/gitlab`, or nothing."""

    state: State
    root: str = ""
    origin: str = ""
    violations: list[tuple[str, str, str]] = field(default_factory=list)
    _recent: dict[tuple[str, str], deque[float]] = field(default_factory=dict)

    @property
    def web(self) -> str:
        """The address of the web pages."""
        return self.origin + self.root

    # ------------------------------------------------------------------ serving.Application

    def identify(self, request: Request) -> str:
        """The operation id, `graphql/query/<name>`, `git-upload-pack` and such, or `unknown`."""
        path = urlsplit(request.raw_path).path
        if path == f"{self.root}/api/graphql" and request.method == "POST":
            return graphql_api.kind_of(request)
        if service := smart_http.operation_of(self._below_root(request), request):
            return service
        found = self._operation(request)
        return found.id if found else "unknown"

    def token_of(self, request: Request) -> str | None:
        """The token that came along."""
        came = access.token_in(request.headers)
        return came[0] if came else smart_http.token_in(request)

    def answer(self, request: Request, operation: str) -> Reply:
        """Answer one request."""
        throttled = self._throttle(request, operation)
        if throttled is not None:
            return throttled
        if operation.startswith("git-"):
            path = self._below_root(request)
            return smart_http.answer(self.state, path, request, operation)
        if operation.startswith("graphql"):
            answered = graphql_api.answer(self.state, self.web, request)
            self._report(operation, "GraphQL", answered.problems)
            return answered.reply.with_headers(*self._rate_headers(request))
        found = self._operation(request)
        if found is None:
            self._report(operation, "the path", [f"{request.method} {request.raw_path}"])
            return Reply.of({"error": "404 Not Found"}, 404)
        reply = self._rest(request, found).with_headers(*self._rate_headers(request))
        self._report(found.id, "the reply", description.load().check_reply(found, reply))
        return reply

    # ------------------------------------------------------------------ inside

    def _below_root(self, request: Request) -> str:
        return request.path.removeprefix(self.root)

    def _below_api(self, request: Request) -> str | None:
        path, prefix = urlsplit(request.raw_path).path, f"{self.root}/api/v4"
        return path.removeprefix(prefix) if path.startswith(prefix + "/") else None

    def _operation(self, request: Request) -> Operation | None:
        path = self._below_api(request)
        return description.load().find(request.method, path) if path is not None else None

    def _rest(self, request: Request, operation: Operation) -> Reply:
        path = self._below_api(request)
        assert path is not None
        asked = description.load().read(
            operation, path, request.query, request.headers, request.body
        )
        self._report(operation.id, "the request", list(asked.problems))
        try:
            reads = request.method == "GET"
            caller = access.caller_of(self.state, request.headers, operation.id, reads=reads)
        except RefusedError as refused:
            return Reply.of(refused.body, refused.status)
        call = rest.Call(
            state=self.state,
            caller=caller,
            asked=asked,
            show=Entities(state=self.state, web=self.web, caller=caller),
            address=f"{self.web}/api/v4{path}",
        )
        return rest.answer(call)

    def _report(self, operation: str, place: str, problems: list[str]) -> None:
        self.violations += [(operation, place, problem) for problem in problems]

    # ------------------------------------------------------------------ rate limits

    def _throttle(self, request: Request, operation: str) -> Reply | None:
        limits = self.state.limits
        who = self.token_of(request) or "nobody"
        if self._over((who, "requests"), limits.requests):
            reply = Reply(
                status=429, body=b"Retry later\n", headers=(("Content-Type", "text/plain"),)
            )
            return reply.with_headers(*self._rate_headers(request, over=True))
        if operation in rest_notes.CREATING and self._over((who, "notes"), limits.notes_created):
            reason = "This endpoint has been requested too many times. Try again later."
            return Reply.of({"message": {"error": reason}}, 429, Retry_After="60")
        if operation == "triggerPipeline" and self._over(
            (request.path, operation), limits.pipelines
        ):
            reason = "Too many pipelines created in the last minute. Try again later."
            return Reply.of({"message": {"base": [reason]}}, 400)
        return None

    def _over(self, key: tuple[str, str], limit: int | None) -> bool:
        if limit is None:
            return False
        recent = self._recent.setdefault(key, deque())
        now = time.monotonic()
        while recent and recent[0] <= now - 60:
            recent.popleft()
        if len(recent) >= limit:
            return True
        recent.append(now)
        return False

    def _rate_headers(self, request: Request, *, over: bool = False) -> tuple[tuple[str, str], ...]:
        """What docs.gitlab.com/administration/settings/user_and_ip_rate_limits describes."""
        limit = self.state.limits.requests
        if limit is None:
            return ()
        recent = self._recent.get((self.token_of(request) or "nobody", "requests"), deque())
        oldest = recent[0] if recent else time.monotonic()
        wait = max(1, round(oldest + 60 - time.monotonic()))
        reset = time.time() + wait
        headers = [
            ("RateLimit-Limit", str(limit)),
            ("RateLimit-Name", "throttle_authenticated_api"),
            ("RateLimit-Observed", str(len(recent) + over)),
            ("RateLimit-Remaining", str(0 if over else max(0, limit - len(recent)))),
            ("RateLimit-Reset", str(round(reset))),
        ]
        if over:
            headers += [
                ("Retry-After", str(wait)),
                ("RateLimit-ResetTime", formatdate(reset, usegmt=True)),
            ]
        return tuple(headers)


class GitLabServer(Loopback):
    """A GitLab at work on loopback.

    `url` is its address for a client, with the relative root; `state` is what it holds. Whatever
    breaks the description is in `violations`; `check` raises on it.
    """

    def __init__(self, state: State | None = None, *, root: str = "", port: int = 0) -> None:
        self.gitlab = GitLab(state=state or State(), root=root)
        super().__init__(self.gitlab, port=port)
        self.pushes = Pushes(self.faults)
        """What goes wrong with pushes over HTTP."""
        self.lookups = Lookups(self.faults, "listMergeRequestsOfCommit")
        """What goes wrong with the question who landed a commit."""

    def start(self) -> Loopback:
        """Listen."""
        super().start()
        self.gitlab.origin = self.origin
        return self

    def __enter__(self) -> GitLabServer:
        self.start()
        return self

    @property
    def state(self) -> State:
        """What it holds."""
        return self.gitlab.state

    @property
    def url(self) -> str:
        """Its address, with the relative root and without a slash."""
        return self.gitlab.web

    @property
    def api(self) -> str:
        """The address of the REST API, without a slash."""
        return f"{self.url}/api/v4"

    def handle(self, request: Request) -> Reply | None:
        """One request; what it broke is recorded."""
        reply = super().handle(request)
        with self.work():
            for violation in self.gitlab.violations:
                self.violate(*violation)
            self.gitlab.violations.clear()
        return reply

    # ------------------------------------------------------------------ what people do

    def clone_url(self, project: str | int = SHOP) -> str:
        """Where Git reads and writes it, with any user name and a token."""
        return f"{self.url}/{self.state.project(project).path}.git"

    def protect(
        self, *names: str, only: Iterable[str] = (), project: str | int = SHOP, force: bool = False
    ) -> None:
        """Let only these accounts push to branches (names, wildcards), and nobody merge."""
        with self.work():
            push = [AccessEntry(user=self.state.user(name).id) for name in only]
            self.state.project(project).protected += [
                ProtectedBranch(
                    name=name, push=push or [AccessEntry(level=0)], merge=[AccessEntry(level=0)],
                    force_push=force,
                )
                for name in names
            ]  # fmt: skip

    def commit(
        self, branch: str, files: Mapping[str, str | None], *, by: str = "alice",
        project: str | int = SHOP, message: str = "A commit", start: str | None = None,
    ) -> str:  # fmt: skip
        """Push one more commit to a branch, which starts at the default branch's tip (`start`)."""
        return self.direct(
            branch, files, by=by, project=project, message=message,
            parents=None if start is None else (start,),
        )  # fmt: skip

    def open(
        self, source: str, *, by: str = "alice", project: str | int = SHOP, **more: Any
    ) -> Any:
        """A merge request; see `State.open_merge_request`."""
        with self.work():
            return self.state.open_merge_request(project, source, author=by, **more)

    def approve(self, mr: MergeRequest, by: str = "bob") -> Approval:
        """Somebody approves it, before its merge or after."""
        with self.work():
            return self.state.approve(mr, by)

    def merge(
        self, mr: MergeRequest, method: str | None = None, by: str = "carol", **more: Any
    ) -> str:
        """Merge by `merge`, `rebase_merge` or `ff`; where the target is then.

        See `landing.merge` for `squash`, `delete_branch` and `automatic_rebase`.
        """
        with self.work():
            return landing.merge(self.state, mr, by, method=method, **more)

    def train(self, *requests: MergeRequest, by: str = "carol", **more: Any) -> tuple[str, ...]:
        """Land merge requests on a train (`method`, `squash`); where the target is after each."""
        with self.work():
            return landing.train(self.state, requests, by, **more)

    def direct(
        self, branch: str, files: Mapping[str, str | None] | None = None, *, by: str = "carol",
        project: str | int = SHOP, parents: Iterable[str] | None = None,
        message: str = "A direct push", start: str | None = None,
    ) -> str:  # fmt: skip
        """Push a commit past all protection; two parents make a merge, and files an evil one.

        What of the first parent is not the tip's history makes it a force push.
        """
        with self.work():
            return landing.direct(
                self.state, self.state.project(project), branch, files or {}, by=by,
                parents=None if parents is None else tuple(parents), message=message, start=start,
            )  # fmt: skip

    def force(self, branch: str, sha: str, *, by: str = "carol", project: str | int = SHOP) -> None:
        """Push a branch to where it was not, by force if it takes that."""
        with self.work():
            landing.point(self.state, self.state.project(project), branch, sha, by)

    def revert(self, mr: MergeRequest, by: str = "carol") -> MergeRequest:
        """The merge request that takes a merged one back."""
        with self.work():
            return landing.open_revert(self.state, mr, by)

    def delete_branch(self, mr: MergeRequest, by: str = "carol") -> None:
        """Delete the source branch."""
        with self.work():
            landing.delete_source(self.state, mr, by)

    def delete_fork(self, project: Project) -> None:
        """Delete a project; merge requests that came from it come from nowhere then."""
        with self.work():
            landing.delete_project(self.state, project)

    # ------------------------------------------------------------------ faults of a forge's own

    def stale(self, operation: str, then: State, *, times: int | None = 1, skip: int = 0) -> Fault:
        """Answer reads from an older state (`state.copy()`), as a replica that lags behind."""

        def around() -> AbstractContextManager[None]:
            return self._with(then)

        return self.faults.add(
            Fault(name="stale", operation=operation, times=times, skip=skip, around=around)
        )

    @contextmanager
    def _with(self, then: State) -> Iterator[None]:
        now, self.gitlab.state = self.gitlab.state, then
        try:
            yield
        finally:
            self.gitlab.state = now

    def no_diff_yet(self, merge_request: Any, *, times: int = 1) -> Fault:
        """The next readings of a merge request find its diff not made yet."""
        before = self.state.copy()
        before.merge_requests[merge_request.id].diff_ready = False
        return self.stale("*", before, times=times)
