"""What the GitHub client reads and writes, against a GitHub judged by GitHub's own descriptions."""

from __future__ import annotations

import base64
import gzip
import json
import logging
from contextlib import contextmanager
from dataclasses import replace

import pytest

from gitops_gate.errors import ConfigurationError, ForgeError
from gitops_gate.forges.connect import connect
from gitops_gate.forges.endpoint import endpoint_for
from gitops_gate.forges.values import (
    Account,
    ChangeState,
    CommitStatus,
    InlineComment,
    InlinePlace,
    NewChangeRequest,
    ReviewState,
    Target,
)
from tests.forges.github import GitHubServer, actions
from tests.forges.serving import Fault, Reply
from tests.unit.forges.scripted_server import TestClock

TOKEN = "ghs_Publisher0123456789abcdef"
PUBLISHER = {"contents": "read", "pull_requests": "write", "statuses": "write"}
LINES = "".join(f"line{number}: {number}\n" for number in range(1, 41))


@pytest.fixture
def world(github_server: GitHubServer):
    """A repository with one pull request that changes a file, and a publisher's token."""
    repository = github_server.repository("acme/shop", collaborators={"ann": "write"})
    github_server.commit(repository, "main", {"web.yaml": LINES})
    github_server.account("ann", emails=("ann@example.com",))
    github_server.commit(
        repository,
        "feature",
        {"web.yaml": LINES.replace("line20: 20", "line20: twenty")},
        actor=github_server.account("ann"),
    )
    github_server.pull(
        repository, head="feature", title="Grow @all", author=github_server.account("ann")
    )
    github_server.token(TOKEN, permissions=PUBLISHER)
    return github_server


@pytest.fixture
def repository(world):
    return world.world.find("acme/shop")


@pytest.fixture
def pull(repository):
    return repository.pulls[1]


def opened(server, *, number=1, token=TOKEN, clock=None, **more):
    endpoint = endpoint_for("github", pinned_url=server.origin)
    target = Target(repository="acme/shop", number=number)
    clock = clock or TestClock()
    deadline = more.pop("deadline", 600.0)
    reads = more.pop("fork_reads_only", False)
    return connect(
        endpoint,
        replace(target, **more),
        token,
        deadline=deadline,
        clock=clock.clock(),
        fork_reads_only=reads,
    )


def operations(server):
    return [entry.operation for entry in server.log]


def inline(line, body="Say why.", path="web.yaml", **more):
    return InlineComment(
        place=InlinePlace(path=path, line=line, old_path=path, **more), body=f"{body} {line}"
    )


# ----------------------------------------------------------------------------- reading


def test_a_reading_is_one_request_that_connecting_made_already(world, repository, pull):
    forge = opened(world)
    snapshot = forge.change_requests.read()

    assert operations(world) == ["graphql/query/ChangeRequest"]
    assert forge.missing == ()
    change = snapshot.change
    assert (change.number, change.title, change.state) == (1, "Grow @all", ChangeState.OPEN)
    assert change.repository == "acme/shop"
    assert change.repository_id == repository.id
    assert change.base_ref == "refs/heads/main"
    assert change.base_commit == repository.branches["main"]
    assert (change.head_ref, change.head_commit) == ("feature", pull.head)
    assert change.author.login == "ann"
    assert not change.from_fork
    assert change.url.endswith("/acme/shop/pull/1")
    assert snapshot.unknown == ()


def test_a_second_reading_sees_what_has_changed(world, repository):
    forge = opened(world)
    first = forge.change_requests.read()
    head = world.commit(repository, "feature", {"more.yaml": "a: 1\n"})

    second = forge.change_requests.read()

    assert first.change.head_commit != second.change.head_commit == head
    assert len(world.log) == 2


def test_the_base_is_the_target_s_live_tip_and_not_the_recorded_one(world, repository, pull):
    tip = world.commit(repository, "main", {"other.yaml": "a: 1\n"})
    pull.base_sha = repository.git.resolve("main~1")
    forge = opened(world)
    assert forge.change_requests.read().change.base_commit == tip
    assert forge.change_requests.tips().base == tip


def test_a_repository_that_is_not_the_pinned_one_is_refused(world, repository):
    opened(world, repository_id=repository.id)
    with pytest.raises(ForgeError, match=f"not the pinned {repository.id + 1}"):
        opened(world, repository_id=repository.id + 1)


def test_what_is_not_there_or_hidden_is_an_error_and_no_answer(world):
    with pytest.raises(ForgeError, match="Could not resolve to a PullRequest") as caught:
        opened(world, number=99)
    assert caught.value.status == 404
    with pytest.raises(ForgeError, match="Could not resolve to a Repository"):
        opened(world, repository="acme/nothing")


@pytest.mark.parametrize("name", ["acme", "a/b/c", "/shop", "acme/"])
def test_a_name_that_is_no_repository_s_is_refused_before_anything_is_sent(world, name):
    with pytest.raises(ConfigurationError, match="not a repository's path"):
        opened(world, repository=name)
    assert world.log == ()


