"""Weighs requirements, approvals, freezes and overrides, and says what is still missing.

    change + settings ──required──> requirements ─┐
    facts ──standings──> whose approvals count ───┼──> outcome of each ──> Evaluation ──> reasons
    freezes at a moment ──────────────────────────┤
    comments ──override_of────────────────────────┘

A function of values; `seen_at` is the only thing that it asks for, and always the same answer is
expected for the same moment. Unknown never satisfies: an approval about which something cannot be
read does not count, and facts that cannot be read at all make the verdict indeterminate.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from gitops_gate.approvals.binding import Moment, Refusal, Seen, SeenAt, moment_of, why_void
from gitops_gate.approvals.change import AffectedApplication, ChangeFacts
from gitops_gate.approvals.counting import (
    Contributors,
    Standing,
    account_key,
    contributors,
    one_more,
    standings,
)
from gitops_gate.approvals.eligibility import could_approve, why_not_asked
from gitops_gate.approvals.facts import Account, ApprovalFacts, Push, Review, ReviewState
from gitops_gate.approvals.freezes import ActiveFreeze, active_freezes
from gitops_gate.approvals.override import Override, Remark, is_attempt, override_of
from gitops_gate.approvals.people import People
from gitops_gate.approvals.requirements import Required, Requirement, required
from gitops_gate.approvals.tree import (
    ApprovalReason,
    Evaluation,
    FreezeOutcome,
    NotCounted,
    RequirementOutcome,
    shown_time,
)
from gitops_gate.config.approval_settings import ApprovalSettings, Freeze


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Everything that approvals are evaluated from.

    `now` is the current head and target's tip, `at` the moment (with a time zone) at which
    freezes are judged. `facts` is None where the forge could not say anything. `target_moves` are
    the target branch's pushes since before the change was opened, None where they cannot be read.
    `seen` is what would land now, None where that could not be determined. `own_id` is the account
    that the gate writes as.
    """

    change: ChangeFacts
    settings: ApprovalSettings
    now: Moment
    at: datetime.datetime
    facts: ApprovalFacts | None
    target_moves: tuple[Push, ...] | None = None
    seen: Seen | None = None
    people: People = field(default_factory=People)
    freezes: tuple[Freeze, ...] = ()
    remarks: tuple[Remark, ...] = ()
    own_id: int | None = None


def teams_of(question: Question) -> tuple[str, ...]:
    """The teams whose members are to be read for `Question.people`, sorted.

    Only those that matter for this change, so that a review that needs nobody asks for nobody.
    """
    teams = {team for requirement in _asked_for(question) for team in requirement.teams}
    if any(is_attempt(remark) for remark in question.remarks):
        teams |= set(question.settings.override_teams)
    return tuple(sorted(teams))


def permissions_of(question: Question) -> tuple[Account, ...]:
    """The accounts whose exact permission is to be read for `Question.people`, sorted.

    Nobody's, unless something asks for more than write access, or for a role.
    """
    exact = any(
        requirement.roles or requirement.permission not in (None, "write")
        for requirement in _asked_for(question)
    )
    reviews = question.facts.reviews if question.facts is not None and exact else ()
    approvers = {r.author for r in reviews if r.state is ReviewState.APPROVED}
    return tuple(sorted(approvers, key=account_key))


def _asked_for(question: Question) -> list[Requirement]:
    exceptions = [_exception(active) for active in _active(question) if active.freeze.unless]
    return [*required(question.change, question.settings).requirements, *exceptions]


def evaluate(question: Question, seen_at: SeenAt) -> Evaluation:
    """Who must approve and who did. `seen_at` is asked once for each moment of an approval."""
    wanted = required(question.change, question.settings)
    active = _active(question)
    if question.facts is None:
        return _unread(question, wanted, active)
    return _Weighing.of(question, question.facts, seen_at).evaluation(wanted, active)


def _active(question: Question) -> tuple[ActiveFreeze, ...]:
    """The freezes that hold what the change does, or what its new rules would treat differently."""
    rules = question.change.rules
    applications: Sequence[AffectedApplication] = question.change.applications
    if rules is not None:
        applications = (*applications, *rules.applications)
    return active_freezes(question.freezes, applications, question.at)


def _unread(question: Question, wanted: Required, active: Iterable[ActiveFreeze]) -> Evaluation:
    """The tree when nothing could be read: everything that is asked for is missing."""
    outcomes = tuple(_nobody(requirement) for requirement in wanted.requirements)
    freezes = tuple(_freeze_outcome(freeze, None, ()) for freeze in active)
    reasons = _reasons(outcomes, freezes, wanted)
    if any(reason.verdict == "pending" for reason in reasons):
        message = "approvals could not be read from the forge"
        unread = ApprovalReason(
            code="approvals_unreadable", message=message, verdict="indeterminate"
        )
        reasons = (unread, *reasons)
    return Evaluation(
        head=question.now.head,
        base=question.now.base,
        requirements=outcomes,
        freezes=freezes,
        reasons=reasons,
    )


