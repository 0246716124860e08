"""The tree: what is missing of each requirement, who could approve next, and what that leads to."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gitops_gate.approvals.binding import Code, Moment
from gitops_gate.approvals.change import OwnedPaths, RulesChange
from gitops_gate.approvals.evaluate import evaluate, permissions_of, teams_of
from gitops_gate.approvals.facts import Account, ReviewState
from gitops_gate.approvals.override import Remark
from gitops_gate.approvals.people import People
from gitops_gate.approvals.tree import approvals_schema, tree_json
from gitops_gate.config.approval_settings import ApprovalSettings, Freeze, Require, Unless
from tests.unit.approvals.making import (
    ALICE,
    BASE,
    BOB,
    CAROL,
    DAVE,
    ERIN,
    GATE,
    HEAD,
    ONE,
    OPENED,
    RENOVATE,
    change,
    commit,
    evaluated,
    facts,
    minute,
    only,
    production,
    question,
    review,
    rule,
    rules,
    teams,
    why_not,
)

GOLDEN = Path(__file__).with_name("golden") / "approvals.json"
NOBODY = ApprovalSettings()


def requiring(**given: Any) -> ApprovalSettings:
    return rules(rule("needed", Require(**given)))


class TestWhoIsAsked:
    """Of those who count, the ones that the requirement names."""

    SRE = requiring(teams=("sre",), users=("carol", "4"))

    @pytest.mark.parametrize(
        ("author", "code"), [(BOB, None), (CAROL, None), (DAVE, None), (ERIN, "not_asked")]
    )
    def test_members_and_users(self, author: Account, code: str | None) -> None:
        evaluation = evaluated(review(author), settings=self.SRE, people=teams(sre=[BOB]))
        assert why_not(evaluation, author) == code
        assert evaluation.satisfied is (code is None)
        if code:
            (item,) = only(evaluation).not_counted
            assert item.refusal.message == "is not one of carol, 4, sre"

    def test_logins_are_compared_as_the_forge_does(self) -> None:
        shouting = replace(CAROL, login="CAROL")
        assert evaluated(review(shouting), settings=requiring(users=("@Carol",))).satisfied

    def test_a_login_of_digits_is_no_id(self) -> None:
        digits = Account(id=77, login="2")
        assert not evaluated(review(digits), settings=requiring(users=("2",))).satisfied
        assert evaluated(review(BOB), settings=requiring(users=("2",))).satisfied

    def test_a_bot_is_not_the_person_of_its_name(self) -> None:
        bot = Account(id=80, login="carol", bot=True)
        settings = replace(requiring(users=("carol",)), bots_may_approve=(80,))
        assert not evaluated(review(bot), settings=settings).satisfied
        settings = replace(requiring(users=("carol[bot]",)), bots_may_approve=(80,))
        assert evaluated(review(bot), settings=settings).satisfied
        named = replace(bot, login="carol[bot]")
        assert evaluated(review(named), settings=settings).satisfied

    def test_a_team_that_cannot_be_read_is_unknown(self) -> None:
        for people in (teams(sre=None), teams()):
            evaluation = evaluated(review(ERIN), settings=self.SRE, people=people)
            assert why_not(evaluation, ERIN) == "membership_unknown"
            assert not evaluation.satisfied
            assert only(evaluation).unknown == ("the members of sre cannot be read",)
            assert evaluated(review(CAROL), settings=self.SRE, people=people).satisfied

    def test_one_of_several_teams(self) -> None:
        settings = requiring(teams=("hidden", "sre"))
        people = teams(hidden=None, sre=[BOB])
        assert evaluated(review(BOB), settings=settings, people=people).satisfied
        assert not evaluated(review(CAROL), settings=settings, people=people).satisfied

    @pytest.mark.parametrize(
        ("access", "code"),
        [
            ("admin", None),
            ("maintain", None),
            ("write", "no_permission"),
            (None, "permission_unknown"),
        ],
    )
    def test_with_more_permission(self, access: Any, code: str | None) -> None:
        people = People(access={2: access})
        evaluation = evaluated(
            review(BOB), settings=requiring(permission="maintain"), people=people
        )
        assert why_not(evaluation) == code
        assert evaluation.satisfied is (code is None)

    def test_write_permission_needs_no_further_question(self) -> None:
        assert evaluated(review(BOB), settings=requiring(permission="write")).satisfied

    @pytest.mark.parametrize(
        ("access", "code"),
        [
            ("admin", None),
            ("maintain", None),
            ("write", "not_asked"),
            (None, "membership_unknown"),
        ],
    )
    def test_owners_by_role(self, access: Any, code: str | None) -> None:
        owned = OwnedPaths(paths=("a",), roles=("maintain",), users=("carol",))
        evaluation = evaluated(
            review(BOB),
            settings=NOBODY,
            change=change(owned=(owned,), has_codeowners=True),
            people=People(access={2: access}),
        )
        assert why_not(evaluation) == code
        if code == "not_asked":
            message = only(evaluation).not_counted[0].refusal.message
            assert message == "is not one of carol, everybody with the permission maintain"

    def test_owners_that_are_nobody_leave_nobody(self) -> None:
        owned = OwnedPaths(paths=("a",), unresolved=("x@y.example",))
        evaluation = evaluated(
            review(BOB), settings=NOBODY, change=change(owned=(owned,), has_codeowners=True)
        )
        assert why_not(evaluation) == "not_asked"
        assert only(evaluation).next == ()
        assert only(evaluation).unknown == ("x@y.example is nobody that the forge knows",)

    def test_optional_owners_are_not_asked_for(self) -> None:
        owned = OwnedPaths(paths=("a",), users=("carol",), optional=True)
        evaluation = evaluated(settings=NOBODY, change=change(owned=(owned,), has_codeowners=True))
        assert evaluation.satisfied
        assert only(evaluation).missing == 1

    def test_one_approval_serves_several_requirements(self) -> None:
        owned = OwnedPaths(paths=("a",), users=("bob",))
        given = change(owned=(owned,), has_codeowners=True)
        evaluation = evaluated(review(BOB), change=given)
        assert [one.by for one in evaluation.requirements] == [(BOB,), (BOB,)]
        assert evaluation.satisfied

    def test_all_of_them_have_to_be_met(self) -> None:
        owned = OwnedPaths(paths=("a",), users=("carol",))
        given = change(owned=(owned,), has_codeowners=True)
        assert not evaluated(review(BOB), change=given).satisfied
        assert evaluated(review(BOB), review(CAROL), change=given).satisfied

    def test_the_count(self) -> None:
        two = requiring(count=2, teams=("sre",))
        people = teams(sre=[BOB, CAROL])
        outcome = only(evaluated(review(BOB), review(ERIN), settings=two, people=people))
        assert (outcome.needed, outcome.missing, outcome.by) == (2, 1, (BOB,))
        outcome = only(evaluated(review(BOB), review(CAROL), settings=two, people=people))
        assert (outcome.missing, outcome.satisfied) == (0, True)
        outcome = only(evaluated(review(BOB), review(CAROL), settings=requiring(), people=people))
        assert outcome.missing == 0


class TestNext:
    """Who could approve next."""

    def next(self, *reviews: Any, **given: Any) -> tuple[str, ...]:
        return only(evaluated(*reviews, **given)).next

    def test_anybody(self) -> None:
        assert self.next() == ("anybody with the permission write",)
        assert self.next(settings=requiring(permission="admin")) == (
            "anybody with the permission admin",
        )

    def test_nobody_once_it_is_satisfied(self) -> None:
        assert self.next(review(BOB)) == ()

    def test_members_who_had_no_part_in_it_and_have_not_approved(self) -> None:
        settings = requiring(count=2, teams=("sre",))
        people = teams(sre=[ALICE, BOB, CAROL, DAVE, Account(id=44, login="hidden"), GATE])
        assert self.next(review(BOB), settings=settings, people=people) == (
            "account 44",
            "carol",
            "dave",
        )
        lenient = replace(settings, contributors_may_approve=True)
        assert "alice" in self.next(review(BOB), settings=lenient, people=people)
        assert "account 91" in self.next(settings=settings, people=people, own_id=None)

    def test_not_those_without_the_permission(self) -> None:
        people = replace(
            teams(sre=[BOB, CAROL, DAVE, ERIN]),
            access={2: "admin", 3: "maintain", 4: "write", 5: "read"},
        )
        for permission, expected in (
            (None, ("bob", "carol", "dave")),
            ("maintain", ("bob", "carol")),
            ("admin", ("bob",)),
        ):
            settings = requiring(teams=("sre",), permission=permission)
            assert self.next(settings=settings, people=people) == expected

    def test_users(self) -> None:
        settings = requiring(count=2, users=("@Bob", "carol", "@alice", "5", "1"))
        people = teams()
        assert self.next(review(CAROL), settings=settings, people=people) == ("5", "Bob")

    def test_holders_of_a_role(self) -> None:
        owned = OwnedPaths(paths=("a",), roles=("maintain",))
        given = change(owned=(owned,), has_codeowners=True)
        assert self.next(settings=NOBODY, change=given) == ("anybody with the permission maintain",)

    def test_at_most_ten_are_named(self) -> None:
        settings = requiring(users=tuple(f"user{number:02}" for number in range(13)))
        outcome = only(evaluated(settings=settings))
        assert outcome.next == tuple(f"user{number:02}" for number in range(10))
        assert outcome.next_more == 3
        settings = requiring(users=tuple(f"user{number:02}" for number in range(10)))
        assert only(evaluated(settings=settings)).next_more == 0


class TestFreezes:
    """A freeze holds what it is about, unless a label and more people let it through."""

    FREEZE = Freeze(
        name="year end",
        start=OPENED,
        end=OPENED + datetime.timedelta(days=1),
        environments=("production",),
        unless=Unless(labels=("hotfix", "urgent"), require=Require(count=2, teams=("sre",))),
    )
    SHOP = change(applications=(production(),))
    SRE = teams(sre=[BOB, CAROL])

    def evaluated(self, *reviews: Any, **given: Any) -> Any:
        defaults: dict[str, Any] = {
            "settings": NOBODY,
            "freezes": (self.FREEZE,),
            "change": self.SHOP,
            "people": self.SRE,
        }
        return evaluated(*reviews, **(defaults | given))

    def test_it_holds(self) -> None:
        evaluation = self.evaluated(review(BOB), review(CAROL))
        (freeze,) = evaluation.freezes
        assert freeze.holds
        assert (freeze.label, freeze.exception) == (None, None)
        assert freeze.labels == ("hotfix", "urgent")
        (reason, _) = evaluation.reasons
        assert (reason.code, reason.verdict) == ("frozen", "pending")
        assert reason.message == "shop frozen by year end: opens again at 2026-11-03T09:00:00Z"
        assert not evaluation.satisfied

    def test_no_end_in_sight(self) -> None:
        (reason, _) = self.evaluated(freezes=(replace(self.FREEZE, end=None),)).reasons
        assert reason.message == "shop frozen by year end: no end is in sight"

    def test_it_is_over(self) -> None:
        evaluation = self.evaluated(at=OPENED + datetime.timedelta(days=1))
        assert evaluation.freezes == ()
        assert evaluation.satisfied

    def test_the_label_alone_is_not_enough(self) -> None:
        labelled = replace(self.SHOP, labels=("x", "urgent"))
        evaluation = self.evaluated(review(BOB), change=labelled)
        (freeze,) = evaluation.freezes
        assert (freeze.label, freeze.holds) == ("urgent", True)
        assert freeze.exception.missing == 1
        assert freeze.exception.requirement.name == "exception from year end"
        assert freeze.exception.requirement.why == ("application shop",)
        assert freeze.exception.next == ("carol",)

    def test_label_and_people_are(self) -> None:
        labelled = replace(self.SHOP, labels=("urgent", "hotfix"))
        evaluation = self.evaluated(review(BOB), review(CAROL), change=labelled)
        (freeze,) = evaluation.freezes
        assert (freeze.label, freeze.holds) == ("hotfix", False)
        assert evaluation.satisfied
        assert [reason.code for reason in evaluation.reasons] == ["no_approval_rules"]

    def test_with_the_permission_that_is_asked_for(self) -> None:
        unless = Unless(labels=("hotfix",), require=Require(users=("bob",), permission="admin"))
        given: dict[str, Any] = {
            "change": replace(self.SHOP, labels=("hotfix",)),
            "freezes": (replace(self.FREEZE, unless=unless),),
        }
        assert not self.evaluated(review(BOB), **given).satisfied
        admin = People(access={2: "admin"})
        assert self.evaluated(review(BOB), **given, people=admin).satisfied
        assert permissions_of(question(review(BOB), settings=NOBODY, **given)) == (BOB,)

    def test_other_people_are_not(self) -> None:
        labelled = replace(self.SHOP, labels=("urgent",))
        assert not self.evaluated(review(BOB), review(DAVE), change=labelled).satisfied

    def test_a_label_does_not_help_where_nothing_is_excepted(self) -> None:
        labelled = replace(self.SHOP, labels=("urgent",))
        freezes = (replace(self.FREEZE, unless=None),)
        evaluation = self.evaluated(review(BOB), review(CAROL), change=labelled, freezes=freezes)
        assert evaluation.freezes[0].labels == ()
        assert not evaluation.satisfied

    def test_what_the_new_rules_would_treat_differently_is_held_too(self) -> None:
        changed = RulesChange(
            paths=(".gitops-gate.yaml",), applications=(production(),), new=NOBODY
        )
        evaluation = self.evaluated(review(BOB), change=change(rules=changed))
        assert [one.applications for one in evaluation.freezes] == [("shop",)]

    def test_other_environments_are_not(self) -> None:
        staging = change(applications=(production(environment="staging"),))
        assert self.evaluated(change=staging).satisfied

    def test_unknown_contributors_need_one_more_here_too(self) -> None:
        labelled = replace(self.SHOP, labels=("urgent",))
        given = facts(review(BOB), review(CAROL), contributions=(commit(unmapped=("x@y",)),))
        evaluation = self.evaluated(facts=given, change=labelled)
        assert evaluation.freezes[0].exception.needed == 3
        assert not evaluation.satisfied


class TestReasons:
    """What approvals contribute to the verdict."""

    def codes(self, *reviews: Any, **given: Any) -> list[tuple[str, str]]:
        return [(one.code, one.verdict) for one in evaluated(*reviews, **given).reasons]

    def test_nothing_is_missing(self) -> None:
        assert self.codes(review(BOB)) == []

    def test_approvals_are_missing(self) -> None:
        assert self.codes() == [("approvals_missing", "pending")]

    def test_nothing_is_asked_for_by_nobody(self) -> None:
        assert self.codes(settings=NOBODY) == [("no_approval_rules", "allow")]
        message = "no CODEOWNERS file and no approval rules: nobody has to approve"
        assert evaluated(settings=NOBODY).reasons[0].message == message
        assert evaluated(settings=NOBODY).satisfied

    def test_nothing_is_asked_for_this_change(self) -> None:
        assert self.codes(settings=rules(rule(paths=("docs/**",)))) == []
        assert self.codes(settings=NOBODY, change=change(has_codeowners=True)) == []

    def test_a_change_to_the_rules_of_a_repository_without_any(self) -> None:
        changed = change(rules=RulesChange(paths=("CODEOWNERS",), applications=(), new=NOBODY))
        assert self.codes(settings=NOBODY, change=changed) == [("approvals_missing", "pending")]
        assert self.codes(review(BOB), settings=NOBODY, change=changed) == []

    def test_the_message_names_what_is_missing(self) -> None:
        settings = rules(
            rule("met", Require(users=("bob",))),
            rule("sre", Require(count=2)),
            *(rule(f"z{number}", Require(users=("carol",))) for number in range(6)),
        )
        (reason,) = evaluated(review(BOB), settings=settings).reasons
        assert reason.message == (
            "approvals are missing: sre (1 more), z0 (1 more), z1 (1 more), z2 (1 more), "
            "z3 (1 more) and 2 more requirements"
        )
        (reason,) = evaluated(settings=ONE).reasons
        assert reason.message == "approvals are missing: everything (1 more)"


class TestUnreadable:
    """Facts that cannot be read at all leave it undecided."""

    def test_where_something_is_asked_for(self) -> None:
        evaluation = evaluated(facts=None)
        assert [(one.code, one.verdict) for one in evaluation.reasons] == [
            ("approvals_unreadable", "indeterminate"),
            ("approvals_missing", "pending"),
        ]
        message = "approvals could not be read from the forge"
        assert evaluation.reasons[0].message == message
        assert only(evaluation).missing == 1
        assert (evaluation.head, evaluation.base) == (HEAD, BASE)
        assert not evaluation.satisfied

    def test_where_something_is_frozen(self) -> None:
        freeze = Freeze(name="f", start=OPENED, unless=Unless(labels=("hotfix",)))
        evaluation = evaluated(
            facts=None,
            settings=NOBODY,
            freezes=(freeze,),
            change=change(applications=(production(),), labels=("hotfix",)),
        )
        assert evaluation.reasons[0].verdict == "indeterminate"
        assert evaluation.freezes[0].holds

    def test_not_where_nothing_is(self) -> None:
        evaluation = evaluated(facts=None, settings=NOBODY)
        assert [one.verdict for one in evaluation.reasons] == ["allow"]

    def test_what_could_not_be_read_is_told(self) -> None:
        evaluation = evaluated(facts=facts(unknown=("b", "a", "b")))
        assert evaluation.unknown == ("a", "b")


class TestWhatToRead:
    """Which teams and permissions are needed, so that nothing else is asked for."""

    def test_teams(self) -> None:
        settings = ApprovalSettings(
            rules=(
                rule("a", Require(teams=("sre", "ops"))),
                rule("b", Require(teams=("docs",)), paths=("docs/**",)),
            ),
            override_teams=("commanders",),
        )
        assert teams_of(question(settings=settings)) == ("ops", "sre")
        said = Remark(author=BOB, body="/gitops-gate override x", created_at=minute(5))
        talk = replace(said, body="what about /gitops-gate override?")
        assert teams_of(question(settings=settings, remarks=(talk,))) == ("ops", "sre")
        assert teams_of(question(settings=settings, remarks=(said,))) == (
            "commanders",
            "ops",
            "sre",
        )

    def test_teams_of_freezes(self) -> None:
        given = {
            "settings": NOBODY,
            "freezes": (TestFreezes.FREEZE, Freeze(name="other", start=OPENED)),
            "change": TestFreezes.SHOP,
        }
        assert teams_of(question(**given)) == ("sre",)
        assert teams_of(question(**given, at=OPENED - datetime.timedelta(1))) == ()

    @pytest.mark.parametrize(
        ("permission", "expected"),
        [(None, ()), ("write", ()), ("maintain", (BOB, CAROL)), ("admin", (BOB, CAROL))],
    )
    def test_permissions(self, permission: Any, expected: Any) -> None:
        reviews = (review(CAROL), review(BOB), review(DAVE, state=ReviewState.COMMENTED))
        given = question(*reviews, settings=requiring(permission=permission))
        assert permissions_of(given) == expected
        assert permissions_of(replace(given, facts=None)) == ()

    def test_permissions_for_roles(self) -> None:
        owned = OwnedPaths(paths=("a",), roles=("write",))
        given = question(review(BOB), settings=NOBODY, change=change(owned=(owned,)))
        assert permissions_of(given) == (BOB,)


def complete_evaluation() -> Any:
    """An evaluation that has something of everything."""
    freeze = replace(
        TestFreezes.FREEZE, unless=Unless(labels=("hotfix",), require=Require(users=("erin",)))
    )
    owned = OwnedPaths(
        paths=("a",), users=("carol",), roles=("admin",), unresolved=("x@y.example",), optional=True
    )
    settings = ApprovalSettings(
        rules=(rule("production", Require(count=2, teams=("sre",)), environments=("production",)),),
        override_teams=("sre",),
    )
    return evaluated(
        settings=settings,
        facts=facts(
            review(BOB),
            review(DAVE),
            review(RENOVATE),
            review(ALICE),
            contributions=(commit(ALICE, unmapped=("q@y",)),),
            unknown=("something",),
        ),
        change=change(
            applications=(production(),),
            owned=(owned,),
            has_codeowners=True,
            labels=("hotfix",),
        ),
        freezes=(freeze,),
        people=teams(sre=[BOB, CAROL]),
        remarks=(
            Remark(
                author=CAROL,
                body=f"/gitops-gate override {HEAD} it burns",
                created_at=minute(9),
                edited=False,
            ),
            Remark(author=DAVE, body="/gitops-gate override", created_at=minute(8)),
        ),
    )


class TestJson:
    """The tree in JSON: by its schema, sorted, without a clock."""

    def test_it_is_valid(self) -> None:
        from jsonschema import Draft202012Validator

        Draft202012Validator.check_schema(approvals_schema())
        validator = Draft202012Validator(approvals_schema())
        for evaluation in (
            complete_evaluation(),
            evaluated(),
            evaluated(facts=None),
            evaluated(settings=NOBODY),
        ):
            value = json.loads(json.dumps(tree_json(evaluation)))
            assert list(validator.iter_errors(value)) == []

    def test_the_schema_describes_every_key_and_code(self) -> None:
        schema = approvals_schema()
        for part in (schema, *schema["$defs"].values()):
            assert set(part["required"]) == set(part["properties"])
            assert all("description" in one for one in part["properties"].values())
        codes = schema["$defs"]["not_counted"]["properties"]["code"]["enum"]
        assert set(codes) == {code.value for code in Code}

    def test_it_says_everything(self) -> None:
        value = tree_json(complete_evaluation())
        assert json.dumps(value, indent=2, sort_keys=True) + "\n" == GOLDEN.read_text("utf-8")

    def test_it_says_when_it_is_satisfied(self) -> None:
        value = tree_json(evaluated(review(BOB)))
        assert value["satisfied"] is True
        assert value["reasons"] == []
        assert value["requirements"][0]["by"] == [{"id": 2, "login": "bob", "bot": False}]
        assert (value["override"], value["freezes"]) == (None, [])

    def test_an_open_end_is_null(self) -> None:
        freeze = Freeze(name="f", start=OPENED)
        evaluation = evaluated(freezes=(freeze,), change=change(applications=(production(),)))
        (shown,) = tree_json(evaluation)["freezes"]
        assert (shown["opens_at"], shown["exception"], shown["label"]) == (None, None, None)


def test_moments_are_asked_for_once() -> None:
    from tests.unit.approvals.making import OLDER, SEEN, push

    asked: list[Moment] = []

    def seen_at(moment: Moment) -> Any:
        asked.append(moment)
        return SEEN

    moves = (push(OLDER, 0), push(at=10))
    given = facts(review(BOB, 5), review(CAROL, 6), review(DAVE, 20), pushes=moves)
    evaluate(question(facts=given), seen_at)
    assert asked == [Moment(head=OLDER, base=BASE)]