def test_a_token_that_is_not_known_is_refused_without_being_shown(world):
    with pytest.raises(ForgeError, match="401") as caught:
        opened(world, token="ghs_WhatIsThis")
    assert "ghs_WhatIsThis" not in str(caught.value)


def test_a_token_that_may_not_read_pull_requests_is_told_what_it_lacks(world, repository):
    repository.private = True
    world.token("ghs_Bare", permissions={"contents": "read"})
    with pytest.raises(ForgeError, match="pull-requests: read") as caught:
        opened(world, token="ghs_Bare")
    assert caught.value.status == 403


@pytest.mark.slow
def test_every_list_is_read_to_its_end(world, repository, pull):
    ann = world.account("ann")
    with world.work():
        for number in range(250):
            actions.comment(world.world, pull, ann, f"comment {number}")
        for number in range(120):
            actions.review(world.world, repository, pull, ann, body=f"review {number}")
        tip = pull.head
        for number in range(101):
            tip = repository.git.write(tip, {"more.yaml": f"a: {number}\n"}, "More")
        actions.push(world.world, repository, "feature", tip, ann)

    forge = opened(world)
    snapshot = forge.change_requests.read()

    assert [comment.body for comment in snapshot.comments] == [f"comment {n}" for n in range(250)]
    # The first request, and two more for the longest list, which the others share.
    assert operations(world) == ["graphql/query/ChangeRequest"] + ["graphql/query/FurtherPages"] * 2
    world.forget()
    facts = forge.approvals.approvals(snapshot)
    assert len(facts.reviews) == 120
    assert len(facts.contributions) == 102
    assert [c.body for c in forge.change_requests.comments()] == [
        f"comment {number}" for number in range(250)
    ]


def test_a_head_that_moves_while_pages_are_read_starts_the_reading_anew(world, repository, pull):
    with world.work():
        for number in range(101):
            actions.comment(world.world, pull, world.account("ann"), f"comment {number}")
    # The first page of the new head comes after a further page of the old one.
    world.stale("graphql/query/ChangeRequest")
    head = world.commit(repository, "feature", {"more.yaml": "a: 1\n"})

    snapshot = opened(world).change_requests.read()

    assert snapshot.change.head_commit == head
    assert len(world.requests("graphql/query/ChangeRequest")) == 2


def test_comments_say_who_wrote_and_who_changed_them(world, pull):
    bot = world.token(TOKEN, permissions=PUBLISHER).account
    ann = world.account("ann")
    with world.work():
        ours = actions.comment(world.world, pull, bot, "the summary")
        actions.edit(world.world, ours, ann, "all is well")
        actions.comment(world.world, pull, ann, "theirs").author = None
    first, second = opened(world).change_requests.read().comments

    assert first.ours
    assert first.author == Account(id=bot.id, login="github-actions", bot=True)
    assert first.edited_by.login == "ann"
    assert first.edited_at > first.created_at
    assert (second.ours, second.author.id, second.author.login) == (False, None, "ghost")


def test_statuses_of_the_head_are_the_newest_of_each_context(world, repository, pull):
    bot = world.token(TOKEN, permissions={**PUBLISHER, "statuses": "write"}).account
    with world.work():
        for state in ("pending", "success"):
            actions.set_status(world.world, repository, pull.head, bot, state=state, context="gate")
        actions.set_status(
            world.world, repository, pull.head, world.account("ann"), state="error", context="ci"
        )
    found = opened(world).change_requests.read().statuses
    assert [(one.context, one.state, one.ours) for one in found] == [
        ("ci", "error", False),
        ("gate", "success", True),
    ]


def test_statuses_that_the_token_may_not_read_are_unknown_and_not_absent(world, repository):
    repository.private = True
    world.token("ghs_Less", permissions={"contents": "read", "pull_requests": "write"})
    snapshot = opened(world, token="ghs_Less").change_requests.read()
    assert snapshot.statuses == ()
    assert "statuses: read" in snapshot.unknown[0]


def test_tips_and_comments_are_one_small_request_each(world, pull):
    forge = opened(world)
    world.forget()

    tips = forge.change_requests.tips()
    assert forge.change_requests.comments() == ()

    assert (tips.state, tips.head, tips.base_ref) == (
        ChangeState.OPEN,
        pull.head,
        "refs/heads/main",
    )
    assert operations(world) == ["graphql/query/Tips", "graphql/query/Comments"]


def test_a_run_of_no_pull_request_can_still_set_a_status(world, repository):
    forge = opened(world, number=None)

    assert operations(world) == ["graphql/query/Repository"]
    assert forge.summary is forge.inline is forge.approvals is None
    assert forge.missing == ("this run is of no pull request",)
    with pytest.raises(ForgeError, match="no pull request"):
        forge.change_requests.read()
    commit = repository.branches["main"]
    forge.status.set_status(commit, CommitStatus(context="gate", state="success", description=""))
    assert [one.context for one in forge.status.statuses(commit)] == ["gate"]


