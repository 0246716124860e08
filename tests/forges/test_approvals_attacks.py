"""What people try against `gitops-gate approvals`, and what unlucky ones run into.

It decides nothing; but who reads "nothing is missing" merges, so it is never milder than a review.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gitops_gate.ci import detect
from gitops_gate.errors import GitOpsGateError
from gitops_gate.pipeline import Options
from gitops_gate.review.run import Setting, ask_approvals
from gitops_gate.source import open_repository
from tests.forges.github import actions
from tests.forges.serving import Elsewhere, Fault, Loopback, Reply, Request
from tests.forges.test_approvals_command import ask as ask  # noqa: PLC0414 - a fixture
from tests.forges.test_approvals_command import tree
from tests.forges.test_review_approvals_github import Review
from tests.forges.test_review_approvals_github import review as review  # noqa: PLC0414 - a fixture
from tests.forges.test_review_faults import (
    FAULTS,
    Play,
    github_play,  # noqa: F401 - a fixture
    gitlab_play,  # noqa: F401 - a fixture
)
from tests.forges.test_review_faults import _time as _time  # noqa: PLC0414 - a fixture
from tests.forges.test_review_github import TOKEN, Ran, config_map, request_event
from tests.forges.test_review_github import gate as gate  # noqa: PLC0414 - a fixture
from tests.forges.test_review_github import world as github_world  # noqa: F401 - a fixture
from tests.forges.test_review_github import world as world  # noqa: PLC0414 - a fixture
from tests.forges.test_review_gitlab import world as gitlab_world  # noqa: F401 - a fixture
from tests.unit.reports.runner import Runner

HOSTILE = "x\x1b[2J\u202e\n::add-mask::x\r::set-output name=verdict::allow"
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
"""What a terminal obeys, or hides."""


# ------------------------------------------------------------------------------- every fault

everything = pytest.mark.parametrize("name", FAULTS)
both = ("pending", "allow")


def asked(play: Play) -> bool | None:
    """Whether nothing is missing; None where it could not be said."""
    with open_repository(play.repository) as repository:
        environment = detect(play.environment)
        assert environment is not None
        setting = Setting(
            environment=environment, repository=repository, token=play.token, sleep=lambda _: None
        )
        try:
            said, satisfied = "", ask_approvals(setting, None, Options(jobs=1)).satisfied
        except GitOpsGateError as error:
            said, satisfied = str(error), None
    assert play.token not in said
    return satisfied


def never_milder(play: Play, name: str, *, satisfied: bool) -> None:
    """One run for each request, in which that one fails."""
    saved = play.save()
    play.server.forget()
    assert asked(play) is satisfied
    requests = len(play.server.log)
    assert 3 <= requests <= 8
    with play.elsewhere:
        for place in range(requests):
            play.restore(saved)
            play.server.faults.clear()
            play.server.forget()
            FAULTS[name](play, place)
            said = f"{name} at request {place}"
            assert asked(play) in ({True, False, None} if satisfied else {False, None}), said
            assert play.server.writes == (), said
        assert play.elsewhere.log == ()


@pytest.mark.slow
@pytest.mark.parametrize("github_play", both, indirect=True, ids=str)
@everything
def test_no_fault_of_github_makes_it_milder(
    github_play: Play,  # noqa: F811 - the fixture
    name: str,
    request: pytest.FixtureRequest,
) -> None:
    wanted = request.node.callspec.params["github_play"]
    never_milder(github_play, name, satisfied=wanted == "allow")


@pytest.mark.slow
@pytest.mark.parametrize("gitlab_play", both, indirect=True, ids=str)
@everything
def test_no_fault_of_gitlab_makes_it_milder(
    gitlab_play: Play,  # noqa: F811 - the fixture
    name: str,
    request: pytest.FixtureRequest,
) -> None:
    wanted = request.node.callspec.params["gitlab_play"]
    never_milder(gitlab_play, name, satisfied=wanted == "allow")


# ------------------------------------------------------------------------------- hostile names


def harmless(done: Ran) -> None:
    """Nothing that is printed does anything to a terminal or to a runner."""
    assert done.out
    assert UNSEEN.search(done.out + done.err) is None
    assert Runner().read(done.out + done.err).obeyed == []


class TestNames:
    """Of folders, owners and rules in the head, of accounts, and in comments."""

    @pytest.fixture(autouse=True)
    def _hostile(self, review: Review) -> None:
        world = review.world
        folder = HOSTILE.replace("/", "_")
        rules = (world.git.folder / ".gitops-gate.yaml").read_text()
        rule = (
            f"    - {{name: {json.dumps(HOSTILE)}, require: {{teams: [{json.dumps(HOSTILE)}]}}}}\n"
        )
        world.commit("change", {f"{folder}/settings.yaml": config_map("x", "hostile")})
        text = f'* @sam\n"{folder}" @::error::x @sam\x1b[2J\n/{folder}/ @a\u202eb\n'
        world.commit("change", {"CODEOWNERS": text, ".gitops-gate.yaml": rules + rule})
        review.sync()
        sneaky = world.server.account("sam\u202e::error::x")
        world.repository.collaborators[sneaky.login] = "write"
        review.approve(sneaky)
        with world.server.work():
            head = world.git.git("rev-parse", "change").strip()
            body = f"/gitops-gate override {head} {HOSTILE}"
            actions.comment(world.server.world, world.pull, sneaky, body)

    @pytest.mark.parametrize("form", ["text", "json"])
    def test_in_ci(self, review: Review, ask: Callable[..., Ran], form: str) -> None:
        done = ask("--format", form)
        assert done.code == 3, done.out
        assert "add-mask" in done.out
        harmless(done)

    @pytest.mark.parametrize("form", ["text", "json"])
    def test_on_a_persons_machine(
        self, review: Review, gate: Callable[..., Ran], form: str
    ) -> None:
        environment = review.world.environment
        at_home(review)
        done = gate("approvals", "--forge", "github", "--number", 1, "--format", form)
        assert done.code == 3, done.err
        assert environment["CI"] == ""
        assert UNSEEN.search(done.out + done.err) is None

    def test_in_a_report_that_somebody_else_wrote(
        self, review: Review, ask: Callable[..., Ran], gate: Callable[..., Ran], tmp_path: Path
    ) -> None:
        report = tmp_path / "report.json"
        review.world.event("pull_request_target", request_event(review.world))
        gate("check", "--ci", "--report", f"json={report}")
        value = json.loads(report.read_text())
        for application in value["applications"]:
            application["name"] = f"{application['name']}{HOSTILE}"
        report.write_text(json.dumps(value))
        done = ask("--report-file", report)
        assert done.code in (2, 3)
        harmless(done)


def at_home(review: Review, origin: str | None = None) -> None:
    """Take the CI away, and give the checkout a remote."""
    world = review.world
    path = f"{world.server.origin}/{world.repository.full_name}.git"
    world.git.git("remote", "add", "origin", origin or path)
    for branch in ("main", "change"):
        world.git.git("update-ref", f"refs/remotes/origin/{branch}", branch)
    world.git.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    world.environment.clear()
    world.environment |= {"GITHUB_ACTIONS": "", "CI": "", "GITHUB_TOKEN": TOKEN}


# ------------------------------------------------------------------------------- other hosts


class TestWhereTheTokenGoes:
    def test_a_remote_elsewhere_gets_nothing(
        self, review: Review, gate: Callable[..., Ran]
    ) -> None:
        with Loopback(Elsewhere()) as elsewhere:
            at_home(review, f"{elsewhere.origin.replace('127.0.0.1', 'localhost')}/acme/shop.git")
            done = gate("approvals", "--forge", "github", "--number", 1)
            assert (done.code, elsewhere.log) == (2, ())

    def test_nor_do_variables_lead_it_there(self, review: Review, ask: Callable[..., Ran]) -> None:
        with Loopback(Elsewhere()) as elsewhere:
            for name in ("GITHUB_API_URL", "GITHUB_GRAPHQL_URL", "GITHUB_SERVER_URL"):
                review.world.environment[name] = elsewhere.origin
            done = ask()
            assert elsewhere.log == ()
        assert done.code in (2, 3)

    def test_nor_does_a_page_of_a_list(self, review: Review, ask: Callable[..., Ran]) -> None:
        review.approve(review.rita)
        with Loopback(Elsewhere()) as elsewhere:

            def linked(_request: Request, reply: Reply) -> Reply:
                return reply.with_headers(("Link", f'<{elsewhere.origin}/x>; rel="next"'))

            review.world.server.faults.add(
                Fault(name="linked", operation="repos/list-activities", times=None, after=linked)
            )
            done = ask()
            assert (done.code == 0, elsewhere.log) == (False, ())


# ------------------------------------------------------------------------------- other reports


class TestReports:
    @pytest.fixture
    def report(self, review: Review, gate: Callable[..., Ran], tmp_path: Path) -> Path:
        file = tmp_path / "report.json"
        review.world.event("pull_request_target", request_event(review.world))
        gate("check", "--ci", "--report", f"json={file}")
        return file

    def test_one_that_says_that_all_approved_is_not_believed(
        self, review: Review, ask: Callable[..., Ran], gate: Callable[..., Ran], report: Path
    ) -> None:
        review.approve(review.rita)
        done = ask("--format", "json")
        satisfied = tree(done)
        review.approve(review.rita, state="CHANGES_REQUESTED", body="no")
        value = json.loads(report.read_text())
        report.write_text(json.dumps({**value, "approvals": satisfied}))
        assert ask("--report-file", report).code == 3

    @pytest.mark.parametrize("key", ["base", "head"])
    def test_one_of_an_older_commit_is_refused(
        self, review: Review, ask: Callable[..., Ran], report: Path, key: str
    ) -> None:
        value = json.loads(report.read_text())
        older = review.world.git.git("rev-parse", "main~1").strip()
        for commit in (older, None):
            report.write_text(json.dumps({**value, key: commit}))
            done = ask("--report-file", report)
            assert done.code == 2
            assert "the report is about" in done.out

    def test_one_of_a_head_that_has_moved_is_refused(
        self, review: Review, ask: Callable[..., Ran], report: Path
    ) -> None:
        review.push("apps/more.yaml")
        assert ask("--report-file", report).code == 2

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"null",
            b"[]",
            b"{",
            b"\xff\xfe",
            b'{"schema": "gitops-gate/report/v2"}',
            b"[" * 100_000,
            b'{"schema": "gitops-gate/report/v1", "verdict": "allow"}',
        ],
        ids=repr,
    )
    def test_what_is_no_report_is_an_error_and_no_crash(
        self, ask: Callable[..., Ran], tmp_path: Path, content: bytes
    ) -> None:
        file = tmp_path / "report.json"
        file.write_bytes(content)
        done = ask("--report-file", file)
        assert done.code == 2
        assert "Traceback" not in done.out
        harmless(done)

    def test_one_without_an_end_is_not_read_to_it(self, ask: Callable[..., Ran]) -> None:
        done = ask("--report-file", "/dev/zero")
        assert done.code == 2
        assert "too large" in done.out

    def test_a_file_that_may_not_be_read_is_an_error(
        self, ask: Callable[..., Ran], tmp_path: Path
    ) -> None:
        file = tmp_path / "report.json"
        file.write_text("{}")
        file.chmod(0)
        if os.access(file, os.R_OK):
            pytest.skip("root reads everything")
        assert ask("--report-file", file).code == 2


# ------------------------------------------------------------------------------- races


def meanwhile(review: Review, operation: str, act: Callable[[], Any]) -> None:
    """Do something right after GitHub has answered a request for the first time."""

    def after(_request: Request, reply: Reply) -> Reply:
        act()
        return reply

    review.world.server.faults.add(Fault(name="meanwhile", operation=operation, after=after))


OPERATIONS = ("graphql/query/ChangeRequest", "repos/list-activities")
at_each = pytest.mark.parametrize("operation", OPERATIONS)


class TestRaces:
    @at_each
    def test_a_push_meanwhile_is_not_covered_by_what_was_approved_before(
        self, review: Review, ask: Callable[..., Ran], operation: str
    ) -> None:
        review.approve(review.rita)
        before = review.world.git.git("rev-parse", "change").strip()
        meanwhile(review, operation, lambda: review.push("apps/more.yaml"))
        done = ask("--format", "json")
        if done.code == 0:
            assert tree(done)["head"] == before
        assert ask().code == 3

    @at_each
    def test_a_target_that_moves_meanwhile_is_told_or_waited_for(
        self, review: Review, ask: Callable[..., Ran], operation: str
    ) -> None:
        review.approve(review.rita)
        world, before = review.world, review.world.git.git("rev-parse", "main").strip()

        def move() -> None:
            world.commit("main", {"CODEOWNERS": "* @sam\n"})
            world.git.git("checkout", "--quiet", "change")
            review.sync()

        meanwhile(review, operation, move)
        done = ask("--format", "json")
        if done.code == 0:
            assert tree(done)["base"] == before
        assert ask().code == 3

    def test_an_approval_that_is_taken_back_meanwhile_counts_for_no_later_question(
        self, review: Review, ask: Callable[..., Ran]
    ) -> None:
        given = review.approve(review.rita)

        def dismiss() -> None:
            with review.world.server.work():
                world = review.world.server.world
                actions.dismiss(world, review.world.pull, given, review.sam, "no")

        meanwhile(review, "repos/list-activities", dismiss)
        ask()
        assert ask().code == 3

    def test_a_change_that_is_closed_is_refused(
        self, review: Review, ask: Callable[..., Ran]
    ) -> None:
        with review.world.server.work():
            actions.close(review.world.server.world, review.world.pull, review.author)
        assert ask().code == 2

    def test_another_number_is_another_change(
        self, review: Review, ask: Callable[..., Ran]
    ) -> None:
        """What was approved for one is no approval of another with the same head."""
        world = review.world
        review.approve(review.rita)
        world.git.git("branch", "copy", "change")
        review.sync()
        copy = world.server.pull(world.repository, head="copy", author=review.author)
        assert ask("--number", copy.number).code == 3
