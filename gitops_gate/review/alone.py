"""A head that several change requests have is allowed for none of them.

A commit has one status for all, and each may be for another branch with other rules: what one
allows would open the other.
"""

from __future__ import annotations

from gitops_gate.errors import ForgeError
from gitops_gate.forges.interface import ReadsChangeRequest
from gitops_gate.forges.values import Snapshot
from gitops_gate.review.judging import undecided_by
from gitops_gate.verdict.values import Report, Verdict


def only_if_alone(report: Report, reading: ReadsChangeRequest, snapshot: Snapshot) -> Report:
    """The report, undecided where an allowed head is another change request's as well."""
    if report.verdict is not Verdict.ALLOW:
        return report
    try:
        others = reading.sharing(snapshot)
    except ForgeError as error:
        message = f"whether another change request has the same head is unknown: {error}"
        return undecided_by(report, "shared_head", message)
    if not others:
        return report
    named = ", ".join(str(number) for number in others)
    message = f"change request {named} has the same head, and a status would count for both"
    return undecided_by(report, "shared_head", message)