def test_the_pull_request_of_a_head_is_found_when_there_is_one(world, repository, pull):
    forge = opened(world, number=None)
    assert forge.change_requests.number_of(pull.head) == 1
    assert forge.change_requests.number_of(repository.branches["main"]) is None
    world.commit(repository, "second", {}, start=pull.head)
    world.commit(repository, "release", {"r.yaml": "a: 1\n"})
    world.pull(repository, head="feature", base="release")
    assert forge.change_requests.number_of(pull.head) is None


@pytest.mark.parametrize("kind", ["FORBIDDEN", "SERVICE_UNAVAILABLE", None])
def test_part_of_an_answer_is_no_answer(world, kind):
    """HTTP 200 with data and errors: whatever the error speaks of could be missing."""

    def partly(_request, reply):
        error = {"message": "Something went\x1b[31m wrong", "path": ["repository", "x"]}
        answer = reply.json() | {"errors": [error | ({"type": kind} if kind else {})]}
        return Reply.of(answer)

    for _ in range(3):
        world.faults.add(Fault(name="partial", operation="graphql/*", after=partly, times=3))
    with pytest.raises(ForgeError, match="Something went wrong"):
        opened(world)


def places(value, path=()):
    """Every place in a JSON value."""
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


def replaced(value, path, other):
    if not path:
        return other
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], other)
    return copy


@pytest.mark.slow
def test_an_answer_that_is_not_as_documented_is_an_error_and_never_a_crash(world, repository, pull):
    """Each value of a real answer is replaced in turn by what a broken server might send."""
    forge = opened(world)
    forge.inline.add(forge.change_requests.read(), [inline(20)])
    forge.summary.create_comment("summary")
    with world.work():
        actions.review(world.world, repository, pull, world.account("bob"), state="APPROVED")
    forge.status.set_status(
        pull.head, CommitStatus(context="gate", state="success", description="")
    )
    world.forget()
    forge.change_requests.read()
    answer = json.loads(world.log[0].reply)

    def tried(path, other):
        reply = Reply.of(replaced(answer, path, other))
        world.faults.reply("graphql/query/ChangeRequest", reply, name="broken")
        try:
            snapshot = forge.change_requests.read()
            forge.approvals.approvals(snapshot)
        except ForgeError:
            return 1
        return 0

    refused = 0
    for path in places(answer):
        if "body" in path or "title" in path:
            continue
        others: tuple[object, ...] = (None, [], "x")
        for other in others:
            world.faults.clear()
            refused += tried(path, other)
    assert refused > 100


# ----------------------------------------------------------------------------- the token's reach


def fork_pull(server):
    fork = server.repository("mallory/shop", fork_of=server.world.find("acme/shop"))
    repository = server.world.find("acme/shop")
    fork.git("fetch", "-q", str(repository.git.directory), "refs/heads/main")
    server.commit(fork, "evil", {"x.yaml": "a: 1\n"}, start=repository.branches["main"])
    return server.pull(
        repository, head="evil", head_repository=fork, author=server.account("mallory")
    )


def test_in_a_run_for_a_fork_nothing_is_written_and_each_thing_is_named(world):
    number = fork_pull(world).number
    world.token("ghs_Reads", permissions={"contents": "read", "pull_requests": "read"})
    forge = opened(world, token="ghs_Reads", number=number, fork_reads_only=True)

    assert forge.change_requests.read().change.from_fork
    assert forge.summary is forge.inline is forge.status is forge.sarif is forge.opening is None
    assert len(forge.missing) == 5
    assert all("only reads" in line for line in forge.missing)
    assert len(world.log) == 1


def test_where_the_token_writes_a_fork_s_change_is_published_too(world):
    forge = opened(world, number=fork_pull(world).number)
    forge.summary.create_comment("hello")
    assert forge.missing == ()


def test_a_person_who_only_reads_may_comment_and_sets_no_status(world):
    world.token("ghp_Reader", "bob", kind="classic")
    forge = opened(world, token="ghp_Reader")
    assert forge.summary is not None
    assert forge.status is forge.opening is None
    assert "no new pull requests: the token's account has only the role read" in forge.missing
    assert "no commit status: the token's account has only the role read" in forge.missing


@pytest.mark.parametrize(
    ("lacking", "act", "permission"),
    [
        ("pull_requests", lambda f: f.summary.create_comment("x"), "pull-requests: write"),
        (
            "pull_requests",
            lambda f: f.inline.add(f.change_requests.read(), [inline(20)]),
            "pull-requests: write",
        ),
        (
            "statuses",
            lambda f: f.status.set_status(
                f.change_requests.read().change.head_commit,
                CommitStatus(context="gate", state="success", description=""),
            ),
            "statuses: write",
        ),
    ],
)
def test_the_first_write_that_is_not_allowed_names_the_permission(world, lacking, act, permission):
    world.token("ghs_Less", permissions={**PUBLISHER, lacking: "read"})
    forge = opened(world, token="ghs_Less")
    with pytest.raises(ForgeError, match="Resource not accessible") as caught:
        act(forge)
    assert caught.value.status == 403
    assert caught.value.remedy == f"give the token `{permission}`"
    assert not caught.value.uncertain


# ----------------------------------------------------------------------------- approvals


