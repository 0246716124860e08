"""The GitLab client, against a GitLab of our own: what it reads, writes, counts and says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from gitops_gate.errors import ForgeError
from gitops_gate.forges.gitlab import connect, connect_gitlab
from gitops_gate.forges.http import Clock, open_session
from gitops_gate.forges.interface import Forge
from gitops_gate.forges.values import (
    Account,
    ChangeState,
    CommitStatus,
    Endpoint,
    InlineComment,
    InlinePlace,
    NewChangeRequest,
    ReviewState,
    Target,
)
from tests.forges.gitlab import scenario
from tests.forges.gitlab.server import GitLabServer
from tests.forges.gitlab.state import (
    DEVELOPER,
    REPORTER,
    AccessEntry,
    ApprovalRule,
    MergeRequest,
    ProtectedBranch,
    State,
)
from tests.forges.serving import Reply
from tests.unit.source.repositories import GitRepository

ELSEWHERE = "0" * 39 + "1"
MAIN = "".join(f"line {n}\n" for n in range(1, 41))
CHANGED = MAIN.replace("line 10\n", "line ten\nline ten and a half\n")


@dataclass
class Site:
    """A GitLab at work, the checkout that stands for everybody's pushes, and a way in."""

    server: GitLabServer
    shop: scenario.Shop
    checkout: GitRepository

    @property
    def state(self) -> State:
        return self.server.state

    @property
    def mr(self) -> MergeRequest:
        return self.state.merge_request("group/shop", 7)

    def endpoint(self) -> Endpoint:
        return Endpoint(
            kind="gitlab",
            web_url=self.server.url,
            api_url=self.server.api,
            graphql_url=f"{self.server.url}/api/graphql",
        )

    def connect(
        self, token: str = scenario.TOKEN, target: Target | None = None, **options: Any
    ) -> Forge:
        endpoint = self.endpoint()
        clock = Clock(sleep=lambda _seconds: None)
        session = open_session(endpoint, token, clock=clock)
        options.setdefault("sleep", lambda _seconds: None)
        return connect_gitlab(endpoint, target or TARGET, session, token, **options)

    def commit(self, branch: str, message: str = "More", **files: str) -> str:
        """Commit on a branch, as somebody would before they push it."""
        self.checkout.git("switch", "--quiet", branch)
        for name, content in files.items():
            self.checkout.write(name.replace("__", "/"), content)
        return self.checkout.commit(message)

    def asked(self, operation: str = "*") -> list[str]:
        return [entry.operation for entry in self.server.requests(operation)]


TARGET = Target(repository="group/shop", repository_id=scenario.PROJECT_ID, number=7)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    checkout = GitRepository(tmp_path / "shop")
    checkout.write("deployment.yaml", MAIN)
    checkout.commit("Start")
    checkout.git("switch", "--quiet", "--create", "change")
    checkout.write("deployment.yaml", CHANGED)
    checkout.git(
        "-c", "user.name=Alice", "commit", "--quiet", "--all", "--message", "Scale",
        environment={
            "GIT_AUTHOR_EMAIL": "alice@example.com",
            "GIT_COMMITTER_EMAIL": "alice@example.com",
        },
    )  # fmt: skip
    shop = scenario.shop(checkout.folder)
    with GitLabServer(shop.state) as server:
        yield Site(server=server, shop=shop, checkout=checkout)
        server.check()


def failing(status: int, text: str) -> Reply:
    return Reply.of({"message": text}, status)


