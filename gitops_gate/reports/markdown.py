"""The report as Markdown: the summary comment of a change request, for GitHub and GitLab.

The answer first, then what to mend, then what changes where; whatever a reviewer rarely needs is
folded. It stays within what a forge takes as one comment: tables and diffs that do not fit are
counted. Nothing of a repository gets in but through `gitops_gate.reports.escaping`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from gitops_gate import __version__
from gitops_gate.changes.values import Operation
from gitops_gate.findings import Severity
from gitops_gate.reports.escaping import block, fenced, markdown, markdown_code, markdown_sentence
from gitops_gate.reports.grouping import FindingGroup, Overview
from gitops_gate.reports.links import safe_link
from gitops_gate.reports.markdown_details import change_details, more_details
from gitops_gate.reports.options import ReportOptions
from gitops_gate.reports.wording import (
    GRAVE_RISKS,
    OPERATION_SIGNS,
    answer,
    comparison,
    effect_sentence,
    numbers,
    place,
    plural,
    reason_text,
    risk_text,
)
from gitops_gate.verdict.values import ApplicationOutcome, Report, Status, Verdict

BUDGET = 65_536
"""Characters of a comment (code points), the smaller of what GitHub and GitLab take."""
_FINDINGS_SHARE = 16_000
_APPLICATIONS_SHARE = 10_000
_FAILED_SHARE = 6_000
_EFFECT_SHARE = 5_000
_DETAILS_SHARE = 6_000
_RESERVE = 400
_REASONS_SHARE = 4_000
_LONGEST_TEXT = 300
_LONGEST_PATH = 100
_MOST_LINES = 12
_MOST_NAMED = 6

_SYMBOLS = {
    Verdict.ALLOW: "✅",
    Verdict.DENY: "❌",
    Verdict.PENDING: "⏳",
    Verdict.INDETERMINATE: "❓",
}


def write(report: Report, options: ReportOptions) -> str:
    """The report as Markdown of at most `BUDGET` characters, ending in a newline."""
    overview = Overview(report=report)
    parts = [
        _heading(overview),
        *_findings(overview, older=options.all),
        *_failed(overview),
        *_applications(overview),
        *_rules_effect(overview),
    ]
    tail = [*more_details(overview, _DETAILS_SHARE), _footer(overview)]
    used = sum(len(part) + 2 for part in (*parts, *tail))
    changes = change_details(overview, BUDGET - used - _RESERVE)
    return "\n\n".join([*parts, *changes, *tail]) + "\n"


def _heading(overview: Overview) -> str:
    report = overview.report
    sign = "ℹ️" if overview.advisory else _SYMBOLS[report.verdict]
    lines = [f"### {sign} gitops-gate: {answer(overview)}", "", " · ".join(numbers(overview))]
    if [reason.code for reason in report.reasons] not in (["findings"], ["nothing_blocks"]):
        lines.append("")
        texts = [reason_text(reason, overview) for reason in report.reasons]
        items = [f"- because {markdown_sentence(text, _LONGEST_TEXT)}" for text in texts]
        shown, left = fitting(items, _REASONS_SHARE)
        lines += [*shown, *([f"- and {plural(left, 'more reason')}"] if left else [])]
    return "\n".join(lines)


def _findings(overview: Overview, *, older: bool) -> list[str]:
    groups = [*overview.blocking, *overview.noted, *(overview.older if older else ())]
    if not groups:
        return []
    rows = [_finding_row(group, overview) for group in groups]
    head = ["| | Rule | Where | What to do |", "|---|---|---|---|"]
    shown, left = fitting(rows, _FINDINGS_SHARE)
    note = [_elsewhere(left, "more finding")] if left else []
    return ["\n".join([*head, *shown]), *note]


def _finding_row(group: FindingGroup, overview: Overview) -> str:
    finding = group.finding
    sign = "❌" if group.blocking and not overview.advisory else "⚠️"
    if finding.severity is Severity.WARNING and not group.blocking:
        sign = "⚠️" if finding.introduced else "▫️"
    where = [markdown_code(place(finding), 300)] if finding.location else []
    if finding.resource:
        where.append(
            f"{markdown(finding.resource.kind, 80)} {markdown_code(finding.resource.name, 120)}"
        )
    text = " · ".join(where)
    if group.applications:
        text += f"{' in ' if text else ''}{_names(group.applications)}"
    todo = markdown_sentence(finding.message, 2 * _LONGEST_TEXT)
    if finding.remediation:
        todo += f"<br>{markdown_sentence(finding.remediation, _LONGEST_TEXT)}"
    if finding.suggestion:
        todo += f"<br>Try {markdown_code(finding.suggestion, 120)}."
    note = "" if finding.introduced or overview.scanned else " (older)"
    link = safe_link(finding.documentation)
    rule = markdown(finding.rule, 120)
    rule = f"[{rule}](<{link}>)" if link else rule
    return f"| {sign} | {rule}{note} | {text} | {todo} |"


def _names(applications: Sequence[str]) -> str:
    shown = ", ".join(f"**{markdown(name, 120)}**" for name in applications[:_MOST_NAMED])
    rest = len(applications) - _MOST_NAMED
    return f"{shown} and {plural(rest, 'more application')}" if rest > 0 else shown


def _failed(overview: Overview) -> list[str]:
    blocks = []
    for outcome in overview.failed:
        lines = _message(outcome.reason or "no reason is known")
        title = f"**{markdown(outcome.name, 200)}** could not be evaluated:"
        blocks.append("\n".join([title, "", *fenced(lines, "text")]))
    shown, left = fitting(blocks, _FAILED_SHARE)
    return [*shown, *([_elsewhere(left, "more failed application")] if left else [])]


def _applications(overview: Overview) -> list[str]:
    changed = Counter((c.application, c.operation) for c in overview.report.changes)
    found = Counter(
        f.application for f in overview.report.findings if f.introduced and not f.waiver
    )
    risks: dict[str, set[str]] = {}
    for change in overview.report.changes:
        risks.setdefault(change.application, set()).update(change.risk)
    listed = [
        outcome
        for outcome in overview.report.applications
        if outcome.status is Status.FAILED
        or found[outcome.name]
        or (outcome.affected and not overview.scanned)
    ]
    if not listed:
        return []
    listed.sort(key=lambda outcome: (outcome.environment, outcome.name))
    rows = [
        _application_row(outcome, changed, found[outcome.name], risks.get(outcome.name, ()))
        for outcome in listed
    ]
    head = ["| Environment | Application | Changes | Risk | Findings |", "|---|---|---|---|---|"]
    shown, left = fitting(rows, _APPLICATIONS_SHARE)
    note = [_elsewhere(left, "more application")] if left else []
    return ["\n".join([*head, *shown]), *note]


def _application_row(
    outcome: ApplicationOutcome,
    changed: Counter[tuple[str, Operation]],
    found: int,
    risks: Iterable[str],
) -> str:
    signs = [
        f"{OPERATION_SIGNS[operation]}{changed[outcome.name, operation]}"
        for operation in (Operation.ADDED, Operation.MODIFIED, Operation.REMOVED)
        if changed[outcome.name, operation]
    ]
    changes = " ".join(signs)
    if outcome.status is Status.FAILED:
        changes = "not rendered"
    elif not changes:
        changes = "none"
    grave = sorted(label for label in risks if label in GRAVE_RISKS)
    risk = f"🔴 {', '.join(markdown(risk_text(label)) for label in grave)}" if grave else ""
    name = markdown_code(outcome.name, 200)
    if outcome.moved_from is not None:
        name += f" (was {markdown_code(outcome.moved_from, 200)})"
    return f"| {markdown(outcome.environment, 80)} | {name} | {changes} | {risk} | {found or ''} |"


def _rules_effect(overview: Overview) -> list[str]:
    effect = overview.report.rules_effect
    if effect is None:
        return []
    files = ", ".join(markdown_code(path, _LONGEST_PATH) for path in effect.changed[:_MOST_NAMED])
    rest = len(effect.changed) - _MOST_NAMED
    files += f" and {rest} more" if rest > 0 else ""
    sentence = effect_sentence(effect)
    head = f"**{sentence[:1].upper()}{sentence[1:]}** ({files}); it takes effect after the merge."
    parts = [head]
    if effect.error is not None:
        parts.append("\n".join(fenced(_message(effect.error), "text")))
    rows = [("newly denied", finding) for finding in effect.newly_denied]
    rows += [("no longer denied", finding) for finding in effect.no_longer_denied]
    lines = []
    for word, finding in rows:
        where = markdown(str(finding.resource), 160) if finding.resource else ""
        name = markdown_code(finding.application, 160) if finding.application is not None else ""
        lines.append(f"| {word} | {markdown(finding.rule, 120)} | {where} | {name} |")
    if lines:
        shown, left = fitting(lines, _EFFECT_SHARE)
        table = ["| | Rule | Resource | Application |", "|---|---|---|---|", *shown]
        parts.append("\n".join(table))
        parts += [_elsewhere(left, "more effect")] if left else []
    return parts


def _footer(overview: Overview) -> str:
    report = overview.report
    tools = {"gitops-gate": __version__, **report.tools}
    names = ", ".join(f"{markdown(name, 60)} {markdown(tools[name], 60)}" for name in sorted(tools))
    parts = [markdown(comparison(report), 200)]
    source, digest = report.configuration.get("source"), report.configuration.get("digest")
    if source:
        parts.append(f"rules of {markdown(source, 120)}")
    if digest:
        parts.append(f"rules digest {markdown_code(digest, 80)}")
    rendered = sorted({a.digest.head for a in report.applications if a.affected and a.digest.head})
    if len(rendered) == 1:
        parts.append(f"rendered digest {markdown_code(rendered[0], 80)}")
    return f"<sub>{' · '.join([*parts, names])}</sub>"


def fitting(texts: Sequence[str], room: int) -> tuple[list[str], int]:
    """The first texts that fit into `room` characters, and how many do not."""
    shown: list[str] = []
    for text in texts:
        room -= len(text) + 2
        if room < 0:
            break
        shown.append(text)
    return shown, len(texts) - len(shown)


def _message(text: str) -> list[str]:
    """The first lines of a tool's message, indented, with how many lines there are more."""
    lines = block(text)
    shown = [f"  {line[:_LONGEST_TEXT]}" for line in lines[:_MOST_LINES]]
    left = len(lines) - len(shown)
    return [*shown, f"  ({plural(left, 'more line')})"] if left else shown


def _elsewhere(number: int, noun: str) -> str:
    verb = "is" if number == 1 else "are"
    return f"_{plural(number, noun)} {verb} in the full report, not here._"
