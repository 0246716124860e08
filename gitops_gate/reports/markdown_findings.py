"""The tables of the Markdown report: findings, applications that failed, applications, rules.

What blocks comes first and is all in sight; long tails are folded. Each table is a `Section`, so
that what does not fit goes on elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

from gitops_gate.changes.values import Operation
from gitops_gate.findings import Finding, Location, Severity
from gitops_gate.reports.escaping import block, fenced, markdown, markdown_code, markdown_sentence
from gitops_gate.reports.grouping import FindingGroup, Overview
from gitops_gate.reports.links import quiet_link, source_link
from gitops_gate.reports.markdown_pages import Section
from gitops_gate.reports.review_context import ReviewContext
from gitops_gate.reports.wording import (
    GRAVE_RISKS,
    OPERATION_SIGNS,
    effect_sentence,
    plural,
    risk_text,
)
from gitops_gate.verdict.values import ApplicationOutcome, Status

LONGEST_NAME = 260
"""Characters of a name, more than any that Kubernetes takes."""
LONGEST_TEXT = 300
_MOST_LINES = 12
_MOST_NAMED = 6
_FINDINGS_IN_SIGHT = 25
_WARNINGS_IN_SIGHT = 8
_APPLICATIONS_IN_SIGHT = 20
_FINDINGS_HEAD = "| | Rule | Where | What to do |\n|---|---|---|---|\n"
_APPLICATIONS_HEAD = (
    "| Environment | Application | Changes | Risk | Findings |\n|---|---|---|---|---|\n"
)
_EFFECT_HEAD = "| | Rule | Resource | Application |\n|---|---|---|---|\n"


def named(applications: Sequence[str]) -> str:
    """The first applications by name, and how many there are more."""
    first = applications[:_MOST_NAMED]
    shown = ", ".join(f"<b>{markdown(name, LONGEST_NAME)}</b>" for name in first)
    rest = len(applications) - _MOST_NAMED
    return f"{shown} and {plural(rest, 'more application')}" if rest > 0 else shown


def finding_sections(
    overview: Overview, context: ReviewContext | None, *, older: bool
) -> list[Section]:
    """What blocks, then what else the change introduces, then what it does not."""
    groups = (*overview.blocking, *overview.noted)
    blocking = len(overview.blocking)
    in_sight = min(blocking, _FINDINGS_IN_SIGHT)
    if blocking == in_sight:
        in_sight += min(len(overview.noted), _WARNINGS_IN_SIGHT)
    hidden = 0 if overview.advisory else max(blocking - in_sight, 0)
    sections = _tables(
        Section(
            noun="finding",
            how=f", {hidden:,} of them blocking" if hidden else "",
            count=len(groups),
            row=partial(_finding_row, groups, overview, context),
            again=_FINDINGS_HEAD,
            share=0.25,
        ),
        in_sight,
    )
    if older:
        table = Section(
            noun="older finding",
            count=len(overview.older),
            row=partial(_finding_row, overview.older, overview, context),
            again=_FINDINGS_HEAD,
            share=0.1,
        )
        sections += _tables(table, 0)
    return sections


def _tables(table: Section, in_sight: int) -> list[Section]:
    """A table's first rows, and the others folded; `how` is said of those."""
    title = f"{table.noun[:1].upper()}{table.noun[1:]}s, continued"
    seen = min(table.count, in_sight)
    more = f"more {table.noun}" if seen else table.noun
    shown = replace(
        table,
        noun=f"more {table.noun}",
        how="",
        count=seen,
        row=cache(table.row),
        title=title,
        before=table.again,
    )
    summary = f"{plural(table.count - seen, more)}{table.how}"
    folded = replace(
        table,
        noun=more,
        how="",
        count=table.count - seen,
        row=cache(lambda at: table.row(at + seen)),
        title=title,
        before=f"<details><summary>{summary}</summary>\n\n{table.again}",
        after="\n\n</details>",
    )
    return [section for section in (shown, folded) if section.count]


def _finding_row(
    groups: Sequence[FindingGroup], overview: Overview, context: ReviewContext | None, at: int
) -> str:
    group = groups[at]
    finding = group.finding
    sign = "❌" if group.blocking and not overview.advisory else "⚠️"
    if finding.severity is Severity.WARNING and not group.blocking:
        sign = "⚠️" if finding.introduced else "▫️"
    where = [_place(finding.location, context)] if finding.location else []
    if finding.resource:
        kind, name = finding.resource.kind, finding.resource.name
        where.append(f"{markdown(kind, 80)} {markdown_code(name, LONGEST_NAME)}")
    text = " · ".join(where)
    if group.applications:
        text += f"{' in ' if text else ''}{named(group.applications)}"
    note = "" if finding.introduced or overview.scanned else " (older)"
    return f"| {sign} | {_rule(finding, context)}{note} | {text} | {_todo(finding)} |"


def _todo(finding: Finding) -> str:
    todo = markdown_sentence(finding.message, 2 * LONGEST_TEXT)
    if finding.remediation:
        todo += f"<br>{markdown_sentence(finding.remediation, LONGEST_TEXT)}"
    if finding.suggestion:
        todo += f"<br>Try {markdown_code(finding.suggestion, 120)}."
    return todo


def _rule(finding: Finding, context: ReviewContext | None) -> str:
    """The rule's name, linked to its documentation unless the change itself says what that is."""
    rule = markdown(finding.rule, 120)
    link = None if context and context.information else quiet_link(finding.documentation)
    return f"[{rule}](<{link}>)" if link else rule


