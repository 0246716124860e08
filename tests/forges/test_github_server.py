"""GitHub's behaviour as our server shows it, asked with plain HTTP and not with our client."""

from __future__ import annotations

import base64
import datetime
import email.utils
import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.engines import ROOT
from tests.forges.github import GitHubServer, actions, shapes
from tests.forges.github.state import Pull, Repository
from tests.forges.serving import Elsewhere, Loopback

WRITE = {"contents": "read", "pull_requests": "write", "statuses": "write"}
LINES = "".join(f"line {number}\n" for number in range(1, 21))
Q1 = """
query Q1($owner:String!,$name:String!,$number:Int!,$base:String!){
  rateLimit{cost remaining resetAt}
  repository(owner:$owner,name:$name){
    databaseId viewerPermission visibility
    base:ref(qualifiedName:$base){target{oid}}
    pullRequest(number:$number){
      id state isDraft isCrossRepository mergeable mergeStateStatus
      author{login __typename ... on User{databaseId} ... on Bot{databaseId}}
      baseRefOid headRefName headRefOid headRepository{nameWithOwner} potentialMergeCommit{oid}
      labels(first:100){nodes{name}}
      commits(first:100){totalCount pageInfo{hasNextPage endCursor} nodes{commit{oid
        author{email user{databaseId login}}
        authors(first:10){totalCount nodes{email user{databaseId login}}}}}}
      reviews(first:100){nodes{fullDatabaseId state submittedAt authorCanPushToRepository
        author{login} commit{oid}}}
      timelineItems(first:100,itemTypes:[HEAD_REF_FORCE_PUSHED_EVENT,BASE_REF_CHANGED_EVENT,
        REVIEW_DISMISSED_EVENT,COMMENT_DELETED_EVENT]){nodes{__typename
          ... on HeadRefForcePushedEvent{createdAt actor{login} beforeCommit{oid} afterCommit{oid}}
          ... on BaseRefChangedEvent{createdAt previousRefName currentRefName}
          ... on ReviewDismissedEvent{previousReviewState review{fullDatabaseId}}
          ... on CommentDeletedEvent{createdAt deletedCommentAuthor{login}}}}
      comments(last:100){pageInfo{hasPreviousPage startCursor} nodes{id fullDatabaseId
        viewerDidAuthor createdAt lastEditedAt editor{login} author{login} body}}
      reviewThreads(first:100){nodes{id isResolved isOutdated viewerCanResolve path line
        originalLine comments(first:2){totalCount nodes{fullDatabaseId viewerDidAuthor body}}}}
      headCommit:commits(last:1){nodes{commit{oid status{contexts{context state description
        creator{login}}}}}}
    }
  }
}
"""
RESOLVE = "mutation($id:ID!){resolveReviewThread(input:{threadId:$id}){thread{isResolved}}}"


