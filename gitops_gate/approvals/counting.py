"""Whose approvals count at all, before it is asked who a requirement wants.

    reviews ──latest word of each person──> approved? ──who they are──> ──what they saw──> standing

Somebody counts who is known by numeric id, has write access, has not taken it back, had no part in
the change, and approved what would land now. Each approval that does not count has one reason.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gitops_gate.approvals.binding import Code, Refusal
from gitops_gate.approvals.change import ChangeFacts
from gitops_gate.approvals.facts import Account, ApprovalFacts, Contribution, Review, ReviewState
from gitops_gate.approvals.people import People, login_of, may_write
from gitops_gate.config.approval_settings import ApprovalSettings

Verify = Callable[[Review], Refusal | None]
"""Why one approval is not of what would land now, by `gitops_gate.approvals.binding`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributors:
    """Who had a part in the change. `doubts` say, sorted, who else may have had one.

    `readable` is false where the people behind the commits could not be read at all.
    """

    ids: frozenset[int]
    doubts: tuple[str, ...] = ()
    readable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the reviews of one person come to; `refusal` is None where the approval counts."""

    account: Account
    refusal: Refusal | None = None


def contributors(change: ChangeFacts, facts: ApprovalFacts) -> Contributors:
    """The author, committers, co-authors and pushers, and who made a bot do it.

    What nobody can name is a doubt. The first push needs no name: whoever opened the change
    answers for what was there, and is a contributor.
    """
    people = [change.author, *_behind(facts.contributions or ()), *_pushers(facts)]
    people += [change.triggered_by] if change.triggered_by is not None else []
    unmapped = {mail for part in facts.contributions or () for mail in part.unmapped}
    nameless = any(person.id is None for person in people)
    doubts = []
    if unmapped or nameless:
        number = len(unmapped) + nameless
        verb = "has" if number == 1 else "have"
        doubts.append(f"{number} of those behind the change {verb} no known account")
    if _unknown_pusher(facts):
        doubts.append("who pushed to the change is not known")
    if _unknown_trigger(change, facts):
        doubts.append("a bot made the change, and who made it do so is not known")
    return Contributors(
        ids=frozenset(person.id for person in people if person.id is not None),
        doubts=tuple(sorted(doubts)),
        readable=facts.contributions is not None,
    )


def _behind(contributions: Iterable[Contribution]) -> Iterable[Account]:
    return (person for part in contributions for person in part.people)


def _pushers(facts: ApprovalFacts) -> list[Account]:
    seen = facts.head_seen_by
    pushers = [push.actor for push in facts.pushes or () if push.actor is not None]
    return pushers if facts.pushes or seen is None else [seen]


def _unknown_pusher(facts: ApprovalFacts) -> bool:
    if not facts.pushes:
        return facts.head_seen_by is None
    first = min(push.at for push in facts.pushes)
    return any(push.actor is None and push.at != first for push in facts.pushes)


def _unknown_trigger(change: ChangeFacts, facts: ApprovalFacts) -> bool:
    """Whether a bot opened the change or pushed to it, and nobody is known to have asked for it."""
    bots = {person.id for person in (change.author, *_pushers(facts)) if person.bot}
    trigger = change.triggered_by
    explained = {change.author.id} if trigger is not None and not trigger.bot else set()
    return bool(bots - explained)


def one_more(
    contributors: Contributors, change: ChangeFacts, settings: ApprovalSettings
) -> tuple[str, ...]:
    """Why more approvals are needed than a requirement says: one for each line."""
    doubts = () if settings.contributors_may_approve else contributors.doubts
    repair = ("the rules of the target branch do not load",) if change.repair else ()
    return (*doubts, *repair)


def standings(
    facts: ApprovalFacts,
    contributors: Contributors,
    people: People,
    settings: ApprovalSettings,
    *,
    verify: Verify,
    own_id: int | None = None,
) -> tuple[Standing, ...]:
    """What the reviews of everybody who approved, or did once, come to; sorted by login and id.

    `own_id` is the account that the gate itself writes as.
    """
    by_person: dict[object, list[Review]] = {}
    for review in facts.reviews:
        key = review.author.id if review.author.id is not None else review.author.login.casefold()
        by_person.setdefault(key, []).append(review)
    found = []
    for reviews in by_person.values():
        if all(review.state in _NEVER_APPROVED for review in reviews):
            continue
        account = _account(reviews)
        refusal = (
            _taken_back(reviews, facts)
            or _who(account, contributors, settings, own_id)
            or _access(account, reviews, people)
            or _void(reviews, verify)
        )
        found.append(Standing(account=account, refusal=refusal))
    return tuple(sorted(found, key=lambda standing: account_key(standing.account)))


def account_key(account: Account) -> tuple[str, str, int]:
    """The order in which people are listed."""
    return login_of(account).casefold(), account.login, -1 if account.id is None else account.id


def _account(reviews: Iterable[Review]) -> Account:
    """One account for all reviews of a person; a bot as soon as one of them says so."""
    accounts = sorted({review.author for review in reviews}, key=account_key)
    bots = [account for account in accounts if account.bot]
    return (bots or accounts)[0]


def _taken_back(reviews: Iterable[Review], facts: ApprovalFacts) -> Refusal | None:
    if not facts.reviews_complete:
        message = "not all reviews could be read, so that it may have been taken back"
        return Refusal(code=Code.REVIEWS_INCOMPLETE, message=message)
    if _standing_approvals(reviews):
        return None
    if any(review.state is ReviewState.CHANGES_REQUESTED for review in _last_words(reviews)):
        message = "asked for changes, and has not approved since"
        return Refusal(code=Code.CHANGES_REQUESTED, message=message)
    return Refusal(code=Code.WITHDRAWN, message="was dismissed, or taken back")


_NEVER_APPROVED = (ReviewState.COMMENTED, ReviewState.CHANGES_REQUESTED)
_UNDOES = (ReviewState.CHANGES_REQUESTED, ReviewState.DISMISSED)


def _standing_approvals(reviews: Iterable[Review]) -> list[Review]:
    """The approvals of one person that nothing undid, the newest first.

    Undone is what is not later than a dismissal or a change request; one without a time undoes
    everything. A comment undoes nothing.
    """
    undone = [review.submitted_at for review in reviews if review.state in _UNDOES]
    approvals = [review for review in reviews if review.state is ReviewState.APPROVED]
    if undone:
        approvals = [review for review in approvals if _is_after_all(review.submitted_at, undone)]
    return sorted(approvals, key=_newest_first)


def _is_after_all(at: datetime.datetime | None, others: Iterable[datetime.datetime | None]) -> bool:
    return at is not None and all(other is not None and at > other for other in others)


def _newest_first(review: Review) -> tuple[float, str]:
    at = review.submitted_at
    return (0.0 if at is None else -at.timestamp()), review.commit or ""


def _last_words(reviews: Iterable[Review]) -> list[Review]:
    """The undoing reviews of a person that are not older than another one."""
    undoing = [review for review in reviews if review.state in _UNDOES]
    times = [review.submitted_at for review in undoing if review.submitted_at is not None]
    return [
        review
        for review in undoing
        if review.submitted_at is None or review.submitted_at == max(times)
    ]


def _who(
    account: Account,
    contributors: Contributors,
    settings: ApprovalSettings,
    own_id: int | None,
) -> Refusal | None:
    if account.id is None:
        return Refusal(code=Code.NO_ACCOUNT, message="is no account that the forge still knows")
    if account.id == own_id:
        return Refusal(code=Code.OWN_ACCOUNT, message="is the account of the gate itself")
    if account.bot and account.id not in settings.bots_may_approve:
        return Refusal(code=Code.BOT, message="is a bot, and not one that may approve")
    if settings.contributors_may_approve:
        return None
    if account.id in contributors.ids:
        return Refusal(code=Code.CONTRIBUTOR, message="had a part in the change")
    if not contributors.readable:
        message = "may have had a part in the change: who is behind its commits is unknown"
        return Refusal(code=Code.CONTRIBUTORS_UNKNOWN, message=message)
    return None


def _access(account: Account, reviews: Iterable[Review], people: People) -> Refusal | None:
    answers = {may_write(account, review.can_push, people) for review in reviews}
    if False in answers:
        return Refusal(code=Code.NO_WRITE_ACCESS, message="has no write access")
    if True not in answers:
        message = "whether there is write access cannot be read"
        return Refusal(code=Code.WRITE_ACCESS_UNKNOWN, message=message)
    return None


def _void(reviews: Iterable[Review], verify: Verify) -> Refusal | None:
    """None when one of the standing approvals is of what would land; else why the newest is not."""
    refusals = []
    for review in _standing_approvals(reviews):
        refusal = verify(review)
        if refusal is None:
            return None
        refusals.append(refusal)
    return refusals[0]
