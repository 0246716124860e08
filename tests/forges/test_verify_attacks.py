"""Attempts to have `verify` accept what was never delivered rightly, or to have it break."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.forges.delivering import ID, Ground, Ran, config_map, make_key
from tests.forges.delivering import ground as ground  # noqa: PLC0414 - a fixture
from tests.forges.test_deliver_github import ratified

pytestmark = pytest.mark.slow


def verify(ground: Ground, clone: Path, commit: str, *arguments: object) -> Ran:
    """Of a clone as somebody left it; without judging again, which is slow."""
    return ground.run(
        "verify", commit, "--key", ground.key, "--repository-id", ID, "--no-replay", *arguments,
        "--repo", clone,
    )  # fmt: skip


def git(clone: Path, *arguments: str, stdin: bytes = b"", index: Path | None = None) -> str:
    """What Git says in a clone."""
    command = ["git", "-C", str(clone), "-c", "user.name=x", "-c", "user.email=x@y", *arguments]
    env = {**os.environ, **({"GIT_INDEX_FILE": str(index)} if index else {})}
    done = subprocess.run(command, check=True, input=stdin, capture_output=True, env=env)
    return done.stdout.decode()


class TestWhatWasNeverDelivered:
    def test_a_commit_in_the_middle_of_a_rebased_change(self, ground: Ground) -> None:
        """What is taken back before a change ends was looked at by nobody, and never delivered."""
        assert ground.deliver().code == 0
        pull = ground.change("two", {"apps/settings.yaml": config_map("evil")})
        ground.commit("two", {"apps/settings.yaml": config_map("new")})
        ground.land(pull, method="rebase")
        done = ground.deliver()
        assert done.code == 0, done.out + done.err
        (step,) = done.one["steps"]
        middle, last = step["commits"]
        assert verify(ground, ground.clone(), last).code == 0
        done = verify(ground, ground.clone(), middle)
        assert done.code == 2, done.out + done.err
        assert "nothing attests" in done.err

    def test_a_change_that_was_delivered_together_with_the_next_one_is(
        self, ground: Ground
    ) -> None:
        assert ground.deliver().code == 0
        first = ground.land(ground.change("one", {"apps/settings.yaml": config_map("one")}))
        ground.land(ground.change("two", {"apps/settings.yaml": config_map("two")}))
        assert len(ground.deliver().one["steps"]) == 2
        assert verify(ground, ground.clone(), first).code == 0

    def test_what_is_only_in_the_branch(self, ground: Ground) -> None:
        assert ground.deliver().code == 0
        pull = ground.change("new", {"apps/settings.yaml": config_map("new")})
        ground.land(pull)
        for commit in (pull.head, ground.main, ground.start):
            assert verify(ground, ground.clone(), commit).code == 2

    def test_what_was_ratified_afterwards(self, ground: Ground) -> None:
        assert ground.deliver().code == 0
        files: dict[str, str | None] = {"apps/settings.yaml": config_map("x")}
        held = ground.server.direct(ground.shop, "main", files, by="mia")
        ground.ratify(ground.change("ratify", ratified(held, str(ground.delivered))))
        assert ground.deliver().code == 0
        assert verify(ground, ground.clone(), ground.main).code == 0
        assert verify(ground, ground.clone(), held).code == 2


class TestByWhatItIsAsked:
    @pytest.fixture(autouse=True)
    def _delivered(self, ground: Ground) -> None:
        assert ground.deliver().code == 0

    def test_another_key(self, ground: Ground) -> None:
        make_key(ground.key)
        done = ground.verify(ground.main)
        assert (done.code, "no trusted key signed it" in done.err) == (2, True), done.err

    def test_another_repository(self, ground: Ground) -> None:
        done = ground.run(
            "verify", ground.main, "--key", ground.key, "--repository-id", 4712,
            "--repo", ground.clone(),
        )  # fmt: skip
        assert done.code == 2
        assert "nothing attests" in done.err

    @pytest.mark.parametrize(
        "more",
        [("--ref", "refs/heads/deploy/other"), ("--branch", "release"), ("--ref", "production")],
    )
    def test_another_ref_or_branch(self, ground: Ground, more: tuple[str, str]) -> None:
        done = ground.verify(ground.main, *more)
        assert done.code == 2
        assert "nothing attests" in done.err

    def test_a_file_that_holds_no_key(self, ground: Ground) -> None:
        ground.key.write_text("-----BEGIN")
        assert ground.verify(ground.main).code == 2

    def test_a_branch_of_attestations_that_is_not_there(self, ground: Ground) -> None:
        done = ground.verify(ground.main, "--attestations", "refs/heads/elsewhere")
        assert (done.code, "nothing attests anything" in done.err) == (2, True)
