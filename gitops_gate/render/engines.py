"""Which program renders, as configured, and which version of it is there.

A version is asked for once per program file (path, inode, size and time of change), in the same
confinement as a render.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from gitops_gate.errors import RenderError, ToolError
from gitops_gate.render.failures import failed
from gitops_gate.render.sandbox import confinement, programs
from gitops_gate.render.workspace import clean_variables, workspace
from gitops_gate.tools import clean_text, run

_VERSION = re.compile(r"\bv?(\d+)\.(\d+)(?:\.(\d+))?(?:[-+][0-9A-Za-z.+-]+)?")
_VERSION_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A program that renders. `command` starts with its absolute path.

    `name` and `version` are what reports show; `major` is the first number of the version.
    """

    name: str
    command: tuple[str, ...]
    version: str
    major: int


def helm(command: str) -> Engine:
    """Helm as `render.helm.command` says. Raises `RenderError`."""
    words = _words("helm", command)
    version, major = _version(words, ("version", "--short"), _identity(words[0]))
    if major not in (3, 4):
        raise failed(
            "render/missing-tool",
            f"{command} is version {version}; Helm 3 and 4 are supported",
            remedy="install Helm 3 or 4, or set render.helm.command",
        )
    return Engine(name="helm", command=words, version=version, major=major)


def kustomize(command: str) -> Engine:
    """Kustomize as `render.kustomize.command` says, also inside kubectl. Raises `RenderError`.

    A `kustomize` that is a link to `kubectl` is the one inside that: a script in between could not
    start it in a sandbox, which has nothing but the program itself.
    """
    words = _words("kustomize", command)
    if len(words) == 1 and Path(words[0]).resolve().name == "kubectl":
        words = (*words, "kustomize")
    if len(words) == 2 and words[1] == "kustomize":
        arguments = ("version", "--client")
        version, major = _version(
            words[:1], arguments, _identity(words[0]), prefix="Kustomize Version: "
        )
        return Engine(name="kubectl kustomize", command=words, version=version, major=major)
    version, major = _version(words, ("version",), _identity(words[0]))
    return Engine(name="kustomize", command=(*words, "build"), version=version, major=major)


def _words(tool: str, command: str) -> tuple[str, ...]:
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    program = programs.find(words[0]) if words else None
    if program is None:
        raise failed(
            "render/missing-tool",
            f"{clean_text(command, limit=200) or tool} was not found",
            remedy=f"install {tool.capitalize()}, or set render.{tool}.command to where it is",
        )
    return (program, *words[1:])


def _identity(program: str) -> tuple[int, int, int]:
    facts = Path(program).stat()
    return facts.st_ino, facts.st_size, facts.st_mtime_ns


@lru_cache(maxsize=32)
def _version(
    words: tuple[str, ...],
    arguments: tuple[str, ...],
    _identity: tuple[int, int, int],
    *,
    prefix: str = "",
) -> tuple[str, int]:
    """The first version number that the program prints after `prefix`, and its first part."""
    name = Path(words[0]).name
    with workspace() as room:
        try:
            completed = run(
                [*words, *arguments],
                timeout=_VERSION_TIMEOUT,
                environment=clean_variables(room),
                folder=room.tree,
                maximum_output=1 << 20,
                before_exec=confinement(
                    words[0], readable=(room.tree,), writable=(room.home,), timeout=_VERSION_TIMEOUT
                ),
            )
        except ToolError as error:
            raise _unknown(name, error.message) from None
    text = clean_text(completed.stdout + b"\n" + completed.stderr)
    found = _VERSION.search(text, max(text.find(prefix), 0))
    if completed.code != 0 or found is None:
        raise _unknown(name, text or f"it ended with {completed.code}")
    version = found.group()
    return (version if version.startswith("v") else f"v{version}"), int(found.group(1))


def _unknown(name: str, reason: str) -> RenderError:
    return failed(
        "render/missing-tool",
        f"{name} does not tell its version: {reason}",
        remedy="configure the program itself: a script that starts it cannot do so when confined",
    )
