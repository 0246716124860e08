"""A change under approval, as tests write it: people, pushes, reviews, and a question about them.

Everything has a default that lets one approval by Bob be enough, so that a test says only what it
is about. Times are minutes after the change was opened.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from gitops_gate.approvals.binding import Moment, Seen
from gitops_gate.approvals.change import (
    AffectedApplication,
    ChangeFacts,
    ResourceFact,
)
from gitops_gate.approvals.evaluate import Question, evaluate
from gitops_gate.approvals.facts import (
    Account,
    ApprovalFacts,
    Contribution,
    Push,
    Review,
    ReviewState,
)
from gitops_gate.approvals.people import People
from gitops_gate.approvals.tree import Evaluation, RequirementOutcome
from gitops_gate.config.approval_settings import ApprovalRule, ApprovalSettings, Require, When

OPENED = datetime.datetime(2026, 11, 2, 9, 0, tzinfo=datetime.UTC)

ALICE = Account(id=1, login="alice")
BOB = Account(id=2, login="bob")
CAROL = Account(id=3, login="carol")
DAVE = Account(id=4, login="dave")
ERIN = Account(id=5, login="erin")
RENOVATE = Account(id=90, login="renovate", bot=True)
GATE = Account(id=91, login="gitops-gate", bot=True)

HEAD, OLDER, BASE, OLD_BASE = "a" * 40, "b" * 40, "c" * 40, "d" * 40
NOW = Moment(head=HEAD, base=BASE)
SEEN = Seen(source="sha256:source", changes="sha256:changes")

ONE = ApprovalSettings(rules=(ApprovalRule(name="everything"),))
"""One approval by anybody."""


def minute(number: float) -> datetime.datetime:
    return OPENED + datetime.timedelta(minutes=number)


def review(
    author: Account,
    at: float | None = 20,
    state: ReviewState = ReviewState.APPROVED,
    *,
    commit: str | None = None,
    can_push: bool | None = True,
) -> Review:
    return Review(
        author=author,
        state=state,
        submitted_at=None if at is None else minute(at),
        commit=commit,
        can_push=can_push,
    )


def push(after: str = HEAD, at: float = 0, before: str | None = None, actor: Any = ALICE) -> Push:
    return Push(before=before, after=after, at=minute(at), actor=actor)


def commit(*people: Account, unmapped: tuple[str, ...] = (), commit: str = HEAD) -> Contribution:
    return Contribution(commit=commit, people=people, unmapped=unmapped)


def facts(*reviews: Review, **given: Any) -> ApprovalFacts:
    defaults: dict[str, Any] = {"contributions": (commit(ALICE),), "pushes": (push(),)}
    return ApprovalFacts(reviews=reviews, **(defaults | given))


def change(**given: Any) -> ChangeFacts:
    defaults: dict[str, Any] = {"author": ALICE, "paths": ("apps/shop/web.yaml",)}
    return ChangeFacts(**(defaults | given))


def rule(name: str = "rule", require: Require | None = None, **when: Any) -> ApprovalRule:
    return ApprovalRule(name=name, when=When(**when), require=require or Require())


def rules(*given: ApprovalRule, **others: Any) -> ApprovalSettings:
    return ApprovalSettings(rules=given, **others)


def teams(**members: Any) -> People:
    """Teams by name; their members as accounts, None where they cannot be read."""
    return People(
        teams={
            name: None if people is None else frozenset(person.id for person in people)
            for name, people in members.items()
        },
        logins={person.id: person.login for person in (ALICE, BOB, CAROL, DAVE, ERIN) if person.id},
    )


def production(name: str = "shop", **given: Any) -> AffectedApplication:
    defaults: dict[str, Any] = {"path": f"apps/{name}", "environment": "production"}
    return AffectedApplication(name=name, **(defaults | given))


def resource(application: str = "shop", kind: str = "Deployment", **given: Any) -> ResourceFact:
    defaults: dict[str, Any] = {"group": "apps", "operation": "modified"}
    return ResourceFact(application=application, kind=kind, **(defaults | given))


def question(*reviews: Review, **given: Any) -> Question:
    defaults: dict[str, Any] = {
        "change": change(),
        "settings": ONE,
        "now": NOW,
        "at": minute(60),
        "facts": facts(*reviews),
        "target_moves": (),
        "seen": SEEN,
        "own_id": GATE.id,
    }
    return Question(**(defaults | given))


def evaluated(
    *reviews: Review, then: Mapping[Moment, Seen] | None = None, **given: Any
) -> Evaluation:
    """The evaluation of a question; `then` is what was to be seen at other moments."""
    return evaluate(question(*reviews, **given), (then or {}).get)


def only(evaluation: Evaluation) -> RequirementOutcome:
    (outcome,) = evaluation.requirements
    return outcome


def why_not(evaluation: Evaluation, account: Account = BOB) -> str | None:
    """The code of why somebody's approval counts for nothing, or not for the only requirement."""
    everywhere = [*evaluation.not_counted]
    for outcome in evaluation.requirements:
        everywhere += outcome.not_counted
    codes = {item.refusal.code.value for item in everywhere if item.account.id == account.id}
    assert len(codes) <= 1
    return codes.pop() if codes else None
