"""Lays out what a Markdown report says over one body or several, and counts what does not fit.

    first body     heading · the first rows of each section · changes · closing
    further ones   heading · the rows that were left · changes that were left · closing

A section shows its first rows in its own share of the first body, so that one long list does not
push everything else out of sight. What is left goes on in further bodies, up to a number of them;
then it is only counted, and the first body says how much is where. A change whose diff does not
fit is still named; only when not even the names fit are they counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from gitops_gate.reports.wording import plural

_NOTE = 240
"""Characters that a sentence about what is elsewhere takes at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Rows that belong together; `row` writes one, and is asked only for what is looked at.

    In the first body they stand between `before` and `after` and take `share` of its characters;
    where they go on, they have `title` and `again` above them. `noun` is what one row is, `how`
    what is said of it besides.
    """

    noun: str
    how: str = ""
    count: int
    row: Callable[[int], str]
    title: str = ""
    before: str = ""
    after: str = ""
    again: str = ""
    share: float = 1.0
    gap: str = "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around the rows: `top` and `bottom` of a part, from its number and how many."""

    top: Callable[[int, int], str]
    bottom: Callable[[int, int], str]
    room: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is to be laid out. `changes` with their diff and `names` without have the same rows.

    The first `in_sight` changes stand by themselves in the first body, the others in a fold.
    """

    sections: Sequence[Section]
    changes: Section
    names: Section
    in_sight: int


@dataclass(slots=True, kw_only=True)
class _Rest:
    """The rows of a section from `start` to `end` that are not shown yet."""

    section: Section
    start: int
    end: int
    parts: list[int] = field(default_factory=list)
    cut: int = 0


@dataclass(slots=True, kw_only=True)
class _Body:
    """One body that fills up."""

    room: int
    pieces: list[str | _Rest] = field(default_factory=list)

    def add(self, piece: str) -> None:
        self.pieces.append(piece)
        self.room -= len(piece) + 2

    def note(self, rest: _Rest) -> None:
        self.pieces.append(rest)
        self.room -= _NOTE


def lay_out(content: Content, frame: Frame) -> list[str]:
    """The bodies, at least one and at most `frame.most`, each at most `frame.room` characters."""
    first = _Body(room=frame.room - _around(frame))
    rests = []
    share = first.room
    for section in content.sections:
        if section.count == 0:
            continue
        shown = _fitting(section, 0, min(int(section.share * share), first.room) - _NOTE)
        if shown:
            first.add(f"{section.before}{_rows(section, 0, shown)}{section.after}")
        if shown < section.count:
            rest = _Rest(section=section, start=shown, end=section.count)
            rests.append(rest)
            first.note(rest)
    with_diff = _most_diffs(content, frame, first, rests)
    bodies, _ = _placed(content, frame, first, rests, with_diff)
    return _joined(bodies, frame)


def _around(frame: Frame) -> int:
    return max(
        len(frame.top(1, frame.most)) + len(frame.bottom(1, frame.most)),
        len(frame.top(frame.most, frame.most)) + len(frame.bottom(frame.most, frame.most)),
    ) + len("\n\n\n\n\n")


def _most_diffs(content: Content, frame: Frame, first: _Body, rests: Sequence[_Rest]) -> int:
    """How many changes can have their diff with everything else still there."""
    low, high, size = 0, 0, 0
    while high < content.changes.count and size <= frame.room * frame.most:
        size += len(content.changes.row(high)) + 2
        high += 1
    while low < high:
        middle = (low + high + 1) // 2
        _, noted = _placed(content, frame, first, rests, middle)
        if any(rest.cut for rest in noted):
            high = middle - 1
        else:
            low = middle
    return low


def _placed(
    content: Content, frame: Frame, first: _Body, rests: Sequence[_Rest], with_diff: int
) -> tuple[list[_Body], list[_Rest]]:
    """The bodies with so many diffs, and every rest with where it went or how much was cut."""
    opening = _Body(room=first.room, pieces=list(first.pieces))
    left = [_Rest(section=r.section, start=r.start, end=r.end) for r in rests]
    replaced = {id(old): new for old, new in zip(rests, left, strict=True)}
    opening.pieces = [
        replaced[id(piece)] if isinstance(piece, _Rest) else piece for piece in opening.pieces
    ]
    in_sight = min(with_diff, content.in_sight)
    folded = replace(
        content.changes,
        before="<details><summary>More changes</summary>\n\n",
        after="\n\n</details>",
    )
    ranges = (
        (content.changes, 0, in_sight),
        (folded, in_sight, with_diff),
        (content.names, with_diff, content.names.count),
    )
    waiting: list[_Rest] = []
    for section, start, end in ranges:
        room = opening.room - 3 * _NOTE
        shown = start if waiting else _fitting(section, start, room, end)
        if shown > start:
            opening.add(f"{section.before}{_rows(section, start, shown)}{section.after}")
        if shown < end:
            waiting.append(_Rest(section=section, start=shown, end=end))
    bodies = [opening, *_further(left + waiting, frame)]
    for rest in waiting:
        opening.note(rest)
    return bodies, left + waiting


def _further(rests: Sequence[_Rest], frame: Frame) -> list[_Body]:
    """What is left in further bodies, each rest told where it went."""
    bodies: list[_Body] = []
    room = frame.room - _around(frame)
    for rest in rests:
        section, at = rest.section, rest.start
        head = f"**{section.title}**\n\n{section.again}"
        while at < rest.end:
            space = bodies[-1].room - len(head) - 2 if bodies else -1
            shown = _fitting(section, at, space, rest.end, wrapped=False)
            if shown == at and len(bodies) + 1 < frame.most and not _fresh(bodies, room):
                bodies.append(_Body(room=room))
                continue
            if shown == at:
                break
            bodies[-1].add(f"{head}{_rows(section, at, shown)}")
            rest.parts.append(len(bodies) + 1)
            at = shown
        rest.cut = rest.end - at
    return bodies


def _fresh(bodies: Sequence[_Body], room: int) -> bool:
    return bool(bodies) and bodies[-1].room == room


def _fitting(
    section: Section, start: int, room: int, end: int | None = None, *, wrapped: bool = True
) -> int:
    """Up to which row, exclusive, a section's rows from `start` fit into `room`."""
    if wrapped:
        room -= len(section.before) + len(section.after) + 2
    at = start
    while at < (section.count if end is None else end):
        room -= len(section.row(at)) + len(section.gap)
        if room < 0:
            break
        at += 1
    return at


def _rows(section: Section, start: int, end: int) -> str:
    return section.gap.join(section.row(at) for at in range(start, end))


def _joined(bodies: Sequence[_Body], frame: Frame) -> list[str]:
    parts = len(bodies)
    return [
        "\n\n".join(
            [
                frame.top(number, parts),
                *(piece if isinstance(piece, str) else _note(piece) for piece in body.pieces),
                frame.bottom(number, parts),
            ]
        )
        + "\n"
        for number, body in enumerate(bodies, start=1)
    ]


def _note(rest: _Rest) -> str:
    """As in `_12 more findings in part 2 of this comment; 5 more only in the full report._`."""
    total = rest.end - rest.start
    noun, how = rest.section.noun, rest.section.how
    said = []
    if rest.parts:
        where = f"part {rest.parts[0]}"
        if len(rest.parts) > 1:
            where = f"parts {rest.parts[0]} to {rest.parts[-1]}"
        said.append(f"{plural(total - rest.cut, noun)}{how} in {where} of this comment")
    if rest.cut:
        count = f"{rest.cut:,} more" if said else plural(rest.cut, noun)
        said.append(f"{count} only in the full report")
    return f"_{'; '.join(said)}._"
