"""The checks of a branch that the gate stands before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gitops_gate.audit.outcomes import Judge
from gitops_gate.audit.values import Branch, Facts, Level, Outcome
from gitops_gate.forges.values import ForgeKind, Protection


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A check that one setting decides: `field` of `Protection`, and what closes the hole.

    `on` are the forges that have the setting; `approval` marks what GitLab Free has not.
    """

    id: str
    field: str
    hole: str
    fine: str
    closed_by: bool = True
    on: tuple[ForgeKind, ...] = ("github", "gitlab")
    approval: bool = False


_ROWS = (
    _Row(
        id="audit/branch-unprotected",
        field="protected",
        hole="no rule of the forge is about this branch",
        fine="the branch is protected",
    ),
    _Row(
        id="audit/force-push",
        field="force_push",
        closed_by=False,
        hole="force pushes are allowed",
        fine="force pushes are refused",
    ),
    _Row(
        id="audit/deletion",
        field="deletion",
        closed_by=False,
        hole="deleting the branch is allowed",
        fine="the branch cannot be deleted",
        on=("github",),
    ),
    _Row(
        id="audit/not-up-to-date",
        field="up_to_date",
        hole="a change may be merged that was judged on an older tip of the branch",
        fine="what lands was judged on the branch's tip",
    ),
    _Row(
        id="audit/stale-approvals",
        field="dismisses_stale",
        hole="approvals stay when commits are added",
        fine="new commits take approvals back",
        approval=True,
    ),
    _Row(
        id="audit/last-pusher-approves",
        field="last_push_approval",
        hole="the last push may be approved by who pushed it",
        fine="somebody else than who pushed last has to approve",
        on=("github",),
    ),
    _Row(
        id="audit/code-owners",
        field="code_owners",
        hole="a review by the code owners is not required",
        fine="the code owners have to review",
        approval=True,
    ),
)


def branch_checks(facts: Facts, branch: Branch) -> Iterator[Outcome]:
    """What every check of a branch comes to."""
    protection = branch.protection
    judge = Judge(kind=facts.kind, subject=f"refs/heads/{protection.branch}")
    for row in _ROWS:
        if facts.kind in row.on:
            yield _judged(judge, facts, protection, row)
    yield _direct_push(judge, protection)
    yield _reviews(judge, facts, protection)
    if facts.kind == "github":
        yield from _passing_by(judge, protection)


def _judged(judge: Judge, facts: Facts, protection: Protection, row: _Row) -> Outcome:
    value: bool | None = getattr(protection, row.field)
    if row.approval and not facts.repository.approvals_available:
        return judge.hole(row.id, f"{row.hole}: {NOT_ON_FREE}", level=Level.NOTE)
    closed = None if value is None else value is row.closed_by
    return judge.judge(row.id, closed, hole=row.hole, fine=row.fine, needs="protection")


NOT_ON_FREE = "GitLab Free cannot require it, so the gate's own approvals are the only lock"


def _direct_push(judge: Judge, protection: Protection) -> Outcome:
    by = ", ".join(protection.pushers or ())
    merging = ", ".join(protection.mergers or ())
    return judge.judge(
        "audit/direct-push",
        protection.change_request,
        hole=f"may push without a change request: {by}" if by else "no change request is required",
        fine="every change comes by a change request"
        + (f"; may merge: {merging}" if merging else ""),
        needs="protection",
    )


def _reviews(judge: Judge, facts: Facts, protection: Protection) -> Outcome:
    name, count = "audit/reviews-not-required", protection.required_approvals
    if not facts.repository.approvals_available:
        return judge.hole(name, f"no approval is required: {NOT_ON_FREE}", level=Level.NOTE)
    return judge.judge(
        name,
        None if count is None else count > 0,
        hole="no approval is required",
        fine=f"approvals required: {count}",
        needs="approvals" if judge.kind == "gitlab" else "protection",
    )


def _passing_by(judge: Judge, protection: Protection) -> Iterator[Outcome]:
    """Who need not keep to the rules. Where there are none there is nothing to pass by."""
    if protection.protected is False:
        return
    yield judge.judge(
        "audit/admins-exempt",
        protection.admins_included,
        hole="the branch protection rule does not hold for administrators",
        fine="administrators are held as well",
        needs="protection",
    )
    names = protection.bypass
    yield judge.judge(
        "audit/bypass",
        None if names is None else not names,
        hole=f"may pass the rules by: {', '.join(names or ())}",
        fine="nobody is on a bypass list",
        needs="bypass",
    )
