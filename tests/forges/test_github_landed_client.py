"""Who landed a commit, what GitHub tells of merged pull requests, and which repository it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitops_gate.errors import ForgeError
from gitops_gate.forges.connect import connect
from gitops_gate.forges.endpoint import endpoint_for
from gitops_gate.forges.values import ChangeState, Target
from tests.forges.github import GitHubServer, actions
from tests.forges.serving import Fault, Reply
from tests.unit.forges.scripted_server import TestClock

TOKEN = "ghs_Deliverer0123456789abcdef"
READER = {"contents": "read", "pull_requests": "read"}


@pytest.fixture
def server(github_server: GitHubServer):
    """A repository with one approved pull request of two commits, and a token that reads."""
    repository = github_server.repository(
        "acme/shop", collaborators={"ann": "write", "sam": "write", "mia": "maintain"}
    )
    for number in (1, 2):
        github_server.commit(
            repository, "feature", {f"{number}.yaml": "a: 1\n"}, actor=github_server.account("ann")
        )
    pull = github_server.pull(repository, head="feature", author=github_server.account("ann"))
    actions.review(
        github_server.world, repository, pull, github_server.account("sam"), state="APPROVED"
    )
    github_server.token(TOKEN, permissions=READER)
    return github_server


@pytest.fixture
def repository(server):
    return server.world.find("acme/shop")


@pytest.fixture
def pull(repository):
    return repository.pulls[1]


def opened(server, *, token=TOKEN, **more):
    target = replace(Target(repository="acme/shop", number=1), **more)
    endpoint = endpoint_for("github", pinned_url=server.origin)
    return connect(endpoint, target, token, deadline=600.0, clock=TestClock().clock())


# ----------------------------------------------------------------------------- landed


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_the_pull_request_that_landed_a_commit_is_told_with_who_merged_it(server, pull, method):
    sha = server.merge(pull, method, "mia")
    forge = opened(server, number=None)
    server.forget()

    (landed,) = forge.landed.landed(sha)

    assert (landed.number, landed.base_ref) == (1, "refs/heads/main")
    assert (landed.head, landed.merge_commit, landed.squash_commit) == (pull.head, sha, None)
    assert landed.merged_at == pull.merged_at
    assert landed.merged_by.login == "mia"
    assert [entry.operation for entry in server.log] == [
        "repos/list-pull-requests-associated-with-commit", "pulls/get",
    ]  # fmt: skip


def test_open_pull_requests_and_those_of_other_repositories_landed_nothing(server, pull):
    forge = opened(server, number=None)
    assert forge.landed.landed(pull.head) == ()

    sha = server.merge(pull, by="mia")
    row = opened(server).landed.landed(sha)
    assert [one.number for one in row] == [1]
    elsewhere = {"number": 1, "merged_at": "2026-11-24T12:00:00Z", "base": {"repo": {"id": 7}}}
    server.faults.reply("repos/list-pull*", Reply.of([elsewhere]), name="a fork's parent")
    assert forge.landed.landed(sha) == ()


def test_a_direct_push_was_landed_by_nothing(server, repository):
    sha = server.commit(repository, "main", {"x.yaml": "a: 1\n"}, actor=server.account("mia"))
    assert opened(server, number=None).landed.landed(sha) == ()


def test_a_commit_that_github_does_not_know_yet_is_an_error(server):
    with pytest.raises(ForgeError, match="No commit found") as caught:
        opened(server, number=None).landed.landed("1" * 40)
    assert caught.value.status == 422
    with pytest.raises(ForgeError, match="no commit's id"):
        opened(server, number=None).landed.landed("../pulls")


def test_a_token_that_may_not_read_pull_requests_is_told_what_it_lacks(server, repository, pull):
    sha = server.merge(pull, by="mia")
    repository.private = True
    server.token("ghs_Blind", permissions={"contents": "read"})
    forge = opened(server, number=None, token="ghs_Blind")
    with pytest.raises(ForgeError, match="did not list the pull requests of a commit") as caught:
        forge.landed.landed(sha)
    assert "pull_requests=read" in str(caught.value.remedy)


def test_an_answer_that_contradicts_the_list_is_an_error(server, pull):
    sha = server.merge(pull, by="mia")
    forge = opened(server, number=None)
    server.faults.add(Fault(name="lag", operation="pulls/get", after=_unmerged))
    with pytest.raises(ForgeError, match="two things about whether 1 was merged"):
        forge.landed.landed(sha)


def _unmerged(_request, reply):
    return Reply.of({**reply.json(), "merged_at": None})


# ----------------------------------------------------------------------------- a merged one


def test_a_merged_pull_request_is_read_with_its_approvals_and_pushes(server, repository, pull):
    sha = server.merge(pull, by="mia")
    forge = opened(server)
    snapshot = forge.change_requests.read()
    facts = forge.approvals.approvals(snapshot)

    assert (snapshot.change.state, snapshot.change.merge_commit) == (ChangeState.MERGED, sha)
    assert [review.author.login for review in facts.reviews] == ["sam"]
    assert facts.pushes[-1].after == pull.head
    assert [one.commit for one in facts.contributions][-1] == pull.head
    moves = forge.approvals.target_moves(snapshot)
    assert moves[-1].after == sha == snapshot.change.base_commit


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_its_branch_may_be_gone_and_another_one_have_its_name(server, repository, pull, method):
    head, last_push = pull.head, repository.activities[-1].at
    sha = server.merge(pull, method, by="mia", delete_branch=True)
    server.commit(repository, "feature", {"later.yaml": "a: 1\n"}, actor=server.account("ann"))
    forge = opened(server)
    snapshot = forge.change_requests.read()
    facts = forge.approvals.approvals(snapshot)

    assert (snapshot.change.head_commit, snapshot.change.merge_commit) == (head, sha)
    assert (facts.pushes[-1].after, facts.pushes[-1].at) == (head, last_push)
    assert [review.author.login for review in facts.reviews] == ["sam"]
    assert facts.unknown == ()


def test_what_was_approved_after_the_merge_stands_there_by_its_time(server, pull):
    server.merge(pull, by="mia")
    server.approve(pull, by="mia")
    forge = opened(server)
    facts = forge.approvals.approvals(forge.change_requests.read())
    before, after = (review.submitted_at for review in facts.reviews)
    assert before < pull.merged_at < after


def test_of_a_fork_that_is_gone_pushes_are_unknown_and_all_else_is_told(server, repository):
    fork = server.repository("zoe/shop", owner="User", fork_of=repository)
    server.commit(fork, "fix", {"f.yaml": "a: 1\n"}, actor=server.account("zoe"))
    change = server.pull(repository, head="fix", head_repository=fork, author=server.account("zoe"))
    server.approve(change, by="sam")
    sha = server.merge(change, by="mia")
    server.delete_fork(fork)
    forge = opened(server, number=change.number)
    snapshot = forge.change_requests.read()
    facts = forge.approvals.approvals(snapshot)

    assert (snapshot.change.from_fork, snapshot.change.head_repository) == (True, None)
    assert facts.pushes is facts.head_seen_at is None
    assert any("the fork is gone" in line for line in facts.unknown)
    assert [review.author.login for review in facts.reviews] == ["sam"]
    assert [one.commit for one in facts.contributions] == [change.head]
    assert forge.approvals.target_moves(snapshot)[-1].after == sha
    assert [one.number for one in forge.landed.landed(sha)] == [change.number]


def test_of_a_target_that_is_gone_the_moves_are_unknown(server, repository):
    for name in ("release", "fix"):
        server.commit(repository, name, {f"{name}.yaml": "a: 1\n"})
    change = server.pull(repository, head="fix", base="release", author=server.account("ann"))
    sha = server.merge(change, by="mia")
    repository.git("update-ref", "-d", "refs/heads/release")
    forge = opened(server, number=change.number)
    snapshot = forge.change_requests.read()

    assert (snapshot.change.base_ref, snapshot.change.base_commit) == ("refs/heads/release", None)
    assert snapshot.change.merge_commit == sha
    assert forge.approvals.approvals(snapshot).pushes[-1].after == change.head
    assert forge.approvals.target_moves(snapshot) is None


def test_those_of_a_group_are_told_each_by_its_own_commit(server, repository, pull):
    server.commit(repository, "second", {"s.yaml": "a: 1\n"}, actor=server.account("ann"))
    second = server.pull(repository, head="second", author=server.account("ann"))
    for one in (pull, second):
        server.enqueue(repository, one, by="mia")
    heads = server.land_queue(repository)
    forge = opened(server, number=None)
    landed = [forge.landed.landed(sha) for sha in heads]
    assert [[one.number for one in found] for found in landed] == [[1], [second.number]]
    assert landed[0][0].merged_by.bot
    assert landed[0][0].merged_by.login == "github-merge-queue"


def test_a_late_answer_knows_of_none_and_a_double_one_of_no_more(server, pull):
    sha = server.merge(pull, by="mia")
    forge = opened(server, number=None)
    server.lookups.lag()
    assert forge.landed.landed(sha) == ()
    server.lookups.twice()
    assert [one.number for one in forge.landed.landed(sha)] == [1]


def test_while_github_is_down_nothing_is_said_of_a_commit(server, pull):
    sha = server.merge(pull, by="mia")
    forge = opened(server, number=None)
    server.lookups.down()
    with pytest.raises(ForgeError, match="503"):
        forge.landed.landed(sha)
    server.faults.clear()
    assert [one.number for one in forge.landed.landed(sha)] == [1]


def test_each_commit_of_a_rebase_was_landed_by_its_pull_request(server, repository, pull):
    sha = server.merge(pull, "rebase", by="mia")
    first = repository.git("rev-parse", f"{sha}^").strip()
    (landed,) = opened(server, number=None).landed.landed(first)
    assert (landed.number, landed.merge_commit) == (1, sha)


# ----------------------------------------------------------------------------- identity


def test_a_repository_is_told_by_its_id_and_where_git_writes_it(server, repository):
    forge = opened(server, number=None, repository_id=repository.id)
    server.forget()
    found = forge.identity.identity()

    assert (found.id, found.path, found.default_branch) == (repository.id, "acme/shop", "main")
    assert found.clone_url == f"{server.origin}/acme/shop.git"
    assert found.url == f"{server.origin}/acme/shop"
    assert [entry.operation for entry in server.log] == ["repos/get"]


def test_the_answer_decides_neither_the_host_nor_a_path_that_leads_elsewhere(server, repository):
    forge = opened(server, number=None)
    about = {"id": repository.id, "default_branch": "main"}
    server.faults.reply(
        "repos/get",
        Reply.of({**about, "full_name": "acme/shop", "clone_url": "https://evil.example/x.git"}),
        name="another host",
    )
    assert forge.identity.identity().clone_url == f"{server.origin}/acme/shop.git"
    for path in ("acme/../x", "shop", "acme/shop?x", "-acme/shop", "a@b/c"):
        server.faults.reply("repos/get", Reply.of({**about, "full_name": path}), name="a path")
        with pytest.raises(ForgeError, match="path that cannot be one"):
            forge.identity.identity()


def test_another_repository_than_the_pinned_one_is_refused(server, repository):
    forge = opened(server, number=None, repository_id=repository.id)
    other = Reply.of({"id": 7, "full_name": "acme/shop", "default_branch": "main"})
    server.faults.reply("repos/get", other, name="another one")
    with pytest.raises(ForgeError, match="is repository 7 on the forge"):
        forge.identity.identity()
