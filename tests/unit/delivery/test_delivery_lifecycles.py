"""Ten thousand lives of a delivered branch: the ref never reaches a tree that nobody approved."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from gitops_gate.delivery.walk import Walked
from gitops_gate.verdict.values import Verdict
from tests.unit.delivery.forge_of_life import Delivery, take
from tests.unit.delivery.lives import Life
from tests.unit.delivery.model import Line, UnclearError
from tests.unit.delivery.playing import play

LIVES = 10_000
PARTS = 8
ENOUGH = {
    "runs": 3_000, "clear": 2_000, "history": 30, "dry": 200, "delivered": 1_000, "mended": 150,
    "merge": 500, "squash": 400, "rebase": 20, "fast-forward": 200, "direct_push": 500,
    "not_approved": 800, "not_reproduced": 150, "octopus": 10, "landed_twice": 2, "findings": 40,
    "frozen": 20, "forge_unreadable": 30, "landing_unknown": 50, "of several": 4,
}  # fmt: skip
"""How often each has to happen in an eighth of the lives, so that they prove something."""


pytestmark = pytest.mark.usefixtures("in_memory")


class Watched:
    """Delivers a life and compares what comes of it with what is right. `seen` counts it."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def deliver(self, life: Life, dice: random.Random) -> None:
        silent = frozenset(life.requests) if dice.random() < 0.03 else frozenset()
        dry = dice.random() < 0.1
        walked = Delivery(life, life.git, silent).run(life.clock)
        life.log.append(f"deliver{' dry' if dry else ''} at {life.clock:%M:%S}: {_told(walked)}")
        self.count(walked, dry=dry)
        if walked is None:
            assert life.git.steps(life.delivered, life.tip) is None
            return
        line = Line(life, life.clock)
        only_what_was_approved(line, walked)
        if not silent and not (life.tied or life.noise or life.holes):
            self.all_that_is_clear(line, walked)
        if not dry:
            take(life, walked.steps)

    def all_that_is_clear(self, line: Line, walked: Walked) -> None:
        """The ref goes as far as it should, and where it does not reach the tip, it is said why."""
        try:
            reached, held = line.furthest()
        except UnclearError:
            self.seen["unclear"] += 1
            return
        self.seen["clear"] += 1
        there = walked.steps[-1].landing.after if walked.steps else line.commits[0]
        assert there == reached, _story(line.life, walked, f"{there} and not {reached}")
        assert held == (walked.hold is not None), _story(line.life, walked)

    def count(self, walked: Walked | None, *, dry: bool) -> None:
        self.seen["runs"] += 1
        self.seen["dry"] += dry
        if walked is None:
            self.seen["history"] += 1
            return
        if walked.hold:
            self.seen[walked.hold.code] += 1
        for step in walked.steps:
            self.seen["delivered"] += 1
            self.seen[step.landing.method.value] += 1
            self.seen["mended"] += bool(step.ratifies)
            self.seen["of several"] += len(step.landing.changes) > 1


def only_what_was_approved(line: Line, walked: Walked) -> None:
    """The ref goes forward along the branch, over trees that people approved, once each."""
    life, approved = line.life, line.approved()
    trees = {life.git.commits[commit].tree for commit in approved}
    at, landed = line.commits[0], set(life.numbers)
    for step in walked.steps:
        before, at = at, step.landing.after
        assert step.since == before, _story(life, walked)
        assert step.report.verdict is Verdict.ALLOW
        assert at in line.commits[line.commits.index(before) + 1 :], _story(life, walked)
        assert life.git.commits[at].tree in trees, _story(life, walked, repr(step.landing))
        numbers = {change.number for change in step.landing.changes}
        assert not numbers & landed, _story(life, walked)
        landed |= numbers
    assert (at == life.tip) is (walked.hold is None), _story(life, walked)


def _story(life: Life, walked: Walked, more: str = "") -> str:
    return "\n".join((*life.log, repr(walked.hold), more))


def _told(walked: Walked | None) -> str:
    if walked is None:
        return "history"
    steps = " ".join(
        f"{step.landing.method} of {[change.number for change in step.landing.changes]}"
        for step in walked.steps
    )
    return f"{steps or 'nothing'}; {walked.hold.code if walked.hold else 'no hold'}"


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_the_ref_never_reaches_a_tree_that_nobody_approved(part: int) -> None:
    watched = Watched()
    for seed in range(part, LIVES, PARTS):
        play(seed, watched.deliver)
    rare = {
        what: watched.seen[what] for what, often in ENOUGH.items() if watched.seen[what] < often
    }
    assert not rare, "the lives get nowhere, so they prove nothing"


def test_nor_does_it_in_a_few_of_them() -> None:
    """For every run of the tests."""
    watched = Watched()
    for seed in range(LIVES, LIVES + 100):
        play(seed, watched.deliver)
    assert watched.seen["delivered"] > 50
