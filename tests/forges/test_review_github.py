"""Whole reviews on GitHub: the command in a job's environment, against a GitHub of our own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gitops_gate.ci import detect
from gitops_gate.cli import main
from gitops_gate.errors import SourceError
from gitops_gate.evaluation.rules import load_rules
from gitops_gate.pipeline import Options
from gitops_gate.reports.comment import marker_of
from gitops_gate.reports.reading import read_report
from gitops_gate.review import composing, judging
from gitops_gate.review.handover import file_digest
from gitops_gate.review.run import Setting, publish_report
from gitops_gate.source import open_repository
from tests.forges.github import actions
from tests.forges.github.server import GitHubServer
from tests.forges.github.state import Pull, Repository
from tests.forges.serving import Reply
from tests.unit.reports.runner import Runner
from tests.unit.source.repositories import GitRepository

TOKEN = "ghs_review"
NAME = "acme/shop"
ID = 4711


def config_map(value: str, name: str = "settings") -> str:
    return (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: shop\n"
        f"data:\n  key: {value}\n"
    )


def deployment(image: str) -> str:
    return (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: shop\n"
        "spec:\n  selector: {matchLabels: {app: web}}\n  template:\n"
        "    metadata: {labels: {app: web}}\n    spec:\n      containers:\n"
        f"        - name: web\n          image: {image}\n"
    )


PINNED_RULE = "version: 1\npolicies: {builtin: [images/pinned]}\n"


@dataclass
class World:
    """A checkout with `main`, a change on `change`, its pull request, and the job around it."""

    git: GitRepository
    server: GitHubServer
    repository: Repository
    pull: Pull
    environment: dict[str, str] = field(default_factory=dict)

    def event(self, name: str, payload: Mapping[str, Any]) -> None:
        file = Path(self.environment["GITHUB_EVENT_PATH"])
        file.write_text(json.dumps(payload))
        self.environment["GITHUB_EVENT_NAME"] = name

    def commit(self, branch: str, files: Mapping[str, str | None]) -> str:
        self.git.git("checkout", "--quiet", branch)
        for path, content in files.items():
            if content is None:
                (self.git.folder / path).unlink()
            else:
                self.git.write(path, content)
        return self.git.commit()

    @property
    def comments(self) -> list[str]:
        return [comment.body for comment in self.pull.comments]

    @property
    def states(self) -> list[tuple[str, str]]:
        return [(one.context, one.state) for one in self.repository.statuses]


@dataclass
class Ran:
    code: int
    out: str
    err: str


@pytest.fixture
def world(tmp_path: Path, github_server: GitHubServer) -> World:
    git = GitRepository(tmp_path / "checkout")
    configuration = PINNED_RULE + f"forge: {{url: {github_server.origin}, repository_id: {ID}}}\n"
    git.write(".gitops-gate.yaml", configuration)
    git.write("apps/web.yaml", deployment("registry.example.com/web@sha256:" + "a" * 64))
    git.write("apps/settings.yaml", config_map("old"))
    git.commit()
    git.git("branch", "change")
    world = World(git, github_server, None, None)  # type: ignore[arg-type]
    world.commit(
        "change",
        {
            "apps/web.yaml": deployment("registry.example.com/web:latest"),
            "apps/settings.yaml": config_map("new"),
        },
    )
    world.repository = github_server.repository(NAME, git.folder, number=ID)
    world.pull = github_server.pull(world.repository, head="change")
    github_server.token(
        TOKEN, permissions={"contents": "read", "pull_requests": "write", "statuses": "write"}
    )
    world.environment = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": NAME,
        "GITHUB_REPOSITORY_ID": str(ID),
        "GITHUB_SERVER_URL": github_server.origin,
        "GITHUB_API_URL": github_server.api_url,
        "GITHUB_GRAPHQL_URL": github_server.graphql_url,
        "GITHUB_RUN_ID": "99",
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "GITHUB_TOKEN": TOKEN,
    }
    world.event("pull_request_target", request_event(world))
    github_server.forget()
    return world


def request_event(world: World) -> dict[str, Any]:
    head = world.git.git("rev-parse", "change").strip()
    base = world.git.git("rev-parse", "main").strip()
    return {
        "number": world.pull.number,
        "pull_request": {
            "number": world.pull.number,
            "base": {"ref": "main", "sha": base},
            "head": {"ref": "change", "sha": head},
        },
    }


@pytest.fixture
def gate(world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: object) -> Ran:
        for name, value in world.environment.items():
            monkeypatch.setenv(name, value)
        capfd.readouterr()
        code = main([*map(str, arguments), "--repo", str(world.git.folder)])
        said = capfd.readouterr()
        assert TOKEN not in said.out + said.err
        return Ran(code, said.out, said.err)

    return run


def test_a_denied_change(world: World, gate: Any) -> None:
    done = gate("review")
    assert done.code == 1, done.err
    (comment,) = world.comments
    assert "denied" in comment.split("\n")[0] + comment.split("\n")[1]
    assert "images/pinned" in comment
    assert world.states == [("gitops-gate", "failure")]
    (thread,) = world.pull.threads
    assert thread.path == "apps/web.yaml"
    assert len(world.server.log) <= 10


def test_a_re_run_with_nothing_new_writes_nothing(world: World, gate: Any) -> None:
    gate("review")
    world.server.forget()
    world.environment["GITHUB_RUN_ID"] = "100"
    assert gate("review").code == 1
    assert world.server.writes == ()
    assert len(world.server.log) <= 6


def test_a_fixed_change_edits_the_comment_and_resolves_the_thread(world: World, gate: Any) -> None:
    gate("review")
    world.commit(
        "change", {"apps/web.yaml": deployment("registry.example.com/web@sha256:" + "b" * 64)}
    )
    done = gate("review")
    assert done.code == 0, done.err
    (comment,) = world.comments
    assert "allowed" in comment
    assert world.states[-1] == ("gitops-gate", "success")


class TestWhatIsPublished:
    def test_the_step_tells_later_steps_and_people(self, world: World, gate: Any) -> None:
        folder = Path(world.environment["GITHUB_OUTPUT"]).parent
        done = gate("review", "--report", f"json={folder / 'report.json'}")
        outputs = Path(world.environment["GITHUB_OUTPUT"]).read_text()
        assert "verdict<<" in outputs
        assert "\ndeny\n" in outputs
        assert "sha256:" in outputs
        assert "images/pinned" in Path(world.environment["GITHUB_STEP_SUMMARY"]).read_text()
        assert "::error file=apps/web.yaml,line=13" in done.out

    def test_a_runner_obeys_no_line_that_the_change_wrote(self, world: World, gate: Any) -> None:
        commands = "::add-mask::x ##[add-path]/tmp"
        hostile = deployment("x:latest").replace("name: web", f'name: "web\\n{commands}"')
        world.commit("change", {"apps/a ##[add-path]x.yaml": hostile, "apps/bad.yaml": commands})
        for arguments in (["review"], ["review", "--dry-run"], ["check", "--ci"]):
            done = gate(*arguments)
            assert done.code in (1, 2)
            runner = Runner().read(done.out)
            assert {one.name for one in runner.obeyed} <= {"error", "warning", "notice"}
            assert done.err == ""

    def test_a_traceback_is_no_command_to_a_runner_either(
        self, world: World, gate: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def break_down(*_: object, **__: object) -> None:
            raise RuntimeError("hostile\n::add-mask::x\n##[add-path]/tmp")

        monkeypatch.setenv("GITOPS_GATE_DEBUG", "1")
        monkeypatch.setattr("gitops_gate.review.run.review", break_down)
        done = gate("review")
        assert done.code == 2
        assert "RuntimeError" in done.out
        assert Runner().read(done.out + done.err).obeyed == []

    def test_an_error_is_no_command_to_a_runner_either(self, world: World, gate: Any) -> None:
        world.environment["GITHUB_API_URL"] = "https://evil.example/##[add-path]/tmp"
        done = gate("review")
        assert done.code == 2
        assert Runner().read(done.out).obeyed == []
        assert "##[" not in done.err

    def test_a_dry_run_shows_it_and_sends_nothing(self, world: World, gate: Any) -> None:
        done = gate("review", "--dry-run")
        assert done.code == 1
        assert world.server.writes == ()
        assert "the summary comment" in done.out
        assert "a comment on 'apps/web.yaml' line 13" in done.out

    def test_code_scanning_gets_the_findings_when_it_is_asked_for(
        self, world: World, gate: Any
    ) -> None:
        world.server.token(
            TOKEN,
            permissions={
                "contents": "read",
                "pull_requests": "write",
                "statuses": "write",
                "security_events": "write",
            },
        )
        gate("review", "--upload-sarif")
        assert len(world.server.requests("code-scanning/upload-sarif")) == 1
        assert len(world.server.log) <= 10
        world.server.forget()
        gate("review", "--upload-sarif")
        assert world.server.writes == ()

    def test_where_the_gate_only_advises_nothing_is_marked_as_failed(
        self, world: World, gate: Any
    ) -> None:
        text = (world.git.folder / ".gitops-gate.yaml").read_text()
        world.commit("main", {".gitops-gate.yaml": text + "gate: {mode: advisory}\n"})
        done = gate("review")
        assert done.code == 1
        assert world.states == [("gitops-gate", "success")]
        assert "❌" not in world.comments[0]

    def test_what_is_switched_off_is_not_written(self, world: World, gate: Any) -> None:
        text = (world.git.folder / ".gitops-gate.yaml").read_text()
        off = "review: {comment: false, inline: {enabled: false}, check_name: production}\n"
        world.commit("main", {".gitops-gate.yaml": text + off})
        gate("review")
        assert (world.comments, list(world.pull.threads)) == ([], [])
        assert world.states == [("production", "failure")]

    def test_a_persons_reply_is_left_alone_when_the_finding_is_gone(
        self, world: World, gate: Any
    ) -> None:
        gate("review")
        (thread,) = world.pull.threads
        rita = world.server.account("rita")
        actions.reply(world.server.world, world.pull, thread, rita, "Is that so?")
        world.commit("change", {"apps/web.yaml": deployment("a@sha256:" + "b" * 64)})
        gate("review")
        (thread,) = world.pull.threads
        assert thread.comments[-1].body == "Is that so?"
        assert "no longer" in thread.comments[0].body
        world.server.forget()
        gate("review")
        assert world.server.writes == ()


class TestTheTargetBranch:
    """The default branch decides, and any that is protected: others' rules are anybody's."""

    @pytest.fixture
    def elsewhere(self, world: World) -> World:
        world.git.git("branch", "elsewhere", "main")
        with world.server.work():
            actions.sync(world.server.world)
            actions.retarget(world.server.world, world.repository, world.pull, "elsewhere")
        event = request_event(world)
        event["pull_request"]["base"]["ref"] = "elsewhere"
        world.event("pull_request_target", event)
        return world

    def test_one_that_is_not_protected_decides_nothing(self, elsewhere: World, gate: Any) -> None:
        done = gate("review")
        assert elsewhere.states == []
        assert "elsewhere is not known to be protected" in done.out
        assert "claim" in elsewhere.comments[0]

    def test_one_that_is_protected_decides(self, elsewhere: World, gate: Any) -> None:
        elsewhere.repository.protections["elsewhere"] = {"enforce_admins": {"enabled": True}}
        gate("review")
        assert elsewhere.states == [("gitops-gate", "failure")]


class TestWhatIsJudged:
    def test_rules_are_the_targets_and_never_the_heads(self, world: World, gate: Any) -> None:
        text = (world.git.folder / ".gitops-gate.yaml").read_text()
        world.commit("change", {".gitops-gate.yaml": text.replace("[images/pinned]", "[]")})
        assert gate("review").code == 1

    def test_a_merge_queue_gets_a_status_on_its_group_and_no_comment(
        self, world: World, gate: Any
    ) -> None:
        entry = world.server.enqueue(world.repository, world.pull)
        group = {"base_ref": "refs/heads/main", "base_sha": entry.base, "head_sha": entry.head}
        world.event("merge_group", {"merge_group": group})
        assert gate("review").code == 1
        assert world.states == [("gitops-gate", "failure")]
        assert world.repository.statuses[-1].sha == entry.head
        assert world.comments == []

    def test_commits_that_landed_get_a_status(self, world: World, gate: Any) -> None:
        base = world.git.git("rev-parse", "main").strip()
        head = world.git.git("rev-parse", "change").strip()
        world.event("push", {"ref": "refs/heads/main", "before": base, "after": head})
        assert gate("review").code == 1
        assert world.states == [("gitops-gate (landed)", "failure")]

    def test_what_landed_is_not_what_another_branch_requires(self, world: World, gate: Any) -> None:
        """The tip of main is the head of a pull request to a release branch with other rules."""
        base = world.git.git("rev-parse", "main").strip()
        head = world.commit("main", {"apps/settings.yaml": config_map("harmless")})
        world.event("push", {"ref": "refs/heads/main", "before": base, "after": head})
        assert gate("review").code == 0
        assert world.states == [("gitops-gate (landed)", "success")]

    def test_a_forced_push_is_not_decided(self, world: World, gate: Any) -> None:
        other = world.commit("main", {"apps/other.yaml": config_map("x", "other")})
        head = world.git.git("rev-parse", "change").strip()
        world.event("push", {"ref": "refs/heads/main", "before": other, "after": head})
        assert gate("review").code == 2
        assert world.states == [("gitops-gate (landed)", "error")]

    def test_a_replayed_event_counts_for_nothing(self, world: World, gate: Any) -> None:
        old = request_event(world)
        pinned = deployment("registry.example.com/web@sha256:" + "b" * 64)
        world.commit("change", {"apps/web.yaml": pinned})
        world.event("pull_request_target", old)
        assert gate("review").code == 0
        newest = world.git.git("rev-parse", "change").strip()
        assert world.repository.statuses[-1].sha == newest

    def test_a_review_event_of_a_fork_finds_the_pull_request_by_its_head(
        self, world: World, gate: Any
    ) -> None:
        head = world.git.git("rev-parse", "change").strip()
        run = {"event": "pull_request_review", "head_sha": head, "pull_requests": []}
        world.event("workflow_run", {"workflow_run": run})
        assert gate("review").code == 1
        assert len(world.comments) == 1

    def test_the_rules_are_loaded_once(
        self, world: World, gate: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        loaded = []

        def load(tree: Any) -> Any:
            loaded.append(tree)
            return load_rules(tree)

        monkeypatch.setattr(judging, "load_rules", load)
        gate("review")
        assert len(loaded) == 1

    def test_a_diff_that_cannot_be_told_is_said_and_takes_the_comments_on_lines_away(
        self, world: World, gate: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fails(*_: Any, **__: Any) -> None:
            raise SourceError("an object is missing")

        monkeypatch.setattr(composing, "diff_lines_of", fails)
        done = gate("review")
        assert done.code == 1
        assert "no comments on lines, since the diff cannot be told" in done.out
        assert "an object is missing" in world.comments[0]
        assert world.pull.threads == []

    def test_a_closed_pull_request_is_not_reviewed(self, world: World, gate: Any) -> None:
        actions.close(world.server.world, world.pull, world.repository.owner)
        done = gate("review")
        assert (done.code, world.comments) == (2, [])
        assert "is closed" in done.out

    def test_a_conflict_is_shown_and_decides_nothing(self, world: World, gate: Any) -> None:
        world.commit("main", {"apps/settings.yaml": config_map("other")})
        assert gate("review").code == 2
        assert "apps/settings.yaml" in world.comments[0]
        assert world.states == [("gitops-gate", "error")]


class TestTheSecondHalf:
    """A job without privileges checks; another publishes what it made."""

    @pytest.fixture
    def made(self, world: World, gate: Any) -> Path:
        file = Path(world.environment["GITHUB_OUTPUT"]).parent / "report.json"
        token = world.environment.pop("GITHUB_TOKEN")
        assert gate("check", "--ci", "--report", f"json={file}").code == 1
        world.environment["GITHUB_TOKEN"] = token
        assert world.server.log == ()
        return file

    def test_a_report_whose_digest_was_handed_over_becomes_a_status(
        self, world: World, gate: Any, made: Path
    ) -> None:
        assert gate("publish", made, "--digest", file_digest(made.read_bytes())).code == 1
        assert world.states == [("gitops-gate", "failure")]
        assert len(world.comments) == len(world.pull.threads) == 1

    def test_without_a_digest_it_is_information(self, world: World, gate: Any, made: Path) -> None:
        done = gate("publish", made)
        assert world.states == []
        assert "decides nothing" in done.out
        assert "claim" in world.comments[0]

    @pytest.mark.parametrize(("verdict", "code"), [("allow", 2), ("pending", 2), ("deny", 1)])
    def test_a_claim_does_not_end_as_if_it_were_an_answer(
        self, world: World, gate: Any, made: Path, verdict: str, code: int
    ) -> None:
        """Where the end of the job is required, it would open the branch."""
        value = json.loads(made.read_text())
        reason = {"code": "findings", "message": "so they say", "verdict": verdict}
        claim = {**value, "verdict": verdict, "reasons": [reason], "findings": []}
        made.write_text(json.dumps(claim))
        assert gate("publish", made).code == code
        assert world.states == []

    def test_what_the_head_can_define_hands_nothing_over(
        self, world: World, gate: Any, made: Path
    ) -> None:
        world.event("pull_request", request_event(world))
        gate("publish", made, "--digest", file_digest(made.read_bytes()))
        assert world.states == []

    def test_another_report_than_the_one_handed_over_is_refused(
        self, world: World, gate: Any, made: Path
    ) -> None:
        digest = file_digest(made.read_bytes())
        made.write_text(made.read_text().replace('"deny"', '"allow"'))
        done = gate("publish", made, "--digest", digest)
        assert (done.code, world.comments, world.states) == (2, [], [])
        assert "not the report whose digest" in done.out

    @pytest.mark.parametrize("written", ["", "sha256:", "SHA256:{}", "sha256:{} ", "{}", "\udce9"])
    def test_what_is_no_digest_of_it_hands_nothing_over(
        self, world: World, gate: Any, made: Path, written: str
    ) -> None:
        digest = file_digest(made.read_bytes()).removeprefix("sha256:")
        done = gate("publish", made, "--digest", written.format(digest))
        assert (done.code, world.comments, world.states) == (2, [], [])
        assert "not the report whose digest" in done.out

    def test_a_report_of_an_older_head_is_not_published(
        self, world: World, gate: Any, made: Path
    ) -> None:
        world.commit("change", {"apps/more.yaml": config_map("x", "more")})
        done = gate("publish", made, "--digest", file_digest(made.read_bytes()))
        assert (world.comments, world.states) == ([], [])
        assert "its own run publishes" in done.out

    def test_a_report_for_a_branch_with_older_rules_decides_nothing_for_another(
        self, world: World, gate: Any
    ) -> None:
        """Whoever may push can make a branch of an older commit, and then change the target."""
        world.git.git("branch", "older", "main")
        world.commit("main", {"apps/more.yaml": config_map("x", "more")})
        event = request_event(world)
        event["pull_request"]["base"]["ref"] = "older"
        world.event("pull_request_target", event)
        file = Path(world.environment["GITHUB_OUTPUT"]).parent / "report.json"
        gate("check", "--ci", "--report", f"json={file}")
        done = gate("publish", file, "--digest", file_digest(file.read_bytes()))
        assert (world.comments, world.states) == ([], [])
        assert "its own run publishes" in done.err + done.out

    def test_it_can_be_information_whatever_was_handed_over(
        self, world: World, gate: Any, made: Path
    ) -> None:
        digest = file_digest(made.read_bytes())
        assert gate("publish", made, "--digest", digest, "--information").code == 1
        assert world.states == []
        assert "images/pinned" in world.comments[0]

    def test_a_check_that_left_no_report_takes_an_older_success_back(
        self, world: World, gate: Any, made: Path
    ) -> None:
        made.unlink()
        done = gate("publish", made)
        assert done.code == 2
        assert world.states == [("gitops-gate", "error")]
        assert "ended without a report" in world.comments[0]

    def test_a_report_that_got_lost_on_the_way_is_refused(
        self, world: World, gate: Any, made: Path
    ) -> None:
        digest = file_digest(made.read_bytes())
        made.unlink()
        done = gate("publish", made, "--digest", digest)
        assert (done.code, world.comments, world.states) == (2, [], [])

    def test_a_target_that_moved_on_meanwhile_does_not_lose_the_report(
        self, world: World, gate: Any, made: Path
    ) -> None:
        world.commit("main", {"apps/more.yaml": config_map("x", "more")})
        gate("publish", made, "--digest", file_digest(made.read_bytes()))
        assert world.states == [("gitops-gate", "failure")]


class TestFaults:
    def test_a_comment_that_was_stored_behind_a_502_is_there_once(
        self, world: World, gate: Any
    ) -> None:
        world.server.faults.bad_gateway("issues/create-comment", committed=True)
        assert gate("review").code == 1
        assert len(world.comments) == 1

    def test_a_comment_that_was_not_stored_behind_a_502_is_there_once(
        self, world: World, gate: Any
    ) -> None:
        world.server.faults.bad_gateway("issues/create-comment", committed=False)
        assert gate("review").code == 1
        assert len(world.comments) == 1

    def test_a_review_that_was_stored_behind_a_502_is_there_once(
        self, world: World, gate: Any
    ) -> None:
        world.server.faults.bad_gateway("pulls/create-review", committed=True)
        assert gate("review").code == 1
        assert len(world.pull.threads) == 1

    def test_a_secondary_limit_is_waited_for(self, world: World, gate: Any) -> None:
        world.server.secondary_limit("issues/create-comment", retry_after=1)
        assert gate("review").code == 1
        assert len(world.comments) == 1

    def test_what_cannot_be_written_changes_no_verdict_and_stops_nothing_else(
        self, world: World, gate: Any
    ) -> None:
        refusal = {"message": "Spam", "documentation_url": "https://docs.github.com/rest"}
        world.server.faults.reply(
            "issues/create-comment", Reply.of(refusal, 403), name="refused", times=None
        )
        done = gate("review")
        assert done.code == 1
        assert "comment: could not be written" in done.out
        assert world.states == [("gitops-gate", "failure")]

    def test_an_answer_that_lags_behind_git_is_asked_for_again(
        self, world: World, gate: Any
    ) -> None:
        world.server.stale("graphql", times=1)
        world.commit("change", {"apps/more.yaml": config_map("x", "more")})
        assert gate("review").code == 1
        newest = world.git.git("rev-parse", "change").strip()
        assert world.repository.statuses[-1].sha == newest

    def test_a_checkout_that_is_older_than_the_forge_decides_nothing(
        self, world: World, gate: Any, tmp_path: Path
    ) -> None:
        old = GitRepository.__new__(GitRepository)
        old.folder = tmp_path / "old"
        world.git.git("clone", "--quiet", "--mirror", str(world.git.folder), str(old.folder))
        world.commit("main", {"apps/more.yaml": config_map("x", "more")})
        world.git = old
        done = gate("review")
        assert done.code == 2
        assert world.states == [("gitops-gate", "error")]
        assert "fetch it and run again" in world.comments[0]


class TestTheTokenStaysHome:
    def test_variables_cannot_name_another_forge(self, world: World, gate: Any) -> None:
        world.environment["GITHUB_API_URL"] = "https://evil.example/api/v3"
        done = gate("review")
        assert (done.code, world.server.log) == (2, ())
        assert "evil.example" in done.out

    def test_a_branch_cannot_pin_another_forge(self, world: World, gate: Any) -> None:
        """Whoever starts a run may name any target branch, one of their own among them."""
        world.git.git("branch", "mine", "main")
        text = (world.git.folder / ".gitops-gate.yaml").read_text()
        world.commit("mine", {".gitops-gate.yaml": text.replace(str(ID), "1")})
        event = request_event(world)
        event["pull_request"]["base"]["ref"] = "mine"
        world.event("pull_request_target", event)
        done = gate("review")
        assert (done.code, world.server.log) == (2, ())
        assert "pin different forges" in done.out

    def test_another_repository_is_refused(self, world: World, gate: Any) -> None:
        world.environment["GITHUB_REPOSITORY_ID"] = "1"
        assert (gate("review").code, world.server.log) == (2, ())

    def test_without_a_token_the_message_says_which_variable(
        self, world: World, gate: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        del world.environment["GITHUB_TOKEN"]
        monkeypatch.delenv("GITHUB_TOKEN", raising=False)
        done = gate("review")
        assert done.code == 2
        assert "GITOPS_GATE_TOKEN" in done.out

    def test_a_forks_token_that_only_reads_is_said_and_the_report_is_kept(
        self, world: World, gate: Any, tmp_path: Path
    ) -> None:
        fork = world.server.repository("stranger/shop", fork_of=world.repository)
        world.git.git("push", "--quiet", str(fork.git.path), "change:change")
        world.pull = world.server.pull(world.repository, head="change", head_repository=fork)
        world.event("pull_request", request_event(world))
        file = tmp_path / "report.json"
        done = gate("review", "--report", f"json={file}")
        assert done.code == 1, done.err
        assert world.server.writes == ()
        assert "fork" in done.out
        assert json.loads(file.read_text())["verdict"] == "deny"


@pytest.mark.slow
def test_twenty_runs_at_once_end_in_one_comment_about_the_newest_head(
    world: World, gate: Any, tmp_path: Path
) -> None:
    """Ten runs of an older head and ten of the newest, in whatever order they come."""
    from concurrent.futures import ThreadPoolExecutor

    def report() -> Any:
        file = tmp_path / "report.json"
        gate("check", "--ci", "--report", f"json={file}")
        return read_report(file.read_bytes())

    older = report()
    world.commit("change", {"apps/more.yaml": config_map("x", "more")})
    world.event("pull_request_target", request_event(world))
    newer = report()

    def one(number: int) -> None:
        with open_repository(world.git.folder) as repository:
            environment = detect({**world.environment, "GITHUB_RUN_ID": str(number)})
            assert environment is not None
            setting = Setting(environment=environment, repository=repository, token=TOKEN)
            publish_report(setting, newer if number % 2 else older, Options(jobs=1), certified=True)

    with ThreadPoolExecutor(20) as pool:
        for done in [pool.submit(one, number) for number in range(20)]:
            done.result()
    (comment,) = world.comments
    marker = marker_of(comment)
    assert marker is not None
    assert marker.head == world.git.git("rev-parse", "change").strip()
    newest = [one for one in world.repository.statuses if one.sha == marker.head]
    assert {one.state for one in newest} == {"failure"}
