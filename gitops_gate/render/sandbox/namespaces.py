"""Namespaces: a process that sees no network, no other process and no foreign mount.

Source: the manual pages `unshare(2)`, `user_namespaces(7)`, `pid_namespaces(7)`. A process
namespace takes in only children, so the process that asked for it stays behind as a silent
parent: it closes everything, waits, and ends as its child did.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal

from gitops_gate.render.sandbox import system

_ISOLATION = (
    system.CLONE_NEWNET
    | system.CLONE_NEWPID
    | system.CLONE_NEWNS
    | system.CLONE_NEWIPC
    | system.CLONE_NEWUTS
)
# Ordinary users get the others only inside a user namespace of their own; root also has less
# power over the rest of the system in one.
CHOICES = (system.CLONE_NEWUSER | _ISOLATION, _ISOLATION)


def enter(flags: int) -> None:
    """Go on in new namespaces, as first process of the process namespace. Raises `OSError`.

    Returns in a child of the calling process only.
    """
    user, group = os.getuid(), os.getgid()
    system.unshare(flags)
    if flags & system.CLONE_NEWUSER:
        _keep_identity(user, group)
    _hide_processes()
    _die_with_parent()
    child = os.fork()
    if child:
        _end_like(child)
    _die_with_parent()


def _keep_identity(user: int, group: int) -> None:
    """Map the user to itself. Some systems forbid it; the process is nobody then, which will do."""
    with contextlib.suppress(OSError):
        for name, content in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            descriptor = os.open(f"/proc/self/{name}", os.O_WRONLY)
            try:
                os.write(descriptor, content.encode())
            finally:
                os.close(descriptor)


def _hide_processes() -> None:
    """Lay an empty folder over /proc, whose names alone would tell of other processes.

    Where mounts are refused to user namespaces this is left out; Landlock still refuses to read it.
    """
    with contextlib.suppress(OSError):
        system.mount("none", "/", "", system.MS_REC | system.MS_PRIVATE)
        flags = system.MS_RDONLY | system.MS_NOSUID | system.MS_NODEV | system.MS_NOEXEC
        system.mount("none", "/proc", "tmpfs", flags, "size=4k,mode=555")


def _die_with_parent() -> None:
    system.prctl(system.PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))


def _end_like(child: int) -> None:
    """Wait for the child without holding any of its pipes, and end as it did."""
    try:
        os.closerange(0, 1 << 20)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        os._exit(code if code >= 0 else 128 - code)
    finally:
        os._exit(255)
