"""One reading of a pull request: the GraphQL answer, with every list followed to its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gitops_gate.forges.failures import forge_error
from gitops_gate.forges.github.api import Api, GraphqlError, as_documented
from gitops_gate.forges.github.queries import (
    CHANGE_REQUEST,
    COMMENTS,
    FURTHER_PAGES,
    REPOSITORY,
    TIPS,
)
from gitops_gate.forges.values import Target

CAN_READ = "read the pull request"
# The name of a list's variable, and the field it is in.
_LISTS = {
    "commits": "commits",
    "reviews": "reviews",
    "timeline": "timelineItems",
    "comments": "comments",
    "threads": "reviewThreads",
}
_ATTEMPTS = 3
_MAXIMUM_PAGES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one reading gave, in GitHub's own shapes.

    `viewer` is the login of the token's account, without the suffix of a bot's, and `viewer_id` its
    numeric id.
    `lists` has the nodes of each list under its field's name. `short` are the lists that the
    forge ended before its own count of them. `unreadable` are fields that the token may not see.
    """

    viewer: str
    viewer_id: int | None
    viewer_is_bot: bool
    repository: Mapping[str, Any]
    pull: Mapping[str, Any]
    lists: Mapping[str, Sequence[Mapping[str, Any]]]
    short: frozenset[str] = frozenset()
    unreadable: frozenset[str] = frozenset()


def read_repository(api: Api, target: Target) -> Reading:
    """The repository alone, for a run that has no pull request."""
    data, errors = api.graphql(REPOSITORY, names_of(target), can="read the repository")
    api.refuse_partial(errors, can="read the repository")
    return _reading(data, known_repository(data.get("repository"), target))


def read_tips(api: Api, target: Target) -> Mapping[str, Any]:
    """The few fields of the pull request that say where its head and its target are."""
    variables = {**names_of(target), "number": target.number}
    data, errors = api.graphql(TIPS, variables, can=CAN_READ)
    api.refuse_partial(errors, can=CAN_READ)
    return _pull(known_repository(data.get("repository"), target), target)


def read_comments(api: Api, target: Target) -> Sequence[Mapping[str, Any]]:
    """The comments alone, from the newest hundred back to the first."""
    found: dict[object, Mapping[str, Any]] = {}
    before = None
    for _ in range(_MAXIMUM_PAGES):
        variables = {**names_of(target), "number": target.number, "before": before}
        data, errors = api.graphql(COMMENTS, variables, can=CAN_READ)
        api.refuse_partial(errors, can=CAN_READ)
        pull = _pull(known_repository(data.get("repository"), target), target)
        page = _connection(pull, "comments")
        with as_documented("the comments"):
            found |= {_identity(node, 0): node for node in page["nodes"] if node}
            before = _cursor(page)
        if before is None:
            return tuple(found.values())
    raise forge_error(f"the pull request has more than {_MAXIMUM_PAGES} pages of comments")


def read_pull_request(api: Api, target: Target) -> Reading:
    """Everything about the pull request at one head.

    Raises `ForgeError` when it cannot be read whole, when the repository is not the pinned one,
    or when the head keeps moving while it is read.
    """
    for _ in range(_ATTEMPTS):
        with as_documented("the pull request"):
            reading = _read_once(api, target)
        if reading is not None:
            return reading
    raise forge_error(
        "the pull request's head keeps moving while it is read", remedy="run again when it rests"
    )


def _read_once(api: Api, target: Target) -> Reading | None:
    variables = {**names_of(target), "number": target.number}
    data, errors = api.graphql(CHANGE_REQUEST, variables, can=CAN_READ)
    unreadable = _optional(errors)
    api.refuse_partial([e for e in errors if not _is_optional(e)], can=CAN_READ)
    repository = known_repository(data.get("repository"), target)
    pull = _pull(repository, target)
    pages = {field: [_connection(pull, field)] for field in _LISTS.values()}
    for _ in range(_MAXIMUM_PAGES):
        cursors = {name: _cursor(pages[field][-1]) for name, field in _LISTS.items()}
        if not any(cursors.values()):
            whole = _reading(data, repository, pull)
            return _with_lists(replace(whole, unreadable=unreadable), pages)
        further = _further(api, str(pull["id"]), cursors)
        if further.get("headRefOid") != pull.get("headRefOid"):
            return None
        for name, cursor in cursors.items():
            if cursor:
                pages[_LISTS[name]].append(_connection(further, _LISTS[name]))
    raise forge_error(f"a list of the pull request has more than {_MAXIMUM_PAGES} pages")


