"""The system calls that confinement needs and Python does not offer, by way of the C library.

Everything here is loaded and prepared before a process forks: between fork and exec a child only
makes calls. Numbers are those of the Linux UAPI headers (`asm/unistd.h`, `linux/prctl.h`,
`linux/sched.h`, `linux/mount.h`), which never change once published.
"""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REC = 0x4000
MS_PRIVATE = 1 << 18

PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
PR_SET_SECUREBITS = 28
PR_SET_NO_NEW_PRIVS = 38

LANDLOCK_CREATE_RULESET = 444
LANDLOCK_ADD_RULE = 445
LANDLOCK_RESTRICT_SELF = 446


@cache
def library() -> ctypes.CDLL:
    """The C library that this process already uses."""
    return ctypes.CDLL(None, use_errno=True)


def is_linux() -> bool:
    """Whether any of this exists here."""
    return sys.platform.startswith("linux")


def _failed(call: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{call}: {os.strerror(number)}")


def syscall(name: str, number: int, *arguments: object) -> int:
    """Make a system call that the C library has no function for. Raises `OSError`."""
    result = int(library().syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        raise _failed(name)
    return result


def prctl(option: int, *arguments: object) -> None:
    """`prctl(2)`, unused arguments being zero. Raises `OSError`."""
    padded = [*arguments, *[ctypes.c_ulong(0)] * (4 - len(arguments))]
    if library().prctl(ctypes.c_int(option), *padded) < 0:
        raise _failed("prctl")


def unshare(flags: int) -> None:
    """Move this process into new namespaces, `unshare(2)`. Raises `OSError`."""
    if library().unshare(ctypes.c_int(flags)) < 0:
        raise _failed("unshare")


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """`mount(2)`. Raises `OSError`."""
    result = library().mount(
        source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode()
    )
    if result < 0:
        raise _failed("mount")
