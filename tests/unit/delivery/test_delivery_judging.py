"""How a landing is judged: by which rules, at which moment, and by whom it was approved."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from typing import Any

import pytest

from gitops_gate.delivery.judging import hold_of
from gitops_gate.delivery.values import Judged
from gitops_gate.forges.values import Comment
from gitops_gate.pipeline import Deciding, Options
from gitops_gate.source.values import Revision
from gitops_gate.verdict.values import Reason, Report, Verdict
from tests.unit.delivery import cheaply
from tests.unit.delivery.branches import BO, A, Branch
from tests.unit.delivery.lives import ANN, CONFIGURATION, FREEZE, WRITERS, Request, Rules

pytestmark = pytest.mark.usefixtures("in_memory")

SRE = WRITERS[2]


def codes(step: Judged) -> list[str]:
    return [reason.code for reason in step.report.reasons]


class TestTheChecks:
    @pytest.fixture
    def asked(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Deciding, Options]]:
        """What is compared: from, to, by which rules, and how."""
        asked = []

        def compare(before: Revision, after: Revision, by: Deciding, options: Options) -> Report:
            asked.append((before.commit or "", after.commit or "", by, options))
            return cheaply.compare(before, after, by, options)

        monkeypatch.setattr("gitops_gate.delivery.judging.compare", compare)
        return asked

    def test_are_of_the_step_and_of_the_whole_tree(self, asked: list[Any]) -> None:
        branch = Branch()
        tip = branch.land(branch.change())
        merged_at = branch.life.clock
        branch.walk(at=merged_at + datetime.timedelta(days=9))
        assert [(one[0], one[1]) for one in asked] == [(branch.start, tip)] * 2
        assert [one[3].everything for one in asked] == [False, True]
        for _, _, deciding, options in asked:
            assert deciding.head == tip
            assert options.require_sandbox is True
            assert options.at == merged_at, "a waiver that expired since was there when it landed"

    def test_go_by_the_rules_of_the_commit_before(self, asked: list[Any]) -> None:
        branch = Branch(Rules(count=2))
        request = branch.request({CONFIGURATION: branch.relaxed()})
        branch.life.approve(request, SRE, 1)
        branch.land(request)
        branch.walk()
        counts = [one[2].rules.settings.approvals.rules[0].require.count for one in asked]
        assert counts == [2, 2]

    def test_are_told_of_before_they_are_made(self) -> None:
        branch = Branch()
        first = branch.land(branch.change())
        second = branch.direct({A: branch.life.value(A, 2)})
        told: list[str] = []
        from tests.unit.delivery.forge_of_life import Delivery

        Delivery(branch.life, branch.life.git, told=told.append).run(branch.life.clock)
        assert told == [first, second]


class TestSeveralRequestsOfOneHead:
    def both(self, *approved: int, rules: Rules | None = None) -> Branch:
        branch = Branch(rules)
        one = branch.change()
        two = branch.life.open(one.head, ANN, 1)
        for request in (one, two):
            if request.number in approved:
                branch.life.approve(request, BO, 1)
        branch.land(one, by=False)
        assert two.state == "merged"
        return branch

    @pytest.mark.parametrize("number", [1, 2])
    def test_are_delivered_where_one_was_approved(self, number: int) -> None:
        (step,) = self.both(number).walk().steps
        assert [change.number for change in step.landing.changes] == [1, 2]
        assert [told["change"]["number"] for told in step.testimony] == [1, 2]
        assert len(step.approvals) == 2

    def test_are_held_where_none_was(self) -> None:
        walked = self.both().walk()
        assert walked.steps == ()
        assert walked.hold is not None
        assert walked.hold.code == "not_approved"
        assert walked.hold.message.count("approvals are missing") == 1

    def test_are_held_for_what_any_of_them_lacks(self) -> None:
        branch = self.both(1, rules=Rules(frozen=True))
        walked = branch.walk(at=FREEZE[0])
        assert walked.hold is not None
        assert walked.hold.verdict is Verdict.DENY


class TestWhatWasMissingAtTheMerge:
    def test_is_denied_even_while_it_is_frozen(self) -> None:
        branch = Branch(Rules(frozen=True))
        branch.land(branch.change(), by=False)
        walked = branch.walk(at=FREEZE[0])
        assert walked.hold is not None
        assert (walked.hold.code, walked.hold.verdict) == ("not_approved", Verdict.DENY)
        assert "frozen" not in walked.hold.message


class TestAForgeThatCannotBeAskedForApprovals:
    def test_leaves_it_undecided(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from tests.unit.delivery import forge_of_life

        branch = Branch()
        branch.land(branch.change())
        whole = forge_of_life.forge_of
        monkeypatch.setattr(
            forge_of_life, "forge_of", lambda telling: replace(whole(telling), approvals=None)
        )
        walked = branch.walk()
        assert walked.hold is not None
        assert walked.hold.verdict is Verdict.INDETERMINATE
        assert walked.hold.code == "approvals_unreadable"

    def test_is_recorded_as_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from tests.unit.delivery import forge_of_life

        branch = Branch(Rules(count=0))
        request = branch.change()
        branch.land(request, by=False)
        body = f"/gitops-gate override {request.head} it burns"
        request.comments = (remark(request, SRE, body),)
        whole = forge_of_life.forge_of
        monkeypatch.setattr(
            forge_of_life, "forge_of", lambda telling: replace(whole(telling), approvals=None)
        )
        (step,) = branch.walk().steps
        (told,) = step.testimony
        assert told["change"]["number"] == told["landed"]["number"] == 1
        assert told["comments"][0]["body"] == body
        assert (told["own_id"], told["facts"]) == (99, None)


def remark(request: Request, by: Any, body: str, *, late: int = 0) -> Comment:
    assert request.merged_at is not None
    moment = request.merged_at + datetime.timedelta(seconds=late)
    return Comment(id="1", author=by, ours=False, body=body, created_at=moment)


class TestAnOverride:
    """By a comment of somebody whom the rules name."""

    @pytest.fixture
    def branch(self) -> Branch:
        branch = Branch(Rules(count=2))
        value = json.loads(Rules(count=2).content)
        value["approvals"]["override"] = {"teams": ["sre"]}
        life = branch.life
        content = life.git.blob(f"{json.dumps(value)}\n".encode())
        life.tip = life.delivered = life.edited(life.tip, {CONFIGURATION: content}, ANN)
        branch.land(branch.change(), by=False)
        return branch

    @pytest.mark.parametrize(("late", "counts"), [(-1, True), (0, True), (1, False)])
    def test_counts_if_it_was_there_when_it_landed(
        self, branch: Branch, late: int, counts: bool
    ) -> None:
        request = branch.life.requests[1]
        body = f"/gitops-gate override {request.head} the shop is down"
        request.comments = (remark(request, SRE, body, late=late),)
        walked = branch.walk()
        assert (walked.hold is None) is counts


class TestAReport:
    def report(self, verdict: Verdict, *reasons: Reason) -> Report:
        return Report(verdict=verdict, reasons=reasons, base=None, head=None)

    def reason(self, code: str, verdict: Verdict) -> Reason:
        return Reason(code=code, message=f"the {code}", verdict=verdict)

    def test_that_allows_holds_nothing(self) -> None:
        assert hold_of(self.report(Verdict.ALLOW), "1") is None

    def test_holds_for_its_gravest_reasons(self) -> None:
        found = hold_of(
            self.report(
                Verdict.DENY,
                self.reason("one", Verdict.DENY),
                self.reason("two", Verdict.DENY),
                self.reason("three", Verdict.PENDING),
            ),
            "1",
            "about it: ",
        )
        assert found is not None
        assert (found.commit, found.code, found.verdict) == ("1", "one", Verdict.DENY)
        assert found.message == "about it: the one; the two"

    def test_without_a_reason_holds_all_the_same(self) -> None:
        found = hold_of(self.report(Verdict.PENDING), "1")
        assert found is not None
        assert (found.code, found.message) == ("not_evaluated", "the verdict gives no reason")
