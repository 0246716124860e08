"""Ten thousand lifecycles: it is never allowed without what the rules ask for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.approvals.lifecycles import Life, play

LIVES = 10_000


def never_too_mild(life: Life) -> None:
    needed, good = life.needed_and_given()
    if life.answer().satisfied:
        assert len(good) >= needed, "\n".join(life.log)


@pytest.mark.slow
def test_allow_is_never_reached_without_what_the_rules_ask_for() -> None:
    satisfied = 0
    for seed in range(LIVES):
        satisfied += play(seed, never_too_mild).answer().satisfied
    assert satisfied > LIVES // 100, "the lives never get anywhere, so they prove nothing"


@pytest.mark.slow
def test_nobody_waits_for_an_approval_that_is_there() -> None:
    """Where no two events share a second, so that nothing about their order is unknown."""

    def never_too_strict(life: Life) -> None:
        needed, good = life.needed_and_given()
        if len(good) >= needed and not life.tied:
            assert life.answer().satisfied, "\n".join(life.log)

    for seed in range(LIVES // 4):
        play(seed, never_too_strict)


@given(st.integers(min_value=0))
def test_allow_is_never_reached_in_lives_that_nobody_has_thought_of(seed: int) -> None:
    play(seed, never_too_mild)
