"""The answer about approvals: a tree that says of each requirement what is missing, and why.

Built by `gitops_gate.approvals.evaluate`, shown by reports, kept in attestations. `tree_json` is
its form in JSON (`schema/approvals.json`): sorted, without a clock of its own, the same bytes for
the same facts.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from gitops_gate.approvals.binding import Refusal
from gitops_gate.approvals.facts import Account
from gitops_gate.approvals.override import Override, OverrideAttempt
from gitops_gate.approvals.people import login_of
from gitops_gate.approvals.requirements import Requirement

Weight = Literal["allow", "pending", "indeterminate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalReason:
    """What approvals contribute to the verdict; `verdict` is what it alone would lead to."""

    code: str
    message: str
    verdict: Weight


@dataclass(frozen=True, slots=True, kw_only=True)
class NotCounted:
    """An approval that does not count for a requirement, or for none, and why."""

    account: Account
    refusal: Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementOutcome:
    """One requirement. `needed` is its count and what is needed beyond (`Evaluation.one_more`).

    `by` approved and count. `next` names who could approve next, at most ten, and `next_more` how
    many further ones there are; `unknown` says what could not be read about them. `overridden`:
    an override stands in for what is missing.
    """

    requirement: Requirement
    needed: int
    by: tuple[Account, ...] = ()
    not_counted: tuple[NotCounted, ...] = ()
    next: tuple[str, ...] = ()
    next_more: int = 0
    unknown: tuple[str, ...] = ()
    overridden: bool = False

    @property
    def missing(self) -> int:
        """How many people are still to approve."""
        return max(0, self.needed - len(self.by))

    @property
    def satisfied(self) -> bool:
        """Whether nothing more is asked for."""
        return not self.missing or self.requirement.optional or self.overridden


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeOutcome:
    """A freeze that holds some of the applications at the moment that was asked about.

    `exception` is what lets the change through: the people that `unless` wants, when one of its
    labels (`label`) is set; None where there is no exception or no such label.
    """

    name: str
    applications: tuple[str, ...]
    opens_at: datetime.datetime | None
    labels: tuple[str, ...] = ()
    label: str | None = None
    exception: RequirementOutcome | None = None
    overridden: bool = False

    @property
    def holds(self) -> bool:
        """Whether it stops this change."""
        lifted = self.exception is not None and self.exception.satisfied
        return not (lifted or self.overridden)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Everything about approvals. `reasons` is empty when nothing is missing.

    `one_more` says why each requirement needs more people than its count, one for each line.
    `not_counted` are approvals that count for nothing, whatever is asked for. `unknown` is what
    the forge could not say. `head` and `base` are what it was evaluated for.
    """

    head: str
    base: str
    requirements: tuple[RequirementOutcome, ...] = ()
    freezes: tuple[FreezeOutcome, ...] = ()
    override: Override | None = None
    one_more: tuple[str, ...] = ()
    not_counted: tuple[NotCounted, ...] = ()
    unknown: tuple[str, ...] = ()
    reasons: tuple[ApprovalReason, ...] = ()

    @property
    def satisfied(self) -> bool:
        """Whether approvals stand in nobody's way."""
        return all(reason.verdict == "allow" for reason in self.reasons)


# ------------------------------------------------------------------------------- JSON


def tree_json(evaluation: Evaluation) -> dict[str, Any]:
    """The tree as plain data, by the schema that `approvals_schema` returns."""
    return {
        "satisfied": evaluation.satisfied,
        "head": evaluation.head,
        "base": evaluation.base,
        "requirements": [_outcome(outcome) for outcome in evaluation.requirements],
        "freezes": [_freeze(freeze) for freeze in evaluation.freezes],
        "override": None if evaluation.override is None else _override(evaluation.override),
        "one_more": list(evaluation.one_more),
        "not_counted": _not_counted(evaluation.not_counted),
        "unknown": list(evaluation.unknown),
        "reasons": [
            {"code": reason.code, "message": reason.message, "verdict": reason.verdict}
            for reason in evaluation.reasons
        ],
    }


@cache
def approvals_schema() -> dict[str, Any]:
    """The JSON Schema of `tree_json`, which the report's key `approvals` holds."""
    text = Path(__file__).with_name("schema").joinpath("approvals.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _outcome(outcome: RequirementOutcome) -> dict[str, Any]:
    requirement = outcome.requirement
    return {
        "name": requirement.name,
        "source": requirement.source,
        "satisfied": outcome.satisfied,
        "optional": requirement.optional,
        "overridden": outcome.overridden,
        "needed": outcome.needed,
        "missing": outcome.missing,
        "users": list(requirement.users),
        "teams": list(requirement.teams),
        "roles": list(requirement.roles),
        "unresolved": list(requirement.unresolved),
        "permission": requirement.permission,
        "why": list(requirement.why),
        "by": [_account(account) for account in outcome.by],
        "not_counted": _not_counted(outcome.not_counted),
        "next": list(outcome.next),
        "next_more": outcome.next_more,
        "unknown": list(outcome.unknown),
    }


def _freeze(freeze: FreezeOutcome) -> dict[str, Any]:
    exception = freeze.exception
    return {
        "name": freeze.name,
        "holds": freeze.holds,
        "overridden": freeze.overridden,
        "applications": list(freeze.applications),
        "opens_at": None if freeze.opens_at is None else shown_time(freeze.opens_at),
        "labels": list(freeze.labels),
        "label": freeze.label,
        "exception": None if exception is None else _outcome(exception),
    }


def _override(override: Override) -> dict[str, Any]:
    return {
        "holds": override.holds,
        "needed": override.needed,
        "attempts": [_attempt(attempt) for attempt in override.attempts],
    }


def _attempt(attempt: OverrideAttempt) -> dict[str, Any]:
    return {
        "account": _account(attempt.account),
        "reason": attempt.reason,
        "at": shown_time(attempt.at),
        "refusal": attempt.refusal,
    }


def _not_counted(items: Iterable[NotCounted]) -> list[dict[str, Any]]:
    return [
        {
            "account": _account(item.account),
            "code": item.refusal.code.value,
            "message": item.refusal.message,
        }
        for item in items
    ]


def _account(account: Account) -> dict[str, Any]:
    return {"id": account.id, "login": login_of(account), "bot": account.bot}


def shown_time(moment: datetime.datetime) -> str:
    """A moment in UTC, to the second: `2027-01-04T00:00:00Z`."""
    utc = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='seconds')}Z"
