"""Approvals on GitHub from beginning to end: who must, who did, and what voids it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.forges.github import actions
from tests.forges.github.state import Account
from tests.forges.test_review_github import (
    ID,
    NAME,
    TOKEN,
    Ran,
    World,
    config_map,
    request_event,
)
from tests.forges.test_review_github import gate as gate  # noqa: PLC0414 - a fixture
from tests.forges.test_review_github import world as world  # noqa: PLC0414 - a fixture

RULES = """\
version: 1
policies: {{builtin: []}}
forge: {{url: {origin}, repository_id: {id}}}
approvals:
  rules:
    - name: shop needs a second pair of eyes
      when: {{applications: [apps]}}
      require: {{count: 1}}
{more}"""
EMAILS = ("author@example.com", "committer@example.com")
"""Of the commits that the tests make."""


class Review:
    """A pull request under rules, its people, and what a run says about it."""

    def __init__(self, world: World, gate: Callable[..., Ran], folder: Path) -> None:
        self.world, self.gate, self.file = world, gate, folder / "approvals.json"
        server = world.server
        self.author: Account = server.account("ann", emails=EMAILS)
        world.pull.author = self.author
        self.rita = server.account("rita")
        self.sam = server.account("sam")
        self.stranger = server.account("stranger")
        world.repository.collaborators.update(rita="write", sam="write")

    def rules(self, more: str = "") -> None:
        """Give the target's tip these rules, and put the change on top."""
        text = RULES.format(origin=self.world.server.origin, id=ID, more=more)
        self.world.git.git("checkout", "--quiet", "main")
        self.world.commit("main", {".gitops-gate.yaml": text})
        self.world.git.git("checkout", "--quiet", "change")
        self.world.git.git("reset", "--quiet", "--hard", "main")
        self.world.commit("change", {"apps/settings.yaml": config_map("new")})
        self.sync()

    def sync(self) -> None:
        with self.world.server.work():
            actions.sync(self.world.server.world)

    def push(self, path: str = "apps/settings.yaml", value: str = "newer") -> str:
        commit = self.world.commit("change", {path: config_map(value, Path(path).stem)})
        self.sync()
        return commit

    def approve(self, who: Account, **more: Any) -> Any:
        server = self.world.server
        with server.work():
            return actions.review(
                server.world,
                self.world.repository,
                self.world.pull,
                who,
                **{"state": "APPROVED", **more},
            )

    def run(self, *arguments: str) -> Ran:
        self.world.event("pull_request_target", request_event(self.world))
        return self.gate("review", "--report", f"json={self.file}", *arguments)

    @property
    def tree(self) -> dict[str, Any]:
        return json.loads(self.file.read_text())["approvals"]

    @property
    def codes(self) -> list[str]:
        """Why approvals do not count, whatever is asked for."""
        return [one["code"] for one in self.tree["not_counted"]]

    @property
    def state(self) -> str:
        return self.world.repository.statuses[-1].state


@pytest.fixture
def review(world: World, gate: Callable[..., Ran], tmp_path: Path) -> Review:
    made = Review(world, gate, tmp_path)
    made.rules()
    return made


def test_without_an_approval_it_is_pending_and_with_one_it_is_allowed(review: Review) -> None:
    done = review.run()
    assert (done.code, review.state) == (3, "pending"), done.out
    review.approve(review.rita)
    done = review.run()
    assert (done.code, review.state) == (0, "success"), done.out
    (requirement,) = review.tree["requirements"]
    assert [account["login"] for account in requirement["by"]] == ["rita"]


def test_a_review_event_is_re_evaluated_within_six_requests(review: Review) -> None:
    review.approve(review.rita)
    review.run()
    review.world.server.forget()
    assert review.run().code == 0
    assert review.world.server.writes == ()
    assert len(review.world.server.log) <= 6


def test_nobody_approves_their_own_change(review: Review) -> None:
    review.approve(review.author)
    assert review.run().code == 3
    assert review.codes == ["contributor"]


def test_the_account_of_the_gate_itself_never_counts(review: Review) -> None:
    """Also on its first run, which finds no comment of its own to know itself by."""
    server = review.world.server
    server.token(
        TOKEN,
        review.rita,
        permissions={"contents": "read", "pull_requests": "write", "statuses": "write"},
    )
    review.approve(review.rita)
    assert review.run().code == 3
    assert review.codes == ["own_account"]
    assert review.run().code == 3


def test_who_may_not_push_does_not_count(review: Review) -> None:
    review.approve(review.stranger)
    assert review.run().code == 3
    assert review.codes == ["no_write_access"]


def test_a_push_that_changes_something_voids_it(review: Review) -> None:
    review.approve(review.rita)
    review.push()
    assert review.run().code == 3
    assert review.codes == ["source_changed"]


def test_a_rebase_that_changes_nothing_keeps_it(review: Review) -> None:
    review.approve(review.rita)
    review.world.commit("main", {"elsewhere/other.yaml": config_map("x", "other")})
    review.world.git.git("checkout", "--quiet", "change")
    review.world.git.git("rebase", "--quiet", "main")
    review.sync()
    assert review.run().code == 0


