"""The report as one HTML page that holds everything and asks nobody for anything.

Style and script are inside the page and named by their hashes in its content security policy, so
that nothing else can run or load, whatever a repository contains. Every text passes `visible`,
then Jinja2's autoescaping. Without JavaScript everything can be read; with it, it can be searched
and filtered.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from gitops_gate import __version__
from gitops_gate.changes.values import Operation
from gitops_gate.reports import wording
from gitops_gate.reports.escaping import block, visible
from gitops_gate.reports.grouping import ChangeGroup, FindingGroup, Overview
from gitops_gate.reports.links import safe_link
from gitops_gate.reports.options import ReportOptions
from gitops_gate.reports.text_findings import caret
from gitops_gate.verdict.values import ApplicationOutcome, Report, Status

if TYPE_CHECKING:
    from jinja2 import Template

_MOST_FIELDS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingCard:
    """A finding as the page shows it. `state` is blocking, introduced, older or waived.

    `environments` and `applications` are lists in JSON, which the filters read.
    """

    group: FindingGroup
    state: str
    environments: str
    applications: str
    place: str
    link: str | None
    excerpt: tuple[str, str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCard:
    """A change as the page shows it; `lines` are the diff's, each with its class.

    `environments` and `applications` are lists in JSON, which the filters read.
    """

    group: ChangeGroup
    environments: str
    applications: str
    sign: str
    grave: tuple[str, ...]
    other: tuple[str, ...]
    fields: tuple[str, ...]
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationRow:
    """A row of the table of applications."""

    outcome: ApplicationOutcome
    changes: str
    findings: int
    lines: tuple[str, ...]


def write(report: Report, options: ReportOptions) -> str:
    """The report as an HTML page. `options` change nothing: the page always holds everything."""
    del options
    style, script = _part("report.css"), _part("report.js")
    overview = Overview(report=report)
    text = _template().render(
        report=report,
        overview=overview,
        wording=wording,
        version=__version__,
        style=style,
        script=script,
        policy=_policy(style, script),
        findings=[_finding_card(group, overview) for group in overview.groups],
        changes=[_change_card(group, overview) for group in overview.changes],
        applications=_rows(report),
        environments=sorted({outcome.environment for outcome in report.applications}),
        rules_effect=_effect(report),
    )
    return text if text.endswith("\n") else f"{text}\n"


@cache
def _template() -> Template:
    from jinja2 import DictLoader, Environment, StrictUndefined

    names = ("page.html.j2", "findings.html.j2", "changes.html.j2", "rest.html.j2")
    environment = Environment(
        loader=DictLoader({name: _part(name) for name in names}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )
    environment.filters["lines"] = block
    return environment.get_template("page.html.j2")


def _finalized(value: Any) -> Any:
    """What a template's `{{ }}` becomes: plain text is made visible, our own HTML stays."""
    return value if hasattr(value, "__html__") else visible(str(value))


def _part(name: str) -> str:
    folder = importlib.resources.files("gitops_gate.reports").joinpath("templates")
    return folder.joinpath(name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _finding_card(group: FindingGroup, overview: Overview) -> FindingCard:
    finding = group.finding
    state = "introduced" if finding.introduced else "older"
    if finding.waiver is not None:
        state = "waived"
    return FindingCard(
        group=group,
        state="blocking" if group.blocking else state,
        environments=_environments(group.applications, overview),
        applications=_names(group.applications),
        place=wording.place(finding),
        link=safe_link(finding.documentation),
        excerpt=_excerpt(group, overview.report),
    )


def _excerpt(group: FindingGroup, report: Report) -> tuple[str, str, str] | None:
    """The source line in three parts, the second of which is what the finding is about."""
    location = group.finding.location
    text = location and report.excerpts.get(f"{location.path}:{location.line}")
    if location is None or not text:
        return None
    begin = location.column - 1
    length = caret(text, location.column)[1]
    if not length:
        return text, "", ""
    return text[:begin], text[begin : begin + length], text[begin + length :]


def _change_card(group: ChangeGroup, overview: Overview) -> ChangeCard:
    change = group.change
    fields = wording.field_texts(change, _MOST_FIELDS)
    return ChangeCard(
        group=group,
        environments=_environments(group.applications, overview),
        applications=_names(group.applications),
        sign=wording.OPERATION_SIGNS[change.operation],
        grave=tuple(label for label in change.risk if label in wording.GRAVE_RISKS),
        other=tuple(label for label in change.risk if label not in wording.GRAVE_RISKS),
        fields=tuple(fields) if change.operation is Operation.MODIFIED else (),
        lines=tuple(_diff_lines(change.diff)),
    )


def _diff_lines(diff: str) -> Iterator[tuple[str, str]]:
    classes = {"+": "add", "-": "del", "@": "hunk"}
    for line in block(diff) if diff else ():
        yield classes.get(line[:1], "same"), line


def _environments(applications: Sequence[str], overview: Overview) -> str:
    known = overview.environments
    return _names(sorted({known[name] for name in applications if name in known}))


def _names(names: Sequence[str]) -> str:
    return json.dumps([visible(name) for name in names], ensure_ascii=False)


def _counts(report: Report) -> tuple[Counter[tuple[str, Operation]], Counter[str | None]]:
    changes = Counter((change.application, change.operation) for change in report.changes)
    return changes, Counter(finding.application for finding in report.findings)


def _rows(report: Report) -> list[ApplicationRow]:
    counts = _counts(report)
    order = sorted(report.applications, key=lambda outcome: (outcome.environment, outcome.name))
    return [_row(outcome, counts) for outcome in order]


def _row(
    outcome: ApplicationOutcome,
    counts: tuple[Counter[tuple[str, Operation]], Counter[str | None]],
) -> ApplicationRow:
    changes, findings = counts
    signs = [
        f"{wording.OPERATION_SIGNS[operation]}{changes[outcome.name, operation]}"
        for operation in (Operation.ADDED, Operation.MODIFIED, Operation.REMOVED)
        if changes[outcome.name, operation]
    ]
    failed = outcome.status is Status.FAILED
    return ApplicationRow(
        outcome=outcome,
        changes=" ".join(signs),
        findings=findings[outcome.name],
        lines=tuple(block(outcome.reason or "no reason is known")) if failed else (),
    )


def _effect(report: Report) -> list[tuple[str, Any]]:
    effect = report.rules_effect
    if effect is None:
        return []
    return [
        *(("newly denied", finding) for finding in effect.newly_denied),
        *(("no longer denied", finding) for finding in effect.no_longer_denied),
    ]
