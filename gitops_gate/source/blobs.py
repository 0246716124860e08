"""Contents that are not read through Git: files of a folder, and bytes in memory."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gitops_gate.errors import SourceError
from gitops_gate.source.beneath import Directories
from gitops_gate.source.git import encode
from gitops_gate.source.paths import shown
from gitops_gate.source.values import Entry, Mode

MAXIMUM_BLOB = 50 * 1024 * 1024
"""Bytes that one file may have to be read at all. Kubernetes objects have at most some 1.5 MB."""

FOLDER_PREFIX = "path:"
"""Starts the `oid` of an entry that is identified by its place in a folder."""

_CHUNK = 1 << 20


def object_id(kind: str, content: bytes, algorithm: str = "sha1") -> str:
    """The id that Git gives to an object of a kind: `blob`, `tree`, `commit` or `tag`."""
    header = b"%s %d\0" % (kind.encode("ascii"), len(content))
    digest = hashlib.new(algorithm, header, usedforsecurity=False)
    digest.update(content)
    return digest.hexdigest()


def blob_id(content: bytes, algorithm: str = "sha1") -> str:
    """The object id that Git gives to a file with this content (gitformat-object: "blob")."""
    return object_id("blob", content, algorithm)


def algorithm_of(oid: str) -> str:
    """The hash that an object id was made with: by its length, SHA-1 or SHA-256."""
    return "sha256" if len(oid) == 64 else "sha1"


def check_size(size: int, what: str) -> None:
    """Raise `SourceError` when something has more than `MAXIMUM_BLOB` bytes."""
    if size > MAXIMUM_BLOB:
        raise SourceError(
            f"{what} has {size:,} bytes; more than {MAXIMUM_BLOB:,} are never read",
            remedy="leave it out of what is deployed, or split it",
        )


def refuse_submodule(entry: Entry) -> None:
    """Raise `SourceError` when an entry is a submodule, which has no content of its own."""
    if entry.mode == Mode.SUBMODULE:
        raise SourceError(
            f"{shown(entry.oid)} is the commit of a submodule; submodules are not read"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryBlobs:
    """Contents held in memory, by object id."""

    contents: Mapping[str, bytes]

    def read(self, entry: Entry) -> bytes:
        """The content of one entry. Raises `SourceError` when it is missing or too large."""
        refuse_submodule(entry)
        if entry.oid not in self.contents:
            raise SourceError(f"object {shown(entry.oid)} is missing")
        content = self.contents[entry.oid]
        check_size(len(content), f"object {shown(entry.oid)}")
        return content

    def read_many(self, entries: Iterable[Entry]) -> Iterator[bytes]:
        """The contents of entries, in their order."""
        return map(self.read, entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderBlobs:
    """Files below a folder, read when asked for; links are read as their target, never followed."""

    root: str

    def read(self, entry: Entry) -> bytes:
        """The content of one entry, or the target of a link.

        Raises `SourceError` when it is missing, too large, or no longer a regular file, and
        `UnsafePathError` when it is not below the root.
        """
        return next(self.read_many((entry,)))

    def read_many(self, entries: Iterable[Entry]) -> Iterator[bytes]:
        """The contents of entries, in their order; fastest when that is sorted by folder."""
        try:
            with Directories(self.root) as directories:
                for entry in entries:
                    refuse_submodule(entry)
                    yield _read(directories, entry)
        except OSError as error:
            raise SourceError(
                f"cannot read the folder: {error.strerror}", path=shown(self.root)
            ) from None


def _read(directories: Directories, entry: Entry) -> bytes:
    path = entry.oid.removeprefix(FOLDER_PREFIX)
    try:
        if entry.mode == Mode.LINK:
            return encode(directories.link_target(path))
        folder, _, name = path.rpartition("/")
        return read_file(directories.enter(folder), encode(name), path)
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", path=shown(path)) from None


def open_file(parent: int, name: bytes, path: str) -> tuple[int, int]:
    """Open a regular file in an open folder: its descriptor and its size in bytes.

    Raises `SourceError` when it is something else, `OSError` when it is a link or missing.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(name, flags, dir_fd=parent)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise SourceError("is not a regular file", path=shown(path))
    return descriptor, status.st_size


def read_file(parent: int, name: bytes, path: str) -> bytes:
    """The bytes of a regular file in an open folder, at most `MAXIMUM_BLOB` of them.

    Raises `SourceError` when there are more, or when the file changes meanwhile.
    """
    descriptor, size = open_file(parent, name, path)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        check_size(size, shown(path))
        content = file.read(size + 1) or b""
        while len(content) < size and (more := file.read(size + 1 - len(content))):
            content += more
    if len(content) != size:
        raise _changed(path)
    return content


def hash_file(parent: int, name: bytes, path: str, algorithm: str) -> str:
    """The object id of a regular file in an open folder, of any size.

    Raises `SourceError` when the file changes meanwhile.
    """
    descriptor, size = open_file(parent, name, path)
    digest = hashlib.new(algorithm, b"blob %d\0" % size, usedforsecurity=False)
    left = size
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        while chunk := file.read(min(size + 1, _CHUNK)):
            digest.update(chunk)
            left -= len(chunk)
    if left:
        raise _changed(path)
    return digest.hexdigest()


def _changed(path: str) -> SourceError:
    return SourceError("changed while it was read", path=shown(path), remedy="run again")
