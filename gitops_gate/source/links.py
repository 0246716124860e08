"""Symbolic links inside a tree, followed as a file system would, and no further than the tree.

A link is content like any other: a path that is reached through one depends on the link as well
as on the file. `resolve_path` therefore says both where a path leads and which links it passes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gitops_gate.errors import SourceError, UnsafePathError
from gitops_gate.source.git import decode
from gitops_gate.source.paths import shown
from gitops_gate.source.values import Entry, Mode, Tree

MAXIMUM_LINKS = 40
"""Links that one path may pass: what Linux allows (path_resolution(7))."""

_MAXIMUM_TARGET = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedPath:
    """Where a path leads, "." being the root of the tree, and the links passed, in order."""

    path: str
    links: tuple[str, ...] = ()


def follow(tree: Tree, path: str) -> str:
    """The path of the file or folder that `path` stands for; see `resolve_path`."""
    return resolve_path(tree, path).path


def resolve_path(tree: Tree, path: str) -> ResolvedPath:
    """Resolve the links of a path: of the file itself and of the folders that lead to it.

    Segments are taken one by one as path_resolution(7) says, so `link/..` is the parent of what
    the link points to. Raises `UnsafePathError` when the path or a link is absolute or leaves the
    tree, `SourceError` when nothing is there, or when over `MAXIMUM_LINKS` links are passed.
    """
    entry = tree.entries.get(path)
    if entry is not None and entry.mode != Mode.LINK:
        return ResolvedPath(path=path)
    return _resolve(tree, path, _folders(tree.entries))


def resolve_target(tree: Tree, link: str) -> ResolvedPath:
    """Like `resolve_path`, for a tree of which some files are left out.

    A segment that is missing counts as a folder, so that what lies behind it is still known to
    stay in the tree. Raises `UnsafePathError` and `SourceError` as `resolve_path` does.
    """
    return _resolve(tree, link, None)


def _resolve(tree: Tree, path: str, folders: frozenset[str] | None) -> ResolvedPath:
    """Walk a path; with `folders`, every segment must exist."""
    _check_relative(path, path)
    waiting = path.split("/")[::-1]
    here: list[str] = []
    links: list[str] = []
    while waiting:
        segment = waiting.pop()
        if segment in ("", "."):
            continue
        if segment == "..":
            if not here:
                raise UnsafePathError(_story(path, links, "leaves its tree"))
            here.pop()
            continue
        place = "/".join([*here, segment])
        entry = tree.entries.get(place)
        if entry is not None and entry.mode == Mode.LINK:
            if len(links) == MAXIMUM_LINKS:
                raise SourceError(_story(path, links[:3], "passes too many links, or a loop"))
            links.append(place)
            waiting += _target(tree, place, path).split("/")[::-1]
            continue
        if folders is not None:
            _check_there(place, entry, waiting, folders, _story(path, links, "leads nowhere"))
        here.append(segment)
    return ResolvedPath(path="/".join(here) or ".", links=tuple(dict.fromkeys(links)))


def _check_there(
    place: str, entry: Entry | None, waiting: list[str], folders: frozenset[str], story: str
) -> None:
    if entry is None:
        if place not in folders:
            raise SourceError(f"{story}: {shown(place)} does not exist")
    elif waiting:
        what = "a submodule, which is not read" if entry.mode == Mode.SUBMODULE else "a file"
        raise SourceError(f"{story}: {shown(place)} is {what}")


def _target(tree: Tree, link: str, path: str) -> str:
    """What a link says, checked to be a relative path."""
    raw = tree.read(link)
    if not raw or len(raw) >= _MAXIMUM_TARGET:
        raise SourceError(f"the link {shown(link)} has no usable target")
    target = decode(raw)
    _check_relative(target, link)
    return target


def _check_relative(target: str, link: str) -> None:
    if target.startswith("/") or "\0" in target:
        kind = "holds a NUL byte" if "\0" in target else "is absolute"
        where = "" if target == link else f"the link {shown(link)}: "
        raise UnsafePathError(f"{where}the path {shown(target)} {kind}")


def _story(path: str, links: list[str], end: str) -> str:
    through = ", ".join(shown(link) for link in links if link != path)
    return f"{shown(path)} {f'(through {through}) ' if through else ''}{end}"


_KNOWN_FOLDERS: dict[int, tuple[Mapping[str, Entry], frozenset[str]]] = {}
_MAXIMUM_KNOWN = 8


def _folders(entries: Mapping[str, Entry]) -> frozenset[str]:
    """The folders of a listing, remembered for the last few listings."""
    known = _KNOWN_FOLDERS.get(id(entries))
    if known is not None and known[0] is entries:
        return known[1]
    found: set[str] = set()
    for path in entries:
        folder = path.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    while len(_KNOWN_FOLDERS) >= _MAXIMUM_KNOWN:
        _KNOWN_FOLDERS.pop(next(iter(_KNOWN_FOLDERS)), None)
    folders = frozenset(found)
    _KNOWN_FOLDERS[id(entries)] = (entries, folders)
    return folders
