"""The packaged Action and its workflows, run for real: act on this machine, our own GitHub."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.acting import (
    ID,
    NAME,
    PERMISSIONS,
    TOKEN,
    WORKFLOWS,
    Acting,
    copy_of_the_action,
    install,
    outputs_of,
    serving,
    tool_cache,
    with_job,
)
from tests.engines import require_engine
from tests.unit.source.repositories import GitRepository

pytestmark = [pytest.mark.slow, pytest.mark.engine]

PINNED = "registry.example.com/web@sha256:" + "a" * 64
UNPINNED = "registry.example.com/web:latest"


def deployment(image: str) -> str:
    return (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: shop\n"
        "spec:\n  selector: {matchLabels: {app: web}}\n  template:\n"
        "    metadata: {labels: {app: web}}\n    spec:\n      containers:\n"
        f"        - name: web\n          image: {image}\n"
    )


@pytest.fixture(scope="session")
def action(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The action, installed once into a tool cache that later runs find."""
    require_engine("act")
    folder = tmp_path_factory.mktemp("action")
    done = install(tool_cache(), folder / "outputs")
    assert done.returncode == 0, done.stdout + done.stderr
    return copy_of_the_action(folder / "copy", outputs_of(folder / "outputs")["python"])


@pytest.fixture
def trusted(tmp_path: Path) -> Path:
    """The packaged workflow. It keeps nothing between jobs; here it finds what is installed."""
    file = tmp_path / "gitops-gate.yml"
    text = (WORKFLOWS / "gitops-gate.yml").read_text()
    file.write_text(text.replace('cache: "false"', 'cache: "true"'))
    return file


@pytest.fixture
def shop(tmp_path: Path, action: Path) -> Iterator[Acting]:
    """A private repository whose change unpins an image, and its pull request."""
    git = GitRepository(tmp_path / "origin")
    git.write(".gitops-gate.yaml", "version: 1\n")
    git.write("apps/web.yaml", deployment(PINNED))
    git.commit()
    state = tmp_path / "state.json"
    state.write_text(json.dumps({"tokens": [{"value": TOKEN, "permissions": PERMISSIONS}]}))
    with serving(git.folder, state) as forge:
        acting = Acting(git, forge, tmp_path, action)
        pins = f"forge: {{url: {forge.address}, repository_id: {ID}}}\n"
        rules = f"version: 1\npolicies: {{builtin: [images/pinned]}}\n{pins}"
        acting.commit("main", {".gitops-gate.yaml": rules})
        git.git("branch", "change")
        acting.commit("change", {"apps/web.yaml": deployment(UNPINNED)})
        repository = {
            "name": NAME,
            "number": ID,
            "private": True,
            "git": str(git.folder),
            "pulls": [{"head": "change", "title": "Bring the newest web"}],
        }
        forge.ask("/__state", {"repositories": [repository]})
        yield acting


def about_the_change(acting: Acting, workflow: Path, **more: Any) -> Any:
    return acting.run("pull_request_target", acting.pull_request_event(), workflow=workflow, **more)


class TestTheTwoJobs:
    def test_a_denied_change(self, shop: Acting, trusted: Path) -> None:
        ran = about_the_change(shop, trusted)
        assert ran.code == 1, ran.log
        assert shop.report()["verdict"] == "deny"
        (comment,) = shop.forge.comments
        assert "images/pinned" in comment
        (thread,) = shop.forge.pull["threads"]
        assert (thread["path"], thread["line"]) == ("apps/web.yaml", 13)
        assert shop.forge.states == [(shop.tip("change")[:12], "failure")]

    def test_an_allowed_change_and_a_re_run_that_writes_nothing(
        self, shop: Acting, trusted: Path
    ) -> None:
        shop.commit("change", {"apps/web.yaml": deployment(PINNED.replace("a", "b", 1))})
        first = about_the_change(shop, trusted)
        assert first.code == 0, first.log
        assert shop.forge.states == [(shop.tip("change")[:12], "success")]
        (comment,) = shop.forge.comments
        shop.forge.ask("/__log", method="DELETE")
        again = about_the_change(shop, trusted, GITHUB_RUN_ATTEMPT="2")
        assert again.code == 0, again.log
        assert shop.forge.comments == [comment]
        assert not writes(shop)

    def test_a_pending_change_ends_well_because_the_status_does_not(
        self, shop: Acting, trusted: Path
    ) -> None:
        """Rules that do not load are decided by older ones, with one approval more."""
        shop.commit("change", {"apps/web.yaml": deployment(PINNED), "README.md": "Hello\n"})
        rules = (shop.git.folder / ".gitops-gate.yaml").read_text()
        shop.commit("main", {".gitops-gate.yaml": rules + "nonsense: 1\n"})
        ran = about_the_change(shop, trusted)
        assert ran.code == 0, ran.log
        assert shop.forge.states == [(shop.tip("change")[:12], "pending")]

    def test_a_check_that_breaks_is_shown_and_takes_the_decision_back(
        self, shop: Acting, trusted: Path
    ) -> None:
        trusted.write_text(
            trusted.read_text().replace("command: check", "command: check\n          arguments: -X")
        )
        ran = about_the_change(shop, trusted)
        assert ran.code == 1, ran.log
        assert shop.forge.states == [(shop.tip("change")[:12], "error")]
        assert "ended without a report" in shop.forge.comments[0]

    def test_a_branch_that_anybody_may_push_to_gets_a_review_and_no_status(
        self, shop: Acting, trusted: Path
    ) -> None:
        shop.git.git("branch", "stack", "main")
        shop.forge.do("retarget", pull=1, base="stack")
        ran = about_the_change(shop, trusted)
        assert ran.code == 1, ran.log
        assert "images/pinned" in shop.forge.comments[0]
        assert shop.forge.states == []

    def test_a_fork_of_a_private_repository(self, shop: Acting, trusted: Path) -> None:
        fork = {"name": "stranger/shop", "fork_of": NAME, "private": True}
        shop.forge.ask("/__state", {"repositories": [fork]})
        theirs = {"apps/web.yaml": deployment("stranger/web:latest")}
        commit = {"action": "commit", "branch": "patch", "message": "Mine", "files": theirs}
        shop.forge.ask("/__state", {"do": [{**commit, "repository": "stranger/shop"}]})
        pull = {"title": "Mine", "head": "stranger:patch", "base": "main"}
        shop.forge.ask(f"/api/v3/repos/{NAME}/pulls", pull, token=TOKEN)
        event = shop.pull_request_event(2)
        ran = shop.run("pull_request_target", event, workflow=trusted)
        assert ran.code == 1, ran.log
        assert shop.forge.states == [(event["pull_request"]["head"]["sha"][:12], "failure")]

    def test_an_app_of_its_own_publishes_and_nobody_else_can_set_its_status(
        self, shop: Acting, trusted: Path, tmp_path: Path
    ) -> None:
        """The job of the documentation, with a GITHUB_TOKEN that can only read."""
        app = {"value": "ghs_app", "account": "gate", "app_id": 99, "app_slug": "gate"}
        reads = {"value": TOKEN, "permissions": {"contents": "read"}}
        tokens = [{**app, "permissions": PERMISSIONS}, reads]
        bot = {"login": "gate", "kind": "Bot"}
        shop.forge.ask("/__state", {"accounts": [bot], "tokens": tokens})
        (tmp_path / "app-token").write_text("ghs_app")
        shop.secrets["GITOPS_GATE_PRIVATE_KEY"] = "key"
        trusted.write_text(with_job(trusted, "publish"))
        ran = about_the_change(shop, trusted)
        assert ran.code == 1, ran.log
        (status,) = shop.forge.repository["statuses"]
        assert (status["state"], status["creator"]) == ("failure", "gate[bot]")
        assert shop.forge.pull["comments"][0]["author"] == "gate[bot]"


