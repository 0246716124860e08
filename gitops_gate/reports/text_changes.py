"""Changes in a terminal: a line for each resource under its application, and the unified diffs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gitops_gate.changes.values import Operation
from gitops_gate.reports.escaping import block, one_line
from gitops_gate.reports.grouping import ChangeGroup, Overview
from gitops_gate.reports.lines import Line, Span, width_of, wrapped
from gitops_gate.reports.wording import (
    GRAVE_RISKS,
    OPERATION_SIGNS,
    field_texts,
    plural,
    risk_text,
)

_MOST_FIELDS = 4
_MOST_FIELDS_MINOR = 1
_WIDEST_NAME = 40


def change_lines(overview: Overview, width: int, *, most: int | None) -> Iterator[Line]:
    """Every change, an identical one once, under the environment and applications it is in."""
    groups = overview.changes[:most]
    name_width = min(max((width_of(one_line(g.name)) for g in groups), default=0), _WIDEST_NAME)
    for applications, changes in _by_applications(groups, overview).items():
        yield from _title(applications, overview, width, everything=most is None)
        for group in changes:
            yield from _change(group, name_width, width)
    if most is not None and len(overview.changes) > most:
        rest = sum(len(group.applications) for group in overview.changes[most:])
        text = (
            f"and {plural(rest, 'more change')} (--all shows them; the JSON report has every one)"
        )
        yield ((f"  {text}", "dim"),)
    if groups:
        yield ()


def _by_applications(
    groups: Sequence[ChangeGroup], overview: Overview
) -> dict[tuple[str, ...], list[ChangeGroup]]:
    together: dict[tuple[str, ...], list[ChangeGroup]] = {}
    for group in groups:
        together.setdefault(group.applications, []).append(group)
    environments = overview.environments
    order = sorted(together, key=lambda names: (environments.get(names[0], ""), names))
    return {names: together[names] for names in order}


def _title(
    names: Sequence[str], overview: Overview, width: int, *, everything: bool
) -> Iterator[Line]:
    environments = overview.environments
    distinct = list(dict.fromkeys(environments.get(name, "") for name in names))
    first: list[Span] = [("  ", ""), (f"{one_line(', '.join(filter(None, distinct)))}  ", "strong")]
    most = len(names) if everything else 30
    shown = ", ".join(one_line(name) for name in names[:most])
    rest = f" and {len(names) - most:,} more" if len(names) > most else ""
    count = f"the same in {len(names):,} applications: " if len(names) > 1 else ""
    spans: list[Span] = [(count, ""), (f"{shown}{rest}", "name")]
    moved = _moved(names, overview)
    spans += [(f"  moved from {one_line(moved)}", "dim")] if moved else []
    yield from wrapped(spans, width, first=first, indent=4)


def _moved(names: Sequence[str], overview: Overview) -> str | None:
    if len(names) > 1:
        return None
    found = (a.moved_from for a in overview.report.applications if a.name == names[0])
    return next(found, None)


def _change(group: ChangeGroup, name_width: int, width: int) -> Iterator[Line]:
    change = group.change
    style = change.operation.value
    name = one_line(group.name)
    padding = " " * max(name_width - width_of(name), 0)
    first: list[Span] = [
        ("    ", ""),
        (f"{OPERATION_SIGNS[change.operation]} ", style),
        (f"{name}{padding}  ", ""),
    ]
    parts = _parts(group)
    total = sum(width_of(text) + 2 for part in parts for text, _ in part)
    if total + sum(width_of(text) for text, _ in first) <= width:
        yield (*first, *_joined(parts))
        return
    risks = [part for part in parts if part[0][1]]
    yield from wrapped(_joined(risks), width, first=first, indent=8)
    for part in parts:
        if not part[0][1]:
            yield from wrapped(part, width, first=[(" " * 8, "")], indent=10)


def _parts(group: ChangeGroup) -> list[tuple[Span, ...]]:
    """What there is to say of a change: risks, the grave ones first, and what differs."""
    change = group.change
    risks = sorted(change.risk, key=lambda label: label not in GRAVE_RISKS)
    parts: list[tuple[Span, ...]] = [
        ((risk_text(one_line(label)), "risk" if label in GRAVE_RISKS else "dim"),)
        for label in risks
    ]
    if change.previous is not None and str(change.previous) != str(change.resource):
        parts.append(((f"was {one_line(str(change.previous))}", ""),))
    if change.operation is Operation.MODIFIED:
        most = _MOST_FIELDS_MINOR if group.minor else _MOST_FIELDS
        parts += [((one_line(text), ""),) for text in field_texts(change, most)]
    return parts


def _joined(parts: Sequence[tuple[Span, ...]]) -> list[Span]:
    spans: list[Span] = []
    for part in parts:
        spans += [(", ", "dim")] if spans else []
        spans += part
    return spans


def diff_lines(overview: Overview, width: int) -> Iterator[Line]:
    """The unified diff of every change, an identical one once."""
    for group in overview.changes:
        change = group.change
        yield ()
        names = ", ".join(one_line(name) for name in group.applications)
        first: list[Span] = [
            (f"{OPERATION_SIGNS[change.operation]} ", change.operation.value),
            (one_line(group.name), "strong"),
            ("  ", ""),
        ]
        yield from wrapped([(names, "name")], width, first=first, indent=4)
        for line in block(change.diff) if change.diff else ():
            yield ((line, _diff_style(line)),)
        if change.omitted:
            yield ((f"({plural(change.omitted, 'line')} or fields left out)", "dim"),)


def _diff_style(line: str) -> str:
    return {"+": "added", "-": "removed", "@": "hunk"}.get(line[:1], "")
