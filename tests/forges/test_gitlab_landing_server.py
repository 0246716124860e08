"""How merge requests land on the GitLab of our own, and which pushes it takes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.forges.gitlab import arrange, scenario
from tests.forges.gitlab.landing import NotMergeableError
from tests.forges.gitlab.server import GitLabServer
from tests.forges.gitlab.state import DEVELOPER, MergeRequest
from tests.forges.workbench import run

REF = "refs/heads/deploy/production"


class Site:
    """The shop in a bare repository, its target moved since the change was made."""

    def __init__(self, server: GitLabServer, shop: scenario.Shop) -> None:
        self.server = server
        self.project = shop.project
        self.mr = shop.merge_request
        server.direct("main", {"other.yaml": "a: 1\n"}, by="carol")

    def change(self, branch: str, start: str | None = None) -> MergeRequest:
        self.server.commit(branch, {f"{branch}.yaml": "a: 1\n"}, start=start)
        self.server.commit(branch, {f"{branch}-2.yaml": "a: 1\n"})
        return self.server.open(branch, title=branch.title())

    def git(self, *arguments: str) -> str:
        return run(self.project.git.path, *arguments)

    def tip(self, branch: str = "main") -> str:
        return self.project.git.tip(branch)

    def people(self, sha: str) -> list[str]:
        return self.git("log", "-1", "--format=%an|%cn|%P", sha).split("|")

    def tree(self, sha: str) -> str:
        return self.git("rev-parse", f"{sha}^{{tree}}")

    def landed(self, sha: str) -> list[int]:
        address = f"{self.server.api}/projects/4711/repository/commits/{sha}/merge_requests"
        headers = {"PRIVATE-TOKEN": scenario.TOKEN}
        return [one["iid"] for one in requests.get(address, headers=headers, timeout=10).json()]


@pytest.fixture
def site(tmp_path: Path, start_gitlab: Callable[..., GitLabServer]) -> Site:
    shop = scenario.bare_shop(tmp_path / "shop.git")
    return Site(start_gitlab(shop.state), shop)


class TestMethods:
    def test_a_merge_commit_is_the_mergers(self, site: Site):
        tip, head = site.tip(), site.tip("change")
        sha = site.server.merge(site.mr)
        assert site.people(sha) == ["Carol", "Carol", f"{tip} {head}"]
        assert "See merge request group/shop!7" in site.git("log", "-1", "--format=%B", sha)
        assert (site.mr.merge_commit, site.mr.squash_commit) == (sha, None)
        assert site.landed(sha) == [7]

    def test_a_squashed_commit_stands_below_the_merge(self, site: Site):
        assert site.mr.newest is not None
        tip, start = site.tip(), site.mr.newest.start
        sha = site.server.merge(site.mr, squash=True)
        squashed = site.mr.squash_commit or ""
        assert site.people(sha)[2] == f"{tip} {squashed}"
        assert site.people(squashed) == ["Alice", "Carol", start]
        assert site.landed(sha) == site.landed(squashed) == [7]

    def test_a_semi_linear_merge_is_rebased_by_itself(self, site: Site):
        tip, head = site.tip(), site.tip("change")
        sha = site.server.merge(site.mr, "rebase_merge")
        _, rebased = site.people(sha)[2].split()
        assert site.people(sha)[2].split()[0] == tip == site.git("rev-parse", f"{rebased}~2")
        assert rebased != head == site.server.state.head(site.mr)
        assert site.tree(sha) == site.tree(rebased)
        assert not any(one.sha == rebased for one in site.server.state.pipelines.values())
        assert site.landed(sha) == [7]

    def test_a_fast_forward_of_what_is_up_to_date_makes_no_commit(self, site: Site):
        change = site.change("on-top")
        head = site.tip("on-top")
        assert site.server.merge(change, "ff") == head == site.tip()
        assert (change.merge_commit, change.squash_commit) == (None, None)
        assert site.landed(head) == site.landed(site.git("rev-parse", f"{head}^")) == [change.iid]

    def test_a_fast_forward_is_rebased_by_itself_and_only_its_last_commit_known(self, site: Site):
        sha = site.server.merge(site.mr, "ff")
        first = site.git("rev-parse", f"{sha}^")
        assert site.people(sha)[:2] == ["Alice", "Carol"]
        assert (site.landed(first), site.landed(sha)) == ([], [7])

    def test_newer_versions_know_every_commit_of_it(self, site: Site):
        site.server.state.links_generated_commits = True
        sha = site.server.merge(site.mr, "ff")
        assert site.landed(site.git("rev-parse", f"{sha}^")) == [7]

    def test_without_the_automatic_rebase_it_does_not_merge(self, site: Site):
        for method in ("ff", "rebase_merge"):
            with pytest.raises(NotMergeableError):
                site.server.merge(site.mr, method, automatic_rebase=False)
        assert site.mr.state == "opened"

    def test_a_squashed_fast_forward_is_one_commit(self, site: Site):
        tip = site.tip()
        sha = site.server.merge(site.mr, "ff", squash=True)
        assert site.people(sha) == ["Alice", "Carol", tip]
        assert (site.mr.merge_commit, site.mr.squash_commit) == (None, sha)
        assert site.landed(sha) == [7]

    @pytest.mark.parametrize("squash", [False, True])
    @pytest.mark.parametrize("method", ["merge", "rebase_merge", "ff"])
    def test_a_train_lands_one_on_the_other(self, site: Site, method: str, *, squash: bool):
        second, tip = site.change("second"), site.tip()
        first_car, second_car = site.server.train(site.mr, second, method=method, squash=squash)
        assert site.tip() == second_car
        steps = site.git("rev-list", "--first-parent", f"{tip}..main").split()
        assert first_car in steps
        assert site.landed(first_car) == [7]
        assert site.landed(second_car) == [second.iid]
        assert site.git("rev-parse", f"refs/merge-requests/{second.iid}/train") == second_car
        files = site.git("ls-tree", "--name-only", second_car).split()
        assert {"one.yaml", "two.yaml", "other.yaml", "second.yaml", "second-2.yaml"} < set(files)

    def test_what_conflicts_does_not_land(self, site: Site):
        site.server.direct("main", {"one.yaml": "b: 2\n"})
        for method in ("merge", "rebase_merge", "ff"):
            with pytest.raises(NotMergeableError):
                site.server.merge(site.mr, method)


class TestOtherWays:
    def test_a_direct_push_is_an_event_and_no_merge(self, site: Site):
        before = site.tip()
        sha = site.server.direct("main", {"x.yaml": "a: 1\n"})
        assert site.landed(sha) == []
        event = site.project.events[-1]
        assert (event.ref, event.before, event.after) == ("main", before, sha)

    def test_an_evil_merge_has_more_in_it_than_its_parents(self, site: Site):
        parents = (site.tip(), site.tip("change"))
        sha = site.server.direct("main", {"evil.yaml": "a: 1\n"}, parents=parents)
        assert "evil.yaml" in site.git("ls-tree", "--name-only", sha)
        assert (site.mr.state, site.mr.merge_commit) == ("merged", sha)

    def test_a_merge_request_below_another_is_merged_by_the_others_merge(self, site: Site):
        upper = site.change("upper", start=site.tip("change"))
        sha = site.server.merge(upper)
        assert (site.mr.state, site.mr.merge_commit) == ("merged", sha)
        assert site.landed(sha) == [upper.iid, 7]

    def test_a_branch_is_deleted_after_the_merge_and_leaves_an_event(self, site: Site):
        site.server.merge(site.mr, delete_branch=True)
        assert "change" not in site.git(
            "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads"
        )
        assert site.project.events[-1].after is None

    @pytest.mark.parametrize("method", ["merge", "rebase_merge", "ff"])
    def test_a_revert_is_a_merge_request_of_its_own(self, site: Site, method: str):
        site.server.state.links_generated_commits = True
        before = site.tree("main")
        site.server.merge(site.mr, method)
        revert = site.server.revert(site.mr)
        assert revert.title == 'Revert "A change"'
        assert site.tree(site.server.merge(revert)) == before


class Clone:
    """A clone that pushes with a token."""

    def __init__(self, site: Site, folder: Path, token: str) -> None:
        self.url = site.server.clone_url().replace("http://", f"http://bot:{token}@")
        self.folder = folder
        run(folder.parent, "clone", "-q", self.url, str(folder))

    def push(self, *arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            ["git", "push", "--porcelain", self.url, *arguments],
            cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr


class TestPushes:
    def test_only_the_bot_moves_a_branch_that_is_its_own(self, site: Site, tmp_path: Path):
        state = site.server.state
        deployer = state.add_bot_token("glpat-deployer", project="group/shop", level=DEVELOPER)
        site.server.protect("deploy/*", only=[state.users[deployer.user].username])
        other = Clone(site, tmp_path / "other", scenario.MAINTAINER_TOKEN)
        code, said = other.push(f"origin/main:{REF}")
        assert (code, "not allowed to push code to protected branches" in said) == (1, True)

        clone = Clone(site, tmp_path / "clone", "glpat-deployer")
        assert clone.push(f"origin/main~1:{REF}")[0] == 0
        assert clone.push(f"origin/main:{REF}")[0] == 0
        assert clone.push("--force", f"origin/main~1:{REF}")[0] == 1
        assert clone.push("--delete", REF)[0] == 1
        assert site.tip("deploy/production") == site.tip()
        assert site.project.events[-1].author == deployer.user

    def test_an_atomic_push_moves_all_refs_or_none(self, site: Site, tmp_path: Path):
        site.server.protect("deploy/*")
        clone = Clone(site, tmp_path / "clone", scenario.MAINTAINER_TOKEN)
        records = "origin/main:refs/heads/records"
        assert clone.push("--atomic", records, f"origin/main:{REF}")[0] == 1
        assert "records" not in site.git("for-each-ref")
        assert clone.push("--atomic", records)[0] == 0

    def test_a_push_to_the_target_merges_what_it_brings(self, site: Site, tmp_path: Path):
        clone = Clone(site, tmp_path / "clone", scenario.MAINTAINER_TOKEN)
        run(clone.folder, "checkout", "-q", "-b", "x", "origin/main")
        names = {
            "GIT_AUTHOR_NAME": "x", "GIT_AUTHOR_EMAIL": "x@example.com",
            "GIT_COMMITTER_NAME": "x", "GIT_COMMITTER_EMAIL": "x@example.com",
        }  # fmt: skip
        run(clone.folder, "merge", "-q", "--no-ff", "origin/change", environment=names)
        assert clone.push("x:main")[0] == 0
        assert (site.mr.state, site.mr.merge_commit) == ("merged", site.tip())

    def test_pushes_go_wrong_as_a_test_says(self, site: Site, tmp_path: Path):
        clone = Clone(site, tmp_path / "clone", scenario.MAINTAINER_TOKEN)
        site.server.pushes.reject("no")
        assert clone.push("origin/main:refs/heads/records")[0] == 1
        site.server.pushes.die(stored=True)
        assert clone.push("origin/main:refs/heads/records")[0] != 0
        assert site.tip("records") == site.tip()

    def test_who_landed_a_commit_is_told_late_or_twice(self, site: Site):
        sha = site.server.merge(site.mr)
        site.server.lookups.lag()
        site.server.lookups.twice()
        assert site.landed(sha) == []
        assert site.landed(sha) == [7, 7]


class TestAStateFile:
    def test_can_say_all_of_it(self, site: Site):
        second = site.change("second")
        arrange.add(
            site.server,
            {
                "do": [
                    {
                        "action": "land", "merge_request": "group/shop!7", "by": "carol",
                        "method": "rebase_merge",
                    },
                    {"action": "train", "merge_requests": [f"group/shop!{second.iid}"]},
                    {"action": "revert", "merge_request": f"group/shop!{second.iid}"},
                    {"action": "delete_branch", "merge_request": "group/shop!7", "by": "carol"},
                    {"action": "direct", "branch": "main", "files": {"x": "1"}, "by": "carol"},
                ],
                "faults": [{"kind": "push_reject", "words": "no"}, {"kind": "landed_lag"}],
            },
        )  # fmt: skip
        found = site.server.state.merge_requests.values()
        assert [mr.state for mr in found] == ["merged", "merged", "opened"]
        assert site.landed(site.tip()) == []