class TestRequests:
    """Contract: a first review at most 10 requests, an unchanged one at most 6 and no write."""

    def unchanged(self, site: Site) -> Forge:
        forge = site.connect()
        snapshot = forge.change_requests.read()
        assert forge.approvals is not None
        facts = forge.approvals.approvals(snapshot)
        assert [forge.approvals.access(review.author) for review in facts.reviews] == ["write"]
        forge.approvals.members(["group/sre"])
        return forge

    def test_of_a_run_with_nothing_new_are_six_and_none_writes(self, site: Site):
        site.state.approve(site.mr, "bob")
        self.unchanged(site)
        assert site.asked() == [
            "graphql/query/review",
            "listDiscussions",
            "listCommitStatuses",
            "listMergeRequestVersions",
            "getMergeRequestApprovals",
            "listAllGroupMembers",
        ]
        assert site.server.writes == ()

    def test_of_a_first_review_are_ten_and_one_for_each_inline_comment(self, site: Site):
        site.state.approve(site.mr, "bob")
        forge = self.unchanged(site)
        assert forge.summary is not None
        assert forge.status is not None
        assert forge.inline is not None
        head = forge.change_requests.tips().head
        forge.summary.create_comment("Allowed")
        forge.change_requests.comments()
        forge.status.set_status(head, CommitStatus(context="g", state="success", description="d"))
        assert len(site.server.log) == 10
        snapshot = forge.change_requests.read()
        site.server.forget()
        forge.inline.add(snapshot, [inline(10), inline(11)])
        assert site.asked() == ["createDiscussion", "createDiscussion"]

    def test_of_an_older_gitlab_are_the_same_and_those_that_its_graphql_lacks(self, site: Site):
        site.state.version = "17.9.0"
        site.state.approve(site.mr, "bob")
        self.unchanged(site)
        assert sorted(site.asked()) == sorted(
            ["graphql/query/review"] * 2
            + ["listDiscussions", "listCommitStatuses", "getBranch", "listMergeRequestVersions"]
            + ["getMergeRequestApprovals", "listAllGroupMembers"]
            + ["listAllProjectMembers"] * 2
        )

    def test_for_another_target_than_the_default_branch_are_no_more_when_the_ci_names_it(
        self, site: Site
    ):
        site.checkout.git("branch", "release", "main")
        site.state.retarget(site.mr, "release", "alice")
        forge = site.connect(target=replace(TARGET, base_ref="refs/heads/release"))
        snapshot = forge.change_requests.read()
        assert snapshot.change.base_commit == site.checkout.git("rev-parse", "release")
        assert len(site.server.log) == 3

    def test_of_a_wrong_hint_ask_for_the_right_branch(self, site: Site):
        site.checkout.git("branch", "release", "main")
        site.commit("main", deployment__x="x")
        forge = site.connect(target=replace(TARGET, base_ref="refs/heads/release"))
        change = forge.change_requests.read().change
        assert change.base_commit == site.checkout.git("rev-parse", "main")
        assert site.asked("getBranch") == ["getBranch"]

    @pytest.mark.parametrize("keyset", [False, True], ids=["pages", "keyset"])
    def test_page_to_the_end_of_every_list(self, site: Site, keyset: bool):
        site.state.totals = False
        site.state.keyset = {"listDiscussions"} if keyset else set()
        for number in range(205):
            site.state.comment(site.mr, "bob", f"remark {number}")
        site.server.faults.reorder("listDiscussions", times=1)
        forge = site.connect()
        comments = forge.change_requests.read().comments
        assert [c.body for c in comments] == [f"remark {number}" for number in range(205)]
        assert site.asked("listDiscussions") == ["listDiscussions"] * 3
        assert [c.id for c in forge.change_requests.comments()] == [c.id for c in comments]
        assert site.asked("listNotes") == ["listNotes"] * 3

    def test_stay_at_the_pinned_address_when_gitlab_calls_itself_otherwise(self, site: Site):
        for number in range(101):
            site.state.comment(site.mr, "bob", f"remark {number}")
        origin, site.server.gitlab.origin = site.server.gitlab.origin, "http://gitlab.internal"
        endpoint = Endpoint(
            kind="gitlab",
            web_url=origin,
            api_url=f"{origin}/api/v4",
            graphql_url=f"{origin}/api/graphql",
        )
        session = open_session(endpoint, scenario.TOKEN)
        forge = connect_gitlab(endpoint, TARGET, session, scenario.TOKEN)
        assert len(forge.change_requests.comments()) == 101

    def test_reach_a_gitlab_below_a_path(self, site: Site):
        with GitLabServer(site.state, root="/git/lab") as server:
            below = Site(server=server, shop=site.shop, checkout=site.checkout)
            assert below.connect().change_requests.read().change.number == 7
            server.check()


