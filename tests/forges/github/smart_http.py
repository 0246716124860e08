"""Git over HTTP, as GitHub serves it beside its API: clones, fetches and pushes with the token.

`refs/pull/N/head` and `refs/pull/N/merge` are there, any commit may be asked for by its id, and a
push is known to be the token's account's. What protection forbids, a hook refuses (`pushing`).
"""

from __future__ import annotations

import gzip
import re
import subprocess
from collections.abc import Mapping

from tests.forges.github import actions, pushing
from tests.forges.github.calls import permitted, visible
from tests.forges.github.git import ENVIRONMENT
from tests.forges.github.state import Repository, Token, World
from tests.forges.pushes import refusing
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
    pushes = service == "git-receive-pack"
    if repository is None or not visible(world, token, repository):
        return _refused(token, 404)
    if token is None and pushes:
        return _refused(token, 401)
    level = "write" if pushes else "read"
    if not permitted(world, token, repository, f"contents:{level}") or (
        token and token.kind != "installation" and not world.may(repository, token.account, level)
    ):
        return _refused(token, 403)
    if found["what"] == "info/refs":
        lines = _run(repository, service, request, ["--http-backend-info-refs"])
        first = f"# service={service}\n"
        body = f"{len(first) + 4:04x}{first}0000".encode() + lines
        return _reply(f"application/x-{service}-advertisement", body)
    if not pushes or token is None:
        return _reply(f"application/x-{service}-result", _run(repository, service, request))
    settings, judging = refusing(
        request, lambda ref: pushing.allowed(world, token, repository, ref), pushing.SAYS
    )
    body = _run(repository, service, request, settings=settings, environment=judging)
    actions.seen(world, repository, token.account)
    return _reply(f"application/x-{service}-result", body)


def _run(
    repository: Repository, service: str, request: Request, options: list[str] | None = None, *,
    settings: tuple[str, ...] = (), environment: Mapping[str, str] | None = None,
) -> bytes:  # fmt: skip
    sent = request.body
    if request.headers.get("content-encoding") == "gzip":
        sent = gzip.decompress(sent)
    program = service.removeprefix("git-")
    atomic = str(repository.takes_atomic_pushes).lower()
    command = ["git", *SETTINGS, "-c", f"receive.advertiseAtomic={atomic}", *settings]
    command += [program, "--stateless-rpc", *(options or [])]
    done = subprocess.run(
        [*command, str(repository.git.directory)],
        input=sent,
        env={
            **ENVIRONMENT,
            "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
            **(environment or {}),
        },
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
