"""Every request of a run about a merge queue or train fails once in every way.

Nothing lands by it that would not have: the verdict is never milder, no success is set but where
everything was approved, and the token goes nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gitops_gate.ci import detect
from gitops_gate.errors import GitOpsGateError
from gitops_gate.pipeline import Options
from gitops_gate.review.run import Setting, review
from gitops_gate.source import open_repository
from gitops_gate.verdict.values import Verdict
from tests.forges import test_review_approvals_gitlab as on_gitlab
from tests.forges.test_review_approvals_github import Review
from tests.forges.test_review_faults import FAULTS, Play, _of_github, _of_gitlab
from tests.forges.test_review_faults import _time as _time  # noqa: PLC0414 - a fixture
from tests.forges.test_review_github import TOKEN, config_map
from tests.forges.test_review_github import world as github_world  # noqa: F401 - a fixture
from tests.forges.test_review_gitlab import world as gitlab_world  # noqa: F401 - a fixture
from tests.forges.test_review_queue_github import READS, Waiting, beside
from tests.forges.test_review_queue_gitlab import Train

WANTED: Mapping[str, Verdict] = {"pending": Verdict.PENDING, "allow": Verdict.ALLOW}
pytestmark = pytest.mark.slow
SET_RIGHT = ("429", "403", "502, stored", "dropped, stored")
each = pytest.mark.parametrize(
    ("wanted", "name"),
    [*(("pending", name) for name in FAULTS), *(("allow", name) for name in SET_RIGHT)],
)


@pytest.fixture
def queue(github_world: Any, tmp_path: Path, wanted: str) -> Play:  # noqa: F811 - the fixture
    """Two pull requests in a group; of the pending ones, the first was never approved."""
    made = Review(github_world, lambda *_: None, tmp_path)  # type: ignore[arg-type]
    made.rules()
    waiting = Waiting(made, lambda *_: None)  # type: ignore[arg-type]
    waiting.server.token(TOKEN, permissions=READS)
    second = waiting.pull("second", beside())
    waiting.approve(second)
    if wanted == "allow":
        waiting.approve(waiting.first)
    _, last = waiting.enqueue(waiting.first, second)
    waiting.event(last)
    return _of_github(github_world)


@pytest.fixture
def train(gitlab_world: Any, tmp_path: Path, wanted: str) -> Play:  # noqa: F811 - the fixture
    """A merge request behind another one."""
    made = on_gitlab.Review(gitlab_world, lambda *_: None, tmp_path)
    made.rules()
    waiting = Train(made, lambda *_: None)
    waiting.behind({"apps/other.yaml": config_map("x", "other")})
    if wanted == "allow":
        gitlab_world.state.approve(gitlab_world.mr, by="bob")
    waiting.run(waiting.built())
    return _of_gitlab(gitlab_world)


def ran(play: Play) -> Verdict | None:
    """The verdict of a run, None where it ended with an error."""
    with open_repository(play.repository) as repository:
        environment = detect(play.environment)
        assert environment is not None
        setting = Setting(
            environment=environment, repository=repository, token=play.token, sleep=lambda _: None
        )
        try:
            done = review(setting, Options(jobs=1))
            verdict, said = done.report.verdict, (*done.notes, *done.published.lines)
        except GitOpsGateError as error:
            verdict, said = None, (str(error),)
    assert play.token not in "\n".join(said)
    return verdict


def through_it_all(play: Play, name: str, wanted: Verdict) -> None:
    """One run for each request, in which that one fails; where all is approved, one more."""
    saved = play.save()
    play.server.forget()
    assert ran(play) is wanted
    requests = len(play.server.log)
    final = play.shown()[2][-1]
    assert 6 <= requests <= 12
    with play.elsewhere:
        for place in range(requests):
            play.restore(saved)
            play.server.faults.clear()
            FAULTS[name](play, place)
            found = ran(play)
            said = f"{name} at request {place}: {found}"
            assert found in (None, wanted, Verdict.INDETERMINATE, Verdict.PENDING), said
            if wanted is not Verdict.ALLOW:
                assert ("gitops-gate", "success") not in play.shown()[2], said
                continue
            play.server.faults.clear()
            assert ran(play) is wanted, said
            assert play.shown()[2][-1] == final, said
        assert play.elsewhere.log == ()


@each
def test_in_a_merge_queue(queue: Play, name: str, wanted: str) -> None:
    through_it_all(queue, name, WANTED[wanted])


@each
def test_in_a_merge_train(train: Play, name: str, wanted: str) -> None:
    through_it_all(train, name, WANTED[wanted])
