"""Git over HTTP, as GitHub serves it beside its API: clones, fetches and pushes with the token.

`refs/pull/N/head` and `refs/pull/N/merge` are there, any commit may be asked for by its id, and a
push is known to be the token's account's.
"""

from __future__ import annotations

import gzip
import re
import subprocess

from tests.forges.github import actions
from tests.forges.github.calls import permitted, visible
from tests.forges.github.git import ENVIRONMENT
from tests.forges.github.state import Repository, Token, World
from tests.forges.serving import Reply, Request

ADDRESS = re.compile(
    r"/(?P<name>[^/]+/[^/]+?)(?:\.git)?/(?P<what>info/refs|git-upload-pack|git-receive-pack)"
)
SETTINGS = (
    "-c", "safe.directory=*", "-c", "uploadpack.allowAnySHA1InWant=true",
    "-c", "uploadpack.allowFilter=true", "-c", "receive.denyCurrentBranch=ignore",
)  # fmt: skip


def operation_of(request: Request) -> str | None:
    """`git-upload-pack` or `git-receive-pack`, None when it is no request of Git's."""
    found = ADDRESS.fullmatch(request.path)
    if found is None:
        return None
    return request.parameter("service") if found["what"] == "info/refs" else found["what"]


def answer(world: World, token: Token | None, request: Request, service: str) -> Reply:
    """Do what Git asks for."""
    found = ADDRESS.fullmatch(request.path)
    assert found
    repository = world.find(found["name"])
    pushing = service == "git-receive-pack"
    if repository is None or not visible(world, token, repository):
        return _refused(token, 404)
    if token is None and pushing:
        return _refused(token, 401)
    level = "write" if pushing else "read"
    if not permitted(world, token, repository, f"contents:{level}") or (
        token and token.kind != "installation" and not world.may(repository, token.account, level)
    ):
        return _refused(token, 403)
    if found["what"] == "info/refs":
        lines = _run(repository, service, request, "--http-backend-info-refs")
        first = f"# service={service}\n"
        body = f"{len(first) + 4:04x}{first}0000".encode() + lines
        return _reply(f"application/x-{service}-advertisement", body)
    body = _run(repository, service, request)
    if pushing:
        actions.seen(world, repository, token.account if token else None)
    return _reply(f"application/x-{service}-result", body)


def _run(repository: Repository, service: str, request: Request, *options: str) -> bytes:
    sent = request.body
    if request.headers.get("content-encoding") == "gzip":
        sent = gzip.decompress(sent)
    program = service.removeprefix("git-")
    command = ["git", *SETTINGS, program, "--stateless-rpc", *options]
    done = subprocess.run(
        [*command, str(repository.git.directory)],
        input=sent,
        env={**ENVIRONMENT, "GIT_PROTOCOL": request.headers.get("git-protocol", "")},
        capture_output=True,
        check=False,
    )
    return done.stdout


def _reply(kind: str, body: bytes) -> Reply:
    return Reply(body=body, headers=(("Content-Type", kind), ("Cache-Control", "no-cache")))


def _refused(token: Token | None, status: int) -> Reply:
    if token is None:
        ask = ("WWW-Authenticate", 'Basic realm="GitHub"')
        return Reply(status=401, body=b"Authentication required\n", headers=(ask,))
    text = "Repository not found.\n" if status == 404 else "Permission denied.\n"
    return Reply(status=status, body=text.encode())
