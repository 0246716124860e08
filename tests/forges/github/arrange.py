"""The world from JSON, for tests that hold the server only by its address.

`add` takes what a state file or `POST /__state` says; `show` is what `GET /__state` answers. The
form is in the docstring of `tests.forges.github.__main__`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.forges.github import actions, landing
from tests.forges.github.server import GitHubServer
from tests.forges.github.shapes import iso
from tests.forges.github.state import Account, Pull, Repository, Thread

Said = Mapping[str, Any]


def add(server: GitHubServer, said: Said, git: Path | None = None) -> None:
    """Make what is said. Raises `KeyError`, `TypeError` or `ValueError` for what is not known."""
    unknown = set(said) - {"accounts", "tokens", "repositories", "teams", "do", "faults"}
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    for one in said.get("accounts", []):
        server.account(one["login"], **_rest(one, "login"))
    for one in said.get("repositories", []):
        _repository(server, one, git)
    for one in said.get("teams", []):
        members = tuple(one.get("members", ()))
        rest = _rest(one, "organisation", "slug", "members")
        server.team(one["organisation"], one["slug"], members, **rest)
    for one in said.get("tokens", []):
        server.token(one["value"], one.get("account"), **_rest(one, "value", "account"))
    for one in said.get("do", []):
        DOES[one["action"]](server, _rest(one, "action"))
    for one in said.get("faults", []):
        _fault(server, one)


def _rest(said: Said, *without: str) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name not in without}


def _repository(server: GitHubServer, said: Said, git: Path | None) -> None:
    plain = ("private", "default_branch", "owner", "number", "collaborators")
    parent = server.world.find(said["fork_of"]) if "fork_of" in said else None
    path = Path(said["git"]) if "git" in said else git if parent is None else None
    made = server.repository(
        said["name"], path, fork_of=parent, **{name: said[name] for name in plain if name in said}
    )
    made.protections.update(said.get("protections", {}))
    made.rulesets.extend(said.get("rulesets", []))
    made.methods.update(said.get("methods", {}))
    made.workflow_permissions.update(said.get("workflow_permissions", {}))
    for one in said.get("pulls", []):
        _pull(server, made, one)
    for one in said.get("statuses", []):
        _set_status(server, {"repository": made.full_name, **one})


def _pull(server: GitHubServer, repository: Repository, said: Said) -> None:
    source = said.get("head_repository")
    more = _rest(said, "author", "head_repository", "labels", "comments", "reviews")
    pull = server.pull(
        repository,
        author=server.account(said["author"]) if "author" in said else None,
        head_repository=server.world.find(source) if source else None,
        **more,
    )
    target = {"repository": repository.full_name, "pull": pull.number}
    for name in said.get("labels", []):
        _label(server, {**target, "label": name})
    for one in said.get("comments", []):
        _comment(server, {**target, **one})
    for one in said.get("reviews", []):
        _review(server, {**target, **one})


def _target(server: GitHubServer, said: Said) -> tuple[Repository, Pull]:
    repository = _named(server, said)
    return repository, repository.pulls[said["pull"]]


def _named(server: GitHubServer, said: Said) -> Repository:
    repository = server.world.find(said["repository"])
    if repository is None:
        raise ValueError(f"there is no repository {said['repository']}")
    return repository


def _who(server: GitHubServer, said: Said, key: str, default: Account | None = None) -> Account:
    if key in said:
        kind = "Bot" if said[key].endswith("[bot]") else "User"
        return server.account(said[key], kind)
    assert default, f"{key} is missing"
    return default


def _push(server: GitHubServer, said: Said) -> None:
    repository = _named(server, said)
    actor = server.account(said["actor"]) if "actor" in said else None
    actions.push(server.world, repository, said["branch"], said["sha"], actor)


def _commit(server: GitHubServer, said: Said) -> None:
    actor = server.account(said["actor"]) if "actor" in said else None
    more = _rest(said, "repository", "branch", "files", "actor")
    server.commit(_named(server, said), said["branch"], said["files"], actor=actor, **more)


def _comment(server: GitHubServer, said: Said) -> None:
    _, pull = _target(server, said)
    actions.comment(server.world, pull, _who(server, said, "author"), said["body"])


def _review(server: GitHubServer, said: Said) -> None:
    repository, pull = _target(server, said)
    more = _rest(said, "repository", "pull", "author")
    actions.review(server.world, repository, pull, _who(server, said, "author"), **more)


def _dismiss(server: GitHubServer, said: Said) -> None:
    repository, pull = _target(server, said)
    found = next(one for one in pull.reviews if one.id == said["review"])
    actor = _who(server, said, "actor", repository.owner)
    actions.dismiss(server.world, pull, found, actor, said.get("message", "Dismissed"))


def _label(server: GitHubServer, said: Said) -> None:
    repository, pull = _target(server, said)
    actor = _who(server, said, "actor", repository.owner)
    actions.label(server.world, repository, pull, said["label"], actor)


def _retarget(server: GitHubServer, said: Said) -> None:
    repository, pull = _target(server, said)
    actions.retarget(server.world, repository, pull, said["base"])


def _close(server: GitHubServer, said: Said) -> None:
    repository, pull = _target(server, said)
    actions.close(server.world, pull, _who(server, said, "actor", repository.owner))


def _merge(server: GitHubServer, said: Said) -> None:
    repository, pull = _target(server, said)
    actor = _who(server, said, "actor", repository.owner)
    landing.land(
        server.world, repository, pull, actor, said.get("method", "merge"),
        delete_branch=said.get("delete_branch", False),
    )  # fmt: skip


def _enqueue(server: GitHubServer, said: Said) -> None:
    server.enqueue(*_target(server, said), **_rest(said, "repository", "pull"))


def _land_queue(server: GitHubServer, said: Said) -> None:
    server.land_queue(_named(server, said), **_rest(said, "repository"))


def _revert(server: GitHubServer, said: Said) -> None:
    _, pull = _target(server, said)
    server.revert(pull, **_rest(said, "repository", "pull"))


def _delete_branch(server: GitHubServer, said: Said) -> None:
    _, pull = _target(server, said)
    server.delete_branch(pull, **_rest(said, "repository", "pull"))


def _direct(server: GitHubServer, said: Said) -> None:
    server.direct(_named(server, said), **_rest(said, "repository"))


def _set_status(server: GitHubServer, said: Said) -> None:
    repository = _named(server, said)
    creator = _who(server, said, "creator", repository.owner)
    more = _rest(said, "repository", "creator", "sha")
    actions.set_status(server.world, repository, said["sha"], creator, **more)


DOES: dict[str, Callable[[GitHubServer, Said], None]] = {
    "push": _push, "commit": _commit, "comment": _comment, "review": _review,
    "dismiss": _dismiss, "label": _label, "retarget": _retarget, "close": _close,
    "merge": _merge, "enqueue": _enqueue, "land_queue": _land_queue, "revert": _revert,
    "delete_branch": _delete_branch, "direct": _direct, "status": _set_status,
}  # fmt: skip


_ABOUT = {
    **{("push", name): "pushes" for name in ("reject", "unavailable", "die", "cut", "slow")},
    **{("landed", name): "lookups" for name in ("lag", "twice")},
    ("api", "down"): "lookups",
}


def _fault(server: GitHubServer, said: Said) -> None:
    ours = {"secondary_limit", "primary_limit", "graphql_rate_limited", "stale"}
    theirs = {"bad_gateway", "drop", "slow", "too_many_requests", "redirect", "reorder"}
    kind = said["kind"]
    group, _, name = kind.partition("_")
    if (group, name) in _ABOUT:
        getattr(getattr(server, _ABOUT[group, name]), name)(**_rest(said, "kind"))
        return
    if kind not in ours | theirs:
        raise ValueError(f"unknown fault: {kind}")
    getattr(server if kind in ours else server.faults, kind)(**_rest(said, "kind"))


def show(server: GitHubServer) -> dict[str, Any]:
    """What there is, as far as a test from outside wants to look at it."""
    return {"repositories": [_shown(one) for one in server.world.repositories.values()]}


def _shown(repository: Repository) -> dict[str, Any]:
    return {
        "name": repository.full_name,
        "id": repository.id,
        "branches": repository.branches,
        "pulls": [_shown_pull(one) for one in repository.pulls.values()],
        "statuses": [
            {
                "sha": one.sha, "context": one.context, "state": one.state,
                "description": one.description, "target_url": one.target_url,
                "creator": one.creator.rest_login if one.creator else None,
            }
            for one in repository.statuses
        ],
        "check_runs": [
            {"sha": one.sha, "name": one.name, "status": one.status, "conclusion": one.conclusion}
            for one in repository.check_runs
        ],
        "sarifs": list(repository.sarifs.values()),
    }  # fmt: skip


def _shown_pull(pull: Pull) -> dict[str, Any]:
    return {
        "number": pull.number, "state": pull.state, "title": pull.title, "head": pull.head,
        "base": pull.base_ref, "labels": pull.labels, "merge_commit": pull.merge_commit,
        "comments": [
            {
                "id": one.id, "author": one.author.rest_login if one.author else None,
                "body": one.body, "created_at": iso(one.created_at),
                "edited_at": iso(one.edited_at),
            }
            for one in pull.comments
        ],
        "reviews": [
            {
                "id": one.id, "author": one.author.rest_login if one.author else None,
                "state": one.state, "body": one.body, "commit": one.commit,
            }
            for one in pull.reviews
        ],
        "threads": [_shown_thread(one) for one in pull.threads],
    }  # fmt: skip


def _shown_thread(thread: Thread) -> dict[str, Any]:
    return {
        "id": thread.node_id, "path": thread.path, "line": thread.line, "side": thread.side,
        "start_line": thread.start_line, "outdated": thread.outdated,
        "resolved": thread.resolved_by is not None,
        "comments": [
            {"author": one.author.rest_login if one.author else None, "body": one.body}
            for one in thread.comments
        ],
    }  # fmt: skip
