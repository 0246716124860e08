"""The only place that starts a subprocess.

Git, Helm, Kustomize, kubeconform and OPA all run from here, so that each has a deadline, a bound
on what it may print, a process group that ends with it, and an environment that is built from an
allow-list rather than inherited. Rooms above say what to run; this one says how.
"""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from gitops_gate.errors import ToolError

INHERITED_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT")
DEFAULT_MAXIMUM_OUTPUT = 256 * 1024 * 1024

_TERMINAL_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?")
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


Process = subprocess.Popen[bytes]
"""A process that runs on; see `start` and `end`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A process that ended by itself: its exit code and everything it printed."""

    code: int
    stdout: bytes
    stderr: bytes


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The allow-listed variables of this process, and `extra` on top; no credential passes."""
    kept = {name: os.environ[name] for name in INHERITED_VARIABLES if name in os.environ}
    return kept | {"LC_ALL": "C.UTF-8"} | dict(extra or {})


def clean_text(raw: bytes | str, *, limit: int = 4000) -> str:
    """Text that a terminal and a reader can be shown, whoever wrote it.

    Escape sequences, control and bidirectional characters are removed, long output is cut in the
    middle with a note of how many characters are left out.
    """
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    text = _CONTROL.sub("", _TERMINAL_ESCAPES.sub("", text.replace("\r\n", "\n"))).strip()
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half} characters left out …]\n{text[-half:]}"


def run(
    command: Sequence[str],
    *,
    timeout: float,
    environment: Mapping[str, str],
    folder: str | None = None,
    stdin: bytes = b"",
    maximum_output: int = DEFAULT_MAXIMUM_OUTPUT,
    before_exec: Callable[[], None] | None = None,
) -> Completed:
    """Run a command to its end and return what it printed, whatever its exit code.

    `timeout` is in seconds. `before_exec` runs in the child, just before the program does.
    Raises `ToolError` when the program is missing, runs out of time, or prints more than
    `maximum_output` bytes; the whole process group is killed then.
    """
    process = start(command, environment=environment, folder=folder, before_exec=before_exec)
    name = Path(command[0]).name
    try:
        stdout, stderr = _communicate(process, stdin, time.monotonic() + timeout, maximum_output)
    except TimeoutError:
        raise ToolError(
            f"{name} did not finish within {timeout:g} s", remedy="raise render.timeout"
        ) from None
    except OverflowError:
        raise ToolError(f"{name} printed more than {maximum_output:,} bytes") from None
    finally:
        end(process)
    return Completed(code=process.returncode, stdout=stdout, stderr=stderr)


def start(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: str | None = None,
    before_exec: Callable[[], None] | None = None,
    discard_errors: bool = False,
) -> Process:
    """Start a long-running process in a process group of its own; `end` stops it.

    Raises `ToolError` when the program cannot be started.
    """
    try:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if discard_errors else subprocess.PIPE,
            cwd=folder,
            env=dict(environment),
            start_new_session=True,
            preexec_fn=before_exec,  # noqa: PLW1509 - workers that confine are single-threaded
        )
    except FileNotFoundError as error:
        missing = error.filename or command[0]
        raise ToolError(
            f"{Path(str(missing)).name} was not found", remedy=f"install {command[0]}"
        ) from None
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolError(f"{command[0]} could not be started: {error}") from None


def end(process: Process) -> None:
    """Kill what is left of a process and its group, and close its pipes."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    process.wait()


def _communicate(
    process: Process, stdin: bytes, deadline: float, maximum: int
) -> tuple[bytes, bytes]:
    """Feed and drain the three pipes at once, within the deadline and the bound on output."""
    collected: dict[IO[bytes], bytearray] = {}
    pending = memoryview(stdin)
    with selectors.DefaultSelector() as selector:
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                collected[pipe] = bytearray()
                selector.register(pipe, selectors.EVENT_READ)
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
            selector.register(process.stdin, selectors.EVENT_WRITE)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready and time.monotonic() >= deadline:
                raise TimeoutError
            for key, _ in ready:
                if key.fileobj is process.stdin:
                    pending = _feed(process.stdin, pending)
                    if not pending:
                        selector.unregister(process.stdin)
                        process.stdin.close()
                    continue
                pipe = key.fileobj  # type: ignore[assignment]
                chunk = os.read(key.fd, 1 << 16)
                if not chunk:
                    selector.unregister(pipe)  # type: ignore[arg-type]
                    continue
                collected[pipe] += chunk  # type: ignore[index]
                if sum(map(len, collected.values())) > maximum:
                    raise OverflowError
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    outputs = [bytes(content) for content in collected.values()]
    return outputs[0], outputs[1] if len(outputs) > 1 else b""


def _feed(pipe: IO[bytes], pending: memoryview) -> memoryview:
    """Write what the pipe takes now; a reader that went away takes everything."""
    try:
        return pending[os.write(pipe.fileno(), pending[: 1 << 16]) :] if pending else pending
    except BlockingIOError:
        return pending
    except BrokenPipeError:
        return pending[:0]
