"""What the source room hands on: trees whose files are named, not yet read.

A `Tree` is the listing of one revision (or folder) and a way to read the bytes behind an entry.
It is picklable, so that a worker process can read for itself exactly the files it needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Mode(StrEnum):
    """The kinds of tree entry that Git has (gitformat-index, "mode")."""

    FILE = "100644"
    EXECUTABLE = "100755"
    LINK = "120000"
    SUBMODULE = "160000"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a tree: its mode, and what identifies its content.

    `oid` is the blob's object id in a Git tree. In a folder that is not read through Git it is
    `path:` and the path relative to the folder, until the content is read.
    """

    mode: Mode
    oid: str


class Blobs(Protocol):
    """Reads the bytes behind entries; picklable, and opened anew in each process that uses it."""

    def read(self, entry: Entry) -> bytes:
        """The content of one entry. Raises `SourceError` when it is missing."""

    def read_many(self, entries: Iterable[Entry]) -> Iterator[bytes]:
        """The contents of entries, in their order, with as few round trips as possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A listing of paths, relative to the repository's root, with `/` between segments.

    Paths are text; bytes that are not UTF-8 are kept as surrogate escapes (PEP 383).
    `identity` names the listing: the tree's object id, or "" where there is none.
    """

    entries: Mapping[str, Entry]
    blobs: Blobs
    identity: str = ""

    def read(self, path: str) -> bytes:
        """The bytes of the file at `path`, which must be an entry and not a link."""
        return self.blobs.read(self.entries[path])

    def subset(self, paths: Iterable[str]) -> Tree:
        """The same tree with only those of `paths` that exist in it."""
        kept = {path: self.entries[path] for path in sorted(paths) if path in self.entries}
        return Tree(entries=kept, blobs=self.blobs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A named state of a repository: a commit, or the working tree (`commit` is None)."""

    name: str
    commit: str | None
    tree: Tree
