"""The folded parts of the Markdown report: diffs, waivers, coverage, warnings; and the footer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from gitops_gate import __version__
from gitops_gate.changes.values import FieldChange, Operation
from gitops_gate.config.settings import DEFAULT_ENVIRONMENT
from gitops_gate.reports.escaping import (
    fenced,
    markdown,
    markdown_code,
    markdown_sentence,
)
from gitops_gate.reports.grouping import ChangeGroup, Overview
from gitops_gate.reports.links import page_link
from gitops_gate.reports.markdown_diffs import excerpt
from gitops_gate.reports.markdown_findings import LONGEST_NAME, named
from gitops_gate.reports.markdown_pages import Section
from gitops_gate.reports.review_context import ReviewContext
from gitops_gate.reports.wording import (
    GRAVE_RISKS,
    comparison,
    coverage_phrases,
    field_text,
    path_text,
    plural,
    risk_text,
    short,
)

OPERATION_WORDS = {
    Operation.ADDED: "adds",
    Operation.MODIFIED: "changes",
    Operation.REMOVED: "removes",
}
_MOST_LINES = 300
_MOST_LINES_MINOR = 40
_LARGEST_DIFF = 16_000
_MOST_NAMED = 60
_FIELDS_IN_SUMMARY = 2
_LONGEST_FIELD = 90
_LONG_VALUE = 200
_DIGEST_SHOWN = len("sha256:") + 12


def change_sections(overview: Overview) -> tuple[Section, Section]:
    """The changes, each a folded diff; and the same changes, each by its name only.

    What a reviewer must not miss comes first, what is of labels or definitions last.
    """
    groups = sorted(overview.changes, key=_weight)
    with_diff = Section(
        noun="change",
        how=" with the diff",
        count=len(groups),
        row=cache(lambda at: _details(groups[at], overview)),
        title="Changes, continued",
        gap="\n\n",
    )
    names = Section(
        noun="change",
        how=", by name without the diff,",
        count=len(groups),
        row=cache(lambda at: f"- {_title(groups[at], overview, text=True)}"),
        title="Changes whose diff is only in the full report",
        before="<details><summary>Changes whose diff is only in the full report</summary>\n\n",
        after="\n\n</details>",
    )
    return with_diff, names


def _weight(group: ChangeGroup) -> int:
    if GRAVE_RISKS.intersection(group.change.risk):
        return 0
    return 2 if group.minor else 1


def _details(group: ChangeGroup, overview: Overview) -> str:
    change = group.change
    summary = " · ".join([_title(group, overview, text=False), *_fields(group)])
    lines = [f"<details><summary>{summary}</summary>", ""]
    if len(group.applications) > 1:
        shown = group.applications[:_MOST_NAMED]
        names = ", ".join(markdown_code(name, LONGEST_NAME) for name in shown)
        rest = len(group.applications) - _MOST_NAMED
        lines += [f"The same in {names}{f' and {rest:,} more' if rest > 0 else ''}.", ""]
    if change.previous is not None and str(change.previous) != str(change.resource):
        lines += [f"Was {markdown(str(change.previous), LONGEST_NAME)}.", ""]
    most = _MOST_LINES_MINOR if group.minor else _MOST_LINES
    diff = excerpt(change.diff, most=most, largest=_LARGEST_DIFF)
    if diff.lines:
        lines += [*fenced(diff.lines, "diff"), ""]
    left_out = change.omitted + diff.left_out
    notes = [f"{plural(left_out, 'line')} or fields left out"] if left_out else []
    if diff.shortened:
        notes.append(f"{plural(diff.shortened, 'long line')} cut to what differs")
    lines += [f"_{'; '.join(notes)}._", ""] if notes else []
    return "\n".join([*lines, "</details>"])


def _title(group: ChangeGroup, overview: Overview, *, text: bool) -> str:
    """Where, what and how grave: as HTML for a summary, or as Markdown `text` for a list."""
    change, names = group.change, group.applications
    if text:
        where = named(names)
    elif len(names) > 1:
        where = f"<b>{len(names):,} applications</b>"
    else:
        where = f"<b>{markdown(names[0], LONGEST_NAME)}</b>"
    environments = sorted(
        {overview.environments.get(name, "") for name in names} - {"", DEFAULT_ENVIRONMENT}
    )
    if environments and not all(environments[0] in name for name in names):
        where += f" ({', '.join(markdown(name, 80) for name in environments[:6])})"
    reference = change.resource
    name = f"{reference.namespace}/{reference.name}" if reference.namespace else reference.name
    name = markdown(name if group.one_namespace else reference.name, LONGEST_NAME)
    what = f"{OPERATION_WORDS[change.operation]} {markdown(reference.kind, 80)} <code>{name}</code>"
    risks = [
        f"🔴\u00a0{markdown(risk_text(label))}" for label in change.risk if label in GRAVE_RISKS
    ]
    return " · ".join([where, what, *risks])


def _fields(group: ChangeGroup) -> list[str]:
    """The first changed fields in a few words, so that most diffs need not be opened."""
    change = group.change
    if change.operation is not Operation.MODIFIED:
        return []
    shown = [
        f"<code>{markdown(_field(field), _LONGEST_FIELD)}</code>"
        for field in change.fields[:_FIELDS_IN_SUMMARY]
    ]
    rest = len(change.fields) - len(shown)
    return [*shown, *([f"{rest:,} more"] if rest > 0 else [])]


def _field(field: FieldChange) -> str:
    """A changed field in a few words: of a script or a file in a value, only where it is."""
    if any(isinstance(side, str) and "\n" in side.strip() for side in (field.base, field.head)):
        return path_text(field.path)
    if all(isinstance(side, str) and len(side) > _LONG_VALUE for side in (field.base, field.head)):
        return path_text(field.path)
    return field_text(field, 32)


def closing_details(overview: Overview, room: int) -> str:
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
    if not overview.scanned and report.approvals is None:
        items.append("- approvals are not evaluated")
    items += [
        f"- not read: {markdown_code(item.get('path', ''), LONGEST_NAME)}, "
        f"{markdown_sentence(item.get('reason', ''), 200)}"
        for item in report.coverage.not_understood
    ]
    return _folded(" · ".join(titles), items, room)


def _folded(title: str, items: Sequence[str], room: int) -> str:
    lines = [f"<details><summary>{title}</summary>", ""]
    for index, item in enumerate(items):
        room -= len(item) + 1
        if room < 0:
            lines.append(f"- {plural(len(items) - index, 'more line')} in the full report")
            break
        lines.append(item)
    return "\n".join([*lines, "", "</details>"])


def _whereabouts(context: ReviewContext) -> str:
    """Where the full report is: the artifact and the run, as far as they are known."""
    artifact = f"artifact “{markdown(context.artifact, 100)}”" if context.artifact else "artifact"
    link = page_link(context.run_url)
    return f"full report: {artifact} of {f'[the run](<{link}>)' if link else 'the run'}"


def footer(overview: Overview, context: ReviewContext | None, digest: str | None) -> str:
    """What was compared, by whose rules, and with which tools; `digest` is the report's."""
    report = overview.report
    if context is None:
        parts = [markdown(comparison(report), 200)]
        source = report.configuration.get("source")
        parts += [f"rules of {markdown(source, 120)}"] if source else []
    else:
        head, base = (markdown_code(short(text), 60) for text in (context.head, context.base))
        branch = context.base_ref.removeprefix("refs/heads/")
        parts = [f"head {head} on base {base}", f"rules of {markdown_code(branch, 120)}"]
    rules = report.configuration.get("digest")
    parts += [f"rules digest {markdown_code(rules[:_DIGEST_SHOWN], 80)}"] if rules else []
    parts += [f"report digest {markdown_code(digest[:_DIGEST_SHOWN], 80)}"] if digest else []
    tools = {"gitops-gate": __version__, **report.tools}
    parts.append(
        ", ".join(f"{markdown(name, 60)} {markdown(tools[name], 60)}" for name in sorted(tools))
    )
    if context is not None and (context.artifact or context.run_url):
        parts.append(_whereabouts(context))
    return f"<sub>{' · '.join(parts)}</sub>"