class Shop:
    """One repository with one pull request, and somebody who asks about it."""

    def __init__(self, server: GitHubServer) -> None:
        self.server = server
        self.session = requests.Session()
        self.repository: Repository = server.repository(
            "acme/shop", collaborators={"rita": "write", "sam": "write", "ned": "read"}
        )
        self.rita, self.sam = server.account("rita"), server.account("sam")
        server.token("ghs_gate", permissions=WRITE)
        server.commit(self.repository, "main", {"a.yaml": LINES})
        changed = LINES.replace("line 10\n", "line ten\nline ten and a half\n")
        self.commit({"a.yaml": changed}, "Change a line")
        self.pull: Pull = server.pull(self.repository, head="change", author=self.rita)

    def commit(self, files: dict[str, str | None], message: str = "Change", **more: Any) -> str:
        author = ("Rita", "rita@example.com")
        return self.server.commit(self.repository, "change", files, message, author=author, **more)

    def ask(
        self, method: str, path: str, body: Any = None, *, token: str | None = "ghs_gate",
        **more: Any,
    ) -> requests.Response:  # fmt: skip
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = path if "://" in path else f"{self.server.api_url}/repos/acme/shop{path}"
        return self.session.request(method, url, json=body, headers=headers, timeout=20, **more)

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.ask("GET", path, **more)

    def post(self, path: str, body: Any, **more: Any) -> requests.Response:
        return self.ask("POST", path, body, **more)

    def graph(self, query: str, *, token: str = "ghs_gate", **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        return self.post(self.server.graphql_url, body, token=token).json()

    def q1(self, *, token: str = "ghs_gate") -> Any:
        answer = self.graph(
            Q1, token=token, owner="acme", name="shop", number=1, base="refs/heads/main"
        )
        assert "errors" not in answer, answer
        return answer["data"]["repository"]["pullRequest"]

    def comment(self, body: str = "Hello", **more: Any) -> Any:
        return self.post("/issues/1/comments", {"body": body}, **more)

    def review_line(self, line: int, **more: Any) -> requests.Response:
        one = {"path": "a.yaml", "line": line, "side": "RIGHT", "body": "Why?", **more}
        return self.post("/pulls/1/reviews", {"event": "COMMENT", "comments": [one]})

    def expect_violation(self, *words: str) -> None:
        """There is exactly one, and it says this; then it is forgotten."""
        assert len(self.server.violations) == 1, self.server.violations
        said = str(self.server.violations[0])
        assert [word for word in words if word not in said] == [], said
        with pytest.raises(AssertionError):
            self.server.check()
        self.server.violations.clear()


@pytest.fixture
def shop(github_server: GitHubServer) -> Iterator[Shop]:
    made = Shop(github_server)
    yield made
    made.session.close()


# ---------------------------------------------------------------------------- reading


def test_one_query_tells_all_about_a_pull_request(shop: Shop) -> None:
    shop.comment()
    shop.post(f"/statuses/{shop.pull.head}", {"state": "success", "context": "gitops-gate"})
    pull = shop.q1()
    assert (pull["state"], pull["mergeable"]) == ("OPEN", "MERGEABLE")
    assert pull["headRefOid"] == shop.pull.head
    assert pull["author"] == {
        "login": "rita", "__typename": "User", "databaseId": shop.rita.id,
    }  # fmt: skip
    assert [one["body"] for one in pull["comments"]["nodes"]] == ["Hello"]
    (commit,) = pull["commits"]["nodes"]
    assert commit["commit"]["author"]["user"]["login"] == "rita"
    (status,) = pull["headCommit"]["nodes"][0]["commit"]["status"]["contexts"]
    assert (status["context"], status["state"]) == ("gitops-gate", "SUCCESS")


def test_rest_and_graphql_name_a_bot_differently(shop: Shop) -> None:
    assert shop.comment().json()["user"]["login"] == "github-actions[bot]"
    assert shop.q1()["comments"]["nodes"][0]["author"]["login"] == "github-actions"


def test_the_api_is_served_at_the_root_as_well(shop: Shop) -> None:
    found = shop.get(f"{shop.server.origin}/repos/acme/shop/pulls/1").json()
    assert found["url"] == f"{shop.server.origin}/repos/acme/shop/pulls/1"
    body = {"query": "{viewer{login}}"}
    answer = shop.post(f"{shop.server.origin}/graphql", body).json()
    assert answer == {"data": {"viewer": {"login": "github-actions[bot]"}}}


def test_commits_tell_their_co_authors_and_addresses_without_an_account(shop: Shop) -> None:
    trailers = "More\n\nCo-authored-by: Sam <sam@example.com>\nCo-authored-by: X <x@nowhere.org>"
    shop.commit({"b.yaml": "b: 1\n"}, trailers)
    authors = shop.q1()["commits"]["nodes"][-1]["commit"]["authors"]
    assert authors["totalCount"] == 3
    logins = [one["user"] and one["user"]["login"] for one in authors["nodes"]]
    assert logins == ["rita", "sam", None]


def test_files_and_commits_are_those_of_the_git_repository(shop: Shop) -> None:
    (file,) = shop.get("/pulls/1/files").json()
    assert (file["filename"], file["additions"], file["deletions"]) == ("a.yaml", 2, 1)
    assert "+line ten" in file["patch"]
    assert [one["sha"] for one in shop.get("/pulls/1/commits").json()] == [shop.pull.head]
    whole = shop.get("/pulls/1").json()
    assert (whole["commits"], whole["changed_files"], whole["mergeable"]) == (1, 1, True)


@pytest.mark.slow
def test_no_more_than_250_commits_are_listed(shop: Shop) -> None:
    git, tip = shop.repository.git, shop.repository.branches["main"]
    stream = "".join(
        f"commit refs/heads/long\ncommitter R <rita@example.com> {number} +0000\n"
        f"data 1\nc\n{f'from {tip}' if number == 0 else ''}\n"
        for number in range(260)
    )
    git("fast-import", "--quiet", stdin=stream.encode())
    shop.server.pull(shop.repository, head="long")
    found: list[Any] = []
    page = 1
    while more := shop.get(f"/pulls/2/commits?per_page=100&page={page}").json():
        found, page = [*found, *more], page + 1
    assert len(found) == 250
    query = """{repository(owner:"acme",name:"shop"){pullRequest(number:2){
        commits(first:100){totalCount pageInfo{hasNextPage}}}}}"""
    counted = shop.graph(query)["data"]["repository"]["pullRequest"]["commits"]
    assert counted == {"totalCount": 260, "pageInfo": {"hasNextPage": True}}


def test_lists_come_in_pages_that_link_to_each_other(shop: Shop) -> None:
    for number in range(7):
        shop.comment(str(number))
    answer = shop.get("/issues/1/comments?per_page=3")
    found = [one["body"] for one in answer.json()]
    while "next" in answer.links:
        answer = shop.get(answer.links["next"]["url"])
        found += [one["body"] for one in answer.json()]
    assert found == [str(number) for number in range(7)]
    assert "per_page=3" in answer.links["first"]["url"]


def test_graphql_pages_backwards_from_the_newest(shop: Shop) -> None:
    for number in range(5):
        shop.comment(str(number))
    query = """query($before:String){repository(owner:"acme",name:"shop"){pullRequest(number:1){
        comments(last:2,before:$before){totalCount nodes{body}
        pageInfo{hasPreviousPage startCursor}}}}}"""
    found: list[str] = []
    before = None
    while True:
        answer = shop.graph(query, before=before)["data"]["repository"]["pullRequest"]["comments"]
        found = [one["body"] for one in answer["nodes"]] + found
        before = answer["pageInfo"]["startCursor"]
        if not answer["pageInfo"]["hasPreviousPage"]:
            break
    assert found == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [("", "MISSING_PAGINATION_BOUNDARIES"), ("(first:101)", "EXCESSIVE_PAGINATION")],
)
def test_graphql_wants_a_page_size_of_at_most_100(shop: Shop, arguments: str, kind: str) -> None:
    query = f"""{{repository(owner:"acme",name:"shop"){{pullRequest(number:1){{
        comments{arguments}{{totalCount}}}}}}}}"""
    assert [one["type"] for one in shop.graph(query)["errors"]] == [kind]


def test_a_fork_is_another_repository_and_its_head_can_be_fetched(shop: Shop) -> None:
    fork = shop.server.repository("rita/shop", fork_of=shop.repository, owner="User")
    shop.server.commit(fork, "fix", {"c.yaml": "c: 1\n"})
    pull = shop.server.pull(shop.repository, head="fix", head_repository=fork)
    found = shop.get("/pulls?head=rita:fix").json()
    assert [one["number"] for one in found] == [pull.number]
    assert found[0]["head"]["repo"]["full_name"] == "rita/shop"
    assert shop.repository.git("rev-parse", f"refs/pull/{pull.number}/head").strip() == pull.head


def test_a_fork_and_an_author_that_are_gone_are_not_named(shop: Shop) -> None:
    fork = shop.server.repository("rita/shop", fork_of=shop.repository, owner="User")
    shop.server.commit(fork, "fix", {"c.yaml": "c: 1\n"})
    pull = shop.server.pull(shop.repository, head="fix", head_repository=fork)
    with shop.server.work():
        del shop.server.world.repositories[fork.id]
        pull.head_repository = pull.author = None
    told = shop.get(f"/pulls/{pull.number}").json()
    assert (told["head"]["repo"], told["user"]["login"]) == (None, "ghost")
    query = """{repository(owner:"acme",name:"shop"){pullRequest(number:2){
        author{login} headRepository{name} isCrossRepository}}}"""
    assert shop.graph(query)["data"]["repository"]["pullRequest"] == {
        "author": None, "headRepository": None, "isCrossRepository": True,
    }  # fmt: skip


# ---------------------------------------------------------------------------- comments


def test_a_comment_remembers_who_edited_it_and_when(shop: Shop) -> None:
    made = shop.comment("one").json()
    path = f"/issues/comments/{made['id']}"
    assert shop.q1()["comments"]["nodes"][0]["lastEditedAt"] is None
    shop.ask("PATCH", path, {"body": "one"})
    assert shop.q1()["comments"]["nodes"][0]["lastEditedAt"] is None, "nothing was changed"
    shop.server.token("ghp_sam", "sam", kind="classic")
    assert shop.ask("PATCH", path, {"body": "two"}, token="ghp_sam").status_code == 200
    comment = shop.q1()["comments"]["nodes"][0]
    assert (comment["body"], comment["editor"]["login"]) == ("two", "sam")
    assert comment["lastEditedAt"] > comment["createdAt"]


