"""A merge queue on GitHub: every change that lands with a group was approved for what it does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.forges.github import actions
from tests.forges.github.state import Account, Pull, QueueEntry
from tests.forges.serving import Fault, Reply, Request
from tests.forges.test_review_approvals_github import Review
from tests.forges.test_review_approvals_github import review as review  # noqa: PLC0414 - a fixture
from tests.forges.test_review_github import TOKEN, Ran, config_map, deployment
from tests.forges.test_review_github import gate as gate  # noqa: PLC0414 - a fixture
from tests.forges.test_review_github import world as world  # noqa: PLC0414 - a fixture

READS = {"contents": "read", "pull_requests": "read", "statuses": "write"}
FREEZE = """\
freezes:
  - name: year end
    from: 2026-12-20T00:00:00Z
    until: 2027-01-04T00:00:00Z
    unless: {labels: [hotfix], require: {count: 1}}
"""
FROZEN = "2026-12-24T12:00:00Z"


class Waiting:
    """Pull requests in a queue, and what a run about one of its groups says."""

    def __init__(self, review: Review, gate: Callable[..., Ran]) -> None:
        self.review, self.world, self.gate = review, review.world, gate
        self.server = review.world.server
        self.first = review.world.pull

    def pull(self, branch: str, files: dict[str, str | None]) -> Pull:
        """One more pull request, from the tip of main."""
        world = self.world
        world.git.git("branch", branch, "main")
        world.commit(branch, files)
        self.review.sync()
        return self.server.pull(world.repository, head=branch, author=self.review.author)

    def approve(self, pull: Pull, *, by: Account | None = None, **more: Any) -> None:
        with self.server.work():
            given = {"state": "APPROVED", **more}
            who = by or self.review.rita
            actions.review(self.server.world, self.world.repository, pull, who, **given)

    def enqueue(self, *pulls: Pull) -> list[QueueEntry]:
        self.review.sync()
        return [self.server.enqueue(self.world.repository, pull) for pull in pulls]

    def event(self, entry: QueueEntry) -> None:
        group = {
            "base_ref": "refs/heads/main",
            "base_sha": entry.base,
            "head_sha": entry.head,
            "head_ref": f"refs/heads/gh-readonly-queue/main/pr-{entry.number}-{entry.base}",
        }
        self.world.event("merge_group", {"merge_group": group})

    def run(self, entry: QueueEntry, *arguments: str) -> Ran:
        self.event(entry)
        self.server.forget()
        return self.gate("review", "--report", f"json={self.review.file}", *arguments)

    @property
    def state(self) -> tuple[str, str]:
        status = self.world.repository.statuses[-1]
        return status.sha, status.state

    @property
    def operations(self) -> list[str]:
        return [entry.operation for entry in self.server.log]


@pytest.fixture(params=["reads the queue", "reads its branches"])
def waiting(review: Review, gate: Callable[..., Ran], request: pytest.FixtureRequest) -> Waiting:
    """With the token of an app that may read merge queues, and with a workflow's own."""
    made = Waiting(review, gate)
    more = {"merge_queues": "read"} if request.param == "reads the queue" else {}
    made.server.token(TOKEN, permissions={**READS, **more})
    return made


@pytest.fixture
def queue(review: Review, gate: Callable[..., Ran]) -> Waiting:
    made = Waiting(review, gate)
    made.server.token(TOKEN, permissions=READS)
    return made


def beside(name: str = "other") -> dict[str, str | None]:
    return {f"apps/{name}.yaml": config_map("x", name)}


def test_what_was_approved_passes(waiting: Waiting) -> None:
    waiting.approve(waiting.first)
    (entry,) = waiting.enqueue(waiting.first)
    done = waiting.run(entry)
    assert done.code == 0, done.out
    assert waiting.state == (entry.head, "success")
    assert [one["login"] for one in waiting.review.tree["requirements"][0]["by"]] == ["rita"]


def test_what_nobody_approved_fails_and_does_not_wait(waiting: Waiting) -> None:
    (entry,) = waiting.enqueue(waiting.first)
    assert waiting.run(entry).code == 3
    assert waiting.state == (entry.head, "failure")


def test_an_approval_that_was_taken_back_meanwhile_does_not_count(waiting: Waiting) -> None:
    waiting.approve(waiting.first)
    (entry,) = waiting.enqueue(waiting.first)
    waiting.approve(waiting.first, state="CHANGES_REQUESTED", body="on second thoughts, no")
    assert waiting.run(entry).code == 3


