"""Git over HTTP at `/GROUP/PROJECT.git`, for clones, fetches and pushes with a token.

The token is the password of Basic authentication; the user name is anything, for a job token
`gitlab-ci-token` (docs.gitlab.com/ci/jobs/ci_job_token). `refs/merge-requests/N/head` is there. A
push is known to be the token's account's, and makes versions of the merge requests it moves; job
tokens may not push.
"""

from __future__ import annotations

import base64
import gzip
import os
import re
import subprocess
from dataclasses import replace

from tests.forges.gitlab import access
from tests.forges.gitlab.access import Caller, MovedError, RefusedError
from tests.forges.gitlab.state import DEVELOPER, REPORTER, Project, State
from tests.forges.serving import Reply, Request

ADDRESS = re.compile(r"/(?P<name>.+?)\.git/(?P<what>info/refs|git-upload-pack|git-receive-pack)")
SETTINGS = (
    "-c", "safe.directory=*", "-c", "uploadpack.allowAnySHA1InWant=true",
    "-c", "uploadpack.allowFilter=true", "-c", "receive.denyCurrentBranch=ignore",
)  # fmt: skip


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
        lines = _run(project, service, request, "--http-backend-info-refs")
        body = f"{len(first) + 4:04x}{first}0000".encode() + lines
        return _reply(f"application/x-{service}-advertisement", body)
    body = _run(project, service, request)
    if service == "git-receive-pack":
        _notice(state, project, caller.known.id)
    return _reply(f"application/x-{service}-result", body)


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


def _notice(state: State, project: Project, user: int) -> None:
    for mr in state.merge_requests.values():
        moved = mr.source_project == project.id and mr.state == "opened"
        if moved and project.git.tip(mr.source_branch) != state.head(mr):
            state.push(mr, user)


def _run(project: Project, service: str, request: Request, *options: str) -> bytes:
    sent = request.body
    if request.headers.get("content-encoding") == "gzip":
        sent = gzip.decompress(sent)
    program = service.removeprefix("git-")
    done = subprocess.run(
        ["git", *SETTINGS, program, "--stateless-rpc", *options, str(project.git.path)],
        input=sent,
        env={**os.environ, "GIT_PROTOCOL": request.headers.get("git-protocol", "")},
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
