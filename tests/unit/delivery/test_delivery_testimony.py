"""What the forge said: as it stood at the merge, kept, and given again."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.approvals.facts import (
    Account,
    ApprovalFacts,
    Contribution,
    Push,
    Review,
    ReviewState,
)
from gitops_gate.delivery import testimony as said
from gitops_gate.delivery.values import Landing, Method
from gitops_gate.errors import AttestationError
from gitops_gate.forges.values import ChangeRequest, ChangeState, Comment, LandedChange, Snapshot
from tests.unit.delivery.lives import MAIN, START

ANN, BO = Account(id=1, login="ann"), Account(id=2, login="bo")
LINE = ("c0", "c1", "c2", "c3", "c4")


def at(second: int) -> datetime.datetime:
    return START + datetime.timedelta(seconds=second)


def push(before: str | None, after: str, second: int = 0) -> Push:
    return Push(before=before, after=after, at=at(second), actor=ANN)


def landing(before: str, *commits: str) -> Landing:
    return Landing(before=before, commits=commits, method=Method.MERGE, changes=(LANDED,))


def until(moves: Sequence[Push], before: str, *commits: str) -> tuple[Push, ...] | None:
    return said.moves_before(moves, landing(before, *commits), LINE)


LANDED = LandedChange(number=7, base_ref=MAIN, head="h", merged_at=at(9), merged_by=BO)
CHANGE = ChangeRequest(
    number=7,
    url="https://forge.example/7",
    title="Title",
    state=ChangeState.MERGED,
    draft=False,
    repository="acme/shop",
    repository_id=4711,
    head_repository=None,
    from_fork=False,
    base_ref=MAIN,
    base_commit="c1",
    head_ref="change",
    head_commit="h",
    author=ANN,
    labels=("hotfix",),
    versions=("a", "b", "c"),
)
OVERRIDE = Comment(
    id="1", author=BO, ours=False, body="/gitops-gate override h it burns", created_at=at(3)
)
SNAPSHOT = Snapshot(change=CHANGE, comments=(OVERRIDE,), own_id=99)
UNREADABLE = r"^an attestation holds a testimony that cannot be read$"


class TestTheMovesBeforeALanding:
    def test_end_with_the_push_that_was_the_landing(self) -> None:
        moves = [push("x", "c0", 1), push("c0", "c1", 2), push("c1", "c2", 3)]
        assert until(moves, "c1", "c2") == tuple(moves[:2])

    def test_are_none_of_those_after_it(self) -> None:
        moves = [push("c0", "c1", 1), push("c1", "c2", 2)]
        assert until(moves, "c0", "c1") == ()

    def test_leave_out_a_push_of_several_commits(self) -> None:
        moves = [push("x", "c0", 1), push("c0", "c3", 2)]
        assert until(moves, "c0", "c1", "c2", "c3") == (moves[0],)

    def test_of_a_later_one_in_a_queue_end_with_the_one_before_it(self) -> None:
        moves = [push("x", "c0", 1), push("c0", "c3", 2), push("c3", "c4", 3)]
        assert until(moves, "c1", "c2") == (
            moves[0],
            push("c0", "c1", 2),
        )
        assert until(moves, "c2", "c3") == (
            moves[0],
            push("c0", "c2", 2),
        )

    def test_of_the_first_in_a_queue_are_those_before_the_push(self) -> None:
        moves = [push("x", "c0", 1), push("c0", "c3", 2)]
        assert until(moves, "c0", "c1") == (moves[0],)

    def test_are_unknown_where_it_took_two_pushes(self) -> None:
        moves = [push("c0", "c1", 1), push("c1", "c2", 2)]
        assert until(moves, "c0", "c1", "c2") is None

    def test_are_unknown_where_the_record_has_a_hole(self) -> None:
        moves = [push("c0", "c1", 1), push("c2", "c3", 3)]
        assert until(moves, "c1", "c2") is None
        assert until([], "c1", "c2") is None

    def test_are_unknown_where_nobody_knows_from_where_it_was_pushed(self) -> None:
        assert until([push(None, "c1")], "c0", "c1") is None

    def test_may_begin_before_the_last_delivered_commit(self) -> None:
        """Of a push whose beginning is not on the line, nobody knows what it brought."""
        assert until([push("old", "c2")], "c1", "c2") is None


class Forge:
    """Answers, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.pushes: tuple[Push, ...] | None = (
            push(None, "h", 5), push("h", "i", 9), push("i", "j", 10),
        )  # fmt: skip
        self.moves: tuple[Push, ...] | None = (push("c0", "c1", 1), push("c1", "c2", 9))

    def approvals(self, about: Snapshot) -> ApprovalFacts:
        assert about == SNAPSHOT
        self.asked.append("approvals")
        states = ReviewState.APPROVED, ReviewState.DISMISSED
        return ApprovalFacts(
            reviews=tuple(
                Review(author=BO, state=state, submitted_at=moment)
                for state, moment in zip(
                    (*states, *states), (at(8), at(9), at(10), None), strict=True
                )
            ),
            pushes=self.pushes,
        )

    def target_moves(self, about: Snapshot) -> tuple[Push, ...] | None:
        assert about == SNAPSHOT
        self.asked.append("moves")
        return self.moves

    def members(self, teams: Any) -> dict[str, frozenset[int] | None]:
        self.asked += teams
        return {team: frozenset({3, 1}) if team == "sre" else None for team in teams}

    def access(self, account: Account) -> Any:
        self.asked.append(account.login)
        return "write" if account == BO else None


