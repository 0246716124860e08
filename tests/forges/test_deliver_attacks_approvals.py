"""Attempts to be approved after the merge, by other rules, or by somebody who may not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.forges.delivering import READER, REF, STORE, Ground, config_map
from tests.forges.delivering import ground as ground  # noqa: PLC0414 - a fixture
from tests.forges.github import actions
from tests.forges.test_deliver_attacks import stays
from tests.forges.test_deliver_github import ratified

pytestmark = pytest.mark.slow

NEW: dict[str, str | None] = {"apps/settings.yaml": config_map("new")}
EVIL: dict[str, str | None] = {"apps/settings.yaml": config_map("evil")}
OVERRIDE = """\
approvals:
  rules:
    - name: a second pair of eyes
      require: {count: 1}
  override: {teams: [sre]}
"""


@pytest.fixture(autouse=True)
def _delivered(ground: Ground) -> None:
    assert ground.deliver().code == 0


class TestOverrides:
    @pytest.fixture
    def pull(self, ground: Ground) -> Any:
        server = ground.server
        server.team("acme", "sre", ("sam",))
        may = {"contents": "read", "pull_requests": "read", "members": "read"}
        server.token(READER, permissions=may)
        files: dict[str, str | None] = {".gitops-gate.yaml": ground.rules(approvals=OVERRIDE)}
        ground.land(ground.change("override", files))
        assert ground.deliver().code == 0
        return ground.change("new", NEW)

    def say(self, ground: Ground, pull: Any, by: str) -> Any:
        server = ground.server
        with server.work():
            words = f"/gitops-gate override {pull.head[:12]} the site is down"
            return actions.comment(server.world, pull, server.account(by), words)

    def test_one_from_before_the_merge_counts(self, ground: Ground, pull: Any) -> None:
        self.say(ground, pull, "sam")
        ground.land(pull, by=None)
        done = ground.deliver()
        assert done.code == 0, done.out + done.err
        assert ground.verify(ground.main).code == 0

    def test_one_from_after_it_does_not(self, ground: Ground, pull: Any) -> None:
        ground.land(pull, by=None)
        self.say(ground, pull, "sam")
        stays(ground, "not_approved")

    def test_one_that_a_comment_was_edited_into_after_it_does_not(
        self, ground: Ground, pull: Any
    ) -> None:
        server = ground.server
        with server.work():
            said = actions.comment(server.world, pull, server.account("sam"), "looks good")
        ground.land(pull, by=None)
        said.body = f"/gitops-gate override {pull.head[:12]} the site is down"
        said.updated_at = said.edited_at = server.world.tick()
        before = ground.delivered
        done = ground.deliver()
        assert done.code == 1
        assert ground.delivered == before

    def test_one_by_somebody_of_no_team_does_not(self, ground: Ground, pull: Any) -> None:
        self.say(ground, pull, "mallory")
        ground.land(pull, by=None)
        stays(ground, "not_approved")


class TestRulesThatChange:
    def test_owners_that_a_held_step_changed_own_nothing(self, ground: Ground) -> None:
        """The rules of the last delivered commit ask, also for what ratifies."""
        owned = "approvals:\n  codeowners: required\n"
        files: dict[str, str | None] = {
            ".gitops-gate.yaml": ground.rules(approvals=owned),
            ".github/CODEOWNERS": "* @mia\n",
        }
        owned_by_mia = ground.change("owned", files)
        ground.server.approve(owned_by_mia, by="mia")
        ground.land(owned_by_mia)
        assert ground.deliver().code == 0
        taken: dict[str, str | None] = {".github/CODEOWNERS": "* @rita\n", **EVIL}
        held = ground.server.direct(ground.shop, "main", taken, by="mia")
        ground.ratify(ground.change("ratify", ratified(held, str(ground.delivered))))
        stays(ground, "direct_push")

    def test_a_change_of_the_rules_does_not_apply_to_itself(self, ground: Ground) -> None:
        relaxed: dict[str, str | None] = {".gitops-gate.yaml": ground.rules(approvals=""), **EVIL}
        ground.land(ground.change("relax", relaxed), by=None)
        stays(ground, "not_approved")

    def test_nor_to_what_lands_on_it(self, ground: Ground) -> None:
        relaxed: dict[str, str | None] = {".gitops-gate.yaml": ground.rules(approvals="")}
        ground.land(ground.change("relax", relaxed), by=None)
        ground.land(ground.change("evil", EVIL), by=None)
        stays(ground, "not_approved")

    @pytest.mark.parametrize(
        "text",
        ["version: 1\n", "version: [\n", "", "delivery: {}\n", "version: 2\n"],
    )
    def test_rules_that_are_destroyed_stop_it_until_they_are_put_back(
        self, ground: Ground, text: str
    ) -> None:
        before = ground.delivered
        was = ground.shop.git("show", "main:.gitops-gate.yaml")
        ground.server.direct(ground.shop, "main", {".gitops-gate.yaml": text}, by="mia")
        done = ground.deliver()
        assert done.code in (1, 2), done.out + done.err
        assert "Traceback" not in done.err
        ground.land(ground.change("evil", EVIL), by=None)
        assert ground.deliver().code in (1, 2)
        assert ground.delivered == before
        back: dict[str, str | None] = {".gitops-gate.yaml": was}
        ground.land(ground.change("back", {**back, "apps/settings.yaml": config_map("old")}))
        done = ground.deliver()
        assert done.code == 0, done.out + done.err


class TestTags:
    @pytest.fixture
    def tag(self, ground: Ground) -> str:
        tag = "refs/tags/production"
        files: dict[str, str | None] = {".gitops-gate.yaml": ground.rules().replace(REF, tag)}
        ground.land(ground.change("tag", files))
        assert ground.deliver().code == 0
        assert self.at(ground, tag) == ground.main
        return tag

    def at(self, ground: Ground, ref: str) -> str:
        return str(ground.shop.git("rev-parse", ref)).strip()

    def test_are_moved_like_branches(self, ground: Ground, tag: str) -> None:
        ground.land(ground.change("new", NEW))
        done = ground.deliver()
        assert done.code == 0, done.out + done.err
        assert self.at(ground, tag) == ground.main
        verified = ground.verify(ground.main, "--ref", tag)
        assert verified.code == 0, verified.err

    def test_an_annotated_one_in_its_place_is_an_alarm(self, ground: Ground, tag: str) -> None:
        ground.shop.git(
            "-c", "user.name=x", "-c", "user.email=x@y", "tag", "-f", "-a", "-m", "x",
            "production", ground.main,
        )  # fmt: skip
        done = ground.deliver()
        assert done.code == 2, done.out
        assert "moved by somebody else" in done.out + done.err

    def test_a_branch_or_tag_of_a_like_name_misleads_nobody(self, ground: Ground, tag: str) -> None:
        ground.shop.git("update-ref", "refs/heads/production", ground.start)
        ground.shop.git("update-ref", "refs/tags/main", ground.start)
        ground.land(ground.change("new", NEW))
        assert ground.deliver().code == 0
        verified = ground.verify(ground.main, "--ref", tag)
        assert verified.code == 0, verified.err


@pytest.mark.parametrize("kind", ["heads", "tags"])
@pytest.mark.parametrize("ref", [REF, STORE])
def test_a_branch_or_tag_in_the_full_name_of_a_ref_is_named(
    ground: Ground, kind: str, ref: str
) -> None:
    """Git would not know which of both a push is meant for, and neither would its reader."""
    strange = f"refs/{kind}/{ref}"
    ground.shop.git("update-ref", strange, ground.start)
    ground.land(ground.change("new", NEW))
    before = ground.delivered
    done = ground.deliver()
    assert done.code == 2, done.out
    assert f"git push origin --delete {strange}" in done.out + done.err
    assert ground.delivered == before
    ground.shop.git("update-ref", "-d", strange)
    assert ground.deliver().code == 0
