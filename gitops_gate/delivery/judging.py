"""Judges what landed: checks and approvals, by the rules of the commit that it landed on.

    landing + testimony ──compare, with_approvals──> Judged, or why it holds delivery

The judgement is the review's own, repeated on the commits that are on the branch. A waiver's
expiry counts at the merge, a freeze when the ref moves. What was not approved when it landed is
not approved by being approved later: that is denied, and mended by a ratification.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gitops_gate.delivery.testimony import (
    Recording,
    Replayed,
    Testimony,
    overrides_in,
    testimony_json,
)
from gitops_gate.delivery.values import Hold, Judged, Landing, Method
from gitops_gate.errors import GitOpsGateError
from gitops_gate.forges.values import ForgeKind, LandedChange, Snapshot
from gitops_gate.pipeline import Options, compare
from gitops_gate.review.agreement import Agreed
from gitops_gate.review.approving import Approving, with_approvals
from gitops_gate.review.judging import rules_of
from gitops_gate.source import Repository
from gitops_gate.source.recompute import reachable
from gitops_gate.verdict.decide import with_reasons
from gitops_gate.verdict.values import Reason, Report, Verdict

_NOT_APPROVED = "approvals_missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """What a forge of this `kind` says of one change request.

    `recording` is None where it cannot be asked for approvals.
    """

    kind: ForgeKind
    snapshot: Snapshot
    recording: Recording | Replayed | None


WitnessOf = Callable[[LandedChange, Landing], Witness]
"""Who can be asked about a change request that landed. Raises `GitOpsGateError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """What landings are judged with. `at` is the moment at which freezes are judged."""

    repository: Repository
    witness_of: WitnessOf
    options: Options
    at: datetime.datetime


def judged(judging: Judging, landing: Landing, since: str, ratifies: Sequence[str]) -> Judged:
    """The answer about a landing, compared with `since`.

    The report's verdict says whether it may be delivered. Raises `GitOpsGateError` where nothing
    can be said: where Git or the forge cannot give what is needed.
    """
    repository = judging.repository
    checked = _advisory(_compared(judging, since, landing.after, merged_at(landing)))
    reports, trees, testimony = [], [], []
    for change in landing.changes:
        witness = judging.witness_of(change, landing)
        _same_change(witness.snapshot, change)
        each = with_approvals(checked, _approving(judging, witness, landing, since, change))
        each = _landed_as_one(repository, each, witness, landing)
        if each.approvals is not None:
            trees.append(each.approvals)
        testimony.append(testimony_json(_told(witness, change)))
        reports.append(each)
    return Judged(
        landing=landing,
        since=since,
        report=_at_landing(_of_all(reports)),
        approvals=tuple(trees),
        testimony=tuple(testimony),
        ratifies=tuple(ratifies),
    )


def whole(judging: Judging, since: str, commit: str, at: datetime.datetime) -> Report:
    """The verdict on every application of a commit, by the rules of an earlier one.

    Raises `GitOpsGateError`.
    """
    return _compared(judging, since, commit, at, everything=True)


def _compared(
    judging: Judging,
    since: str,
    commit: str,
    at: datetime.datetime,
    *,
    everything: bool = False,
) -> Report:
    """What leads from one commit to another, by the rules of the first."""
    repository = judging.repository
    options = replace(judging.options, at=at, require_sandbox=True, everything=everything)
    deciding = replace(rules_of(repository, since), head=commit)
    before, after = repository.revision(since), repository.revision(commit)
    return compare(before, after, deciding, options)


def hold_of(report: Report, commit: str, what: str = "") -> Hold | None:
    """Why a report holds delivery; None where it allows it."""
    if report.verdict is Verdict.ALLOW:
        return None
    reasons = [reason for reason in report.reasons if reason.verdict is report.verdict]
    message = "; ".join(reason.message for reason in reasons) or "the verdict gives no reason"
    code = reasons[0].code if reasons else "not_evaluated"
    return Hold(commit=commit, code=code, message=f"{what}{message}", verdict=report.verdict)


def merged_at(landing: Landing) -> datetime.datetime:
    """When a landing was merged, by the forge's clock. Raises `GitOpsGateError`."""
    return min(_merged_at(change) for change in landing.changes)


def _told(witness: Witness, change: LandedChange) -> Testimony:
    if witness.recording is not None:
        return witness.recording.testimony(witness.snapshot, change)
    snapshot = witness.snapshot
    return Testimony(
        change=snapshot.change,
        landed=change,
        comments=overrides_in(snapshot.comments),
        own_id=snapshot.own_id,
    )


def _merged_at(change: LandedChange) -> datetime.datetime:
    if change.merged_at is None:
        raise GitOpsGateError(f"the forge does not say when change request {change.number} landed")
    return change.merged_at


def _same_change(snapshot: Snapshot, change: LandedChange) -> None:
    found = snapshot.change
    if (found.number, found.head_commit, found.base_ref) != (
        change.number,
        change.head,
        change.base_ref,
    ):
        raise GitOpsGateError(
            f"the forge gives two answers about change request {change.number}",
            remedy="run again: it may lag behind",
        )


def _approving(
    judging: Judging, witness: Witness, landing: Landing, since: str, change: LandedChange
) -> Approving:
    at_merge = _merged_at(change)
    said = overrides_in(witness.snapshot.comments)
    comments = tuple(comment for comment in said if comment.created_at <= at_merge)
    snapshot = replace(witness.snapshot, comments=comments)
    return Approving(
        repository=judging.repository,
        kind=witness.kind,
        reading=witness.recording,
        agreed=Agreed(snapshot=snapshot, base=landing.before, head=change.head),
        options=replace(judging.options, at=judging.at),
        since=None if since == landing.before else since,
    )


def _landed_as_one(
    repository: Repository, report: Report, witness: Witness, landing: Landing
) -> Report:
    """The report, undecided where some of the commits may have been there before the change."""
    if landing.method not in (Method.FAST_FORWARD, Method.REBASE) or len(landing.commits) == 1:
        return report
    versions = witness.snapshot.change.versions
    if versions and reachable(repository, versions[0], landing.before):
        return report
    moves = witness.recording and witness.recording.target_moves(witness.snapshot)
    if moves is not None:
        return report
    message = (
        f"whether all of {len(landing.commits)} commits landed together is not known: the forge's "
        "record of the branch does not show it"
    )
    return with_reasons(
        report,
        (Reason(code="landing_unknown", message=message, verdict=Verdict.INDETERMINATE),),
    )


def _advisory(report: Report) -> Report:
    """Rules in advisory mode never deliver (contract, section 2)."""
    if report.mode != "advisory":
        return report
    message = "the rules are advisory (gate.mode): they decide nothing, so nothing is delivered"
    return with_reasons(report, (Reason(code="advisory", message=message, verdict=Verdict.DENY),))


def _of_all(reports: Sequence[Report]) -> Report:
    """One landing of several change requests: what one of them was approved for, landed.

    Whoever may open a change request can open one of the same head, which is closed as merged with
    the other; so that nobody approved it says nothing. Where none is allowed, all count.
    """
    allowed = next((one for one in reports if one.verdict is Verdict.ALLOW), None)
    if allowed is not None:
        return allowed
    first, *others = reports
    more = [reason for one in others for reason in one.reasons if reason not in first.reasons]
    return with_reasons(first, list(dict.fromkeys(more)))


def _at_landing(report: Report) -> Report:
    """Approvals that were missing at the merge will never be there."""
    missing = [reason for reason in report.reasons if reason.code == _NOT_APPROVED]
    if not missing:
        return report
    others = tuple(reason for reason in report.reasons if reason.code != _NOT_APPROVED)
    denied = [
        Reason(
            code="not_approved",
            message=f"when it landed, {reason.message}",
            verdict=Verdict.DENY,
        )
        for reason in missing
    ]
    return with_reasons(replace(report, reasons=others), denied)