def _further(api: Api, node: str, cursors: Mapping[str, str | None]) -> Mapping[str, Any]:
    variables: dict[str, Any] = {"id": node}
    for name, cursor in cursors.items():
        variables[name] = cursor
        variables[f"with{name.capitalize()}"] = cursor is not None
    data, errors = api.graphql(FURTHER_PAGES, variables, can=CAN_READ)
    api.refuse_partial(errors, can=CAN_READ)
    further = data.get("node")
    if not isinstance(further, dict):
        raise forge_error("GitHub lost the pull request while it was read")
    return further


def _with_lists(reading: Reading, pages: Mapping[str, Sequence[Mapping[str, Any]]]) -> Reading:
    """The pages put together; a node that came twice, because the list moved, counts once."""
    lists: dict[str, list[Mapping[str, Any]]] = {}
    short = set()
    for field, connections in pages.items():
        nodes = {
            _identity(node, place): node
            for place, node in enumerate(n for c in connections for n in c["nodes"] if n)
        }
        lists[field] = list(nodes.values())
        total = connections[-1].get("totalCount")
        if isinstance(total, int) and len(nodes) < total:
            short.add(field)
    return replace(reading, lists=lists, short=frozenset(short))


def _identity(node: Mapping[str, Any], place: int) -> object:
    commit = node.get("commit")
    if "fullDatabaseId" in node:
        return node["fullDatabaseId"]
    if "id" in node:
        return node["id"]
    return commit["oid"] if isinstance(commit, dict) else place


def _connection(parent: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    connection = parent.get(field)
    if not isinstance(connection, dict) or not isinstance(connection.get("nodes"), list):
        raise forge_error(f"GitHub left out the pull request's {field}")
    return connection


def _cursor(connection: Mapping[str, Any]) -> str | None:
    """Where the next page starts; comments are read from the newest backwards."""
    info = connection.get("pageInfo") or {}
    if info.get("hasPreviousPage"):
        cursor = info.get("startCursor")
    elif info.get("hasNextPage"):
        cursor = info.get("endCursor")
    else:
        return None
    if not cursor:
        raise forge_error("GitHub says that there is another page, and not where")
    return str(cursor)


def _reading(
    data: Mapping[str, Any], repository: Mapping[str, Any], pull: Mapping[str, Any] | None = None
) -> Reading:
    viewer = data.get("viewer")
    if not isinstance(viewer, dict) or not viewer.get("login"):
        raise forge_error("GitHub does not say whose token this is")
    login = str(viewer["login"])
    return Reading(
        viewer=login.removesuffix("[bot]"),
        viewer_id=viewer.get("databaseId"),
        viewer_is_bot=login.endswith("[bot]"),
        repository=repository,
        pull=pull or {},
        lists={},
    )


def _pull(repository: Mapping[str, Any], target: Target) -> Mapping[str, Any]:
    pull = repository.get("pullRequest")
    if not isinstance(pull, dict):
        raise forge_error(
            f"GitHub knows no pull request {target.number} in {target.repository}", status=404
        )
    return pull


def known_repository(repository: Any, target: Target) -> Mapping[str, Any]:
    """The repository of an answer, when it is the one that is meant. Raises `ForgeError`."""
    if not isinstance(repository, dict):
        raise forge_error(
            f"GitHub knows no repository {target.repository}, or hides it from this token",
            status=404,
            remedy="give the token `contents: read` and `pull-requests: read`",
        )
    found = repository.get("databaseId")
    if target.repository_id is not None and found != target.repository_id:
        raise forge_error(
            f"{target.repository} is repository {found} on GitHub, and not the pinned "
            f"{target.repository_id}",
            remedy="if this is meant, change forge.repository_id in the approved configuration",
        )
    return repository


def _is_optional(error: GraphqlError) -> bool:
    """Whether an error is about the statuses alone, which another permission guards."""
    return error.type == "FORBIDDEN" and error.path[:3] == (
        "repository",
        "pullRequest",
        "headCommit",
    )


def _optional(errors: Sequence[GraphqlError]) -> frozenset[str]:
    return frozenset("statuses" for error in errors if _is_optional(error))


def names_of(target: Target) -> dict[str, Any]:
    """A repository's path as the two variables that queries take."""
    owner, _, name = target.repository.partition("/")
    return {"owner": owner, "name": name}
