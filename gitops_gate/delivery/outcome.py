"""What a delivery did, for people and for machines.

`text_of` is what `gitops-gate deliver` prints, `json_of` the form `gitops-gate/delivery/v1`. Both
are about the same `Delivered` values, and neither shows a clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gitops_gate.delivery.record import approved_by, step_json
from gitops_gate.delivery.values import Delivered, Hold, Outcome
from gitops_gate.delivery.verify import Verified
from gitops_gate.delivery.walk import UNREADABLE
from gitops_gate.reports.escaping import one_line
from gitops_gate.reports.json_text import json_text
from gitops_gate.reports.lines import Line, paint, wrapped
from gitops_gate.verdict.values import Verdict

SCHEMA = "gitops-gate/delivery/v1"
_WORDS = {
    Outcome.DELIVERED: "delivered",
    Outcome.UP_TO_DATE: "nothing to deliver",
    Outcome.HELD: "held",
    Outcome.DRY_RUN: "would be delivered",
}
_LONGEST = 2_000
_OUTRANKS = (Verdict.INDETERMINATE, Verdict.DENY, Verdict.PENDING, Verdict.ALLOW)


def verdict_of(deliveries: Sequence[Delivered]) -> Verdict:
    """The gravest verdict of all refs; nothing delivered at all is no verdict to allow."""
    verdicts = {one.verdict for one in deliveries}
    return next((one for one in _OUTRANKS if one in verdicts), Verdict.INDETERMINATE)


def json_of(deliveries: Sequence[Delivered]) -> str:
    """All deliveries of a run as JSON, ending in a newline."""
    value = {
        "schema": SCHEMA,
        "verdict": verdict_of(deliveries).value,
        "deliveries": [_delivery(one) for one in deliveries],
    }
    return json_text(value, depth=4)


def text_of(deliveries: Sequence[Delivered], *, width: int, color: bool) -> str:
    """All deliveries of a run for a terminal, ending in a newline."""
    return paint(_lines(deliveries, width), color=color)


def verified_text(found: Sequence[Verified]) -> str:
    """What `gitops-gate verify` prints of a commit that holds."""
    lines = []
    for one in found:
        decision, channel = one.entry.decision, one.channel
        past = " and judged again" if one.replayed else ", not judged again (--no-replay)"
        lines += [
            f"verified {one.commit[:12]}: {channel.branch} → {channel.ref}{past}",
            f"  decision {decision.sequence} of {one.decisions}, signed with {one.key}",
            *(f"  {_landed(step)}" for step in decision.body["steps"]),
            *(f"  note: {note}" for note in one.notes),
        ]
    return "".join(f"{one_line(line, _LONGEST)}\n" for line in lines)


def verified_json(found: Sequence[Verified]) -> str:
    """The same as JSON, `gitops-gate/verification/v1`."""
    value = {
        "schema": "gitops-gate/verification/v1",
        "result": "verified",
        "verified": [
            {
                "commit": one.commit,
                "branch": one.channel.branch,
                "ref": one.channel.ref,
                "delivered": one.entry.decision.delivered,
                "sequence": one.entry.decision.sequence,
                "decisions": one.decisions,
                "digest": one.entry.digest,
                "key": one.key,
                "replayed": one.replayed,
                "notes": list(one.notes),
            }
            for one in found
        ],
    }
    return json_text(value, depth=4)


def _landed(step: Mapping[str, Any]) -> str:
    numbers = ", ".join(str(change["number"]) for change in step["changes"])
    by = approved_by(step)
    approved = f", approved by {', '.join(by)}" if by else ", nobody had to approve it"
    return f"{step['commits'][-1][:12]} {step['method']} of change request {numbers}{approved}"


def _delivery(one: Delivered) -> dict[str, Any]:
    entry = one.entry
    return {
        "repository_id": one.channel.repository_id,
        "branch": one.channel.branch,
        "ref": one.channel.ref,
        "outcome": one.outcome.value,
        "verdict": one.verdict.value,
        "tip": one.tip,
        "before": one.before,
        "after": one.after,
        "commit": one.commit,
        "steps": [step_json(step) for step in one.steps],
        "hold": None if one.hold is None else _hold(one.hold),
        "attestation": None
        if entry is None
        else {"sequence": entry.decision.sequence, "digest": entry.digest, "key": entry.key},
    }


def _hold(hold: Hold) -> dict[str, Any]:
    return {
        "commit": hold.commit,
        "code": hold.code,
        "message": hold.message,
        "verdict": hold.verdict.value,
        "remedy": hold.remedy,
    }


def _lines(deliveries: Sequence[Delivered], width: int) -> Iterator[Line]:
    for one in deliveries:
        yield from _one(one, width)
    verdict = verdict_of(deliveries)
    yield ((f"{verdict.value} ", verdict.value), (_count(deliveries), ""))


def _one(one: Delivered, width: int) -> Iterator[Line]:
    yield ((one_line(f"{one.channel.branch} → {one.channel.ref}", _LONGEST), "strong"),)
    for step in one.steps:
        numbers = ", ".join(f"{change.number}" for change in step.landing.changes)
        what = f"{step.landing.method.value} of change request {numbers}"
        past = f", past {len(step.ratifies)} held" if step.ratifies else ""
        whys = "; ".join(reason.message for reason in step.report.reasons)
        spans = [(f"{what}{past}: ", ""), (one_line(whys, _LONGEST), "dim")]
        first = [("  ✓ ", "allow"), (f"{step.landing.after[:12]} ", "")]
        yield from wrapped(spans, width, first=first, indent=4)
    if one.hold is not None:
        yield from _held(one.hold, width)
    yield ((f"  {_ending(one)}", "strong"),)
    yield ()


def _held(hold: Hold, width: int) -> Iterator[Line]:
    style = "pending" if hold.verdict is Verdict.PENDING else "error"
    first = [("  ✗ ", style), (f"{hold.commit[:12]} ", "")]
    spans = [(f"{hold.code}: ", style), (one_line(hold.message, _LONGEST), "")]
    yield from wrapped(spans, width, first=first, indent=4)
    mendable = hold.verdict is not Verdict.PENDING and hold.code != UNREADABLE
    remedy = hold.remedy or (_MEND if mendable else None)
    if remedy:
        yield from wrapped(
            [(one_line(remedy, _LONGEST), "dim")],
            width,
            first=[("    to mend it: ", "dim")],
            indent=4,
        )


_MEND = (
    "revert it with a change request (gitops-gate revert COMMIT), or have it approved after all "
    "(gitops-gate ratify COMMIT --reason TEXT)"
)


def _ending(one: Delivered) -> str:
    word = _WORDS[one.outcome]
    if one.outcome is Outcome.UP_TO_DATE:
        return f"{word}: it is at {_short(one.after)}"
    if one.outcome is Outcome.HELD:
        at = f"stays at {_short(one.before)}" if one.before else "is not there yet"
        return f"{word}: the ref {at}"
    proof = f", attestation {one.entry.decision.sequence}" if one.entry else ""
    of = f" for {_short(one.commit)}" if one.after != one.commit else ""
    rest = ", and not further" if one.hold else ""
    return f"{word}: {_short(one.before)} → {_short(one.after)}{of}{proof}{rest}"


def _count(deliveries: Sequence[Delivered]) -> str:
    count = sum(one.outcome is Outcome.DELIVERED for one in deliveries)
    total = len(deliveries)
    return f"{count} of {total} delivery ref{'s' if total != 1 else ''} moved"


def _short(commit: str | None) -> str:
    return commit[:12] if commit else "nothing"
