"""Whole reviews on GitLab: the command in a job's environment, against a GitLab of our own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gitops_gate.cli import main
from gitops_gate.review.handover import file_digest
from tests.forges.gitlab import scenario
from tests.forges.gitlab.server import GitLabServer
from tests.forges.gitlab.state import MergeRequest, Note, State
from tests.forges.test_review_github import PINNED_RULE, Ran, config_map, deployment
from tests.unit.source.repositories import GitRepository


@dataclass
class World:
    """A checkout with `main`, a change on `change`, its merge request, and the job around it."""

    git: GitRepository
    server: GitLabServer
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> State:
        return self.server.state

    @property
    def mr(self) -> MergeRequest:
        return self.state.merge_request("group/shop", 7)

    def rev(self, name: str) -> str:
        return self.git.git("rev-parse", name).strip()

    def commit(self, branch: str, files: Mapping[str, str]) -> str:
        self.git.git("checkout", "--quiet", branch)
        for path, content in files.items():
            self.git.write(path, content)
        commit = self.git.commit()
        if branch == "change":
            self.state.push(self.mr, by="alice")
        return commit

    @property
    def notes(self) -> list[str]:
        return [one.body for one in self.mr.notes if not one.system and one.position is None]

    @property
    def inline(self) -> list[Note]:
        return [one for one in self.mr.notes if one.position is not None]

    @property
    def statuses(self) -> list[tuple[str, str]]:
        return [(one.name, one.status) for one in self.state.statuses]


@pytest.fixture
def world(tmp_path: Path, start_gitlab: Callable[..., GitLabServer]) -> World:
    git = GitRepository(tmp_path / "checkout")
    git.write("apps/web.yaml", deployment("registry.example.com/web@sha256:" + "a" * 64))
    git.write("apps/settings.yaml", config_map("old"))
    git.commit()
    git.git("branch", "change")
    shop = scenario.shop(git.folder)
    server = start_gitlab(shop.state)
    pins = f"forge: {{url: {server.url}, repository_id: {scenario.PROJECT_ID}}}\n"
    git.write(".gitops-gate.yaml", PINNED_RULE + pins)
    git.commit()
    git.git("branch", "--force", "change", "main")
    world = World(git, server)
    world.commit(
        "change",
        {
            "apps/web.yaml": deployment("registry.example.com/web:latest"),
            "apps/settings.yaml": config_map("new"),
        },
    )
    world.environment = {
        "GITLAB_CI": "true",
        "CI_PIPELINE_SOURCE": "merge_request_event",
        "CI_PROJECT_ID": str(scenario.PROJECT_ID),
        "CI_PROJECT_PATH": "group/shop",
        "CI_API_V4_URL": server.api,
        "CI_SERVER_URL": server.url,
        "CI_DEFAULT_BRANCH": "main",
        "CI_MERGE_REQUEST_IID": "7",
        "CI_MERGE_REQUEST_EVENT_TYPE": "detached",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "CI_COMMIT_SHA": world.rev("change"),
        "GITOPS_GATE_TOKEN": scenario.TOKEN,
    }
    server.forget()
    return world


@pytest.fixture
def gate(world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)

    def run(*arguments: object) -> Ran:
        for name, value in world.environment.items():
            monkeypatch.setenv(name, value)
        capfd.readouterr()
        code = main([*map(str, arguments), "--repo", str(world.git.folder)])
        said = capfd.readouterr()
        assert scenario.TOKEN not in said.out + said.err
        return Ran(code, said.out, said.err)

    return run


def test_a_denied_change(world: World, gate: Any) -> None:
    done = gate("review")
    assert done.code == 1, done.err
    (note,) = world.notes
    assert "denied" in note
    assert "images/pinned" in note
    assert world.statuses == [("gitops-gate", "failed")]
    (inline,) = world.inline
    assert "images/pinned" in inline.body
    assert len(world.server.log) <= 11, [entry.path for entry in world.server.log]


def test_a_re_run_with_nothing_new_writes_nothing(world: World, gate: Any) -> None:
    gate("review")
    world.server.forget()
    assert gate("review").code == 1
    assert world.server.writes == ()
    assert len(world.server.log) <= 6


def test_a_fixed_change_edits_the_note_and_resolves_the_thread(world: World, gate: Any) -> None:
    gate("review")
    world.commit("change", {"apps/web.yaml": deployment("a@sha256:" + "b" * 64)})
    assert gate("review").code == 0
    (note,) = world.notes
    assert "allowed" in note
    assert world.statuses[-1] == ("gitops-gate", "success")
    (thread,) = world.inline
    assert thread.resolved_by is not None


def test_a_job_token_says_what_it_cannot_do(world: World, gate: Any) -> None:
    world.environment["GITOPS_GATE_TOKEN"] = scenario.JOB_TOKEN
    done = gate("review")
    assert done.code == 1
    assert world.server.writes == ()
    assert "CI_JOB_TOKEN" in done.err


def test_a_note_that_was_stored_behind_a_502_is_there_once(world: World, gate: Any) -> None:
    world.server.faults.bad_gateway("*otes*", committed=True, times=1)
    assert gate("review").code == 1
    assert len(world.notes) == 1


def test_no_quick_action_of_the_change_is_executed(world: World, gate: Any) -> None:
    hostile = "|\n    /approve\n    /close\n    /label ~x\n"
    world.commit("change", {"apps/settings.yaml": config_map(hostile)})
    gate("review")
    assert world.notes
    assert world.state.commands == []


def test_the_trusted_form_publishes_what_a_job_of_the_same_pipeline_checked(
    world: World, gate: Any, tmp_path: Path
) -> None:
    payload = tmp_path / "payload"
    payload.write_text(
        json.dumps(
            {
                "object_kind": "merge_request",
                "project": {"id": scenario.PROJECT_ID, "path_with_namespace": "group/shop"},
                "object_attributes": {
                    "iid": 7,
                    "target_branch": "main",
                    "last_commit": {"id": world.rev("change")},
                },
            }
        )
    )
    world.environment |= {
        "CI_PIPELINE_SOURCE": "trigger",
        "TRIGGER_PAYLOAD": str(payload),
        "CI_COMMIT_BRANCH": "main",
        "CI_COMMIT_REF_PROTECTED": "true",
        "CI_MERGE_REQUEST_IID": "",
    }
    report = tmp_path / "report.json"
    assert gate("check", "--ci", "--report", f"json={report}").code == 1
    assert gate("publish", report, "--digest", file_digest(report.read_bytes())).code == 1
    assert world.statuses == [("gitops-gate", "failed")]
    assert len(world.notes) == 1


def test_a_train_gets_a_status_on_its_own_commit(world: World, gate: Any) -> None:
    world.environment |= {
        "CI_MERGE_REQUEST_EVENT_TYPE": "merge_train",
        "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": world.rev("main"),
        "CI_COMMIT_SHA": world.rev("change"),
    }
    assert gate("review").code == 1
    assert world.statuses == [("gitops-gate", "failed")]
    assert world.notes == []


ONE_MORE = "approvals: {rules: [{name: one more, require: {count: 1}}]}\n"


class TestApprovals:
    @pytest.fixture(autouse=True)
    def _rule(self, world: World) -> None:
        world.state.user("alice").emails += ["author@example.com", "committer@example.com"]
        rules = (world.git.folder / ".gitops-gate.yaml").read_text() + ONE_MORE
        world.commit("main", {".gitops-gate.yaml": rules})
        world.commit("change", {"apps/web.yaml": deployment("a@sha256:" + "b" * 64)})
        world.environment["CI_COMMIT_SHA"] = world.rev("change")

    def test_a_change_waits_for_them_and_is_allowed_with_them(
        self, world: World, gate: Any
    ) -> None:
        done = gate("review")
        assert done.code == 3, done.err
        assert world.statuses[-1] == ("gitops-gate", "pending")
        world.state.approve(world.mr, "bob")
        again = gate("review")
        assert again.code == 0, again.out
        assert world.statuses[-1] == ("gitops-gate", "success")

    def test_a_pending_status_that_could_not_be_set_is_an_error(
        self, world: World, gate: Any
    ) -> None:
        world.server.faults.bad_gateway("createCommitStatus", status=403, times=None)
        done = gate("review")
        assert done.code == 2
        assert "nothing holds this change" in done.err

    def test_so_is_one_that_the_token_may_not_set(self, world: World, gate: Any) -> None:
        world.environment["GITOPS_GATE_TOKEN"] = scenario.JOB_TOKEN
        assert gate("review").code == 2