def test_approvals_cost_one_request_more_than_the_snapshot(world, repository, pull):
    ann, bob = world.account("ann"), world.account("bob")
    with world.work():
        actions.review(world.world, repository, pull, bob, state="APPROVED")
        actions.review(world.world, repository, pull, ann, state="CHANGES_REQUESTED")
        actions.review(world.world, repository, pull, bob, state="PENDING")
        dismissed = actions.review(world.world, repository, pull, bob, state="APPROVED")
        actions.dismiss(world.world, pull, dismissed, ann, "no")
    forge = opened(world)
    snapshot = forge.change_requests.read()
    world.forget()

    facts = forge.approvals.approvals(snapshot)

    assert operations(world) == ["repos/list-activities"]
    assert [(one.author.login, one.state, one.can_push) for one in facts.reviews] == [
        ("bob", ReviewState.APPROVED, False),
        ("ann", ReviewState.CHANGES_REQUESTED, True),
        ("bob", ReviewState.DISMISSED, False),
    ]
    assert facts.reviews[0].commit == pull.head
    assert facts.retargeted_at is None
    assert facts.unknown == ()


def test_pushes_come_from_the_forge_s_record_with_who_and_when(world, repository, pull):
    first = pull.head
    ann, bob = world.account("ann"), world.account("bob")
    second = world.commit(repository, "feature", {"a.yaml": "a: 1\n"}, actor=bob)
    third = world.commit(repository, "feature", {"a.yaml": "a: 2\n"}, actor=ann, force=True)
    forge = opened(world)

    pushes = forge.approvals.approvals(forge.change_requests.read()).pushes

    assert [(p.before, p.after, p.actor.login, p.forced) for p in pushes] == [
        (None, first, "ann", False),
        (first, second, "bob", False),
        (second, third, "ann", True),
    ]
    assert all(push.at.tzinfo for push in pushes)


def test_a_record_of_pushes_that_is_behind_the_head_is_unknown(world, repository, pull):
    forge = opened(world)
    world.stale("repos/list-activities")
    world.commit(repository, "feature", {"a.yaml": "a: 1\n"})
    forge.change_requests.read()

    facts = forge.approvals.approvals(forge.change_requests.read())

    assert facts.pushes is None
    assert "does not reach up to the head" in facts.unknown[0]


@pytest.mark.slow
def test_a_record_of_pushes_that_is_too_long_to_read_is_unknown(
    world, repository, pull, monkeypatch
):
    monkeypatch.setattr("gitops_gate.forges.github.approvals._MAXIMUM_PAGES", 0)
    for branch in ("feature", "main"):
        for number in range(101):
            world.commit(repository, branch, {"a.yaml": f"a: {number}\n"})
    forge = opened(world)
    assert forge.approvals is not None
    snapshot = forge.change_requests.read()

    facts = forge.approvals.approvals(snapshot)

    assert facts.pushes is None
    assert "pages of pushes" in facts.unknown[0]
    assert forge.approvals.target_moves(snapshot) is None


def test_pushes_to_a_fork_that_is_hidden_or_gone_are_unknown(world):
    pull = fork_pull(world)
    world.world.repositories[pull.head_repository].private = True
    world.token(TOKEN, permissions=PUBLISHER, repositories=["acme/shop"])
    forge = opened(world, number=pull.number)
    facts = forge.approvals.approvals(forge.change_requests.read())
    assert facts.pushes is None
    assert len(facts.unknown) == 1

    with world.work():
        pull.head_repository = None
    facts = forge.approvals.approvals(forge.change_requests.read())
    assert facts.pushes is None
    assert "the fork is gone" in facts.unknown[0]


def test_everybody_behind_a_commit_is_named_and_strangers_by_their_address(world, repository):
    world.account("bob", emails=("bob@example.com",))
    world.commit(
        repository,
        "feature",
        {"a.yaml": "a: 1\n"},
        "Together\n\nCo-authored-by: Bob <bob@example.com>\n"
        "Co-authored-by: Nobody <nobody@nowhere.example>\n",
    )
    forge = opened(world)
    last = forge.approvals.approvals(forge.change_requests.read()).contributions[-1]
    assert "bob" in {person.login for person in last.people}
    assert "nobody@nowhere.example" in last.unmapped


def test_a_changed_target_is_known_with_its_time(world, repository, pull):
    world.commit(repository, "release", {"r.yaml": "a: 1\n"})
    with world.work():
        actions.retarget(world.world, repository, pull, "release")
    forge = opened(world)
    facts = forge.approvals.approvals(forge.change_requests.read())
    assert facts.retargeted_at == world.world.now()


def test_approvals_of_another_s_snapshot_are_not_made_up(world, repository):
    snapshot = opened(world).change_requests.read()
    world.commit(repository, "feature", {"a.yaml": "a: 1\n"})
    with pytest.raises(ForgeError, match="was not read here"):
        opened(world).approvals.approvals(snapshot)


