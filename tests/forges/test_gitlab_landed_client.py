"""Who landed a commit, what GitLab tells of merged merge requests, and which project it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gitops_gate.errors import ForgeError
from gitops_gate.forges.gitlab import connect_gitlab
from gitops_gate.forges.http import Clock, open_session
from gitops_gate.forges.interface import Forge
from gitops_gate.forges.values import (
    ApprovalFacts,
    ChangeState,
    Endpoint,
    LandedChange,
    Snapshot,
    Target,
)
from tests.forges.gitlab import scenario
from tests.forges.gitlab.landing import bare_repository
from tests.forges.gitlab.repository import Repository
from tests.forges.gitlab.server import GitLabServer
from tests.forges.gitlab.state import MergeRequest
from tests.forges.serving import Fault, Reply

TARGET = Target(repository="group/shop", repository_id=scenario.PROJECT_ID)


class Site:
    """The shop in a bare repository, its target moved since the change was made."""

    def __init__(self, server: GitLabServer, shop: scenario.Shop) -> None:
        self.server = server
        self.project = shop.project
        self.mr = shop.merge_request
        server.direct("main", {"other.yaml": "a: 1\n"}, by="carol")

    def connect(self, token: str = scenario.TOKEN, **target: Any) -> Forge:
        endpoint = Endpoint(
            kind="gitlab",
            web_url=self.server.url,
            api_url=self.server.api,
            graphql_url=f"{self.server.url}/api/graphql",
        )
        session = open_session(endpoint, token, clock=Clock(sleep=lambda _seconds: None))
        return connect_gitlab(
            endpoint, replace(TARGET, **target), session, token, sleep=lambda _seconds: None
        )

    def landed(self, commit: str, token: str = scenario.TOKEN) -> tuple[LandedChange, ...]:
        forge = self.connect(token)
        assert forge.landed is not None
        self.server.forget()
        return forge.landed.landed(commit)

    def approvals(self, number: int = 7) -> tuple[Forge, Snapshot, ApprovalFacts]:
        forge = self.connect(number=number)
        snapshot = forge.change_requests.read()
        assert forge.approvals is not None
        return forge, snapshot, forge.approvals.approvals(snapshot)

    def asked(self) -> list[str]:
        return [entry.operation for entry in self.server.log]

    def parent(self, commit: str) -> str:
        return self.project.git.git("rev-parse", f"{commit}^").strip()

    def head(self, mr: MergeRequest) -> str:
        return self.server.state.head(mr) or ""


@pytest.fixture
def site(tmp_path: Path, start_gitlab: Callable[..., GitLabServer]) -> Site:
    shop = scenario.bare_shop(tmp_path / "shop.git")
    return Site(start_gitlab(shop.state), shop)


class TestWhoLandedACommit:
    @pytest.mark.parametrize("squash", [False, True])
    @pytest.mark.parametrize("method", ["merge", "rebase_merge"])
    def test_is_told_of_a_merge_commit(self, site: Site, method: str, *, squash: bool):
        sha = site.server.merge(site.mr, method, squash=squash)
        (landed,) = site.landed(sha)
        assert (landed.number, landed.base_ref) == (7, "refs/heads/main")
        assert (landed.head, landed.merge_commit) == (site.head(site.mr), sha)
        assert (landed.squash_commit is not None) is squash
        assert landed.squash_commit == site.mr.squash_commit
        assert landed.merged_at == site.mr.merged_at
        assert landed.merged_by is not None
        assert landed.merged_by.login == "carol"
        assert site.asked() == ["listMergeRequestsOfCommit"]

    def test_is_told_of_a_squashed_commit_without_a_merge(self, site: Site):
        sha = site.server.merge(site.mr, "ff", squash=True)
        (landed,) = site.landed(sha)
        assert (landed.merge_commit, landed.squash_commit) == (sha, None)

    def test_is_told_of_every_commit_of_a_fast_forward(self, site: Site):
        site.server.commit("up-to-date", {"1.yaml": "a: 1\n"})
        site.server.commit("up-to-date", {"2.yaml": "a: 1\n"})
        change = site.server.open("up-to-date")
        sha = site.server.merge(change, "ff")
        for commit in (sha, site.parent(sha)):
            (landed,) = site.landed(commit)
            assert (landed.number, landed.head) == (change.iid, sha)
            assert landed.merge_commit is None

    def test_is_found_of_every_commit_that_an_automatic_rebase_made(self, site: Site):
        sha = site.server.merge(site.mr, "ff")
        assert [one.number for one in site.landed(sha)] == [7]
        assert site.asked() == ["listMergeRequestsOfCommit"]

        (landed,) = site.landed(site.parent(sha))
        assert (landed.number, landed.merge_commit) == (7, None)
        assert site.asked() == [
            "listMergeRequestsOfCommit", "getCommit", "listMergeRequests",
            "listMergeRequestCommits",
        ]  # fmt: skip

    def test_is_nobody_for_a_direct_push_after_few_requests(self, site: Site):
        sha = site.server.direct("main", {"x.yaml": "a: 1\n"})
        for number in range(15):
            site.server.commit(f"c{number}", {f"{number}.yaml": "a: 1\n"})
            site.server.merge(site.server.open(f"c{number}"), "ff")
        assert site.landed(sha) == ()
        assert len(site.asked()) == 13

    def test_is_nobody_who_is_still_open(self, site: Site):
        assert site.landed(site.head(site.mr)) == ()

    def test_is_told_of_several_by_their_numbers(self, site: Site):
        site.server.commit("upper", {"u.yaml": "a: 1\n"}, start=site.head(site.mr))
        upper = site.server.open("upper")
        sha = site.server.merge(upper)
        site.server.lookups.twice()
        assert [one.number for one in site.landed(sha)] == [7, upper.iid]

    def test_is_told_by_a_train(self, site: Site):
        site.server.commit("second", {"u.yaml": "a: 1\n"})
        second = site.server.open("second")
        cars = site.server.train(site.mr, second)
        assert [[one.number for one in site.landed(car)] for car in cars] == [[7], [second.iid]]

    def test_is_told_to_a_job_that_may_not_read_commits(self, site: Site):
        sha = site.server.merge(site.mr, "ff")
        assert [one.number for one in site.landed(sha, scenario.JOB_TOKEN)] == [7]
        assert site.landed(site.parent(sha), scenario.JOB_TOKEN) == ()

    def test_is_an_error_where_gitlab_does_not_know_the_commit_yet(self, site: Site):
        with pytest.raises(ForgeError, match="Commit Not Found") as caught:
            site.landed("1" * 40)
        assert caught.value.status == 404

    def test_of_another_project_than_the_pinned_one_is_an_error(self, site: Site):
        sha = site.server.merge(site.mr)

        def elsewhere(_request: object, reply: Reply) -> Reply:
            return Reply.of([{**row, "project_id": 8} for row in reply.json()])

        site.server.faults.add(
            Fault(name="another", operation="listMergeRequestsOfCommit", after=elsewhere)
        )
        with pytest.raises(ForgeError, match="project 8 on GitLab, but project 4711 is pinned"):
            site.landed(sha)


class TestAMergedMergeRequest:
    @pytest.mark.parametrize("method", ["merge", "rebase_merge", "ff"])
    def test_is_read_with_its_approvals_after_its_branch_is_gone(self, site: Site, method: str):
        site.server.approve(site.mr, "bob")
        head, tip = site.head(site.mr), site.project.git.tip("main")
        sha = site.server.merge(site.mr, method, delete_branch=True)
        site.server.approve(site.mr, "dave")
        forge, snapshot, facts = site.approvals()

        assert (snapshot.change.state, snapshot.change.head_commit) == (ChangeState.MERGED, head)
        assert snapshot.change.base_commit == sha
        assert [review.author.login for review in facts.reviews] == ["bob", "dave"]
        times = [review.submitted_at for review in facts.reviews]
        assert site.mr.merged_at is not None
        assert times[0] is not None
        assert times[1] is not None
        assert times[0] < site.mr.merged_at < times[1]
        assert facts.pushes is not None
        assert facts.pushes[-1].after == head
        assert facts.contributions is not None
        assert {one.commit for one in facts.contributions} >= {head}
        assert forge.approvals is not None
        moves = forge.approvals.target_moves(snapshot)
        assert moves is not None
        assert (moves[-1].before, moves[-1].after) == (tip, sha)

    def test_of_a_fork_that_is_gone_is_read_as_before(self, site: Site, tmp_path: Path):
        bare_repository(tmp_path / "fork.git", scenario.FILES)
        fork = site.server.state.add_project(
            "mallory/shop",
            fork_of=scenario.PROJECT_ID,
            repository=Repository(tmp_path / "fork.git"),
            visibility="public",
        )
        change = site.server.open("change", by="mallory", source_project=fork.id)
        site.server.approve(change, "bob")
        head = site.head(change)
        site.server.merge(change)
        site.server.delete_fork(fork)
        _, snapshot, facts = site.approvals(change.iid)

        assert (snapshot.change.from_fork, snapshot.change.head_repository) == (True, None)
        assert [review.author.login for review in facts.reviews] == ["bob"]
        assert facts.pushes is not None
        assert facts.pushes[-1].after == head

    def test_for_a_branch_that_is_gone_says_so_of_its_tip(self, site: Site):
        site.server.direct("release", {"r.yaml": "a: 1\n"})
        site.server.commit("fix", {"f.yaml": "a: 1\n"})
        change = site.server.open("fix", target_branch="release")
        sha = site.server.merge(change)
        site.project.git.git("update-ref", "-d", "refs/heads/release")
        _, snapshot, facts = site.approvals(change.iid)

        assert snapshot.change.base_commit is None
        assert snapshot.change.merge_commit == sha
        assert any("the tip of the target branch" in line for line in snapshot.unknown)
        assert facts.pushes is not None


class TestTheProjectsIdentity:
    def test_is_its_id_and_where_git_writes_it(self, site: Site):
        forge = site.connect()
        assert forge.identity is not None
        site.server.forget()
        found = forge.identity.identity()
        assert (found.id, found.path, found.default_branch) == (4711, "group/shop", "main")
        assert found.clone_url == f"{site.server.url}/group/shop.git"
        assert found.url == f"{site.server.url}/group/shop"
        assert site.asked() == ["getProject"]

    def test_is_on_the_pinned_host_whatever_the_answer_says(self, site: Site):
        forge = site.connect()
        assert forge.identity is not None
        answer = {
            "id": 4711, "path_with_namespace": "group/sub/shop", "default_branch": None,
            "http_url_to_repo": "https://evil.example/group/shop.git",
        }  # fmt: skip
        site.server.faults.reply("getProject", Reply.of(answer), name="another host")
        found = forge.identity.identity()
        assert found.clone_url == f"{site.server.url}/group/sub/shop.git"
        assert found.default_branch is None

    def test_of_another_project_than_the_pinned_one_is_an_error(self, site: Site):
        forge = site.connect()
        assert forge.identity is not None
        site.server.faults.reply(
            "getProject",
            Reply.of({"id": 8, "path_with_namespace": "group/shop", "default_branch": "main"}),
            name="another project",
        )
        with pytest.raises(ForgeError, match="project 4711 is pinned"):
            forge.identity.identity()
