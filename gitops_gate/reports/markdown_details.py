"""The folded parts of the Markdown report: diffs, older findings, waivers, coverage, warnings."""

from __future__ import annotations

from collections.abc import Sequence

from gitops_gate.changes.values import Operation
from gitops_gate.reports.escaping import block, fenced, markdown, markdown_code, markdown_sentence
from gitops_gate.reports.grouping import ChangeGroup, Overview
from gitops_gate.reports.wording import (
    GRAVE_RISKS,
    OPERATION_SIGNS,
    coverage_phrases,
    plural,
    risk_text,
)

_LONGEST_LINE = 1_000
_MOST_LINES = 300
_MOST_LINES_MINOR = 40
_LARGEST_DIFF = 16_000
_MOST_NAMED = 60


def change_details(overview: Overview, room: int) -> list[str]:
    """A folded diff for each change, minor ones last, within `room` characters in all."""
    blocks: list[str] = []
    left = 0
    for group in overview.changes:
        text = "" if left else _details(group, overview)
        if left or len(text) + 2 > room:
            left += 1
            continue
        blocks.append(text)
        room -= len(text) + 2
    if left:
        verb = "is" if left == 1 else "are"
        blocks.append(
            f"_The diff of {plural(left, 'more change')} {verb} in the full report, not here._"
        )
    return blocks


def _details(group: ChangeGroup, overview: Overview) -> str:
    change = group.change
    lines = [f"<details><summary>{_summary(group, overview)}</summary>", ""]
    if len(group.applications) > 1:
        named = ", ".join(markdown_code(name, 200) for name in group.applications[:_MOST_NAMED])
        rest = len(group.applications) - _MOST_NAMED
        lines += [f"The same in {named}{f' and {rest:,} more' if rest > 0 else ''}.", ""]
    if change.previous is not None and str(change.previous) != str(change.resource):
        lines += [f"Was {markdown(str(change.previous), 300)}.", ""]
    shown, left = _cut(change.diff, _MOST_LINES_MINOR if group.minor else _MOST_LINES)
    if shown:
        lines += [*fenced(shown, "diff"), ""]
    left_out = change.omitted + left
    if left_out:
        lines += [f"_{plural(left_out, 'line')} or fields left out._", ""]
    return "\n".join([*lines, "</details>"])


def _summary(group: ChangeGroup, overview: Overview) -> str:
    change, names = group.change, group.applications
    if len(names) > 1:
        where = f"{len(names):,} applications"
    else:
        environment = overview.environments.get(names[0])
        where = f"<b>{markdown(names[0], 200)}</b>"
        where += f" ({markdown(environment, 80)})" if environment else ""
    reference = change.resource
    name = f"{reference.namespace}/{reference.name}" if reference.namespace else reference.name
    name = name if group.one_namespace else reference.name
    kind = f"{OPERATION_SIGNS[change.operation]} {markdown(reference.kind, 80)}"
    parts = [where, f"{kind} <code>{markdown(name, 200)}</code>"]
    if change.operation is Operation.MODIFIED and change.fields:
        parts.append(plural(len(change.fields), "field"))
    parts += [f"🔴 {markdown(risk_text(label))}" for label in change.risk if label in GRAVE_RISKS]
    return " · ".join(parts)


def _cut(diff: str, most: int) -> tuple[list[str], int]:
    """The first lines of a diff, and how many are left out."""
    if not diff:
        return [], 0
    lines = block(diff)
    shown: list[str] = []
    size = 0
    for line in lines[:most]:
        text = line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…"
        size += len(text) + 1
        if size > _LARGEST_DIFF:
            break
        shown.append(text)
    return shown, len(lines) - len(shown)


def more_details(overview: Overview, room: int) -> list[str]:
    """Older findings, waivers, coverage and warnings: folded, the figures in the summary."""
    report, waivers = overview.report, overview.waivers
    titles = [plural(overview.older_count, "older finding")] if overview.older_count else []
    if waivers:
        until = waivers[0][0].expires.isoformat()
        titles.append(f"{plural(len(waivers), 'waiver')} in use (the first until {until})")
    if report.warnings:
        titles.append(plural(len(report.warnings), "warning"))
    titles.append("coverage")
    items = [
        f"- waived: {markdown(waiver.rule, 120)}, {plural(count, 'finding')}, until "
        f"{waiver.expires.isoformat()} · {markdown_sentence(waiver.owner, 120)}: "
        f"{markdown_sentence(waiver.reason, 300)}"
        for waiver, count in waivers
    ]
    items += [f"- warning: {markdown_sentence(warning, 500)}" for warning in report.warnings]
    if overview.older_count:
        items.append(
            f"- {plural(overview.older_count, 'older finding')} on the base, without a say in the "
            "verdict"
        )
    items.append(f"- {' · '.join(coverage_phrases(report))}")
    items += [
        f"- not read: {markdown_code(item.get('path', ''), 200)}, "
        f"{markdown_sentence(item.get('reason', ''), 200)}"
        for item in report.coverage.not_understood
    ]
    return [_folded(" · ".join(titles), items, room)]


def _folded(title: str, items: Sequence[str], room: int) -> str:
    lines = [f"<details><summary>{title}</summary>", ""]
    for index, item in enumerate(items):
        room -= len(item) + 1
        if room < 0:
            lines.append(f"- {plural(len(items) - index, 'more line')} in the full report")
            break
        lines.append(item)
    return "\n".join([*lines, "", "</details>"])