def test_all_teams_are_one_request_with_nested_members_and_hidden_ones_apart(world):
    world.token(
        "ghs_App", "gate[bot]", app_id=7, permissions={**PUBLISHER, "members": "read"}
    ).account.kind = "Bot"
    world.team("acme", "sre", ("ann",))
    world.team("acme", "night", ("bob",), parent="sre")
    world.team("acme", "many", tuple(f"person{number}" for number in range(150)))
    forge = opened(world, token="ghs_App")
    world.forget()

    members = forge.approvals.members(["sre", "acme/night", "acme/nothing", "other/team", "many"])

    ann, bob = world.account("ann").id, world.account("bob").id
    assert members["sre"] == {ann, bob}
    assert members["acme/night"] == {bob}
    assert members["acme/nothing"] is members["other/team"] is None
    assert len(members["many"]) == 150
    assert operations(world) == ["graphql/query/Members"] * 2
    assert forge.approvals.members([]) == {}


def test_a_token_that_may_not_read_teams_gives_none_and_no_empty_team(world):
    world.team("acme", "sre", ("ann",))
    assert opened(world).approvals.members(["sre"]) == {"sre": None}


def test_whether_somebody_may_push_is_asked_and_unknown_for_strangers(world):
    approvals = opened(world).approvals
    ann, bob = world.account("ann"), world.account("bob")
    assert approvals.access(Account(id=ann.id, login="ann")) == "write"
    assert approvals.access(Account(id=bob.id, login="bob")) == "read"
    assert approvals.access(Account(id=bob.id, login="ann")) is None
    assert approvals.access(Account(id=1, login="never-heard-of")) is None


# ----------------------------------------------------------------------------- the summary


def test_a_comment_is_written_changed_and_removed_by_one_request_each(world, pull):
    forge = opened(world)
    world.forget()

    made = forge.summary.create_comment("first ✅")
    changed = forge.summary.update_comment(made, "second")
    forge.summary.delete_comment(changed)
    forge.summary.delete_comment(changed)

    assert made.ours
    assert made.author.login == "github-actions"
    assert changed.id == made.id
    assert changed.body == "second"
    assert pull.comments == []
    assert operations(world) == [
        "issues/create-comment",
        "issues/update-comment",
        "issues/delete-comment",
        "issues/delete-comment",
    ]
    assert forge.change_requests.comments() == ()


def test_a_comment_at_the_limit_is_taken(world, pull):
    forge = opened(world)
    forge.summary.create_comment("é" * forge.summary.limit)
    with pytest.raises(ForgeError, match="too long"):
        forge.summary.create_comment("é" * (forge.summary.limit + 1))
    assert len(pull.comments) == 1


def test_a_comment_that_may_have_been_made_says_so_and_is_not_repeated(world, pull):
    forge = opened(world)
    world.faults.bad_gateway("issues/create-comment", committed=True)

    with pytest.raises(ForgeError) as caught:
        forge.summary.create_comment("once")

    assert caught.value.uncertain
    assert len(pull.comments) == 1
    assert [comment.body for comment in forge.change_requests.comments()] == ["once"]


def test_a_limit_is_waited_for_and_the_comment_made_once(world, pull):
    time = TestClock()
    forge = opened(world, clock=time)
    world.secondary_limit("issues/create-comment", retry_after=9)
    forge.summary.create_comment("once")
    assert len(pull.comments) == 1
    assert time.slept == [9]


@pytest.mark.parametrize("operation", ["graphql/query/ChangeRequest", "issues/create-comment"])
def test_a_limit_longer_than_the_run_is_named(world, operation):
    world.primary_limit(operation, seconds=3000)
    with pytest.raises(ForgeError, match="primary rate limit lets nothing through until"):
        opened(world).summary.create_comment("x")


def test_graphql_s_own_limit_is_waited_for(world):
    time = TestClock()
    world.graphql_rate_limited(seconds=20)
    opened(world, clock=time)
    assert time.slept[0] == pytest.approx(21, abs=2)


# ----------------------------------------------------------------------------- comments on lines


def test_comments_on_lines_are_one_review(world, pull):
    forge = opened(world)
    snapshot = forge.change_requests.read()
    world.forget()

    refused = forge.inline.add(snapshot, [inline(20), inline(22, start_line=19)])

    assert refused == ()
    assert operations(world) == ["pulls/create-review"]
    first, second = pull.threads
    assert (first.line, first.start_line, first.side) == (20, None, "RIGHT")
    assert (second.line, second.start_line) == (22, 19)
    threads = forge.change_requests.read().threads
    assert [(one.path, one.line, one.ours, one.answered) for one in threads] == [
        ("web.yaml", 20, True, False),
        ("web.yaml", 22, True, False),
    ]
    assert threads[0].body == "Say why. 20"


def test_comments_outside_the_diff_come_back_and_the_others_are_posted_once(world, pull):
    forge = opened(world)
    wanted = [inline(20), inline(1), inline(19), inline(21), inline(3, path="none.yaml")]

    refused = forge.inline.add(forge.change_requests.read(), wanted)

    assert refused == (wanted[1], wanted[4])
    assert sorted(thread.line for thread in pull.threads) == [19, 20, 21]


