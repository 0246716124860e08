"""Git over HTTP at `/GROUP/PROJECT.git`, for clones, fetches and pushes with a token.

The token is the password of Basic authentication; the user name is anything, for a job token
`gitlab-ci-token` (docs.gitlab.com/ci/jobs/ci_job_token). `refs/merge-requests/N/head` is there. A
push is known to be the token's account's, makes versions of the merge requests it moves, and merges
those whose head it brings. What protection forbids, a hook refuses. Job tokens may not push.
"""

from __future__ import annotations

import base64
import gzip
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace

from tests.forges.gitlab import access, landing
from tests.forges.gitlab.access import Caller, MovedError, RefusedError
from tests.forges.gitlab.entities import covers
from tests.forges.gitlab.state import DEVELOPER, MAINTAINER, REPORTER, AccessEntry, Project, State
from tests.forges.pushes import EVERYTHING, refusing
from tests.forges.serving import Reply, Request

ADDRESS = re.compile(r"/(?P<name>.+?)\.git/(?P<what>info/refs|git-upload-pack|git-receive-pack)")
SETTINGS = (
    "-c", "safe.directory=*", "-c", "uploadpack.allowAnySHA1InWant=true",
    "-c", "uploadpack.allowFilter=true", "-c", "receive.denyCurrentBranch=ignore",
)  # fmt: skip
SAYS = "GitLab: You are not allowed to push code to protected branches on this project."
NOTHING: frozenset[str] = frozenset()


def operation_of(path: str, request: Request) -> str | None:
    """`git-upload-pack` or `git-receive-pack`, None when it is no request of Git's."""
    found = ADDRESS.fullmatch(path)
    if found is None:
        return None
    return request.parameter("service") if found["what"] == "info/refs" else found["what"]


def token_in(request: Request) -> str | None:
    """The password of Basic authentication."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value).decode().partition(":")[2]
    except ValueError:
        return None


def answer(state: State, path: str, request: Request, service: str) -> Reply:
    """Do what Git asks for."""
    found = ADDRESS.fullmatch(path)
    assert found
    try:
        caller = _caller(state, request)
        project = caller.project(found["name"])
        _allow(caller, project, pushing=service == "git-receive-pack")
    except MovedError:
        return _refused(404)
    except RefusedError as refused:
        return _refused(401 if token_in(request) is None else refused.status)
    if found["what"] == "info/refs":
        first = f"# service={service}\n"
        lines = _run(project, service, request, ["--http-backend-info-refs"])
        body = f"{len(first) + 4:04x}{first}0000".encode() + lines
        return _reply(f"application/x-{service}-advertisement", body)
    if service != "git-receive-pack":
        return _reply(f"application/x-{service}-result", _run(project, service, request))
    before = _branches(project)
    settings, judging = refusing(request, lambda ref: allowed(caller, project, ref), SAYS)
    body = _run(project, service, request, settings=settings, environment=judging)
    after = _branches(project)
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            landing.moved(state, project, name, before.get(name), caller.known.id)
    return _reply(f"application/x-{service}-result", body)


def allowed(caller: Caller, project: Project, ref: str) -> frozenset[str]:
    """Of `create`, `update`, `delete` and `force`, what a push may do to a ref.

    https://docs.gitlab.com/user/project/repository/branches/protected/: of several rules the one
    that allows most counts, and no push deletes a protected branch.
    """
    kind, _, name = ref.removeprefix("refs/").partition("/")
    if kind == "tags":
        held = any(covers(tag, name) for tag in project.protected_tags)
        creates = frozenset({"create"}) if caller.level(project) >= MAINTAINER else NOTHING
        return creates if held else EVERYTHING
    if kind != "heads":
        return NOTHING if kind in {"merge-requests", "keep-around", "pipelines"} else EVERYTHING
    rules = [rule for rule in project.protected if covers(rule.name, name)]
    if not rules:
        return EVERYTHING
    pushing = [one for one in rules if any(_opens(caller, project, e) for e in one.push)]
    found = {"create", "update"} if pushing else set()
    return frozenset(found | {"force"} if any(one.force_push for one in pushing) else found)


def _opens(caller: Caller, project: Project, entry: AccessEntry) -> bool:
    if entry.user is not None:
        return entry.user == caller.known.id
    if entry.group is not None:
        members = access.group_members(caller.state, caller.state.groups[entry.group])
        return members.get(caller.known.id, 0) >= DEVELOPER
    return bool(entry.level) and caller.level(project) >= (entry.level or 0)


def _branches(project: Project) -> dict[str, str]:
    form = "--format=%(objectname) %(refname:lstrip=2)"
    lines = project.git.git("for-each-ref", form, "refs/heads").splitlines()
    return {name: sha for sha, name in (line.split(" ", 1) for line in lines)}


def _caller(state: State, request: Request) -> Caller:
    value = token_in(request)
    if value is None:
        return Caller(state=state)
    token = state.tokens.get(value)
    kind = "job-token" if token and token.kind == "job" else "private-token"
    caller = access.caller_of(state, {kind: value}, "getUser", reads=True)
    if caller.user is None and token is not None:
        return replace(caller, user=state.users[token.user], token=token)
    return caller


def _allow(caller: Caller, project: Project, *, pushing: bool) -> None:
    job = caller.token is not None and caller.token.kind == "job"
    if pushing and job:
        raise access.forbidden()
    if pushing or project.visibility == "private":
        caller.require(project, DEVELOPER if pushing else REPORTER)


def _run(
    project: Project, service: str, request: Request, options: list[str] | None = None, *,
    settings: tuple[str, ...] = (), environment: Mapping[str, str] | None = None,
) -> bytes:  # fmt: skip
    sent = request.body
    if request.headers.get("content-encoding") == "gzip":
        sent = gzip.decompress(sent)
    program = service.removeprefix("git-")
    atomic = f"receive.advertiseAtomic={str(project.takes_atomic_pushes).lower()}"
    command = ["git", *SETTINGS, "-c", atomic, *settings, program, "--stateless-rpc"]
    done = subprocess.run(
        [*command, *(options or []), str(project.git.path)],
        input=sent,
        env={
            **os.environ,
            "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
            **(environment or {}),
        },
        capture_output=True,
        check=False,
    )
    return done.stdout


def _reply(kind: str, body: bytes) -> Reply:
    return Reply(body=body, headers=(("Content-Type", kind), ("Cache-Control", "no-cache")))


def _refused(status: int) -> Reply:
    text = b"HTTP Basic: Access denied.\n"
    ask = (("WWW-Authenticate", 'Basic realm="GitLab"'),) if status == 401 else ()
    return Reply(status=status, body=text, headers=(("Content-Type", "text/plain"), *ask))
