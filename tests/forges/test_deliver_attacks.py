"""Attempts to have something delivered that nobody approved, by whoever may write to the branch."""

from __future__ import annotations

import pytest

from tests.forges.delivering import Ground, config_map
from tests.forges.delivering import ground as ground  # noqa: PLC0414 - a fixture
from tests.forges.test_deliver_github import ratified

pytestmark = pytest.mark.slow

EVIL = {"apps/settings.yaml": config_map("evil")}
INNOCENT = {"apps/more.yaml": config_map("one", "more")}


def stays(ground: Ground, *codes: str, exit_code: int = 1) -> str:
    """What holds the ref where it is."""
    before, attested = ground.delivered, ground.attested
    done = ground.deliver()
    assert done.code == exit_code, done.out + done.err
    assert (ground.delivered, ground.attested) == (before, attested)
    if codes:
        assert done.hold in codes, done.out
    return done.out + done.err


class TestARatificationThatNobodySaw:
    @pytest.fixture(autouse=True)
    def _delivered(self, ground: Ground) -> None:
        assert ground.deliver().code == 0

    def test_an_entry_that_was_pushed_directly_lets_no_other_change_go_past(
        self, ground: Ground
    ) -> None:
        evil = ground.server.direct(ground.shop, "main", EVIL, by="mia")
        ground.server.direct(ground.shop, "main", ratified(evil, str(ground.delivered)), by="mia")
        ground.land(ground.change("innocent", INNOCENT))
        stays(ground, "direct_push")

    def test_nor_one_that_was_pushed_directly_between_two_others(self, ground: Ground) -> None:
        ground.land(ground.change("first", INNOCENT))
        evil = ground.server.direct(ground.shop, "main", EVIL, by="mia")
        files = ratified(evil, str(ground.delivered))
        ground.server.direct(ground.shop, "main", files, by="mia")
        ground.land(ground.change("second", {"apps/two.yaml": config_map("two", "two")}))
        done = ground.deliver()
        assert (done.code, done.hold) == (1, "direct_push")
        assert ground.delivered == done.one["steps"][-1]["commits"][-1]

    def test_one_that_landed_unapproved_is_mended_by_ratifying_that_too(
        self, ground: Ground
    ) -> None:
        since = str(ground.delivered)
        evil = ground.server.direct(ground.shop, "main", EVIL, by="mia")
        ground.land(ground.change("ratify", ratified(evil, since)), by=None)
        stays(ground, "direct_push")
        file = ".gitops-gate/ratified.yaml"
        both = (ratified(evil, since)[file] or "") + (ratified(ground.main, since)[file] or "")
        ground.ratify(ground.change("again", {file: both}))
        done = ground.deliver()
        assert done.code == 0, done.out + done.err
        assert ground.verify(ground.main).code == 0

    def test_an_entry_that_goes_on_from_an_older_commit_than_the_delivered_one(
        self, ground: Ground
    ) -> None:
        ground.land(ground.change("first", INNOCENT))
        older = str(ground.delivered)
        assert ground.deliver().code == 0
        evil = ground.server.direct(ground.shop, "main", EVIL, by="mia")
        ground.ratify(ground.change("ratify", ratified(evil, older)))
        stays(ground, "direct_push")

    def test_an_approval_from_before_the_step_that_is_ratified(self, ground: Ground) -> None:
        pull = ground.change("ratify", ratified("a" * 40, str(ground.delivered)))
        ground.server.approve(pull, by="rita")
        evil = ground.server.direct(ground.shop, "main", EVIL, by="mia")
        ground.commit("ratify", {**EVIL, **ratified(evil, str(ground.delivered))})
        ground.land(pull, by=None)
        stays(ground, "direct_push")

    def test_an_evil_part_that_renders_to_nothing_is_approved_as_well(self, ground: Ground) -> None:
        pipeline = {".github/workflows/deploy.yml": "on: push\njobs: {}\n"}
        pull = ground.change("new", INNOCENT)
        ground.server.approve(pull, by="rita")
        held = ground.server.direct(ground.shop, "main", pipeline, by="mia")
        assert held == ground.main
        ground.land(pull, by=None)
        stays(ground, "direct_push")
