"""Reverts, ratifications and new versions, each through a merge request of a GitLab of our own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitops_gate.cli import main
from tests.forges.gitlab import scenario
from tests.forges.gitlab.scenario import Shop
from tests.forges.gitlab.server import GitLabServer
from tests.forges.gitlab.state import MergeRequest
from tests.forges.test_recovery_github import DIGEST, OTHER, Ran, deployment, settings
from tests.unit.source.repositories import GitRepository

TOKEN = scenario.TOKEN


@dataclass
class Place:
    """A forge with a project, a clone of it, and the command run in the clone."""

    server: GitLabServer
    shop: Shop
    gate: Callable[..., Ran]

    def change(self, *, commits: int = 1, **how: object) -> MergeRequest:
        """Open a change of several commits and merge it."""
        branch = f"work-{len(self.shop.state.merge_requests)}"
        self.server.commit(branch, {"apps/settings.yaml": settings("new")}, by="alice")
        for number in range(1, commits):
            part = {f"apps/part-{number}.yaml": settings("x", f"p{number}")}
            self.server.commit(branch, part, by="alice")
        mr = self.server.open(branch, by="alice", title="Change the settings")
        self.server.merge(mr, by="carol", **how)  # type: ignore[arg-type]
        return mr

    def git(self, *words: str) -> str:
        return str(self.shop.project.git.git(*words)).strip()

    @property
    def opened(self) -> MergeRequest:
        return max(self.shop.state.merge_requests.values(), key=lambda mr: mr.iid)

    @property
    def proposed(self) -> list[str]:
        return self.git(
            "for-each-ref", "--format=%(refname:short)", "refs/heads/gitops-gate"
        ).split()


@pytest.fixture
def place(
    tmp_path: Path,
    start_gitlab: Callable[..., GitLabServer],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Place:
    files = {
        "apps/settings.yaml": settings("old"),
        "apps/web.yaml": deployment(f"registry.example.com/web:1.0@{DIGEST}"),
    }
    shop = scenario.bare_shop(tmp_path / "shop.git", files=files)
    server = start_gitlab(shop.state)
    pins = f"forge: {{url: {server.url}, repository_id: {scenario.PROJECT_ID}}}\n"
    server.direct("main", {".gitops-gate.yaml": pins}, by="carol")
    clone = GitRepository(tmp_path / "clone")
    clone.git("remote", "add", "origin", server.clone_url())
    clone.git("fetch", "--quiet", str(shop.project.git.path), "+refs/heads/*:refs/remotes/origin/*")
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITOPS_GATE_TOKEN", TOKEN)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def gate(command: str, *arguments: object) -> Ran:
        capfd.readouterr()
        words = [command, *map(str, arguments), "--repo", str(clone.folder), "--forge", "gitlab"]
        code = main(words)
        said = capfd.readouterr()
        assert TOKEN not in said.out + said.err
        return Ran(code, said.out, said.err)

    server.forget()
    return Place(server, shop, gate)


@pytest.mark.parametrize(
    ("how", "steps"),
    [
        ({"method": "merge"}, 1),
        ({"method": "merge", "squash": True}, 1),
        ({"method": "rebase_merge"}, 1),
        ({"method": "ff"}, 3),
        ({"method": "ff", "squash": True}, 1),
    ],
    ids=["merge", "squash and merge", "rebase and merge", "fast-forward", "squash"],
)
def test_a_merge_request_is_reverted_by_its_number(
    place: Place, how: dict[str, object], steps: int
) -> None:
    before = place.git("rev-parse", "main^{tree}")
    mr = place.change(commits=3, **how)
    done = place.gate("revert", f"!{mr.iid}", "--reason", "it broke", "--label", "hotfix")
    assert done.code == 0, done.err
    opened = place.opened
    assert f"/merge_requests/{opened.iid}\n" in done.out
    assert opened.target_branch == "main"
    assert opened.title == f"Revert change request {mr.iid}"
    assert f"({steps} step" in str(opened.description)
    assert "1 of 1 equal" in str(opened.description)
    assert place.git("rev-parse", f"{opened.source_branch}^{{tree}}") == before


def test_commits_that_a_rebase_rewrote_are_not_reverted_in_part(place: Place) -> None:
    server = place.server
    server.commit("work", {"apps/settings.yaml": settings("new")}, by="alice")
    server.commit("work", {"apps/part.yaml": settings("x", "part")}, by="alice")
    mr = server.open("work", by="alice", title="Change the settings")
    server.direct("main", {"apps/other.yaml": settings("y", "other")}, by="carol")
    last = server.merge(mr, method="ff", by="carol")
    done = place.gate("revert", f"!{mr.iid}")
    assert done.code == 2
    assert "name the commits to revert instead" in done.err
    assert place.proposed == []
    done = place.gate("revert", last, place.git("rev-parse", f"{last}^"))
    assert done.code == 0, done.err
    changed = place.git("diff", "--name-only", f"{last}~2", place.opened.source_branch)
    assert changed == ""


def test_the_same_proposal_finds_its_merge_request(place: Place) -> None:
    new = f"image=registry.example.com/web:1.1@{OTHER}"
    first = place.gate("bump", "apps", new)
    assert first.code == 0, first.err
    iid = place.opened.iid
    again = place.gate("bump", "apps", new)
    assert again.out.splitlines()[-1] == first.out.splitlines()[-1]
    assert (place.opened.iid, len(place.proposed)) == (iid, 1)


def test_a_held_step_is_ratified_by_a_merge_request(place: Place) -> None:
    delivered = place.git("rev-parse", "main")
    held = place.server.direct("main", {"apps/settings.yaml": settings("new")}, by="carol")
    done = place.gate("ratify", held, "--after", delivered, "--reason", "why", "--owner", "sre")
    assert done.code == 0, done.err
    text = place.git("show", f"{place.opened.source_branch}:.gitops-gate/ratified.yaml")
    assert text == f"- commit: {held}\n  after: {delivered}\n  reason: why\n  owner: sre"


def test_a_branch_that_may_not_be_pushed_is_told(place: Place) -> None:
    place.server.protect("gitops-gate/*", only=[])
    done = place.gate("bump", "apps", f"image=registry.example.com/web:1.1@{OTHER}")
    assert done.code == 2
    assert "cannot be pushed" in done.err
    assert place.proposed == []
