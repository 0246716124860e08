"""New trees out of old ones: a few files replaced, added or removed, the rest untouched.

Only the folders on the way to an edited file are read and written again; everything else keeps
its object id. What is new goes to the scratch repository in one pack, so that a tree of a
thousand files costs one process, and Git computes every id again on the way in.

The format of trees and packs: git.git, gitformat-pack(5) and `tree-walk.c`.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gitops_gate.errors import SourceError, UnsafePathError
from gitops_gate.source.blobs import object_id
from gitops_gate.source.git import decode, encode, git_failed, run_git
from gitops_gate.source.objects import is_object_id
from gitops_gate.source.paths import check_path, shown
from gitops_gate.source.values import Mode

if TYPE_CHECKING:
    from gitops_gate.source.objects import GitBlobs
    from gitops_gate.source.repository import Repository

_FOLDER = "40000"
_ANY_FILE = "100"
"""Starts the mode of a file; what follows was once more than executable or not."""

_KINDS = {"tree": 2, "blob": 3}


def edited_tree(repository: Repository, tree: str | None, edits: Mapping[str, bytes | None]) -> str:
    """The id of the tree that a tree becomes by edits; `tree` None is the empty one.

    An edit gives a path its whole content; a file that was there keeps its mode, a new one has
    100644. None removes a file, a link or a submodule, and is no error where nothing is; a folder
    that becomes empty is gone.

    Raises `UnsafePathError` for a path that leaves the tree, leads through a link, a submodule
    or a file, or names one of them or a folder; `SourceError` when a tree on the way is missing
    or was not made by Git. Nothing is written then.
    """
    if tree is not None and (not is_object_id(tree) or repository.blobs.find(tree) is None):
        raise SourceError(f"tree {shown(tree)} is not in the repository")
    root = _Folder(blobs=repository.blobs, algorithm=repository.location.algorithm, oid=tree)
    for path in edits:
        check_path(path)
    for path in sorted(path for path, content in edits.items() if content is None):
        root.remove(path)
    made: dict[str, tuple[str, bytes]] = {}
    for path in sorted(edits):
        content = edits[path]
        if content is not None:
            oid = object_id("blob", content, root.algorithm)
            made[oid] = ("blob", content)
            root.put(path, oid)
    result = root.written(made)
    _store(repository, made)
    return result


@dataclass(slots=True)
class _Folder:
    """A folder while it is edited; those below it are opened when an edit leads into them."""

    blobs: GitBlobs
    algorithm: str
    oid: str | None
    entries: dict[bytes, tuple[str, str]] = field(init=False)
    opened: dict[bytes, _Folder] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        raw = self.blobs.read_object(self.oid, "tree") if self.oid else b""
        self.entries = _entries(raw, self.oid or "", 32 if self.algorithm == "sha256" else 20)

    def remove(self, path: str) -> None:
        """Remove what is at a path; nothing is no error."""
        folder, name = self, b""
        *above, last = encode(path).split(b"/")
        for name in above:
            if name not in folder.entries or folder.entries[name][0] != _FOLDER:
                return
            folder = folder.enter(name, path)
        if folder.entries.get(last, ("", ""))[0] == _FOLDER:
            raise UnsafePathError(f"{shown(path)} is a folder, and cannot be removed as a file")
        folder.entries.pop(last, None)

    def put(self, path: str, oid: str) -> None:
        """Make a file of what is at a path, or is not yet."""
        folder = self
        *above, last = encode(path).split(b"/")
        for name in above:
            folder = folder.enter(name, path)
        mode = folder.entries.get(last, (Mode.FILE.value, ""))[0]
        if not mode.startswith(_ANY_FILE):
            raise UnsafePathError(f"{shown(path)} is {_named(mode)}, and cannot become a file")
        kept = Mode.EXECUTABLE if mode == Mode.EXECUTABLE else Mode.FILE
        folder.entries[last] = (kept.value, oid)

    def enter(self, name: bytes, path: str) -> _Folder:
        """The folder of a name in this one, which is made when it is missing."""
        if name not in self.opened:
            mode, oid = self.entries.get(name, (_FOLDER, ""))
            if mode != _FOLDER:
                raise UnsafePathError(f"{shown(path)} leads through {_named(mode)}")
            self.opened[name] = _Folder(blobs=self.blobs, algorithm=self.algorithm, oid=oid or None)
            self.entries[name] = (_FOLDER, oid)
        return self.opened[name]

    def written(self, made: dict[str, tuple[str, bytes]]) -> str:
        """The id of this folder now; its tree and those below it are added to `made`."""
        for name, folder in self.opened.items():
            if folder.is_empty():
                del self.entries[name]
            else:
                self.entries[name] = (_FOLDER, folder.written(made))
        raw = b"".join(
            mode.encode() + b" " + name + b"\0" + bytes.fromhex(oid)
            for name, (mode, oid) in sorted(self.entries.items(), key=_in_git_order)
        )
        oid = object_id("tree", raw, self.algorithm)
        made[oid] = ("tree", raw)
        return oid

    def is_empty(self) -> bool:
        """Whether nothing is left in it."""
        return all(name in self.opened and self.opened[name].is_empty() for name in self.entries)


def _named(mode: str) -> str:
    if mode == _FOLDER:
        return "a folder"
    if mode == Mode.LINK:
        return "a symbolic link"
    return "a file" if mode.startswith(_ANY_FILE) else "a submodule"


def _in_git_order(entry: tuple[bytes, tuple[str, str]]) -> bytes:
    """What Git sorts entries by: a folder as if its name ended with a slash."""
    name, (mode, _) = entry
    return name + b"/" if mode == _FOLDER else name


def _entries(raw: bytes, tree: str, width: int) -> dict[bytes, tuple[str, str]]:
    """The (mode, id) of each name in a raw tree, `width` being the bytes of an id."""
    found: dict[bytes, tuple[str, str]] = {}
    for mode, name, oid in _records(raw, tree, width):
        if not name or b"/" in name or name in found:
            raise SourceError(
                f"tree {tree} names {shown(decode(name))!r} twice, or no file at all; it was not "
                "made by Git"
            )
        found[name] = (mode.lstrip("0"), oid)
    return found


def _records(raw: bytes, tree: str, width: int) -> Iterator[tuple[str, bytes, str]]:
    position = 0
    while position < len(raw):
        space = raw.find(b" ", position)
        end = raw.find(b"\0", space)
        mode = raw[position:space].decode("ascii", "replace")
        if space < 0 or end < 0 or end + 1 + width > len(raw) or not mode.isdecimal():
            raise SourceError(f"tree {tree} cannot be read; it was not made by Git")
        yield mode, raw[space + 1 : end], raw[end + 1 : end + 1 + width].hex()
        position = end + 1 + width


def _store(repository: Repository, made: Mapping[str, tuple[str, bytes]]) -> None:
    """Write those objects that are not there yet; Git names them again, and must agree."""
    new = [made[oid] for oid in repository.blobs.missing(made)]
    if not new:
        return
    pack = _pack(new, repository.location.algorithm)
    stored = run_git(("unpack-objects", "-q"), git_dir=repository.scratch, stdin=pack)
    if stored.code:
        raise git_failed("the tree cannot be written", stored)
    if lost := repository.blobs.missing(made):
        raise SourceError(f"object {lost[0]} was written, and is not there")


def _pack(objects: Iterable[tuple[str, bytes]], algorithm: str) -> bytes:
    """A pack of whole objects: header, each object's kind, size and content, and a checksum."""
    parts = [_packed(_KINDS[kind], content) for kind, content in objects]
    raw = b"".join((b"PACK", struct.pack(">II", 2, len(parts)), *parts))
    return raw + hashlib.new(algorithm, raw).digest()


def _packed(kind: int, content: bytes) -> bytes:
    size = len(content)
    header = bytearray([kind << 4 | size & 15])
    size >>= 4
    while size:
        header[-1] |= 0x80
        header.append(size & 0x7F)
        size >>= 7
    return bytes(header) + zlib.compress(content)
