"""An override: by whom, in what form, when, and what it replaces."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gitops_gate.approvals.change import RulesChange
from gitops_gate.approvals.facts import Account
from gitops_gate.approvals.override import MAXIMUM_REASON, Override, Remark, is_attempt
from gitops_gate.config.approval_settings import ApprovalSettings, Freeze
from tests.unit.approvals.making import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    HEAD,
    ONE,
    OPENED,
    RENOVATE,
    change,
    commit,
    evaluated,
    facts,
    minute,
    production,
    push,
    teams,
)

ALLOWED = replace(ONE, override_teams=("commanders",))
COMMANDERS = teams(commanders=[BOB, CAROL, ALICE, RENOVATE])
COMMAND = f"/gitops-gate override {HEAD[:7]} payments are down, see INC-4711"


def remark(body: str = COMMAND, author: Account = BOB, at: float = 30, **given: Any) -> Remark:
    defaults: dict[str, Any] = {"edited": False}
    return Remark(author=author, body=body, created_at=minute(at), **(defaults | given))


def override(*remarks: Remark, **given: Any) -> Override | None:
    defaults: dict[str, Any] = {"settings": ALLOWED, "people": COMMANDERS}
    return evaluated(remarks=remarks, **(defaults | given)).override


def refusal(*remarks: Remark, **given: Any) -> str | None:
    found = override(*remarks, **given)
    assert found is not None
    (attempt,) = found.attempts
    assert found.holds is (attempt.refusal is None)
    return attempt.refusal


class TestForm:
    """The command stands first, with the head and a reason."""

    @pytest.mark.parametrize(
        "body",
        [
            COMMAND,
            f"{COMMAND}\n\nMore about it.",
            f"{COMMAND}\r\nMore about it.",
            f"/gitops-gate  override\t{HEAD}  because it burns",
            f"/gitops-gate override {HEAD[:7]} ok",
        ],
    )
    def test_that_holds(self, body: str) -> None:
        assert refusal(remark(body)) is None

    @pytest.mark.parametrize(
        "body",
        [
            "",
            f"> {COMMAND}",
            f" {COMMAND}",
            f"Please:\n{COMMAND}",
            f"/gitops-gate overrides {HEAD} because",
            f"/gitops-gate-override {HEAD} because",
            f"`{COMMAND}`",
            f"/GitOps-Gate override {HEAD} because",
        ],
    )
    def test_that_is_no_override(self, body: str) -> None:
        assert override(remark(body)) is None
        assert not is_attempt(remark(body))

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ("/gitops-gate override", "does not name the head"),
            ("/gitops-gate override please let me", "does not name the head"),
            (f"/gitops-gate override {HEAD[:6]} because", "does not name the head"),
            (f"/gitops-gate override {HEAD.upper()} because", "does not name the head"),
            (f"/gitops-gate override {HEAD}{'a' * 25} because", "does not name the head"),
            (f"/gitops-gate override {HEAD}a because", "for another head"),
            (f"/gitops-gate override {'b' * 7} because", "for another head"),
            (f"/gitops-gate override {HEAD[:7]}", "gives no reason"),
            (f"/gitops-gate override {HEAD[:7]}\nbecause", "gives no reason"),
            (f"/gitops-gate override {HEAD[:7]} ...", "gives no reason"),
            (f"/gitops-gate override {HEAD[:7]} x", "gives no reason"),
        ],
    )
    def test_that_does_not_hold(self, body: str, expected: str) -> None:
        assert is_attempt(remark(body))
        assert expected in (refusal(remark(body)) or "")

    def test_the_reason_is_kept(self) -> None:
        found = override(remark(f"{COMMAND}  \nmore"))
        assert found is not None
        assert found.attempts[0].reason == "payments are down, see INC-4711"
        found = override(remark(COMMAND + "x" * 1000))
        assert found is not None
        assert len(found.attempts[0].reason) == MAXIMUM_REASON


class TestWhen:
    """Unedited, and later than the latest push."""

    @pytest.mark.parametrize(
        ("edited", "expected"),
        [(False, None), (True, "it was edited"), (None, "whether it was edited cannot be read")],
    )
    def test_edited(self, edited: bool | None, expected: str | None) -> None:
        found = refusal(remark(edited=edited))
        assert found == expected or (found or "").startswith(f"{expected}")

    @pytest.mark.parametrize(("at", "holds"), [(19, False), (20, False), (21, True)])
    def test_after_the_latest_push(self, at: float, holds: bool) -> None:
        pushed = facts(pushes=(push(at=20), push("b" * 40, at=0)))
        seen = facts(pushes=None, head_seen_at=minute(20), head_seen_by=ALICE)
        aimed = facts(retargeted_at=minute(20))
        for given in (pushed, seen, aimed):
            message = "it is not later than the latest push or change of the target branch"
            assert refusal(remark(at=at), facts=given) == (None if holds else message)

    def test_the_later_of_push_and_new_target_counts(self) -> None:
        given = facts(pushes=(push(at=20),), retargeted_at=minute(10))
        assert refusal(remark(at=15), facts=given) is not None

    def test_with_pushes_unknown_it_does_not_hold(self) -> None:
        given = facts(pushes=None, head_seen_by=ALICE, retargeted_at=minute(1))
        assert refusal(remark(), facts=given) == "when the head was pushed cannot be read"


class TestWho:
    """A member of a named team who had no part in the change."""

    def test_nobody_by_default(self) -> None:
        assert refusal(remark(), settings=ONE) == "the configuration lets nobody override"

    @pytest.mark.parametrize(
        ("author", "expected"),
        [
            (CAROL, None),
            (DAVE, "its author is not a member of commanders"),
            (ALICE, "it is by somebody who had a part in the change"),
            (RENOVATE, "it is not by a person with an account"),
            (Account(id=None, login="bob"), "it is not by a person with an account"),
        ],
    )
    def test_members(self, author: Account, expected: str | None) -> None:
        assert refusal(remark(author=author)) == expected

    def test_contributors_may_not_even_where_they_may_approve(self) -> None:
        lenient = replace(ALLOWED, contributors_may_approve=True)
        assert refusal(remark(author=ALICE), settings=lenient) is not None

    def test_a_team_that_cannot_be_read(self) -> None:
        two = replace(ALLOWED, override_teams=("commanders", "a"))
        people = teams(commanders=[BOB], a=[])
        assert refusal(remark(author=DAVE), settings=two, people=people) == (
            "its author is not a member of a, commanders"
        )
        expected = "whether its author is a member of a, commanders cannot be read"
        settings = replace(ALLOWED, override_teams=("commanders", "a"))
        assert refusal(remark(author=DAVE), settings=settings) == expected
        assert refusal(remark(), settings=settings) is None

    def test_with_contributors_unreadable_nobody(self) -> None:
        given = facts(contributions=None)
        assert refusal(remark(), facts=given) == "who is behind the commits is unknown"

    def test_with_an_unknown_contributor_it_takes_two(self) -> None:
        given = facts(contributions=(commit(ALICE, unmapped=("x@y",)),))
        one, other = remark(), remark(author=CAROL, at=31)
        found = override(one, facts=given)
        assert found is not None
        assert (found.needed, found.holds) == (2, False)
        found = override(one, remark(at=31), facts=given)
        assert found is not None
        assert not found.holds
        found = override(one, other, facts=given)
        assert found is not None
        assert found.holds


class TestWhatItReplaces:
    """Approvals that are missing and freezes; not what a change to the rules needs."""

    def test_approvals(self) -> None:
        evaluation = evaluated(remarks=(remark(),), settings=ALLOWED, people=COMMANDERS)
        assert evaluation.satisfied
        assert evaluation.reasons == ()
        (outcome,) = evaluation.requirements
        assert (outcome.overridden, outcome.satisfied, outcome.missing) == (True, True, 1)

    def test_not_when_it_does_not_hold(self) -> None:
        given: dict[str, Any] = {"settings": ALLOWED, "people": COMMANDERS}
        assert not evaluated(remarks=(remark(edited=True),), **given).satisfied

    def test_what_is_there_stays_there(self) -> None:
        from tests.unit.approvals.making import review

        evaluation = evaluated(
            review(DAVE), remarks=(remark(),), settings=ALLOWED, people=COMMANDERS
        )
        assert not evaluation.requirements[0].overridden
        assert evaluation.override is not None

    def test_a_freeze(self) -> None:
        freeze = Freeze(name="always", start=OPENED)
        given: dict[str, Any] = {
            "settings": ALLOWED,
            "people": COMMANDERS,
            "freezes": (freeze,),
            "change": change(applications=(production(),)),
        }
        assert not evaluated(**given).satisfied
        evaluation = evaluated(remarks=(remark(),), **given)
        assert evaluation.satisfied
        assert [(one.overridden, one.holds) for one in evaluation.freezes] == [(True, False)]

    @pytest.mark.parametrize(
        "change",
        [
            change(rules=RulesChange(paths=(".gitops-gate.yaml",), applications=(), new=None)),
            change(repair=True),
        ],
    )
    def test_not_what_a_change_to_the_rules_needs(self, change: Any) -> None:
        settings = ApprovalSettings(override_teams=("commanders",))
        evaluation = evaluated(
            remarks=(remark(),), settings=settings, people=COMMANDERS, change=change
        )
        assert not evaluation.satisfied
        assert [one.overridden for one in evaluation.requirements] == [False]

    def test_attempts_are_told_in_the_order_of_time(self) -> None:
        remarks = (remark(at=33), remark(author=DAVE, at=32), remark("nice"), remark(author=CAROL))
        for given in (remarks, remarks[::-1]):
            found = override(*given)
            assert found is not None
            assert [attempt.account for attempt in found.attempts] == [CAROL, DAVE, BOB]
