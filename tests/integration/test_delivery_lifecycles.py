"""The same lives in real repositories: Git and rendered manifests give the same outcomes.

What is delivered is also attested, and each attested decision taken again from what is recorded.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from gitops_gate.attestations.values import Channel, Decision, Entry, Previous
from gitops_gate.delivery.record import body_of, landed_numbers, policies_of
from gitops_gate.delivery.replay import check_git, check_verdict
from gitops_gate.delivery.walk import Walked
from gitops_gate.pipeline import Options
from gitops_gate.source import Repository
from tests.unit.delivery import cheaply, memory_git
from tests.unit.delivery.forge_of_life import Delivery, take
from tests.unit.delivery.lives import MAIN, Life
from tests.unit.delivery.playing import play
from tests.unit.delivery.real_git import opened

LIVES = 240
PARTS = 8
CHANNEL = Channel(repository_id=1, url="", branch=MAIN, ref="refs/heads/deploy/production")


class Twice:
    """Runs every delivery of a life in memory and in a repository, and compares them."""

    def __init__(self, folder: Path, repository: Repository | None = None) -> None:
        self.folder = folder
        self.repository = repository
        self.chain: list[Entry] = []
        self.delivered = 0

    def deliver(self, life: Life, dice: random.Random) -> None:
        silent = frozenset(life.requests) if dice.random() < 0.03 else frozenset()
        with pytest.MonkeyPatch.context() as patch:
            in_memory(patch)
            expected = Delivery(life, life.git, silent).run(life.clock)
        if self.repository is None:
            self.repository = opened(life.git, self.folder)
        life.git.write_to(self.folder)
        walked = Delivery(life, self.repository, silent).run(life.clock)
        assert _outcome(walked) == _outcome(expected), "\n".join(life.log)
        if walked is None or not walked.steps:
            return
        entry = self.attested(life, walked, self.repository)
        steps = check_git(self.repository, entry, self.chain)
        check_verdict(self.repository, entry.decision, steps, Options(jobs=1))
        self.chain.append(entry)
        take(life, walked.steps)
        assert landed_numbers([one.decision.body for one in self.chain]) == life.numbers
        self.delivered += 1

    def attested(self, life: Life, walked: Walked, repository: Repository) -> Entry:
        """The decision as it would be signed."""
        assert walked.whole is not None
        commit = walked.steps[-1].landing.after
        body = body_of(
            walked.steps,
            walked.whole,
            forge=life.forge,
            policies=policies_of(repository, walked.steps[-1].since),
            at=life.clock,
            start=None if self.chain else life.delivered,
            hydrated=None,
        )
        previous = None
        if self.chain:
            last = self.chain[-1]
            previous = Previous(
                sequence=last.decision.sequence,
                digest=last.digest,
                commit=last.decision.commit,
                delivered=last.decision.delivered,
            )
        decision = Decision(
            channel=CHANNEL,
            sequence=len(self.chain) + 1,
            commit=commit,
            delivered=commit,
            previous=previous,
            body=body,
        )
        return Entry(decision=decision, digest=f"sha256:{len(self.chain):064}", key="a key")


def in_memory(patch: pytest.MonkeyPatch) -> None:
    for module, name, function in memory_git.in_memory():
        patch.setattr(f"{module}.{name}", function)
    patch.setattr("gitops_gate.delivery.judging.compare", cheaply.compare)
    patch.setattr("gitops_gate.review.approving.compare", cheaply.compare)


def _outcome(walked: Walked | None) -> Any:
    """What both must agree about: the steps, and who holds what why."""
    if walked is None:
        return "history"
    steps = [
        (step.landing, step.since, step.ratifies, step.report.verdict, step.testimony)
        for step in walked.steps
    ]
    hold = walked.hold and (walked.hold.commit, walked.hold.code, walked.hold.verdict)
    return steps, hold


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_git_gives_the_same_lives(tmp_path: Path, part: int) -> None:
    delivered = 0
    for seed in range(part, LIVES, PARTS):
        one = Twice(tmp_path / f"{seed}.git")
        try:
            play(seed, one.deliver)
        finally:
            if one.repository is not None:
                one.repository.close()
        delivered += one.delivered
    assert delivered > LIVES // PARTS // 3
