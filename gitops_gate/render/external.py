"""Running a program on an application's files, and on nothing else.

Only the files of the closure are written into the workspace: a closure that misses a file makes
the program fail, where a whole tree would let a change of that file go unseen.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from gitops_gate.errors import RenderError, ToolError
from gitops_gate.render.cleaning import clean_message, secret_values
from gitops_gate.render.engines import Engine
from gitops_gate.render.failures import failed
from gitops_gate.render.job import RenderJob
from gitops_gate.render.remote.placing import place_remotes
from gitops_gate.render.sandbox import confinement, sandbox_status
from gitops_gate.render.workspace import Workspace, clean_variables, workspace
from gitops_gate.source import materialise
from gitops_gate.tools import Completed, run

_HELM_HINT = "Use --debug flag to render out invalid YAML"

MAXIMUM_OUTPUT = 64 * 1024 * 1024

Locate = Callable[[str], tuple[str | None, int | None]]
"""From a cleaned message to the repository path and line that it is about."""


class SecondRender(Enum):
    """Whether to run a second time: not, at once, or at another second in another time zone."""

    NONE = 0
    AT_ONCE = 1
    LATER = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """What a program printed, once for each run, and whether every promise of the sandbox held."""

    streams: tuple[bytes, ...]
    sandboxed: bool


def require_confinement(job: RenderJob) -> bool:
    """Whether programs are confined here. Raises `RenderError` when that is required and not so."""
    status = sandbox_status()
    if job.require_sandbox and not status.complete:
        raise failed(
            "render/no-sandbox",
            f"this machine cannot confine a renderer: {', '.join(status.missing)} stay open to it",
            remedy="use Linux 5.13 or newer with Landlock, in a container that allows its calls",
        )
    return status.complete


def execute(
    job: RenderJob,
    engine: Engine,
    arguments: Sequence[str],
    *,
    locate: Locate,
    again: SecondRender = SecondRender.NONE,
) -> Outputs:
    """Run an engine on the application's files; its working folder is the repository's root.

    Raises `RenderError`, and `SourceError` when a file is missing or its name cannot be written.
    """
    sandboxed = require_confinement(job)
    with workspace() as room:
        tree = job.tree.subset(job.closure.files)
        materialise(tree, room.tree)
        places = place_remotes(job, room.tree) | {room.tree: "", room.root: "<temporary>"}
        command = [*engine.command, *arguments]

        def attempt(zone: str) -> bytes:
            completed = _run(job, engine, command, room, zone)
            if completed.code == 0:
                return completed.stdout
            raise _failure(job, engine, completed, places=places, locate=locate)

        streams = [attempt("UTC")]
        if again is SecondRender.LATER:
            _await_next_second()
            streams.append(attempt(_far_zone(room)))
        elif again is SecondRender.AT_ONCE:
            streams.append(attempt("UTC"))
    return Outputs(streams=tuple(streams), sandboxed=sandboxed)


def _run(
    job: RenderJob, engine: Engine, command: Sequence[str], room: Workspace, zone: str
) -> Completed:
    timeout = job.settings.timeout
    started = time.monotonic()
    try:
        return run(
            command,
            timeout=timeout,
            environment=clean_variables(room, zone=zone),
            folder=room.tree,
            maximum_output=MAXIMUM_OUTPUT,
            before_exec=confinement(
                command[0], readable=(room.tree,), writable=(room.home,), timeout=timeout
            ),
        )
    except ToolError as error:
        if time.monotonic() - started >= timeout:
            raise failed(
                "render/timeout",
                f"{engine.name} did not finish within {timeout:g} s",
                path=job.application.path,
                remedy="raise render.timeout, or make the application smaller",
            ) from None
        raise failed("render/failed", error.message, path=job.application.path) from None


def _failure(
    job: RenderJob,
    engine: Engine,
    completed: Completed,
    *,
    places: dict[str, str],
    locate: Locate,
) -> RenderError:
    words = completed.stderr if completed.stderr.strip() else completed.stdout
    secrets = secret_values(job.tree, job.closure)
    message = clean_message(words, places=places, secrets=secrets)
    message = message.removeprefix("Error: ").removesuffix(_HELM_HINT).rstrip()
    path, line = locate(message)
    code = completed.code
    ending = f"ended with {code}" if code > 0 else f"was ended by signal {-code}"
    return failed(
        "render/failed",
        message or f"{engine.name} {ending} and said nothing",
        path=path or job.application.path,
        line=line,
    )


def _await_next_second() -> None:
    """A template that prints whole seconds must not print the same one twice."""
    now = time.time()
    time.sleep(1.001 - now % 1)


def _far_zone(room: Workspace) -> str:
    """A zone in which every part of a date and time differs from UTC's at any moment.

    Written as a file (RFC 9636, version 1: one local time type, no transitions), as no machine
    has such a zone: it is 400 days, 1 hour, 1 minute and 1 second ahead.
    """
    offset = 400 * 86400 + 3661
    counts = b"".join(number.to_bytes(4, "big") for number in (0, 0, 0, 0, 1, 4))
    kind = offset.to_bytes(4, "big", signed=True) + b"\0\0"
    place = Path(room.home, "zone")
    place.write_bytes(b"TZif" + b"\0" * 16 + counts + kind + b"FAR\0")
    return f":{place}"
