"""Which lines of a file differ between two revisions, by Git's own comparison of blobs.

What a forge shows of a change is truncated and cannot be asked about one line; Git can. Its
defaults are the forges' (Myers, three lines of context), and the repository that is asked is the
scratch one, where no attribute, driver or text conversion of anybody applies. Formats are those of
git-diff(1), "GENERATING PATCH TEXT WITH -P", and git-diff-tree(1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gitops_gate.errors import SourceError
from gitops_gate.source.git import decode, git_failed, run_git
from gitops_gate.source.objects import GitBlobs, is_object_id
from gitops_gate.source.values import Tree

CONTEXT = 3
"""Unchanged lines that forges show around a change."""

_HUNK = re.compile(rb"^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@", re.M)
_MARKS = (b" ", b"+", b"-")
_PLAIN = (
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--diff-algorithm=myers",
    "--indent-heuristic",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunk:
    """One hunk: the 1-based lines at which its two sides start, and a mark for each of its lines.

    A mark is `" "` for a line of both sides, `"-"` for one of the old side and `"+"` for one of the
    new. A side without lines starts behind the line that Git names.
    """

    old_start: int
    new_start: int
    marks: str

    def rows(self) -> list[tuple[int | None, int | None]]:
        """The old and the new number of each line; None on the side that lacks it."""
        old, new = self.old_start, self.new_start
        rows: list[tuple[int | None, int | None]] = []
        for mark in self.marks:
            rows.append((old if mark != "+" else None, new if mark != "-" else None))
            old += mark != "+"
            new += mark != "-"
        return rows


def diff_blobs(blobs: GitBlobs, old: str, new: str) -> tuple[Hunk, ...] | None:
    """The hunks between two blobs, given by their ids; None where Git takes one for binary.

    Raises `SourceError` when one is missing.
    """
    if not is_object_id(old) or not is_object_id(new):
        raise SourceError("only blobs of a repository can be compared")
    if old == new:
        return ()
    arguments = ("diff", *_PLAIN, f"--unified={CONTEXT}", old, new)
    done = run_git(arguments, git_dir=blobs.git_dir)
    if done.code not in (0, 1) or done.stderr:
        raise git_failed(f"blobs {old} and {new} cannot be compared", done, remedy=blobs.remedy)
    first = _HUNK.search(done.stdout)
    if first is None:
        return None
    return tuple(_hunks(done.stdout[first.start() :].split(b"\n")))


def renamed_paths(base: Tree, head: Tree, similarity: int) -> Mapping[str, str]:
    """The former path of each file that was renamed between two trees of one repository.

    `similarity` is in percent: GitHub's 50 is Git's own, GitLab asks Git for 30 (Gitaly,
    `internal/gitaly/service/diff/commit.go`). Raises `SourceError`.
    """
    if not isinstance(head.blobs, GitBlobs) or not base.identity or not head.identity:
        raise SourceError("renames are only known between revisions")
    options = ("-r", "-z", "--name-status", "--diff-filter=R", f"--find-renames={similarity}%")
    done = run_git(
        ("diff-tree", *options, base.identity, head.identity), git_dir=head.blobs.git_dir
    )
    if done.code or done.stderr:
        raise git_failed("two trees cannot be compared", done, remedy=head.blobs.remedy)
    fields = decode(done.stdout).split("\0")
    return dict(zip(fields[2::3], fields[1::3], strict=False))


def shown_lines(hunks: Sequence[Hunk]) -> dict[int, int | None]:
    """The new lines that a forge's diff shows, each with its old number; None for an added one."""
    return {new: old for hunk in hunks for old, new in hunk.rows() if new is not None}


def new_line(hunks: Sequence[Hunk], old_line: int) -> int | None:
    """The number that an old line has on the new side; None for one that is not there as it was."""
    offset = 0
    for hunk in hunks:
        if old_line < hunk.old_start:
            break
        rows = hunk.rows()
        for old, new in rows:
            if old == old_line:
                return new
        offset = hunk.marks.count("+") - hunk.marks.count("-") + offset
    return old_line + offset


def _hunks(lines: list[bytes]) -> list[Hunk]:
    found: list[Hunk] = []
    marks: list[str] = []
    start = (0, 0)
    for line in lines:
        header = _HUNK.match(line)
        if header is not None:
            if marks:
                found.append(Hunk(old_start=start[0], new_start=start[1], marks="".join(marks)))
            marks, start = [], (_start(header, 1), _start(header, 3))
        elif line[:1] in _MARKS:
            marks.append(line[:1].decode())
    if marks:
        found.append(Hunk(old_start=start[0], new_start=start[1], marks="".join(marks)))
    return found


def _start(header: re.Match[bytes], group: int) -> int:
    """The line after the named one for a side without lines, as Git counts it."""
    return int(header[group]) + (header[group + 1] == b"0")
