"""What the scheduled job asks GitLab for, and what it says when something is refused."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType

import pytest

from tests.engines import ROOT
from tests.forges.gitlab.scenario import PROJECT_ID, TOKEN, Shop
from tests.forges.gitlab.server import GitLabServer

TRIGGER_TOKEN = "glptt-0123456789"


@pytest.fixture(scope="session")
def again() -> ModuleType:
    """The program, as the job runs it: a file beside `action/gitlab`."""
    spec = importlib.util.spec_from_file_location("again", ROOT / "action" / "again.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Schedule:
    """A project with its schedule. A minute that is waited for is over at once."""

    again: ModuleType
    server: GitLabServer
    shop: Shop
    waited: list[float] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    def open(self, count: int) -> None:
        """Open merge requests of one branch."""
        for number in range(count):
            self.shop.state.open_merge_request(
                "group/shop", "change", author="alice", title=f"/close $(touch canary) {number}"
            )

    def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        if seconds >= 60:
            self.server.gitlab._recent.clear()

    def run(self) -> int:
        code: int = self.again.run(self.environment, sleep=self.sleep)
        return code

    @property
    def started(self) -> list[int]:
        """The numbers of the merge requests that a pipeline was started for."""
        payloads = [p.payload for p in self.shop.state.pipelines.values() if p.payload]
        return [one["object_attributes"]["iid"] for one in payloads]


@pytest.fixture
def schedule(again: ModuleType, gitlab_server: GitLabServer, gitlab_shop: Shop) -> Schedule:
    gitlab_shop.state.add_trigger(TRIGGER_TOKEN, project="group/shop", by="carol")
    environment = {
        "GATE_URL": gitlab_server.url,
        "CI_PROJECT_ID": str(PROJECT_ID),
        "CI_PROJECT_PATH": "group/shop",
        "CI_DEFAULT_BRANCH": "main",
        "GITOPS_GATE_TOKEN": TOKEN,
        "GITOPS_GATE_TRIGGER_TOKEN": TRIGGER_TOKEN,
    }
    return Schedule(again, gitlab_server, gitlab_shop, environment=environment)


def test_each_open_merge_request_has_a_pipeline_with_a_payload_like_the_webhooks(
    schedule: Schedule,
) -> None:
    assert schedule.run() == 0
    (pipeline,) = [p for p in schedule.shop.state.pipelines.values() if p.source == "trigger"]
    assert pipeline.ref == "main"
    assert pipeline.payload == {
        "object_kind": "merge_request",
        "event_type": "merge_request",
        "project": {"id": PROJECT_ID, "path_with_namespace": "group/shop"},
        "object_attributes": {
            "iid": 7,
            "state": "opened",
            "target_branch": "main",
            "last_commit": {"id": schedule.shop.state.head(schedule.shop.merge_request)},
        },
        "id": str(PROJECT_ID),
        "ref": "main",
        "variables": {},
    }


def test_all_pages_are_read_and_a_second_is_between_two_writes(schedule: Schedule) -> None:
    schedule.open(120)
    schedule.shop.state.close(schedule.shop.merge_request, "alice")
    assert schedule.run() == 0
    assert schedule.started == list(range(8, 128))
    assert schedule.waited == [1] * 119


@pytest.mark.parametrize("keyset", [True, False])
def test_pages_by_a_cursor_are_read_as_well(schedule: Schedule, keyset: bool) -> None:
    schedule.open(150)
    if keyset:
        schedule.shop.state.keyset.add("listMergeRequests")
    assert schedule.run() == 0
    assert len(schedule.started) == 151


def test_no_token_is_in_an_address_or_a_line_of_the_log(
    schedule: Schedule, capsys: pytest.CaptureFixture[str]
) -> None:
    schedule.server.faults.bad_gateway("triggerPipeline")
    schedule.open(1)
    assert schedule.run() == 2
    said = capsys.readouterr()
    for token in (TOKEN, TRIGGER_TOKEN):
        assert token not in said.out + said.err
        for entry in schedule.server.log:
            assert token not in f"{entry.path} {entry.query}"
    started = [entry for entry in schedule.server.log if entry.operation == "triggerPipeline"]
    assert [TOKEN in str(entry.headers) for entry in started] == [False, False]


def test_what_is_refused_is_said_and_the_others_start(
    schedule: Schedule, capsys: pytest.CaptureFixture[str]
) -> None:
    schedule.open(2)
    schedule.server.faults.bad_gateway("triggerPipeline", skip=1)
    assert schedule.run() == 2
    assert schedule.started == [7, 9]
    said = capsys.readouterr().out
    assert "!8: not started: 502" in said
    assert "2 of 3 open merge requests are judged again" in said


def test_a_limit_of_pipelines_is_waited_for(schedule: Schedule) -> None:
    schedule.open(60)
    schedule.shop.state.limits.pipelines = 25
    assert schedule.run() == 0
    assert len(schedule.started) == 61
    assert schedule.waited.count(60) == 2


def test_a_limit_that_does_not_end_is_a_refusal(
    schedule: Schedule, capsys: pytest.CaptureFixture[str]
) -> None:
    schedule.shop.state.limits.pipelines = 0
    assert schedule.run() == 2
    assert schedule.waited == [60, 60]
    assert "Too many pipelines" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("by", "branch", "reason"),
    [
        ("bob", "main", "do not have sufficient permission"),
        ("carol", "trunk/next", "Reference not found"),
    ],
)
def test_why_gitlab_starts_nothing(
    schedule: Schedule, capsys: pytest.CaptureFixture[str], by: str, branch: str, reason: str
) -> None:
    schedule.shop.state.add_trigger(TRIGGER_TOKEN, project="group/shop", by=by)
    schedule.environment["CI_DEFAULT_BRANCH"] = branch
    assert schedule.run() == 2
    assert reason in capsys.readouterr().out


def test_a_list_that_cannot_be_read_to_its_end_starts_nothing(
    schedule: Schedule, capsys: pytest.CaptureFixture[str]
) -> None:
    schedule.open(150)
    schedule.server.faults.bad_gateway("listMergeRequests", skip=1)
    assert schedule.run() == 2
    assert schedule.started == []
    assert "the open merge requests cannot be listed: 502" in capsys.readouterr().out


def test_a_redirect_takes_no_token_elsewhere(
    schedule: Schedule, start_gitlab: Callable[..., GitLabServer]
) -> None:
    elsewhere = start_gitlab(schedule.shop.state)
    schedule.server.faults.redirect("listMergeRequests", to=elsewhere.origin)
    assert schedule.run() == 2
    assert elsewhere.log == ()


@pytest.mark.parametrize("name", ["GITOPS_GATE_TOKEN", "GITOPS_GATE_TRIGGER_TOKEN"])
@pytest.mark.parametrize("value", ["", "two words", "line\nbreak"])
def test_a_token_that_is_none_is_named_and_not_sent(
    schedule: Schedule, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    schedule.environment[name] = value
    assert schedule.run() == 2
    assert schedule.server.log == ()
    assert capsys.readouterr().out.startswith(f"gitops-gate: {name} is not there")


def test_a_project_that_is_no_number_reaches_nobody(schedule: Schedule) -> None:
    schedule.environment["CI_PROJECT_ID"] = "4711/../9"
    assert schedule.run() == 2
    assert schedule.server.log == ()
