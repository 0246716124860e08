"""The report for a terminal: what to do first, what changes next, what was looked at last.

    header, verdict, numbers, reasons, findings, approvals, changes, failed applications,
    waivers, effect of changed rules, coverage, warnings, diffs

Without colour the same text is plain and stable, for pipes and logs. Every piece of text goes
through `gitops_gate.reports.escaping` before it becomes a span.
"""

from __future__ import annotations

from collections.abc import Iterator

from gitops_gate.reports.escaping import block, one_line
from gitops_gate.reports.grouping import Overview
from gitops_gate.reports.lines import Line, Span, aligned, paint, wrapped
from gitops_gate.reports.options import ReportOptions
from gitops_gate.reports.text_approvals import approval_lines
from gitops_gate.reports.text_changes import change_lines, diff_lines
from gitops_gate.reports.text_findings import finding_lines
from gitops_gate.reports.wording import (
    answer,
    comparison,
    coverage_phrases,
    effect_sentence,
    numbers,
    plural,
    reason_text,
    symbol,
)
from gitops_gate.verdict.values import Report

MOST = 50
"""Findings, changes and files that are printed without `--all`."""
_NARROWEST = 40
_MARGIN = "  "
_LABEL_WIDTH = 11


def write(report: Report, options: ReportOptions) -> str:
    """The report as text, in colour if the options say so, ending in a newline."""
    overview = Overview(report=report)
    return paint(_lines(overview, options, max(options.width, _NARROWEST)), color=options.color)


def _lines(overview: Overview, options: ReportOptions, width: int) -> Iterator[Line]:
    most = None if options.all else MOST
    yield from _header(overview, options, width)
    yield from _reasons(overview, width)
    findings = [*overview.blocking]
    if not options.quiet:
        findings += overview.noted
        findings += overview.older if options.all else ()
    yield from finding_lines(findings, overview, width, most=most, verbose=options.verbose)
    if options.quiet:
        return
    yield from approval_lines(overview.report.approvals, width)
    yield from change_lines(overview, width, most=most)
    yield from _failed(overview, width, most)
    yield from _waivers(overview, width, most)
    yield from _rules_effect(overview, width, most)
    yield from _last(overview, options, width, most)
    if options.diff:
        yield from diff_lines(overview, width)


def _header(overview: Overview, options: ReportOptions, width: int) -> Iterator[Line]:
    report = overview.report
    style = "advisory" if overview.advisory else report.verdict.value
    if not options.quiet:
        source = report.configuration.get("source")
        right = f"rules of {one_line(source)}" if source else ""
        left: list[Span] = [("gitops-gate", "strong"), (f"  {one_line(comparison(report))}", "")]
        yield from aligned(left, (right, "dim"), width, 2)
        yield ()
    yield ((f"{symbol(overview)} ", style), (answer(overview), style))
    spans: list[Span] = []
    for index, phrase in enumerate(numbers(overview)):
        spans += [(" · ", "dim")] if index else []
        spans.append((phrase, ""))
    yield from wrapped(spans, width, first=[(_MARGIN, "")], indent=2)


def _reasons(overview: Overview, width: int) -> Iterator[Line]:
    for reason in overview.report.reasons:
        lines = block(reason_text(reason, overview))
        yield from wrapped([(lines[0], "")], width, first=[("  because ", "label")], indent=10)
        for line in lines[1:]:
            yield from wrapped([(line, "")], width, first=[(" " * 10, "")], indent=10)
    yield ()


def _failed(overview: Overview, width: int, most: int | None) -> Iterator[Line]:
    failed = overview.failed
    if not failed:
        return
    yield ((f"{_MARGIN}{plural(len(failed), 'application')} could not be evaluated", "error"),)
    for outcome in failed[:most]:
        yield ((f"{_MARGIN * 2}{one_line(outcome.name)}", "name"), (f"  {outcome.renderer}", "dim"))
        for line in block(outcome.reason or "no reason is known"):
            yield from wrapped([(line, "")], width, first=[(_MARGIN * 3, "")], indent=6)
    yield from _more(len(failed), most, "failed application")
    yield ()


