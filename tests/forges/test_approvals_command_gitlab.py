"""`gitops-gate approvals` on GitLab: the tree of a merge request, and nothing is written."""

from __future__ import annotations

from tests.forges.test_review_approvals_gitlab import Review
from tests.forges.test_review_approvals_gitlab import review as review  # noqa: PLC0414 - a fixture
from tests.forges.test_review_gitlab import gate as gate  # noqa: PLC0414 - a fixture
from tests.forges.test_review_gitlab import world as world  # noqa: PLC0414 - a fixture


def test_the_tree_of_a_merge_request(review: Review) -> None:
    review.world.environment["CI_COMMIT_SHA"] = review.world.rev("change")
    review.world.state.approve(review.world.mr, by="alice")
    review.world.server.forget()
    done = review.gate("approvals")
    assert done.code == 3, done.err
    assert "1 of 1 approval missing" in done.out
    assert "alice does not count: had a part in the change (contributor)" in done.out
    review.world.state.approve(review.world.mr, by="bob")
    done = review.gate("approvals")
    assert done.code == 0, done.out
    assert "approved by bob" in done.out
    assert review.world.server.writes == ()
