"""Fetching one commit of another repository, with nothing of the user's.

Each repository has a bare one of ours in the cache folder; a commit that was fetched once is kept
under `refs/commits/<id>` and never asked for again. Git checks that what arrives is what the
commit id says. No credential, hook, submodule, redirect to another protocol, or prompt.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from gitops_gate.errors import RenderError, ToolError
from gitops_gate.render.failures import failed
from gitops_gate.render.remote.references import CODE
from gitops_gate.render.remote.values import RemoteSource
from gitops_gate.source.git import git_command, git_environment
from gitops_gate.source.listing import list_tree
from gitops_gate.source.objects import GitBlobs
from gitops_gate.source.values import Tree
from gitops_gate.tools import Completed, clean_text, run

_FETCH_TIMEOUT = 120.0
_LOCAL_TIMEOUT = 30.0
_PROTOCOLS = {"https://": "https", "file://": "file"}
_SSH = (
    "ssh -F /dev/null -oBatchMode=yes -oIdentitiesOnly=yes -oIdentityFile=none "
    "-oIdentityAgent=none -oStrictHostKeyChecking=yes"
)
_OVERRIDES = {
    "credential.helper": "",
    "core.askPass": "true",
    "fetch.fsckObjects": "true",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "http.cookieFile": "/dev/null",
    "maintenance.auto": "false",
    "protocol.version": "2",
}


def fetch_commit(source: RemoteSource, folder: str, *, offline: bool) -> Tree:
    """The tree of a commit, from the cache in `folder` or from its repository.

    Raises `RenderError` when it cannot be had, `SourceError` when its tree cannot be read.
    """
    git_dir = str(Path(folder, hashlib.sha256(source.url.encode()).hexdigest()[:40] + ".git"))
    kept = f"refs/commits/{source.commit}"
    if not _has(git_dir, kept):
        if offline:
            raise failed(
                CODE,
                f"{source.url} at {source.commit} is not in the cache, and nothing may be fetched",
                remedy="run once without --offline",
            )
        _fetch(source, git_dir, kept)
    blobs = GitBlobs(git_dir=git_dir)
    tree = blobs.find(f"{source.commit}^{{tree}}")
    if tree is None:
        raise failed(CODE, f"{source.url} has no commit {source.commit}")
    return Tree(entries=list_tree(git_dir, tree), blobs=blobs, identity=tree)


def _has(git_dir: str, reference: str) -> bool:
    if not Path(git_dir, "HEAD").is_file():
        return False
    return _git(("rev-parse", "--verify", "--quiet", reference), git_dir, "none").code == 0


def _fetch(source: RemoteSource, git_dir: str, kept: str) -> None:
    algorithm = "sha256" if len(source.commit) == 64 else "sha1"
    Path(git_dir).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = _git(
        ("init", "--quiet", "--bare", "--template=", f"--object-format={algorithm}", git_dir),
        None,
        "none",
    )
    protocol = next((p for start, p in _PROTOCOLS.items() if source.url.startswith(start)), "ssh")
    fetched = made.code == 0 and _git(
        (
            *("fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head"),
            *("--no-recurse-submodules", "--end-of-options"),
            *(source.url, f"{source.commit}:{kept}"),
        ),
        git_dir,
        protocol,
    )
    if not fetched or fetched.code != 0:
        words = clean_text((fetched or made).stderr, limit=600)
        raise failed(
            CODE,
            f"{source.url} at {source.commit} cannot be fetched: {words or 'Git says nothing'}",
            remedy="check the address and the commit id; only public repositories can be fetched",
        )


def _git(arguments: tuple[str, ...], git_dir: str | None, protocol: str) -> Completed:
    """Run Git as the source room does, with one protocol open."""
    command = git_command((), git_dir=git_dir)
    for key, value in (_OVERRIDES | {f"protocol.{protocol}.allow": "always"}).items():
        command[1:1] = ["-c", f"{key}={value}"]
    environment = git_environment() | {"GIT_ALLOW_PROTOCOL": protocol, "GIT_SSH_COMMAND": _SSH}
    for name in ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "SSL_CERT_FILE"):
        if name in os.environ:
            environment[name] = os.environ[name]
    try:
        return run(
            [*command, *arguments],
            timeout=_LOCAL_TIMEOUT if protocol == "none" else _FETCH_TIMEOUT,
            environment=environment,
            maximum_output=1 << 20,
        )
    except ToolError as error:
        raise _unavailable(error) from None


def _unavailable(error: ToolError) -> RenderError:
    return failed(CODE, f"Git cannot fetch: {error.message}")
