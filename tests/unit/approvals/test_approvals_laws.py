"""What holds for every change: approvals only ever help, contributors and doubts never do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitops_gate.approvals.binding import Moment, Seen
from gitops_gate.approvals.change import ChangeFacts, OwnedPaths
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
from gitops_gate.approvals.tree import Evaluation, tree_json
from gitops_gate.config.approval_settings import ApprovalSettings, Require
from tests.unit.approvals.making import BASE, HEAD, OLD_BASE, OLDER, SEEN, minute, rule

pytestmark = pytest.mark.slow

PEOPLE = [
    *(Account(id=number, login=f"user{number}") for number in range(1, 6)),
    Account(id=None, login="ghost"),
    Account(id=6, login="robot", bot=True),
]
THIRD = "e" * 40
COMMITS = [HEAD, OLDER, THIRD]
EXAMPLES = settings(max_examples=100, deadline=None)


def mostly(usual: st.SearchStrategy[Any], rare: st.SearchStrategy[Any]) -> Any:
    """Ten times the usual for one of what is rare."""
    return st.tuples(st.integers(0, 10), usual, rare).map(lambda t: t[2] if t[0] == 7 else t[1])


people = st.sampled_from(PEOPLE)
insiders = mostly(st.just(PEOPLE[0]), people)
"""Mostly the same person, so that there are others who may approve."""
approvers = mostly(st.sampled_from(PEOPLE[1:5]), people)
times = st.integers(0, 12).map(minute)
reviews = st.builds(
    Review,
    author=approvers,
    state=mostly(st.just(ReviewState.APPROVED), st.sampled_from(ReviewState)),
    submitted_at=st.sampled_from([None, *[minute(at) for at in (1, 3, 5, 7, 7, 8, 9, 10, 11, 12)]]),
    commit=mostly(st.none(), st.sampled_from(COMMITS)),
    can_push=mostly(st.just(True), st.sampled_from([False, None])),
)


@st.composite
def pushes(draw: Any, last: str) -> tuple[Push, ...]:
    """A record without holes that ends where the branch is, at distinct times."""
    moments = draw(
        st.lists(st.sampled_from([0, 2, 4, 7]), min_size=1, max_size=4, unique=True).map(sorted)
    )
    commits = [*draw(st.lists(st.sampled_from(COMMITS), min_size=len(moments), max_size=4)), last]
    chain = commits[-len(moments) - 1 :]
    return tuple(
        Push(before=before, after=after, at=minute(at), actor=draw(insiders))
        for at, (before, after) in zip(moments, pairwise(chain), strict=True)
    )


contributions = st.lists(
    st.builds(
        Contribution,
        commit=st.just(HEAD),
        people=st.lists(insiders, max_size=2).map(tuple),
        unmapped=mostly(st.just(()), st.just(("x@y",))),
    ),
    max_size=2,
).map(tuple)

facts = st.builds(
    ApprovalFacts,
    reviews=st.lists(reviews, min_size=1, max_size=7).map(tuple),
    contributions=mostly(contributions, st.none()),
    pushes=mostly(pushes(HEAD), st.none()),
    retargeted_at=mostly(st.none(), times),
    head_seen_at=st.one_of(st.none(), times),
    head_seen_by=st.one_of(st.none(), insiders),
    reviews_complete=mostly(st.just(True), st.just(False)),
)

requires = st.builds(
    Require,
    count=st.sampled_from([1, 1, 1, 2, 3]),
    teams=st.sampled_from([(), (), (), ("a",), ("a", "b"), ("hidden",)]),
    users=st.sampled_from([(), (), ("user2",), ("2", "3")]),
    permission=st.sampled_from([None, None, None, None, "write", "admin"]),
)

approval_settings = st.builds(
    ApprovalSettings,
    rules=st.lists(requires, min_size=1, max_size=2).map(
        lambda items: tuple(rule(f"r{number}", item) for number, item in enumerate(items))
    ),
    contributors_may_approve=st.sampled_from([False, False, False, True]),
    bots_may_approve=st.sampled_from([(), (6,)]),
)

seens = st.sampled_from([*[SEEN] * 6, replace(SEEN, source="x"), replace(SEEN, changes="x"), None])
directory = People(
    teams={"a": frozenset({1, 2, 3, 6}), "b": frozenset({4}), "hidden": None},
    access={1: "admin", 2: "admin", 3: "write", 4: None},
)

questions = st.builds(
    Question,
    change=st.builds(
        ChangeFacts,
        author=insiders,
        triggered_by=st.one_of(st.none(), people),
        repair=mostly(st.just(False), st.just(True)),
        owned=st.sampled_from(
            [
                (),
                (),
                (),
                (OwnedPaths(paths=("a",), users=("user2",), teams=("a",), roles=("admin",)),),
            ]
        ),
    ),
    settings=approval_settings,
    now=st.just(Moment(head=HEAD, base=BASE)),
    at=st.just(minute(60)),
    facts=facts,
    target_moves=mostly(
        st.sampled_from([(), (), (Push(before=OLD_BASE, after=BASE, at=minute(6)),)]), st.none()
    ),
    seen=mostly(st.just(SEEN), st.none()),
    people=st.just(directory),
    own_id=st.sampled_from([None, None, None, None, 5]),
)
worlds = st.fixed_dictionaries(
    {Moment(head=head, base=base): seens for head in COMMITS for base in (BASE, OLD_BASE)}
)
World = dict[Moment, Seen | None]


def judge(question: Question, world: World) -> Evaluation:
    return evaluate(question, world.get)


def satisfied(evaluation: Evaluation) -> dict[str, tuple[Account, ...]]:
    """The requirements that are satisfied, by name."""
    return {
        outcome.requirement.name: outcome.by
        for outcome in evaluation.requirements
        if outcome.satisfied
    }


def changed(question: Question, **given: Any) -> Question:
    assert question.facts is not None
    return replace(question, facts=replace(question.facts, **given))


@EXAMPLES
@given(questions, worlds, st.data())
def test_removing_an_approval_never_satisfies_more(
    question: Question, world: World, data: st.DataObject
) -> None:
    assert question.facts is not None
    given = question.facts.reviews
    approvals = [at for at, one in enumerate(given) if one.state is ReviewState.APPROVED]
    if not approvals:
        return
    gone = data.draw(st.sampled_from(approvals))
    fewer = changed(question, reviews=(*given[:gone], *given[gone + 1 :]))
    assert satisfied(judge(fewer, world)).keys() <= satisfied(judge(question, world)).keys()


@EXAMPLES
@given(questions, worlds, reviews, people)
def test_an_objection_never_satisfies_more(
    question: Question, world: World, objection: Review, author: Account
) -> None:
    assert question.facts is not None
    undoing = replace(objection, author=author, state=ReviewState.CHANGES_REQUESTED)
    more = changed(question, reviews=(*question.facts.reviews, undoing))
    assert satisfied(judge(more, world)).keys() <= satisfied(judge(question, world)).keys()


@EXAMPLES
@given(questions, worlds, people, st.sampled_from(["person", "e-mail", "trigger"]))
def test_a_contributor_more_never_satisfies_more(
    question: Question, world: World, person: Account, how: str
) -> None:
    assert question.facts is not None
    if question.facts.contributions is None:
        return
    one = Contribution(
        commit=HEAD,
        people=(person,) if how == "person" else (),
        unmapped=("z@y",) if how == "e-mail" else (),
    )
    more = changed(question, contributions=(*question.facts.contributions, one))
    if how == "trigger" and question.change.triggered_by is not None:
        more = replace(question, change=replace(question.change, triggered_by=None))
        if not question.change.author.bot:
            return
        before = satisfied(judge(question, world))
        after = satisfied(judge(more, world))
        trigger = question.change.triggered_by
        # Whoever asked for it may approve again, but one more has to: nothing is gained.
        for name in after.keys() - before.keys():
            assert trigger in after[name]
        return
    assert satisfied(judge(more, world)).keys() <= satisfied(judge(question, world)).keys()


UNKNOWN: list[Callable[[Question], Question]] = [
    lambda q: changed(q, contributions=None),
    lambda q: changed(q, reviews_complete=False),
    lambda q: replace(q, target_moves=None),
    lambda q: replace(q, seen=None),
    lambda q: replace(q, facts=None),
    lambda q: replace(q, people=People(access=q.people.access)),
    lambda q: changed(
        q,
        reviews=tuple(replace(r, submitted_at=None) for r in q.facts.reviews) if q.facts else (),
    ),
]


@EXAMPLES
@given(questions, worlds, st.sampled_from(UNKNOWN))
def test_not_knowing_never_satisfies_more(
    question: Question, world: World, forget: Callable[[Question], Question]
) -> None:
    after = satisfied(judge(forget(question), world))
    assert after.keys() <= satisfied(judge(question, world)).keys()


@EXAMPLES
@given(questions, worlds)
def test_not_being_able_to_look_back_never_satisfies_more(question: Question, world: World) -> None:
    after = satisfied(judge(question, {}))
    assert after.keys() <= satisfied(judge(question, world)).keys()


@EXAMPLES
@given(questions, worlds, st.data())
def test_the_order_of_lists_makes_no_difference(
    question: Question, world: World, data: st.DataObject
) -> None:
    assert question.facts is not None
    mixed = changed(
        question,
        reviews=tuple(data.draw(st.permutations(question.facts.reviews))),
        pushes=question.facts.pushes and tuple(data.draw(st.permutations(question.facts.pushes))),
        contributions=question.facts.contributions
        and tuple(data.draw(st.permutations(question.facts.contributions))),
    )
    mixed = replace(
        mixed,
        settings=replace(
            question.settings, rules=tuple(data.draw(st.permutations(question.settings.rules)))
        ),
    )
    assert tree_json(judge(mixed, world)) == tree_json(judge(question, world))


@EXAMPLES
@given(questions, worlds)
def test_whoever_counts_is_somebody_else_with_write_access(
    question: Question, world: World
) -> None:
    assert question.facts is not None
    evaluation = judge(question, world)
    for outcome in evaluation.requirements:
        ids = [account.id for account in outcome.by]
        assert len(set(ids)) == len(ids)
        assert None not in ids
        assert question.own_id not in ids
        assert outcome.satisfied == (len(ids) >= outcome.needed >= outcome.requirement.count)
        if not question.settings.contributors_may_approve:
            assert question.change.author.id not in ids
            for part in question.facts.contributions or ():
                assert not {person.id for person in part.people} & set(ids)
            for move in question.facts.pushes or ():
                assert move.actor is None or move.actor.id not in ids
        for account in outcome.by:
            assert not account.bot or account.id in question.settings.bots_may_approve
            own = [r for r in question.facts.reviews if r.author.id == account.id]
            assert any(r.state is ReviewState.APPROVED for r in own)
            assert all(r.can_push is not False for r in own)
    assert evaluation.satisfied == all(one.satisfied for one in evaluation.requirements)