def test_a_comment_is_the_viewers_own_by_account(shop: Shop) -> None:
    shop.server.token("ghs_other_job", permissions=WRITE)
    shop.server.token("ghp_sam", "sam", kind="classic")
    shop.comment()
    assert shop.q1(token="ghs_other_job")["comments"]["nodes"][0]["viewerDidAuthor"] is True
    assert shop.q1(token="ghp_sam")["comments"]["nodes"][0]["viewerDidAuthor"] is False


def test_a_reader_edits_nobodys_comment_but_their_own(shop: Shop) -> None:
    shop.server.token("ghp_ned", "ned", kind="classic")
    theirs, own = shop.comment().json(), shop.comment(token="ghp_ned").json()
    refused = shop.ask("PATCH", f"/issues/comments/{theirs['id']}", {"body": "x"}, token="ghp_ned")
    assert refused.status_code == 403
    allowed = shop.ask("PATCH", f"/issues/comments/{own['id']}", {"body": "x"}, token="ghp_ned")
    assert allowed.status_code == 200


def test_a_deleted_comment_leaves_an_event(shop: Shop) -> None:
    made = shop.comment().json()
    path = f"/issues/comments/{made['id']}"
    assert shop.ask("DELETE", path).status_code == 204
    assert shop.ask("DELETE", path).status_code == 404
    (event,) = shop.q1()["timelineItems"]["nodes"]
    assert event["__typename"] == "CommentDeletedEvent"
    assert event["deletedCommentAuthor"]["login"] == "github-actions"


def test_a_comment_holds_65536_characters(shop: Shop) -> None:
    assert shop.comment("ä" * 65_536).status_code == 201
    refused = shop.comment("ä" * 65_537)
    assert refused.status_code == 422
    assert "65536" in refused.json()["errors"][0]["message"]
    assert len(shop.pull.comments) == 1


# ---------------------------------------------------------------------------- reviews


def test_a_comment_goes_on_lines_that_the_diff_shows(shop: Shop) -> None:
    assert shop.review_line(10).status_code == 200
    assert shop.review_line(14, start_line=9, start_side="RIGHT").status_code == 200
    threads = shop.q1()["reviewThreads"]["nodes"]
    assert [(one["path"], one["line"]) for one in threads] == [("a.yaml", 10), ("a.yaml", 14)]
    comments = shop.get("/pulls/1/comments").json()
    assert comments[0]["diff_hunk"].endswith("\n+line ten")
    assert comments[1]["start_line"] == 9


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"line": 19}, "Line could not be resolved"),
        ({"line": 2}, "Line could not be resolved"),
        ({"side": "LEFT", "line": 11}, "Line could not be resolved"),
        ({"path": "b.yaml"}, "Path could not be resolved"),
        ({"start_line": 12}, "Start line must precede the end line."),
        ({"start_line": 1}, "Start line must be part of the same hunk as the line."),
    ],
)
def test_one_wrong_line_refuses_the_whole_review(
    shop: Shop, change: dict[str, Any], words: str
) -> None:
    good = {"path": "a.yaml", "line": 10, "side": "RIGHT", "body": "Fine"}
    body = {"event": "COMMENT", "comments": [good, {**good, "line": 11, **change}]}
    refused = shop.post("/pulls/1/reviews", body)
    assert (refused.status_code, refused.json()["errors"]) == (422, [words])
    assert (shop.pull.reviews, shop.pull.threads) == ([], [])


def test_a_deleted_line_is_on_the_left(shop: Shop) -> None:
    assert shop.review_line(10, side="LEFT").status_code == 200
    assert shop.get("/pulls/1/comments").json()[0]["side"] == "LEFT"


def test_a_thread_moves_with_its_line_and_is_outdated_when_the_line_goes(shop: Shop) -> None:
    shop.review_line(11)
    text = shop.repository.git("show", "change:a.yaml")
    shop.commit({"a.yaml": "new first line\n" + text})
    moved = shop.q1()["reviewThreads"]["nodes"][0]
    assert (moved["line"], moved["originalLine"], moved["isOutdated"]) == (12, 11, False)
    shop.commit({"a.yaml": LINES.replace("line 10\n", "")})
    gone = shop.q1()["reviewThreads"]["nodes"][0]
    assert (gone["line"], gone["originalLine"], gone["isOutdated"]) == (None, 11, True)


def test_resolving_needs_write_access_to_contents(shop: Shop) -> None:
    shop.review_line(10)
    thread = shop.q1()["reviewThreads"]["nodes"][0]
    assert thread["viewerCanResolve"] is False
    refused = shop.graph(RESOLVE, id=thread["id"])
    assert [one["type"] for one in refused["errors"]] == ["FORBIDDEN"]
    shop.server.token("ghs_app", permissions={**WRITE, "contents": "write"}, app_id=7)
    assert shop.q1(token="ghs_app")["reviewThreads"]["nodes"][0]["viewerCanResolve"] is True
    assert "errors" not in shop.graph(RESOLVE, token="ghs_app", id=thread["id"])
    assert shop.q1()["reviewThreads"]["nodes"][0]["isResolved"] is True


def test_threads_are_answered_and_their_comments_changed(shop: Shop) -> None:
    shop.review_line(10)
    first = shop.get("/pulls/1/comments").json()[0]["id"]
    answer = shop.post(f"/pulls/1/comments/{first}/replies", {"body": "Because"})
    assert (answer.status_code, answer.json()["in_reply_to_id"]) == (201, first)
    changed = shop.ask("PATCH", f"/pulls/comments/{first}", {"body": "Never mind"})
    assert changed.json()["body"] == "Never mind"
    (thread,) = shop.q1()["reviewThreads"]["nodes"]
    assert thread["comments"]["totalCount"] == 2
    assert shop.ask("DELETE", f"/pulls/comments/{first}").status_code == 204
    assert len(shop.get("/pulls/1/comments").json()) == 1


def test_nobody_approves_their_own_pull_request(shop: Shop) -> None:
    for login in ("rita", "sam"):
        shop.server.token(f"ghp_{login}", login, kind="classic")
    body = {"event": "APPROVE"}
    assert shop.post("/pulls/1/reviews", body, token="ghp_rita").status_code == 422
    assert shop.post("/pulls/1/reviews", body, token="ghp_sam").json()["state"] == "APPROVED"
    (review,) = shop.q1()["reviews"]["nodes"]
    assert (review["state"], review["authorCanPushToRepository"]) == ("APPROVED", True)
    assert review["commit"]["oid"] == shop.pull.head


