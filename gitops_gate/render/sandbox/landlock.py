"""Landlock: the kernel lets the process open only what is listed, whoever it runs as.

Source: the kernel's `Documentation/userspace-api/landlock.rst` and `linux/landlock.h`. Each ABI
version adds rights that can be refused; all that the running kernel knows are refused, and then
given back for the listed paths alone. Links do not help to get around it: the kernel judges the
file that is opened, not the name it was reached by.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable
from functools import cache

from gitops_gate.render.sandbox import system

EXECUTE = 1 << 0
WRITE_FILE = 1 << 1
READ_FILE = 1 << 2
READ_DIRECTORY = 1 << 3
TRUNCATE = 1 << 14

_RIGHTS_BY_VERSION = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
_ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
_TCP = 0b11
_SCOPES = 0b11
_VERSION_FLAG = 1
_PATH_BENEATH = 1

READ = READ_FILE | READ_DIRECTORY
RUN = READ | EXECUTE


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("filesystem", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


@cache
def version() -> int:
    """The ABI version of the running kernel; 0 where Landlock is missing or switched off."""
    if not system.is_linux():
        return 0
    try:
        return system.syscall(
            "landlock_create_ruleset",
            system.LANDLOCK_CREATE_RULESET,
            None,
            ctypes.c_size_t(0),
            ctypes.c_uint32(_VERSION_FLAG),
        )
    except OSError:
        return 0


def every_right(abi: int) -> int:
    """All file-system rights that a kernel with this ABI version can refuse."""
    return sum(right for since, right in _RIGHTS_BY_VERSION.items() if since <= abi)


def restrict(abi: int, rules: Iterable[tuple[str, int]]) -> None:
    """Confine this process, and all it starts, to `rules`: pairs of a path and its rights.

    Paths that are missing, or not ours to open, are left out. TCP, abstract sockets and signals
    to processes outside are refused as well where the kernel can. The process must already have
    given up new privileges. Raises `OSError`.
    """
    handled = every_right(abi)
    attributes = _Ruleset(
        filesystem=handled,
        network=_TCP if abi >= 4 else 0,
        scoped=_SCOPES if abi >= 6 else 0,
    )
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = system.syscall(
        "landlock_create_ruleset",
        system.LANDLOCK_CREATE_RULESET,
        ctypes.byref(attributes),
        ctypes.c_size_t(size),
        ctypes.c_uint32(0),
    )
    try:
        for path, rights in rules:
            _allow(ruleset, path, rights & handled)
        system.syscall(
            "landlock_restrict_self",
            system.LANDLOCK_RESTRICT_SELF,
            ctypes.c_int(ruleset),
            ctypes.c_uint32(0),
        )
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _ON_FILES
        rule = _PathBeneath(allowed=rights, parent=descriptor)
        system.syscall(
            "landlock_add_rule",
            system.LANDLOCK_ADD_RULE,
            ctypes.c_int(ruleset),
            ctypes.c_int(_PATH_BENEATH),
            ctypes.byref(rule),
            ctypes.c_uint32(0),
        )
    finally:
        os.close(descriptor)
