"""From a line of what was judged to the line of the head that a forge lets a comment sit on.

    judged (the merge of target and head) ──same blob, or Git's diff of two──> head
        ──Git's diff between merge base and head──> InlinePlace

A forge takes comments only on lines of its own diff, which starts at the merge base. That diff is
worked out from Git objects, since what a forge answers is truncated. Only files with findings are
compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gitops_gate.forges.values import ForgeKind, InlinePlace
from gitops_gate.source import Mode, Repository, Tree
from gitops_gate.source.line_diff import Hunk, diff_blobs, new_line, renamed_paths, shown_lines
from gitops_gate.source.objects import GitBlobs

SIMILARITY: Mapping[ForgeKind, int] = {"github": 50, "gitlab": 30}
"""Percent of a file that has to stay for a forge to call it renamed."""

_LONGEST_TEXT = 1_000_000
_FILES = (Mode.FILE, Mode.EXECUTABLE)


class Elsewhere(StrEnum):
    """Why a finding has no line of its own in the forge's diff."""

    NO_LINE = "no line is known"
    NOT_IN_HEAD = "the file is not part of the change request's head"
    MERGED_LINE = "the line comes from the merge with the target"
    UNCHANGED = "the line is outside of the diff"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadFile:
    """A file of the head, seen from the one that was judged.

    `shown` are its lines in the forge's diff, with their old numbers (None for an added line).
    `moved` are the hunks from the judged file to this one, empty where they are equal; None where
    nobody can tell. `text` is its content, or "" where it is too long or not UTF-8.
    """

    path: str
    old_path: str
    shown: Mapping[int, int | None]
    moved: tuple[Hunk, ...] | None = ()
    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffLines:
    """The files with findings that the head has too, by their paths in what was judged."""

    files: Mapping[str, HeadFile] = field(default_factory=dict)


def diff_lines_of(
    repository: Repository,
    *,
    target: str,
    head: str,
    judged: Tree,
    paths: Iterable[str],
    forge: ForgeKind,
) -> DiffLines:
    """As `diff_lines`, from the merge base of the target's tip and the head, given by commit.

    Raises `SourceError` when an object or history is missing.
    """
    base = repository.revision(repository.merge_base(target, head)).tree
    return diff_lines(base, repository.revision(head).tree, judged, paths, forge)


def diff_lines(
    base: Tree, head: Tree, judged: Tree, paths: Iterable[str], forge: ForgeKind
) -> DiffLines:
    """Everything about `paths` of the judged tree that `place_of` needs. Raises `SourceError`."""
    wanted = sorted({path for path in paths if _is_file(judged, path)})
    moved = {path: path for path in wanted if _is_file(head, path)}
    if len(moved) < len(wanted):
        renamed = renamed_paths(head, judged, SIMILARITY[forge])
        for path in wanted:
            if path not in moved and _is_file(head, renamed.get(path, "")):
                moved[path] = renamed[path]
    former: Mapping[str, str] = {}
    if any(path not in base.entries for path in moved.values()):
        former = renamed_paths(base, head, SIMILARITY[forge])
    return DiffLines(
        files={
            path: _head_file(base, head, own, former.get(own, own), judged.entries[path].oid)
            for path, own in sorted(moved.items())
        }
    )


def place_of(lines: DiffLines, path: str, line: int) -> InlinePlace | Elsewhere:
    """Where a comment on a line of what was judged sits, or why it can sit nowhere."""
    if line < 1:
        return Elsewhere.NO_LINE
    file = lines.files.get(path)
    if file is None:
        return Elsewhere.NOT_IN_HEAD
    own = None if file.moved is None else new_line(file.moved, line)
    if own is None:
        return Elsewhere.MERGED_LINE
    if own not in file.shown:
        return Elsewhere.UNCHANGED
    return InlinePlace(path=file.path, line=own, old_path=file.old_path, old_line=file.shown[own])


def _head_file(base: Tree, head: Tree, path: str, former: str, judged: str) -> HeadFile:
    """A file of the head; `judged` is the blob that it was judged as."""
    blobs = head.blobs
    assert isinstance(blobs, GitBlobs)
    own = head.entries[path].oid
    content = head.read(path)
    old_path = path if path in base.entries else former
    if _is_file(base, old_path):
        shown = shown_lines(diff_blobs(blobs, base.entries[old_path].oid, own) or ())
    else:
        shown = {} if b"\0" in content[:8000] else dict.fromkeys(_numbers(content))
    return HeadFile(
        path=path,
        old_path=old_path,
        shown=shown,
        moved=diff_blobs(blobs, judged, own),
        text=_text(content),
    )


def _numbers(content: bytes) -> range:
    lines = content.count(b"\n") + bool(content and not content.endswith(b"\n"))
    return range(1, lines + 1)


def _text(content: bytes) -> str:
    if len(content) > _LONGEST_TEXT:
        return ""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return ""


def _is_file(tree: Tree, path: str) -> bool:
    entry = tree.entries.get(path)
    return entry is not None and entry.mode in _FILES