def recording(forge: Forge) -> said.Recording:
    return said.Recording(forge, landing("c1", "c2"), LINE, at(9))


class TestARecording:
    def test_leaves_out_what_came_after_the_merge(self) -> None:
        facts = recording(Forge()).approvals(SNAPSHOT)
        assert [review.submitted_at for review in facts.reviews] == [at(8), at(9), None]
        assert facts.pushes is not None
        assert [one.after for one in facts.pushes] == ["h", "i"]

    def test_keeps_of_what_people_say_the_overrides_alone(self) -> None:
        small_talk = replace(OVERRIDE, id="2", body="looks good")
        said_before = replace(SNAPSHOT, comments=(small_talk, OVERRIDE))
        assert recording(Forge()).testimony(said_before, LANDED).comments == (OVERRIDE,)

    def test_keeps_of_an_override_what_is_read_of_it(self) -> None:
        long = replace(OVERRIDE, body=f"{OVERRIDE.body}\nand then\nmuch more")
        told = recording(Forge()).testimony(replace(SNAPSHOT, comments=(long,)), LANDED)
        assert told.comments == (OVERRIDE,)
        ours = replace(OVERRIDE, ours=True)
        told = recording(Forge()).testimony(replace(SNAPSHOT, comments=(ours,)), LANDED)
        assert told.comments == ()

    def test_leaves_unknown_pushes_unknown(self) -> None:
        forge = Forge()
        forge.pushes = None
        assert recording(forge).approvals(SNAPSHOT).pushes is None

    def test_asks_for_everything_once(self) -> None:
        forge = Forge()
        told = recording(forge)
        for _ in range(2):
            told.approvals(SNAPSHOT)
            told.target_moves(SNAPSHOT)
            assert told.members(["sre", "gone"]) == {"sre": frozenset({1, 3}), "gone": None}
            assert (told.access(BO), told.access(ANN)) == ("write", None)
        assert forge.asked == ["approvals", "moves", "sre", "gone", "bo", "ann"]
        told.members(["sre", "new"])
        assert forge.asked[-1] == "new"

    def test_gives_the_moves_until_the_landing(self) -> None:
        forge = Forge()
        assert recording(forge).target_moves(SNAPSHOT) == (push("c0", "c1", 1),)
        for moves in (None, ()):
            forge.moves = moves
            assert recording(forge).target_moves(SNAPSHOT) is None

    def test_is_replayed_as_it_was(self) -> None:
        told = recording(Forge())
        facts, moves = told.approvals(SNAPSHOT), told.target_moves(SNAPSHOT)
        told.members(["sre", "gone"])
        told.access(BO)
        again = said.Replayed(
            said.testimony_of(plain(said.testimony_json(told.testimony(SNAPSHOT, LANDED))))
        )
        assert again.approvals(SNAPSHOT) == facts
        assert again.target_moves(SNAPSHOT) == moves
        assert again.members(["sre", "gone", "new"]) == {
            "sre": frozenset({1, 3}), "gone": None, "new": None,
        }  # fmt: skip
        assert (again.access(BO), again.access(ANN)) == ("write", None)
        assert again.testimony(SNAPSHOT, LANDED).landed == LANDED
        assert again.testimony(SNAPSHOT, LANDED).snapshot == SNAPSHOT

    def test_in_which_nothing_was_approved_answers_nothing(self) -> None:
        with pytest.raises(AttestationError, match="in change request 7 is not recorded"):
            said.Replayed(said.Testimony(change=CHANGE, landed=LANDED)).approvals(SNAPSHOT)

    def test_is_the_same_in_whatever_order_it_was_asked(self) -> None:
        one, other = recording(Forge()), recording(Forge())
        one.members(["a", "sre"])
        one.access(ANN)
        one.access(BO)
        other.access(BO)
        other.members(["sre"])
        other.members(["a"])
        other.access(ANN)
        texts = [json.dumps(said.testimony_json(each.testimony(SNAPSHOT, LANDED)))
                 for each in (one, other)]  # fmt: skip
        assert texts[0] == texts[1]


def plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


TEXTS = st.text(max_size=5)
MOMENTS = st.datetimes(
    min_value=datetime.datetime(2000, 1, 1),
    max_value=datetime.datetime(2100, 1, 1),
    timezones=st.just(datetime.UTC),
)
ACCOUNTS = st.builds(Account, id=st.none() | st.integers(0, 99), login=TEXTS, bot=st.booleans())
PUSHES = st.builds(
    Push,
    before=st.none() | TEXTS,
    after=TEXTS,
    at=MOMENTS,
    actor=st.none() | ACCOUNTS,
    forced=st.booleans(),
)
REVIEWS = st.builds(
    Review,
    author=ACCOUNTS,
    state=st.sampled_from(ReviewState),
    submitted_at=st.none() | MOMENTS,
    commit=st.none() | TEXTS,
    can_push=st.none() | st.booleans(),
)


def tuples(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, max_size=2).map(tuple)


FACTS = st.builds(
    ApprovalFacts,
    reviews=tuples(REVIEWS),
    contributions=st.none()
    | tuples(
        st.builds(Contribution, commit=TEXTS, people=tuples(ACCOUNTS), unmapped=tuples(TEXTS))
    ),
    pushes=st.none() | tuples(PUSHES),
    retargeted_at=st.none() | MOMENTS,
    head_seen_at=st.none() | MOMENTS,
    head_seen_by=st.none() | ACCOUNTS,
    reviews_complete=st.booleans(),
    unknown=tuples(TEXTS),
)
TESTIMONIES = st.builds(
    said.Testimony,
    change=st.builds(
        ChangeRequest,
        number=st.integers(1, 9),
        url=TEXTS,
        title=TEXTS,
        state=st.sampled_from(ChangeState),
        draft=st.booleans(),
        repository=TEXTS,
        repository_id=st.integers(1, 9),
        head_repository=st.none() | TEXTS,
        from_fork=st.booleans(),
        base_ref=TEXTS,
        base_commit=st.none() | TEXTS,
        head_ref=TEXTS,
        head_commit=TEXTS,
        author=ACCOUNTS,
        labels=tuples(TEXTS),
        default_branch=st.none() | TEXTS,
        merge_commit=st.none() | TEXTS,
        versions=st.none() | st.tuples(TEXTS, TEXTS, TEXTS),
    ),
    landed=st.builds(
        LandedChange,
        number=st.integers(1, 9),
        base_ref=TEXTS,
        head=TEXTS,
        merged_at=st.none() | MOMENTS,
        merged_by=st.none() | ACCOUNTS,
        merge_commit=st.none() | TEXTS,
        squash_commit=st.none() | TEXTS,
    ),
    comments=tuples(
        st.builds(
            Comment,
            id=TEXTS,
            author=ACCOUNTS,
            ours=st.booleans(),
            body=TEXTS,
            created_at=MOMENTS,
            edited_at=st.none() | MOMENTS,
            edited_by=st.none() | ACCOUNTS,
        )
    ),
    own_id=st.none() | st.integers(1, 9),
    facts=st.none() | FACTS,
    target_moves=st.none() | tuples(PUSHES),
    teams=st.dictionaries(TEXTS, st.none() | tuples(st.integers(1, 9)), max_size=2),
    access=st.dictionaries(TEXTS, st.none() | st.sampled_from(["none", "write", "admin"])),
)