class TestReading:
    def test_says_what_the_merge_request_is(self, site: Site):
        site.mr.labels = ["b", "a"]
        snapshot = site.connect().change_requests.read()
        change, newest = snapshot.change, site.mr.newest
        assert newest is not None
        assert (change.number, change.title, change.state) == (7, "A change", ChangeState.OPEN)
        assert (change.repository, change.repository_id) == ("group/shop", scenario.PROJECT_ID)
        assert (change.base_ref, change.head_ref) == ("refs/heads/main", "change")
        assert change.base_commit == site.checkout.git("rev-parse", "main")
        assert change.head_commit == site.checkout.git("rev-parse", "change")
        assert change.versions == (newest.base, newest.start, newest.head)
        assert (change.from_fork, change.head_repository) == (False, "group/shop")
        assert change.author == Account(id=11, login="alice")
        assert change.labels == ("a", "b")
        assert snapshot.unknown == ()

    def test_gives_the_live_tip_of_the_target_and_not_the_one_of_the_last_push(self, site: Site):
        tip = site.commit("main", other="other\n")
        change = site.connect().change_requests.read().change
        assert change.base_commit == tip
        assert change.versions is not None
        assert change.versions[1] != tip

    @pytest.mark.parametrize("version", ["19.1.0", "17.9.0"])
    def test_is_the_same_for_every_version(self, site: Site, version: str):
        newest = site.connect().change_requests.read()
        site.state.version = version
        assert site.connect().change_requests.read() == newest

    def test_refuses_another_project_than_the_pinned_one(self, site: Site):
        with pytest.raises(ForgeError, match="project 4711 on GitLab, but project 4712 is pinned"):
            site.connect(target=replace(TARGET, repository_id=4712))

    @pytest.mark.parametrize(
        "target",
        [replace(TARGET, number=8), replace(TARGET, repository="group/none", repository_id=None)],
        ids=["number", "project"],
    )
    def test_says_what_is_not_there(self, site: Site, target: Target):
        with pytest.raises(ForgeError, match="may not see it") as caught:
            site.connect(target=target)
        assert caught.value.status == 404

    def test_tells_comments_from_threads_and_from_what_gitlab_wrote(self, site: Site):
        forge = site.connect()
        bot = site.state.tokens[scenario.TOKEN].user
        first = site.state.comment(site.mr, bot, "ours")
        talk = site.state.comment(site.mr, "bob", "a talk", kind="DiscussionNote")
        site.state.comment(
            site.mr, "alice", "an answer", kind="DiscussionNote", discussion=talk.discussion
        )
        site.state.system_note(site.mr, "alice", "changed the description", action="description")
        site.state.edit(first, "carol", "ours, edited")
        assert forge.inline is not None
        forge.inline.add(forge.change_requests.read(), [inline(10)])
        snapshot = forge.change_requests.read()
        assert [(c.body, c.author.login == "alice", c.ours) for c in snapshot.comments] == [
            ("ours, edited", False, True),
            ("a talk", False, False),
            ("an answer", True, False),
        ]
        assert snapshot.comments[0].edited_at == first.edited_at
        (thread,) = snapshot.threads
        assert (thread.path, thread.line, thread.ours) == ("deployment.yaml", 10, True)
        assert (thread.resolved, thread.can_resolve, thread.answered) == (False, True, False)

    def test_waits_for_the_diff_of_a_new_merge_request(self, site: Site):
        site.server.no_diff_yet(site.mr, times=2)
        waits: list[float] = []
        change = site.connect(sleep=waits.append).change_requests.read().change
        assert change.versions is not None
        assert waits == [1.0, 2.0]

    def test_gives_up_on_a_diff_that_does_not_come(self, site: Site):
        site.mr.diff_ready = False
        with pytest.raises(ForgeError, match="has not finished the diff"):
            site.connect().change_requests.read()

    def test_afresh_happens_from_the_second_time_on(self, site: Site):
        forge = site.connect()
        forge.change_requests.read()
        head = site.commit("change", other="x\n")
        site.state.push(site.mr, "alice")
        assert forge.change_requests.read().change.head_commit == head

    def test_knows_a_fork_by_its_number_even_when_it_may_not_be_seen(
        self, site: Site, tmp_path: Path
    ):
        fork = GitRepository(tmp_path / "fork")
        fork.git("pull", "--quiet", str(site.checkout.folder), "main")
        fork.git("switch", "--quiet", "--create", "elsewhere")
        fork.write("x")
        fork.commit()
        site.state.add_project(
            "mallory/shop", fork_of=scenario.PROJECT_ID, repository=_repository(fork.folder)
        )
        site.state.open_merge_request(
            "group/shop", "elsewhere", author="mallory", source_project="mallory/shop", iid=9
        )
        change = site.connect(target=replace(TARGET, number=9)).change_requests.read().change
        assert (change.from_fork, change.head_repository) == (True, None)

    def test_finds_what_was_merged_by_fast_forward(self, site: Site):
        head = site.checkout.git("rev-parse", "change")
        site.state.merged(site.mr, "carol", landed=[head])
        change = site.connect().change_requests.read().change
        assert (change.state, change.merge_commit) == (ChangeState.MERGED, head)

    def test_finds_the_merge_request_of_a_head(self, site: Site):
        reading = site.connect(target=replace(TARGET, number=None)).change_requests
        head = site.checkout.git("rev-parse", "change")
        assert reading.number_of(head) == 7
        assert reading.number_of(site.checkout.git("rev-parse", "main")) is None
        assert reading.number_of(ELSEWHERE) is None
        site.state.close(site.mr, "alice")
        assert reading.number_of(head) is None

    def test_of_the_tips_is_one_request_and_never_old(self, site: Site):
        forge = site.connect()
        forge.change_requests.read()
        base, head = site.commit("main", a="a\n"), site.commit("change", b="b\n")
        site.state.push(site.mr, "alice")
        site.server.forget()
        tips = forge.change_requests.tips()
        assert (tips.base, tips.head, tips.base_ref) == (base, head, "refs/heads/main")
        assert tips.state is ChangeState.OPEN
        assert site.asked() == ["graphql/query/tips"]

    def test_of_the_tips_follows_a_new_target_with_the_next_question(self, site: Site):
        forge = site.connect()
        forge.change_requests.read()
        site.checkout.git("branch", "release", "main")
        site.state.retarget(site.mr, "release", "alice")
        assert forge.change_requests.tips().base is None
        tips = forge.change_requests.tips()
        assert tips.base_ref == "refs/heads/release"
        assert tips.base == site.checkout.git("rev-parse", "release")

    def test_goes_on_without_graphql_and_says_what_it_does_not_know(self, site: Site):
        site.server.faults.reply("graphql/*", failing(404, "no"), name="no GraphQL", times=None)
        with_graphql = site.checkout.git("rev-parse", "main")
        forge = site.connect()
        snapshot = forge.change_requests.read()
        assert snapshot.change.base_commit == with_graphql
        assert forge.change_requests.tips().base == with_graphql
        assert forge.approvals is not None
        facts = forge.approvals.approvals(snapshot)
        assert facts.contributions is None
        assert any("over GraphQL alone" in line for line in facts.unknown)
        assert forge.missing == ()

    def test_says_which_part_graphql_left_out(self, site: Site):
        def alter(_request: object, reply: Reply) -> Reply:
            body = reply.json()
            body["data"]["project"]["projectMembers"] = None
            body["errors"] = [{"message": "no\n::error::", "path": ["project", "projectMembers"]}]
            return Reply.of(body)

        fault = site.server.faults.reply("graphql/*", None, name="left out", committed=True)
        fault.after = alter
        forge = site.connect()
        unknown = forge.change_requests.read().unknown
        assert unknown == ("GitLab left something out: project.projectMembers: no ::error::",)
        assert forge.approvals is not None
        assert forge.approvals.access(Account(id=12, login="bob")) == "write"


class TestFailures:
    def test_of_a_token_that_has_expired_says_so(self, site: Site):
        site.state.tokens[scenario.TOKEN].expired = True
        with pytest.raises(ForgeError, match="may have expired") as caught:
            site.connect()
        assert caught.value.status == 401

    def test_never_show_the_token(self, site: Site):
        forge = site.connect()
        site.server.faults.reply(
            "listDiscussions", failing(400, f"bad {scenario.TOKEN}\n::error::x"), name="echo"
        )
        with pytest.raises(ForgeError) as caught:
            forge.change_requests.read()
        assert scenario.TOKEN not in str(caught.value)
        assert "\n" not in str(caught.value)
        assert caught.value.__cause__ is None

    @pytest.mark.parametrize(
        "reply",
        [
            Reply.of([{"id": "x"}]),
            Reply.of({"message": "not a list"}),
            Reply(body=b"<html>", headers=(("Content-Type", "application/json"),)),
        ],
        ids=["fields", "kind", "no JSON"],
    )
    def test_include_answers_that_cannot_be_true(self, site: Site, reply: Reply):
        forge = site.connect()
        site.server.faults.reply("listDiscussions", reply, name="nonsense")
        with pytest.raises(ForgeError, match="cannot be"):
            forge.change_requests.read()

    def test_of_a_token_without_the_scope_name_the_scope(self, site: Site):
        site.state.tokens[scenario.TOKEN].scopes = ["read_api"]
        forge = site.connect()
        forge.change_requests.read()
        assert forge.summary is not None
        with pytest.raises(ForgeError, match="scope api") as caught:
            forge.summary.create_comment("x")
        assert (caught.value.status, caught.value.uncertain) == (403, False)


