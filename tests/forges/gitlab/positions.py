"""Where a comment may sit: on lines of the newest version's diff, as Git has it.

A position names the version's three ids and both paths; `new_line` alone is an added line,
`old_line` alone a removed one, both an unchanged one, inside a hunk or not
(docs.gitlab.com/api/discussions/#create-a-merge-request-thread, `lib/gitlab/diff/position.rb`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from tests.forges.gitlab.access import bad_request
from tests.forges.gitlab.repository import DiffLine
from tests.forges.gitlab.state import MergeRequest, Project

_NO_LINE = """Note {:line_code=>["can't be blank", "must be a valid line code"]}"""
_INCOMPLETE = (
    """Note {:line_code=>["can't be blank", "must be a valid line code"], """
    """:position=>["is incomplete"]}"""
)
_NO_RANGE = """Note {:position=>["must be a valid json schema"]}"""


def line_codes(path: str, line: DiffLine, *, old: int, new: int) -> tuple[str, ...]:
    """GitLab's names of a line; on a side that it is not on, the number that comes next there.

    Clients that do not know that number write 0, which GitLab takes without a look.
    """
    digest = hashlib.sha1(path.encode()).hexdigest()
    exact = f"{digest}_{line.old or old}_{line.new or new}"
    return exact, f"{digest}_{line.old or 0}_{line.new or 0}"


def check(project: Project, mr: MergeRequest, position: Mapping[str, Any]) -> dict[str, Any]:
    """The position as it is stored. Raises `RefusedError` for one on no line of the diff."""
    newest = mr.newest
    if newest is None or not mr.diff_ready:
        raise bad_request("""Note {:noteable=>["doesn't support new-style diff notes"]}""")
    asked = tuple(position.get(f"{name}_sha") for name in ("base", "start", "head"))
    if None in asked or not position.get("new_path") or not position.get("old_path"):
        raise bad_request(_INCOMPLETE)
    if asked != (newest.base, newest.start, newest.head):
        raise bad_request(_NO_LINE)
    old_path, new_path = str(position["old_path"]), str(position["new_path"])
    lines = project.git.diff_lines(newest.base, newest.head, old_path, new_path)
    wanted = DiffLine(old=position.get("old_line"), new=position.get("new_line"))
    if wanted == DiffLine(old=None, new=None) or wanted not in lines:
        raise bad_request(_NO_LINE)
    lines_range = position.get("line_range")
    if lines_range is not None:
        _check_range(lines_range, wanted, lines, new_path)
    return {
        "base_sha": newest.base,
        "start_sha": newest.start,
        "head_sha": newest.head,
        "old_path": old_path,
        "new_path": new_path,
        "position_type": "text",
        "old_line": wanted.old,
        "new_line": wanted.new,
        "line_range": lines_range,
    }


def _check_range(
    lines_range: Mapping[str, Any], last: DiffLine, lines: tuple[DiffLine, ...], path: str
) -> None:
    codes = _codes(path, lines)
    ends = []
    for name in ("start", "end"):
        end = lines_range.get(name) or {}
        code, kind = end.get("line_code"), end.get("type")
        line = codes.get(str(code))
        if line is None or kind not in _kinds(line):
            raise bad_request(_NO_RANGE)
        ends.append(lines.index(line))
    if ends[0] > ends[1] or lines[ends[1]] != last:
        raise bad_request(_NO_RANGE)


def _kinds(line: DiffLine) -> tuple[str | None, ...]:
    """What a line's end may be called: an added one new, a removed one old."""
    if line.old is None:
        return ("new",)
    if line.new is None:
        return ("old",)
    return (None, "new", "old", "expanded")


def _codes(path: str, lines: tuple[DiffLine, ...]) -> dict[str, DiffLine]:
    codes: dict[str, DiffLine] = {}
    old = new = 1
    for line in lines:
        codes |= dict.fromkeys(line_codes(path, line, old=old, new=new), line)
        old = line.old + 1 if line.old else old
        new = line.new + 1 if line.new else new
    return codes
