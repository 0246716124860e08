"""What a remote reference of a kustomization names, and whether it is allowed.

Kustomize cuts a reference into what Git clones and a folder in it by rules of its own (Go source
`api/internal/git/repospec.go`, function `NewRepoSpecFromURL`). The same rules are applied here,
to the references that are plain beyond doubt; every other one is refused.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from gitops_gate.discovery.references import is_web_file
from gitops_gate.discovery.values import Closure, RemoteReference
from gitops_gate.errors import RenderError
from gitops_gate.render.failures import failed
from gitops_gate.render.remote.values import RemoteSource
from gitops_gate.tools import clean_text

CODE = "render/remote-base"

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_QUERY = re.compile(r"[A-Za-z]+=[A-Za-z0-9._-]*(?:&[A-Za-z]+=[A-Za-z0-9._-]*)*")
_ADDRESS = re.compile(
    r"(?P<host>https://[A-Za-z0-9.-]+(?::\d+)?/"
    r"|ssh://(?:[A-Za-z][A-Za-z0-9-]*@)?[A-Za-z0-9.-]+(?::\d+)?/"
    r"|[A-Za-z][A-Za-z0-9-]*@[A-Za-z0-9.-]+:"
    r"|file://"
    r"|github\.com[/:])"
    r"(?P<rest>[A-Za-z0-9._~/+-]+)",
    re.IGNORECASE,
)
_GITHUB = re.compile(
    r"(?:(?P<ssh>ssh://)|https://)?(?P<user>[A-Za-z][A-Za-z0-9-]*@)?github\.com[/:]", re.IGNORECASE
)


def understand(reference: str) -> RemoteSource:
    """Take a reference apart. Raises `RenderError` when it is not plain or not pinned."""
    address, _, query = reference.partition("?")
    address = address.removeprefix("git::")
    found = _ADDRESS.fullmatch(address)
    if found is None:
        what = "web address" if is_web_file(reference) else "address"
        raise _refused(reference, f"its {what} is not one that can be fetched safely")
    commit = _commit(reference, query)
    host = _host(found["host"])
    whole = host == "file://"
    repository, path = _cut(found["rest"], segments=None if whole else 2)
    folder = posixpath.normpath(path.removeprefix("/") or ".")
    segments = repository.split("/")
    if not repository or ".." in segments or folder == ".." or folder.startswith(("../", "/")):
        raise _refused(reference, "it names no repository, or a folder outside it")
    if any(segment.startswith("-") for segment in [*segments, *folder.split("/")]):
        raise _refused(reference, "a part of it starts with a dash")
    return RemoteSource(url=host + repository, commit=commit, path=folder)


def is_allowed(url: str, prefixes: Iterable[str]) -> bool:
    """Whether what Git would fetch lies at or below one of `render.allow_remote`.

    A prefix ends at the end of a segment: `https://forge.example/team` does not allow
    `https://forge.example/team-b/app`.
    """
    for prefix in prefixes:
        github = _GITHUB.match(prefix)
        start = _host(github.group()) + prefix[github.end() :] if github else prefix
        if not start or not url.startswith(start):
            continue
        rest = url[len(start) :]
        if not rest or start.endswith(("/", ":")) or rest[0] == "/" or rest == ".git":
            return True
    return False


def allowed_source(remote: RemoteReference, prefixes: Iterable[str]) -> RemoteSource:
    """What a kustomization may take from outside. Raises `RenderError` with its file and line."""
    try:
        source = understand(remote.reference)
        if not is_allowed(source.url, prefixes):
            raise _refused(
                remote.reference,
                "it is not below any prefix of render.allow_remote",
                remedy=f"copy it into this repository, or list {source.url} in render.allow_remote",
            )
    except RenderError as error:
        error.path, error.line = remote.path, remote.line or None
        raise
    return source


def check_remotes(closure: Closure, prefixes: Iterable[str]) -> None:
    """Raise `RenderError` for the first remote reference that is not allowed."""
    for remote in closure.remotes:
        allowed_source(remote, prefixes)


def _commit(reference: str, query: str) -> str:
    """The revision, as Kustomize finds it: `ref` before `version`, the first of each."""
    values: dict[str, str] = {}
    for part in query.split("&") if _QUERY.fullmatch(query) else ():
        name, _, value = part.partition("=")
        values.setdefault(name, value)
    revision = values.get("ref") or values.get("version") or ""
    if not _COMMIT.fullmatch(revision):
        raise _refused(reference, "it is not pinned to a full commit id")
    return revision


def _host(host: str) -> str:
    """The host as Kustomize gives it to Git; GitHub has two spellings only."""
    github = _GITHUB.fullmatch(host)
    if github is None:
        scheme, mark, rest = host.partition("://")
        return scheme.lower() + mark + rest if mark else host
    user = github["user"] or ""
    return f"{user}github.com:" if github["ssh"] or user else "https://github.com/"


def _cut(rest: str, *, segments: int | None) -> tuple[str, str]:
    """Repository and folder: at `_git/`, at `//`, at `.git`, or after so many segments."""
    if "_git/" in rest:
        at = rest.index("_git/") + len("_git/")
        name, _, path = rest[at:].partition("/")
        return rest[:at] + name, path
    if "//" in rest:
        repository, _, path = rest.partition("//")
        return repository, path
    if ".git" in rest:
        at = rest.index(".git") + len(".git")
        return rest[:at], rest[at:]
    if segments is None:
        return rest, ""
    parts = rest.split("/")
    if len(parts) < segments:
        return "", ""
    return "/".join(parts[:segments]), "/".join(parts[segments:])


def _refused(reference: str, reason: str, *, remedy: str | None = None) -> RenderError:
    shown = clean_text(reference, limit=300)
    return failed(
        CODE,
        f"takes {shown} from another repository: {reason}",
        remedy=remedy
        or "copy it into this repository, or pin a Git base with ?ref=<full commit id> and list "
        "its prefix in render.allow_remote",
    )
