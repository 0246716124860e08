"""What people try against a review on GitHub, and what unlucky ones run into."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.forges.github import actions
from tests.forges.serving import Fault, Reply, Request
from tests.forges.test_review_approvals_github import Review
from tests.forges.test_review_approvals_github import review as review  # noqa: PLC0414 - a fixture
from tests.forges.test_review_github import TOKEN, World, config_map, deployment, request_event
from tests.forges.test_review_github import gate as gate  # noqa: PLC0414 - a fixture
from tests.forges.test_review_github import world as world  # noqa: PLC0414 - a fixture
from tests.unit.reports.runner import Runner

FORMATS = ("json", "html", "sarif", "junit", "codequality", "markdown", "annotations", "text")
VALUE = "correct-horse-battery-staple"


def secret(value: str) -> str:
    return (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: database, namespace: shop}\n"
        f"stringData:\n  password: {value}\n"
    )


class TestApprovals:
    def test_an_approval_comes_back_with_the_head_that_it_was_given_for_and_no_other(
        self, review: Review
    ) -> None:
        git = review.world.git
        first = git.git("rev-parse", "change").strip()
        review.approve(review.rita)
        review.push("apps/more.yaml", "other")
        review.approve(review.sam)
        git.git("checkout", "--quiet", "change")
        git.git("reset", "--quiet", "--hard", first)
        review.sync()
        review.run()
        (requirement,) = review.tree["requirements"]
        assert "sam" not in [account["login"] for account in requirement["by"]]

    def test_who_lost_write_access_does_not_count_any_more(self, review: Review) -> None:
        review.approve(review.rita)
        assert review.run().code == 0
        review.world.repository.collaborators["rita"] = "read"
        assert (review.run().code, review.state) == (3, "pending")

    def test_another_target_voids_what_was_given_for_the_first(self, review: Review) -> None:
        world = review.world
        world.git.git("branch", "release", "main")
        review.sync()
        review.approve(review.rita)
        with world.server.work():
            actions.retarget(
                world.server.world, world.repository, world.pull, "release", review.author
            )
        event = request_event(world)
        event["pull_request"]["base"]["ref"] = "release"
        world.event("pull_request_target", event)
        assert review.gate("review", "--report", f"json={review.file}").code == 3
        assert review.codes == ["retargeted"]

    def test_owners_that_the_change_takes_away_are_still_asked(self, review: Review) -> None:
        world = review.world
        world.commit("main", {"CODEOWNERS": "* @sam\n"})
        world.git.git("checkout", "--quiet", "change")
        world.git.git("rebase", "--quiet", "main")
        world.commit("change", {"CODEOWNERS": None})
        review.sync()
        review.approve(review.rita)
        assert review.run().code == 3
        review.approve(review.sam)
        assert review.run().code == 0

    @pytest.mark.parametrize(
        ("who", "text"),
        [
            ("sam", "> /gitops-gate override {head} the site is down"),
            ("sam", "Please: /gitops-gate override {head} the site is down"),
            ("sam", "```\n/gitops-gate override {head} the site is down\n```"),
            ("sam", "<!--\n/gitops-gate override {head} the site is down -->"),
            ("sam", "/gitops-gate override 1234567 the site is down"),
            ("sam", "/gitops-gate override {head}"),
            ("ann", "/gitops-gate override {head} the site is down"),
            ("rita", "/gitops-gate override {head} the site is down"),
        ],
    )
    def test_what_is_no_override(self, review: Review, who: str, text: str) -> None:
        """ann wrote the change, and rita is not in the team."""
        self.on_call(review)
        server, head = review.world.server, review.world.git.git("rev-parse", "change").strip()
        author = {"sam": review.sam, "ann": review.author, "rita": review.rita}[who]
        with server.work():
            text = text.format(head=head)
            actions.comment(server.world, review.world.pull, author, text)
        assert review.run().code == 3

    def test_nobody_writes_an_override_in_somebody_elses_name(self, review: Review) -> None:
        self.on_call(review)
        server, head = review.world.server, review.world.git.git("rev-parse", "change").strip()
        with server.work():
            comment = actions.comment(server.world, review.world.pull, review.sam, "hello")
            text = f"/gitops-gate override {head} the site is down"
            actions.edit(server.world, comment, review.rita, text)
        assert review.run().code == 3

    @staticmethod
    def on_call(review: Review) -> None:
        review.rules("  override: {teams: [on-call]}\n")
        server = review.world.server
        server.team("acme", "on-call", ("sam", "ann"))
        permissions = {"contents": "read", "pull_requests": "write", "statuses": "write"}
        server.token(TOKEN, permissions={**permissions, "members": "read"})


def test_the_value_of_a_secret_is_in_nothing_that_leaves(
    world: World, gate: Any, tmp_path: Path
) -> None:
    world.commit("main", {"apps/secret.yaml": secret(f"old-{VALUE}")})
    world.git.git("checkout", "--quiet", "change")
    world.git.git("rebase", "--quiet", "main")
    world.commit("change", {"apps/secret.yaml": secret(f"new-{VALUE}")})
    world.event("pull_request_target", request_event(world))
    files = {name: tmp_path / f"report.{name}" for name in FORMATS}
    reports = [f"--report={name}={file}" for name, file in files.items()]
    done = gate("review", "--diff", "--all", "--verbose", *reports)
    left = {name: file.read_text() for name, file in files.items()}
    left["printed"] = done.out + done.err
    left["summary"] = Path(world.environment["GITHUB_STEP_SUMMARY"]).read_text()
    left["sent"] = "".join(entry.body for entry in world.server.log)
    assert [name for name, text in left.items() if VALUE in text] == []
    assert "database" in world.comments[0]


def test_files_of_every_kind(world: World, gate: Any) -> None:
    """CRLF, bytes that are no text, hostile names, links, a long line, a file that moved."""
    folder = world.git.folder
    world.git.git("checkout", "--quiet", "change")
    windows = deployment("x:latest").replace("name: web\n", "name: windows\n", 1)
    (folder / "apps/windows.yaml").write_bytes(windows.replace("\n", "\r\n").encode())
    (folder / "apps/picture.png").write_bytes(bytes(range(256)) * 100)
    Path(os.fsdecode(os.fsencode(folder) + b"/apps/caf\xe9.yaml")).write_text(
        config_map("x", "cafe")
    )
    world.git.write("apps/new\nline::warning::x.yaml", config_map("x", "line"))
    world.git.write("apps/::error file=a::b.yaml", windows.replace("windows", "command"))
    world.git.write("apps/long.yaml", config_map("'" + "a" * 5_000_000 + "'", "long"))
    (folder / "apps/link.txt").symlink_to("web.yaml")
    world.git.git("mv", "apps/settings.yaml", "apps/moved.yaml")
    world.git.commit()
    world.event("pull_request_target", request_event(world))
    done = gate("review")
    assert done.code == 1
    obeyed = Runner().read(done.out).obeyed
    assert {one.name for one in obeyed} <= {"error", "warning", "notice"}
    assert ("apps/windows.yaml", 13) in [(one.path, one.line) for one in world.pull.threads]
    assert len(world.comments[0]) < 65_536
    world.server.forget()
    assert gate("review").code == 1
    assert world.server.writes == ()


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"pull_request": []},
        {"number": True},
        {"number": -1},
        {"number": 10**30},
        {"number": 1, "pull_request": {"base": {"ref": "refs/heads/../../x"}}},
        {"number": 1, "pull_request": {"base": {"ref": "--upload-pack=touch x"}}},
        {"number": 1, "pull_request": {"base": {"ref": "a\nb::error::x"}}},
    ],
)
def test_an_event_that_says_nonsense_leads_to_nothing(
    world: World, gate: Any, payload: dict[str, Any]
) -> None:
    world.event("pull_request_target", payload)
    done = gate("review")
    assert (done.code, world.states, world.comments) == (2, [], [])
    assert Runner().read(done.out).obeyed == []


class TestComments:
    def test_somebody_elses_with_our_marker_is_left_alone(self, world: World, gate: Any) -> None:
        gate("review")
        server, ours = world.server, world.comments[0]
        forged = ours.replace("denied", "allowed")
        with server.work():
            actions.delete_comment(
                server.world, world.pull, world.pull.comments[0], world.repository.owner
            )
            actions.comment(server.world, world.pull, server.account("mallory"), forged)
        assert gate("review").code == 1
        assert world.comments == [forged, ours]

    def test_ours_that_somebody_removes_while_it_is_written_is_there_once(
        self, world: World, gate: Any
    ) -> None:
        gate("review")
        server = world.server
        world.commit("change", {"apps/web.yaml": deployment("a@sha256:" + "b" * 64)})

        def removed(_request: Request) -> Reply:
            with server.work():
                (comment,) = world.pull.comments
                actions.delete_comment(server.world, world.pull, comment, world.repository.owner)
            return Reply.of({"message": "Not Found"}, 404)

        server.faults.add(Fault(name="removed", operation="issues/update-comment", before=removed))
        assert gate("review").code == 0
        (comment,) = world.comments
        assert "allowed" in comment

    def test_ours_is_found_behind_hundreds_of_others(self, world: World, gate: Any) -> None:
        rita = world.server.account("rita")

        def talk() -> None:
            with world.server.work():
                for number in range(120):
                    actions.comment(world.server.world, world.pull, rita, f"number {number}")

        talk()
        gate("review")
        talk()
        world.server.forget()
        assert gate("review").code == 1
        assert world.server.writes == ()