def test_every_change_that_lands_with_a_group_needs_its_own(waiting: Waiting) -> None:
    """A group whose last commit has a success lands whole, whatever the others have."""
    second = waiting.pull("second", beside())
    waiting.approve(second)
    one, two = waiting.enqueue(waiting.first, second)
    done = waiting.run(two)
    assert (done.code, waiting.state) == (3, (two.head, "failure"))
    assert "change request 1, which lands with it: approvals are missing" in done.out
    waiting.approve(waiting.first)
    assert (waiting.run(two).code, waiting.state) == (0, (two.head, "success"))
    assert (waiting.run(one).code, waiting.state) == (0, (one.head, "success"))


def test_so_do_findings_of_what_is_before_it(queue: Waiting) -> None:
    """They are no introduced ones of the last, and would land all the same."""
    queue.world.repository.collaborators["sam"] = "write"
    git = queue.world.git
    rules = (git.folder / ".gitops-gate.yaml").read_text()
    text = rules.replace("builtin: []", "builtin: [images/pinned]")
    queue.world.commit("main", {".gitops-gate.yaml": text})
    bad = queue.pull("bad", {"apps/web.yaml": deployment("registry.example.com/web:latest")})
    good = queue.pull("good", beside())
    queue.approve(bad)
    queue.approve(good)
    _, last = queue.enqueue(bad, good)
    done = queue.run(last)
    assert done.code == 1
    assert f"change request {bad.number}, which lands with it: 1 introduced error" in done.out


def test_a_change_before_it_that_alters_what_it_does_voids_its_approval(queue: Waiting) -> None:
    """What was approved sets a value in one ConfigMap; it would land in one of another name."""
    before = config_map("x", "long") + "".join(f"  key{n}: old\n" for n in range(9))
    queue.world.commit("main", {"apps/long.yaml": before})
    upper = queue.pull("upper", {"apps/long.yaml": before.replace("name: long", "name: length")})
    lower = queue.pull("lower", {"apps/long.yaml": before.replace("key8: old", "key8: new")})
    queue.approve(upper)
    queue.approve(lower)
    one, two = queue.enqueue(upper, lower)
    assert queue.run(one).code == 0
    assert queue.run(two).code == 3
    assert queue.review.codes == ["result_changed"]


def test_a_change_before_it_in_the_same_application_keeps_it(queue: Waiting) -> None:
    second = queue.pull("second", beside())
    queue.approve(queue.first)
    queue.approve(second)
    _, last = queue.enqueue(queue.first, second)
    assert queue.run(last).code == 0


def test_a_stricter_rule_that_lands_before_it_asks_as_well(queue: Waiting) -> None:
    rules = (queue.world.git.folder / ".gitops-gate.yaml").read_text()
    stricter = queue.pull("stricter", {".gitops-gate.yaml": rules.replace("count: 1", "count: 2")})
    second = queue.pull("second", beside())
    for pull in (stricter, second):
        queue.approve(pull)
    one, two = queue.enqueue(stricter, second)
    queue.run(one)
    done = queue.run(two)
    assert done.code == 3
    assert "by the rules of a change before it: approvals are missing" in done.out


def test_a_change_that_ratifies_is_shown_from_the_last_delivered_commit_on(queue: Waiting) -> None:
    """And behind another one it is denied, since nobody approved it there."""
    git = queue.world.git
    delivered = git.git("rev-parse", "main").strip()
    held = queue.world.commit("main", beside("unverified"))
    entry = f"- {{commit: {held}, after: {delivered}, reason: seen by hand, owner: sre}}\n"
    ratifies = queue.pull("ratifies", {".gitops-gate/ratified.yaml": entry})
    other = queue.pull("other", beside())
    for pull in (ratifies, other):
        queue.approve(pull)
    queue.approve(ratifies, by=queue.review.sam)
    (alone,) = queue.enqueue(ratifies)
    assert queue.run(alone).code == 0
    report = json.loads(queue.review.file.read_text())
    assert [one["resource"]["name"] for one in report["changes"]] == ["unverified"]
    queue.world.repository.queue.clear()
    git.git("branch", "-D", f"gh-readonly-queue/main/pr-{ratifies.number}-{alone.base}")
    _, behind = queue.enqueue(other, ratifies)
    done = queue.run(behind)
    assert done.code == 1
    assert "stands on the tip of the branch" in done.out


