"""Where it changes, as a picture: environments, their applications, the kinds of resources.

A tree from left to right, laid out here, so that the page needs no library. Every node is a link
that leads to its part of the page, and sets the filters where scripts run. What is not drawn
(there is room for so many applications) is counted, and the list below the picture has all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from gitops_gate.reports.escaping import one_line
from gitops_gate.reports.html.facets import Facets
from gitops_gate.reports.html.rows import ApplicationRow

WIDTH = 1080
"""Units of the picture, which are CSS pixels where there is room."""
_ROW = 32
_NODE = 24
_GAP = 14
"""Between environments."""
_ENVIRONMENT = (0, 130)
_APPLICATION = (168, 430)
_KINDS = 626
_LETTER = 7.5
"""Width of a letter, about; in most system fonts it is less."""
_MOST_ROWS = 24
_LEAST_ROWS = 3
"""Applications of an environment that are drawn however many environments there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A box with a text. `look` is its class; `pick` sets the filters; `note` stands at its end."""

    x: float
    y: float
    width: float
    look: str
    text: str
    title: str
    href: str
    pick: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """An environment with its applications that have anything to see."""

    environment: str
    pick: str
    rows: tuple[ApplicationRow, ...]

    @property
    def size(self) -> int:
        """How many applications that are."""
        return len(self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The picture, and all that it stands for. `folded` is whether it is too tall to be open."""

    height: int
    nodes: tuple[Node, ...]
    edges: tuple[str, ...]
    branches: tuple[Branch, ...]
    folded: bool


def graph_of(rows: Sequence[ApplicationRow], facets: Facets) -> Graph | None:
    """The picture of a report; None where there is nothing to see."""
    branches = tuple(
        Branch(
            environment=environment,
            pick=facets.pick(environment=environment),
            rows=tuple(row for row in same if row.touched),
        )
        for environment, same in groupby(rows, lambda row: row.outcome.environment)
    )
    branches = tuple(branch for branch in branches if branch.rows)
    if not branches:
        return None
    most = max(_LEAST_ROWS, _MOST_ROWS // len(branches))
    nodes: list[Node] = []
    edges: list[str] = []
    top = 1
    for branch in branches:
        lines = _lines(branch, most, facets)
        middle = top + (len(lines) - 1) * _ROW / 2
        nodes.append(_environment(branch, middle))
        for place, line in enumerate(lines):
            y = top + place * _ROW
            nodes.extend(replace(node, y=y) for node in line)
            edges.append(_curve(middle, y))
            if len(line) > 1:
                edges.append(f"M{_right(_APPLICATION)} {y + _NODE / 2:g}H{_KINDS}")
        top += len(lines) * _ROW + _GAP
    return Graph(
        height=top - _GAP - _ROW + _NODE + 2,
        nodes=tuple(nodes),
        edges=tuple(edges),
        branches=branches,
        folded=top > 16 * _ROW,
    )


def _lines(branch: Branch, most: int, facets: Facets) -> list[list[Node]]:
    """The lines of an environment, at no height yet: what failed without more to see is one."""
    silent = [row for row in branch.rows if row.failed and not row.kinds]
    rows = [row for row in branch.rows if not row.failed or row.kinds]
    if len(silent) == 1:
        rows, silent = [*silent, *rows], []
    drawn = rows if len(rows) <= most else rows[: most - 1]
    lines = [list(_application(row, facets)) for row in drawn]
    if silent:
        text = f"{len(silent):,} applications not evaluated"
        lines.insert(0, [_summary("failed", text, "#failed", branch.pick)])
    if len(rows) > len(drawn):
        text = f"and {len(rows) - len(drawn):,} more"
        lines.append([_summary("rest", text, "#applications", branch.pick)])
    return lines


def _summary(look: str, text: str, href: str, pick: str) -> Node:
    """A line that stands for applications that are not drawn."""
    return Node(
        x=_APPLICATION[0],
        y=0,
        width=_APPLICATION[1],
        look=look,
        text=text,
        title=f"{text}: all of them are in the list below",
        href=href,
        pick=pick,
    )


def _environment(branch: Branch, y: float) -> Node:
    return Node(
        x=_ENVIRONMENT[0] + 1,
        y=y,
        width=_ENVIRONMENT[1],
        look="environment",
        text=_fitting(branch.environment, _ENVIRONMENT[1] - 24),
        title=f"environment {branch.environment}",
        href="#applications",
        pick=branch.pick,
    )


def _application(row: ApplicationRow, facets: Facets) -> Iterator[Node]:
    name = row.outcome.name
    note = _note(row)
    look = "bad" if row.failed or row.blocking else "noted" if row.found else "plain"
    yield Node(
        x=_APPLICATION[0],
        y=0,
        width=_APPLICATION[1],
        look=f"application {look}",
        text=_fitting(name, _APPLICATION[1] - 30 - len(note) * _LETTER),
        title=f"application {name}",
        href=f"#{row.anchor}",
        pick=row.pick,
        note=note,
    )
    x: float = _KINDS
    for place, (kind, label, grave) in enumerate(row.kinds):
        text = one_line(f"{kind} {label}", 40)
        width = len(text) * _LETTER + 18
        last = place == len(row.kinds) - 1
        if x + width + (0 if last else 80) > WIDTH:
            yield _more(row, len(row.kinds) - place, x)
            return
        pick = f"{row.pick}&{facets.pick(kind=kind)}"
        yield Node(
            x=x,
            y=0,
            width=width,
            look="kind grave" if grave else "kind",
            text=text,
            title=f"{kind} in {name}: {label}{', with a grave risk' if grave else ''}",
            href="#changes" if row.changes else "#findings",
            pick=pick,
        )
        x += width + 6


def _more(row: ApplicationRow, number: int, x: float) -> Node:
    return Node(
        x=x,
        y=0,
        width=len(f"+ {number} kinds") * _LETTER + 14,
        look="kind",
        text=f"+ {number} kinds" if number > 1 else "+ 1 kind",
        title=f"more kinds in {row.outcome.name}",
        href=f"#{row.anchor}",
        pick=row.pick,
    )


def _note(row: ApplicationRow) -> str:
    if row.failed:
        return "not evaluated"
    if row.blocking:
        return f"{row.blocking:,} blocking"
    return f"{row.found:,} found" if row.found else ""


def _right(column: tuple[int, int]) -> int:
    return column[0] + column[1]


def _curve(start: float, end: float) -> str:
    """From an environment to one of its applications."""
    x, one, two = _right(_ENVIRONMENT), start + _NODE / 2, end + _NODE / 2
    half = (x + 1 + _APPLICATION[0]) / 2
    return f"M{x + 1:g} {one:g}C{half:g} {one:g} {half:g} {two:g} {_APPLICATION[0]} {two:g}"


def _fitting(name: str, width: float) -> str:
    """The end of a name, which tells more of a path than its beginning, from a `/` on if it can."""
    shown, most = one_line(name), max(int(width / _LETTER), 4)
    if len(shown) <= most:
        return shown
    end = shown[1 - most :]
    slash = end.find("/")
    return f"…{end[slash:] if 0 <= slash < most // 2 else end}"
