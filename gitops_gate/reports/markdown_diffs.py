"""The lines of a diff that a comment shows: the first ones, long ones cut to what differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gitops_gate.reports.escaping import block

_LONGEST_LINE = 400
_BEGINNING = 40
_LEAD = 60
"""Characters before the difference that a long line keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffExcerpt:
    """The lines to show, how many are left out after them, and how many are shown in part."""

    lines: tuple[str, ...] = ()
    left_out: int = 0
    shortened: int = 0


def excerpt(diff: str, *, most: int, largest: int) -> DiffExcerpt:
    """The first lines of a diff, at most `most` of them and `largest` characters in all."""
    if not diff:
        return DiffExcerpt()
    lines = block(diff)
    counterparts = _counterparts(lines[:most])
    shown: list[str] = []
    size = shortened = 0
    for at, line in enumerate(lines[:most]):
        text = line if len(line) <= _LONGEST_LINE else _window(line, counterparts.get(at))
        size += len(text) + 1
        if size > largest:
            break
        shortened += text is not line
        shown.append(text)
    left_out = len(lines) - len(shown)
    return DiffExcerpt(lines=tuple(shown), left_out=left_out, shortened=shortened)


def _counterparts(lines: Sequence[str]) -> dict[int, str]:
    """For each removed line the added one that stands in its place, and the other way round."""
    found: dict[int, str] = {}
    at = 0
    while at < len(lines):
        removed = _run(lines, at, "-")
        added = _run(lines, removed, "+")
        for one, other in zip(range(at, removed), range(removed, added), strict=False):
            found[one], found[other] = lines[other], lines[one]
        at = max(added, at + 1)
    return found


def _run(lines: Sequence[str], start: int, sign: str) -> int:
    end = start
    while end < len(lines) and lines[end].startswith(sign):
        end += 1
    return end


def _window(line: str, counterpart: str | None) -> str:
    """The beginning of a long line, and what differs from its counterpart with what is around."""
    same = _common(line[1:], counterpart[1:]) if counterpart else 0
    start = max(1 + same - _LEAD, _BEGINNING)
    middle = line[start : start + _LONGEST_LINE - _BEGINNING]
    begun = line[:_BEGINNING] + ("…" if start > _BEGINNING else "")
    return f"{begun}{middle}{'…' if start + len(middle) < len(line) else ''}"


def _common(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