def test_what_a_dismissed_review_said_is_in_the_timeline(shop: Shop) -> None:
    made = actions.review(shop.server.world, shop.repository, shop.pull, shop.sam, state="APPROVED")
    path = f"/pulls/1/reviews/{made.id}/dismissals"
    assert shop.ask("PUT", path, {"message": "Too early"}).json()["state"] == "DISMISSED"
    (event,) = shop.q1()["timelineItems"]["nodes"]
    assert event["previousReviewState"] == "APPROVED"
    (told,) = shop.get("/issues/1/events").json()
    assert told["dismissed_review"]["dismissal_message"] == "Too early"


# ---------------------------------------------------------------------------- history


def test_pushes_are_activities_by_the_servers_clock(shop: Shop) -> None:
    before = shop.pull.head
    shop.commit({"b.yaml": "b: 1\n"}, actor=shop.sam)
    shop.commit({"b.yaml": "b: 2\n"}, force=True, actor=shop.rita)
    path = "/activity?ref=refs/heads/change"
    shop.server.token("ghp_rita", "rita", kind="classic")
    found = shop.get(path, token="ghp_rita").json()
    kinds = [(one["activity_type"], one["actor"]["login"]) for one in found]
    assert kinds[:2] == [("force_push", "rita"), ("push", "sam")]
    assert found[1]["before"] == before
    assert found[0]["after"] == shop.pull.head
    (event,) = shop.q1()["timelineItems"]["nodes"]
    assert event["afterCommit"]["oid"] == shop.pull.head


def test_a_branch_that_moves_on_disk_moves_the_pull_request(shop: Shop) -> None:
    new = shop.repository.git.write(shop.pull.head, {"d.yaml": "d: 1\n"}, "Pushed by hand")
    shop.repository.git("update-ref", "refs/heads/change", new)
    assert shop.q1()["headRefOid"] == new
    assert shop.get("/activity?ref=change&per_page=1").json()[0]["after"] == new


def test_a_change_of_the_base_branch_is_no_part_of_rests_timeline(shop: Shop) -> None:
    shop.repository.git("update-ref", "refs/heads/release", "refs/heads/main")
    assert shop.ask("PATCH", "/pulls/1", {"base": "release"}).status_code == 200
    events = [one["event"] for one in shop.get("/issues/1/events").json()]
    timeline = [one["event"] for one in shop.get("/issues/1/timeline").json()]
    assert events == ["base_ref_changed"]
    assert timeline == ["committed"]
    (told,) = shop.q1()["timelineItems"]["nodes"]
    assert (told["previousRefName"], told["currentRefName"]) == ("main", "release")


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_the_commit_that_landed_leads_back_to_its_pull_request(shop: Shop, method: str) -> None:
    shop.server.token("ghp_sam", "sam", kind="classic")
    body = {"merge_method": method, "sha": shop.pull.head}
    merged = shop.ask("PUT", "/pulls/1/merge", body, token="ghp_sam").json()
    assert merged["merged"] is True
    git = shop.repository.git
    assert git("rev-parse", "refs/heads/main").strip() == merged["sha"]
    assert len(git.commit(merged["sha"]).parents) == (2 if method == "merge" else 1)
    (found,) = shop.get(f"/commits/{merged['sha']}/pulls").json()
    assert (found["number"], found["merge_commit_sha"]) == (1, merged["sha"])
    assert shop.q1()["state"] == "MERGED"
    assert shop.get("/activity?ref=main&per_page=1").json()[0]["activity_type"] == "pr_merge"


def test_a_conflict_leaves_nothing_to_merge(shop: Shop) -> None:
    shop.server.commit(shop.repository, "main", {"a.yaml": LINES.replace("line 10", "other")})
    found = shop.q1()
    assert (found["mergeable"], found["mergeStateStatus"]) == ("CONFLICTING", "DIRTY")
    assert shop.get("/pulls/1").json()["merge_commit_sha"] is None


def test_a_merge_queue_names_its_entries_and_their_commits(shop: Shop) -> None:
    shop.server.token("ghs_queue", permissions={**WRITE, "merge_queues": "read"})
    entry = shop.server.enqueue(shop.repository, shop.pull)
    query = """{repository(owner:"acme",name:"shop"){mergeQueue(branch:"main"){entries(first:10){
        nodes{position state headCommit{oid} baseCommit{oid} pullRequest{number}}}}}}"""
    answer = shop.graph(query, token="ghs_queue")
    (found,) = answer["data"]["repository"]["mergeQueue"]["entries"]["nodes"]
    assert found["headCommit"]["oid"] == entry.head
    assert found["pullRequest"]["number"] == 1


def test_a_workflows_token_sees_the_branches_of_a_merge_queue_and_not_the_queue(
    shop: Shop,
) -> None:
    entry = shop.server.enqueue(shop.repository, shop.pull)
    query = """{repository(owner:"acme",name:"shop"){mergeQueue(branch:"main"){id}
        refs(refPrefix:"refs/heads/gh-readonly-queue/main/",first:10){nodes{name target{oid}}}}}"""
    answer = shop.graph(query)
    assert [one["type"] for one in answer["errors"]] == ["FORBIDDEN"]
    (found,) = answer["data"]["repository"]["refs"]["nodes"]
    assert found == {"name": f"pr-1-{entry.base}", "target": {"oid": entry.head}}


# ---------------------------------------------------------------------------- statuses, reports


def test_the_newest_status_of_a_context_counts(shop: Shop) -> None:
    for state in ("pending", "failure", "success"):
        body = {"state": state, "context": "gate", "description": state}
        assert shop.post(f"/statuses/{shop.pull.head}", body).status_code == 201
    combined = shop.get(f"/commits/{shop.pull.head}/status").json()
    assert (combined["state"], len(combined["statuses"])) == ("success", 1)
    every = shop.get(f"/commits/{shop.pull.head}/statuses").json()
    assert [one["state"] for one in every] == ["success", "failure", "pending"]


def test_a_status_has_140_characters_and_a_commit_1000_of_a_context(shop: Shop) -> None:
    path, body = f"/statuses/{shop.pull.head}", {"state": "success", "description": "d" * 141}
    assert shop.post(path, body).status_code == 422
    for _ in range(1000):
        actions.set_status(
            shop.server.world, shop.repository, shop.pull.head, shop.rita, state="pending"
        )
    assert shop.post(path, {"state": "success"}).status_code == 422
    assert shop.post(path, {"state": "success", "context": "other"}).status_code == 201
    assert shop.post(f"/statuses/{'0' * 40}", {"state": "success"}).status_code == 422