def queued(shop: Acting) -> dict[str, str]:
    """What GitHub says when the change is put into the merge queue."""
    shop.forge.do("enqueue", pull=1)
    (name,) = shop.git.git("branch", "--list", "gh-readonly-queue/*", "--format=%(refname)").split()
    return {
        "base_ref": "refs/heads/main",
        "base_sha": shop.tip("main"),
        "head_ref": name,
        "head_sha": shop.tip(name),
    }


class TestOtherEvents:
    def test_a_merge_queue_is_judged_as_it_would_land(self, shop: Acting, trusted: Path) -> None:
        group = queued(shop)
        payload = {"merge_group": group, "repository": {"default_branch": "main"}}
        ran = shop.run(
            "merge_group", payload, workflow=trusted, ref=group["head_ref"], sha=group["head_sha"]
        )  # fmt: skip
        assert ran.code == 1, ran.log
        assert shop.forge.states == [(group["head_sha"][:12], "failure")]
        assert shop.forge.comments == []

    @pytest.mark.parametrize("event", ["workflow_run", "schedule"])
    def test_a_review_or_the_clock_asks_for_a_new_answer(
        self, shop: Acting, trusted: Path, event: str
    ) -> None:
        run = {"event": "pull_request_review", "head_sha": shop.tip("change")}
        payload = {"workflow_run": run} if event == "workflow_run" else {"schedule": "23 * * * *"}
        asked = shop.run(event, payload, workflow=trusted)
        assert asked.code == 0, asked.log
        dispatched = json.loads((shop.artifacts / "dispatched").read_text())
        assert dispatched == {
            "workflow": "gitops-gate.yml", "ref": "main", "number": "1", "base": "main",
        }  # fmt: skip
        if event == "schedule":
            return
        inputs = {"number": dispatched["number"], "base": dispatched["base"]}
        payload = {"inputs": inputs, "repository": {"default_branch": "main"}}
        ran = shop.run("workflow_dispatch", payload, workflow=trusted)
        assert ran.code == 1, ran.log
        assert shop.forge.states == [(shop.tip("change")[:12], "failure")]

    def test_a_review_of_something_else_asks_for_nothing(self, shop: Acting, trusted: Path) -> None:
        payload = {"workflow_run": {"event": "pull_request_review", "head_sha": shop.tip("main")}}
        assert shop.run("workflow_run", payload, workflow=trusted).code == 0
        assert not (shop.artifacts / "dispatched").exists()

    def test_nobody_gets_an_answer_for_one_branch_by_the_rules_of_another(
        self, shop: Acting, trusted: Path
    ) -> None:
        """Whoever may start the workflow names the target, and it has to be the true one."""
        shop.git.git("branch", "older", "main")
        shop.commit("main", {"README.md": "Newer\n"})
        inputs = {"number": "1", "base": "older"}
        payload = {"inputs": inputs, "repository": {"default_branch": "main"}}
        ran = shop.run("workflow_dispatch", payload, workflow=trusted)
        assert "gitops-gate: the report is " in ran.log
        assert (shop.forge.states, shop.forge.comments) == ([], [])


def writes(acting: Acting) -> list[str]:
    """The requests since the log was emptied that changed something."""
    return [
        one["operation"]
        for one in acting.forge.ask("/__log")
        if one["method"] in {"POST", "PUT", "PATCH", "DELETE"}
        and not one["operation"].startswith(("git-", "graphql/query"))
    ]