class TestTheTargetsMoves:
    def test_are_the_pushes_to_it_and_to_no_other_branch(self, site: Site):
        before = site.checkout.git("rev-parse", "main").strip()
        site.checkout.git("checkout", "--quiet", "main")
        site.checkout.write("other.txt", "x")
        after = site.checkout.commit()
        site.state.move("group/shop", "main", before, by="carol")
        site.state.move("group/shop", "change", before, by="alice")
        forge = site.connect()
        assert forge.approvals is not None
        (move,) = forge.approvals.target_moves(forge.change_requests.read()) or ()
        assert (move.before, move.after) == (before, after)
        assert move.actor is not None
        assert move.actor.login == "carol"


class TestWhatATokenMay:
    def test_do_of_a_developer_is_all_but_sarif(self, site: Site):
        forge = site.connect()
        assert forge.missing == ()
        assert None not in (
            forge.approvals, forge.summary, forge.inline, forge.status, forge.protection,
            forge.opening, forge.landed, forge.identity,
        )  # fmt: skip
        assert forge.sarif is None

    def test_do_of_a_reporter_ends_at_statuses_and_threads_of_others(self, site: Site):
        site.state.add_bot_token("glpat-weak", project="group/shop", level=REPORTER)
        site.state.comment(site.mr, "bob", "a line", kind="DiffNote", position=position(site))
        forge = site.connect("glpat-weak")
        assert forge.missing == (
            connect.MAY_NOT_PUSH, connect.MAY_NOT_RESOLVE, connect.MAY_NOT_OPEN,
        )  # fmt: skip
        assert (forge.status, forge.opening) == (None, None)
        assert forge.summary is not None
        assert [t.can_resolve for t in forge.change_requests.read().threads] == [False]

    def test_do_in_an_archived_project_is_to_read(self, site: Site):
        site.shop.project.archived = True
        forge = site.connect()
        assert connect.MAY_NOT_NOTE in forge.missing
        assert (forge.summary, forge.inline) == (None, None)

    def test_do_of_a_reporter_on_an_older_gitlab_comes_from_the_role(self, site: Site):
        site.state.version = "17.9.0"
        site.state.add_bot_token("glpat-weak", project="group/shop", level=REPORTER)
        forge = site.connect("glpat-weak")
        assert connect.MAY_NOT_PUSH in forge.missing
        assert forge.status is None

    @pytest.mark.parametrize("pin", [scenario.PROJECT_ID, None], ids=["pinned", "by its path"])
    def test_do_of_a_job_is_to_read_the_merge_request_and_its_notes(
        self, site: Site, pin: int | None
    ):
        site.state.comment(site.mr, "bob", "hello")
        forge = site.connect(scenario.JOB_TOKEN, replace(TARGET, repository_id=pin))
        assert site.server.log == ()
        assert forge.missing == (
            connect.NO_APPROVALS, connect.NO_NOTES, connect.NO_THREADS, connect.NO_STATUS,
            connect.NO_PROTECTION, connect.NO_OPENING, connect.NO_IDENTITY,
        )  # fmt: skip
        assert all("project access token" in line for line in forge.missing)
        assert {
            forge.approvals, forge.summary, forge.inline, forge.status, forge.protection,
            forge.opening, forge.sarif, forge.identity,
        } == {None}  # fmt: skip
        snapshot = forge.change_requests.read()
        assert snapshot.change.head_commit == site.checkout.git("rev-parse", "change")
        assert snapshot.change.base_commit == site.checkout.git("rev-parse", "main")
        assert [(c.body, c.ours) for c in snapshot.comments] == [("hello", False)]
        assert len(snapshot.unknown) == 2
        assert all("CI_JOB_TOKEN" in line for line in snapshot.unknown)

    def test_do_of_a_job_in_a_fork_is_nothing_and_says_what_to_do(self, site: Site):
        site.state.add_project("mallory/shop", fork_of=scenario.PROJECT_ID)
        head = site.checkout.git("rev-parse", "change")
        pipeline = site.state.add_pipeline("mallory/shop", head, "change", by="mallory")
        site.state.add_job_token("glcbt-fork", pipeline, "mallory/shop")
        with pytest.raises(ForgeError, match="publish from a pipeline of the target project"):
            site.connect("glcbt-fork").change_requests.read()

    def test_do_without_a_merge_request_is_to_set_statuses(self, site: Site):
        forge = site.connect(target=replace(TARGET, number=None))
        assert (forge.summary, forge.inline) == (None, None)
        assert forge.status is not None
        head = site.checkout.git("rev-parse", "main")
        status = CommitStatus(context="gate", state="success", description="ok")
        forge.status.set_status(head, status)
        assert [s.name for s in site.state.statuses] == ["gate"]


