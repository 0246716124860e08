"""The report as Markdown, for GitHub and GitLab: files, job summaries and the summary comment.

    Report ──Overview──> heading, sections, changes, closing ──lay_out──> one body or several

The answer first, then what to mend, then what changes where; whatever a reviewer rarely needs is
folded. Nothing of a repository gets in but through `gitops_gate.reports.escaping`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gitops_gate.config.settings import DEFAULT_ENVIRONMENT
from gitops_gate.reports.escaping import markdown, markdown_code, markdown_sentence
from gitops_gate.reports.grouping import Overview
from gitops_gate.reports.markdown_approvals import approval_sections
from gitops_gate.reports.markdown_details import (
    change_sections,
    closing_details,
    footer,
)
from gitops_gate.reports.markdown_findings import (
    LONGEST_TEXT,
    application_sections,
    effect_sections,
    failed_section,
    finding_sections,
)
from gitops_gate.reports.markdown_pages import Content, Frame, lay_out
from gitops_gate.reports.options import ReportOptions
from gitops_gate.reports.review_context import ReviewContext
from gitops_gate.reports.wording import (
    GRAVE_RISKS,
    answer,
    numbers,
    overridden,
    plural,
    reason_text,
    risk_text,
    short,
)
from gitops_gate.verdict.values import Reason, Report, Verdict

BUDGET = 65_536
"""Characters of a comment (code points), the smaller of what GitHub and GitLab take."""
SMALLEST = 10_000
"""Characters below which a body is not worth reading, and is refused."""

_CHANGES_IN_SIGHT = 15
_MOST_ENVIRONMENTS = 5
_SYMBOLS = {
    Verdict.ALLOW: "✅",
    Verdict.DENY: "❌",
    Verdict.PENDING: "⏳",
    Verdict.INDETERMINATE: "❓",
}
_CLAIM = (
    "**Nobody vouches for this report.** The job that made it is defined by the change itself, so "
    "it can say anything. Nothing was decided from it, and no status was set."
)


def write(report: Report, options: ReportOptions) -> str:
    """The report as Markdown of at most `BUDGET` characters, ending in a newline."""
    (body,) = bodies(report, None, room=BUDGET, most=1, older=options.all)
    return body


def bodies(
    report: Report,
    context: ReviewContext | None,
    *,
    room: int,
    most: int,
    older: bool = False,
    digest: str | None = None,
    last_line: Callable[[int, int], str] | None = None,
) -> list[str]:
    """The report in at most `most` bodies of at most `room` characters each.

    `digest` is the report's own, to be shown. `last_line` writes the end of a part, from its
    number and how many there are. Raises `ValueError` for a room below `SMALLEST`.
    """
    if room < SMALLEST:
        raise ValueError(f"a body of {room} characters is too small: {SMALLEST} at least")
    overview = Overview(report=report)
    closing = "\n\n".join(
        [
            *_notes(context, room // 20),
            closing_details(overview, room // 10),
            footer(overview, context, digest),
        ]
    )

    def bottom(part: int, parts: int) -> str:
        line = last_line(part, parts) if last_line else ""
        return "\n\n".join(text for text in (closing if part == 1 else "", line) if text)

    opening = _heading(overview, context, room // 16)
    frame = Frame(
        top=lambda part, parts: opening if part == 1 else _again(overview, context, part, parts),
        bottom=bottom,
        room=room,
        most=most,
    )
    return lay_out(_content(overview, context, older=older), frame)


def _content(overview: Overview, context: ReviewContext | None, *, older: bool) -> Content:
    """The sections in their order: what kept a verdict from being reached goes before findings."""
    changes, names = change_sections(overview)
    findings = finding_sections(overview, context, older=older)
    failed = [failed_section(overview)]
    verdict = overview.report.verdict
    found = failed + findings if verdict is Verdict.INDETERMINATE else findings + failed
    approvals = approval_sections(overview.report.approvals)
    return Content(
        sections=[
            *(found + approvals if verdict is Verdict.DENY else approvals + found),
            *application_sections(overview),
            *effect_sections(overview),
        ],
        changes=changes,
        names=names,
        in_sight=_CHANGES_IN_SIGHT,
    )


def _title(overview: Overview, context: ReviewContext | None) -> str:
    name = "gitops-gate"
    if context and context.check_name != name:
        name = markdown_code(context.check_name, 100)
    if context and context.information:
        return f"ℹ️ {name}: information only. This report claims: {markdown(answer(overview))}"
    sign = "ℹ️" if overview.advisory else _SYMBOLS[overview.report.verdict]
    sign = "⚠️" if overridden(overview) and not overview.advisory else sign
    return f"{sign} {name}: {markdown(answer(overview))}"


def _heading(overview: Overview, context: ReviewContext | None, room: int) -> str:
    report = overview.report
    lines = [f"### {_title(overview, context)}", ""]
    if context and context.information:
        lines += [
            "> [!WARNING]",
            f"> {_CLAIM}",
            "",
        ]
    lines.append(" · ".join(_numbers(overview)))
    reasons = [each for each in report.reasons if not _said_below(each, report)]
    if [reason.code for reason in reasons] not in ([], ["findings"], ["nothing_blocks"]):
        texts = [reason_text(reason, overview) for reason in reasons]
        items = [f"- because {markdown_sentence(text, LONGEST_TEXT)}" for text in texts]
        shown, left = fitting(items, room)
        lines += ["", *shown, *([f"- and {plural(left, 'more reason')}"] if left else [])]
    return "\n".join(lines)


def _said_below(reason: Reason, report: Report) -> bool:
    """Whether a section says it as well, and better."""
    return report.approvals is not None and reason.code in ("approvals_missing", "frozen")


def _numbers(overview: Overview) -> list[str]:
    """What changes where and what of it must not be missed, then how much was found."""
    phrases = [markdown(phrase) for phrase in numbers(overview)]
    if overview.scanned:
        return phrases
    found, affected, changed, *approvals = phrases
    if overview.report.verdict is Verdict.PENDING:
        approvals = [f"<b>{phrase}</b>" for phrase in approvals]
    if overview.failed:
        changed += " as far as could be rendered"
    changes = overview.report.changes
    environments = {overview.environments.get(change.application, "") for change in changes} - {""}
    if environments - {DEFAULT_ENVIRONMENT}:
        changed += f" in {_listed(sorted(environments))}"
    risks = sorted(GRAVE_RISKS.intersection(label for c in changes for label in c.risk))
    return [
        changed,
        *(f"🔴\u00a0{markdown(risk_text(label))}" for label in risks),
        found,
        affected,
        *approvals,
    ]


def _listed(environments: Sequence[str]) -> str:
    shown = [f"<b>{markdown(name, 80)}</b>" for name in environments[:_MOST_ENVIRONMENTS]]
    rest = len(environments) - len(shown)
    return ", ".join([*shown, *([f"{rest:,} more"] if rest > 0 else [])])


def _again(overview: Overview, context: ReviewContext | None, part: int, parts: int) -> str:
    head = f", head {markdown_code(short(context.head), 60)}" if context else ""
    title = f"#### {_title(overview, context)} (part {part} of {parts})"
    return f"{title}\n\nThis goes on from the summary above{head}."


def _notes(context: ReviewContext | None, room: int) -> list[str]:
    """What could not be done on the forge, a line each."""
    if context is None or not context.notes:
        return []
    items = [f"ℹ️ {markdown_sentence(note, LONGEST_TEXT)}" for note in context.notes]
    shown, left = fitting(items, room)
    return ["<br>".join([*shown, *([f"and {plural(left, 'more note')}"] if left else [])])]


def fitting(texts: Sequence[str], room: int) -> tuple[list[str], int]:
    """The first texts that fit into `room` characters, and how many do not."""
    shown: list[str] = []
    for text in texts:
        room -= len(text) + 2
        if room < 0:
            break
        shown.append(text)
    return shown, len(texts) - len(shown)
