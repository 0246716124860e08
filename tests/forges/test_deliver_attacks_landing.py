"""Attempts to pass off as an approved change what landed in another way, or to confuse Git."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.forges.delivering import REF, STORE, Ground, config_map
from tests.forges.delivering import ground as ground  # noqa: PLC0414 - a fixture
from tests.forges.github import actions
from tests.forges.test_deliver_attacks import stays

pytestmark = pytest.mark.slow

NEW: dict[str, str | None] = {"apps/settings.yaml": config_map("new")}
EVIL: dict[str, str | None] = {"apps/settings.yaml": config_map("evil")}


@pytest.fixture(autouse=True)
def _delivered(ground: Ground) -> None:
    assert ground.deliver().code == 0


class TestApprovalsOfSomethingElse:
    def test_of_a_stacked_change_that_was_retargeted(self, ground: Ground) -> None:
        """The reviewer saw what it adds to another branch, in which the evil part was already."""
        server, ann = ground.server, ground.server.account("ann")
        ground.commit("below", EVIL, start=ground.main)
        ground.commit(
            "above", {"apps/more.yaml": config_map("a", "more")}, start=ground.tip("below")
        )
        pull = server.pull(ground.shop, head="above", base="below", author=ann, title="Above")
        server.approve(pull, by="rita")
        with server.work():
            actions.retarget(server.world, ground.shop, pull, "main")
        ground.land(pull, by=None)
        stays(ground, "not_approved")

    def test_dismissed_after_the_merge_it_is_none_any_more(self, ground: Ground) -> None:
        pull = ground.change("new", NEW)
        review = ground.server.approve(pull, by="rita")
        ground.land(pull, by=None)
        with ground.server.work():
            world, ann = ground.server.world, ground.server.account("ann")
            actions.dismiss(world, pull, review, ann, "no")
        stays(ground, "not_approved")

    @pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
    def test_what_is_pushed_to_the_branch_after_the_merge(
        self, ground: Ground, method: str
    ) -> None:
        pull = ground.change("new", NEW)
        ground.land(pull, method=method)
        ground.commit("new", EVIL)
        done = ground.deliver()
        assert done.code == 0, done.out + done.err
        assert ground.delivered == ground.main
        assert "new" in ground.shop.git("show", f"{REF}:apps/settings.yaml")


class TestTheSameHeadTwice:
    def test_somebody_elses_pull_request_of_it_stops_nothing(self, ground: Ground) -> None:
        """It is closed as merged with the other one, and nobody approved it."""
        pull = ground.change("new", NEW)
        mallory = ground.server.account("mallory")
        ground.shop.git("update-ref", "refs/heads/copy", pull.head)
        with ground.server.work():
            actions.sync(ground.server.world)
        copy = ground.server.pull(ground.shop, head="copy", author=mallory, title="Mine")
        ground.land(pull)
        assert copy.merged_at is not None
        done = ground.deliver()
        assert done.code == 0, done.out + done.err
        assert ground.delivered == ground.main
        assert ground.verify(ground.main).code == 0

    def test_without_an_approval_of_either_it_stays(self, ground: Ground) -> None:
        pull = ground.change("new", NEW)
        ground.shop.git("update-ref", "refs/heads/copy", pull.head)
        with ground.server.work():
            actions.sync(ground.server.world)
        ground.server.pull(
            ground.shop, head="copy", author=ground.server.account("rita"), title="Mine"
        )
        ground.land(pull, by=None)
        stays(ground, "not_approved")


class TestStrangeHistory:
    def test_a_commit_that_changes_nothing_pushed_directly(self, ground: Ground) -> None:
        ground.server.direct(ground.shop, "main", {}, by="mia")
        stays(ground, "direct_push")

    def test_one_behind_a_change_that_was_rebased(self, ground: Ground) -> None:
        ground.land(ground.change("new", NEW), method="rebase")
        landed = ground.main
        ground.server.direct(ground.shop, "main", {}, by="mia")
        done = ground.deliver()
        assert (done.code, done.hold) == (1, "direct_push"), done.out
        assert ground.delivered == landed

    def test_a_merge_whose_second_parent_was_there_already(self, ground: Ground) -> None:
        ground.server.direct(ground.shop, "main", EVIL, parents=(ground.main, ground.start))
        stays(ground)

    def test_a_root_commit(self, ground: Ground) -> None:
        root = ground.shop.git(
            "-c", "user.name=x", "-c", "user.email=x@y",
            "commit-tree", f"{ground.main}^{{tree}}", "-m", "root",
        ).strip()  # fmt: skip
        ground.server.force(ground.shop, "main", root, by="mia")
        stays(ground, "history")

    def test_an_evil_merge_inside_of_a_change_is_seen_with_it(self, ground: Ground) -> None:
        """A merge commit in the middle of a branch holds what nobody merged: it is shown."""
        pull = ground.change("new", NEW)
        ground.server.approve(pull, by="rita")
        ground.land(ground.change("other", {"apps/other.yaml": config_map("a", "other")}))
        files: dict[str, str | None] = {"apps/hidden.yaml": config_map("evil", "hidden")}
        head = ground.tip("new")
        ground.server.direct(ground.shop, "new", files, parents=(head, ground.main), by="ann")
        ground.land(pull, by=None)
        stays_at = ground.delivered
        done = ground.deliver()
        assert (done.code, done.hold) == (1, "not_approved"), done.out
        assert ground.delivered != ground.main
        assert stays_at != ground.delivered

    def test_an_update_of_a_change_from_the_branch_keeps_its_approval(self, ground: Ground) -> None:
        pull = ground.change("new", NEW)
        ground.server.approve(pull, by="rita")
        ground.land(ground.change("other", {"other/other.yaml": config_map("a", "other")}))
        head = ground.tip("new")
        ground.server.direct(ground.shop, "new", {}, parents=(head, ground.main), by="ann")
        ground.land(pull, by=None)
        done = ground.deliver()
        assert done.code == 0, done.out + done.err

    def test_criss_cross_merges(self, ground: Ground) -> None:
        one = ground.commit("one", {"apps/one.yaml": config_map("a", "one")}, start=ground.main)
        two = ground.commit("two", {"apps/two.yaml": config_map("b", "two")}, start=ground.main)
        server = ground.server
        server.direct(ground.shop, "one", {}, parents=(one, two), by="ann")
        server.direct(ground.shop, "two", {}, parents=(two, one), by="ann")
        ground.commit("one", {"apps/one.yaml": config_map("aa", "one")})
        ground.commit("two", {"apps/two.yaml": config_map("bb", "two")})
        ann = server.account("ann")
        for name in ("one", "two"):
            ground.land(server.pull(ground.shop, head=name, author=ann, title=name))
        done = ground.deliver()
        assert done.code == 0, done.out + done.err

    def test_symbolic_links_and_submodules_stop_it_in_words(self, ground: Ground) -> None:
        git = ground.shop.git
        link = git("hash-object", "-w", "--stdin", stdin=b"/etc/passwd").strip()
        entries = git("ls-tree", ground.main)
        entries += f"120000 blob {link}\tlink.yaml\n160000 commit {ground.start}\tmodule\n"
        tree = git("mktree", stdin=entries.encode()).strip()
        made = git(
            "-c", "user.name=ann", "-c", "user.email=ann@example.com",
            "commit-tree", tree, "-p", ground.main, "-m", "links",
        ).strip()  # fmt: skip
        git("update-ref", "refs/heads/links", made)
        with ground.server.work():
            actions.sync(ground.server.world)
        ann = ground.server.account("ann")
        ground.land(ground.server.pull(ground.shop, head="links", author=ann, title="Links"))
        done = ground.deliver()
        assert done.code in (0, 1, 2)
        assert "Traceback" not in done.err
        assert "root:" not in done.out + done.err


class TestTheCheckout:
    """What the job's checkout holds decides nothing."""

    def deliver_from(self, ground: Ground, clone: Path) -> Any:
        return ground.run("deliver", "--format", "json", "--repo", str(clone))

    def test_its_replacements_grafts_attributes_and_hooks(self, ground: Ground) -> None:
        ground.server.direct(ground.shop, "main", EVIL, by="mia")
        clone = ground.clone()

        def git(*arguments: str) -> str:
            command = ["git", "-C", str(clone), *arguments]
            return subprocess.run(command, check=True, capture_output=True).stdout.decode().strip()

        git("replace", ground.main, str(ground.delivered))
        (clone / ".git/info/grafts").write_text(f"{ground.main} {ground.start}\n")
        (clone / ".git/info/attributes").write_text("* merge=evil filter=evil\n")
        git("config", "merge.evil.driver", f"touch {clone}/ran")
        git("config", "filter.evil.smudge", f"touch {clone}/ran")
        git("config", "core.fsmonitor", f"touch {clone}/ran")
        git("config", "core.sshCommand", f"touch {clone}/ran")
        git("config", "credential.helper", f"!touch {clone}/ran")
        git("config", "url.http://127.0.0.1:1/.insteadOf", ground.server.origin)
        hook = clone / ".git/hooks/pre-push"
        hook.write_text(f"#!/bin/sh\ntouch {clone}/ran\n")
        hook.chmod(0o755)
        before = ground.delivered
        done = self.deliver_from(ground, clone)
        assert (done.code, done.hold) == (1, "direct_push"), done.out + done.err
        assert ground.delivered == before
        assert not (clone / "ran").exists()

    def test_its_delivery_ref_and_attestations(self, ground: Ground) -> None:
        ground.land(ground.change("new", NEW))
        clone = ground.clone()
        for ref in (REF, STORE):
            short = ref.removeprefix("refs/heads/")
            for name in (ref, f"refs/remotes/origin/{short}"):
                subprocess.run(
                    ["git", "-C", str(clone), "update-ref", name, ground.start], check=True
                )
        done = self.deliver_from(ground, clone)
        assert done.code == 0, done.out + done.err
        assert ground.delivered == ground.main

    @pytest.mark.parametrize("hydrate", ["", ", hydrate: true"])
    def test_one_branch_of_the_repository_is_enough(self, ground: Ground, hydrate: str) -> None:
        files: dict[str, str | None] = {
            ".gitops-gate.yaml": ground.rules(hydrate=hydrate).replace(REF, f"{REF}-2")
        }
        ground.land(ground.change("configure", files))
        for number in range(3):
            more: dict[str, str | None] = {"apps/settings.yaml": config_map(f"v{number}")}
            ground.land(ground.change(f"change-{number}", more))
            thin = ground.folder / f"thin-{number}"
            url = f"file://{ground.shop.git.path}"
            options = ["--quiet", "--single-branch", "--depth=1"]
            subprocess.run(["git", "clone", *options, url, str(thin)], check=True)
            done = self.deliver_from(ground, thin)
            assert done.code == 0, done.out + done.err
