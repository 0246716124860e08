"""The server: REST under `/api/v3` or at the root, GraphQL beside it, one world behind both.

`GitHubServer` is what tests hold: it starts the forge on loopback, arranges the world, and puts
faults in. Everything that arrives and leaves is judged by GitHub's own descriptions.
"""

from __future__ import annotations

import base64
import copy
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.forges.github import (
    actions,
    landing,
    pushing,
    rest_conversation,
    rest_repositories,
    rest_settings,
    smart_http,
)
from tests.forges.github.calls import OPERATIONS, Call, Refusal, authorise, error, visible
from tests.forges.github.description import Description, Match, description
from tests.forges.github.git import Git
from tests.forges.github.graph import View, execute, priced
from tests.forges.github.schema import parsed, schema
from tests.forges.github.shapes import Shapes
from tests.forges.github.state import (
    Account,
    Pull,
    QueueEntry,
    Repository,
    Review,
    Team,
    Token,
    World,
)
from tests.forges.pushes import Lookups, Pushes
from tests.forges.serving import Fault, Loopback, Reply, Request, retry_after_header

ANSWERED_BY = (rest_conversation, rest_repositories, rest_settings)
GRAPHQL_PATHS = ("/api/graphql", "/graphql")
VERSIONS = ("2022-11-28", "2026-03-10")
WINDOW = 3600


