"""Approvals on GitLab from beginning to end: they carry no commit, and are bound to a version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.forges.gitlab import scenario
from tests.forges.test_review_github import config_map
from tests.forges.test_review_gitlab import World
from tests.forges.test_review_gitlab import gate as gate  # noqa: PLC0414 - a fixture
from tests.forges.test_review_gitlab import world as world  # noqa: PLC0414 - a fixture

RULES = """\
version: 1
policies: {{builtin: []}}
forge: {{url: {url}, repository_id: {id}}}
approvals:
  rules:
    - {{name: a second pair of eyes, when: {{applications: [apps]}}, require: {{count: 1}}}}
{more}"""


class Review:
    """A merge request under rules, and what a run says about it."""

    def __init__(self, world: World, gate: Any, folder: Path) -> None:
        self.world, self.gate, self.file = world, gate, folder / "approvals.json"
        for number, name in enumerate(("author", "committer"), start=61):
            world.state.add_user(name, id=number)

    def rules(self, more: str = "") -> None:
        world = self.world
        text = RULES.format(url=world.server.url, id=scenario.PROJECT_ID, more=more)
        world.commit("main", {".gitops-gate.yaml": text})
        world.git.git("checkout", "--quiet", "change")
        world.git.git("reset", "--quiet", "--hard", "main")
        world.commit("change", {"apps/settings.yaml": config_map("new")})

    def run(self, *arguments: str) -> int:
        self.world.environment["CI_COMMIT_SHA"] = self.world.rev("change")
        done = self.gate("review", "--report", f"json={self.file}", *arguments)
        return int(done.code)

    @property
    def tree(self) -> dict[str, Any]:
        return json.loads(self.file.read_text())["approvals"]

    @property
    def codes(self) -> list[str]:
        return [one["code"] for one in self.tree["not_counted"]]


@pytest.fixture
def review(world: World, gate: Any, tmp_path: Path) -> Review:
    made = Review(world, gate, tmp_path)
    made.rules()
    return made


def test_without_an_approval_it_is_pending_and_with_one_it_is_allowed(review: Review) -> None:
    assert review.run() == 3
    review.world.state.approve(review.world.mr, by="bob")
    assert review.run() == 0, json.dumps(review.tree, indent=1)


def test_the_author_and_a_reporter_do_not_count(review: Review) -> None:
    review.world.state.approve(review.world.mr, by="alice")
    review.world.state.approve(review.world.mr, by="dave")
    assert review.run() == 3
    assert sorted(review.codes) == ["contributor", "no_write_access"]


def test_a_push_that_changes_something_voids_it(review: Review) -> None:
    review.world.state.approve(review.world.mr, by="bob")
    review.world.commit("change", {"apps/settings.yaml": config_map("newer")})
    assert review.run() == 3
    assert review.codes == ["source_changed"]


def test_a_target_that_moved_without_effect_keeps_it(review: Review) -> None:
    review.world.state.approve(review.world.mr, by="bob")
    before = review.world.rev("main")
    review.world.commit("main", {"elsewhere/other.yaml": config_map("x", "other")})
    review.world.state.move("group/shop", "main", before, by="carol")
    assert review.run() == 0, json.dumps(review.tree, indent=1)


def test_a_group_is_asked_with_all_its_members(review: Review) -> None:
    review.rules(
        "    - {name: sre, when: {environments: [default]}, require: {teams: [group/sre]}}\n"
    )
    review.world.state.project("group/shop").members[14] = 30
    review.world.environment["GITOPS_GATE_TOKEN"] = scenario.MAINTAINER_TOKEN
    review.world.state.approve(review.world.mr, by="bob")
    assert review.run() == 3
    review.world.state.approve(review.world.mr, by="dave")
    assert review.run() == 0, json.dumps(review.tree, indent=1)


def test_a_re_run_asks_little(review: Review) -> None:
    review.world.state.approve(review.world.mr, by="bob")
    review.run()
    review.world.server.forget()
    review.run()
    assert review.world.server.writes == ()
    assert len(review.world.server.log) <= 8, [one.path for one in review.world.server.log]


def test_a_line_of_codeowners_that_asks_nobody_is_said(review: Review) -> None:
    review.world.commit("main", {"CODEOWNERS": "/apps/ nobody\n"})
    review.run()
    report = json.loads(review.file.read_text())
    assert any(warning.startswith("CODEOWNERS:1:") for warning in report["warnings"])
