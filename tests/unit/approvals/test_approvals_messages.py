"""Each approval that does not count says why in one sentence, for whoever gave it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gitops_gate.approvals.binding import Code, Moment
from gitops_gate.approvals.facts import Account, ReviewState
from gitops_gate.approvals.people import People
from gitops_gate.config.approval_settings import Require
from tests.unit.approvals.making import (
    ALICE,
    BASE,
    BOB,
    GATE,
    HEAD,
    OLDER,
    RENOVATE,
    SEEN,
    evaluated,
    facts,
    minute,
    push,
    review,
    rule,
    rules,
    teams,
)

REPUSHED = (push(OLDER, 0), push(HEAD, 30, before=OLDER))
THEN = Moment(head=OLDER, base=BASE)
ADMIN = rules(rule(require=Require(permission="admin")))
SRE = rules(rule(require=Require(teams=("sre",))))

CASES: list[tuple[Code, str, dict[str, Any]]] = [
    (
        Code.WITHDRAWN,
        "was dismissed, or taken back",
        {"facts": facts(review(BOB, state=ReviewState.DISMISSED))},
    ),
    (
        Code.CHANGES_REQUESTED,
        "asked for changes, and has not approved since",
        {"facts": facts(review(BOB), review(BOB, 25, ReviewState.CHANGES_REQUESTED))},
    ),
    (
        Code.REVIEWS_INCOMPLETE,
        "not all reviews could be read, so that it may have been taken back",
        {"facts": facts(review(BOB), reviews_complete=False)},
    ),
    (
        Code.NO_ACCOUNT,
        "is no account that the forge still knows",
        {"facts": facts(review(Account(id=None, login="ghost")))},
    ),
    (Code.OWN_ACCOUNT, "is the account of the gate itself", {"facts": facts(review(GATE))}),
    (Code.BOT, "is a bot, and not one that may approve", {"facts": facts(review(RENOVATE))}),
    (Code.CONTRIBUTOR, "had a part in the change", {"facts": facts(review(ALICE))}),
    (
        Code.CONTRIBUTORS_UNKNOWN,
        "may have had a part in the change: who is behind its commits is unknown",
        {"facts": facts(review(BOB), contributions=None)},
    ),
    (
        Code.NO_WRITE_ACCESS,
        "has no write access",
        {"facts": facts(review(BOB, can_push=False))},
    ),
    (
        Code.WRITE_ACCESS_UNKNOWN,
        "whether there is write access cannot be read",
        {"facts": facts(review(BOB, can_push=None))},
    ),
    (
        Code.TIME_UNKNOWN,
        "the forge does not say when it was given",
        {"facts": facts(review(BOB, None))},
    ),
    (
        Code.RETARGETED,
        "given before the change got another target branch",
        {"facts": facts(review(BOB), retargeted_at=minute(30))},
    ),
    (
        Code.BEFORE_FIRST_SIGHTING,
        "given before the forge first saw the head, and pushes cannot be read",
        {"facts": facts(review(BOB, commit=HEAD), pushes=None, head_seen_at=minute(30))},
    ),
    (
        Code.MOMENT_UNKNOWN,
        "when the change was pushed to cannot be read",
        {"facts": facts(review(BOB), pushes=None)},
    ),
    (
        Code.MOMENT_UNKNOWN,
        "when the target branch moved cannot be read",
        {"facts": facts(review(BOB)), "target_moves": None},
    ),
    (
        Code.MOMENT_UNKNOWN,
        "the change was pushed to in the same second",
        {"facts": facts(review(BOB, 0))},
    ),
    (
        Code.MOMENT_UNKNOWN,
        "the target branch was pushed to in the same second",
        {"facts": facts(review(BOB)), "target_moves": (push(BASE, 20),)},
    ),
    (
        Code.MOMENT_UNKNOWN,
        "the forge's record of pushes to the change has a hole at that time",
        {"facts": facts(review(BOB, -1))},
    ),
    (
        Code.COMMIT_DISAGREES,
        "the forge says that it was given on bbbbbbbbbbbb, its record of pushes says aaaaaaaaaaaa",
        {"facts": facts(review(BOB, commit=OLDER))},
    ),
    (
        Code.SEEN_UNKNOWN,
        "what would land now could not be determined",
        {"facts": facts(review(BOB)), "seen": None},
    ),
    (
        Code.SEEN_UNKNOWN,
        "what was to be seen of bbbbbbbbbbbb on cccccccccccc cannot be had any more",
        {"facts": facts(review(BOB), pushes=REPUSHED)},
    ),
    (
        Code.SOURCE_CHANGED,
        "the changed files are not those of bbbbbbbbbbbb any more",
        {"facts": facts(review(BOB), pushes=REPUSHED), "then": {THEN: replace(SEEN, source="x")}},
    ),
    (
        Code.RESULT_CHANGED,
        "what it does to the cluster is not what bbbbbbbbbbbb did any more",
        {"facts": facts(review(BOB), pushes=REPUSHED), "then": {THEN: replace(SEEN, changes="x")}},
    ),
    (
        Code.NOT_ASKED,
        "is not one of sre",
        {"facts": facts(review(BOB)), "settings": SRE, "people": teams(sre=[])},
    ),
    (
        Code.MEMBERSHIP_UNKNOWN,
        "whether that is one of sre cannot be read",
        {"facts": facts(review(BOB)), "settings": SRE},
    ),
    (
        Code.NO_PERMISSION,
        "does not have the permission admin",
        {"facts": facts(review(BOB)), "settings": ADMIN, "people": People(access={2: "maintain"})},
    ),
    (
        Code.PERMISSION_UNKNOWN,
        "whether the permission admin is given cannot be read",
        {"facts": facts(review(BOB)), "settings": ADMIN},
    ),
]


@pytest.mark.parametrize(("code", "message", "given"), CASES)
def test_it_says_why(code: Code, message: str, given: dict[str, Any]) -> None:
    evaluation = evaluated(**given)
    refusals = [item.refusal for item in evaluation.not_counted]
    refusals += [item.refusal for one in evaluation.requirements for item in one.not_counted]
    assert [(refusal.code, refusal.message) for refusal in refusals] == [(code, message)]


def test_every_reason_is_tried() -> None:
    assert {code for code, _, _ in CASES} == set(Code)