class GitHub:
    """The application behind the server."""

    def __init__(self, world: World, edition: str) -> None:
        self.world = world
        self.edition = edition
        self.rate_limited = not edition.startswith("ghes")
        """Enterprise Server has no rate limits unless its administrators want some."""
        self.past: World | None = None
        """What reads see instead, while a stale read is answered."""
        self.aside: Callable[[Any], None] | None = None
        """Takes what is posted to `/__state`; there is none unless the server is a process."""
        self.shown: Callable[[], Any] | None = None
        """What `/__state` shows."""
        self.description: Description = description(edition)
        self.server: Loopback
        self._reset = int(time.time()) + WINDOW

    # ------------------------------------------------------------------ the protocol

    def identify(self, request: Request) -> str:
        """The operation's id; `graphql/query/NAME` and `graphql/mutation/FIELD` for GraphQL."""
        if request.path in GRAPHQL_PATHS:
            try:
                body = request.json()
                return parsed(body["query"], body.get("operationName")).name
            except (ValueError, KeyError, TypeError):
                return "graphql/unreadable"
        if request.path.startswith("/__"):
            return request.path
        if service := smart_http.operation_of(request):
            return service
        found = self._match(request)
        return found.operation.id if found else "unknown"

    def token_of(self, request: Request) -> str | None:
        """What came as a credential, in any of the forms that GitHub takes."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() in {"bearer", "token"}:
            return value.strip()
        if scheme.lower() == "basic":
            try:
                return base64.b64decode(value).decode().partition(":")[2]
            except ValueError:
                return value
        return None

    def answer(self, request: Request, operation: str) -> Reply:
        """Answer, and judge the request and the answer."""
        actions.sync(self.world)
        if operation.startswith("graphql/"):
            return self._graphql(request, operation)
        if operation.startswith("/__"):
            return self._beside(request)
        if operation.startswith("git-"):
            token = self.world.tokens.get(self.token_of(request) or "")
            return smart_http.answer(self.world, token, request, operation)
        return self._rest(request)

    def _beside(self, request: Request) -> Reply:
        """What a process is asked for that is no business of a forge's."""
        asked = (request.method, request.path)
        if asked == ("GET", "/__log"):
            return Reply.of([one.plain() for one in self.server.log if one.operation[:3] != "/__"])
        if asked == ("DELETE", "/__log"):
            self.server.forget()
            return Reply(status=204)
        if asked == ("GET", "/__violations"):
            return Reply.of([str(one) for one in self.server.violations])
        if asked == ("GET", "/__state") and self.shown is not None:
            return Reply.of(self.shown())
        if asked == ("POST", "/__state") and self.aside is not None:
            try:
                self.aside(request.json())
            except (KeyError, TypeError, ValueError, actions.RefusedError) as cause:
                return Reply.of({"message": f"{type(cause).__name__}: {cause}"}, 400)
            return Reply.of({})
        return Reply.of({"message": "Not Found"}, 404)

    # ------------------------------------------------------------------ REST

    def _base(self, request: Request) -> str:
        return "/api/v3" if request.path.startswith("/api/v3") else ""

    def _match(self, request: Request) -> Match | None:
        path = request.raw_path.split("?")[0].removeprefix(self._base(request)) or "/"
        _, first, *rest = path.split("/", 3)
        if first == "repositories" and rest and rest[0].isdigit():
            known = self.world.repositories.get(int(rest[0]))
            if known is not None:
                path = f"/repos/{known.full_name}/{'/'.join(rest[1:])}".rstrip("/")
        return self.description.find(request.method, path)

    def _shapes(self, request: Request, *, write: bool) -> Shapes:
        host = request.headers.get("host") or f"{self.server.host}:{self.server.port}"
        origin = f"http://{host}"
        world = self.world if write or self.past is None else self.past
        return Shapes(world, origin + self._base(request), origin)

    def _same(self, token: Token | None, world: World) -> Token | None:
        """The token in a copy of the world, where its account is another object."""
        return None if token is None else world.tokens.get(token.value, token)

    def _rest(self, request: Request) -> Reply:
        match = self._match(request)
        if match is None:
            self.server.violate("unknown", request.method + " " + request.raw_path, "no operation")
            return self._finished(error(404, "Not Found"), None, "core", 0)
        token = None
        try:
            token = self._authenticated(request)
            reply = self._operation(request, match, token)
        except Refusal as refusal:
            reply = refusal.reply
        for place, reason in self.description.judge_reply(match.operation, reply):
            self.server.violate(match.operation.id, place, f"{reason} (in the server's reply)")
        free = match.operation.id == "rate-limit/get" or reply.status == 401
        return self._finished(reply, token, "core", 0 if free else 1)

    def _operation(self, request: Request, match: Match, token: Token | None) -> Reply:
        if match.operation.id != "rate-limit/get":
            self._spend_allowed(token, "core", 1)
        faults = list(self.description.judge_request(match, request))
        for place, reason in faults:
            self.server.violate(match.operation.id, place, reason)
        if faults:
            raise Refusal(error(422, "; ".join(f"{place}: {reason}" for place, reason in faults)))
        if match.operation.id == "rate-limit/get":
            return self._rate_limit(token)
        answered = OPERATIONS.get(match.operation.id)
        if answered is None:
            self.server.violate(match.operation.id, "the server", "does not answer it")
            raise Refusal(error(404, "Not Found"))
        shapes = self._shapes(request, write=request.method != "GET")
        call = Call(
            world=shapes.world, shapes=shapes, token=self._same(token, shapes.world),
            request=request, parameters=match.parameters,
        )  # fmt: skip
        if moved := self._moved(request, match, call):
            return moved
        if request.method != "GET":
            _ = call.caller
        authorise(call, answered)
        return answered.answer(call)

    def _moved(self, request: Request, match: Match, call: Call) -> Reply | None:
        """301, or 307 for a write, to a repository that has another name now."""
        if "repo" not in match.parameters:
            return None
        name = f"{match.parameters['owner']}/{match.parameters['repo']}"
        for one in self.world.repositories.values():
            if name in one.former_names and visible(self.world, call.token, one):
                rest = request.raw_path.split(f"/repos/{name}", 1)[1]
                url = f"{call.shapes.api}/repositories/{one.id}{rest}"
                body = {"message": "Moved Permanently", "url": url, "documentation_url": url}
                return Reply.of(body, 301 if request.method == "GET" else 307, Location=url)
        return None

    def _authenticated(self, request: Request) -> Token | None:
        """Who asks. Raises `Refusal`."""
        if not request.headers.get("user-agent"):
            message = "Request forbidden by administrative rules. Please add a User-Agent header."
            raise Refusal(error(403, message))
        version = request.headers.get("x-github-api-version")
        if version is not None and version not in VERSIONS:
            raise Refusal(error(400, f"{version} is not a supported version"))
        value = self.token_of(request)
        if value is None:
            return None
        token = self.world.tokens.get(value)
        if token is None or token.expired:
            raise Refusal(error(401, "Bad credentials"))
        return token

    # ------------------------------------------------------------------ rate limits

    def _limit(self, token: Token | None, resource: str) -> int:
        if token is None:
            return 60
        return token.core_limit if resource == "core" else token.graphql_limit

    def _spend_allowed(self, token: Token | None, resource: str, points: int) -> None:
        if (
            self.rate_limited
            and token
            and token.used.get(resource, 0) + points > self._limit(token, resource)
        ):
            message = f"API rate limit exceeded for installation ID {token.account.id}."
            raise Refusal(error(403, message))

    def _finished(self, reply: Reply, token: Token | None, resource: str, points: int) -> Reply:
        used = min(points, self._limit(token, resource))
        if token is not None:
            limit = self._limit(token, resource)
            used = token.used[resource] = min(limit, token.used.get(resource, 0) + points)
        limits = self.limit_headers(resource, self._limit(token, resource), used)
        if not self.rate_limited:
            limits = (("X-GitHub-Enterprise-Version", self.edition.removeprefix("ghes-") + ".0"),)
        return reply.with_headers(
            *limits,
            ("X-GitHub-Request-Id", f"{len(self.server.log):08X}"),
            ("X-GitHub-Media-Type", "github.v3; format=json"),
        )

    def limit_headers(
        self, resource: str, limit: int, used: int, reset: int | None = None
    ) -> tuple[tuple[str, str], ...]:
        """The headers that every answer has."""
        values = {
            "Limit": limit, "Remaining": limit - used, "Used": used,
            "Reset": self._reset if reset is None else reset, "Resource": resource,
        }  # fmt: skip
        return tuple((f"X-RateLimit-{name}", str(value)) for name, value in values.items())

    def _rate_limit(self, token: Token | None) -> Reply:
        if not self.rate_limited:
            raise Refusal(error(404, "Rate limiting is not enabled."))

        def bucket(resource: str) -> dict[str, int]:
            limit = self._limit(token, resource)
            used = token.used.get(resource, 0) if token else 0
            return {
                "limit": limit, "used": used, "remaining": limit - used, "reset": self._reset,
            }  # fmt: skip

        core, graph = bucket("core"), bucket("graphql")
        search = {"limit": 30, "used": 0, "remaining": 30, "reset": self._reset}
        resources = {"core": core, "graphql": graph, "search": search}
        return Reply.of({"resources": resources, "rate": core})

    # ------------------------------------------------------------------ GraphQL

    def _graphql(self, request: Request, operation: str) -> Reply:
        token, points = None, 0
        try:
            token = self._authenticated(request)
            if token is None:
                raise Refusal(error(401, "This endpoint requires you to be authenticated."))
            reply, points = self._executed(request, operation, token)
        except Refusal as refusal:
            reply = refusal.reply
        return self._finished(reply, token, "graphql", points)

    def _executed(self, request: Request, operation: str, token: Token) -> tuple[Reply, int]:
        try:
            body = request.json()
            document = parsed(body["query"], body.get("operationName"))
        except (ValueError, KeyError, TypeError):
            self.server.violate(operation, "body", "is no GraphQL request")
            raise Refusal(error(400, "Problems parsing JSON")) from None
        if document.errors:
            for one in document.errors:
                self.server.violate(operation, str(one.locations), one.message)
            return Reply.of({"errors": [one.formatted for one in document.errors]}), 1
        self._judge_variables(operation, body)
        points, nodes = priced(document, body)
        used, limit = token.used.get("graphql", 0), token.graphql_limit
        if self.rate_limited and used + points > limit:
            return self.graphql_limited(), 0
        if nodes > 500_000:
            message = f"By the time this query traverses to its end it has {nodes} nodes."
            return Reply.of(
                {"errors": [{"type": "MAX_NODE_LIMIT_EXCEEDED", "message": message}]}
            ), 1
        reset = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._reset))
        limits = {
            "cost": points, "limit": limit, "used": used + points, "nodeCount": nodes,
            "remaining": limit - used - points, "resetAt": reset,
        }  # fmt: skip
        shapes = self._shapes(request, write=operation.startswith("graphql/mutation"))
        seen_by = self._same(token, shapes.world) or token
        told = limits if self.rate_limited else None
        answer = execute(View(shapes.world, shapes, seen_by, told), document, body)
        for fault in answer.faults:
            self.server.violate(operation, "the server", fault)
        return Reply.of(answer.body), points

    def _judge_variables(self, operation: str, body: Mapping[str, Any]) -> None:
        extra = set(body) - {"query", "variables", "operationName"}
        for name in sorted(extra):
            self.server.violate(operation, f"body/{name}", "GraphQL knows no such member")
        text = body["query"]
        for name in body.get("variables") or {}:
            if f"${name}" not in text:
                self.server.violate(operation, f"variables/{name}", "is not declared")

    def graphql_limited(self) -> Reply:
        """GraphQL's limit: an error in an answer that is 200."""
        message = "API rate limit exceeded for installation."
        return Reply.of({"errors": [{"type": "RATE_LIMITED", "message": message}]})


