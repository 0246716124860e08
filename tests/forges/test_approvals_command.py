"""`gitops-gate approvals`: the tree of a change request, from anywhere; nothing is written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gitops_gate.approvals.tree import approvals_schema
from tests.forges.github import actions
from tests.forges.test_review_approvals_github import Review
from tests.forges.test_review_approvals_github import review as review  # noqa: PLC0414 - a fixture
from tests.forges.test_review_github import Ran, request_event
from tests.forges.test_review_github import gate as gate  # noqa: PLC0414 - a fixture
from tests.forges.test_review_github import world as world  # noqa: PLC0414 - a fixture

FREEZE = """\
freezes:
  - {name: year end, from: 2026-12-20T00:00:00Z, until: 2027-01-04T00:00:00Z}
"""


@pytest.fixture
def ask(review: Review, gate: Callable[..., Ran]) -> Callable[..., Ran]:
    """Ask inside the pull request's own CI; whatever is asked, nothing is written."""

    def run(*arguments: Any) -> Ran:
        review.world.event("pull_request_target", request_event(review.world))
        review.world.server.forget()
        done = gate("approvals", *arguments)
        assert review.world.server.writes == ()
        return done

    return run


def tree(done: Ran) -> Any:
    """The JSON between the lines that keep a runner from obeying it."""
    value = json.loads(re.sub(r"(?m)^::.*$", "", done.out))
    jsonschema.validate(value, approvals_schema())
    return value


def test_the_answer_changes_from_missing_to_satisfied(
    review: Review, ask: Callable[..., Ran]
) -> None:
    done = ask()
    assert done.code == 3, done.out
    assert "1 of 1 approval missing" in done.out
    assert "✗ shop needs a second pair of eyes: 0 of 1" in done.out
    review.approve(review.rita)
    done = ask()
    assert done.code == 0, done.out
    assert "approved by rita" in done.out


def test_every_approval_that_does_not_count_is_explained(
    review: Review, ask: Callable[..., Ran]
) -> None:
    review.approve(review.author)
    review.approve(review.stranger)
    done = ask()
    assert "ann does not count: had a part in the change (contributor)" in done.out
    assert "stranger does not count: has no write access (no_write_access)" in done.out


def test_json_is_the_tree_by_its_schema(review: Review, ask: Callable[..., Ran]) -> None:
    review.approve(review.rita)
    review.push()
    done = ask("--format", "json")
    assert done.code == 3
    assert [one["code"] for one in tree(done)["not_counted"]] == ["source_changed"]


def test_it_is_the_tree_of_the_review(review: Review, ask: Callable[..., Ran]) -> None:
    review.approve(review.rita)
    review.approve(review.author)
    review.run()
    assert tree(ask("--format", "json")) == review.tree


def test_a_freeze_is_asked_about_at_any_moment(review: Review, ask: Callable[..., Ran]) -> None:
    review.rules(FREEZE)
    review.approve(review.rita)
    done = ask("--at", "2026-12-24T12:00:00Z")
    assert done.code == 3
    assert "frozen until 2027-01-04 00:00 UTC" in done.out
    assert ask("--at", "2027-01-05").code == 0


def test_a_report_of_a_check_saves_rendering(
    review: Review, ask: Callable[..., Ran], gate: Callable[..., Ran], tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    review.world.event("pull_request_target", request_event(review.world))
    gate("check", "--ci", "--report", f"json={report}")
    assert ask("--report-file", report).code == 3
    review.approve(review.rita)
    assert ask("--report-file", report).code == 0


def test_a_report_of_other_commits_is_refused(
    review: Review, ask: Callable[..., Ran], gate: Callable[..., Ran], tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    review.world.event("pull_request_target", request_event(review.world))
    gate("check", "--ci", "--report", f"json={report}")
    review.push()
    done = ask("--report-file", report)
    assert done.code == 2
    assert "the report is about" in done.out


def test_a_closed_change_request_is_not_asked_about(
    review: Review, ask: Callable[..., Ran]
) -> None:
    server = review.world.server
    with server.work():
        actions.close(server.world, review.world.pull, review.author)
    assert ask().code == 2


class TestOnAPersonsMachine:
    @pytest.fixture
    def here(self, review: Review, gate: Callable[..., Ran]) -> Callable[..., Ran]:
        """A checkout with a remote, and no CI around it."""
        world = review.world
        path = f"{world.server.origin}/{world.repository.full_name}.git"
        world.git.git("remote", "add", "origin", path)
        for branch in ("main", "change"):
            world.git.git("update-ref", f"refs/remotes/origin/{branch}", branch)
        world.git.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
        token = world.environment["GITHUB_TOKEN"]
        world.environment.clear()
        world.environment |= {"GITHUB_ACTIONS": "", "CI": "", "GITHUB_TOKEN": token}
        world.server.forget()
        return gate

    def test_the_number_is_enough(self, review: Review, here: Callable[..., Ran]) -> None:
        asked = ("approvals", "--forge", "github", "--number", review.world.pull.number)
        done = here(*asked)
        assert done.code == 3, done.err
        review.approve(review.rita)
        done = here(*asked)
        assert done.code == 0, done.out + done.err
        assert review.world.server.writes == ()

    def test_without_a_number_it_says_what_to_give(self, here: Callable[..., Ran]) -> None:
        done = here("approvals", "--forge", "github")
        assert done.code == 2
        assert "--number N" in done.err