def test_check_runs_are_for_apps_and_take_50_annotations(shop: Shop) -> None:
    shop.server.token("ghs_app", permissions={"checks": "write"}, app_id=7)
    shop.server.token("ghp_rita", "rita", kind="classic")
    one = {
        "path": "a.yaml", "start_line": 1, "end_line": 1, "annotation_level": "warning",
        "message": "Hm",
    }  # fmt: skip
    output = {"title": "Gate", "summary": "All of it", "annotations": [one] * 50}
    body = {"name": "gate", "head_sha": shop.pull.head, "status": "in_progress", "output": output}
    assert shop.post("/check-runs", body, token="ghp_rita").status_code == 403
    assert shop.post("/check-runs", body).status_code == 403, "needs checks: write"
    made = shop.post("/check-runs", body, token="ghs_app").json()
    more = {"conclusion": "success", "output": output}
    path = f"/check-runs/{made['id']}"
    done = shop.ask("PATCH", path, more, token="ghs_app").json()
    assert (done["status"], done["output"]["annotations_count"]) == ("completed", 100)
    many = {"output": {**output, "annotations": [one] * 51}}
    assert shop.ask("PATCH", path, many, token="ghs_app").status_code == 422
    shop.expect_violation("checks/update", "annotations", "more than 50")
    found = shop.get(f"/commits/{shop.pull.head}/check-runs").json()
    assert found["total_count"] == 1


def test_a_sarif_report_comes_gzipped_in_base64(shop: Shop) -> None:
    shop.server.token("ghs_sarif", permissions={"security_events": "write"})
    report = {"version": "2.1.0", "runs": []}
    packed = base64.b64encode(gzip.compress(json.dumps(report).encode())).decode()
    body = {"commit_sha": shop.pull.head, "ref": "refs/pull/1/head", "sarif": packed}
    path = "/code-scanning/sarifs"
    taken = shop.post(path, body, token="ghs_sarif")
    assert taken.status_code == 202
    assert [one["report"] for one in shop.repository.sarifs.values()] == [report]
    assert shop.get(f"{path}/{taken.json()['id']}", token="ghs_sarif").status_code == 200
    plain = base64.b64encode(json.dumps(report).encode()).decode()
    assert shop.post(path, {**body, "sarif": plain}, token="ghs_sarif").status_code == 400
    assert shop.post(path, body).status_code == 403


# ---------------------------------------------------------------------------- opening


def test_a_pull_request_is_opened_once_for_a_branch(shop: Shop) -> None:
    shop.server.commit(shop.repository, "revert", {"a.yaml": "back\n"})
    body = {"title": "Go back", "head": "revert", "base": "main", "body": "Because"}
    made = shop.post("/pulls", body)
    assert (made.status_code, made.json()["number"]) == (201, 2)
    again = shop.post("/pulls", body)
    assert again.status_code == 422
    assert "already exists" in again.json()["errors"][0]["message"]
    found = shop.get("/pulls?head=acme:revert&state=open").json()
    assert [one["number"] for one in found] == [2]
    labelled = shop.post("/issues/2/labels", {"labels": ["hotfix"]}).json()
    assert [one["name"] for one in labelled] == ["hotfix"]


def test_a_pull_request_needs_branches_and_a_difference(shop: Shop) -> None:
    shop.repository.git("update-ref", "refs/heads/same", "refs/heads/main")
    for head, base in (("nowhere", "main"), ("change", "nowhere"), ("same", "main")):
        refused = shop.post("/pulls", {"title": "T", "head": head, "base": base})
        assert refused.status_code == 422


# ---------------------------------------------------------------------------- protection


def test_protection_is_told_to_administrators_and_required_checks_to_readers(shop: Shop) -> None:
    checks = {
        "strict": True, "contexts": ["gate"], "checks": [{"context": "gate", "app_id": 15368}],
    }  # fmt: skip
    shop.repository.protections["main"] = {
        "required_status_checks": checks, "enforce_admins": {"enabled": True},
        "allow_force_pushes": {"enabled": False},
    }  # fmt: skip
    assert shop.get("/branches/main/protection").status_code == 403
    shop.server.token("ghs_admin", permissions={"administration": "read"}, app_id=7)
    told = shop.get("/branches/main/protection", token="ghs_admin").json()
    assert told["enforce_admins"]["enabled"] is True
    assert shop.get("/branches/change/protection", token="ghs_admin").status_code == 404
    branch = shop.get("/branches/main").json()
    assert branch["protection"]["required_status_checks"]["contexts"] == ["gate"]
    assert shop.q1()["mergeStateStatus"] == "BLOCKED"


