"""What changes on GitHub between two steps of a run, or between two runs, opens nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from gitops_gate.review.handover import file_digest
from tests.forges.github import actions
from tests.forges.serving import Fault, Reply, Request
from tests.forges.test_review_github import Ran, World, config_map, deployment, request_event
from tests.forges.test_review_github import gate as gate  # noqa: PLC0414 - a fixture
from tests.forges.test_review_github import world as world  # noqa: PLC0414 - a fixture

HARMLESS = deployment("registry.example.com/web@sha256:" + "b" * 64)


@pytest.fixture
def allowed(world: World) -> World:
    """A change that the rules of `main` allow, and a branch `release` with the same commit."""
    world.git.git("branch", "release", "main")
    world.commit("change", {"apps/web.yaml": HARMLESS})
    world.event("pull_request_target", request_event(world))
    return world


def meanwhile(world: World, operation: str, act: Callable[[], None]) -> None:
    """Do something on the forge right after it has answered a request for the first time."""

    def after(_request: Request, reply: Reply) -> Reply:
        with world.server.work():
            act()
        return reply

    world.server.faults.add(Fault(name="meanwhile", operation=operation, after=after))


def checked(world: World, gate: Callable[..., Ran]) -> tuple[Path, str]:
    """A report of the job without privileges, and its digest."""
    file = Path(world.environment["GITHUB_OUTPUT"]).parent / "report.json"
    gate("check", "--ci", "--report", f"json={file}")
    return file, file_digest(file.read_bytes())


def retarget(world: World) -> None:
    actions.retarget(world.server.world, world.repository, world.pull, "release", world.pull.author)


def commit_beside(world: World, files: Mapping[str, str]) -> None:
    """Move `main` on, as when another change lands."""
    world.commit("main", files)
    world.git.git("checkout", "--quiet", "change")
    actions.sync(world.server.world)


@pytest.mark.parametrize("operation", ["graphql/*", "issues/create-comment"])
def test_a_target_that_changes_meanwhile_gets_no_success(
    allowed: World, gate: Any, operation: str
) -> None:
    meanwhile(allowed, operation, lambda: retarget(allowed))
    done = gate("review")
    assert allowed.pull.base_ref == "release"
    assert ("gitops-gate", "success") not in allowed.states, done.out
    assert "the target is release by now" in done.out


def test_a_pull_request_that_is_closed_meanwhile_gets_no_success(allowed: World, gate: Any) -> None:
    world = allowed
    meanwhile(
        world,
        "issues/create-comment",
        lambda: actions.close(world.server.world, world.pull, world.repository.owner),
    )
    gate("review")
    assert world.states == []


class TestAPublishJobThatIsRunAgainByItself:
    def test_rules_that_became_stricter_since_are_not_passed_by(
        self, allowed: World, gate: Any
    ) -> None:
        report, digest = checked(allowed, gate)
        text = (allowed.git.folder / ".gitops-gate.yaml").read_text()
        more = "approvals: {rules: [{name: two more, require: {count: 2}}]}\n"
        commit_beside(allowed, {".gitops-gate.yaml": text + more})
        done = gate("publish", report, "--digest", digest)
        assert done.code == 2
        assert allowed.states == [("gitops-gate", "error")]
        assert "run again" in allowed.comments[0]

    def test_so_do_owners_that_were_added_since(self, allowed: World, gate: Any) -> None:
        report, digest = checked(allowed, gate)
        commit_beside(allowed, {"CODEOWNERS": "* @somebody\n"})
        assert gate("publish", report, "--digest", digest).code == 2
        assert allowed.states == [("gitops-gate", "error")]

    def test_what_a_newer_run_said_of_a_newer_base_stands(self, allowed: World, gate: Any) -> None:
        report, digest = checked(allowed, gate)
        commit_beside(allowed, {"apps/web.yaml": deployment("x:latest")})
        assert gate("review").code == 2  # a conflict with what landed
        before = allowed.comments
        done = gate("publish", report, "--digest", digest)
        assert done.code == 2
        assert allowed.states == [("gitops-gate", "error")]
        assert allowed.comments == before

    def test_a_target_that_only_moved_on_does_not_lose_it(self, allowed: World, gate: Any) -> None:
        report, digest = checked(allowed, gate)
        commit_beside(allowed, {"docs.md": "hello"})
        assert gate("publish", report, "--digest", digest).code == 0
        assert allowed.states == [("gitops-gate", "success")]

    def test_what_is_not_published_is_no_green_job(self, allowed: World, gate: Any) -> None:
        report, digest = checked(allowed, gate)
        allowed.commit("change", {"apps/more.yaml": config_map("x", "more")})
        assert gate("publish", report, "--digest", digest).code == 2
        assert allowed.states == []


def test_a_list_of_pull_requests_that_is_cut_off_is_no_answer(allowed: World, gate: Any) -> None:
    """Sixty of one head: whether ours is among those that count is not to be seen."""
    world = allowed
    head = world.git.git("rev-parse", "change").strip()
    with world.server.work():
        for number in range(60):
            world.git.git("branch", f"copy-{number}", head)
            pull = world.server.pull(world.repository, head=f"copy-{number}")
            actions.close(world.server.world, pull, world.repository.owner)
    done = gate("review")
    assert (done.code, world.states) == (2, [("gitops-gate", "error")])
    assert "does not list every pull request" in world.comments[0]
