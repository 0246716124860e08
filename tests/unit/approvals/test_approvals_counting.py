"""Whose approvals count, whatever a requirement asks for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gitops_gate.approvals.facts import Account, Review, ReviewState
from gitops_gate.approvals.people import People
from gitops_gate.config.approval_settings import ApprovalSettings, Require
from tests.unit.approvals.making import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    GATE,
    OLDER,
    ONE,
    RENOVATE,
    change,
    commit,
    evaluated,
    facts,
    only,
    push,
    review,
    rule,
    rules,
    why_not,
)

APPROVED, COMMENTED = ReviewState.APPROVED, ReviewState.COMMENTED
REQUESTED, DISMISSED = ReviewState.CHANGES_REQUESTED, ReviewState.DISMISSED
LENIENT = replace(ONE, contributors_may_approve=True)


def counts(*reviews: Review, **given: Any) -> bool:
    """Whether Bob's approval counts, everything else being as it should be."""
    return BOB in only(evaluated(*reviews, **given)).by


class TestLatestWord:
    """The latest state of a person is what counts; comments are no state."""

    @pytest.mark.parametrize(
        ("states", "code"),
        [
            ([APPROVED], None),
            ([APPROVED, COMMENTED], None),
            ([COMMENTED, APPROVED], None),
            ([REQUESTED, APPROVED], None),
            ([DISMISSED, APPROVED], None),
            ([APPROVED, APPROVED], None),
            ([APPROVED, DISMISSED], "withdrawn"),
            ([APPROVED, REQUESTED], "changes_requested"),
            ([APPROVED, REQUESTED, COMMENTED], "changes_requested"),
            ([APPROVED, REQUESTED, DISMISSED], "withdrawn"),
            ([APPROVED, DISMISSED, REQUESTED], "changes_requested"),
            ([APPROVED, APPROVED, DISMISSED], "withdrawn"),
            ([DISMISSED], "withdrawn"),
        ],
    )
    def test_in_the_order_of_time(self, states: list[ReviewState], code: str | None) -> None:
        reviews = [review(BOB, 10 + at, state) for at, state in enumerate(states)]
        for given in (reviews, reviews[::-1]):
            evaluation = evaluated(*given)
            assert evaluation.satisfied is (code is None)
            assert why_not(evaluation) == code

    @pytest.mark.parametrize("states", [[COMMENTED], [REQUESTED], [COMMENTED, REQUESTED]])
    def test_who_never_approved_is_not_listed(self, states: list[ReviewState]) -> None:
        evaluation = evaluated(*[review(BOB, 10 + at, state) for at, state in enumerate(states)])
        assert not evaluation.satisfied
        assert evaluation.not_counted == ()

    @pytest.mark.parametrize(
        ("state", "code"), [(REQUESTED, "changes_requested"), (DISMISSED, "withdrawn")]
    )
    def test_what_undoes_wins_in_the_same_second(self, state: ReviewState, code: str) -> None:
        evaluation = evaluated(review(BOB, 10), review(BOB, 10, state))
        assert why_not(evaluation) == code

    @pytest.mark.parametrize("state", [REQUESTED, DISMISSED])
    def test_what_undoes_without_a_time_undoes_everything(self, state: ReviewState) -> None:
        assert not counts(review(BOB, 30), review(BOB, None, state))
        assert not counts(review(BOB, 30), review(BOB, None, state), review(BOB, 5, DISMISSED))

    def test_people_do_not_undo_each_others_approvals(self) -> None:
        assert counts(review(BOB, 10), review(CAROL, 20, REQUESTED))

    def test_an_approval_of_unknown_time_does_not_count(self) -> None:
        assert why_not(evaluated(review(BOB, None))) == "time_unknown"
        assert why_not(evaluated(review(BOB, None), review(BOB, 5, DISMISSED))) == "withdrawn"

    def test_an_older_approval_that_still_holds_is_enough(self) -> None:
        moves = (push(at=0), push(OLDER, at=30), push(at=40))
        given = {"facts": facts(review(BOB, 10), review(BOB, 35), pushes=moves)}
        assert counts(**given)

    def test_of_several_that_do_not_hold_the_newest_is_explained(self) -> None:
        given = facts(review(BOB, 10), review(BOB, 35), retargeted_at=review(BOB, 20).submitted_at)
        given = replace(given, pushes=(push(at=0), push(at=35)))
        assert why_not(evaluated(facts=given)) == "moment_unknown"

    def test_with_reviews_left_out_nobody_counts(self) -> None:
        given = facts(review(BOB), reviews_complete=False)
        assert why_not(evaluated(facts=given)) == "reviews_incomplete"

    def test_one_person_counts_once(self) -> None:
        two = rules(rule(require=Require(count=2)))
        renamed = replace(BOB, login="robert")
        evaluation = evaluated(review(BOB, 10), review(BOB, 11), review(renamed, 12), settings=two)
        assert only(evaluation).by == (BOB,)
        assert only(evaluation).missing == 1