def test_comments_that_may_have_arrived_are_looked_for_before_they_are_sent_again(world, pull):
    forge = opened(world)
    snapshot = forge.change_requests.read()
    world.faults.bad_gateway("pulls/create-review", committed=True)
    assert forge.inline.add(snapshot, [inline(20), inline(21)]) == ()
    assert len(pull.threads) == 2

    world.faults.bad_gateway("pulls/create-review")
    assert forge.inline.add(snapshot, [inline(19)]) == ()
    assert len(pull.threads) == 3


def test_the_first_comment_of_a_thread_can_be_changed_and_replies_are_seen(world, pull):
    forge = opened(world)
    forge.inline.add(forge.change_requests.read(), [inline(20)])
    with world.work():
        actions.reply(world.world, pull, pull.threads[0], world.account("ann"), "Why?")
    thread = forge.change_requests.read().threads[0]
    assert thread.answered

    forge.inline.edit(thread, "It is gone.")

    assert pull.threads[0].comments[0].body == "It is gone."
    assert forge.change_requests.read().threads[0].body == "It is gone."


def test_a_thread_is_resolved_where_the_token_may_and_otherwise_that_is_known(world, pull):
    forge = opened(world)
    forge.inline.add(forge.change_requests.read(), [inline(20)])
    thread = forge.change_requests.read().threads[0]
    assert not thread.can_resolve
    with pytest.raises(ForgeError, match="contents: write") as caught:
        forge.inline.resolve(thread)
    assert caught.value.status == 403

    world.token("ghs_Strong", permissions={**PUBLISHER, "contents": "write"})
    strong = opened(world, token="ghs_Strong")
    thread = strong.change_requests.read().threads[0]
    assert thread.can_resolve
    strong.inline.resolve(thread)
    assert strong.change_requests.read().threads[0].resolved


# ----------------------------------------------------------------------------- statuses and SARIF


def test_a_status_s_description_is_cut_to_what_github_takes(world, repository, pull):
    forge = opened(world)
    forge.status.set_status(
        pull.head,
        CommitStatus(
            context="gate", state="failure", description="word " * 60, url="https://x.example/1"
        ),
    )
    (status,) = forge.status.statuses(pull.head)
    assert len(status.description) == 140
    assert status.description.endswith("…")
    assert (status.state, status.url, status.ours) == ("failure", "https://x.example/1", True)


@pytest.mark.parametrize("committed", [True, False])
def test_a_status_that_may_not_have_arrived_is_looked_for(world, repository, pull, committed):
    forge = opened(world)
    world.faults.bad_gateway("repos/create-commit-status", committed=committed)
    forge.status.set_status(
        pull.head, CommitStatus(context="gate", state="success", description="allow")
    )
    assert len(repository.statuses) == 1


def test_a_sarif_report_is_packed_and_handed_over(world, repository, pull):
    world.token("ghs_Scan", permissions={**PUBLISHER, "security_events": "write"})
    forge = opened(world, token="ghs_Scan")
    world.forget()
    sarif = json.dumps({"version": "2.1.0", "runs": [{"results": []}]})

    forge.sarif.upload(pull.head, "refs/pull/1/head", sarif)

    (entry,) = world.log
    sent = entry.json()
    assert entry.operation == "code-scanning/upload-sarif"
    assert (sent["commit_sha"], sent["ref"]) == (pull.head, "refs/pull/1/head")
    assert gzip.decompress(base64.b64decode(sent["sarif"])).decode() == sarif


@pytest.mark.parametrize(
    ("sarif", "why"),
    [
        ({"runs": [{"results": []}] * 21}, "21 runs"),
        ({"runs": [{"results": [{}] * 25_001}]}, "25,001 results"),
        ({}, "no list of runs"),
        ([], "no list of runs"),
    ],
)
def test_a_sarif_report_that_github_would_cut_is_not_sent(world, pull, sarif, why):
    forge = opened(world)
    world.forget()
    with pytest.raises(ForgeError, match=why):
        forge.sarif.upload(pull.head, "refs/heads/main", json.dumps(sarif))
    assert world.log == ()


# ----------------------------------------------------------------------------- opening


def new(**more):
    return NewChangeRequest(
        **{"title": "Revert it", "body": "why", "head_ref": "revert", "base_ref": "main", **more}
    )


def test_a_pull_request_is_opened_once_and_found_again(world, repository):
    world.commit(repository, "revert", {"r.yaml": "a: 1\n"})
    forge = opened(world)

    address = forge.opening.open(new(labels=("revert",)))
    again = forge.opening.open(new(head_ref="refs/heads/revert", base_ref="refs/heads/main"))

    assert address == again
    assert address.endswith("/acme/shop/pull/2")
    assert repository.pulls[2].labels == ["revert"]
    assert len(repository.pulls) == 2


def test_a_pull_request_that_may_have_been_opened_is_looked_for(world, repository):
    world.commit(repository, "revert", {"r.yaml": "a: 1\n"})
    forge = opened(world)
    world.faults.bad_gateway("pulls/create", committed=True)
    assert forge.opening.open(new()).endswith("/pull/2")
    assert len(repository.pulls) == 2


