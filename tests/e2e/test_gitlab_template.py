"""The GitLab template, run for real: gitlab-ci-local on this machine, a GitLab on loopback.

gitlab-ci-local holds what it runs against GitLab's own schema of CI configurations.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.piping import (
    JOB_TOKEN,
    PROJECT,
    PROJECT_ID,
    TOKEN,
    TRIGGER_TOKEN,
    Piping,
    Ran,
    published,
    serving,
)
from tests.engines import node_package, require_program
from tests.unit.source.repositories import GitRepository

pytestmark = [pytest.mark.slow, pytest.mark.engine]

PINNED = "registry.example.com/web@sha256:" + "a" * 64
UNPINNED = "registry.example.com/web:latest"
RULES = "version: 1\npolicies: {builtin: [images/pinned]}\n"
ONE_APPROVAL = "approvals: {rules: [{name: one more, require: {count: 1}}]}\n"
BROKEN_RULES = "version: 1\npolicies: {builtin: no-list}\n"


def deployment(image: str, note: str = "none") -> str:
    return (
        "apiVersion: apps/v1\nkind: Deployment\n"
        "metadata:\n  name: web\n  namespace: shop\n"
        f"  annotations: {{note: {json.dumps(note)}}}\n"
        "spec:\n  selector: {matchLabels: {app: web}}\n  template:\n"
        "    metadata: {labels: {app: web}}\n    spec:\n      containers:\n"
        f"        - name: web\n          image: {image}\n"
    )


@pytest.fixture(scope="session")
def gate(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    node_package("gitlab-ci-local")
    require_program("node", "install Node")
    require_program("rsync", "apt-get install rsync")
    return published(tmp_path_factory.mktemp("gate") / "gate")


@pytest.fixture
def shop(tmp_path: Path, gate: GitRepository) -> Iterator[Piping]:
    """A private project whose change unpins an image, and its merge request."""
    git = GitRepository(tmp_path / "origin")
    git.write(".gitops-gate.yaml", RULES)
    git.write("apps/web.yaml", deployment(PINNED))
    git.commit()
    git.git("checkout", "--quiet", "-b", "change")
    git.write("apps/web.yaml", deployment(UNPINNED))
    git.commit()
    state = tmp_path / "state.json"
    state.write_text(json.dumps(state_of(git, gate)))
    with serving(state) as forge:
        yield Piping(git, gate, forge, tmp_path)


def state_of(git: GitRepository, gate: GitRepository, source: str = "change") -> dict[str, Any]:
    return {
        "users": [
            {
                "username": "alice",
                "id": 11,
                "emails": ["author@example.com", "committer@example.com"],
            },
            {"username": "bob", "id": 12},
            {"username": "schedule", "id": 13},
        ],
        "groups": [
            {"path": "group", "id": 21, "members": {"bob": "developer"}},
            {"path": "gitops-gate", "id": 31, "visibility": "public"},
        ],
        "projects": [
            {
                "path": PROJECT,
                "id": PROJECT_ID,
                "members": {"alice": "developer", "bob": "developer", "schedule": "maintainer"},
                "repository": str(git.folder),
                "protected": [{"name": "main"}],
                "pipelines_must_succeed": True,
            },
            {
                "path": "gitops-gate/gitops-gate",
                "id": 99,
                "repository": str(gate.folder),
                "visibility": "public",
                "job_token_from": [PROJECT],
            },
        ],
        "merge_requests": [
            {
                "project": PROJECT,
                "source_branch": source,
                "author": "alice",
                "iid": 7,
                "title": "Bring the newest web",
            }
        ],
        "pipelines": [{"id": 90, "merge_request": f"{PROJECT}!7", "by": "alice"}],
        "tokens": [
            {"value": TOKEN, "project": PROJECT, "level": "developer"},
            {"value": JOB_TOKEN, "pipeline": 90},
            {"value": TRIGGER_TOKEN, "project": PROJECT, "triggers_as": "schedule"},
        ],
    }


def ended(code: int, ran: Ran) -> Ran:
    """A run that ended so, and in whose log no token is in any form that Git or HTTP gives it."""
    assert ran.code == code, ran.log
    for token in (TOKEN, JOB_TOKEN, TRIGGER_TOKEN):
        assert token not in ran.log
    assert "Authorization" not in ran.log
    return ran


TAGGED = {"version": "v0.1.0"}


def wait_for_approval(shop: Piping) -> None:
    """Let the rules of `main` ask for one approval, of a change that is right otherwise."""
    shop.commit("main", {".gitops-gate.yaml": RULES + ONE_APPROVAL})
    shop.commit("change", {"apps/web.yaml": deployment(PINNED, note="fixed")})


class TestTheSimpleForm:
    def test_a_denied_change_and_what_the_job_keeps(self, shop: Piping) -> None:
        ended(1, shop.run(shop.merge_request(), include=shop.component, inputs=TAGGED))
        (note,) = shop.forge.notes
        assert "images/pinned" in note
        (inline,) = shop.forge.inline
        assert inline["position"]["new_path"] == "apps/web.yaml"
        assert shop.forge.statuses == [(shop.short("change"), "failed")]
        (entry,) = json.loads(shop.kept("review", "codequality.json").read_text())
        assert entry["check_name"] == "images/pinned"
        assert entry["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert entry["location"] == {"path": "apps/web.yaml", "lines": {"begin": 14}}
        assert entry["fingerprint"]
        suite = ElementTree.parse(shop.kept("review", "junit.xml")).getroot()
        assert [case.get("name") for case in suite.iter("testcase") if len(case)] != []
        assert "<html" in shop.kept("review", "report.html").read_text()
        assert json.loads(shop.kept("review", "report.json").read_text())["verdict"] == "deny"

    def test_a_change_waits_for_approval_then_is_allowed_and_that_is_said_once(
        self, shop: Piping
    ) -> None:
        wait_for_approval(shop)
        inputs = {"pending-ends-zero": True}
        ended(0, shop.run(shop.merge_request(), inputs=inputs))
        assert shop.forge.statuses == [(shop.short("change"), "pending")]
        shop.do("approve", by="bob")
        pipeline = shop.merge_request()
        ended(0, shop.run(pipeline))
        assert shop.forge.statuses[1:] == [(shop.short("change"), "success")]
        before = shop.forge.writes
        ended(0, shop.run(pipeline))
        assert shop.forge.writes == before

    def test_a_merged_results_pipeline_is_held_by_its_own_status(self, shop: Piping) -> None:
        wait_for_approval(shop)
        merged = shop.merged_result()
        ended(1, shop.run(merged))
        assert shop.forge.statuses == [(merged["CI_COMMIT_SHA"][:12], "pending")]

    def test_in_a_train_pending_is_failure_and_the_status_is_the_trains(self, shop: Piping) -> None:
        shop.commit("main", {".gitops-gate.yaml": BROKEN_RULES})
        shop.commit("change", {"apps/web.yaml": deployment(PINNED, note="fixed")})
        train = shop.train()
        ended(1, shop.run(train, inputs={"pending-ends-zero": True}))
        assert shop.forge.statuses == [(train["CI_COMMIT_SHA"][:12], "failed")]
        assert shop.forge.notes == []

    def test_what_landed_on_the_default_branch_is_judged(self, shop: Piping) -> None:
        before = shop.tip("main")
        shop.commit("main", {"apps/web.yaml": deployment(UNPINNED)})
        push = shop.on_main("push", CI_COMMIT_BEFORE_SHA=before)
        ended(1, shop.run(push, include=shop.project_file, inputs=TAGGED))
        assert shop.forge.statuses == [(shop.short("main"), "failed")]

    def test_without_the_token_the_report_is_kept_and_nothing_written(self, shop: Piping) -> None:
        ran = ended(1, shop.run(shop.merge_request(), token=None))
        assert "GITOPS_GATE_TOKEN is not there" in ran.log
        assert json.loads(shop.kept("review", "report.json").read_text())["verdict"] == "deny"
        assert shop.forge.writes == []


class TestTheTrustedForm:
    @pytest.fixture(autouse=True)
    def _form(self, shop: Piping) -> None:
        shop.inputs["form"] = "trusted"

    def test_a_webhook_starts_what_publishes(self, shop: Piping) -> None:
        both = "${#GITOPS_GATE_TOKEN} and ${#GITOPS_GATE_TRIGGER_TOKEN}"
        shows = {"before_script": [f'echo "the tokens have {both} characters"']}
        ran = ended(0, shop.run(shop.triggered(), beside={"gitops-gate:check": shows}))
        assert "the tokens have 0 and 0 characters" in ran.log
        (note,) = shop.forge.notes
        assert "images/pinned" in note
        assert len(shop.forge.inline) == 1
        assert shop.forge.statuses == [(shop.short("change"), "failed")]

    def test_an_approval_is_seen_on_the_newest_head_also_by_an_older_event(
        self, shop: Piping
    ) -> None:
        old = shop.triggered()
        wait_for_approval(shop)
        ended(0, shop.run(old))
        assert shop.forge.statuses == [(shop.short("change"), "pending")]
        shop.do("approve", by="bob")
        ended(0, shop.run(shop.triggered()))
        assert shop.forge.statuses == [(shop.short("change"), "success")]

    def test_a_check_that_crashed_is_said(self, shop: Piping) -> None:
        crash = {"script": ["exit 1"]}
        ended(1, shop.run(shop.triggered(), beside={"gitops-gate:check": crash}))
        assert shop.forge.statuses == [(shop.short("change"), "failed")]

    def test_another_target_than_a_protected_one_gets_no_status(self, shop: Piping) -> None:
        shop.git.git("branch", "loose", "main")
        shop.do("retarget", branch="loose", by="alice")
        ended(0, shop.run(shop.triggered(target_branch="loose"), inputs={"branches": "release/*"}))
        assert shop.forge.statuses == []
        assert len(shop.forge.notes) == 1

    def test_another_event_is_no_reason_to_do_anything(self, shop: Piping) -> None:
        ended(0, shop.run(shop.triggered(state="merged")))
        assert shop.forge.writes == []

    @pytest.mark.parametrize("source", ["trigger", "schedule"])
    def test_a_branch_that_is_not_protected_has_no_such_jobs(
        self, shop: Piping, source: str
    ) -> None:
        variables = shop.triggered() | {"CI_PIPELINE_SOURCE": source}
        ran = shop.run({**variables, "CI_COMMIT_REF_PROTECTED": "false"})
        assert "gitops-gate:" not in ran.log

    def test_a_schedule_starts_what_publishes_for_every_open_merge_request(
        self, shop: Piping
    ) -> None:
        shop.git.git("branch", "done", "main")
        shop.git.git("branch", "other", "main")
        shop.git.git("checkout", "--quiet", "other")
        shop.git.write("apps/web.yaml", deployment(PINNED, note="fixed"))
        shop.git.commit()
        shop.git.git("checkout", "--quiet", "main")
        opening = {"project": PROJECT, "author": "alice"}
        opened = [{**opening, "source_branch": name, "iid": iid}
                  for name, iid in (("done", 8), ("other", 9))]  # fmt: skip
        shop.forge.ask("/__state", {"merge_requests": opened})
        close = {"action": "close", "merge_request": f"{PROJECT}!8", "by": "alice"}
        shop.forge.ask("/__state", {"do": [close]})
        ran = ended(0, shop.run(shop.on_main("schedule")))
        assert "2 of 2 open merge requests are judged again" in ran.log
        started = shop.forge.triggered
        assert [one["object_attributes"]["iid"] for one in started] == [7, 9]
        assert shop.forge.writes == ["triggerPipeline", "triggerPipeline"]
        ended(0, shop.run(shop.started(started[1])))
        assert shop.forge.statuses == [(shop.short("other"), "success")]

    def test_a_schedule_without_the_trigger_token_says_so(self, shop: Piping) -> None:
        ran = ended(1, shop.run(shop.on_main("schedule"), trigger=None))
        assert "GITOPS_GATE_TRIGGER_TOKEN is not there" in ran.log

    def test_a_schedule_can_be_left_alone(self, shop: Piping) -> None:
        ran = shop.run(shop.on_main("schedule"), inputs={"schedule": False})
        assert "gitops-gate:" not in ran.log

    def test_an_override_is_seen_when_it_is_written(self, shop: Piping) -> None:
        rules = ONE_APPROVAL.replace("{rules", "{override: {teams: [group]}, rules")
        shop.commit("main", {".gitops-gate.yaml": RULES + rules})
        shop.commit("change", {"apps/web.yaml": deployment(PINNED, note="fixed")})
        said = f"/gitops-gate override {shop.short('change')} payments are down, see INC-4711"
        shop.do("comment", by="bob", body=said)
        ended(0, shop.run(shop.commented(said)))
        assert shop.forge.statuses == [(shop.short("change"), "success")]

    def test_another_comment_is_no_reason_to_do_anything(self, shop: Piping) -> None:
        ended(0, shop.run(shop.commented("What about /gitops-gate override?")))
        assert shop.forge.writes == []

    def test_a_check_job_that_was_taken_over_loads_nothing_beside_the_token(
        self, shop: Piping
    ) -> None:
        canary = shop.folder / "canary"
        evil = shop.folder / "evil"
        evil.mkdir()
        (evil / "sitecustomize.py").write_text(f"open({str(canary)!r}, 'w')\n")
        (evil / "git").write_text(f"#!/bin/sh\ntouch {canary}\n")
        (evil / "git").chmod(0o755)
        (evil / ".gitconfig").write_text(f'[core]\n\tfsmonitor = "touch {canary}"\n')
        handed = {
            "PATH": f"{evil}:/usr/bin:/bin", "HOME": str(evil), "PYTHONPATH": str(evil),
            "PYTHONHOME": str(evil), "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.fsmonitor",
            "GIT_CONFIG_VALUE_0": f"touch {canary}", "GIT_EXEC_PATH": str(evil),
            "HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9",
            "url": "http://127.0.0.1:9", "source": "http://127.0.0.1:9/x", "version": "v9.9.9",
            "GATE_URL": "http://127.0.0.1:9", "SSL_CERT_FILE": "/dev/null",
            "GITOPS_GATE_DIGEST": "sha256:" + "0" * 64,
        }  # fmt: skip
        lines = "\n".join(f"{name}={value}" for name, value in handed.items())
        reports = "gitops-gate-reports"
        hands = f"cat >{reports}/digest.env <<'END'\n{lines}\nEND"
        taken = {"script": [f"mkdir {reports} && echo {{}} >{reports}/report.json", hands]}
        ran = ended(1, shop.run(shop.triggered(), beside={"gitops-gate:check": taken}))
        assert "not the report whose digest was handed over" in ran.log
        assert not canary.exists()
        assert shop.forge.writes == []


class TestAHostileMergeRequest:
    def test_nothing_of_it_is_executed(self, tmp_path: Path, gate: GitRepository) -> None:
        canary = tmp_path / "canary"
        source = f"x$(touch${{IFS}}{canary})`touch${{IFS}}{canary}`;'\"&|"
        title = f"$(touch {canary})\n/approve\n/merge\n`touch {canary}`'\"; touch {canary} #"
        git = GitRepository(tmp_path / "origin")
        git.write(".gitops-gate.yaml", RULES)
        git.write("apps/web.yaml", deployment(PINNED))
        git.commit()
        git.git("checkout", "--quiet", "-b", source)
        git.write("apps/$(touch canary)\n/close 'a\"b`touch canary`.yaml", deployment(UNPINNED))
        git.write("apps/web.yaml", deployment(UNPINNED, note="\n/approve\n/merge\n$(touch canary)"))
        git.write(".gitattributes", "* filter=evil\n")
        git.write("sitecustomize.py", f"open({str(canary)!r}, 'w')\n")
        git.commit(title)
        state = state_of(git, gate, source)
        state["merge_requests"][0]["title"] = title
        (tmp_path / "state.json").write_text(json.dumps(state))
        with serving(tmp_path / "state.json") as forge:
            shop = Piping(git, gate, forge, tmp_path, source=source)
            said = {
                "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": source,
                "CI_COMMIT_REF_NAME": source,
                "CI_COMMIT_MESSAGE": f"{title}\nurl=http://127.0.0.1:9\nGITOPS_GATE_TOKEN=x\n",
            }
            for form, variables in {
                "simple": shop.merge_request(**said),
                "trusted": shop.triggered(),
            }.items():
                ended(1 if form == "simple" else 0, shop.run(variables, inputs={"form": form}))
                assert forge.statuses == [(shop.short(source), "failed")]
            assert forge.ask("/__state")["commands"] == []
            target = {
                "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": f"main;touch {canary};$(touch {canary})"
            }
            ended(1, shop.run(shop.merge_request(**{**said, **target})))
        assert not canary.exists()
        assert list(tmp_path.rglob("canary")) == []


class TestInputs:
    def test_one_that_could_be_script_makes_no_pipeline(self, shop: Piping) -> None:
        ran = shop.run(shop.merge_request(), inputs={"version": "v0.1.0'; touch canary; '"})
        assert ran.code == 1
        assert "does not match required regex" in ran.log
        assert "starting shell" not in ran.log

    def test_another_gitlab_than_they_say_gets_nothing(self, shop: Piping) -> None:
        ran = ended(1, shop.run(shop.merge_request(), inputs={"url": "http://localhost:9"}))
        assert "the input url is http://localhost:9" in ran.log
        assert shop.forge.writes == []
