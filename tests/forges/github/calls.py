"""One call of a REST operation: who asks, whether they may, and how refusals read.

Operations register themselves with `operation`, naming what they need. `needs` are permissions
of apps and fine-grained tokens, `name:level`, several joined by `|` when one of them is enough.
`role` is what a person needs in the repository. What is public may be read by everybody.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from tests.forges.github.shapes import Shapes
from tests.forges.github.state import Pull, Repository, Token, World
from tests.forges.serving import Reply, Request

Item = TypeVar("Item")
DOCUMENTATION = "https://docs.github.com/rest"


class Refusal(Exception):  # noqa: N818 - it is an answer, not an error of ours
    """An operation answers with this instead."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def error(status: int, message: str, **more: Any) -> Reply:
    """An error as GitHub words it."""
    body = {"message": message, "documentation_url": DOCUMENTATION, "status": str(status), **more}
    return Reply.of(body, status)


def not_found() -> Refusal:
    """What GitHub says of things that are not there, and of those that one may not see."""
    return Refusal(error(404, "Not Found"))


def invalid(resource: str, field: str, code: str = "invalid", message: str = "") -> Refusal:
    """A 422 that names a field."""
    named = {"resource": resource, "code": code, "field": field}
    if message:
        named["message"] = message
    return Refusal(error(422, "Validation Failed", errors=[named]))


def unprocessable(*messages: str) -> Refusal:
    """A 422 of plain sentences."""
    return Refusal(error(422, "Unprocessable Entity", errors=list(messages)))


@dataclass(frozen=True, kw_only=True)
class Operation:
    """How an operation is answered."""

    id: str
    needs: str
    role: str
    answer: Callable[[Call], Reply]


OPERATIONS: dict[str, Operation] = {}


