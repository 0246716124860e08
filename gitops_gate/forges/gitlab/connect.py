"""Connects to a GitLab project: finds out what the token may do, and says what it may not."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from gitops_gate.forges.failures import forge_error
from gitops_gate.forges.gitlab.approvals import Approvals
from gitops_gate.forges.gitlab.connection import Connection
from gitops_gate.forges.gitlab.facts import Allowed, Facts
from gitops_gate.forges.gitlab.graph import Graph
from gitops_gate.forges.gitlab.inline import Inline
from gitops_gate.forges.gitlab.landed import Identity, Landed
from gitops_gate.forges.gitlab.opening import Opening
from gitops_gate.forges.gitlab.protection import BranchProtection
from gitops_gate.forges.gitlab.reading import Reader
from gitops_gate.forges.gitlab.status import Statuses
from gitops_gate.forges.gitlab.summary import Summary
from gitops_gate.forges.interface import Forge
from gitops_gate.forges.values import Endpoint, Target

if TYPE_CHECKING:
    from gitops_gate.forges.http import ForgeSession

_JOB_TOKEN = "glcbt-"  # noqa: S105 - how such a token begins, not one
_USE = "use a project access token, or a service account's, from a pipeline on a protected branch"

NO_APPROVALS = f"approvals: a CI_JOB_TOKEN may not read them; {_USE}"
NO_NOTES = f"comments: a CI_JOB_TOKEN may not write them; {_USE}"
NO_THREADS = f"inline comments: a CI_JOB_TOKEN may neither read nor write them; {_USE}"
NO_STATUS = f"commit status: a CI_JOB_TOKEN may not set one; {_USE}"
NO_PROTECTION = f"branch protection: a CI_JOB_TOKEN may not read it; {_USE}"
NO_OPENING = f"opening merge requests: a CI_JOB_TOKEN may not; {_USE}"
NO_IDENTITY = f"the project's id and path: a CI_JOB_TOKEN may not read them; {_USE}"
_NOT_FOR_JOBS = (
    NO_APPROVALS,
    NO_NOTES,
    NO_THREADS,
    NO_STATUS,
    NO_PROTECTION,
    NO_OPENING,
    NO_IDENTITY,
)
MAY_NOT_NOTE = "comments: the token's account may not write on this merge request"
MAY_NOT_PUSH = "commit status: the token's account needs the Developer role in the project"
MAY_NOT_RESOLVE = (
    "resolving threads: the token's account needs the Developer role; they are edited instead"
)
MAY_NOT_OPEN = "opening merge requests: the token's account may not"


def connect_gitlab(
    endpoint: Endpoint,
    target: Target,
    session: ForgeSession,
    token: str,
    *,
    job_token: bool | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Forge:
    """A forge for one project, and for its merge request `target.number` if there is one.

    The token is a personal, project or group access token or a service account's, with the scope
    `api`; or a job's own CI_JOB_TOKEN, which can read a merge request and little else
    (https://docs.gitlab.com/ci/jobs/ci_job_token/). `job_token` says so where the token's prefix
    does not. That a token has too few scopes, GitLab tells no sooner than at the first write. All
    but a job token costs one request, which the first `read` need not repeat.
    Raises `ForgeError` when the token is refused, or the project is not the pinned one.
    """
    is_job = _JOB_TOKEN in token[:40] if job_token is None else job_token
    connection = Connection(endpoint, target, session, token, job_token=is_job)
    graph = Graph(connection)
    if target.base_ref is not None:
        graph.aim(target.base_ref)
    statuses = Statuses(connection)
    reader = Reader(connection, graph, statuses, sleep=sleep)
    if is_job:
        return replace(_for_reading(reader, connection), missing=_NOT_FOR_JOBS)
    facts = reader.probe()
    if facts.me is None or facts.me.id is None:
        raise forge_error(
            "GitLab does not know whose token this is",
            status=401,
            remedy="the token may have expired, or be no access token",
        )
    statuses.me = facts.me
    approvals = Approvals(connection, graph, reader)
    allowed = _allowed(facts, approvals)
    reader.may_resolve = allowed.push is True
    forge = replace(
        _for_reading(reader, connection),
        approvals=approvals,
        protection=BranchProtection(connection),
        identity=Identity(connection, endpoint),
    )
    return _with_writing(forge, allowed, connection, reader, statuses)


def _with_writing(
    forge: Forge, allowed: Allowed, connection: Connection, reader: Reader, statuses: Statuses
) -> Forge:
    notes = connection.target.number is not None and allowed.note is not False
    return replace(
        forge,
        summary=Summary(connection, reader) if notes else None,
        inline=Inline(connection, reader) if notes else None,
        status=None if allowed.push is False else statuses,
        opening=None if allowed.open is False else Opening(connection),
        missing=_missing(allowed),
    )


def _for_reading(reader: Reader, connection: Connection) -> Forge:
    return Forge(
        kind="gitlab",
        change_requests=reader,
        approvals=None,
        summary=None,
        inline=None,
        status=None,
        sarif=None,
        protection=None,
        opening=None,
        landed=Landed(connection),
    )


def _allowed(facts: Facts, approvals: Approvals) -> Allowed:
    """What the token may do; an older GitLab is asked for the role instead."""
    if facts.allowed.push is not None or facts.me is None:
        return facts.allowed
    push = approvals.can_push(facts.me)
    return Allowed(push=push, note=facts.allowed.note, open=push)


def _missing(allowed: Allowed) -> tuple[str, ...]:
    lines = []
    if allowed.note is False:
        lines.append(MAY_NOT_NOTE)
    if allowed.push is False:
        lines += [MAY_NOT_PUSH, MAY_NOT_RESOLVE]
    if allowed.open is False:
        lines.append(MAY_NOT_OPEN)
    return tuple(lines)
