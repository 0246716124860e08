"""An override: somebody whom the configuration names lets a change through, in front of everybody.

    /gitops-gate override 1a2b3c4 the payment provider is down, see INC-4711

It stands first in a comment of its own, names the head it was given for, and says why. It replaces
missing approvals and ends a freeze for this head. It never replaces findings, nor what could not
be decided, nor the approvals that a change to the rules needs: whoever may override could
otherwise decide who may.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from gitops_gate.approvals.counting import Contributors, account_key
from gitops_gate.approvals.facts import Account, ApprovalFacts
from gitops_gate.approvals.people import People, is_member
from gitops_gate.config.approval_settings import ApprovalSettings

MAXIMUM_REASON = 500
"""Characters of a reason that are kept."""

_FORM = re.compile(
    r"/gitops-gate[ \t]+override(?:[ \t]+(\S+))?(?:[ \t]+(\S[^\r\n]*))?[ \t]*(?=[\r\n]|\Z)"
)
_HEAD = re.compile(r"[0-9a-f]{7,64}")
_WORD = re.compile(r"\w{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A comment on the change. `edited` is None where the forge does not say."""

    author: Account
    body: str
    created_at: datetime.datetime
    edited: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideAttempt:
    """Somebody's override; `refusal` says why it does not hold, None where it does."""

    account: Account
    reason: str
    at: datetime.datetime
    refusal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """All overrides that were tried, and whether enough of them hold.

    `needed` is how many people it takes: one, and one more where not all contributors are known.
    """

    attempts: tuple[OverrideAttempt, ...]
    needed: int
    holds: bool


def is_attempt(remark: Remark) -> bool:
    """Whether a comment is, or tries to be, an override."""
    return _FORM.match(remark.body) is not None


def override_of(
    remarks: Iterable[Remark],
    head: str,
    facts: ApprovalFacts,
    *,
    contributors: Contributors,
    people: People,
    settings: ApprovalSettings,
) -> Override | None:
    """What the override comments come to; None where there are none."""
    attempts = []
    for remark in remarks:
        found = _FORM.match(remark.body)
        if found is None:
            continue
        refusal = _refusal(remark, found[1] or "", found[2] or "", head, facts)
        attempts.append(
            OverrideAttempt(
                account=remark.author,
                reason=(found[2] or "").strip()[:MAXIMUM_REASON],
                at=remark.created_at,
                refusal=refusal or _who(remark.author, contributors, people, settings),
            )
        )
    if not attempts:
        return None
    holding = {attempt.account.id for attempt in attempts if attempt.refusal is None}
    needed = 1 + bool(contributors.doubts)
    return Override(
        attempts=tuple(sorted(attempts, key=_key)), needed=needed, holds=len(holding) >= needed
    )


def _key(attempt: OverrideAttempt) -> tuple[object, ...]:
    return attempt.at, account_key(attempt.account), attempt.reason, attempt.refusal or ""


def _refusal(
    remark: Remark, given: str, reason: str, head: str, facts: ApprovalFacts
) -> str | None:
    """What is wrong with the comment itself."""
    if not _HEAD.fullmatch(given):
        return "it does not name the head by at least seven characters of its id"
    if not head.startswith(given):
        return "it is for another head"
    if not _WORD.search(reason):
        return "it gives no reason"
    if remark.edited is None:
        return "whether it was edited cannot be read"
    if remark.edited:
        return "it was edited, which everybody with write access can do"
    moved = _last_moved(facts)
    if moved is None:
        return "when the head was pushed cannot be read"
    if remark.created_at <= moved:
        return "it is not later than the latest push or change of the target branch"
    return None


def _last_moved(facts: ApprovalFacts) -> datetime.datetime | None:
    """When the change last became another one; None where that is unknown."""
    pushed = max((push.at for push in facts.pushes or ()), default=facts.head_seen_at)
    if pushed is None or facts.retargeted_at is None:
        return pushed
    return max(pushed, facts.retargeted_at)


def _who(
    account: Account, contributors: Contributors, people: People, settings: ApprovalSettings
) -> str | None:
    teams: Collection[str] = settings.override_teams
    if not teams:
        return "the configuration lets nobody override"
    if account.id is None or account.bot:
        return "it is not by a person with an account"
    if account.id in contributors.ids:
        return "it is by somebody who had a part in the change"
    if not contributors.readable:
        return "who is behind the commits is unknown"
    member = is_member(account, teams, people)
    if member is None:
        return f"whether its author is a member of {', '.join(sorted(teams))} cannot be read"
    return None if member else f"its author is not a member of {', '.join(sorted(teams))}"