def test_a_target_that_moved_and_altered_the_result_voids_it(review: Review) -> None:
    review.approve(review.rita)
    text = config_map("new").replace("  key: new\n", "  key: new\n  other: x\n")
    base = config_map("old").replace("  key: old\n", "  key: old\n  other: x\n")
    review.world.commit("main", {"apps/settings.yaml": base})
    review.world.git.git("checkout", "--quiet", "change")
    review.world.git.git("reset", "--quiet", "--hard", "main")
    review.world.commit("change", {"apps/settings.yaml": text})
    review.sync()
    assert review.run().code == 3
    assert review.codes == ["source_changed"]


def test_a_comment_undoes_nothing_and_a_change_request_does(review: Review) -> None:
    review.approve(review.rita)
    review.approve(review.rita, state="COMMENTED", body="by the way")
    assert review.run().code == 0
    review.approve(review.rita, state="CHANGES_REQUESTED", body="no")
    assert review.run().code == 3


def test_a_dismissed_approval_does_not_count(review: Review) -> None:
    given = review.approve(review.rita)
    with review.world.server.work():
        actions.dismiss(
            review.world.server.world, review.world.pull, given, review.sam, "not like this"
        )
    assert review.run().code == 3


def test_a_change_to_the_rules_takes_effect_after_it_has_landed(review: Review) -> None:
    relaxed = f"version: 1\nforge: {{url: {review.world.server.origin}, repository_id: {ID}}}\n"
    review.world.commit("change", {".gitops-gate.yaml": relaxed})
    review.sync()
    assert review.run().code == 3
    names = {requirement["source"] for requirement in review.tree["requirements"]}
    assert names == {"rule", "rules-change"}


def test_the_code_owner_is_asked(review: Review) -> None:
    review.world.commit("main", {"CODEOWNERS": "/apps/ @sam\n"})
    review.approve(review.rita)
    assert review.run().code == 3
    review.approve(review.sam)
    assert review.run().code == 0


def test_a_team_that_the_token_cannot_read_approves_nothing_and_says_so(review: Review) -> None:
    review.rules("    - {name: sre, when: {environments: [default]}, require: {teams: [sre]}}\n")
    review.world.server.team("acme", "sre", ("rita",))
    review.approve(review.rita)
    assert review.run().code == 3
    assert "cannot be read" in json.dumps(review.tree)


def test_a_freeze_says_when_it_opens(review: Review) -> None:
    review.rules(
        "freezes:\n  - {name: year end, from: 2026-12-20T00:00:00Z, until: 2027-01-04T00:00:00Z}\n"
    )
    review.approve(review.rita)
    assert review.run("--at", "2026-12-24T12:00:00Z").code == 3
    assert "2027-01-04T00:00:00Z" in json.dumps(review.tree["freezes"])
    assert review.run("--at", "2027-01-05T00:00:00Z").code == 0


def test_a_freeze_that_begins_while_a_change_waits_in_the_queue_holds_it(review: Review) -> None:
    review.rules(
        "freezes:\n  - {name: year end, from: 2026-12-20T00:00:00Z, until: 2027-01-04T00:00:00Z}\n"
    )
    review.approve(review.rita)
    entry = review.world.server.enqueue(review.world.repository, review.world.pull)
    group = {"base_ref": "refs/heads/main", "base_sha": entry.base, "head_sha": entry.head}
    review.world.event("merge_group", {"merge_group": group})
    assert review.gate("review", "--at", "2026-12-24T12:00:00Z").code == 3
    assert review.state == "failure"
    assert review.gate("review", "--at", "2027-01-05T00:00:00Z").code == 0


def test_an_override_of_the_named_team_stands_in(review: Review) -> None:
    review.rules("  override: {teams: [incident-commander]}\n")
    server = review.world.server
    server.team("acme", "incident-commander", ("sam",))
    server.token(
        TOKEN,
        permissions={
            "contents": "read",
            "pull_requests": "write",
            "statuses": "write",
            "members": "read",
        },
    )
    head = review.world.git.git("rev-parse", "--short=8", "change").strip()
    with server.work():
        actions.comment(
            server.world,
            review.world.pull,
            review.sam,
            f"/gitops-gate override {head} site is down",
        )
    done = review.run()
    assert done.code == 0, json.dumps(review.tree, indent=1)
    assert review.tree["override"]["holds"] is True
    assert review.world.repository.full_name == NAME


def test_the_second_half_evaluates_approvals_itself(review: Review, tmp_path: Path) -> None:
    from gitops_gate.review.handover import file_digest

    report = tmp_path / "checked.json"
    review.world.event("pull_request_target", request_event(review.world))
    assert review.gate("check", "--ci", "--report", f"json={report}").code == 0
    assert json.loads(report.read_text())["approvals"] is None
    digest = file_digest(report.read_bytes())
    assert review.gate("publish", report, "--digest", digest).code == 3
    review.approve(review.rita)
    assert review.gate("publish", report, "--digest", digest).code == 0
    assert review.state == "success"


def test_a_head_of_two_pull_requests_gets_no_success(review: Review) -> None:
    """What one branch's rules allow would open the other branch as well."""
    review.approve(review.rita)
    world = review.world
    world.git.git("branch", "elsewhere", "main")
    world.server.pull(world.repository, head="change", base="elsewhere")
    assert (review.run().code, review.state) == (2, "error")
    review.push("apps/more.yaml", "x")
    with world.server.work():
        actions.close(world.server.world, world.repository.pulls[2], review.author)
    review.approve(review.rita)
    assert (review.run().code, review.state) == (0, "success")
