"""Git, started so that nothing but objects and refs can influence what it answers.

Every Git command of this package goes through here. The user's and the machine's configuration
is replaced by the file `gitconfig` beside this module; what a repository's own configuration could
make Git execute or fetch is overridden; replace refs, grafts, lazy fetching and optional locks
are off. Nothing here writes to a user's repository: what is written, goes to a scratch one.

Settings are described in the manual pages git(1) ("Environment variables") and git-config(1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gitops_gate.errors import SourceError, ToolError
from gitops_gate.tools import Completed, clean_environment, clean_text, run

TIMEOUT = 300.0
"""Seconds that one Git command may take; a listing of 30,000 files takes a tenth of one."""

MAXIMUM_LISTING = 64 * 1024 * 1024
"""Bytes that one listing may have, about 600,000 files: a small object can name billions."""

NOWHERE = "/dev/null/none"
"""A path that cannot exist."""

_GLOBAL_CONFIGURATION = str(Path(__file__).resolve().with_name("gitconfig"))

_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": _GLOBAL_CONFIGURATION,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_GRAFT_FILE": NOWHERE,
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PROTOCOL_FROM_USER": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "HOME": NOWHERE,
    "XDG_CONFIG_HOME": NOWHERE,
}

_OVERRIDES = {
    "core.alternateRefsCommand": "true",
    "core.attributesFile": "/dev/null",
    "core.commitGraph": "false",
    "core.fsmonitor": "false",
    "core.hooksPath": "/dev/null",
    "core.pager": "cat",
    "core.untrackedCache": "false",
    "core.useReplaceRefs": "false",
    "core.warnAmbiguousRefs": "true",
    "protocol.allow": "never",
    "submodule.recurse": "false",
}


def git_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The whole environment of a Git process: an allow-list, what hardens Git, and `extra`."""
    return clean_environment(_ENVIRONMENT | dict(extra or {}))


def git_command(
    arguments: Sequence[str],
    *,
    git_dir: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> list[str]:
    """The argument vector of a hardened Git command, in `git_dir` when that is given.

    `settings` are configuration variables on top of those that harden it; no secrets, because
    every process of the machine can read them.
    """
    command = ["git", "--no-pager"]
    for key, value in (_OVERRIDES | dict(settings or {})).items():
        command += ["-c", f"{key}={value}"]
    if git_dir is not None:
        command.append(f"--git-dir={git_dir}")
    return [*command, *arguments]


def run_git(
    arguments: Sequence[str],
    *,
    git_dir: str | None = None,
    folder: str | None = None,
    stdin: bytes = b"",
    timeout: float = TIMEOUT,
    settings: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Completed:
    """Run a hardened Git command and return what it printed, whatever its exit code.

    `settings` and `environment` are on top of what hardens Git, see `git_command`.
    Raises `SourceError` when Git is missing, takes over `timeout` seconds, or lists more than
    `MAXIMUM_LISTING` bytes.
    """
    try:
        return run(
            git_command(arguments, git_dir=git_dir, settings=settings),
            timeout=timeout,
            environment=git_environment(environment),
            folder=folder,
            stdin=stdin,
            maximum_output=MAXIMUM_LISTING,
        )
    except ToolError as error:
        remedy = error.remedy if error.remedy and error.remedy.startswith("install") else None
        raise SourceError(f"git {arguments[0]}: {error.message}", remedy=remedy) from None
    except ValueError:
        raise SourceError(f"git {arguments[0]}: an argument that no program can be given") from None


def git_failed(what: str, completed: Completed, *, remedy: str | None = None) -> SourceError:
    """The error for a Git command that did not do `what`, in Git's own words, cleaned."""
    words = clean_text(completed.stderr, limit=600) or f"git ended with {completed.code}"
    return SourceError(f"{what}: {words}", remedy=remedy)


def decode(raw: bytes) -> str:
    """A name as text; bytes that are not UTF-8 become surrogate escapes (PEP 383)."""
    return raw.decode("utf-8", "surrogateescape")


def encode(name: str) -> bytes:
    """The bytes of a name; the inverse of `decode`.

    Raises `SourceError` for text that stands for no bytes at all (a lone surrogate).
    """
    try:
        return name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise SourceError(f"not a file name: {clean_text(repr(name))}") from None
