"""What a kustomization's reference is: a path in the repository, or something from outside it.

Kustomize decides by the text alone (its Go sources, `internal/git/repospec.go` and
`internal/loader/fileloader.go` of `sigs.k8s.io/kustomize/api`), so the same text must lead to the
same answer here: what Kustomize would clone is never looked for in the tree, and what it would
open as a file is never called remote.
"""

from __future__ import annotations

import posixpath
import re
from urllib.parse import parse_qsl, unquote

_SCHEMES = ("ssh://", "https://", "http://", "file://")
_USER = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*@")
_WEB = re.compile(r"https?:", re.IGNORECASE)
_UNSAFE_REVISION = re.compile(r"\A-|[\x00-\x20\x7f]")

OUTSIDE = None
"""What `locate` returns for a path that leaves the repository."""


def is_web_file(reference: str) -> bool:
    """Whether Kustomize fetches this over HTTP wherever it wants a file."""
    return _WEB.match(reference) is not None


def is_repository(reference: str) -> bool:
    """Whether Kustomize would clone this with Git when it wants a directory."""
    return _repository(reference) is not None


def injection(reference: str) -> str | None:
    """Why a remote reference could be read as an option or a command by Git, or None.

    A revision (`ref`, `version`), a host or a repository path that starts with a dash is taken
    for an option by `git`; white space and control characters end an argument early.
    """
    address, _, query = reference.partition("?")
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key in ("ref", "version") and _UNSAFE_REVISION.search(value):
            return f"the revision {value!r} would be read as an option of git"
    address = unquote(address)
    if any(character < " " or character == "\x7f" for character in address):
        return "the address holds control characters"
    found = _repository(address)
    parts = found if found is not None else (address,)
    if any(part.lstrip("/").startswith("-") for part in parts if part):
        return "a part of the address would be read as an option of git"
    if re.match(r"(?i)(?:git::)?(?:ext|fd)::", address):
        return "the address names a command to run"
    return None


def locate(directory: str, reference: str) -> str | None:
    """The path in the repository that `reference` names, seen from `directory`.

    "." is the root of the repository; `OUTSIDE` is returned for a reference that is absolute or
    climbs out of it. Names are joined as text, as Go's `filepath.Join` does, before any link is
    followed.
    """
    if reference.startswith("/"):
        return OUTSIDE
    path = posixpath.normpath(posixpath.join(directory, reference))
    return OUTSIDE if path == ".." or path.startswith("../") else path


def below(path: str, directory: str) -> bool:
    """Whether a path is in a directory, or below it, or is that directory."""
    return directory in (".", path) or path.startswith(directory + "/")


def inside(directory: str, name: str) -> str:
    """The path of a name in a directory; "." is the root."""
    return name if directory == "." else f"{directory}/{name}"


def parent(path: str) -> str:
    """The directory that a path is in; "." for the root's own entries."""
    return path.rpartition("/")[0] or "."


def ancestors(path: str) -> list[str]:
    """The directories above a path, nearest first, ending with "."; none for "." itself."""
    found: list[str] = []
    while path != ".":
        path = parent(path)
        found.append(path)
    return found


def _repository(reference: str) -> tuple[str, str] | None:
    """The host and the rest of what Kustomize takes for a Git repository, else None."""
    if reference.startswith("/"):
        return None
    address = reference.partition("?")[0]
    if address[:5].lower() == "git::":
        address = address[5:]
    scheme = next((s for s in _SCHEMES if address[: len(s)].lower() == s), "")
    address = address[len(scheme) :]
    if scheme == "file://":
        return (scheme, address) if _splits(address, whole=True) else None
    user = _USER.match(address)
    address = address[user.end() :] if user else address
    forge = address.lower().startswith(("github.com/", "github.com:"))
    short_form = not scheme and (user is not None or forge)
    if not scheme and not short_form:
        return None
    cut = _host_end(address, short_form=short_form)
    host, rest = (address[: cut + 1], address[cut + 1 :]) if cut >= 0 else (address, "")
    return (host, rest) if host and _splits(rest, whole=False) else None


def _host_end(address: str, *, short_form: bool) -> int:
    """Where the host ends: at a slash, or at a colon in `user@host:path`."""
    slash = address.find("/")
    colon = address.find(":")
    if short_form and (slash < 0 or 0 < colon < slash):
        return colon
    return slash


def _splits(rest: str, *, whole: bool) -> bool:
    """Whether Kustomize finds a repository in what follows the host, and a path within it."""
    if "_git/" in rest:
        at = rest.index("_git/") + len("_git/")
        head, _, tail = rest[at:].partition("/")
        repository, path = rest[:at] + head, tail
    elif "//" in rest:
        repository, _, path = rest.partition("//")
    elif ".git" in rest:
        at = rest.index(".git") + len(".git")
        repository, path = rest[:at], rest[at:]
    elif whole:
        repository, path = rest, ""
    else:
        segments = rest.split("/")
        if len(segments) < 2:
            return False
        repository, path = "/".join(segments[:2]), "/".join(segments[2:])
    first = posixpath.normpath(path.removeprefix("/") or ".").split("/")[0]
    return bool(repository) and first != ".."
