"""Reverts, ratifications and new versions, each through a pull request of a GitHub of our own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitops_gate.cli import main
from gitops_gate.config import load_ratifications
from gitops_gate.review.ratifying import Ratified, ratified_in
from gitops_gate.source import open_repository
from tests.forges.github.server import GitHubServer
from tests.forges.github.state import Pull, Repository
from tests.unit.source.repositories import GitRepository

TOKEN = "ghs_recovery"
NAME = "acme/shop"
ID = 4711
DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64

CONFIGURATION = """\
version: 1
forge: {{url: {origin}, repository_id: 4711}}
delivery:
  branches: {{main: {{ref: refs/heads/deploy/production}}}}
  signing: {{method: key, key: "env:KEY"}}
freezes:
  - name: year end
    from: 2026-12-20T00:00:00Z
    until: 2027-01-04T00:00:00Z
    unless: {{labels: [hotfix], require: {{count: 2, teams: [sre]}}}}
"""


def settings(value: str, name: str = "settings") -> str:
    return (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: shop}}\n"
        f"data:\n  key: {value}\n"
    )


def deployment(image: str) -> str:
    return (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n"
        "spec:\n  selector: {matchLabels: {app: web}}\n  template:\n"
        "    metadata: {labels: {app: web}}\n    spec:\n      containers:\n"
        f"        - name: web\n          image: {image}  # kept\n"
    )


@dataclass
class Ran:
    code: int
    out: str
    err: str


@dataclass
class Place:
    """A forge with a repository, a clone of it, and the command run in the clone."""

    server: GitHubServer
    repository: Repository
    folder: Path
    gate: Callable[..., Ran]

    def fetch(self) -> None:
        clone = GitRepository(self.folder)
        address = self.server.clone_url(self.repository).replace(
            "http://", f"http://x-access-token:{TOKEN}@"
        )
        clone.git(
            "fetch",
            "--quiet",
            address,
            "+refs/heads/*:refs/remotes/origin/*",
            environment={"GIT_ALLOW_PROTOCOL": "http"},
        )
        clone.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")

    def change(self, files: dict[str, str], method: str = "merge", *, commits: int = 1) -> Pull:
        """Open a change and merge it."""
        branch = f"change-{len(self.repository.pulls) + 1}"
        ann = self.server.account("ann")
        for number in range(commits):
            some = (
                files if number == 0 else {f"apps/part-{number}.yaml": settings("x", f"p{number}")}
            )
            self.server.commit(self.repository, branch, some, actor=ann)
        pull = self.server.pull(self.repository, head=branch, author=ann, title=f"Do {branch}")
        self.server.merge(pull, method=method, by="mia")
        return pull

    def file(self, path: str, revision: str = "main") -> str:
        return self.repository.git("show", f"{revision}:{path}")

    @property
    def opened(self) -> Pull:
        return max(self.repository.pulls.values(), key=lambda pull: pull.number)

    @property
    def proposed(self) -> list[str]:
        return sorted(one for one in self.repository.branches if one.startswith("gitops-gate/"))


@pytest.fixture
def place(
    tmp_path: Path,
    github_server: GitHubServer,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Place:
    server = github_server
    repository = server.repository(
        NAME, number=ID, collaborators={"ann": "write", "mia": "maintain", "bot": "write"}
    )
    first = {
        ".gitops-gate.yaml": CONFIGURATION.format(origin=server.origin),
        "apps/settings.yaml": settings("old"),
        "apps/web.yaml": deployment(f"registry.example.com/web:1.0@{DIGEST}"),
    }
    server.commit(repository, "main", first)
    server.token(TOKEN, permissions={"contents": "write", "pull_requests": "write"}, app_id=77)
    folder = tmp_path / "clone"
    clone = GitRepository(folder)
    clone.git("remote", "add", "origin", server.clone_url(repository))
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITOPS_GATE_TOKEN", TOKEN)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def gate(command: str, *arguments: object) -> Ran:
        capfd.readouterr()
        code = main([command, *map(str, arguments), "--repo", str(folder), "--forge", "github"])
        said = capfd.readouterr()
        assert TOKEN not in said.out + said.err
        return Ran(code, said.out, said.err)

    made = Place(server, repository, folder, gate)
    made.fetch()
    server.forget()
    return made


@pytest.mark.parametrize("method", ["merge", "squash"])
def test_a_step_is_reverted_by_a_pull_request(place: Place, method: str) -> None:
    pull = place.change({"apps/settings.yaml": settings("new")}, method)
    place.fetch()
    assert pull.merge_commit is not None
    done = place.gate("revert", pull.merge_commit, "--reason", "it broke", "--label", "hotfix")
    assert done.code == 0, done.err
    opened = place.opened
    assert f"Opened: {place.server.origin}/{NAME}/pull/{opened.number}\n" in done.out
    assert "apps  (default)  equal" in done.out
    assert opened.base_ref == "main"
    assert opened.head_ref == f"gitops-gate/revert-{pull.merge_commit[:12]}"
    assert opened.labels == ["hotfix"]
    assert place.file("apps/settings.yaml", opened.head) == settings("old")
    assert (
        place.repository.git("rev-parse", f"{opened.head}^").strip()
        == (place.repository.branches["main"])
    )
    body = str(opened.body)
    assert "**Why:** it broke" in body
    assert "1 of 1 equal" in body
    assert "year end: the label `hotfix` (has it), and 2 approvals of sre" in body
    assert place.repository.branches["main"] == pull.merge_commit


@pytest.mark.parametrize(("method", "steps"), [("merge", 1), ("squash", 1), ("rebase", 3)])
def test_a_pull_request_is_reverted_by_its_number(place: Place, method: str, steps: int) -> None:
    before = place.repository.git("rev-parse", "main^{tree}")
    pull = place.change({"apps/settings.yaml": settings("new")}, method, commits=3)
    done = place.gate("revert", f"#{pull.number}")
    assert done.code == 0, done.err
    opened = place.opened
    assert opened.title == f"Revert change request {pull.number}"
    assert f"Undoes change request {pull.number} ({steps} step" in str(opened.body)
    assert place.repository.git("rev-parse", f"{opened.head}^{{tree}}") == before


def test_the_tip_is_read_from_the_forge_and_not_from_the_clone(place: Place) -> None:
    pull = place.change({"apps/settings.yaml": settings("new")})
    place.fetch()
    place.change({"apps/later.yaml": settings("x", "later")})
    done = place.gate("revert", str(pull.merge_commit))
    assert done.code == 0, done.err
    assert "differs in 1 resource, because of later changes" in done.out
    tip = place.repository.branches["main"]
    assert place.repository.git("rev-parse", f"{place.opened.head}^").strip() == tip


def test_the_same_revert_finds_its_pull_request(place: Place) -> None:
    pull = place.change({"apps/settings.yaml": settings("new")})
    first = place.gate("revert", f"#{pull.number}")
    again = place.gate("revert", f"#{pull.number}", "--reason", "still")
    assert (first.code, again.code) == (0, 0)
    assert first.out.splitlines()[-1] == again.out.splitlines()[-1]
    assert len(place.proposed) == 1
    place.change({"apps/later.yaml": settings("x", "later")})
    number = place.opened.number
    later = place.gate("revert", f"#{pull.number}")
    assert first.out.splitlines()[-1] == later.out.splitlines()[-1]
    assert place.opened.number == number


def test_a_branch_with_something_else_is_not_taken_for_the_revert(place: Place) -> None:
    pull = place.change({"apps/settings.yaml": settings("new")})
    branch = f"gitops-gate/revert-{str(pull.merge_commit)[:12]}"
    place.server.commit(place.repository, branch, {"apps/evil.yaml": settings("evil", "evil")})
    number = place.opened.number
    done = place.gate("revert", f"#{pull.number}")
    assert done.code == 2
    assert f"the branch {branch} is there already and holds another change" in done.err
    assert place.opened.number == number


def test_a_conflict_names_the_files_and_pushes_nothing(place: Place) -> None:
    pull = place.change({"apps/settings.yaml": settings("new")})
    place.change({"apps/settings.yaml": settings("newer")})
    done = place.gate("revert", f"#{pull.number}")
    assert done.code == 2
    assert "conflicts in apps/settings.yaml" in done.err
    assert place.proposed == []
    assert not place.server.writes


def test_a_dry_run_asks_the_forge_for_nothing(place: Place) -> None:
    pull = place.change({"apps/settings.yaml": settings("new")})
    place.fetch()
    place.server.forget()
    done = place.gate("revert", str(pull.merge_commit), "--dry-run")
    assert done.code == 0, done.err
    assert "+  key: old" in done.out
    assert "Would be opened: gitops-gate/revert-" in done.out
    assert len(place.server.log) == 0


def test_an_open_pull_request_has_landed_nothing(place: Place) -> None:
    place.server.commit(place.repository, "open", {"apps/settings.yaml": settings("new")})
    pull = place.server.pull(place.repository, head="open")
    done = place.gate("revert", f"#{pull.number}")
    assert done.code == 2
    assert f"change request {pull.number} is open" in done.err


def test_a_commit_inside_of_a_merge_is_answered_with_the_merge(place: Place) -> None:
    pull = place.change({"apps/settings.yaml": settings("new")})
    done = place.gate("revert", pull.head)
    assert done.code == 2
    assert f"the merge {pull.merge_commit} brought it" in done.err


def test_a_held_step_is_ratified_by_a_pull_request(place: Place) -> None:
    delivered = place.repository.branches["main"]
    place.server.force(place.repository, "deploy/production", delivered)
    kept = "# what was looked at\n"
    place.server.commit(place.repository, "main", {".gitops-gate/ratified.yaml": kept})
    held = place.server.direct(
        place.repository, "main", {"apps/settings.yaml": settings("new")}, by="mia"
    )
    done = place.gate("ratify", held, "--reason", "mended the outage", "--owner", "sre")
    assert done.code == 0, done.err
    opened = place.opened
    text = place.file(".gitops-gate/ratified.yaml", opened.head)
    assert text.startswith(kept)
    (entry,) = load_ratifications(text.encode())
    assert (entry.commit, entry.after) == (held, delivered)
    assert (entry.reason, entry.owner) == ("mended the outage", "sre")
    assert f"- {held}" in str(opened.body)
    place.fetch()
    with open_repository(place.folder) as clone:
        seen = ratified_in(clone, place.repository.branches["main"], opened.head)
    assert seen == Ratified(since=delivered, held=held)
    assert opened.head_ref == f"gitops-gate/ratify-{held[:12]}-{delivered[:12]}"


def test_what_is_delivered_already_is_not_ratified(place: Place) -> None:
    tip = place.repository.branches["main"]
    place.server.force(place.repository, "deploy/production", tip)
    place.fetch()
    done = place.gate("ratify", tip, "--reason", "why")
    assert done.code == 2
    assert f"no delivery ref of the branch stands before {tip}" in done.err


def test_a_new_image_comes_by_a_pull_request(place: Place) -> None:
    new = f"registry.example.com/web:1.1@{OTHER}"
    done = place.gate("bump", "apps", f"image={new}", "--reason", "build 7")
    assert done.code == 0, done.err
    opened = place.opened
    assert opened.title == "Bump apps: web 1.1"
    assert place.file("apps/web.yaml", opened.head) == deployment(new)
    assert "**In the cluster:** 1 resource would change." in str(opened.body)
    assert "apps/web.yaml:11" in str(opened.body)
    again = place.gate("bump", "apps", f"image={new}")
    assert again.out.splitlines()[-1] == done.out.splitlines()[-1]
    place.server.merge(opened, method="squash", by="mia")
    landed = place.gate("bump", "apps", f"image={new}")
    assert landed.code == 1
    assert "nothing changes: apps/web.yaml:11 says so already" in landed.err


def test_a_pipeline_of_another_repository_asks_for_its_deployment(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "acme/web",
        "GITHUB_REPOSITORY_ID": "9",
        "GITHUB_SERVER_URL": "https://github.example.com",
        "GITHUB_API_URL": "https://github.example.com/api/v3",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_TOKEN": "ghs_of_the_other",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    done = place.gate("bump", "apps", f"image=registry.example.com/web:1.1@{OTHER}")
    assert done.code == 0, done.out
    first, *_, last = [line for line in done.out.splitlines() if line]
    assert first.startswith("::stop-commands::")
    assert last == f"::{first.rpartition(':')[2]}::"
    refused = place.gate("bump", "apps", f"image=registry.example.com/web:1.0@{DIGEST}")
    assert refused.code == 1
    assert "nothing changes" in refused.out


class TestFaults:
    def bump(self, place: Place) -> Ran:
        return place.gate("bump", "apps", f"image=registry.example.com/web:1.1@{OTHER}")

    def test_a_push_that_arrived_although_the_line_broke(self, place: Place) -> None:
        place.server.pushes.die(stored=True)
        done = self.bump(place)
        assert done.code == 0, done.err
        assert place.opened.head_ref in place.proposed

    def test_a_push_that_did_not_arrive_is_an_error_and_can_be_repeated(self, place: Place) -> None:
        place.server.pushes.die(stored=False)
        done = self.bump(place)
        assert done.code == 2
        assert place.proposed == []
        assert self.bump(place).code == 0

    def test_a_refused_push_is_told_in_the_words_of_the_forge(self, place: Place) -> None:
        place.server.pushes.reject("no branches of robots")
        done = self.bump(place)
        assert done.code == 2
        assert "cannot be pushed" in done.err
        assert "no branches of robots" in done.err

    def test_a_token_that_may_only_push_leaves_a_branch_that_the_next_run_opens(
        self, place: Place
    ) -> None:
        place.server.token(TOKEN, permissions={"contents": "write"}, app_id=77)
        done = self.bump(place)
        assert done.code == 2
        assert "give the token `pull-requests: write`" in done.err
        place.server.token(
            TOKEN, permissions={"contents": "write", "pull_requests": "write"}, app_id=77
        )
        assert self.bump(place).code == 0
        assert [place.opened.head_ref] == place.proposed

    def test_somebody_who_makes_the_branch_at_the_same_moment(self, place: Place) -> None:
        self.bump(place)
        branch = place.opened.head_ref
        place.repository.git("update-ref", "-d", f"refs/heads/{branch}")
        place.server.pushes.overtaken(
            lambda: place.server.commit(place.repository, branch, {"apps/x.yaml": settings("x")})
        )
        done = self.bump(place)
        assert done.code == 2
        assert "is there already and holds another change" in done.err

    def test_what_the_forge_does_not_know_yet_is_not_reverted_in_part(self, place: Place) -> None:
        pull = place.change({"apps/settings.yaml": settings("new")}, "rebase", commits=3)
        place.server.lookups.lag(times=1)
        done = place.gate("revert", f"#{pull.number}")
        assert done.code == 2
        assert "it cannot be known which commits" in done.err
        assert place.proposed == []
        assert place.gate("revert", f"#{pull.number}").code == 0

    @pytest.mark.slow
    def test_a_forge_that_is_down(self, place: Place) -> None:
        place.server.lookups.down(times=None)
        assert self.bump(place).code == 2
        place.server.faults.clear()
        assert place.proposed == []

    def test_a_branch_whose_change_has_landed_is_told(self, place: Place) -> None:
        assert self.bump(place).code == 0
        place.server.merge(place.opened, method="merge", by="mia")
        back = f"image=registry.example.com/web:1.0@{DIGEST}"
        assert place.gate("bump", "apps", back).code == 0
        place.server.merge(place.opened, method="merge", by="mia")
        done = self.bump(place)
        assert done.code == 2
        assert "what it holds has landed" in done.err

    def test_another_repository_than_the_pinned_one(self, place: Place) -> None:
        done = place.gate(
            "bump", "apps", f"image=registry.example.com/web:1.1@{OTHER}", "--repository-id", "1"
        )
        assert done.code == 2
        assert place.proposed == []

    def test_without_a_token_it_says_which_to_give(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("GITOPS_GATE_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        done = self.bump(place)
        assert done.code == 2
        assert "none of GITOPS_GATE_TOKEN, GITHUB_TOKEN, GH_TOKEN is set" in done.err