class GitHubServer(Loopback):
    """A GitHub on loopback. Use as a context manager."""

    def __init__(
        self, *, edition: str = "api.github.com", host: str = "127.0.0.1", port: int = 0,
        world: World | None = None,
    ) -> None:  # fmt: skip
        self.world = world or World()
        self.github = GitHub(self.world, edition)
        super().__init__(self.github, host=host, port=port)
        self.github.server = self
        self.pushes = Pushes(self.faults)
        """What goes wrong with pushes over HTTP."""
        self.lookups = Lookups(self.faults, "repos/list-pull-requests-associated-with-commit")
        """What goes wrong with the question who landed a commit."""
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        schema()

    def __enter__(self) -> GitHubServer:
        self.start()
        return self

    def stop(self) -> None:
        """Stop, and remove the repositories that the server made itself."""
        super().stop()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    @property
    def api_url(self) -> str:
        """The base of REST as on Enterprise Server."""
        return f"{self.origin}/api/v3"

    @property
    def graphql_url(self) -> str:
        """The address of GraphQL as on Enterprise Server."""
        return f"{self.origin}/api/graphql"

    # ------------------------------------------------------------------ arranging

    def account(self, login: str, kind: str = "User", **more: Any) -> Account:
        """An account; see `actions.add_account`."""
        return actions.add_account(self.world, login, kind, **more)

    def token(self, value: str, account: Account | str | None = None, **more: Any) -> Token:
        """A token; see `actions.add_token`."""
        known = self.account(account) if isinstance(account, str) else account
        return actions.add_token(self.world, value, known, **more)

    def team(
        self, organisation: str, slug: str, members: tuple[str, ...] = (), **more: Any
    ) -> Team:
        """A team of an organisation."""
        made = Team(
            id=self.world.next_id("team"),
            organisation=self.account(organisation, "Organization"),
            slug=slug, name=slug, members=[self.account(one) for one in members], **more,
        )  # fmt: skip
        self.world.teams.append(made)
        return made

    def repository(self, full_name: str, git: Git | Path | None = None, **more: Any) -> Repository:
        """A repository over one on disk, or over a new bare one: a copy for a fork."""
        if git is None:
            git = self._new_git(full_name, more.get("fork_of"))
        elif isinstance(git, Path):
            git = Git(git)
        return actions.add_repository(self.world, full_name, git, **more)

    def _new_git(self, full_name: str, parent: Repository | None) -> Git:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="github-")
        git = Git.create(Path(self._folder.name) / f"{full_name}.git")
        if parent is None:
            git.set({"refs/heads/main": git.write(None, {"README.md": "# Hello\n"}, "Begin")})
        else:
            git("fetch", "-q", "--no-tags", str(parent.git.directory), "+refs/heads/*:refs/heads/*")
        return git

    def commit(
        self, repository: Repository, branch: str, files: Mapping[str, str | None],
        message: str = "A commit", *, actor: Account | None = None, start: str | None = None,
        force: bool = False, **more: Any,
    ) -> str:  # fmt: skip
        """Push one more commit to a branch, which starts at the default branch's tip (`start`).

        With `force` it replaces what the branch had, as an amended commit would.
        """
        with self.work():
            actions.sync(self.world)
            tips = repository.branches
            parent = start or tips.get(branch) or tips.get(repository.default_branch)
            if force and start is None and parent:
                parent = repository.git.commit(parent).parents[0]
            sha = repository.git.write(parent, files, message, **more)
            actions.push(self.world, repository, branch, sha, actor)
        return sha

    def pull(self, repository: Repository, **more: Any) -> Pull:
        """A pull request; see `actions.open_pull`."""
        with self.work():
            return actions.open_pull(self.world, repository, **more)

    def enqueue(
        self, repository: Repository, pull: Pull, method: str = "merge", by: str | None = None
    ) -> QueueEntry:
        """Put a pull request into its base branch's merge queue, behind those that wait."""
        enqueuer = None if by is None else self.account(by)
        with self.work():
            return landing.enqueue(self.world, repository, pull, method, enqueuer)

    def clone_url(self, repository: Repository) -> str:
        """Where Git reads and writes it, with `x-access-token` and a token."""
        return f"{self.origin}/{repository.full_name}.git"

    def protect(
        self,
        repository: Repository,
        *refs: str,
        only: Iterable[Token] = (),
        deletable: bool = False,
    ) -> None:
        """Let only these apps' tokens create and move refs, nobody by force; full ref names."""
        apps = [token.app_id for token in only if token.app_id is not None]
        with self.work():
            number = len(repository.rulesets) + 1
            lasting = ["non_fast_forward"] if deletable else ["non_fast_forward", "deletion"]
            repository.rulesets += [
                pushing.ruleset(number, "writers", refs, ("creation", "update"), apps),
                pushing.ruleset(number + 1, "lasting", refs, lasting),
            ]

    # ------------------------------------------------------------------ landing

    def _home(self, pull: Pull) -> Repository:
        return next(one for one, other in self.world.pulls() if other is pull)

    def approve(self, pull: Pull, by: str = "maintainer") -> Review:
        """Somebody approves its head."""
        with self.work():
            return actions.review(
                self.world, self._home(pull), pull, self.account(by), state="APPROVED"
            )

    def merge(
        self, pull: Pull, method: str = "merge", by: str = "maintainer", *,
        delete_branch: bool = False,
    ) -> str:  # fmt: skip
        """Merge by `merge`, `squash` or `rebase`; the commit that the base branch is at then."""
        with self.work():
            return landing.land(
                self.world, self._home(pull), pull, self.account(by), method,
                delete_branch=delete_branch,
            )  # fmt: skip

    def land_queue(
        self, repository: Repository, base: str = "main", count: int | None = None
    ) -> tuple[str, ...]:
        """Land the first entries of a merge queue as one group; the last commit of each."""
        with self.work():
            return landing.land_queue(self.world, repository, base, count)

    def direct(
        self, repository: Repository, branch: str, files: Mapping[str, str | None] | None = None, *,
        by: str = "administrator", parents: Iterable[str] | None = None,
        message: str = "A direct push", start: str | None = None,
    ) -> str:  # fmt: skip
        """Push a commit past all protection; two parents make a merge, and files an evil one.

        What of the first parent is not the tip's history makes it a force push.
        """
        with self.work():
            actions.sync(self.world)
            chosen = tuple(parents) if parents is not None else (repository.branches[branch],)
            return landing.direct_commit(
                self.world, repository, branch, files or {}, parents=chosen,
                actor=self.account(by), message=message, start=start,
            )  # fmt: skip

    def force(
        self, repository: Repository, branch: str, sha: str, by: str = "administrator"
    ) -> None:
        """Push a branch to where it was not, by force if it takes that."""
        with self.work():
            actions.push(self.world, repository, branch, sha, self.account(by))

    def revert(self, pull: Pull, by: str = "maintainer", **more: Any) -> Pull:
        """The pull request that takes a merged one back."""
        with self.work():
            return landing.open_revert(self.world, self._home(pull), pull, self.account(by), **more)

    def delete_branch(self, pull: Pull, by: str = "maintainer") -> None:
        """Delete the head's branch."""
        with self.work():
            landing.delete_head(self.world, pull, self.account(by))

    def delete_fork(self, repository: Repository) -> None:
        """Delete a repository: pull requests that came from it have no head repository then."""
        with self.work():
            actions.sync(self.world)
            del self.world.repositories[repository.id]
            for _, pull in self.world.pulls():
                if pull.head_repository == repository.id:
                    pull.head_repository = None

    # ------------------------------------------------------------------ faults

    def secondary_limit(
        self, operation: str, *, retry_after: float | None = 1, as_date: bool = False,
        times: int | None = 1, skip: int = 0,
    ) -> Fault:  # fmt: skip
        """403 for too many writes, with or without Retry-After."""
        message = "You have exceeded a secondary rate limit. Please wait a few minutes."
        reply = error(403, message).with_headers(
            *retry_after_header(retry_after, as_date=as_date),
            *self.github.limit_headers("core", 1000, 10),
        )
        return self.faults.reply(
            operation, reply, name="secondary rate limit", times=times, skip=skip
        )

    def primary_limit(
        self, operation: str, *, seconds: float = 1, status: int = 403, times: int | None = 1,
        skip: int = 0,
    ) -> Fault:  # fmt: skip
        """403 (or 429) with nothing remaining until so many seconds from when it is asked."""

        def answer(_request: Request) -> Reply:
            reset = int(time.time() + seconds + 0.999)
            reply = error(status, "API rate limit exceeded for installation ID 1.")
            return reply.with_headers(*self.github.limit_headers("core", 1000, 1000, reset))

        return self.faults.add(
            Fault(
                name="primary rate limit", operation=operation, times=times, skip=skip,
                before=answer,
            )
        )  # fmt: skip

    def graphql_rate_limited(
        self, operation: str = "graphql*", *, seconds: float | None = 1, times: int | None = 1,
        skip: int = 0,
    ) -> Fault:  # fmt: skip
        """GraphQL's limit, which is a 200; `seconds` until it is over, None to leave that out."""

        def answer(_request: Request) -> Reply:
            reply = self.github.graphql_limited()
            if seconds is None:
                return reply
            reset = int(time.time() + seconds + 0.999)
            return reply.with_headers(*self.github.limit_headers("graphql", 1000, 1000, reset))

        return self.faults.add(
            Fault(name="RATE_LIMITED", operation=operation, times=times, skip=skip, before=answer)
        )

    def stale(self, operation: str, *, times: int | None = 1, skip: int = 0) -> Fault:
        """Reads that see what is true now, whatever has happened when they come."""
        with self.work():
            actions.sync(self.world)
            past = copy.deepcopy(self.world)

        @contextmanager
        def around() -> Iterator[None]:
            self.github.past = past
            try:
                yield
            finally:
                self.github.past = None

        return self.faults.add(
            Fault(name="stale", operation=operation, times=times, skip=skip, around=around)
        )