def _place(location: Location, context: ReviewContext | None) -> str:
    """The source line, linked to the forge's page of it; `near` where it is not the very line."""
    line = f":{location.line}" if location.line > 0 else ""
    text = markdown_code(f"{location.path}{line}", LONGEST_TEXT)
    link = source_link(context.blob_url, location) if context else None
    text = f"[{text}](<{link}>)" if link else text
    return text if location.exact or location.line <= 0 else f"near {text}"


def failed_section(overview: Overview) -> Section:
    """Applications that could not be evaluated, with what the tool said."""
    failed = overview.failed

    def row(at: int) -> str:
        lines = message_lines(failed[at].reason or "no reason is known")
        title = f"<b>{markdown(failed[at].name, LONGEST_NAME)}</b> could not be evaluated:"
        return "\n".join([title, "", *fenced(lines, "text")])

    return Section(
        noun="more failed application",
        count=len(failed),
        row=cache(row),
        title="Failed applications, continued",
        share=0.12,
        gap="\n\n",
    )


def message_lines(text: str) -> list[str]:
    """The first lines of a tool's message, indented, with how many lines there are more."""
    lines = block(text)
    shown = [f"  {line[:LONGEST_TEXT]}" for line in lines[:_MOST_LINES]]
    left = len(lines) - len(shown)
    return [*shown, f"  ({plural(left, 'more line')})"] if left else shown


@dataclass(frozen=True, slots=True, kw_only=True)
class _Application:
    """One row of the table of applications."""

    outcome: ApplicationOutcome
    changes: str
    risks: tuple[str, ...]
    findings: int

    @property
    def rank(self) -> int:
        """0 for what a reviewer must not miss."""
        return 0 if self.findings or self.risks or self.outcome.status is Status.FAILED else 1


def application_sections(overview: Overview) -> list[Section]:
    """What changes in which application, by environment; where there are many, the worst first."""
    rows = _listed(overview)
    many = len(rows) > _APPLICATIONS_IN_SIGHT
    rows.sort(key=lambda r: (r.rank if many else 0, r.outcome.environment, r.outcome.name))
    table = Section(
        noun="application",
        count=len(rows),
        row=lambda at: _application_row(rows[at]),
        again=_APPLICATIONS_HEAD,
        share=0.15,
    )
    return _tables(table, _APPLICATIONS_IN_SIGHT)


def _listed(overview: Overview) -> list[_Application]:
    changed = Counter((c.application, c.operation) for c in overview.report.changes)
    found = Counter(
        f.application for f in overview.report.findings if f.introduced and not f.waiver
    )
    risks: dict[str, set[str]] = {}
    for change in overview.report.changes:
        risks.setdefault(change.application, set()).update(GRAVE_RISKS.intersection(change.risk))
    return [
        _Application(
            outcome=outcome,
            changes=_changes(outcome, changed),
            risks=tuple(sorted(risks.get(outcome.name, ()))),
            findings=found[outcome.name],
        )
        for outcome in overview.report.applications
        if outcome.status is Status.FAILED
        or found[outcome.name]
        or (outcome.affected and not overview.scanned)
    ]


def _changes(outcome: ApplicationOutcome, changed: Counter[tuple[str, Operation]]) -> str:
    if outcome.status is Status.FAILED:
        return "not rendered"
    signs = [
        f"{OPERATION_SIGNS[operation]}{changed[outcome.name, operation]:,}"
        for operation in (Operation.ADDED, Operation.MODIFIED, Operation.REMOVED)
        if changed[outcome.name, operation]
    ]
    return " ".join(signs) or "none"


def _application_row(row: _Application) -> str:
    name = markdown_code(row.outcome.name, LONGEST_NAME)
    if row.outcome.moved_from is not None:
        name += f" (was {markdown_code(row.outcome.moved_from, LONGEST_NAME)})"
    risk = f"🔴 {', '.join(markdown(risk_text(label)) for label in row.risks)}" if row.risks else ""
    environment = markdown(row.outcome.environment, 80)
    return f"| {environment} | {name} | {markdown(row.changes)} | {risk} | {row.findings or ''} |"


def effect_sections(overview: Overview) -> list[Section]:
    """What a change to the rules would do to the whole repository."""
    effect = overview.report.rules_effect
    if effect is None:
        return []
    files = ", ".join(markdown_code(path, 100) for path in effect.changed[:_MOST_NAMED])
    rest = len(effect.changed) - _MOST_NAMED
    files += f" and {rest:,} more" if rest > 0 else ""
    sentence = effect_sentence(effect)
    lead = f"**{sentence[:1].upper()}{sentence[1:]}** ({files}); it takes effect after the merge."
    if effect.error is not None:
        lead += "\n\n" + "\n".join(fenced(message_lines(effect.error), "text"))
    rows = [("newly denied", finding) for finding in effect.newly_denied]
    rows += [("no longer denied", finding) for finding in effect.no_longer_denied]

    def row(at: int) -> str:
        word, finding = rows[at]
        where = markdown(str(finding.resource), LONGEST_NAME) if finding.resource else ""
        application = finding.application
        name = markdown_code(application, LONGEST_NAME) if application is not None else ""
        return f"| {word} | {markdown(finding.rule, 120)} | {where} | {name} |"

    said = Section(noun="effect", count=1, row=lambda _: lead, title="The change to the rules")
    table = Section(
        noun="more effect",
        count=len(rows),
        row=cache(row),
        title="Effects of the change to the rules, continued",
        before=_EFFECT_HEAD,
        again=_EFFECT_HEAD,
        share=0.08,
    )
    return [said, table]
