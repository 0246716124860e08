"""The tables of the Markdown report: findings, applications that failed, applications, rules.

What blocks comes first and is all in sight; long tails are folded. Each table is a `Section`, so
that what does not fit goes on elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

from gitops_gate.changes.values import Operation
from gitops_gate.findings import Finding, Location, Severity
from gitops_gate.reports.escaping import block, fenced, markdown, markdown_code, markdown_sentence
from gitops_gate.reports.grouping import FindingGroup, Overview
from gitops_gate.reports.links import quiet_link, source_link
from gitops_gate.reports.markdown_approvals import approval_cell
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
_FINDINGS_IN_SIGHT = 12
_WARNINGS_IN_SIGHT = 5
_APPLICATIONS_IN_SIGHT = 12
_NONE = "none"
_SAME = 2
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
    legend = "worth a look"
    if blocking and not overview.advisory:
        legend = "❌ must be fixed" + (f" · ⚠️ {legend}" if overview.noted else "")
    head = f"| | {legend} |\n|---|---|\n"
    sections = _tables(
        Section(
            noun="finding",
            how=f", {hidden:,} of them blocking" if hidden else "",
            count=len(groups),
            row=partial(_finding_row, groups, overview, context),
            again=head,
            share=0.25,
        ),
        in_sight,
    )
    if older:
        table = Section(
            noun="older finding",
            count=len(overview.older),
            row=partial(_finding_row, overview.older, overview, context),
            again="| | on the base as well |\n|---|---|\n",
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
    parts = [_rule(finding, context)]
    if finding.location:
        parts.append(_place(finding.location, context))
    resource = finding.resource
    if resource:
        parts.append(f"{markdown(resource.kind, 80)} {markdown_code(resource.name, LONGEST_NAME)}")
    head = " · ".join(parts)
    if group.applications:
        head += f" in {named(group.applications)}"
    if context and any(member.fingerprint in context.inline for member in group.members):
        head += " · 💬 on its line"
    note = "" if finding.introduced or overview.scanned else " (older)"
    lines = [f"{head}{note}", markdown_sentence(finding.message, 2 * LONGEST_TEXT)]
    lines += _remedy(finding)
    return f"| {sign} | {'<br>'.join(lines)} |"


def _remedy(finding: Finding) -> list[str]:
    """What to do; the suggested value only where the remedy does not name it already."""
    remedy, value = finding.remediation or "", finding.suggestion
    said = markdown_sentence(remedy, LONGEST_TEXT)
    if value and value not in remedy:
        said = f"{said} Try {markdown_code(value, 120)}.".lstrip()
    return [f"→ {said}"] if said else []


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
    """The first lines of a tool's message, with how many lines there are more."""
    lines = block(text)
    shown = [line[:LONGEST_TEXT] for line in lines[:_MOST_LINES]]
    left = len(lines) - len(shown)
    return [*shown, f"({plural(left, 'more line')})"] if left else shown


@dataclass(frozen=True, slots=True, kw_only=True)
class _Application:
    """One row of the table of applications."""

    outcome: ApplicationOutcome
    changes: str
    risks: tuple[str, ...]
    findings: int
    approvals: str

    @property
    def rank(self) -> int:
        """0 for what a reviewer must not miss, 1 for what changes, 2 for what does not."""
        if self.findings or self.risks or self.outcome.status is Status.FAILED:
            return 0
        return 1 if self.changes != _NONE else _SAME


def application_sections(overview: Overview) -> list[Section]:
    """What changes in which application, by environment; where there are many, the worst first.

    Those that render the same as before are folded, and columns that would be empty left out.
    """
    rows = _listed(overview)
    telling = sum(1 for row in rows if row.rank < _SAME)
    many = telling > _APPLICATIONS_IN_SIGHT
    rows.sort(key=lambda r: (_order(r, many=many), r.outcome.environment, r.outcome.name))
    columns: list[tuple[str, Callable[[_Application], str]]] = [
        ("Environment", lambda row: markdown(row.outcome.environment, 80)),
        ("Application", _application_name),
        ("Changes", lambda row: markdown(row.changes)),
    ]
    if any(row.risks for row in rows):
        columns.append(("Risk", _risks))
    if any(row.findings for row in rows):
        columns.append(("Findings", lambda row: f"{row.findings:,}" if row.findings else ""))
    if any(row.approvals for row in rows):
        columns.append(("Approvals", lambda row: row.approvals))
    table = Section(
        noun="application",
        how=" that render the same as before" if telling <= _APPLICATIONS_IN_SIGHT else "",
        count=len(rows),
        row=lambda at: f"| {' | '.join(write(rows[at]) for _, write in columns)} |",
        again=f"| {' | '.join(name for name, _ in columns)} |\n|{'---|' * len(columns)}\n",
        share=0.15,
    )
    return _tables(table, min(telling, _APPLICATIONS_IN_SIGHT))


def _order(row: _Application, *, many: bool) -> int:
    return row.rank if many else row.rank // _SAME


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
            approvals=approval_cell(overview.report.approvals, outcome.name),
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
    return " ".join(signs) or _NONE


def _application_name(row: _Application) -> str:
    name = markdown_code(row.outcome.name, LONGEST_NAME)
    moved = row.outcome.moved_from
    return name if moved is None else f"{name} (was {markdown_code(moved, LONGEST_NAME)})"


def _risks(row: _Application) -> str:
    return (
        f"🔴\u00a0{', '.join(markdown(risk_text(label)) for label in row.risks)}"
        if row.risks
        else ""
    )


def effect_sections(overview: Overview) -> list[Section]:
    """What a change to the rules would do to the whole repository."""
    effect = overview.report.rules_effect
    if effect is None:
        return []
    files = ", ".join(markdown_code(path, 100) for path in effect.changed[:_MOST_NAMED])
    rest = len(effect.changed) - _MOST_NAMED
    files += f" and {rest:,} more" if rest > 0 else ""
    sentence = effect_sentence(effect)
    lead = f"⚠️ **{sentence[:1].upper()}{sentence[1:]}** ({files}); it takes effect after the merge."
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