def operation(
    name: str, *, needs: str = "metadata:read", role: str = "read"
) -> Callable[[Callable[[Call], Reply]], Callable[[Call], Reply]]:
    """Register what answers an operation."""

    def register(answer: Callable[[Call], Reply]) -> Callable[[Call], Reply]:
        OPERATIONS[name] = Operation(id=name, needs=needs, role=role, answer=answer)
        return answer

    return register


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request that was found well formed."""

    world: World
    shapes: Shapes
    token: Token | None
    request: Request
    parameters: Mapping[str, str]

    @property
    def repository(self) -> Repository:
        """The repository in the path. Raises `Refusal`."""
        name = f"{self.parameters['owner']}/{self.parameters['repo']}"
        found = self.world.find(name)
        if found is None or not visible(self.world, self.token, found):
            raise not_found()
        return found

    @property
    def pull(self) -> Pull:
        """The pull request in the path. Raises `Refusal`."""
        number = self.parameters.get("pull_number") or self.parameters["issue_number"]
        found = self.repository.pulls.get(int(number))
        if found is None:
            raise not_found()
        return found

    @property
    def caller(self) -> Token:
        """The token of a call that needs one. Raises `Refusal`."""
        if self.token is None:
            raise Refusal(error(401, "Requires authentication"))
        return self.token

    @property
    def body(self) -> Any:
        """The request's body, an empty object when there is none."""
        return self.request.json() or {}

    def query(self, name: str, default: str | None = None) -> str | None:
        """A query parameter."""
        found = self.request.parameter(name)
        return default if found is None else found

    def number(self, name: str) -> int:
        """A path parameter that is a number. Raises `Refusal`."""
        try:
            return int(self.parameters[name])
        except ValueError:
            raise not_found() from None

    def page(
        self, items: Sequence[Item], shape: Callable[[Item], Any], *, inside: str | None = None
    ) -> Reply:
        """One page of a list with its Link header; `inside` names the list in an object."""
        size = max(1, min(100, int(self.query("per_page") or 30)))
        number = max(1, int(self.query("page") or 1))
        last = max(1, -(-len(items) // size))
        shown = [shape(item) for item in items[(number - 1) * size : number * size]]
        body = shown if inside is None else {"total_count": len(items), inside: shown}
        reply = Reply.of(body)
        links = {"prev": number - 1, "next": number + 1, "last": last, "first": 1}
        wanted = ("next", "last") if number < last else ()
        wanted = ("prev", *wanted, "first") if number > 1 else wanted
        link = ", ".join(f'<{self._address(links[name])}>; rel="{name}"' for name in wanted)
        return reply.with_headers(("Link", link)) if link else reply

    def _address(self, page: int) -> str:
        query = [(name, value) for name, value in self.request.query if name != "page"]
        path = self.request.raw_path.split("?")[0]
        return f"{self.shapes.web}{path}?{urlencode([*query, ('page', str(page))])}"

    def text(self, field: str = "body") -> str:
        """The text of a comment, refused where GitHub refuses it."""
        text = str(self.body.get(field) or "")
        if not text.strip():
            raise invalid("IssueComment", field, "unprocessable", "Body cannot be blank")
        return limited(text, "IssueComment", field)

    def commit(self, revision: str) -> str:
        """The full id of a commit. Raises `Refusal`."""
        found = self.repository.git.resolve(revision)
        if found is None:
            raise Refusal(error(422, f"No commit found for SHA: {revision}"))
        return found


def limited(text: str, resource: str, field: str) -> str:
    """A text that is within GitHub's limit. Raises `Refusal`."""
    if len(text) > 65_536:
        message = f"{field} is too long (maximum is 65536 characters)"
        raise invalid(resource, field, "unprocessable", message)
    return text


def visible(world: World, token: Token | None, repository: Repository) -> bool:
    """Whether a token may know that a repository is there."""
    if not repository.private:
        return True
    if token is None:
        return False
    if token.repositories is not None and repository.full_name not in token.repositories:
        return False
    return token.kind == "installation" or world.may(repository, token.account, "read")


def in_reach(token: Token, repository: Repository) -> bool:
    """Whether a token was given for a repository."""
    return token.repositories is None or repository.full_name in token.repositories


def permitted(world: World, token: Token | None, repository: Repository, needs: str) -> bool:
    """Whether a token's permissions are enough in a repository, one of several alternatives."""
    if token is None:
        return not repository.private and needs.endswith(":read") and "admin" not in needs
    alternatives = [one.split(":") for one in needs.split("|")]
    public = not repository.private and all(
        level == "read" and name in PUBLIC for name, level in alternatives
    )
    if public or token.kind == "classic":
        return True
    return in_reach(token, repository) and any(token.has(*one) for one in alternatives)


PUBLIC = {"metadata", "contents", "pull_requests", "issues", "statuses", "checks", "actions"}
"""What anybody may read of a public repository."""


def authorise(call: Call, wanted: Operation) -> None:
    """Raise a `Refusal` unless the caller may do this."""
    if "repo" not in call.parameters:
        return
    repository = call.repository
    token = call.token
    if token is None:
        if not permitted(call.world, None, repository, wanted.needs):
            raise Refusal(error(401, "Requires authentication"))
        return
    if not permitted(call.world, token, repository, wanted.needs):
        raise forbidden(token, wanted.needs)
    if token.kind != "installation" and not call.world.may(repository, token.account, wanted.role):
        raise not_found()


def forbidden(token: Token, needs: str) -> Refusal:
    """What a token without a permission hears."""
    kind = "integration" if token.kind == "installation" else "personal access token"
    accepted = "; ".join(one.replace(":", "=") for one in needs.split("|"))
    reply = error(403, f"Resource not accessible by {kind}")
    return Refusal(reply.with_headers(("X-Accepted-GitHub-Permissions", accepted)))


def unpacked(data: bytes) -> bytes:
    """A gzip member's content. Raises `OSError`, `EOFError`."""
    return gzip.decompress(data)