def test_rules_of_a_branch_come_from_all_rulesets(shop: Shop) -> None:
    rule = {
        "type": "required_status_checks",
        "parameters": {
            "strict_required_status_checks_policy": True,
            "required_status_checks": [{"context": "gate", "integration_id": 15368}],
        },
    }  # fmt: skip
    bypass = [{"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}]
    names = {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}}
    shop.repository.rulesets += [
        {"id": 1, "name": "Main", "rules": [rule], "conditions": names, "bypass_actors": bypass},
        {"id": 2, "name": "Off", "rules": [{"type": "deletion"}], "enforcement": "disabled"},
        {
            "id": 3, "name": "All", "rules": [{"type": "non_fast_forward"}], "source": "acme",
            "source_type": "Organization", "conditions": {"ref_name": {"include": ["~ALL"]}},
        },
    ]  # fmt: skip
    kinds = [(one["type"], one["ruleset_id"]) for one in shop.get("/rules/branches/main").json()]
    assert kinds == [("required_status_checks", 1), ("non_fast_forward", 3)]
    own = shop.get("/rulesets?includes_parents=false").json()
    assert [one["id"] for one in own] == [1, 2]
    assert "bypass_actors" not in shop.get("/rulesets/1").json()
    shop.server.token("ghs_admin", permissions={"administration": "write"}, app_id=7)
    assert shop.get("/rulesets/1", token="ghs_admin").json()["bypass_actors"] == bypass


# ---------------------------------------------------------------------------- who may


def test_a_team_has_the_members_of_the_teams_below_it(shop: Shop) -> None:
    shop.server.team("acme", "ops", ("rita",))
    shop.server.team("acme", "sre", ("sam",), parent="ops")
    url = f"{shop.server.api_url}/orgs/acme/teams/ops/members"
    refused = shop.get(url)
    assert refused.status_code == 403
    assert refused.headers["X-Accepted-GitHub-Permissions"] == "members=read"
    shop.server.token("ghs_org", permissions={"members": "read"}, app_id=7)
    assert [one["login"] for one in shop.get(url, token="ghs_org").json()] == ["rita", "sam"]
    query = """{organization(login:"acme"){a:team(slug:"ops"){members(first:100){nodes{login}}}
        b:team(slug:"nobody"){databaseId}}}"""
    told = shop.graph(query, token="ghs_org")["data"]["organization"]
    assert [one["login"] for one in told["a"]["members"]["nodes"]] == ["rita", "sam"]
    assert told["b"] is None
    hidden = shop.graph(query)
    assert hidden["data"]["organization"] == {"a": None, "b": None}
    assert [one["type"] for one in hidden["errors"]] == ["FORBIDDEN", "FORBIDDEN"]


def test_roles_are_told_exactly_only_by_their_names(shop: Shop) -> None:
    shop.repository.collaborators["rita"] = "maintain"
    told = shop.get("/collaborators/rita/permission").json()
    assert (told["permission"], told["role_name"]) == ("write", "maintain")
    assert shop.get("/collaborators/ghost/permission").status_code == 404


def test_a_read_only_token_may_not_write(shop: Shop) -> None:
    shop.server.token("ghs_fork", permissions={"contents": "read", "pull_requests": "read"})
    refused = shop.comment(token="ghs_fork")
    assert refused.status_code == 403
    assert refused.json()["message"] == "Resource not accessible by integration"
    assert shop.q1(token="ghs_fork")["state"] == "OPEN"
    assert shop.comment(token=None).status_code == 401
    assert shop.get("/pulls/1", token="ghs_wrong").status_code == 401
    assert shop.pull.comments == []


def test_a_personal_token_can_do_what_its_owner_and_its_permissions_allow(shop: Shop) -> None:
    status, path = {"state": "success"}, f"/statuses/{shop.pull.head}"
    shop.server.token("ghp_ned", "ned", kind="classic")
    assert shop.post(path, status, token="ghp_ned").status_code == 404, "a reader sets none"
    shop.server.token("pat_narrow", "rita", kind="fine-grained", permissions={"contents": "read"})
    refused = shop.post(path, status, token="pat_narrow")
    assert refused.json()["message"] == "Resource not accessible by personal access token"
    wide = shop.server.token("pat_wide", "rita", kind="fine-grained", permissions=WRITE)
    assert shop.post(path, status, token="pat_wide").status_code == 201
    wide.expired = True
    assert shop.post(path, status, token="pat_wide").status_code == 401
    shop.server.token("pat_reader", "ned", kind="fine-grained", permissions=WRITE)
    assert shop.post(path, status, token="pat_reader").status_code == 404


def test_a_client_says_who_it_is(shop: Shop) -> None:
    shop.session.headers["User-Agent"] = ""
    assert shop.get("/pulls/1").status_code == 403


def test_a_private_repository_is_not_there_for_those_who_may_not_read_it(shop: Shop) -> None:
    shop.repository.private = True
    shop.server.token("ghp_eve", "eve", kind="classic")
    shop.server.token("ghs_elsewhere", permissions=WRITE, repositories=("acme/other",))
    for token in ("ghp_eve", "ghs_elsewhere", None):
        assert shop.get("/pulls/1", token=token).status_code == 404
    query = '{repository(owner:"acme",name:"shop"){id}}'
    hidden = shop.graph(query, token="ghp_eve")
    assert hidden["data"] == {"repository": None}
    assert hidden["errors"][0]["type"] == "NOT_FOUND"
    shop.server.token("ghs_little", permissions={"contents": "read"})
    assert shop.get("/pulls/1", token="ghs_little").status_code == 403


def test_an_apps_token_is_nobody(shop: Shop) -> None:
    url = f"{shop.server.api_url}/user"
    assert shop.get(url).status_code == 403
    shop.server.token("ghp_rita", "rita", kind="classic")
    assert shop.get(url, token="ghp_rita").json()["login"] == "rita"


def test_a_renamed_repository_sends_the_client_on(shop: Shop) -> None:
    shop.repository.former_names.append("acme/old")
    url = f"{shop.server.api_url}/repos/acme/old/pulls/1"
    first = shop.get(url, allow_redirects=False)
    assert first.status_code == 301
    assert f"/repositories/{shop.repository.id}/pulls/1" in first.headers["Location"]
    assert shop.get(url).json()["number"] == 1


# ---------------------------------------------------------------------------- the referee


def test_a_field_that_github_does_not_know_is_a_violation(shop: Shop) -> None:
    answer = shop.post("/issues/1/comments", {"body": "x", "bdy": "y"})
    assert answer.status_code == 422
    shop.expect_violation("issues/create-comment", "body", "'bdy'")


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("GET", "/pulls?stat=open", None, ("pulls/list", "query stat")),
        ("GET", "/pulls?state=opened", None, ("pulls/list", "query state")),
        ("POST", "/issues/1/comments", {}, ("issues/create-comment", "body")),
        ("POST", "/issues/1/comments", {"body": 1}, ("issues/create-comment", "body/body")),
        ("POST", "/pulls/1/reviews", {"event": "OK"}, ("pulls/create-review", "body/event")),
        (
            "POST", "/pulls/1/reviews",
            {"event": "COMMENT", "comments": [{"path": "a", "body": "b", "lin": 1}]},
            ("pulls/create-review", "body/comments/0", "'lin'"),
        ),
        ("GET", "/pull/1", None, ("unknown", "/pull/1")),
        ("GET", "/issues", None, ("issues/list-for-repo", "does not answer it")),
    ],
)  # fmt: skip
def test_a_wrong_request_is_a_violation(
    shop: Shop, method: str, path: str, body: Any, words: tuple[str, ...]
) -> None:
    assert shop.ask(method, path, body).status_code in {404, 422}
    shop.expect_violation(*words)


