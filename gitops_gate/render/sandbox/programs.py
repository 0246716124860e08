"""What a program must be able to read besides its input: itself, its interpreter, its libraries."""

from __future__ import annotations

import os
import shutil
import struct
from functools import lru_cache
from pathlib import Path

LIBRARIES = (
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/nix/store",
)
LOADER_FILES = ("/etc/ld.so.cache", "/etc/ld.so.preload")
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random", "/dev/full")

_ELF = b"\x7fELF"
_PROGRAM_INTERPRETER = 3


def find(name: str) -> str | None:
    """The file that a configured command runs, or None.

    `name` is an absolute path, or a bare name that is looked up in the absolute folders of PATH:
    a relative one would let the repository that is being judged bring its own program.
    """
    if name.startswith("/"):
        return name if Path(name).is_file() and os.access(name, os.X_OK) else None
    if os.sep in name or not name:
        return None
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    absolute = os.pathsep.join(folder for folder in folders if folder.startswith("/"))
    return shutil.which(name, path=absolute) if absolute else None


@lru_cache(maxsize=64)
def needs(program: str) -> tuple[str, ...]:
    """The files and folders that must be readable and executable for `program` to start.

    A static program needs itself; a dynamic one its loader and the library folders of the
    system; a script its interpreter and what that needs.
    """
    return tuple(dict.fromkeys(_needs(program, depth=0)))


def _needs(program: str, depth: int) -> list[str]:
    real = os.path.realpath(program)
    needed = [program, real]
    try:
        with Path(real).open("rb") as file:
            start = file.read(8192)
    except OSError:
        return needed
    if start.startswith(_ELF):
        if _is_dynamic(start):
            needed += [*LIBRARIES, *LOADER_FILES]
    elif start.startswith(b"#!") and depth < 3:
        for word in os.fsdecode(start[2:].split(b"\n", 1)[0]).split():
            found = find(word)
            if found is not None:
                needed += _needs(found, depth + 1)
    return needed


def _is_dynamic(start: bytes) -> bool:
    """Whether an ELF file names an interpreter (System V ABI, program headers)."""
    if len(start) < 64:
        return True
    wide, order = start[4] == 2, "<" if start[5] == 1 else ">"
    if wide:
        (offset,) = struct.unpack_from(f"{order}Q", start, 32)
        size, count = struct.unpack_from(f"{order}HH", start, 54)
    else:
        (offset,) = struct.unpack_from(f"{order}I", start, 28)
        size, count = struct.unpack_from(f"{order}HH", start, 42)
    for index in range(count):
        place = offset + index * size
        if place + 4 > len(start):
            return True
        if struct.unpack_from(f"{order}I", start, place)[0] == _PROGRAM_INTERPRETER:
            return True
    return False