class TestApprovals:
    def facts(self, site: Site) -> Any:
        forge = site.connect()
        assert forge.approvals is not None
        return forge.approvals.approvals(forge.change_requests.read())

    @pytest.mark.parametrize("premium", [False, True], ids=["Free", "Premium"])
    @pytest.mark.parametrize("told", [False, True], ids=["older", "newer"])
    def test_say_who_approved_and_when(self, site: Site, premium: bool, told: bool):
        site.state.premium, site.state.approved_at = premium, told
        site.state.approve(site.mr, "bob")
        site.state.approve(site.mr, "mallory")
        reviews = self.facts(site).reviews
        assert [(r.author.login, r.state, r.can_push) for r in reviews] == [
            ("bob", ReviewState.APPROVED, True),
            ("mallory", ReviewState.APPROVED, False),
        ]
        assert all(review.commit is None for review in reviews)
        times = [approval.at for approval in site.mr.approvals]
        gaps = [r.submitted_at - at for r, at in zip(reviews, times, strict=True)]
        assert all(abs(gap.total_seconds()) <= 1 for gap in gaps)

    def test_are_none_when_only_approved_is_true(self, site: Site):
        site.state.premium = True
        site.shop.project.rules = []
        assert self.facts(site).reviews == ()

    def test_that_were_taken_back_are_gone(self, site: Site):
        site.state.approve(site.mr, "bob")
        site.state.unapprove(site.mr, "bob")
        assert self.facts(site).reviews == ()

    def test_follow_the_pushes_by_gitlabs_clock(self, site: Site):
        first = site.checkout.git("rev-parse", "change")
        second = site.commit("change", "[Compare](x?diff_id=1)", more="x\n")
        version = site.state.push(site.mr, "bob")
        site.state.retarget(site.mr, "main", "alice")
        pushes = self.facts(site).pushes
        assert [(p.before, p.after) for p in pushes] == [(None, first), (first, second)]
        assert pushes[1].at == version.created_at
        assert (pushes[0].actor, pushes[1].actor.login) == (None, "bob")

    def test_do_not_call_pushes_known_that_lag_behind_the_head(self, site: Site):
        before = site.state.copy()
        site.commit("change", more="x\n")
        site.state.push(site.mr, "alice")
        site.server.stale("listMergeRequestVersions", before)
        facts = self.facts(site)
        assert facts.pushes is None
        assert any(line.startswith("pushes:") for line in facts.unknown)

    def test_know_when_the_target_was_changed(self, site: Site):
        assert self.facts(site).retargeted_at is None
        site.checkout.git("branch", "release", "main")
        site.state.retarget(site.mr, "release", "alice")
        note = next(n for n in site.mr.notes if "target branch" in n.body)
        assert self.facts(site).retargeted_at == note.created_at

    @pytest.mark.slow
    def test_name_the_people_behind_every_commit(self, site: Site):
        for number in range(120):
            site.checkout.git("switch", "--quiet", "change")
            site.checkout.git(
                "commit", "--quiet", "--allow-empty", "--message", f"Change {number}",
                environment={
                    "GIT_AUTHOR_EMAIL": "bob@example.com",
                    "GIT_COMMITTER_EMAIL": "carol@example.com",
                },
            )  # fmt: skip
        last = site.commit("change", "Last\n\nCo-authored-by: Eve <eve@example.com>", x="x\n")
        site.state.push(site.mr, "bob")
        facts = self.facts(site)
        by_commit = {c.commit: c for c in facts.contributions}
        assert len(by_commit) == 122
        names = [{person.login for person in c.people} for c in facts.contributions]
        assert names.count({"bob", "carol"}) == 120
        assert {"alice"} in names
        assert by_commit[last].unmapped[0] == "author@example.com"
        assert "eve@example.com" in by_commit[last].unmapped
        assert any("1 Co-authored-by lines" in line for line in facts.unknown)
        assert site.asked("graphql/query/commits") == ["graphql/query/commits"]

    def test_hear_a_reviewer_who_wants_changes(self, site: Site):
        site.mr.reviewers = _reviewers(site, bob="REQUESTED_CHANGES", carol="UNREVIEWED")
        reviews = self.facts(site).reviews
        assert [(r.author.login, r.state) for r in reviews] == [
            ("bob", ReviewState.CHANGES_REQUESTED)
        ]

    def test_know_the_members_of_groups_with_inherited_and_without_blocked_ones(self, site: Site):
        site.state.user("dave").state = "blocked"
        site.state.group("group/sre").members[site.state.user("bob").id] = DEVELOPER
        site.state.group("group/sre").visibility = "internal"
        site.state.add_group("hidden", members={})
        approvals = site.connect().approvals
        assert approvals is not None
        assert approvals.members(["group/sre", "hidden", "none/at/all", "group/sre"]) == {
            "group/sre": frozenset({12, 13}),
            "hidden": None,
            "none/at/all": None,
        }

    def test_ask_about_few_of_very_many_members(self, site: Site):
        for number in range(150):
            user = site.state.add_user(f"user{number}", id=100 + number)
            site.shop.project.members[user.id] = REPORTER
        late = site.state.add_user("zoe", id=900)
        site.shop.project.members[late.id] = DEVELOPER
        site.state.approve(site.mr, "zoe")
        facts = self.facts(site)
        assert [(r.author.login, r.can_push) for r in facts.reviews] == [("zoe", True)]
        (entry,) = site.server.requests("listAllProjectMembers")
        assert ("user_ids[]", "900") in entry.query

    def test_know_nothing_of_an_account_that_is_gone(self, site: Site):
        approvals = site.connect().approvals
        assert approvals is not None
        assert approvals.access(Account(id=None, login="ghost")) is None