class TestWho:
    """People with write access, known by id, who had no part in the change."""

    def test_somebody_else(self) -> None:
        assert only(evaluated(review(BOB), review(CAROL))).by == (BOB, CAROL)

    def test_not_the_author(self) -> None:
        evaluation = evaluated(
            facts=facts(review(BOB), contributions=()), change=change(author=BOB)
        )
        assert why_not(evaluation) == "contributor"

    def test_not_who_is_behind_a_commit(self) -> None:
        behind = (commit(ALICE), commit(ALICE, BOB, commit=OLDER))
        assert why_not(evaluated(facts=facts(review(BOB), contributions=behind))) == "contributor"

    def test_not_who_pushed(self) -> None:
        moves = (push(OLDER, 0), push(at=1, actor=BOB))
        assert why_not(evaluated(facts=facts(review(BOB), pushes=moves))) == "contributor"

    def test_not_who_made_a_bot_open_it(self) -> None:
        by_bot = change(author=RENOVATE, triggered_by=BOB)
        given = facts(review(BOB), contributions=(), pushes=(push(actor=RENOVATE),))
        assert why_not(evaluated(facts=given, change=by_bot)) == "contributor"

    def test_nobody_where_contributors_cannot_be_read(self) -> None:
        given = facts(review(BOB), contributions=None)
        assert why_not(evaluated(facts=given)) == "contributors_unknown"
        assert counts(facts=given, settings=LENIENT)

    def test_contributors_where_they_may(self) -> None:
        given = facts(review(ALICE), review(BOB), contributions=(commit(ALICE, BOB),))
        assert only(evaluated(facts=given, settings=LENIENT)).by == (ALICE, BOB)

    def test_not_an_account_that_is_gone(self) -> None:
        ghost = Account(id=None, login="ghost")
        evaluation = evaluated(review(ghost), settings=LENIENT)
        assert why_not(evaluation, ghost) == "no_account"

    def test_accounts_that_are_gone_are_not_one_person(self) -> None:
        one, other = Account(id=None, login="x"), Account(id=None, login="y")
        assert len(evaluated(review(one), review(other)).not_counted) == 2
        assert len(evaluated(review(one), review(replace(one, login="X"))).not_counted) == 1

    def test_not_a_bot(self) -> None:
        assert why_not(evaluated(review(RENOVATE)), RENOVATE) == "bot"

    def test_a_bot_that_is_allowed_by_its_id(self) -> None:
        allowed = replace(ONE, bots_may_approve=(90,))
        assert only(evaluated(review(RENOVATE), settings=allowed)).by == (RENOVATE,)
        other = replace(RENOVATE, id=92)
        assert why_not(evaluated(review(other), settings=allowed), other) == "bot"

    def test_a_bot_as_soon_as_one_review_says_so(self) -> None:
        disguised = replace(BOB, bot=True, login="zzz")
        assert why_not(evaluated(review(BOB, 10), review(disguised, 11))) == "bot"

    def test_never_the_gate_itself(self) -> None:
        allowed = replace(LENIENT, bots_may_approve=(91,))
        assert why_not(evaluated(review(GATE), settings=allowed), GATE) == "own_account"
        assert counts(review(BOB), own_id=None)

    @pytest.mark.parametrize(
        ("can_push", "access", "code"),
        [
            (True, None, None),
            (False, None, "no_write_access"),
            (None, None, "write_access_unknown"),
            (None, "write", None),
            (None, "admin", None),
            (None, "read", "no_write_access"),
            (None, "none", "no_write_access"),
            (True, "read", "no_write_access"),
            (False, "admin", "no_write_access"),
            (True, "maintain", None),
        ],
    )
    def test_with_write_access(self, can_push: Any, access: Any, code: str | None) -> None:
        people = People(access={BOB.id: access}) if BOB.id else People()
        evaluation = evaluated(review(BOB, can_push=can_push), people=people)
        assert why_not(evaluation) == code
        assert evaluation.satisfied is (code is None)

    def test_one_no_is_a_no(self) -> None:
        given = (review(BOB, 10, can_push=True), review(BOB, 11, COMMENTED, can_push=False))
        assert why_not(evaluated(*given)) == "no_write_access"
        given = (review(BOB, 10, can_push=True), review(BOB, 11, COMMENTED, can_push=None))
        assert counts(*given)

    def test_they_are_listed_by_login(self) -> None:
        reviews = [review(person) for person in (DAVE, replace(CAROL, login="Carol"), BOB)]
        assert [person.login for person in only(evaluated(*reviews)).by] == ["bob", "Carol", "dave"]