def test_a_pull_request_that_somebody_opened_meanwhile_is_found(world, repository):
    world.commit(repository, "revert", {"r.yaml": "a: 1\n"})
    forge = opened(world)

    @contextmanager
    def overtaken():
        world.pull(repository, head="revert", author=world.account("bob"))
        yield

    world.faults.add(Fault(name="overtaken", operation="pulls/create", around=overtaken))
    assert forge.opening.open(new(draft=True)).endswith("/pull/2")
    assert not repository.pulls[2].draft


def test_a_pull_request_may_be_opened_as_a_draft_in_a_run_of_none(world, repository):
    world.commit(repository, "revert", {"r.yaml": "a: 1\n"})
    opened(world, number=None).opening.open(new(draft=True))
    assert repository.pulls[2].draft


def test_a_pull_request_without_a_change_is_an_error_in_github_s_words(world, repository):
    world.commit(repository, "revert", {"r.yaml": "a: 1\n"})
    with pytest.raises(ForgeError, match="422"):
        opened(world).opening.open(new(head_ref="nothing-there"))


# ----------------------------------------------------------------------------- protection


@pytest.fixture
def auditor(world):
    world.token(
        "ghs_Audit", permissions={"contents": "read", "pull_requests": "read",
                                  "administration": "read"},
    )  # fmt: skip
    return "ghs_Audit"


def test_a_branch_without_protection_is_said_to_have_none(world, auditor):
    found = opened(world, token=auditor).protection.protection("main")
    assert found.protected is False
    assert found.required_checks == ()
    assert found.required_approvals == 0
    assert found.force_push is True
    assert found.deletion is True
    assert found.unknown == ()


CLASSIC = {
    "required_status_checks": {
        "strict": True,
        "contexts": ["ci", "gate"],
        "checks": [{"context": "ci", "app_id": None}, {"context": "gate", "app_id": 15368}],
    },
    "required_pull_request_reviews": {
        "dismiss_stale_reviews": True,
        "require_code_owner_reviews": False,
        "required_approving_review_count": 1,
    },
    "enforce_admins": {"enabled": True},
    "allow_force_pushes": {"enabled": False},
    "allow_deletions": {"enabled": True},
}


def ruleset(number=7, **more):
    return {
        "id": number,
        "name": "strict",
        "rules": [
            {"type": "deletion"},
            {
                "type": "pull_request",
                "parameters": {
                    "dismiss_stale_reviews_on_push": False,
                    "require_code_owner_review": True,
                    "require_last_push_approval": False,
                    "required_approving_review_count": 2,
                    "required_review_thread_resolution": False,
                },
            },
            {
                "type": "required_status_checks",
                "parameters": {
                    "required_status_checks": [{"context": "scan", "integration_id": 9}],
                    "strict_required_status_checks_policy": False,
                },
            },
        ],
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
        "bypass_actors": [{"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"}],
        **more,
    }


def checks(found):
    return [(check.context, check.app_id) for check in found.required_checks]


def test_of_classic_protection_and_rulesets_the_stricter_holds(world, repository):
    world.token(
        "ghs_Admin", permissions={"contents": "read", "pull_requests": "read",
                                  "administration": "write"},
    )  # fmt: skip
    repository.protections["main"] = CLASSIC
    repository.rulesets.append(ruleset())

    found = opened(world, token="ghs_Admin").protection.protection("main")

    assert found.protected
    assert checks(found) == [("ci", None), ("gate", 15368), ("scan", 9)]
    assert found.required_approvals == 2
    assert (found.dismisses_stale, found.code_owners, found.admins_included) == (True,) * 3
    assert (found.force_push, found.deletion) == (False, False)
    assert found.bypass == ("RepositoryRole 5 (always)",)
    assert found.pushers == ()
    assert found.unknown == ()


def test_what_a_token_may_not_read_of_the_protection_is_unknown(world, repository):
    repository.protections["main"] = CLASSIC
    repository.rulesets.append(ruleset())

    found = opened(world).protection.protection("main")

    assert found.protected
    assert checks(found) == [("ci", None), ("gate", 15368), ("scan", 9)]
    assert found.code_owners is True
    assert found.deletion is False
    assert found.required_approvals is found.dismisses_stale is found.force_push is None
    assert found.bypass is found.admins_included is found.pushers is None
    assert found.unknown == (
        "the token may not read the branch's protection: give it `administration: read`",
    )


def test_who_may_pass_a_ruleset_by_is_unknown_to_who_may_not_change_it(world, repository):
    repository.rulesets.append(ruleset())
    found = opened(world).protection.protection("main")
    assert found.required_approvals == 2
    assert found.bypass is None
    assert found.unknown == ("the token may not read who may pass a ruleset by",)


# ----------------------------------------------------------------------------- redirects, names


def test_a_repository_that_was_renamed_is_read_by_graphql_and_writes_say_so(world, repository):
    repository.former_names.append("acme/old")
    forge = opened(world, repository="acme/old")
    assert forge.change_requests.read().change.repository == "acme/shop"
    with pytest.raises(ForgeError, match=r"redirect \(307\)") as caught:
        forge.summary.create_comment("x")
    assert not caught.value.uncertain
    assert forge.change_requests.number_of(repository.pulls[1].head) == 1