class TestComments:
    def test_are_written_changed_and_removed(self, site: Site):
        forge = site.connect()
        assert forge.summary is not None
        made = forge.summary.create_comment("one")
        assert (made.ours, made.body) == (True, "one")
        changed = forge.summary.update_comment(made, "two")
        assert (changed.id, changed.body) == (made.id, "two")
        forge.summary.delete_comment(changed)
        assert forge.change_requests.comments() == ()
        forge.summary.delete_comment(changed)

    @pytest.mark.parametrize("fault", ["bad_gateway", "drop"])
    def test_that_were_made_without_an_answer_are_not_made_twice(self, site: Site, fault: str):
        getattr(site.server.faults, fault)("createNote", committed=True)
        forge = site.connect()
        assert forge.summary is not None
        made = forge.summary.create_comment("one  \n")
        assert [c.id for c in forge.change_requests.comments()] == [made.id]
        assert site.asked("createNote") == ["createNote"]

    def test_that_were_not_made_are_made_on_a_second_try(self, site: Site):
        site.server.faults.bad_gateway("createNote")
        forge = site.connect()
        assert forge.summary is not None
        forge.summary.create_comment("one")
        assert [c.body for c in forge.change_requests.comments()] == ["one"]

    def test_wait_as_long_as_gitlab_says(self, site: Site):
        site.server.faults.too_many_requests("createNote", retry_after=7)
        waits: list[float] = []
        endpoint = site.endpoint()
        session = open_session(endpoint, scenario.TOKEN, clock=Clock(sleep=waits.append))
        forge = connect_gitlab(endpoint, TARGET, session, scenario.TOKEN)
        assert forge.summary is not None
        forge.summary.create_comment("one")
        assert any(wait >= 7 for wait in waits)
        assert len(forge.change_requests.comments()) == 1

    def test_of_others_with_the_same_text_are_not_taken_for_ours(self, site: Site):
        site.state.comment(site.mr, "bob", "one")
        site.server.faults.bad_gateway("createNote")
        forge = site.connect()
        assert forge.summary is not None
        made = forge.summary.create_comment("one")
        assert made.ours
        assert len(forge.change_requests.comments()) == 2

    def test_take_what_gitlab_takes(self, site: Site):
        forge = site.connect()
        assert forge.summary is not None
        assert forge.summary.create_comment("x" * forge.summary.limit).body
        with pytest.raises(ForgeError, match="too long"):
            forge.summary.create_comment("x" * (forge.summary.limit + 1))

    def test_of_quick_actions_alone_are_no_comment(self, site: Site):
        forge = site.connect()
        assert forge.summary is not None
        with pytest.raises(ForgeError, match="quick actions"):
            forge.summary.create_comment("/label ~x")


class TestInlineComments:
    @pytest.mark.parametrize(
        "place",
        [
            {"line": 10},
            {"line": 5, "old_line": 5},
            {"line": 11, "start_line": 10},
            {"line": 12, "old_line": 11, "start_line": 9, "old_start_line": 9},
        ],
        ids=["added", "unchanged", "added lines", "mixed lines"],
    )
    def test_sit_on_lines_of_the_diff(self, site: Site, place: dict[str, int]):
        forge = site.connect()
        assert forge.inline is not None
        path = "deployment.yaml"
        comment = InlineComment(place=InlinePlace(path=path, old_path=path, **place), body="b")
        assert forge.inline.add(forge.change_requests.read(), [comment]) == ()
        (thread,) = forge.change_requests.read().threads
        assert (thread.path, thread.line, thread.body) == (path, place["line"], "b")

    def test_that_gitlab_refuses_come_back(self, site: Site):
        forge = site.connect()
        assert forge.inline is not None
        outside, wrong = inline(999), inline(5)
        refused = forge.inline.add(forge.change_requests.read(), [outside, inline(10), wrong])
        assert refused == (outside, wrong)
        assert len(forge.change_requests.read().threads) == 1

    def test_on_a_head_that_has_moved_come_back(self, site: Site):
        forge = site.connect()
        snapshot = forge.change_requests.read()
        site.commit("change", more="x\n")
        site.state.push(site.mr, "alice")
        assert forge.inline is not None
        assert forge.inline.add(snapshot, [inline(10)]) == (inline(10),)

    @pytest.mark.parametrize("committed", [True, False])
    def test_without_an_answer_are_put_once(self, site: Site, committed: bool):
        site.server.faults.bad_gateway("createDiscussion", committed=committed)
        forge = site.connect()
        assert forge.inline is not None
        assert forge.inline.add(forge.change_requests.read(), [inline(10)]) == ()
        assert len(forge.change_requests.read().threads) == 1

    def test_are_edited_and_resolved_and_know_an_answer(self, site: Site):
        forge = site.connect()
        assert forge.inline is not None
        forge.inline.add(forge.change_requests.read(), [inline(10)])
        (thread,) = forge.change_requests.read().threads
        forge.inline.edit(thread, "gone")
        place = position(site)
        site.state.comment(
            site.mr, "bob", "why?", kind="DiffNote", discussion=thread.id, position=place
        )
        forge.inline.resolve(thread)
        (after,) = forge.change_requests.read().threads
        assert (after.body, after.resolved, after.answered) == ("gone", True, True)


