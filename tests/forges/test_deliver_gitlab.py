"""Deliveries from a GitLab of our own: every way to merge there, and what must not pass."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.forges.delivering import REF, Ran, config_map, make_key, rules, runner
from tests.forges.gitlab import scenario
from tests.forges.gitlab.server import GitLabServer
from tests.forges.gitlab.state import DEVELOPER, MergeRequest

pytestmark = pytest.mark.slow
DELIVERER = "glpat-deliverer"


@dataclass
class Ground:
    """`group/shop` on a GitLab of our own, delivered once."""

    server: GitLabServer
    shop: scenario.Shop
    folder: Path
    run: Callable[..., Ran]
    start: str
    key: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def main(self) -> str:
        return str(self.shop.project.git.tip("main"))

    @property
    def delivered(self) -> str | None:
        found = self.shop.project.git.git("for-each-ref", "--format=%(objectname)", REF).strip()
        return found or None

    def change(self, branch: str, *commits: dict[str, str]) -> MergeRequest:
        start: str | None = self.main
        for files in commits:
            self.server.commit(branch, files, by="alice", start=start)
            start = None
        return self.server.open(branch, by="alice", title=f"Change {branch}")

    def deliver(self) -> Ran:
        return self.run("deliver", "--format", "json", "--repo", str(self.clone()))

    def clone(self) -> Path:
        checkout = self.folder / "checkout"
        shutil.rmtree(checkout, ignore_errors=True)
        path = str(self.shop.project.git.path)
        subprocess.run(["git", "clone", "--quiet", path, str(checkout)], check=True)
        return checkout

    def verify(self) -> Ran:
        return self.run(
            "verify", self.main, "--key", self.key, "--repository-id", scenario.PROJECT_ID,
            "--repo", str(self.clone()),
        )  # fmt: skip


@pytest.fixture
def ground(
    tmp_path: Path,
    start_gitlab: Callable[..., GitLabServer],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Ground:
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    files = {"apps/settings.yaml": config_map("old")}
    shop = scenario.bare_shop(tmp_path / "shop.git", files=files)
    server = start_gitlab(shop.state)
    deliverer = shop.state.add_bot_token(DELIVERER, project="group/shop", level=DEVELOPER)
    only = [shop.state.users[deliverer.user].username]
    server.protect("deploy/*", "gitops-gate/attestations", only=only)
    environment = {
        "GITLAB_CI": "true",
        "CI_PIPELINE_SOURCE": "push",
        "CI_PROJECT_ID": str(scenario.PROJECT_ID),
        "CI_PROJECT_PATH": "group/shop",
        "CI_API_V4_URL": server.api,
        "CI_SERVER_URL": server.url,
        "CI_DEFAULT_BRANCH": "main",
        "CI_COMMIT_BRANCH": "main",
        "GITOPS_GATE_TOKEN": scenario.TOKEN,
        "GITOPS_GATE_DELIVERY_TOKEN": DELIVERER,
        "GITOPS_GATE_SIGNING_KEY": make_key(tmp_path / "key.pub"),
    }
    run = runner(environment, monkeypatch, capfd, (DELIVERER, scenario.TOKEN, "PRIVATE KEY"))
    start = str(shop.project.git.tip("main"))
    made = Ground(server, shop, tmp_path, run, start, tmp_path / "key.pub", environment)
    text = rules(server.url, scenario.PROJECT_ID, start)
    landed = made.change("rules", {".gitops-gate.yaml": text})
    server.approve(landed, by="bob")
    server.merge(landed, method="merge", by="carol")
    environment["CI_COMMIT_SHA"] = made.main
    done = made.deliver()
    assert done.code == 0, done.out + done.err
    return made


def two_commits(ground: Ground) -> MergeRequest:
    first = {"apps/settings.yaml": config_map("new")}
    return ground.change("new", first, {"apps/more.yaml": config_map("more", "more")})


@pytest.mark.parametrize(
    ("method", "squash", "found"),
    [
        ("merge", False, "merge"),
        ("merge", True, "merge"),
        ("rebase_merge", False, "merge"),
        ("rebase_merge", True, "merge"),
        ("ff", False, "fast-forward"),
        ("ff", True, "squash"),
    ],
)
def test_what_was_approved_is_delivered_however_it_was_merged(
    ground: Ground, method: str, squash: bool, found: str
) -> None:
    mr = two_commits(ground)
    ground.server.approve(mr, by="bob")
    ground.server.merge(mr, method=method, squash=squash, by="carol")
    done = ground.deliver()
    assert done.code == 0, done.out + done.err
    assert ground.delivered == ground.main
    assert [step["method"] for step in done.one["steps"]] == [found]
    assert ground.verify().code == 0


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("method", ["rebase_merge", "ff"])
def test_commits_that_gitlab_rebased_itself_are_made_again(
    ground: Ground, method: str, linked: bool
) -> None:
    ground.shop.state.links_generated_commits = linked
    mr = two_commits(ground)
    other = ground.change("other", {"apps/other.yaml": config_map("other", "other")})
    for one in (other, mr):
        ground.server.approve(one, by="bob")
    ground.server.merge(other, method="merge", by="carol")
    ground.server.merge(mr, method=method, by="carol", automatic_rebase=True)
    done = ground.deliver()
    assert done.code == 0, done.out + done.err
    assert ground.delivered == ground.main
    assert ground.verify().code == 0


def test_a_merge_train_is_delivered(ground: Ground) -> None:
    one = ground.change("one", {"apps/one.yaml": config_map("one", "one")})
    two = ground.change("two", {"apps/two.yaml": config_map("two", "two")})
    for mr in (one, two):
        ground.server.approve(mr, by="bob")
    ground.server.train(one, two, by="carol", method="merge")
    done = ground.deliver()
    assert done.code == 0, done.out + done.err
    assert [step["changes"][0]["number"] for step in done.one["steps"]] == [one.iid, two.iid]


def test_a_direct_push_is_held(ground: Ground) -> None:
    before = ground.delivered
    ground.server.direct("main", {"apps/settings.yaml": config_map("x")}, by="carol")
    done = ground.deliver()
    assert (done.code, done.hold) == (1, "direct_push")
    assert ground.delivered == before


def test_a_direct_push_below_a_change_that_is_fast_forwarded_is_held(ground: Ground) -> None:
    before = ground.delivered
    ground.server.direct("main", {"apps/settings.yaml": config_map("x")}, by="carol")
    mr = two_commits(ground)
    ground.server.approve(mr, by="bob")
    ground.server.merge(mr, method="ff", by="carol")
    done = ground.deliver()
    assert done.code in (1, 2), done.out
    assert ground.delivered == before


def test_an_evil_merge_is_held(ground: Ground) -> None:
    mr = two_commits(ground)
    ground.server.approve(mr, by="bob")
    files = {"apps/settings.yaml": config_map("evil")}
    head = str(ground.shop.state.head(mr))
    ground.server.direct("main", files, by="carol", parents=(ground.main, head))
    assert ground.deliver().hold == "not_reproduced"


def test_what_nobody_approved_is_held(ground: Ground) -> None:
    mr = two_commits(ground)
    ground.server.merge(mr, method="merge", by="carol")
    ground.server.approve(mr, by="bob")
    done = ground.deliver()
    assert (done.code, done.hold) == (1, "not_approved")