def test_labels_and_freezes_are_as_in_a_review(queue: Waiting) -> None:
    queue.review.rules(FREEZE)
    queue.approve(queue.first)
    (entry,) = queue.enqueue(queue.first)
    assert (queue.run(entry, "--at", FROZEN).code, queue.state[1]) == (3, "failure")
    with queue.server.work():
        world = queue.server.world
        actions.label(world, queue.world.repository, queue.first, "hotfix", queue.review.author)
    assert (queue.run(entry, "--at", FROZEN).code, queue.state[1]) == (0, "success")


def test_an_override_is_as_in_a_review(queue: Waiting) -> None:
    queue.review.rules("  override: {teams: [on-call]}\n")
    queue.server.team("acme", "on-call", ("sam",))
    queue.server.token(TOKEN, permissions={**READS, "members": "read"})
    (entry,) = queue.enqueue(queue.first)
    assert queue.run(entry).code == 3
    text = f"/gitops-gate override {queue.first.head[:10]} the site is down"
    with queue.server.work():
        actions.comment(queue.server.world, queue.first, queue.review.sam, text)
    assert queue.run(entry).code == 0
    assert queue.review.tree["override"]["holds"] is True


@pytest.mark.parametrize("commits", [1, 2])
def test_a_queue_may_squash_or_rebase(queue: Waiting, commits: int) -> None:
    """The heads are then in the history of no group: they are fetched beside it."""
    queue.approve(queue.first)
    git, base = queue.world.git, queue.world.git.git("rev-parse", "main").strip()
    (entry,) = queue.enqueue(queue.first)
    tree = git.git("rev-parse", f"{entry.head}^{{tree}}").strip()
    made = base
    for text in ("one", "two")[:commits]:
        made = git.git("commit-tree", tree, "-p", made, "-m", text).strip()
    git.git("branch", "--force", f"gh-readonly-queue/main/pr-1-{base}", made)
    entry.head = made
    queue.review.sync()
    done = queue.run(entry)
    assert done.code == 0, done.out