class TestDoubts:
    """Where a contributor may be unknown, one more approval is needed, and it is said why."""

    def needed(self, **given: Any) -> tuple[int, tuple[str, ...]]:
        evaluation = evaluated(**given)
        return only(evaluation).needed, evaluation.one_more

    def test_there_are_none(self) -> None:
        assert self.needed() == (1, ())

    def test_commits_of_unknown_people(self) -> None:
        behind = (commit(ALICE, unmapped=("a@x",)), commit(unmapped=("a@x", "b@x")))
        message = "2 of those behind the change have no known account"
        assert self.needed(facts=facts(contributions=behind)) == (2, (message,))

    def test_people_without_an_account(self) -> None:
        message = "1 of those behind the change has no known account"
        behind = (commit(ALICE, Account(id=None, login="x")),)
        assert self.needed(facts=facts(contributions=behind)) == (2, (message,))
        assert self.needed(change=change(author=Account(id=None, login="ghost")))[0] == 2
        assert self.needed(facts=facts(pushes=(push(actor=Account(id=None, login="")),)))[0] == 2

    def test_a_push_by_nobody_known(self) -> None:
        later = facts(pushes=(push(OLDER, 0), push(at=5, actor=None)))
        assert self.needed(facts=later) == (2, ("who pushed to the change is not known",))

    def test_the_author_answers_for_the_first_push(self) -> None:
        first = facts(pushes=(push(OLDER, 0, actor=None), push(at=5)))
        assert self.needed(facts=first) == (1, ())

    def test_pushes_that_cannot_be_read(self) -> None:
        assert self.needed(facts=facts(pushes=None))[0] == 2
        assert self.needed(facts=facts(pushes=()))[0] == 2
        assert self.needed(facts=facts(pushes=None, head_seen_by=ALICE)) == (1, ())

    def test_who_made_the_head_is_a_contributor_where_pushes_cannot_be_read(self) -> None:
        seen = facts(review(BOB), pushes=None, head_seen_by=BOB, head_seen_at=push(at=1).at)
        assert why_not(evaluated(facts=seen)) == "contributor"
        both = facts(review(BOB), head_seen_by=BOB)
        assert counts(facts=both)

    BOT = ("a bot made the change, and who made it do so is not known",)

    def test_a_bot_that_nobody_is_known_to_have_asked(self) -> None:
        assert self.needed(change=change(author=RENOVATE)) == (2, self.BOT)
        asked = change(author=RENOVATE, triggered_by=ALICE)
        by_bot = facts(pushes=(push(actor=RENOVATE),))
        assert self.needed(change=asked, facts=by_bot) == (1, ())
        assert self.needed(change=change(author=RENOVATE, triggered_by=GATE)) == (2, self.BOT)

    def test_a_push_by_a_bot(self) -> None:
        by_bot = facts(pushes=(push(OLDER, 0), push(at=5, actor=RENOVATE)))
        assert self.needed(facts=by_bot) == (2, self.BOT)
        assert self.needed(facts=by_bot, change=change(triggered_by=BOB)) == (2, self.BOT)

    def test_a_bot_as_a_co_author_is_no_doubt(self) -> None:
        assert self.needed(facts=facts(contributions=(commit(ALICE, RENOVATE),))) == (1, ())

    def test_several_doubts_add_up(self) -> None:
        behind = facts(contributions=(commit(unmapped=("a@x",)),))
        needed, why = self.needed(facts=behind, change=change(author=RENOVATE))
        assert (needed, len(why)) == (3, 2)
        assert list(why) == sorted(why)

    def test_they_are_none_where_contributors_may_approve(self) -> None:
        behind = facts(contributions=(commit(unmapped=("a@x",)),))
        assert self.needed(facts=behind, settings=LENIENT) == (1, ())

    def test_every_requirement_needs_one_more(self) -> None:
        two = rules(rule("a"), rule("b", Require(count=2)))
        behind = facts(contributions=(commit(unmapped=("a@x",)),))
        outcomes = evaluated(facts=behind, settings=two).requirements
        assert [outcome.needed for outcome in outcomes] == [2, 3]

    def test_nothing_is_needed_where_nothing_is_asked_for(self) -> None:
        behind = facts(contributions=(commit(unmapped=("a@x",)),))
        assert evaluated(facts=behind, settings=ApprovalSettings()).satisfied


class TestRepair:
    """Rules that do not load need one more approval than the older ones that decide."""

    WHY = ("the rules of the target branch do not load",)

    def test_than_the_rules_ask_for(self) -> None:
        evaluation = evaluated(change=change(repair=True))
        needed = {one.requirement.source: one.needed for one in evaluation.requirements}
        assert needed == {"rule": 2, "repair": 1}
        assert evaluation.one_more == self.WHY

    def test_than_none(self) -> None:
        evaluation = evaluated(change=change(repair=True), settings=ApprovalSettings())
        assert only(evaluation).needed == 1

    def test_also_where_contributors_may_approve(self) -> None:
        evaluation = evaluated(change=change(repair=True), settings=LENIENT)
        assert sorted(one.needed for one in evaluation.requirements) == [1, 2]

    def test_and_doubts_count_besides(self) -> None:
        behind = facts(contributions=(commit(unmapped=("a@x",)),))
        for settings, expected in ((ONE, [2, 3]), (LENIENT, [1, 2])):
            evaluation = evaluated(change=change(repair=True), facts=behind, settings=settings)
            assert sorted(one.needed for one in evaluation.requirements) == expected
