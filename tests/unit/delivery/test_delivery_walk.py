"""A branch step by step: what goes on, what holds, what mends it, and what nobody can say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitops_gate.delivery.values import Method
from gitops_gate.delivery.walk import Walked
from gitops_gate.verdict.values import Verdict
from tests.unit.delivery.branches import BO, CY, DOCS, A, B, Branch
from tests.unit.delivery.forge_of_life import landed_change, take
from tests.unit.delivery.lives import (
    ANN,
    BAD,
    CONFIGURATION,
    FREEZE,
    RATIFIED,
    START,
    Life,
    Rules,
)

pytestmark = pytest.mark.usefixtures("in_memory")


def held(walked: Walked) -> str:
    assert walked.hold is not None
    return walked.hold.code


class TestWhatGoesOn:
    @pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
    def test_is_every_change_that_was_approved(self, method: str) -> None:
        branch = Branch()
        first = branch.land(branch.change(A), method=method)
        second = branch.land(branch.change(B), method=method)
        walked = branch.walk()
        assert [step.landing.after for step in walked.steps] == [first, second]
        assert [step.since for step in walked.steps] == [branch.start, first]
        assert walked.hold is None
        assert walked.whole is not None
        assert walked.whole.head == second
        assert walked.whole.base == first

    def test_is_what_the_rules_ask_nobody_about(self) -> None:
        branch = Branch(Rules(count=0))
        branch.land(branch.change(), by=False)
        assert len(branch.walk().steps) == 1

    def test_is_recorded_with_who_approved_it(self) -> None:
        branch = Branch()
        tip = branch.land(branch.change())
        step = branch.walk().steps[0]
        assert step.report.verdict is Verdict.ALLOW
        assert step.landing.method is Method.MERGE
        assert step.report.head == tip
        assert step.approvals[0]["requirements"][0]["by"][0]["login"] == "bo"
        assert step.testimony[0]["landed"]["number"] == 1
        assert step.ratifies == ()

    def test_ends_before_what_holds(self) -> None:
        branch = Branch()
        good = branch.land(branch.change(A))
        bad = branch.land(branch.change(B), by=False)
        branch.land(branch.change(DOCS))
        walked = branch.walk()
        assert [step.landing.after for step in walked.steps] == [good]
        assert walked.hold is not None
        assert (walked.hold.commit, walked.hold.code) == (bad, "not_approved")
        assert walked.hold.message.startswith("when it landed, approvals are missing: rule")
        assert walked.hold.verdict is Verdict.DENY
        assert walked.whole is not None
        assert walked.whole.head == good


class TestWhatHolds:
    def test_is_judged_by_the_rules_of_the_step_before_it(self) -> None:
        branch = Branch()
        branch.direct({CONFIGURATION: branch.relaxed()})
        branch.land(branch.change(), by=False)
        assert held(branch.walk()) == "direct_push"
        assert not branch.walk().steps

    def test_is_a_change_of_the_rules_that_the_old_ones_do_not_allow(self) -> None:
        branch = Branch()
        branch.land(branch.request({CONFIGURATION: branch.relaxed()}), by=False)
        assert held(branch.walk()) == "not_approved"

    def test_is_not_a_change_by_new_rules_that_were_approved(self) -> None:
        branch = Branch()
        branch.land(branch.request({CONFIGURATION: branch.relaxed()}))
        branch.land(branch.change(), by=False)
        assert len(branch.walk().steps) == 2

    def test_is_an_approval_that_came_after_the_merge(self) -> None:
        branch = Branch()
        request = branch.change()
        branch.land(request, by=False)
        branch.life.approve(request, BO, 1)
        assert held(branch.walk()) == "not_approved"

    def test_is_not_an_approval_of_the_second_of_the_merge(self) -> None:
        branch = Branch()
        request = branch.change()
        branch.land(request, by=False)
        branch.life.approve(request, BO, 0)
        assert len(branch.walk().steps) == 1

    def test_is_an_approval_of_another_content(self) -> None:
        branch = Branch()
        request = branch.change()
        branch.life.approve(request, BO, 1)
        head = branch.life.edited(request.head, {A: branch.life.value(A, 2)}, ANN)
        branch.life.push(request, head, ANN, 1)
        branch.land(request, by=False)
        assert held(branch.walk()) == "not_approved"

    def test_is_what_the_checks_deny(self) -> None:
        branch = Branch()
        branch.land(branch.change(A, BAD))
        assert held(branch.walk()) == "findings"

    def test_is_what_the_checks_deny_of_the_whole_tree(self) -> None:
        branch = Branch()
        branch.life = Life(forge="github", rules=Rules(whole=True), bad=True)
        branch.land(branch.change(A))
        walked = branch.walk()
        assert held(walked) == "findings"
        assert walked.hold is not None
        assert walked.hold.message.startswith("the whole tree: ")
        assert walked.hold.commit == branch.life.tip

    def test_is_every_change_under_advisory_rules(self) -> None:
        branch = Branch(Rules(advisory=True))
        branch.land(branch.change())
        assert held(branch.walk()) == "advisory"

    def test_is_a_change_that_was_delivered_before(self) -> None:
        """It was rebased, taken back, and is merged once more by hand."""
        branch = Branch(forge="gitlab")
        request = branch.change(A)
        branch.land(branch.change(B))
        first = branch.land(request, method="ff")
        assert first != request.head
        undone = branch.land(branch.request({A: branch.life.value(A, 0)}))
        git = branch.life.git
        tree = git.listings[git.merged_tree(undone, request.head)]
        again = branch.life.written(tree, (undone, request.head), (CY,))
        branch.life.move(again, CY)
        request.landed = (*request.landed, again)
        walked = branch.walk()
        assert [step.landing.after for step in walked.steps][1:] == [first, undone]
        assert held(walked) == "landed_twice"
        take(branch.life, walked.steps)
        assert branch.life.delivered == undone
        assert held(branch.walk()) == "landed_twice"


class TestAFreeze:
    @pytest.fixture
    def branch(self) -> Branch:
        branch = Branch(Rules(frozen=True))
        branch.land(branch.change())
        return branch

    def test_holds_for_as_long_as_it_lasts(self, branch: Branch) -> None:
        walked = branch.walk(at=FREEZE[0])
        assert held(walked) == "frozen"
        assert walked.hold is not None
        assert walked.hold.verdict is Verdict.PENDING
        assert branch.walk(at=FREEZE[1]).hold is None
        assert branch.walk(at=START).hold is None

    def test_holds_what_comes_after_it_too(self, branch: Branch) -> None:
        branch.land(branch.request({A: branch.life.value(A, 0)}))
        assert branch.walk(at=FREEZE[0]).steps == ()

    def test_lets_what_has_the_label_go(self, branch: Branch) -> None:
        branch.life.requests[1].labels = ("hotfix",)
        assert branch.walk(at=FREEZE[0]).hold is None

    def test_holds_what_would_mend(self, branch: Branch) -> None:
        take(branch.life, branch.walk().steps)
        branch.direct({B: branch.life.value(B, 1)})
        branch.land(branch.request({B: branch.life.value(B, 0), A: branch.life.value(A, 2)}))
        branch.ratify(branch.life.tip)
        walked = branch.walk(at=FREEZE[0])
        assert held(walked) == "direct_push"
        assert walked.hold is not None
        assert "does not mend that: apps/a" in walked.hold.message
        assert "frozen by freeze" in walked.hold.message
        assert len(branch.walk().steps) == 1


class TestMending:
    @pytest.fixture
    def branch(self) -> Branch:
        branch = Branch()
        branch.direct({A: branch.life.value(A, 2)})
        return branch

    def test_is_a_ratification(self, branch: Branch) -> None:
        at = branch.life.tip
        ratified = branch.ratify(at)
        (step,) = branch.walk().steps
        assert (step.landing.after, step.since) == (ratified, branch.start)
        assert step.ratifies == (at,)
        assert branch.walk().hold is None

    def test_is_taking_everything_back(self, branch: Branch) -> None:
        at = branch.life.tip
        undone = branch.land(branch.request({A: branch.life.value(A, 0)}))
        (step,) = branch.walk().steps
        assert (step.landing.after, step.ratifies) == (undone, (at,))

    def test_goes_past_all_that_lies_between(self, branch: Branch) -> None:
        at = branch.life.tip
        between = branch.land(branch.change(B))
        branch.ratify(at)
        (step,) = branch.walk().steps
        assert step.ratifies == (at, between)

    def test_lets_what_comes_after_it_go_on(self, branch: Branch) -> None:
        branch.ratify(branch.life.tip)
        branch.land(branch.change(B))
        first, second = branch.walk().steps
        assert second.since == first.landing.after
        assert second.ratifies == ()

    def test_is_no_later_change(self, branch: Branch) -> None:
        branch.land(branch.change(B))
        walked = branch.walk()
        assert (walked.steps, held(walked)) == ((), "direct_push")
        assert walked.hold is not None
        assert "does not mend" not in walked.hold.message

    def test_is_no_ratification_that_nobody_approved(self, branch: Branch) -> None:
        branch.ratify(branch.life.tip, by=False)
        walked = branch.walk()
        assert (walked.steps, held(walked)) == ((), "direct_push")
        assert walked.hold is not None
        assert "does not mend that: when it landed, approvals are missing" in walked.hold.message

    def test_is_no_ratification_of_something_else(self, branch: Branch) -> None:
        branch.ratify(branch.start)
        assert branch.walk().steps == ()

    def test_is_no_ratification_from_another_commit_on(self, branch: Branch) -> None:
        at = branch.life.tip
        branch.life.delivered = at
        branch.ratify(at)
        branch.life.delivered = branch.start
        assert branch.walk().steps == ()

    def test_is_no_ratification_that_stands_below_what_is_held(self, branch: Branch) -> None:
        branch.ratify(branch.life.tip, start=branch.start)
        assert branch.walk().steps == ()

    def test_is_no_change_on_top_of_a_ratification_by_hand(self, branch: Branch) -> None:
        """Whoever approves that change is shown nothing of what is held."""
        entry = branch.life.ratifying((branch.life.tip, branch.start))
        branch.direct({RATIFIED: entry})
        branch.land(branch.change(B))
        assert branch.walk().steps == ()

    def test_does_not_deliver_a_change_twice(self, branch: Branch) -> None:
        branch.ratify(branch.life.tip)
        take(branch.life, branch.walk().steps)
        assert branch.life.numbers == {1}
        assert branch.walk().steps == ()
        assert branch.walk().hold is None


class TestWhatNobodyCanSay:
    def test_stops_where_the_forge_says_nothing(self) -> None:
        branch = Branch()
        good = branch.land(branch.change(A))
        branch.land(branch.change(B))
        walked = branch.walk(2)
        assert [step.landing.after for step in walked.steps] == [good]
        assert held(walked) == "forge_unreadable"
        assert walked.hold is not None
        assert walked.hold.verdict is Verdict.INDETERMINATE
        assert "the forge is down" in walked.hold.message

    def test_is_mended_by_nothing_as_long_as_it_says_nothing_at_all(self) -> None:
        branch = Branch()
        branch.land(branch.change(A))
        branch.land(branch.request({A: branch.life.value(A, 0)}))
        assert branch.walk(1, 2).steps == ()

    def test_is_said_beside_what_holds(self) -> None:
        branch = Branch()
        branch.direct({A: branch.life.value(A, 2)})
        branch.ratify(branch.life.tip)
        walked = branch.walk(1)
        assert held(walked) == "direct_push"
        assert walked.hold is not None
        assert "does not mend that: the forge is down" in walked.hold.message

    def test_is_where_a_merge_has_no_time(self) -> None:
        branch = Branch()
        request = branch.change()
        branch.land(request)
        request.merged_at = None
        walked = branch.walk()
        assert held(walked) == "not_evaluated"
        assert walked.hold is not None
        assert walked.hold.commit == branch.life.tip
        assert "does not say when change request 1 landed" in walked.hold.message

    def test_is_where_the_forge_says_two_things(self, monkeypatch: pytest.MonkeyPatch) -> None:
        branch = Branch()
        request = branch.change()
        branch.land(request)
        told = replace(landed_change(request), number=7)
        monkeypatch.setattr("tests.unit.delivery.forge_of_life.landed_change", lambda _: told)
        branch.life.requests[7] = request
        walked = branch.walk()
        assert held(walked) == "not_evaluated"
        assert walked.hold is not None
        assert "two answers about change request 7" in walked.hold.message
        assert walked.hold.remedy == "run again: it may lag behind"

    def test_is_whether_commits_landed_together_without_a_record(self) -> None:
        branch = Branch(Rules(count=0))
        request = branch.change()
        head = branch.life.edited(request.head, {B: branch.life.value(B, 1)}, ANN)
        branch.life.push(request, head, ANN, 1)
        branch.land(request, by=False, method="rebase")
        assert branch.walk().hold is None
        branch.life.holes = True
        walked = branch.walk()
        assert held(walked) == "landing_unknown"
        assert walked.hold is not None
        assert "whether all of 2 commits landed together is not known" in walked.hold.message

    def test_is_not_that_where_the_versions_of_the_change_say_it(self) -> None:
        branch = Branch(Rules(count=0), forge="gitlab")
        request = branch.change()
        head = branch.life.edited(request.head, {B: branch.life.value(B, 1)}, ANN)
        branch.life.push(request, head, ANN, 1)
        branch.land(request, by=False, method="ff")
        branch.life.holes = True
        assert branch.walk().hold is None

    def test_is_not_that_of_a_merge_or_of_one_commit(self) -> None:
        branch = Branch(Rules(count=0), forge="gitlab")
        request = branch.change(A)
        branch.land(request, by=False, method="ff")
        request.version = ("", "", "")
        branch.land(branch.change(B), by=False, method="merge")
        branch.life.holes = True
        assert branch.walk().hold is None

    def test_is_whether_they_did_where_some_were_pushed_before(self) -> None:
        branch = Branch(Rules(count=0))
        request = branch.change()
        first = request.head
        head = branch.life.edited(request.head, {B: branch.life.value(B, 1)}, ANN)
        branch.life.push(request, head, ANN, 1)
        branch.life.move(first, CY)
        branch.life.push_merge(request, CY, 60)
        request.landed = (first, head)
        assert held(branch.walk()) == "landing_unknown"