class TestATestimonyAsData:
    @given(TESTIMONIES)
    def test_says_the_same_when_it_is_read_again(self, testimony: said.Testimony) -> None:
        value = plain(said.testimony_json(testimony))
        assert said.testimony_of(value) == testimony
        assert plain(said.testimony_json(said.testimony_of(value))) == value

    def test_gives_times_in_utc_wherever_they_came_from(self) -> None:
        east = datetime.timezone(datetime.timedelta(hours=2))
        moment = datetime.datetime(2026, 1, 1, 12, tzinfo=east)
        told = said.Testimony(
            change=CHANGE,
            landed=LandedChange(number=7, base_ref=MAIN, head="h", merged_at=moment),
        )
        assert said.testimony_json(told)["landed"]["merged_at"] == "2026-01-01T10:00:00+00:00"

    @pytest.mark.parametrize(
        "edit",
        [
            lambda value: value.pop("change"),
            lambda value: value.update(change=None),
            lambda value: value.update(surprise=1),
            lambda value: value["change"].update(surprise=1),
            lambda value: value["change"].update(number="7"),
            lambda value: value["change"].update(number=True),
            lambda value: value["change"].update(number=7.0),
            lambda value: value["change"].update(draft=0),
            lambda value: value["change"].update(title=None),
            lambda value: value["change"].update(title=7),
            lambda value: value["change"].update(state="gone"),
            lambda value: value["change"].update(versions=["a"]),
            lambda value: value["landed"].update(merged_at="yesterday"),
            lambda value: value["landed"].update(merged_at="2026-01-01T00:00:00"),
            lambda value: value["landed"].update(merged_at=7),
            lambda value: value.update(comments=None),
            lambda value: value.update(comments=[{}]),
            lambda value: value.update(facts={"reviews": 7}),
            lambda value: value.update(facts={"reviews": [{"author": "bo"}]}),
            lambda value: value.update(teams={"sre": ["1"]}),
            lambda value: value.update(teams=[]),
            lambda value: value.update(access={"1": "owner"}),
            lambda value: value.update(target_moves="none"),
        ],
    )
    def test_of_another_form_is_refused(self, edit: Any) -> None:
        value = plain(said.testimony_json(said.Testimony(change=CHANGE, landed=LANDED)))
        edit(value)
        with pytest.raises(AttestationError, match=UNREADABLE):
            said.testimony_of(value)

    @pytest.mark.parametrize("value", [None, 7, "text", [], [1]])
    def test_that_is_no_mapping_is_refused(self, value: Any) -> None:
        with pytest.raises(AttestationError, match=UNREADABLE):
            said.testimony_of(value)
