"""Confinement of the programs that render: no network, no files but their own, no other process.

Three mechanisms of Linux, none of which needs root or a tool: Landlock (files), namespaces
(network, processes, mounts, users) and a system-call filter (sockets, signals, tracing). What a
machine lacks is found once, by trying it in a child process; what it has is always used, and a
mechanism that was there and then fails ends the program before it starts. A program is *confined*
when all three promises hold, by whichever mechanism:

    files      nothing readable but the program, its libraries, and its own tree    Landlock
    network    no connection, not even to this machine         network namespace, or the filter
    processes  none can be signalled, traced or listed           process namespace, or the filter

The program runs with the rights of the user who started gitops-gate, minus all of these. Names
and sizes of files outside can still be guessed at, their contents cannot be had.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from gitops_gate.errors import ToolError
from gitops_gate.render.sandbox import landlock, limits, namespaces, programs, seccomp, system
from gitops_gate.tools import run

PROMISES = ("files", "network", "processes")

_SECUREBITS_NO_ROOT = 0b101111  # NOROOT, NO_SETUID_FIXUP and NO_CAP_AMBIENT_RAISE, each locked
_FILTER = 1 << 6
_CHOICE = 0b11


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxStatus:
    """What this machine can do. `available` and `missing` divide `PROMISES` between them.

    `mechanisms` names what is used for them, such as `landlock 7`.
    """

    available: tuple[str, ...]
    missing: tuple[str, ...]
    mechanisms: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every promise holds."""
        return not self.missing


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mechanisms:
    """What to use: a Landlock ABI version (0: none), namespace flags (0: none), the filter."""

    landlock: int = 0
    namespaces: int = 0
    seccomp: bool = False


def sandbox_status() -> SandboxStatus:
    """Find out, once per process, which promises can be kept here."""
    found = _mechanisms()
    kept = {
        "files": bool(found.landlock),
        "network": bool(found.namespaces) or found.seccomp,
        "processes": bool(found.namespaces) or found.seccomp,
    }
    names = []
    if found.landlock:
        names.append(f"landlock {found.landlock}")
    if found.namespaces:
        user = "user, " if found.namespaces & system.CLONE_NEWUSER else ""
        names.append(f"{user}network, process, mount namespaces")
    if found.seccomp:
        names.append("system-call filter")
    return SandboxStatus(
        available=tuple(promise for promise in PROMISES if kept[promise]),
        missing=tuple(promise for promise in PROMISES if not kept[promise]),
        mechanisms=tuple(names),
    )


def confinement(
    program: str, *, readable: tuple[str, ...], writable: tuple[str, ...], timeout: float
) -> Callable[[], None]:
    """What confines a child process, to be run in it just before it becomes `program`.

    `readable` are files and folders that it may read, `writable` folders in which it may also
    write; all absolute. Limits on resources apply wherever the system has them.
    """
    found = _mechanisms()
    rules = [(path, landlock.RUN) for path in programs.needs(program)]
    rules += [(path, landlock.READ_FILE | landlock.WRITE_FILE) for path in programs.DEVICES]
    rules += [(path, landlock.READ) for path in readable]
    everything = landlock.every_right(found.landlock) & ~landlock.EXECUTE
    rules += [(path, everything) for path in writable]

    def confine() -> None:
        if found.namespaces:
            namespaces.enter(found.namespaces)
        limits.apply(timeout=timeout, own_users=bool(found.namespaces & system.CLONE_NEWUSER))
        if not system.is_linux():
            return
        with contextlib.suppress(OSError):
            system.prctl(system.PR_SET_SECUREBITS, ctypes.c_ulong(_SECUREBITS_NO_ROOT))
        system.prctl(system.PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1))
        if found.landlock:
            landlock.restrict(found.landlock, rules)
        if found.seccomp:
            seccomp.restrict(own_process=None if found.namespaces else os.getpid())

    return confine


@cache
def _mechanisms() -> _Mechanisms:
    """Try each mechanism in a child that ends without becoming another program."""
    if not system.is_linux():
        return _Mechanisms()
    system.library()

    def attempt() -> None:
        result = 0
        for number, flags in enumerate(namespaces.CHOICES, start=1):
            with contextlib.suppress(OSError):
                namespaces.enter(flags)
                result = number
                break
        with contextlib.suppress(OSError):
            system.prctl(system.PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1))
            if seccomp.supported():
                seccomp.restrict(own_process=os.getpid())
                result |= _FILTER
        os._exit(result)

    try:
        code = run(["probe"], timeout=10, environment={}, before_exec=attempt).code
    except ToolError:
        code = 0
    choice = code & _CHOICE if code in range(128) else 0
    return _Mechanisms(
        landlock=landlock.version(),
        namespaces=namespaces.CHOICES[choice - 1] if choice else 0,
        seccomp=bool(code & _FILTER),
    )