def test_the_token_does_not_follow_a_redirect_to_another_server(world):
    with GitHubServer() as other:
        world.faults.redirect("issues/create-comment", other.origin)
        world.faults.redirect("repos/get-branch", other.origin)
        forge = opened(world)
        with pytest.raises(ForgeError):
            forge.summary.create_comment("x")
        with pytest.raises(ForgeError, match="elsewhere"):
            forge.protection.protection("main")
        assert other.log == ()


def test_the_token_is_shown_nowhere(world, caplog):
    caplog.set_level(logging.DEBUG)
    forge = opened(world)
    world.faults.bad_gateway("issues/create-comment")
    with pytest.raises(ForgeError) as caught:
        forge.summary.create_comment("x")
    texts = [record.getMessage() for record in caplog.records]
    texts += [repr(caught.value), repr(forge), repr(forge.summary)]
    assert not any(TOKEN in text for text in texts)
    assert all(TOKEN not in entry.path for entry in world.log)


# ----------------------------------------------------------------------------- Enterprise Server


@pytest.mark.slow
def test_enterprise_server_is_spoken_to_the_same_way():
    with GitHubServer(edition="ghes-3.19") as server:
        repository = server.repository("acme/shop")
        server.commit(repository, "main", {"web.yaml": LINES})
        server.commit(repository, "feature", {"web.yaml": LINES.replace("20: 20", "20: twenty")})
        pull = server.pull(repository, head="feature")
        server.token(TOKEN, permissions={**PUBLISHER, "security_events": "write"})
        forge = opened(server)
        snapshot = forge.change_requests.read()
        forge.approvals.approvals(snapshot)
        forge.summary.create_comment("summary")
        forge.inline.add(snapshot, [inline(20)])
        forge.status.set_status(
            pull.head, CommitStatus(context="gate", state="pending", description="")
        )
        forge.sarif.upload(pull.head, "refs/pull/1/head", '{"runs": []}')
        forge.protection.protection("main")
        assert forge.change_requests.number_of(pull.head) == 1
        server.check()
    assert (len(pull.comments), len(pull.threads), len(repository.statuses)) == (1, 1, 1)


# ----------------------------------------------------------------------------- the budget


def test_a_first_review_and_an_unchanged_one_keep_to_their_budgets(world, repository, pull):
    world.token(
        "ghs_App", "gate[bot]", app_id=7,
        permissions={**PUBLISHER, "members": "read", "security_events": "write"},
    ).account.kind = "Bot"  # fmt: skip
    world.team("acme", "sre", ("ann",))
    forge = opened(world, token="ghs_App")
    snapshot = forge.change_requests.read()
    forge.approvals.approvals(snapshot)
    forge.approvals.members(["sre", "acme/other"])
    unchanged = len(world.log)
    forge.change_requests.tips()
    forge.summary.create_comment("summary")
    forge.inline.add(snapshot, [inline(20), inline(21)])
    forge.status.set_status(
        pull.head, CommitStatus(context="gate", state="success", description="allow")
    )
    forge.sarif.upload(pull.head, "refs/pull/1/head", '{"runs": []}')
    forge.change_requests.comments()

    assert unchanged == 3
    assert len(world.log) == 9


def test_the_targets_moves_are_those_since_the_change_was_opened(world, repository):
    before = repository.branches["main"]
    world.commit(repository, "main", {"other.yaml": "a: 1\n"}, actor=world.account("ann"))
    forge = opened(world)
    assert forge.approvals is not None
    moves = forge.approvals.target_moves(forge.change_requests.read())
    assert moves is not None
    assert (moves[-1].before, moves[-1].after) == (before, repository.branches["main"])
    assert moves[-1].actor is not None
    assert moves[-1].actor.login == "ann"


def test_where_pushes_cannot_be_read_the_oldest_run_on_the_head_stands_in(world, repository, pull):
    world.faults.reply(
        "repos/list-activities", Reply.of({"message": "Not Found"}, 404), name="private"
    )
    world.token(TOKEN, permissions={**PUBLISHER, "actions": "read"})
    ann = world.account("ann")
    for number, hour in ((1, 9), (2, 8)):
        repository.runs.append(
            {
                "id": number, "head_sha": pull.head, "head_branch": "feature",
                "created_at": f"2026-11-24T0{hour}:00:00Z",
                "actor": ann, "triggering_actor": ann,
            }
        )  # fmt: skip
    forge = opened(world)
    facts = forge.approvals.approvals(forge.change_requests.read())
    assert facts.pushes is None
    assert facts.head_seen_at.hour == 8
    assert facts.head_seen_by.login == "ann"


def test_a_record_that_does_not_end_at_the_tip_says_nothing(world, repository):
    forge = opened(world)
    snapshot = forge.change_requests.read()
    world.commit(repository, "main", {"other.yaml": "a: 1\n"}, actor=world.account("ann"))
    assert forge.approvals.target_moves(snapshot) is None
