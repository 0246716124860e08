"""Findings in a terminal: rule and place, message, the source line with a caret, remedy, extent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gitops_gate.findings import Finding
from gitops_gate.reports.escaping import block, one_line, visible
from gitops_gate.reports.grouping import FindingGroup, Overview
from gitops_gate.reports.lines import Line, Span, aligned, width_of, wrapped
from gitops_gate.reports.wording import place, plural
from gitops_gate.verdict.values import Report

_INDENT = 9
_LONGEST_MESSAGE = 1200
_LONGEST_EXCERPT = 400
_MOST_NAMED = 8
_KEY = re.compile(r"[^\s:]+(?=:(?:\s|$))")
_VALUE = re.compile(r"(?:\"[^\"]*\"|'[^']*'|(?:(?! #).)*?)(?=\s*(?: #.*)?$)")


def finding_lines(
    groups: Sequence[FindingGroup],
    overview: Overview,
    width: int,
    *,
    most: int | None,
    verbose: bool,
) -> Iterator[Line]:
    """All groups, or the first `most` with a line that counts the others."""
    for group in groups[:most]:
        yield from _finding(group, overview, width, verbose)
        yield ()
    if most is not None and len(groups) > most:
        rest = sum(group.count for group in groups[most:])
        text = (
            f"and {plural(rest, 'more finding')} (--all shows them; the JSON report has every one)"
        )
        yield ((f"  {text}", "dim"),)
        yield ()


def _finding(group: FindingGroup, overview: Overview, width: int, verbose: bool) -> Iterator[Line]:
    finding = group.finding
    severity = finding.severity.value
    left: list[Span] = [(f"  {severity}  ", severity), (one_line(finding.rule), "rule")]
    note = _note(group, overview)
    left += [(f"  {note}", "dim")] if note else []
    yield from aligned(left, (one_line(place(finding)), "place"), width, _INDENT)
    margin: Span = (" " * _INDENT, "")
    for line in block(_cut(finding.message)):
        yield from wrapped([(line, "")], width, first=[margin], indent=_INDENT)
    yield from excerpt_lines(finding, overview.report)
    if finding.remediation:
        yield from _labelled("fix", [(one_line(finding.remediation, 600), "")], width)
    if finding.suggestion:
        yield from _labelled("try", [(one_line(finding.suggestion, 300), "strong")], width)
    extent = _extent(group)
    if extent:
        yield from _labelled("in", extent, width)
    if verbose and finding.documentation:
        yield from _labelled("see", [(one_line(finding.documentation), "dim")], width)


def _note(group: FindingGroup, overview: Overview) -> str:
    """What sets this finding apart where people would expect otherwise."""
    finding = group.finding
    if finding.introduced or overview.scanned:
        return ""
    return "older, and the configuration says that it counts" if group.blocking else "older"


def _extent(group: FindingGroup) -> list[Span]:
    resource = group.finding.resource
    spans: list[Span] = []
    if group.applications:
        spans.append((one_line(group.applications[0]), "name"))
    if resource is not None:
        spans += [(" · ", "dim")] if spans else []
        spans.append((one_line(str(resource)), ""))
    others = group.applications[1:]
    if others:
        named = ", ".join(one_line(name) for name in others[:_MOST_NAMED])
        rest = len(others) - _MOST_NAMED
        spans.append((f" (also {named}{f' and {rest:,} more' if rest > 0 else ''})", "dim"))
    return spans


def _labelled(label: str, spans: Sequence[Span], width: int) -> Iterator[Line]:
    first: list[Span] = [(" " * _INDENT, ""), (f"{label:<5}", "label")]
    yield from wrapped(spans, width, first=first, indent=_INDENT + 5)


def excerpt_lines(finding: Finding, report: Report) -> Iterator[Line]:
    """The source line that a finding points at, and a caret under what it is about."""
    location = finding.location
    excerpt = location and report.excerpts.get(f"{location.path}:{location.line}")
    if location is None or not excerpt:
        return
    number = str(location.line)
    bar = " │ "
    yield (
        (" " * (_INDENT + 2), ""),
        (f"{number}{bar}", "dim"),
        (one_line(excerpt), ""),
    )
    start, length = caret(excerpt, location.column)
    if length:
        yield (
            (" " * (_INDENT + 2), ""),
            (f"{' ' * len(number)}{bar}", "dim"),
            (" " * start, ""),
            ("^" * length, "caret"),
        )


def caret(excerpt: str, column: int) -> tuple[int, int]:
    """Where to underline what begins at a 1-based column: columns to skip, columns to mark."""
    begin = column - 1
    if not 0 <= begin < min(len(excerpt), _LONGEST_EXCERPT):
        return 0, 0
    rest = excerpt[begin:_LONGEST_EXCERPT]
    match = _KEY.match(rest) or _VALUE.match(rest)
    marked = match.group() if match else rest
    return width_of(one_line(excerpt[:begin])), max(width_of(one_line(marked)), 1)


def _cut(message: str) -> str:
    if len(message) <= _LONGEST_MESSAGE:
        return message
    rest = len(message) - _LONGEST_MESSAGE
    return f"{visible(message[:_LONGEST_MESSAGE])}… ({rest:,} more characters)"