class TestRequests:
    def test_one_change_takes_seven(self, queue: Waiting) -> None:
        queue.approve(queue.first)
        (entry,) = queue.enqueue(queue.first)
        assert queue.run(entry).code == 0
        assert len(queue.operations) <= 7, queue.operations

    def test_each_further_one_takes_three_more(self, queue: Waiting) -> None:
        pulls = [queue.first, *(queue.pull(f"more-{n}", beside(f"n{n}")) for n in range(3))]
        for pull in pulls:
            queue.approve(pull)
        *_, last = queue.enqueue(*pulls)
        assert queue.run(last).code == 0
        assert len(queue.operations) <= 7 + 3 * 3, queue.operations

    def test_more_than_twenty_are_not_judged(
        self, queue: Waiting, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gitops_gate.review.queue.MOST_WAITING", 1)
        one, two = queue.enqueue(queue.first, queue.pull("second", beside()))
        queue.approve(queue.first)
        assert queue.run(one).code == 0
        done = queue.run(two)
        assert done.code == 2
        assert "let the queue build fewer at once" in done.out

    def test_a_run_again_with_the_same_answer_writes_nothing(self, queue: Waiting) -> None:
        queue.approve(queue.first)
        (entry,) = queue.enqueue(queue.first)
        queue.run(entry)
        assert queue.run(entry).code == 0
        assert queue.server.writes == ()


class TestWhatIsNotTheQueues:
    """Indeterminate, and a status that says so."""

    def undecided(self, queue: Waiting, entry: QueueEntry, says: str) -> None:
        done = queue.run(entry)
        assert (done.code, queue.state) == (2, (entry.head, "error")), done.out
        assert says in done.out

    def test_a_commit_that_no_entry_has(self, queue: Waiting) -> None:
        queue.approve(queue.first)
        (entry,) = queue.enqueue(queue.first)
        queue.world.repository.queue.clear()
        with queue.server.work():
            name = f"gh-readonly-queue/main/pr-1-{entry.base}"
            queue.world.git.git("branch", "-D", name)
            actions.sync(queue.server.world)
        self.undecided(queue, entry, "no change request in the queue has the commit")

    def test_a_head_that_moved_since(self, queue: Waiting) -> None:
        queue.approve(queue.first)
        (entry,) = queue.enqueue(queue.first)
        queue.review.push("apps/more.yaml")
        self.undecided(queue, entry, "is not change request 1 as it is now")

    def test_a_commit_that_holds_more_than_its_change(self, queue: Waiting) -> None:
        """Whatever the queue's branch is called, by whoever made it."""
        queue.approve(queue.first)
        (entry,) = queue.enqueue(queue.first)
        git = queue.world.git
        name = f"gh-readonly-queue/main/pr-1-{entry.base}"
        queue.world.commit(name, {"apps/sneaked.yaml": config_map("x", "sneaked")})
        entry.head = git.git("rev-parse", name).strip()
        git.git("checkout", "--quiet", "change")
        queue.review.sync()
        self.undecided(queue, entry, "is not change request 1 as it is now")

    def test_a_change_for_another_branch(self, queue: Waiting) -> None:
        queue.approve(queue.first)
        (entry,) = queue.enqueue(queue.first)
        queue.world.git.git("branch", "release", "main")
        queue.review.sync()
        with queue.server.work():
            server = queue.server.world
            actions.retarget(
                server, queue.world.repository, queue.first, "release", queue.review.author
            )
        self.undecided(queue, entry, "is for release by now")

    def test_a_closed_one(self, queue: Waiting) -> None:
        queue.approve(queue.first)
        (entry,) = queue.enqueue(queue.first)
        with queue.server.work():
            actions.close(queue.server.world, queue.first, queue.review.author)
        self.undecided(queue, entry, "change request 1 is closed")

    def test_a_target_that_went_another_way(self, queue: Waiting) -> None:
        queue.approve(queue.first)
        (entry,) = queue.enqueue(queue.first)
        queue.world.commit("main", beside("elsewhere"))
        queue.review.sync()
        self.undecided(queue, entry, "the target's tip")

    @pytest.mark.parametrize("operation", ["graphql/query/Queue", "graphql/query/ChangeRequest"])
    @pytest.mark.parametrize(
        "answer",
        [
            Reply.of({"message": "Forbidden"}, 403),
            Reply.of({"data": {"repository": None}}),
            Reply.of({"data": {}, "errors": [{"type": "INTERNAL", "message": "Something"}]}),
            Reply.of([]),
        ],
    )
    def test_what_cannot_be_read(self, queue: Waiting, operation: str, answer: Reply) -> None:
        queue.approve(queue.first)
        (entry,) = queue.enqueue(queue.first)
        queue.server.faults.reply(operation, answer, name="altered", times=None)
        done = queue.run(entry)
        assert (done.code, queue.state) == (2, (entry.head, "error"))

    def test_a_list_that_is_not_whole(self, queue: Waiting) -> None:
        queue.approve(queue.first)
        (entry,) = queue.enqueue(queue.first)

        def cut(_request: Request, reply: Reply) -> Reply:
            return Reply(
                status=reply.status,
                headers=reply.headers,
                body=reply.body.replace(b'"totalCount":1', b'"totalCount":2').replace(
                    b'"totalCount": 1', b'"totalCount": 2'
                ),
            )

        queue.server.faults.add(Fault(name="cut", operation="graphql/query/Queue", after=cut))
        self.undecided(queue, entry, "does not list the merge queue to its end")


def test_what_landed_since_the_fetch_is_not_asked_about_again(
    queue: Waiting, tmp_path: Path
) -> None:
    """The checkout's tip is the older one, and the group is built on the newer."""
    second = queue.pull("second", beside())
    queue.approve(second)
    one, two = queue.enqueue(queue.first, second)
    git = queue.world.git
    git.git("update-ref", "refs/remotes/origin/main", "main")
    with queue.server.work():
        world, repository = queue.server.world, queue.world.repository
        actions.push(world, repository, "main", one.head, queue.review.sam)
        repository.queue.remove(one)
    done = queue.run(two)
    assert done.code == 0, done.out


def test_the_gate_may_only_advise(queue: Waiting) -> None:
    queue.review.rules("gate: {mode: advisory}\n")
    (entry,) = queue.enqueue(queue.first)
    queue.run(entry)
    assert queue.state == (entry.head, "success")