def test_a_wrong_reply_is_a_violation(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    right = shapes.Shapes.comment

    def wrong(*arguments: Any) -> Any:
        return {**right(*arguments), "created_at": "yesterday"}

    monkeypatch.setattr(shapes.Shapes, "comment", wrong)
    shop.comment()
    shop.expect_violation("issues/create-comment", "created_at", "yesterday", "server's reply")


def test_a_query_that_the_schema_does_not_allow_is_a_violation(shop: Shop) -> None:
    answer = shop.graph('{repository(owner:"acme",name:"shop"){colour}}')
    assert "colour" in answer["errors"][0]["message"]
    shop.expect_violation("graphql/query/repository", "colour")


def test_a_variable_that_nothing_uses_is_a_violation(shop: Shop) -> None:
    shop.graph("{viewer{login}}", number=1)
    shop.expect_violation("variables/number")


def test_a_reply_that_the_schema_does_not_allow_is_a_violation(shop: Shop) -> None:
    shop.pull.base_sha = "main"
    shop.graph('{repository(owner:"acme",name:"shop"){pullRequest(number:1){baseRefOid}}}')
    shop.expect_violation("baseRefOid", "GitObjectID")


def test_a_field_that_the_server_cannot_answer_is_a_violation(shop: Shop) -> None:
    shop.graph('{repository(owner:"acme",name:"shop"){stargazerCount}}')
    shop.expect_violation("Repository.stargazerCount")


def test_enterprise_server_has_its_own_description_and_no_rate_limits() -> None:
    with GitHubServer(edition="ghes-3.19") as server:
        shop = Shop(server)
        found = shop.get("/pulls/1")
        assert found.json()["number"] == 1
        assert found.headers["X-GitHub-Enterprise-Version"] == "3.19.0"
        assert "X-RateLimit-Remaining" not in found.headers
        assert shop.comment().status_code == 201
        assert shop.graph("{rateLimit{cost}}") == {"data": {"rateLimit": None}}
        assert shop.get(f"{server.api_url}/rate_limit").status_code == 404
        shop.session.close()
    server.check()


# ---------------------------------------------------------------------------- limits, faults


def test_every_answer_says_what_is_left_and_the_last_one_is_refused(shop: Shop) -> None:
    shop.server.token("ghs_small", permissions=WRITE, core_limit=2, graphql_limit=3)
    left = [shop.get("/pulls/1", token="ghs_small") for _ in range(3)]
    assert [one.status_code for one in left] == [200, 200, 403]
    assert [one.headers["X-RateLimit-Remaining"] for one in left] == ["1", "0", "0"]
    assert int(left[2].headers["X-RateLimit-Reset"]) > time.time()
    assert shop.q1(token="ghs_small")["state"] == "OPEN"
    refused = shop.graph(
        Q1, token="ghs_small", owner="acme", name="shop", number=1, base="refs/heads/main"
    )
    assert refused["errors"][0]["type"] == "RATE_LIMITED"
    url = f"{shop.server.api_url}/rate_limit"
    assert shop.get(url, token="ghs_small").json()["resources"]["core"]["remaining"] == 0


def test_a_query_costs_what_its_connections_cost(shop: Shop) -> None:
    body: dict[str, Any] = {"owner": "acme", "name": "shop", "number": 1}
    body["base"] = "refs/heads/main"
    assert shop.graph(Q1, **body)["data"]["rateLimit"]["cost"] == 2
    assert shop.graph("{rateLimit{cost}}")["data"]["rateLimit"]["cost"] == 1


def test_too_many_requests_say_when_to_come_back(shop: Shop) -> None:
    faults = shop.server.faults
    faults.too_many_requests("issues/create-comment", retry_after=7)
    faults.too_many_requests("issues/create-comment", retry_after=60, as_date=True)
    faults.too_many_requests("issues/create-comment", retry_after=None)
    first, second, third = shop.comment(), shop.comment(), shop.comment()
    assert [one.status_code for one in (first, second, third)] == [429, 429, 429]
    assert first.headers["Retry-After"] == "7"
    until = email.utils.parsedate_to_datetime(second.headers["Retry-After"])
    ahead = until - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(seconds=55) < ahead < datetime.timedelta(seconds=62)
    assert "Retry-After" not in third.headers
    assert shop.comment().status_code == 201
    assert len(shop.pull.comments) == 1


def test_rate_limits_come_as_github_words_them(shop: Shop) -> None:
    server = shop.server
    server.secondary_limit("issues/create-comment", retry_after=None)
    server.secondary_limit("issues/create-comment", retry_after=3)
    server.primary_limit("issues/create-comment", seconds=5)
    server.graphql_rate_limited()
    bare, told, empty = shop.comment(), shop.comment(), shop.comment()
    assert [one.status_code for one in (bare, told, empty)] == [403, 403, 403]
    assert "secondary rate limit" in bare.json()["message"]
    assert ("Retry-After" in bare.headers, told.headers["Retry-After"]) == (False, "3")
    assert empty.headers["X-RateLimit-Remaining"] == "0"
    assert 0 < int(empty.headers["X-RateLimit-Reset"]) - time.time() <= 7
    answer = shop.post(server.graphql_url, {"query": "{viewer{login}}"})
    assert (answer.status_code, answer.json()["errors"][0]["type"]) == (200, "RATE_LIMITED")
    assert "errors" not in shop.graph("{viewer{login}}")


@pytest.mark.parametrize(("committed", "stored"), [(False, 0), (True, 1)])
def test_a_bad_gateway_comes_before_the_write_or_after(
    shop: Shop, committed: bool, stored: int
) -> None:
    shop.server.faults.bad_gateway("issues/create-comment", committed=committed)
    assert shop.comment().status_code == 502
    assert len(shop.pull.comments) == stored
    assert shop.server.requests("issues/create-comment")[0].fault == (
        f"502 {'after' if committed else 'before'} the write"
    )


@pytest.mark.parametrize(("committed", "stored"), [(False, 0), (True, 1)])
def test_a_connection_is_dropped_before_the_write_or_after(
    shop: Shop, committed: bool, stored: int
) -> None:
    shop.server.faults.drop("issues/create-comment", committed=committed)
    with pytest.raises(requests.ConnectionError):
        shop.comment()
    assert len(shop.pull.comments) == stored
    assert shop.server.requests("issues/create-comment")[0].status is None


def test_a_slow_answer_holds_up_nobody_else(shop: Shop) -> None:
    shop.server.faults.slow("pulls/get", 1.5)
    with pytest.raises(requests.Timeout):
        requests.get(f"{shop.server.api_url}/repos/acme/shop/pulls/1", timeout=0.2)
    started = time.monotonic()
    assert shop.get("/pulls").status_code == 200
    assert time.monotonic() - started < 1


def test_a_stale_read_sees_what_was_true_when_it_was_ordered(shop: Shop) -> None:
    shop.comment("old")
    shop.server.stale("graphql/query/Q1", times=2, skip=1)
    shop.comment("new")
    head = shop.pull.head
    shop.commit({"b.yaml": "b: 1\n"})
    seen = [shop.q1() for _ in range(4)]
    assert [len(one["comments"]["nodes"]) for one in seen] == [2, 1, 1, 2]
    assert [one["headRefOid"] == head for one in seen] == [False, True, True, False]
    assert all(one["comments"]["nodes"][0]["viewerDidAuthor"] for one in seen)


def test_a_page_comes_in_another_order(shop: Shop) -> None:
    for body in ("one", "two", "three"):
        shop.comment(body)
    shop.server.faults.reorder("issues/list-comments")
    found = [[one["body"] for one in shop.get("/issues/1/comments").json()] for _ in range(2)]
    assert found == [["three", "two", "one"], ["one", "two", "three"]]
    shop.server.faults.reorder("graphql*")
    nodes = shop.q1()["comments"]["nodes"]
    assert [one["body"] for one in nodes] == ["three", "two", "one"]


def test_a_redirect_leads_to_another_server_that_notes_what_it_gets(shop: Shop) -> None:
    elsewhere = Loopback(application=Elsewhere())
    with elsewhere:
        shop.server.faults.redirect("pulls/get", elsewhere.origin, status=302)
        assert shop.get("/pulls/1").json() == {}
    (arrived,) = elsewhere.log
    assert arrived.path == "/api/v3/repos/acme/shop/pulls/1"
    assert arrived.token is None, "requests keeps the token to itself"


def test_faults_pass_by_requests_and_end(shop: Shop) -> None:
    shop.server.faults.bad_gateway("issues/*", times=2, skip=1)
    codes = [shop.get("/issues/1/comments").status_code for _ in range(4)]
    assert codes == [200, 502, 502, 200]
    shop.server.faults.bad_gateway("*", times=None)
    assert {shop.get("/pulls/1").status_code for _ in range(3)} == {502}
    shop.server.faults.clear()
    assert shop.get("/pulls/1").status_code == 200


# ---------------------------------------------------------------------------- the log, many clients


def test_the_log_tells_what_was_asked_with_which_token(shop: Shop) -> None:
    shop.q1()
    shop.comment()
    shop.graph(RESOLVE, id="PRRT_1")
    assert [(one.operation, one.write) for one in shop.server.log] == [
        ("graphql/query/Q1", False),
        ("issues/create-comment", True),
        ("graphql/mutation/resolveReviewThread", True),
    ]
    assert {one.token for one in shop.server.log} == {"ghs_gate"}
    assert shop.server.writes[0].json() == {"body": "Hello"}
    times = [one.at for one in shop.server.log]
    assert times == sorted(times)


def test_twenty_clients_at_once_are_answered_one_after_the_other(shop: Shop) -> None:
    def client(number: int) -> int:
        with requests.Session() as session:
            session.headers["Authorization"] = "Bearer ghs_gate"
            url = f"{shop.server.api_url}/repos/acme/shop/issues/1/comments"
            for step in range(3):
                body = {"body": f"{number}.{step}"}
                assert session.post(url, json=body, timeout=30).status_code == 201
            return len(session.get(url + "?per_page=100", timeout=30).json())

    with ThreadPoolExecutor(20) as pool:
        seen = list(pool.map(client, range(20)))
    assert max(seen) == 60
    ids = [one.id for one in shop.pull.comments]
    assert ids == list(range(ids[0], ids[0] + 60))
    assert len(shop.server.requests("issues/create-comment")) == 60


def test_two_servers_give_the_same_ids_and_times(shop: Shop) -> None:
    with GitHubServer() as other:
        twin = Shop(other)
        one, two = shop.comment().json(), twin.comment().json()
        twin.session.close()
    kept = ("id", "created_at", "node_id")
    assert [one[name] for name in kept] == [two[name] for name in kept]
    assert shop.pull.head == twin.pull.head


# ---------------------------------------------------------------------------- as a process


@pytest.fixture
def process(tmp_path: Path) -> Iterator[str]:
    """The server as a process over a repository on disk: its address."""
    (tmp_path / "repo").mkdir()
    commands = (
        "init -q --initial-branch=main .", "commit -q --allow-empty -m Begin",
        "checkout -q -b change", "commit -q --allow-empty -m Change", "checkout -q main",
    )  # fmt: skip
    for command in commands:
        subprocess.run(["git", *command.split()], cwd=tmp_path / "repo", check=True)
    state = {
        "accounts": [{"login": "rita", "emails": ["example@example.com"]}],
        "repositories": [{
            "name": "acme/shop", "number": 4711, "collaborators": {"rita": "write"},
            "pulls": [{
                "head": "change", "author": "rita", "title": "A change", "labels": ["hotfix"],
                "comments": [{"author": "rita", "body": "Please look"}],
            }],
        }],
        "tokens": [
            {"value": "ghs_gate", "permissions": {**WRITE, "contents": "write"}},
            {"value": "ghp_rita", "account": "rita", "kind": "classic"},
        ],
    }  # fmt: skip
    (tmp_path / "state.json").write_text(json.dumps(state))
    start = [sys.executable, "-m", "tests.forges.github", "--repository"]
    start += [str(tmp_path / "repo"), "--state", str(tmp_path / "state.json")]
    with subprocess.Popen(start, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        yield server.stdout.readline().strip()
        server.terminate()
        assert server.wait(20) == 0


@pytest.mark.slow
def test_a_process_serves_a_repository_by_a_state_file(process: str, tmp_path: Path) -> None:
    headers = {"Authorization": "Bearer ghs_gate"}
    pull = f"{process}/api/v3/repos/acme/shop/pulls/1"
    found = requests.get(pull, headers=headers, timeout=20).json()
    assert (found["title"], found["base"]["repo"]["id"]) == ("A change", 4711)

    address = process.replace("://", "://x-access-token:ghp_rita@") + "/acme/shop.git"
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", address, str(clone)], check=True)
    for command in (
        "fetch -q origin refs/pull/1/head", "checkout -q -b change FETCH_HEAD",
        "commit -q --allow-empty -m More", "push -q origin change",
    ):  # fmt: skip
        subprocess.run(["git", *command.split()], cwd=clone, check=True)
    pushed = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=clone, check=True, capture_output=True, text=True
    ).stdout.strip()
    assert requests.get(pull, headers=headers, timeout=20).json()["head"]["sha"] == pushed
    refused = subprocess.run(
        ["git", "push", "-q", f"{process}/acme/shop.git", "HEAD:refs/heads/other"], cwd=clone,
        check=False, capture_output=True, env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
    )  # fmt: skip
    assert refused.returncode != 0

    said = {
        "do": [{"action": "review", "repository": "acme/shop", "pull": 1, "author": "sam",
                "state": "APPROVED"}],
        "faults": [{"kind": "bad_gateway", "operation": "issues/create-comment"}],
    }  # fmt: skip
    assert requests.post(f"{process}/__state", json=said, timeout=20).status_code == 200
    wrong = {"do": [{"action": "review", "repository": "acme/none", "pull": 1}]}
    assert requests.post(f"{process}/__state", json=wrong, timeout=20).status_code == 400
    comments = f"{process}/api/v3/repos/acme/shop/issues/1/comments"
    codes = [
        requests.post(comments, json={"body": "x"}, headers=headers, timeout=20).status_code
        for _ in range(2)
    ]
    assert codes == [502, 201]
    (shown,) = requests.get(f"{process}/__state", timeout=20).json()["repositories"]
    assert [one["body"] for one in shown["pulls"][0]["comments"]] == ["Please look", "x"]
    assert shown["pulls"][0]["reviews"][0]["state"] == "APPROVED"
    log = requests.get(f"{process}/__log", timeout=20).json()
    assert {"pulls/get", "git-upload-pack", "git-receive-pack"} <= {x["operation"] for x in log}
    assert [one["operation"] for one in log if one["write"]][-2:] == ["issues/create-comment"] * 2
    assert requests.get(f"{process}/__violations", timeout=20).json() == []
    assert requests.delete(f"{process}/__log", timeout=20).status_code == 204
    assert requests.get(f"{process}/__log", timeout=20).json() == []