class TestStatuses:
    HEAD_STATES = (
        ("pending", "pending", "pending"),
        ("success", "success", "success"),
        ("failure", "failed", "failure"),
        ("error", "failed", "failure"),
    )

    @pytest.mark.parametrize(("given", "kept", "read"), HEAD_STATES)
    def test_are_kept_in_gitlabs_words(self, site: Site, given: Any, kept: str, read: str):
        forge, head = self.at_work(site)
        forge.status.set_status(head, CommitStatus(context="g", state=given, description="d"))
        assert [(s.name, s.status) for s in site.state.statuses] == [("g", kept)]
        (there,) = forge.status.statuses(head)
        assert (there.context, there.state, there.description) == ("g", read, "d")
        assert there.ours is True

    @pytest.mark.parametrize("given", ["pending", "success", "failure", "error"])
    def test_that_are_set_already_are_not_set_again(self, site: Site, given: Any):
        forge, head = self.at_work(site)
        status = CommitStatus(context="g", state=given, description="d", url="https://x/1")
        forge.status.set_status(head, status)
        again, _ = self.at_work(site)
        again.status.set_status(head, status)
        forge.status.set_status(head, status)
        assert site.asked("createCommitStatus") == ["createCommitStatus"]

    def test_may_say_something_else_in_the_same_state(self, site: Site):
        forge, head = self.at_work(site)
        for text in ("one", "two", "three", "four"):
            forge.status.set_status(
                head, CommitStatus(context="g", state="pending", description=text)
            )
            (there,) = forge.status.statuses(head)
            assert (there.state, there.description) == ("pending", text)

    def test_change_from_every_state_to_every_other(self, site: Site):
        forge, head = self.at_work(site)
        states: list[Any] = ["pending", "success", "pending", "failure", "success", "error"]
        for number, state in enumerate(states):
            status = CommitStatus(context="g", state=state, description=str(number))
            forge.status.set_status(head, status)
            (there,) = forge.status.statuses(head)
            assert there.state == state.replace("error", "failure")

    def test_that_another_run_set_meanwhile_are_no_error(self, site: Site):
        one, head = self.at_work(site)
        other, _ = self.at_work(site)
        status = CommitStatus(context="g", state="pending", description="d")
        assert one.status.statuses(head) == ()
        other.status.set_status(head, status)
        one.status.set_status(head, status)
        assert [s.status for s in site.state.statuses] == ["pending"]

    def test_that_gitlab_is_busy_with_are_set_once_it_is_not(self, site: Site):
        busy = failing(409, "Another update to this commit status is in progress")
        site.server.faults.reply("createCommitStatus", busy, name="busy", times=2)
        forge, head = self.at_work(site)
        forge.status.set_status(head, CommitStatus(context="g", state="success", description="d"))
        assert [s.status for s in site.state.statuses] == ["success"]

    @pytest.mark.parametrize("committed", [True, False])
    def test_without_an_answer_are_set_once(self, site: Site, committed: bool):
        site.server.faults.bad_gateway("createCommitStatus", committed=committed)
        forge, head = self.at_work(site)
        status = CommitStatus(context="g", state="success", description="d")
        forge.status.set_status(head, status)
        assert [s.status for s in site.state.statuses] == ["success"]

    def test_of_somebody_else_are_not_ours_and_do_not_stop_us(self, site: Site):
        other, head = self.at_work(site, scenario.MAINTAINER_TOKEN)
        status = CommitStatus(context="g", state="success", description="d")
        other.status.set_status(head, status)
        forge, _ = self.at_work(site)
        (there,) = forge.change_requests.read().statuses
        assert there.ours is False
        forge.status.set_status(head, status)
        assert len(site.state.statuses) == 2

    def test_go_into_the_pipeline_that_runs_on_the_commit(self, site: Site):
        head = site.checkout.git("rev-parse", "change")
        mine = site.state.add_pipeline("group/shop", head, "change", by="alice")
        site.state.add_pipeline("group/shop", head, "change", by="alice")
        forge, _ = self.at_work(site, target=replace(TARGET, pipeline_id=mine.id))
        forge.status.set_status(head, CommitStatus(context="g", state="success", description=""))
        assert [s.pipeline for s in site.state.statuses] == [mine.id]

    def test_go_elsewhere_when_the_pipeline_runs_on_another_commit(self, site: Site):
        main = site.checkout.git("rev-parse", "main")
        other = site.state.add_pipeline("group/shop", main, "main", by="carol")
        forge, head = self.at_work(site, target=replace(TARGET, pipeline_id=other.id))
        forge.status.set_status(head, CommitStatus(context="g", state="success", description=""))
        assert [s.pipeline for s in site.state.statuses] != [other.id]

    def test_of_a_merged_result_go_where_the_merge_request_is_held(self, site: Site):
        site.checkout.git("switch", "--quiet", "--detach", "main")
        site.checkout.git("merge", "--quiet", "--no-ff", "-m", "merged", "change")
        merged = site.checkout.git("rev-parse", "HEAD")
        mine = site.state.add_pipeline(
            "group/shop", merged, "refs/merge-requests/7/merge", by="alice",
            source="merge_request_event",
        )  # fmt: skip
        forge, head = self.at_work(site)
        status = CommitStatus(context="g", state="pending", description="d")
        forge.status.set_status(head, status)
        assert [(s.sha, s.pipeline) for s in site.state.statuses] == [(merged, mine.id)]
        again, _ = self.at_work(site)
        (there,) = again.change_requests.read().statuses
        assert (there.state, there.ours) == ("pending", True)

    def test_of_the_pipeline_before_hold_nothing(self, site: Site):
        forge, head = self.at_work(site)
        status = CommitStatus(context="g", state="pending", description="d")
        forge.status.set_status(head, status)
        newer = site.state.add_pipeline(
            "group/shop", head, "refs/merge-requests/7/head", by="alice",
            source="merge_request_event",
        )  # fmt: skip
        again, _ = self.at_work(site)
        assert again.change_requests.read().statuses == ()
        again.status.set_status(head, status)
        assert site.state.statuses[-1].pipeline == newer.id

    def test_reach_the_head_of_a_fork_that_is_on_no_branch(self, site: Site, tmp_path: Path):
        fork = GitRepository(tmp_path / "fork")
        fork.git("pull", "--quiet", str(site.checkout.folder), "main")
        fork.git("switch", "--quiet", "--create", "elsewhere")
        fork.write("x")
        head = fork.commit()
        site.state.add_project(
            "mallory/shop", fork_of=scenario.PROJECT_ID, repository=_repository(fork.folder)
        )
        site.state.open_merge_request(
            "group/shop", "elsewhere", author="mallory", source_project="mallory/shop", iid=9
        )
        forge, _ = self.at_work(site, target=replace(TARGET, number=9))
        forge.status.set_status(head, CommitStatus(context="g", state="failure", description=""))
        assert [(s.sha, s.ref) for s in site.state.statuses] == [
            (head, "refs/merge-requests/9/head")
        ]

    def at_work(
        self, site: Site, token: str = scenario.TOKEN, target: Target = TARGET
    ) -> tuple[Any, str]:
        return site.connect(token, target), site.checkout.git("rev-parse", "change")


