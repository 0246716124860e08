"""The decision as a commit status: what a protected branch requires.

The context is `review.check_name`, never a job's name. Success is set for allow alone; where the
gate only advises, nothing is marked as failed (contract, sections 1 and 2).
"""

from __future__ import annotations

from collections.abc import Iterable

from gitops_gate.forges.values import CommitStatus, StatusState
from gitops_gate.reports.grouping import Overview
from gitops_gate.reports.wording import answer
from gitops_gate.verdict.values import Report, Verdict

LONGEST_DESCRIPTION = 140
"""Characters; GitHub's limit, which GitLab's 255 includes."""

_STATES: dict[Verdict, StatusState] = {
    Verdict.ALLOW: "success",
    Verdict.DENY: "failure",
    Verdict.PENDING: "pending",
    Verdict.INDETERMINATE: "error",
}


def status_of(report: Report, check_name: str, *, url: str | None, queued: bool) -> CommitStatus:
    """The status that a report leads to; `queued` in a merge queue, where nothing can wait."""
    state = _STATES[report.verdict]
    if queued and state == "pending":
        state = "failure"
    if report.mode == "advisory":
        state = "success"
    text = answer(Overview(report=report))
    description = (
        text if len(text) <= LONGEST_DESCRIPTION else f"{text[: LONGEST_DESCRIPTION - 1]}…"
    )
    return CommitStatus(context=check_name, state=state, description=description, url=url)


def already_set(status: CommitStatus, there: Iterable[CommitStatus]) -> bool:
    """Whether our own account has set this very decision; the run it links to may be another.

    GitLab has one word for a failure and an error, and gives an error back as a failure.
    """
    return any(one.ours is True and _decision(one) == _decision(status) for one in there)


def _decision(status: CommitStatus) -> tuple[str, str, str]:
    state = "failure" if status.state == "error" else status.state
    return status.context, state, status.description