def _waivers(overview: Overview, width: int, most: int | None) -> Iterator[Line]:
    waivers = overview.waivers
    if not waivers:
        return
    yield ((f"{_MARGIN}{plural(len(waivers), 'waiver')} in use", "strong"),)
    for waiver, count in waivers[:most]:
        spans: list[Span] = [
            (f"accepts {plural(count, 'finding')} until {waiver.expires.isoformat()}", ""),
            (f" · {one_line(waiver.owner, 80)}: {one_line(waiver.reason, 400)}", "dim"),
        ]
        first = [(f"{_MARGIN * 2}{one_line(waiver.rule)}  ", "rule")]
        yield from wrapped(spans, width, first=first, indent=6)
    yield from _more(len(waivers), most, "waiver")
    yield ()


def _rules_effect(overview: Overview, width: int, most: int | None) -> Iterator[Line]:
    effect = overview.report.rules_effect
    if effect is None:
        return
    spans: list[Span] = [(effect_sentence(effect), "strong")]
    spans.append((", once it is merged: ", "strong"))
    spans.append((", ".join(one_line(path) for path in effect.changed), "name"))
    yield from wrapped(spans, width, first=[(_MARGIN, "")], indent=4)
    if effect.error is not None:
        for line in block(effect.error):
            yield from wrapped([(line, "error")], width, first=[(_MARGIN * 2, "")], indent=6)
    shown = [("newly denied", finding) for finding in effect.newly_denied]
    shown += [("no longer denied", finding) for finding in effect.no_longer_denied]
    for word, finding in shown[:most]:
        where = [str(finding.resource)] if finding.resource else []
        where += [finding.application] if finding.application is not None else []
        spans = [
            (one_line(finding.rule), "rule"),
            (f"  {one_line(' · '.join(where))}: {one_line(finding.message, 300)}", ""),
        ]
        first = [(f"{_MARGIN * 2}{word:<16}  ", "dim")]
        yield from wrapped(spans, width, first=first, indent=22)
    yield from _more(len(shown), most, "effect")
    yield ()


def _last(
    overview: Overview, options: ReportOptions, width: int, most: int | None
) -> Iterator[Line]:
    report = overview.report
    older = overview.older_count
    if older and not options.all:
        verb = "does" if older == 1 else "do"
        text = f"{plural(older, 'older finding')} {verb} not count against this change"
        yield ((f"{_MARGIN}{text} (--all shows them).", "dim"),)
    yield from _labelled("coverage", [" · ".join(coverage_phrases(report))], width)
    if not overview.scanned and report.approvals is None:
        yield from _labelled("approvals", ["not evaluated"], width)
    items = report.coverage.not_understood
    files = [f"{item.get('path', '')}: {item.get('reason', '')}" for item in items]
    shown = None if options.verbose else most
    yield from _labelled("not read", [one_line(file) for file in files[:shown]], width)
    yield from _more(len(files), shown, "file")
    warnings = [line for warning in report.warnings for line in block(warning)]
    yield from _labelled("warning", warnings, width, "warning")
    if options.verbose:
        tools = [f"{name} {version}" for name, version in sorted(report.tools.items())]
        yield from _labelled("tools", [one_line(", ".join(tools))] if tools else [], width)
        digest = report.configuration.get("digest")
        yield from _labelled("rules", [one_line(digest)] if digest else [], width)


def _labelled(label: str, texts: list[str], width: int, style: str = "label") -> Iterator[Line]:
    for text in texts:
        first = [(f"{_MARGIN}{label:<{_LABEL_WIDTH}}", style)]
        yield from wrapped([(text, "")], width, first=first, indent=2 + _LABEL_WIDTH)


def _more(total: int, most: int | None, noun: str) -> Iterator[Line]:
    if most is not None and total > most:
        yield ((f"{_MARGIN * 2}{more(total - most, noun)}", "dim"),)


def more(number: int, noun: str) -> str:
    """What a list says that is cut short."""
    return f"and {plural(number, f'more {noun}')} (--all shows them; the JSON report has every one)"
