"""Bounds on what one resource change may hold; what does not fit is counted, never dropped quietly.

They are far above what a person reads: the full report keeps everything up to here, and the views
for people shorten further. Without them, one hostile manifest could fill a report.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from gitops_gate.changes.values import FieldChange
from gitops_gate.resources.plain import text_of

MAX_FIELDS = 1_000
"""Changed fields of one resource."""
MAX_VALUE = 65_536
"""Characters of JSON in one side of a changed field."""
MAX_DIFF = 524_288
"""Characters in the diff of one resource."""
MAX_LINE = 2_000
"""Characters in one line of a diff."""
_AROUND = 200


class Bounded(NamedTuple):
    """What fits, and how many fields or lines were left out or shortened."""

    kept: Any
    omitted: int


def bounded_fields(fields: Sequence[FieldChange]) -> Bounded:
    """At most `MAX_FIELDS`, with values of at most `MAX_VALUE`; a note stands for a longer one."""
    kept, omitted = [], max(0, len(fields) - MAX_FIELDS)
    for change in fields[:MAX_FIELDS]:
        sides = [_bounded_value(side) for side in (change.base, change.head)]
        omitted += any(cut for _, cut in sides)
        kept.append(FieldChange(path=change.path, base=sides[0][0], head=sides[1][0]))
    return Bounded(tuple(kept), omitted)


def _bounded_value(value: Any) -> tuple[Any, bool]:
    listed = _listed(value)
    if listed is None or isinstance(listed, bool | int | float):
        return listed, False
    length = len(listed) if isinstance(listed, str) else len(text_of(listed))
    if length <= MAX_VALUE:
        return listed, False
    return f"(left out: {length:,} characters)", True


def _listed(value: Any) -> Any:
    """`value` with lists for tuples, as a report shows it."""
    if isinstance(value, dict):
        return {name: _listed(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_listed(item) for item in value]
    return value


def bounded_diff(lines: Sequence[str]) -> Bounded:
    """The lines of a diff as one text: not too many, long ones cut around what differs."""
    kept: list[str] = []
    size = omitted = 0
    for index, line in enumerate(lines):
        shown = line if len(line) <= MAX_LINE else _shortened(lines, index)
        size += len(shown) + 1
        if size > MAX_DIFF:
            omitted += len(lines) - index
            break
        omitted += shown is not line
        kept.append(shown)
    return Bounded("".join(f"{line}\n" for line in kept), omitted)


def _shortened(lines: Sequence[str], index: int) -> str:
    """A long line, cut so that the first difference to its counterpart stays in view."""
    line = lines[index]
    start = max(1, _first_difference(line, _counterpart(lines, index)) - _AROUND)
    start = start if start > _AROUND else 1
    shown = line[start : start + MAX_LINE - 2 * _AROUND]
    before = f"(… {start - 1:,} characters) " if start > 1 else ""
    left = len(line) - start - len(shown)
    after = f" (… {left:,} characters)" if left > 0 else ""
    return f"{line[0]}{before}{shown}{after}"


def _counterpart(lines: Sequence[str], index: int) -> str:
    """The line that replaces a removed one, or that an added one replaces, if there is one.

    The block of removed lines is directly followed by that of added ones; the first of one is
    taken for the first of the other.
    """
    sign = lines[index][0]
    if sign not in "+-":
        return ""
    first = last = index
    while first > 0 and lines[first - 1][:1] == sign:
        first -= 1
    while last + 1 < len(lines) and lines[last + 1][:1] == sign:
        last += 1
    if sign == "-":
        found, other = last + 1 + (index - first), "+"
    else:
        start = first
        while start > 0 and lines[start - 1][:1] == "-":
            start -= 1
        found, other = start + (index - first), "-"
        if found >= first:
            return ""
    return lines[found] if found < len(lines) and lines[found][:1] == other else ""


def _first_difference(line: str, other: str) -> int:
    """The index of the first character after the sign that differs; 0 without a counterpart."""
    if not other:
        return 0
    shorter = min(len(line), len(other))
    low, high = 1, shorter
    while low < high:
        middle = (low + high + 1) // 2
        if line[1:middle] == other[1:middle]:
            low = middle
        else:
            high = middle - 1
    return low
