"""Findings, applications and coverage -> the verdict, with every reason that leads to it.

The last judgement of a run, and a pure one: it reads what the stages before found out and looks
at nothing else. Allow is what remains when no reason speaks against it and everything that was
affected has been evaluated (design, invariant 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gitops_gate.config.settings import GateSettings
from gitops_gate.findings import Finding, Severity
from gitops_gate.verdict.values import ApplicationOutcome, Reason, Report, Status, Verdict

_PRECEDENCE = (Verdict.INDETERMINATE, Verdict.DENY, Verdict.PENDING, Verdict.ALLOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A verdict and all its reasons, the decisive ones first."""

    verdict: Verdict
    reasons: tuple[Reason, ...]


def blocks(finding: Finding, gate: GateSettings) -> bool:
    """Whether a finding counts against the change: severity, scope and waiver all have a say."""
    severe = finding.severity is Severity.ERROR or gate.fail_on is Severity.WARNING
    in_scope = finding.introduced or gate.scope == "all"
    return severe and in_scope and finding.waiver is None


def decide(
    *,
    applications: Sequence[ApplicationOutcome],
    findings: Sequence[Finding],
    unreached: Sequence[str],
    gate: GateSettings,
    broken: Sequence[Reason] = (),
) -> Decision:
    """Weigh everything that a run found out.

    `unreached` are changed files that no application reaches (contract, section 3); `broken` are
    reasons that earlier stages already had for not deciding. Indeterminate outranks deny, deny
    outranks pending; all reasons are listed.
    """
    reasons = [
        *broken,
        *_undecided(applications, unreached),
        *_denied(findings, gate),
    ]
    if not reasons:
        reasons = [_allowed(applications)]
    reasons.sort(key=lambda reason: _PRECEDENCE.index(reason.verdict))
    return Decision(verdict=reasons[0].verdict, reasons=tuple(reasons))


def with_reasons(report: Report, more: Sequence[Reason]) -> Report:
    """A report with further reasons, and the verdict that all of them lead to.

    Reasons to allow stay only where nothing speaks against it.
    """
    weighty = [r for r in (*report.reasons, *more) if r.verdict is not Verdict.ALLOW]
    reasons = weighty or [*report.reasons, *more]
    ordered = sorted(reasons, key=lambda reason: _PRECEDENCE.index(reason.verdict))
    return replace(report, verdict=ordered[0].verdict, reasons=tuple(ordered))


def _undecided(
    applications: Sequence[ApplicationOutcome], unreached: Sequence[str]
) -> list[Reason]:
    reasons = []
    if not applications:
        message = "no application was discovered: nothing could be evaluated"
        reasons.append(_indeterminate("no_application_discovered", message))
    failed = [a.name for a in applications if a.status is Status.FAILED]
    if failed:
        message = f"{_count(failed, 'application')} could not be evaluated: {_listing(failed)}"
        reasons.append(_indeterminate("application_failed", message))
    missed = [a.name for a in applications if a.affected and a.status is Status.UNCHANGED]
    if missed:
        message = f"{_count(missed, 'affected application')} not evaluated: {_listing(missed)}"
        reasons.append(_indeterminate("application_not_evaluated", message))
    if unreached:
        message = (
            f"{_count(unreached, 'changed file')} reached by no application: "
            f"{_listing(unreached)}; include or exclude by discovery or applications"
        )
        reasons.append(_indeterminate("unreached", message))
    return reasons


def _denied(findings: Sequence[Finding], gate: GateSettings) -> list[Reason]:
    blocking = [finding for finding in findings if blocks(finding, gate)]
    if not blocking:
        return []
    parts = []
    for severity, word in ((Severity.ERROR, "error"), (Severity.WARNING, "warning")):
        chosen = [finding for finding in blocking if finding.severity is severity]
        introduced = sum(finding.introduced for finding in chosen)
        older = len(chosen) - introduced
        parts += [f"{_plural(introduced, f'introduced {word}')}"] if introduced else []
        parts += [f"{_plural(older, f'older {word}')}"] if older else []
    return [Reason(code="findings", message=", ".join(parts), verdict=Verdict.DENY)]


def _allowed(applications: Sequence[ApplicationOutcome]) -> Reason:
    affected = [application for application in applications if application.affected]
    if not affected:
        message = "no application is affected by this change"
        return Reason(code="no_application_affected", message=message, verdict=Verdict.ALLOW)
    message = f"{_count(affected, 'affected application')} evaluated, nothing blocks"
    return Reason(code="nothing_blocks", message=message, verdict=Verdict.ALLOW)


def _indeterminate(code: str, message: str) -> Reason:
    return Reason(code=code, message=message, verdict=Verdict.INDETERMINATE)


def _count(items: Sequence[object], noun: str) -> str:
    return _plural(len(items), noun)


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _listing(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