def _nobody(requirement: Requirement) -> RequirementOutcome:
    return RequirementOutcome(requirement=requirement, needed=requirement.count)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Weighing:
    """What all requirements are weighed with."""

    question: Question
    facts: ApprovalFacts
    contributors: Contributors
    extra: tuple[str, ...]
    standings: tuple[Standing, ...]

    @classmethod
    def of(cls, question: Question, facts: ApprovalFacts, seen_at: SeenAt) -> _Weighing:
        behind = contributors(question.change, facts)
        seen_once = cache(seen_at)

        def verify(review: Review) -> Refusal | None:
            moment = moment_of(review, facts, question.target_moves, question.now)
            if isinstance(moment, Refusal):
                return moment
            return why_void(moment, question.now, question.seen, seen_once)

        counted = standings(
            facts,
            behind,
            question.people,
            question.settings,
            verify=verify,
            own_id=question.own_id,
        )
        extra = one_more(behind, question.change, question.settings)
        return cls(
            question=question, facts=facts, contributors=behind, extra=extra, standings=counted
        )

    def evaluation(self, wanted: Required, active: Sequence[ActiveFreeze]) -> Evaluation:
        question = self.question
        override = override_of(
            question.remarks,
            question.now.head,
            self.facts,
            contributors=self.contributors,
            people=question.people,
            settings=question.settings,
        )
        outcomes = tuple(
            _overridden(self.outcome(requirement), override) for requirement in wanted.requirements
        )
        freezes = tuple(self.freeze(freeze, override) for freeze in active)
        return Evaluation(
            head=question.now.head,
            base=question.now.base,
            requirements=outcomes,
            freezes=freezes,
            override=override,
            one_more=self.extra,
            not_counted=tuple(
                NotCounted(account=standing.account, refusal=standing.refusal)
                for standing in self.standings
                if standing.refusal is not None
            ),
            unknown=tuple(sorted(set(self.facts.unknown))),
            reasons=_reasons(outcomes, freezes, wanted),
        )

    def outcome(self, requirement: Requirement) -> RequirementOutcome:
        """Who of those that count is one of those that are asked."""
        people = self.question.people
        by: list[Account] = []
        others: list[NotCounted] = []
        for standing in self.standings:
            if standing.refusal is not None:
                continue
            refusal = why_not_asked(standing.account, requirement, people)
            if refusal is None:
                by.append(standing.account)
            else:
                others.append(NotCounted(account=standing.account, refusal=refusal))
        outcome = RequirementOutcome(
            requirement=requirement,
            needed=requirement.count + len(self.extra_for(requirement)),
            by=tuple(by),
            not_counted=tuple(others),
        )
        if outcome.satisfied:
            return outcome
        settings = self.question.settings
        excluded = set() if settings.contributors_may_approve else set(self.contributors.ids)
        excluded |= {account.id for account in by if account.id is not None}
        if self.question.own_id is not None:
            excluded.add(self.question.own_id)
        candidates = could_approve(requirement, people, frozenset(excluded), tuple(by))
        return replace(
            outcome, next=candidates.names, next_more=candidates.more, unknown=candidates.unknown
        )

    def extra_for(self, requirement: Requirement) -> tuple[str, ...]:
        """The requirement that a repair adds is itself the one more that it asks for."""
        if requirement.source != "repair":
            return self.extra
        return () if self.question.settings.contributors_may_approve else self.contributors.doubts

    def freeze(self, active: ActiveFreeze, override: Override | None) -> FreezeOutcome:
        unless = active.freeze.unless
        labels = sorted(set(unless.labels) & set(self.question.change.labels)) if unless else ()
        exception = self.outcome(_exception(active)) if labels else None
        outcome = _freeze_outcome(active, exception, labels)
        if override is not None and override.holds and outcome.holds:
            return replace(outcome, overridden=True)
        return outcome


def _exception(active: ActiveFreeze) -> Requirement:
    """Who has to approve that a change lands during a freeze."""
    freeze = active.freeze
    assert freeze.unless is not None
    return Requirement(
        name=f"exception from {freeze.name}",
        source="freeze",
        count=freeze.unless.require.count,
        users=freeze.unless.require.users,
        teams=freeze.unless.require.teams,
        permission=freeze.unless.require.permission,
        why=tuple(f"application {name}" for name in active.applications),
    )


def _freeze_outcome(
    active: ActiveFreeze, exception: RequirementOutcome | None, labels: Sequence[str]
) -> FreezeOutcome:
    unless = active.freeze.unless
    return FreezeOutcome(
        name=active.freeze.name,
        applications=active.applications,
        opens_at=active.opens_at,
        labels=unless.labels if unless else (),
        label=labels[0] if labels else None,
        exception=exception,
    )


_NOT_OVERRIDDEN = ("rules-change", "repair")


def _overridden(outcome: RequirementOutcome, override: Override | None) -> RequirementOutcome:
    if override is None or not override.holds or outcome.satisfied:
        return outcome
    if outcome.requirement.source in _NOT_OVERRIDDEN:
        return outcome
    return replace(outcome, overridden=True)


# ------------------------------------------------------------------------------- reasons

_MOST_NAMED = 5


def _reasons(
    outcomes: Sequence[RequirementOutcome], freezes: Sequence[FreezeOutcome], wanted: Required
) -> tuple[ApprovalReason, ...]:
    """One reason for the approvals that are missing, one for each freeze that holds."""
    reasons = []
    lacking = [outcome for outcome in outcomes if not outcome.satisfied]
    if lacking:
        named = [f"{o.requirement.name} ({o.missing} more)" for o in lacking[:_MOST_NAMED]]
        rest = len(lacking) - len(named)
        message = f"approvals are missing: {', '.join(named)}"
        message += f" and {rest} more requirements" if rest else ""
        reasons.append(ApprovalReason(code="approvals_missing", message=message, verdict="pending"))
    for freeze in freezes:
        if freeze.holds:
            opens = (
                f"opens again at {shown_time(freeze.opens_at)}"
                if freeze.opens_at is not None
                else "no end is in sight"
            )
            message = (
                f"{', '.join(freeze.applications[:_MOST_NAMED])} frozen by {freeze.name}: {opens}"
            )
            reasons.append(ApprovalReason(code="frozen", message=message, verdict="pending"))
    if wanted.no_rules and not wanted.requirements:
        message = "no CODEOWNERS file and no approval rules: nobody has to approve"
        reasons.append(ApprovalReason(code="no_approval_rules", message=message, verdict="allow"))
    return tuple(reasons)
