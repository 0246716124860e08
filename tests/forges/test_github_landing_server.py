"""How pull requests land on the GitHub of our own, and which pushes it takes."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.forges.github import GitHubServer, arrange
from tests.forges.github.state import Pull
from tests.forges.workbench import run

APP = "ghs_App0123456789"
REF = "refs/heads/deploy/production"


class Shop:
    """A repository with a pull request of two commits into a main that moved since."""

    def __init__(self, server: GitHubServer) -> None:
        self.server = server
        self.repository = server.repository(
            "acme/shop", collaborators={"ann": "write", "mia": "maintain", "root": "admin"}
        )
        self.pull = self.change("feature")
        server.commit(self.repository, "main", {"other.yaml": "a: 1\n"})
        server.token(APP, permissions={"contents": "write", "pull_requests": "read"}, app_id=77)

    def change(self, branch: str, base: str = "main", **more: Any) -> Pull:
        ann = self.server.account("ann")
        for number in (1, 2):
            files = {f"{branch}-{number}.yaml": "a: 1\n"}
            self.server.commit(self.repository, branch, files, f"Step {number}", actor=ann, **more)
            more = {}
        return self.server.pull(self.repository, head=branch, base=base, author=ann, title=branch)

    def git(self, *arguments: str) -> str:
        return run(self.repository.git.path, *arguments)

    def tip(self, branch: str = "main") -> str:
        return self.git("rev-parse", f"refs/heads/{branch}")

    def people(self, sha: str) -> list[str]:
        return self.git("log", "-1", "--format=%an|%cn|%P", sha).split("|")

    def landed(self, sha: str) -> list[int]:
        address = f"{self.server.api_url}/repos/acme/shop/commits/{sha}/pulls"
        headers = {"User-Agent": "test", "Authorization": f"Bearer {APP}"}
        rows = requests.get(address, headers=headers, timeout=10).json()
        return [row["number"] for row in rows if row["merged_at"]]


@pytest.fixture
def shop(github_server: GitHubServer) -> Shop:
    return Shop(github_server)


# ----------------------------------------------------------------------------- methods


def test_a_merge_commit_is_its_mergers_and_githubs(shop: Shop) -> None:
    tip = shop.tip()
    sha = shop.server.merge(shop.pull, by="mia")
    assert shop.tip() == sha
    assert shop.people(sha) == ["mia", "GitHub", f"{tip} {shop.pull.head}"]
    assert shop.git("ls-tree", "--name-only", sha).split() == [
        "README.md", "feature-1.yaml", "feature-2.yaml", "other.yaml",
    ]  # fmt: skip
    assert shop.landed(sha) == [1]


def test_a_squashed_commit_is_its_authors(shop: Shop) -> None:
    tip = shop.tip()
    sha = shop.server.merge(shop.pull, "squash", by="mia")
    assert shop.people(sha) == ["ann", "GitHub", tip]
    assert shop.git("log", "-1", "--format=%s", sha) == "feature (#1)"
    assert shop.landed(sha) == [1]


def test_rebased_commits_are_new_ones_of_the_merger(shop: Shop) -> None:
    tip = shop.tip()
    sha = shop.server.merge(shop.pull, "rebase", by="mia")
    first = shop.git("rev-parse", f"{sha}^")
    assert shop.people(first) == ["Example", "mia", tip]
    assert shop.git("log", "-2", "--format=%s", sha).split("\n") == ["Step 2", "Step 1"]
    assert shop.landed(first) == shop.landed(sha) == [1]
    assert shop.pull.merge_commit == sha


def test_even_what_could_be_forwarded_is_committed_again_by_a_rebase(shop: Shop) -> None:
    change = shop.change("on-top")
    sha = shop.server.merge(change, "rebase", by="mia")
    assert sha != change.head
    assert shop.git("rev-parse", f"{sha}^{{tree}}") == shop.git(
        "rev-parse", f"{change.head}^{{tree}}"
    )


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_queue_lands_a_group_by_one_push(shop: Shop, method: str) -> None:
    second = shop.change("second")
    tip = shop.tip()
    for pull in (shop.pull, second):
        shop.server.enqueue(shop.repository, pull, method, by="ann")
    heads = shop.server.land_queue(shop.repository)
    assert shop.tip() == heads[-1] == second.merge_commit
    assert shop.pull.merge_commit == heads[0]
    assert shop.landed(heads[0]) == [1]
    assert shop.landed(heads[1]) == [2]
    moves = [one for one in shop.repository.activities if one.ref == "refs/heads/main"]
    assert (moves[-1].before, moves[-1].kind) == (tip, "merge_queue_merge")
    assert moves[-1].actor is not None
    assert moves[-1].actor.rest_login == "github-merge-queue[bot]"
    assert shop.repository.queue == []


def test_a_pull_request_that_conflicts_does_not_land(shop: Shop) -> None:
    shop.server.commit(shop.repository, "main", {"feature-1.yaml": "b: 2\n"})
    for method in ("merge", "squash", "rebase"):
        with pytest.raises(Exception, match=r"mergeable|rebased"):
            shop.server.merge(shop.pull, method)
    assert shop.pull.merged_at is None


# ----------------------------------------------------------------------------- other ways


def test_an_administrator_pushes_past_everything(shop: Shop) -> None:
    shop.server.protect(shop.repository, "refs/heads/main")
    sha = shop.server.direct(shop.repository, "main", {"x.yaml": "a: 1\n"}, by="root")
    assert shop.tip() == sha
    assert shop.landed(sha) == []
    assert shop.repository.activities[-1].kind == "push"


def test_an_evil_merge_has_more_in_it_than_its_parents(shop: Shop) -> None:
    parents = (shop.tip(), shop.pull.head)
    sha = shop.server.direct(
        shop.repository, "main", {"evil.yaml": "a: 1\n"}, parents=parents, by="root"
    )
    assert shop.people(sha)[2].split() == list(parents)
    assert "evil.yaml" in shop.git("ls-tree", "--name-only", sha)
    assert shop.landed(sha) == [1], "GitHub takes it for the merge of the pull request"


def test_a_force_push_is_recorded_as_one(shop: Shop) -> None:
    shop.server.force(shop.repository, "main", shop.git("rev-parse", "main^"), by="root")
    assert shop.repository.activities[-1].kind == "force_push"


def test_a_pull_request_below_another_is_merged_by_the_others_merge(shop: Shop) -> None:
    upper = shop.change("upper", start=shop.pull.head)
    sha = shop.server.merge(upper, by="mia")
    assert (shop.pull.merged_by, shop.pull.merge_commit) == (upper.merged_by, sha)
    assert sorted(shop.landed(sha)) == [1, 2]


def test_a_pull_request_for_a_branch_that_is_deleted_is_for_its_base_then(shop: Shop) -> None:
    upper = shop.change("upper", base="feature", start=shop.pull.head)
    shop.server.merge(shop.pull, "squash", by="mia", delete_branch=True)
    assert "feature" not in shop.repository.branches
    assert (upper.base_ref, upper.merged_at) == ("main", None)
    assert [one.event for one in shop.pull.events] == ["merged", "closed", "head_ref_deleted"]
    assert [one.event for one in upper.events] == ["automatic_base_change_succeeded"]


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_revert_is_a_pull_request_of_its_own(shop: Shop, method: str) -> None:
    before = shop.git("rev-parse", "main^{tree}")
    shop.server.merge(shop.pull, method, by="mia")
    revert = shop.server.revert(shop.pull, by="mia")
    assert revert.title == 'Revert "feature"'
    assert revert.body == "Reverts acme/shop#1"
    sha = shop.server.merge(revert, by="mia")
    assert shop.git("rev-parse", f"{sha}^{{tree}}") == before


# ----------------------------------------------------------------------------- pushes


class Clone:
    """A clone that pushes with a token."""

    def __init__(self, shop: Shop, folder: Path, token: str = APP) -> None:
        origin = shop.server.clone_url(shop.repository)
        self.url = origin.replace("http://", f"http://x-access-token:{token}@")
        self.folder = folder
        run(folder.parent, "clone", "-q", self.url, str(folder))

    def commit(self, start: str = "origin/main") -> str:
        run(self.folder, "checkout", "-q", "--detach", start)
        names = {
            "GIT_AUTHOR_NAME": "x", "GIT_AUTHOR_EMAIL": "x@example.com",
            "GIT_COMMITTER_NAME": "x", "GIT_COMMITTER_EMAIL": "x@example.com",
        }  # fmt: skip
        run(self.folder, "commit", "-q", "--allow-empty", "-m", "x", environment=names)
        return run(self.folder, "rev-parse", "HEAD")

    def push(self, *arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            ["git", "push", "--porcelain", self.url, *arguments],
            cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def clone(shop: Shop, tmp_path: Path) -> Clone:
    return Clone(shop, tmp_path / "clone")


def test_only_the_app_moves_a_ref_that_is_its_own(shop: Shop, clone: Clone, tmp_path: Path) -> None:
    shop.server.protect(shop.repository, REF, only=[shop.server.world.tokens[APP]])
    other = shop.server.token("ghs_Other", permissions={"contents": "write"})
    stranger = Clone(shop, tmp_path / "stranger", other.value)

    code, said = stranger.push(f"origin/main:{REF}")
    assert (code, "GH013" in said) == (1, True)
    assert clone.push(f"origin/main:{REF}")[0] == 0
    new = clone.commit()
    assert clone.push(f"{new}:{REF}")[0] == 0
    assert shop.tip("deploy/production") == new


def test_the_app_of_actions_passes_no_ruleset_by(shop: Shop, tmp_path: Path) -> None:
    default = shop.server.token("ghs_Default", permissions={"contents": "write"})
    shop.server.protect(shop.repository, REF, only=[default])
    assert Clone(shop, tmp_path / "clone", default.value).push(f"origin/main:{REF}")[0] == 1


@pytest.mark.parametrize(("login", "taken"), [("ann", False), ("root", True)])
def test_classic_protection_lets_administrators_pass(
    shop: Shop, tmp_path: Path, login: str, *, taken: bool
) -> None:
    shop.repository.protections["main"] = {
        "required_pull_request_reviews": {"required_approving_review_count": 1},
        "enforce_admins": {"enabled": False},
    }
    shop.server.token(f"ghp_{login}", login, kind="classic")
    clone = Clone(shop, tmp_path / "clone", f"ghp_{login}")
    code, _ = clone.push(f"{clone.commit()}:refs/heads/main")
    assert (code == 0) is taken
    run(clone.folder, "fetch", "-q", "origin")
    shop.repository.protections["main"]["enforce_admins"] = {"enabled": True}
    assert clone.push(f"{clone.commit()}:refs/heads/main")[0] == 1


def test_not_even_the_app_forces_or_deletes_it(shop: Shop, clone: Clone) -> None:
    shop.server.protect(shop.repository, REF, only=[shop.server.world.tokens[APP]])
    assert clone.push(f"origin/main:{REF}")[0] == 0
    assert clone.push("--force", f"origin/main^:{REF}")[0] == 1
    assert clone.push("--delete", REF)[0] == 1
    assert shop.tip("deploy/production") == shop.tip()


def test_an_atomic_push_moves_all_refs_or_none(shop: Shop, clone: Clone) -> None:
    shop.server.protect(shop.repository, REF, only=[])
    code, _ = clone.push("--atomic", "origin/main:refs/heads/records", f"origin/main:{REF}")
    assert code == 1
    assert "records" not in shop.repository.git.branches()
    shop.repository.takes_atomic_pushes = False
    code, said = clone.push("--atomic", "origin/main:refs/heads/records")
    assert (code != 0, "does not support --atomic" in said) == (True, True)


def test_a_lease_is_kept(shop: Shop, clone: Clone) -> None:
    new = clone.commit()
    assert clone.push("origin/main:refs/heads/records")[0] == 0
    lease = f"--force-with-lease=refs/heads/records:{new}"
    code, said = clone.push(lease, f"{new}:refs/heads/records")
    assert (code, "stale info" in said) == (1, True)


def test_pushes_go_wrong_as_a_test_says(shop: Shop, clone: Clone) -> None:
    pushes, ref = shop.server.pushes, "refs/heads/records"

    def there() -> bool:
        return "records" in shop.repository.git.branches()

    pushes.reject("protected branch hook declined")
    code, said = clone.push(f"origin/main:{ref}")
    assert (code, "protected branch hook declined" in said, there()) == (1, True, False)
    pushes.unavailable()
    assert (clone.push(f"origin/main:{ref}")[0] != 0, there()) == (True, False)
    pushes.die()
    assert (clone.push(f"origin/main:{ref}")[0] != 0, there()) == (True, False)
    pushes.overtaken(lambda: shop.server.direct(shop.repository, "main", {"y": "1\n"}))
    before = shop.tip()
    lease = f"--force-with-lease=refs/heads/main:{before}"
    assert clone.push(lease, f"{clone.commit()}:refs/heads/main")[0] == 1
    pushes.die(stored=True)
    assert (clone.push(f"origin/main:{ref}")[0] != 0, there()) == (True, True)
    pushes.cut()
    assert clone.push(f"origin/main:{ref}2")[0] != 0
    assert "records2" in shop.repository.git.branches()
    assert clone.push(f"origin/main:{ref}3")[0] == 0


def test_who_landed_a_commit_is_told_late_twice_or_not_at_all(shop: Shop) -> None:
    sha = shop.server.merge(shop.pull)
    shop.server.lookups.lag(times=1)
    assert shop.landed(sha) == []
    shop.server.lookups.twice()
    assert shop.landed(sha) == [1, 1]
    assert shop.landed(sha) == [1]
    shop.server.lookups.down(times=1)
    address = f"{shop.server.api_url}/repos/acme/shop"
    assert requests.get(address, timeout=10).status_code == 503


# ----------------------------------------------------------------------------- from outside


def test_all_of_it_can_be_said_in_a_state_file(shop: Shop) -> None:
    second = shop.change("second")
    on = {"repository": "acme/shop"}
    arrange.add(
        shop.server,
        {
            "do": [
                {"action": "merge", **on, "pull": 1, "method": "squash", "delete_branch": True},
                {"action": "enqueue", **on, "pull": second.number, "method": "rebase", "by": "ann"},
                {"action": "land_queue", **on},
                {"action": "revert", **on, "pull": second.number, "by": "mia"},
                {"action": "delete_branch", **on, "pull": second.number},
                {"action": "direct", **on, "branch": "main", "files": {"x": "1"}, "by": "root"},
            ],
            "faults": [
                {"kind": "push_die", "stored": True, "times": 2},
                {"kind": "landed_lag", "times": 1},
                {"kind": "api_down", "times": 1},
            ],
        },
    )
    assert [pull.merged_at is not None for pull in shop.repository.pulls.values()] == [
        True, True, False,
    ]  # fmt: skip
    assert {"feature", "second"} & set(shop.repository.branches) == set()
    assert shop.repository.activities[-1].kind == "push"
