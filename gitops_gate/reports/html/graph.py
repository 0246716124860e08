"""Where it changes, as a picture: environments, their applications, the kinds of resources.

A tree from left to right, laid out here, so that the page needs no library. Every node is a link
that leads to its part of the page, and sets the filters where scripts run. What is not drawn
(there is room for so many applications) is counted, and the list below the picture has all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
_ENVIRONMENT = (0, 150)
_APPLICATION = (200, 380)
_KINDS = 616
_LETTER = 7.5
"""Width of a letter, about; in most system fonts it is less."""
_MOST_ROWS = 40
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
        drawn = branch.rows if len(branch.rows) <= most else branch.rows[: most - 1]
        rest = len(branch.rows) - len(drawn)
        lines = len(drawn) + bool(rest)
        nodes.append(_environment(branch, top + (lines - 1) * _ROW / 2))
        for place, row in enumerate(drawn):
            nodes.extend(_application(row, top + place * _ROW, facets))
            edges.extend(_edges(row, nodes, top + place * _ROW, top + (lines - 1) * _ROW / 2))
        if rest:
            y = top + len(drawn) * _ROW
            nodes.append(_rest(rest, y))
            edges.append(_curve(_right(_ENVIRONMENT), top + (lines - 1) * _ROW / 2, y))
        top += lines * _ROW + _GAP
    return Graph(
        height=top - _GAP - _ROW + _NODE + 2,
        nodes=tuple(nodes),
        edges=tuple(edges),
        branches=branches,
        folded=top > 16 * _ROW,
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


def _application(row: ApplicationRow, y: float, facets: Facets) -> Iterator[Node]:
    name = row.outcome.name
    note = _note(row)
    look = "bad" if row.failed or row.blocking else "noted" if row.found else "plain"
    yield Node(
        x=_APPLICATION[0],
        y=y,
        width=_APPLICATION[1],
        look=f"application {look}",
        text=_fitting(name, _APPLICATION[1] - 30 - len(note) * _LETTER),
        title=f"application {name}",
        href=f"#{row.anchor}",
        pick=row.pick,
        note=note,
    )
    x: float = _KINDS
    for place, (kind, label) in enumerate(row.kinds):
        text = one_line(f"{kind} {label}", 40)
        width = len(text) * _LETTER + 18
        last = place == len(row.kinds) - 1
        if x + width + (0 if last else 80) > WIDTH:
            yield _more(row, len(row.kinds) - place, x, y)
            return
        pick = f"{row.pick}&{facets.pick(kind=kind)}"
        yield Node(
            x=x,
            y=y,
            width=width,
            look="kind",
            text=text,
            title=f"{kind} in {name}: {label}",
            href="#changes" if row.changes else "#findings",
            pick=pick,
        )
        x += width + 6


def _more(row: ApplicationRow, number: int, x: float, y: float) -> Node:
    return Node(
        x=x,
        y=y,
        width=len(f"+ {number} kinds") * _LETTER + 14,
        look="kind",
        text=f"+ {number} kinds" if number > 1 else "+ 1 kind",
        title=f"more kinds in {row.outcome.name}",
        href=f"#{row.anchor}",
        pick=row.pick,
    )


def _rest(number: int, y: float) -> Node:
    return Node(
        x=_APPLICATION[0],
        y=y,
        width=_APPLICATION[1],
        look="rest",
        text=f"and {number:,} more",
        title=f"{number:,} more applications, in the list below",
        href="#applications",
        pick="",
    )


def _note(row: ApplicationRow) -> str:
    if row.failed:
        return "not evaluated"
    if row.blocking:
        return f"{row.blocking:,} blocking"
    return f"{row.found:,} found" if row.found else ""


def _edges(row: ApplicationRow, nodes: Sequence[Node], y: float, middle: float) -> Iterator[str]:
    yield _curve(_right(_ENVIRONMENT), middle, y)
    if row.kinds:
        yield f"M{_right(_APPLICATION)} {y + _NODE / 2:g}H{_KINDS}"


def _right(column: tuple[int, int]) -> int:
    return column[0] + column[1]


def _curve(x: float, start: float, end: float) -> str:
    one, two = start + _NODE / 2, end + _NODE / 2
    half = (x + 1 + _APPLICATION[0]) / 2
    return f"M{x + 1:g} {one:g}C{half:g} {one:g} {half:g} {two:g} {_APPLICATION[0]} {two:g}"


def _fitting(name: str, width: float) -> str:
    """The end of a name, which tells more of a path than its beginning."""
    shown, most = one_line(name), max(int(width / _LETTER), 4)
    return shown if len(shown) <= most else f"…{shown[1 - most :]}"
