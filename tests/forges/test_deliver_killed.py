"""A delivery that is killed wherever it stands, and two that run at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.forges.delivering import Ground, config_map
from tests.forges.delivering import ground as ground  # noqa: PLC0414 - a fixture
from tests.forges.serving import Reply, Request

pytestmark = pytest.mark.slow
PUSH = "git-receive-pack"


class Killer:
    """Kills a process when the forge is asked for the `at`-th time, before or after it answers."""

    def __init__(self, ground: Ground) -> None:
        self.application = ground.server.application
        self.answer = self.application.answer
        self.process: subprocess.Popen[str] | None = None
        self.at, self.after, self.asked = -1, False, list[str]()
        self.application.answer = self.watch  # type: ignore[method-assign]

    def watch(self, request: Request, operation: str) -> Reply:
        mine = len(self.asked) == self.at
        self.asked.append(operation)
        if mine and not self.after:
            self.kill()
        reply = self.answer(request, operation)
        if mine and self.after:
            self.kill()
        return reply

    def kill(self) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)

    def run(self, ground: Ground, at: int, *, after: bool) -> int:
        self.at, self.after, self.asked = at, after, []
        self.process = start(ground, ground.clone())
        self.process.communicate()
        return self.process.returncode


def start(ground: Ground, checkout: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gitops_gate", "deliver", "--format", "json"]
    return subprocess.Popen(
        [*command, "--repo", str(checkout)],
        env={**os.environ, **ground.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def newest(ground: Ground) -> dict[str, object]:
    """What `verify` says of the newest decision; it compares it with the delivery ref."""
    done = ground.verify(str(ground.delivered), "--format", "json", "--no-replay")
    assert done.code == 0, done.out + done.err
    (one,) = json.loads(done.out)["verified"]
    return one


def test_killed_at_every_request_a_re_run_ends_right(ground: Ground) -> None:
    assert ground.deliver().code == 0
    killer = Killer(ground)
    decisions, at, killed_while_pushing = 1, 0, 0
    while True:
        ground.land(ground.change(f"change-{at}", {"apps/settings.yaml": config_map(f"n{at}")}))
        before = ground.delivered
        code = killer.run(ground, at, after=False)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        assert ground.delivered in (before, ground.main)
        killed_while_pushing += killer.asked[-1] == PUSH
        newest(ground)
        assert ground.deliver().code == 0
        decisions += 1
        assert ground.delivered == ground.main
        assert newest(ground)["decisions"] == decisions
        at += 1
    assert at > 5
    assert killed_while_pushing


@pytest.mark.parametrize("after", [False, True])
def test_killed_while_it_pushes_both_refs_move_or_none(ground: Ground, after: bool) -> None:
    assert ground.deliver().code == 0
    killer = Killer(ground)
    ground.land(ground.change("new", {"apps/settings.yaml": config_map("new")}))
    push = first_push(killer, ground)
    before = ground.delivered, ground.attested
    ground.land(ground.change("newer", {"apps/settings.yaml": config_map("newer")}))
    killer.run(ground, push, after=after)
    moved = (ground.delivered != before[0], ground.attested != before[1])
    assert moved in ((False, False), (True, True))
    newest(ground)
    assert ground.deliver().code == 0
    assert newest(ground)["sequence"] == 3


def first_push(killer: Killer, ground: Ground) -> int:
    """Which request of a run is the push itself."""
    assert killer.run(ground, -1, after=False) == 0
    return max(place for place, name in enumerate(killer.asked) if name == PUSH)


def test_runs_at_once_end_as_one(ground: Ground, tmp_path: Path) -> None:
    ground.land(ground.change("new", {"apps/settings.yaml": config_map("new")}))
    runs = []
    for number in range(4):
        clone = ground.clone().rename(tmp_path / f"clone-{number}")
        runs.append(start(ground, clone))
    said = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0, 0], said
    outcomes = sorted(outcome_of(text) for text in said)
    assert outcomes.count("delivered") == 1, outcomes
    assert ground.delivered == ground.main
    assert newest(ground)["decisions"] == 1


def outcome_of(text: str) -> str:
    """The outcome in what a job printed, among the lines for its runner."""
    start, end = text.index("\n{") + 1, text.rindex("\n}") + 2
    (one,) = json.loads(text[start:end])["deliveries"]
    return str(one["outcome"])


@pytest.mark.parametrize("depth", ["--depth=1", "--filter=blob:none"])
def test_a_checkout_without_history_is_enough(
    ground: Ground, depth: str, clone_of: Callable[[Ground, str], Path]
) -> None:
    assert ground.deliver().code == 0
    ground.land(ground.change("new", {"apps/settings.yaml": config_map("new")}), method="squash")
    clone = clone_of(ground, depth)
    done = ground.run("deliver", "--format", "json", "--repo", str(clone))
    assert done.code == 0, done.out + done.err
    assert ground.delivered == ground.main


@pytest.fixture
def clone_of() -> Callable[[Ground, str], Path]:
    def clone(ground: Ground, depth: str) -> Path:
        folder = ground.folder / "thin"
        url = f"file://{ground.shop.git.path}"
        subprocess.run(["git", "clone", "--quiet", depth, url, str(folder)], check=True)
        return folder

    return clone