class TestProtection:
    def test_on_free_is_that_of_branches_and_merging(self, site: Site):
        site.shop.project.pipelines_must_succeed = True
        protection = self.read(site, scenario.MAINTAINER_TOKEN)
        assert (protection.protected, protection.force_push) == (True, False)
        assert protection.pushers == protection.bypass == ("Maintainers",)
        assert protection.required_checks == ()
        assert ("only_allow_merge_if_pipeline_succeeds", "true") in protection.details
        assert (protection.required_approvals, protection.dismisses_stale) == (None, None)
        told = " ".join(protection.unknown)
        for what in ("approval settings", "approval rules", "push rules"):
            assert what in told

    def test_on_premium_knows_rules_settings_people_and_pushes(self, site: Site):
        site.state.premium = True
        project = site.shop.project
        project.protected = [
            ProtectedBranch(
                name="ma*",
                push=[AccessEntry(user=13), AccessEntry(level=0)],
                merge=[AccessEntry(group=21)],
                code_owners=True,
            ),
            ProtectedBranch(name="release/*", force_push=True),
        ]
        project.rules = [
            ApprovalRule(id=1, name="two", required=2, users=[12, 13]),
            ApprovalRule(id=2, name="elsewhere", required=5, branches=["release/*"]),
        ]
        project.push_rule = {
            "id": 1, "project_id": project.id, "created_at": "2026-11-24T08:00:00.000Z",
            "commit_committer_check": True,
        }  # fmt: skip
        protection = self.read(site, scenario.MAINTAINER_TOKEN)
        assert protection.unknown == ()
        assert (protection.required_approvals, protection.dismisses_stale) == (2, True)
        assert (protection.code_owners, protection.force_push) == (True, False)
        assert protection.pushers is not None
        assert [one.split(" (")[0] for one in protection.pushers] == ["user 13"]
        assert ("commit_committer_check", "true") in protection.details

    def test_on_premium_may_have_no_push_rules_at_all(self, site: Site):
        site.state.premium = True
        assert self.read(site, scenario.MAINTAINER_TOKEN).unknown == ()

    def test_of_a_branch_without_any_is_none(self, site: Site):
        protection = self.read(site, scenario.MAINTAINER_TOKEN, "change")
        assert (protection.protected, protection.pushers) == (False, ())

    def test_that_the_token_may_not_read_is_unknown_and_said(self, site: Site):
        site.server.faults.reply(
            "listProtectedBranches", failing(403, "403 Forbidden"), name="no", times=None
        )
        protection = self.read(site, scenario.TOKEN)
        assert protection.protected is True
        assert (protection.pushers, protection.force_push) == (None, None)
        assert any(line.startswith("protected branches:") for line in protection.unknown)

    def read(self, site: Site, token: str, branch: str = "main") -> Any:
        protection = site.connect(token).protection
        assert protection is not None
        return protection.protection(branch)


class TestOpening:
    REQUEST = NewChangeRequest(
        title="Revert", body="Because", head_ref="revert", base_ref="refs/heads/main",
        labels=("a", "b"), draft=True,
    )  # fmt: skip

    def open(self, site: Site) -> tuple[str, list[MergeRequest]]:
        site.checkout.git("branch", "--force", "revert", "change")
        opening = site.connect().opening
        assert opening is not None
        url = opening.open(self.REQUEST)
        return url, [m for m in site.state.merge_requests.values() if m.source_branch == "revert"]

    def test_makes_a_merge_request(self, site: Site):
        url, (made,) = self.open(site)
        assert url.endswith(f"/group/shop/-/merge_requests/{made.iid}")
        assert (made.title, made.description) == ("Draft: Revert", "Because")
        assert (made.target_branch, sorted(made.labels)) == ("main", ["a", "b"])

    def test_finds_the_one_that_is_open(self, site: Site):
        assert self.open(site)[0] == self.open(site)[0]
        assert site.asked("createMergeRequest") == ["createMergeRequest"]

    @pytest.mark.parametrize("committed", [True, False])
    def test_without_an_answer_makes_one(self, site: Site, committed: bool):
        site.server.faults.bad_gateway("createMergeRequest", committed=committed)
        assert len(self.open(site)[1]) == 1

    def test_that_somebody_did_meanwhile_finds_theirs(self, site: Site):
        first, _ = self.open(site)
        site.server.faults.reply("listMergeRequests", Reply.of([]), name="not yet there")
        assert self.open(site)[0] == first


def inline(line: int) -> InlineComment:
    path = "deployment.yaml"
    return InlineComment(
        place=InlinePlace(path=path, old_path=path, line=line), body=f"Line {line}"
    )


def position(site: Site) -> dict[str, Any]:
    newest = site.mr.newest
    assert newest is not None
    return {
        "base_sha": newest.base, "start_sha": newest.start, "head_sha": newest.head,
        "old_path": "deployment.yaml", "new_path": "deployment.yaml", "position_type": "text",
        "old_line": None, "new_line": 10, "line_range": None,
    }  # fmt: skip


def _repository(folder: Path) -> Any:
    from tests.forges.gitlab.repository import Repository

    return Repository(folder)


def _reviewers(site: Site, **states: Any) -> dict[int, Any]:
    return {site.state.user(name).id: state for name, state in states.items()}
