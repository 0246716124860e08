"""Ten thousand lifecycles: nothing is allowed, or lands, without what the rules ask for."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.review.alone import only_if_alone
from gitops_gate.verdict.values import Report, Verdict
from tests.unit.approvals.lifecycles import Life, Request, play

LIVES = 10_000
ALLOWED = Report(verdict=Verdict.ALLOW, reasons=(), base=None, head=None)


def decided(life: Life, request: Request) -> bool:
    """What a review comes to whose checks found nothing."""
    if not request.answer().satisfied:
        return False
    others = [one.number for one in life.open_requests if one.head == request.head]
    others.remove(request.number)
    reading = SimpleNamespace(sharing=lambda _snapshot: tuple(others))
    return only_if_alone(ALLOWED, reading, None).verdict is Verdict.ALLOW  # type: ignore[arg-type]


def never_too_mild(life: Life, request: Request) -> None:
    if life.status[request.head][0]:
        needed, good = request.needed_and_given()
        assert len(good) >= needed, "\n".join(life.log)


def nothing_landed_unapproved(life: Life) -> None:
    for landed in life.landed:
        assert len(landed.approved) >= landed.needed, "\n".join((*life.log, repr(landed)))
        assert landed.evaluation.satisfied, "\n".join((*life.log, repr(landed)))


@pytest.mark.slow
def test_nothing_is_allowed_or_lands_without_what_the_rules_ask_for() -> None:
    seen: Counter[str] = Counter()
    for seed in range(LIVES):
        life = play(seed, decided, never_too_mild)
        nothing_landed_unapproved(life)
        seen.update(line.split()[0] for line in life.log)
        seen["landed"] += len(life.landed)
        seen["landed after another"] += len(life.landed) > 1
    assert seen["landed"] > LIVES // 20, "the lives never get anywhere, so they prove nothing"
    assert seen["landed after another"] > LIVES // 200
    assert all(seen[one] > LIVES // 100 for one in ("dismiss", "revert", "share", "reopen"))


@pytest.mark.slow
def test_nobody_waits_for_an_approval_that_is_there() -> None:
    """Where no two events share a second, so that nothing about their order is unknown."""

    def never_too_strict(life: Life, request: Request) -> None:
        needed, good = request.needed_and_given()
        if len(good) >= needed and not life.tied:
            assert request.answer().satisfied, "\n".join(life.log)

    for seed in range(LIVES // 4):
        play(seed, decided, never_too_strict)


@pytest.mark.slow
def test_without_the_guard_a_shared_head_would_open_the_other_request() -> None:
    """That the lives can find it at all."""

    def unguarded(_life: Life, request: Request) -> bool:
        return request.answer().satisfied

    lives = (play(seed, unguarded, lambda *_: None) for seed in range(LIVES))
    landed = (one for life in lives for one in life.landed)
    assert any(len(one.approved) < one.needed for one in landed)


@given(st.integers(min_value=0))
def test_neither_in_lives_that_nobody_has_thought_of(seed: int) -> None:
    nothing_landed_unapproved(play(seed, decided, never_too_mild))
