"""A merge train on GitLab: its commit is judged with the approvals of its merge request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.forges.gitlab import scenario
from tests.forges.test_review_approvals_gitlab import Review
from tests.forges.test_review_approvals_gitlab import review as review  # noqa: PLC0414 - a fixture
from tests.forges.test_review_github import config_map
from tests.forges.test_review_gitlab import gate as gate  # noqa: PLC0414 - a fixture
from tests.forges.test_review_gitlab import world as world  # noqa: PLC0414 - a fixture


class Train:
    """A train with the merge request in it, and what its pipeline says."""

    def __init__(self, review: Review, gate: Any) -> None:
        self.review, self.world, self.gate = review, review.world, gate
        self.before = self.world.rev("main")

    def built(self, message: str = "train", *, on: str | None = None) -> str:
        """The merge of the merge request into what is before it."""
        git = self.world.git
        git.git("checkout", "--quiet", "--detach", on or self.before)
        git.git("merge", "--quiet", "--no-ff", "-m", message, "change")
        commit = git.git("rev-parse", "HEAD").strip()
        git.git("checkout", "--quiet", "main")
        return commit

    def behind(self, files: dict[str, str]) -> str:
        """Put another merge request into the train, before this one."""
        git = self.world.git
        git.git("checkout", "--quiet", "--detach", "main")
        for path, content in files.items():
            git.write(path, content)
        self.before = git.commit()
        git.git("checkout", "--quiet", "main")
        return self.before

    def run(self, commit: str, *arguments: str, before: str | None = None) -> Any:
        self.world.environment |= {
            "CI_MERGE_REQUEST_EVENT_TYPE": "merge_train",
            "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": self.before if before is None else before,
            "CI_COMMIT_SHA": commit,
        }
        self.world.server.forget()
        return self.gate("review", "--report", f"json={self.review.file}", *arguments)

    @property
    def state(self) -> tuple[str, str]:
        status = self.world.state.statuses[-1]
        return status.sha, status.status


@pytest.fixture
def train(review: Review, gate: Any) -> Train:
    return Train(review, gate)


def test_what_was_approved_passes_and_what_was_not_fails(train: Train) -> None:
    commit = train.built()
    done = train.run(commit)
    assert (done.code, train.state) == (3, (commit, "failed")), done.err
    train.world.state.approve(train.world.mr, by="bob")
    done = train.run(commit)
    assert (done.code, train.state) == (0, (commit, "success")), done.err
    assert train.world.notes == []


def test_it_asks_little(train: Train) -> None:
    train.world.state.approve(train.world.mr, by="bob")
    train.run(train.built())
    assert len(train.world.server.log) <= 9, [one.path for one in train.world.server.log]


def test_behind_another_that_does_not_touch_it_the_approval_holds(train: Train) -> None:
    train.world.state.approve(train.world.mr, by="bob")
    train.behind({"apps/other.yaml": config_map("x", "other")})
    done = train.run(train.built())
    assert done.code == 0, json.dumps(train.review.tree, indent=1)


def test_behind_one_that_alters_what_it_does_it_is_void(train: Train) -> None:
    before = config_map("x", "long") + "".join(f"  key{n}: old\n" for n in range(9))
    train.world.commit("main", {"apps/long.yaml": before})
    train.world.git.git("checkout", "--quiet", "change")
    train.world.git.git("reset", "--quiet", "--hard", "main")
    train.world.commit("change", {"apps/long.yaml": before.replace("key8: old", "key8: new")})
    train.world.state.approve(train.world.mr, by="bob")
    train.behind({"apps/long.yaml": before.replace("name: long", "name: length")})
    assert train.run(train.built()).code == 3
    assert train.review.codes == ["result_changed"]


def test_a_stricter_rule_before_it_in_the_train_asks_as_well(train: Train) -> None:
    rules = (train.world.git.folder / ".gitops-gate.yaml").read_text()
    train.world.state.approve(train.world.mr, by="bob")
    train.behind({".gitops-gate.yaml": rules.replace("count: 1", "count: 2")})
    done = train.run(train.built())
    assert done.code == 3
    assert "by the rules of a change before it" in done.out


def test_freezes_are_as_in_a_review(train: Train) -> None:
    train.review.rules(
        "freezes:\n  - {name: year end, from: 2026-12-20T00:00:00Z, until: 2027-01-04T00:00:00Z}\n"
    )
    train.before = train.world.rev("main")
    train.world.state.approve(train.world.mr, by="bob")
    commit = train.built()
    assert train.run(commit, "--at", "2026-12-24T12:00:00Z").code == 3
    assert train.run(commit, "--at", "2027-01-05T00:00:00Z").code == 0


def test_without_the_variable_it_is_what_the_commit_was_merged_into(train: Train) -> None:
    assert train.run(train.built(), before="").code == 3
    train.world.state.approve(train.world.mr, by="bob")
    assert train.run(train.built(), before="").code == 0


class TestWhatIsNotTheTrains:
    """A variable can be set by whoever starts a pipeline; nothing is allowed by one."""

    @pytest.fixture(autouse=True)
    def _two_commits(self, train: Train) -> None:
        train.world.commit("change", {"apps/second.yaml": config_map("x", "second")})

    def undecided(self, train: Train, commit: str, before: str, says: str) -> None:
        done = train.run(commit, before=before)
        assert done.code == 2, done.out
        assert says in done.out
        assert train.state == (commit, "failed")

    def test_a_base_that_is_the_commit_itself(self, train: Train) -> None:
        commit = train.built()
        self.undecided(train, commit, commit, "is not built on")

    @pytest.mark.parametrize("revision", ["change", "change~1"])
    def test_a_base_within_the_merge_request(self, train: Train, revision: str) -> None:
        """What is left of it would need no approval, or fewer."""
        before = train.world.git.git("rev-parse", revision).strip()
        self.undecided(train, train.built(), before, "is a part of the merge request")

    def test_a_base_that_is_elsewhere(self, train: Train) -> None:
        git = train.world.git
        commit = train.built()
        elsewhere = train.behind({"apps/x.yaml": config_map("x", "x")})
        git.git("checkout", "--quiet", "main")
        self.undecided(train, commit, elsewhere, "is not built on")

    def test_a_commit_that_holds_more(self, train: Train) -> None:
        git = train.world.git
        git.git("checkout", "--quiet", "--detach", train.built())
        git.write("apps/sneaked.yaml", config_map("x", "sneaked"))
        commit = git.commit()
        git.git("checkout", "--quiet", "main")
        self.undecided(train, commit, train.before, "is not change request 7 as it is now")

    def test_a_target_that_went_on_by_itself(self, train: Train) -> None:
        train.world.git.git("update-ref", "refs/remotes/origin/main", "main")
        commit = train.built()
        train.world.commit("main", {"apps/x.yaml": config_map("x", "x")})
        self.undecided(train, commit, train.before, "in the checkout and at")

    def test_a_job_token_reads_no_approvals(self, train: Train) -> None:
        train.world.environment["GITOPS_GATE_TOKEN"] = scenario.JOB_TOKEN
        train.world.state.approve(train.world.mr, by="bob")
        done = train.run(train.built())
        assert done.code == 2
        assert "approvals could not be read" in done.out
