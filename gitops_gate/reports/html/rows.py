"""The table of applications, those that could not be evaluated, and the numbers of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from gitops_gate.changes.values import Operation
from gitops_gate.reports import wording
from gitops_gate.reports.escaping import block
from gitops_gate.reports.grouping import Overview
from gitops_gate.reports.html.anchors import application_anchor, distinct
from gitops_gate.reports.html.changes import signs
from gitops_gate.reports.html.facets import Facets
from gitops_gate.verdict.decide import blocks
from gitops_gate.verdict.values import ApplicationOutcome, Report, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationRow:
    """One application. `blocking` and `found` count its findings; older and waived are in neither.

    `kinds` says what changes in it, `(("Deployment", "~2", False), …)`, or in a scan how many
    findings each kind has; those with a grave risk come first, and then those with most.
    """

    outcome: ApplicationOutcome
    anchor: str
    attributes: Markup
    pick: str
    changes: str
    blocking: int
    found: int
    others: int
    grave: tuple[str, ...]
    kinds: tuple[tuple[str, str, bool], ...]
    reason: tuple[str, ...]

    @property
    def failed(self) -> bool:
        """Whether it could not be evaluated."""
        return self.outcome.status is Status.FAILED

    @property
    def touched(self) -> bool:
        """Whether a reviewer has anything to see in it."""
        return bool(self.kinds or self.failed or self.blocking or self.found)

    @property
    def quiet(self) -> bool:
        """Whether the change does not touch it at all."""
        return self.outcome.status is Status.UNCHANGED and not self.touched and not self.others

    @property
    def weight(self) -> tuple[bool, bool, bool, bool]:
        """What sorts the worst application first."""
        return (not self.failed, not self.blocking, not self.grave, not self.touched)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One reason why applications could not be evaluated, with all that have it."""

    lines: tuple[str, ...]
    rows: tuple[ApplicationRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counts:
    operations: dict[str, Counter[Operation]]
    kinds: dict[str, dict[str, Counter[Operation]]]
    risks: dict[str, set[str]]
    grave: set[tuple[str, str]]
    blocking: Counter[str | None]
    found: Counter[str | None]
    others: Counter[str | None]
    found_kinds: dict[str, Counter[str]]


def rows_of(overview: Overview, facets: Facets) -> tuple[ApplicationRow, ...]:
    """All applications by environment, the worst of each first."""
    report = overview.report
    counts = _counts(report)
    anchors = distinct(application_anchor(outcome.name) for outcome in report.applications)
    rows = [
        _row(outcome, anchor, counts, overview, facets)
        for outcome, anchor in zip(report.applications, anchors, strict=True)
    ]
    order = sorted(rows, key=lambda row: (row.outcome.environment, *row.weight, row.outcome.name))
    return tuple(order)


def failures_in(rows: Sequence[ApplicationRow]) -> tuple[Failure, ...]:
    """The failed applications by their reason, the most frequent reason first."""
    by_reason: dict[tuple[str, ...], list[ApplicationRow]] = {}
    for row in rows:
        if row.failed:
            by_reason.setdefault(row.reason, []).append(row)
    made = [Failure(lines=lines, rows=tuple(same)) for lines, same in by_reason.items()]
    return tuple(sorted(made, key=lambda failure: -len(failure.rows)))


def _counts(report: Report) -> _Counts:
    counts = _Counts(
        operations={},
        kinds={},
        risks={},
        grave=set(),
        blocking=Counter(),
        found=Counter(),
        others=Counter(),
        found_kinds={},
    )
    for change in report.changes:
        name, kind = change.application, change.resource.kind
        counts.operations.setdefault(name, Counter())[change.operation] += 1
        kinds = counts.kinds.setdefault(name, {})
        kinds.setdefault(kind, Counter())[change.operation] += 1
        grave = wording.GRAVE_RISKS.intersection(change.risk)
        counts.risks.setdefault(name, set()).update(grave)
        if grave:
            counts.grave.add((name, kind))
    for finding in report.findings:
        application = finding.application
        if blocks(finding, report.gate):
            counts.blocking[application] += 1
        elif finding.introduced and finding.waiver is None:
            counts.found[application] += 1
        else:
            counts.others[application] += 1
            continue
        if application is not None and finding.resource is not None:
            found = counts.found_kinds.setdefault(application, Counter())
            found[finding.resource.kind] += 1
    return counts


def _row(
    outcome: ApplicationOutcome,
    anchor: str,
    counts: _Counts,
    overview: Overview,
    facets: Facets,
) -> ApplicationRow:
    name = outcome.name
    unknown = "no reason is known" if outcome.status is Status.FAILED else ""
    reason = outcome.reason or unknown
    return ApplicationRow(
        outcome=outcome,
        anchor=anchor,
        attributes=facets.attributes(environment=[outcome.environment], application=[name]),
        pick=facets.pick(environment=outcome.environment, application=name),
        changes=signs(counts.operations.get(name, Counter())),
        blocking=counts.blocking[name],
        found=counts.found[name],
        others=counts.others[name],
        grave=tuple(sorted(counts.risks.get(name, ()))),
        kinds=_kinds(name, counts, overview),
        reason=tuple(block(reason)) if reason else (),
    )


def _kinds(name: str, counts: _Counts, overview: Overview) -> tuple[tuple[str, str, bool], ...]:
    if overview.scanned:
        found = counts.found_kinds.get(name, Counter())
        return tuple((kind, wording.plural(n, "finding"), False) for kind, n in found.most_common())
    changed = counts.kinds.get(name, {})
    order = sorted(
        changed, key=lambda kind: ((name, kind) not in counts.grave, -changed[kind].total())
    )
    return tuple((kind, signs(changed[kind]), (name, kind) in counts.grave) for kind in order)
