"""Deliveries from a GitHub of our own: what lands is delivered, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.forges.delivering import (
    ID,
    READER,
    REF,
    STORE,
    Ground,
    config_map,
)
from tests.forges.delivering import ground as ground  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.slow


def ratified(held: str, after: str) -> dict[str, str | None]:
    """The file of ratified steps with one entry."""
    entry = {"commit": held, "after": after, "reason": "it was looked at", "owner": "sre"}
    lines = "".join(f"  {key}: {value}\n" for key, value in entry.items())
    return {".gitops-gate/ratified.yaml": "-" + lines[1:]}


def test_the_first_delivery_begins_after_the_commit_that_the_configuration_names(
    ground: Ground,
) -> None:
    done = ground.deliver()
    assert done.code == 0, done.out + done.err
    assert done.one["outcome"] == "delivered"
    assert ground.delivered == ground.main
    assert done.one["attestation"]["sequence"] == 1


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_what_was_approved_is_delivered_however_it_was_merged(ground: Ground, method: str) -> None:
    ground.deliver()
    pull = ground.change("new", {"apps/settings.yaml": config_map("new")})
    ground.commit("new", {"apps/more.yaml": config_map("more", "more")})
    tip = ground.land(pull, method=method)
    done = ground.deliver()
    assert done.code == 0, done.out + done.err
    assert ground.delivered == tip
    (step,) = done.one["steps"]
    assert step["method"] == method
    assert step["changes"][0]["number"] == pull.number


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_group_of_the_merge_queue_is_delivered_step_by_step(ground: Ground, method: str) -> None:
    assert ground.deliver().code == 0
    one = ground.change("one", {"apps/one.yaml": config_map("one", "one")})
    two = ground.change("two", {"apps/two.yaml": config_map("two", "two")})
    for pull in (one, two):
        ground.server.approve(pull, by="rita")
        ground.server.enqueue(ground.shop, pull, method=method, by="mia")
    ground.server.land_queue(ground.shop)
    done = ground.deliver()
    assert done.code == 0, done.out + done.err
    assert ground.delivered == ground.main
    numbers = [step["changes"][0]["number"] for step in done.one["steps"]]
    assert numbers == [one.number, two.number]
    assert ground.verify(ground.main).code == 0


def test_what_nobody_approved_stays_where_it_is(ground: Ground) -> None:
    ground.deliver()
    before = ground.delivered
    ground.land(ground.change("new", {"apps/settings.yaml": config_map("new")}), by=None)
    done = ground.deliver()
    assert done.code == 1, done.out + done.err
    assert done.hold == "not_approved"
    assert ground.delivered == before


def test_a_delivered_commit_verifies_offline(ground: Ground) -> None:
    ground.deliver()
    ground.land(ground.change("new", {"apps/settings.yaml": config_map("new")}), method="squash")
    assert ground.deliver().code == 0
    ground.server.forget()
    done = ground.verify(ground.main)
    assert done.code == 0, done.out + done.err
    assert "approved by rita" in done.out
    assert len(ground.server.log) == 0


def test_what_was_delivered_last_can_be_asked_for(ground: Ground) -> None:
    assert ground.deliver().code == 0
    older = ground.main
    ground.land(ground.change("new", {"apps/settings.yaml": config_map("new")}))
    assert ground.deliver().code == 0
    assert ground.verify(older, "--no-replay").code == 0
    done = ground.verify(older, "--no-replay", "--newest")
    assert done.code == 1
    assert "is not what was delivered last" in done.err
    assert ground.verify(ground.main, "--no-replay", "--newest").code == 0


def test_a_job_can_keep_the_attestation(ground: Ground) -> None:
    folder = ground.folder / "kept"
    assert ground.deliver("--keep", folder).code == 0
    (file,) = folder.rglob("*.intoto.jsonl")
    stored = ground.shop.git("show", f"{STORE}:{file.relative_to(folder)}")
    assert file.read_text() == stored


def test_a_dry_run_needs_no_signing_key_but_one_to_read_with(ground: Ground) -> None:
    assert ground.deliver().code == 0
    ground.land(ground.change("new", {"apps/settings.yaml": config_map("new")}))
    ground.environment["GITOPS_GATE_SIGNING_KEY"] = ""
    assert ground.deliver("--dry-run").code == 2
    done = ground.deliver("--dry-run", "--trusted-key", ground.key)
    assert (done.code, done.one["outcome"]) == (0, "dry-run")


def test_blame_says_who_approved_by_the_attestation(ground: Ground) -> None:
    assert ground.deliver().code == 0
    pull = ground.change("new", {"apps/settings.yaml": config_map("new")})
    ground.land(pull)
    assert ground.deliver().code == 0
    about = ("apps", "--branch", ground.main, "--repo", str(ground.clone()))
    done = ground.run("blame", *about, "--key", ground.key, "--repository-id", ID)
    assert done.code == 0, done.out + done.err
    assert f"change request {pull.number}, approved by rita (attested)" in done.out


class TestWhatIsHeld:
    """Every way past a review: the ref stays, and the reason is named."""

    @pytest.fixture(autouse=True)
    def _delivered(self, ground: Ground) -> None:
        assert ground.deliver().code == 0

    def held(self, ground: Ground, code: str, *, exit_code: int = 1) -> str:
        before, attested = ground.delivered, ground.attested
        done = ground.deliver()
        assert done.code == exit_code, done.out + done.err
        assert done.hold == code
        assert ground.delivered == before
        assert ground.attested == attested
        return str(done.one["hold"]["message"])

    def test_a_direct_push(self, ground: Ground) -> None:
        ground.server.direct(ground.shop, "main", {"apps/settings.yaml": config_map("x")}, by="mia")
        assert "pushed directly" in self.held(ground, "direct_push")

    def test_a_direct_push_that_relaxes_the_rules(self, ground: Ground) -> None:
        files = {
            ".gitops-gate.yaml": ground.rules(approvals=""),
            "apps/settings.yaml": config_map("x"),
        }
        ground.server.direct(ground.shop, "main", files, by="mia")
        self.held(ground, "direct_push")

    def test_what_lands_after_a_direct_push_that_relaxed_the_rules(self, ground: Ground) -> None:
        relaxed = {".gitops-gate.yaml": ground.rules(approvals="")}
        ground.server.direct(ground.shop, "main", relaxed, by="mia")
        ground.land(ground.change("new", {"apps/settings.yaml": config_map("x")}), by=None)
        self.held(ground, "direct_push")

    def test_an_evil_merge(self, ground: Ground) -> None:
        pull = ground.change("new", {"apps/settings.yaml": config_map("new")})
        ground.server.approve(pull, by="rita")
        files = {"apps/settings.yaml": config_map("evil")}
        ground.server.direct(ground.shop, "main", files, parents=(ground.main, pull.head))
        assert "something else" in self.held(ground, "not_reproduced")

    def test_a_merge_that_an_administrator_forced(self, ground: Ground) -> None:
        ground.land(ground.change("new", {"apps/settings.yaml": config_map("new")}), by=None)
        assert "a second pair of eyes" in self.held(ground, "not_approved")

    def test_approvals_that_were_given_after_the_merge(self, ground: Ground) -> None:
        pull = ground.change("new", {"apps/settings.yaml": config_map("new")})
        ground.land(pull, by=None)
        ground.server.approve(pull, by="rita")
        self.held(ground, "not_approved")

    def test_approvals_that_were_for_another_content(self, ground: Ground) -> None:
        pull = ground.change("new", {"apps/settings.yaml": config_map("new")})
        ground.server.approve(pull, by="rita")
        ground.commit("new", {"apps/settings.yaml": config_map("evil")})
        ground.land(pull, by=None)
        self.held(ground, "not_approved")

    def test_the_author_approving(self, ground: Ground) -> None:
        pull = ground.change("new", {"apps/settings.yaml": config_map("new")})
        ground.land(pull, by="ann")
        self.held(ground, "not_approved")

    def test_a_force_push(self, ground: Ground) -> None:
        ground.land(ground.change("new", {"apps/settings.yaml": config_map("new")}))
        assert ground.deliver().code == 0
        files = {".gitops-gate.yaml": ground.rules(), "apps/settings.yaml": config_map("x")}
        other = ground.server.direct(ground.shop, "main", files, parents=(ground.start,))
        assert ground.main == other
        assert "force-pushed" in self.held(ground, "history")

    def test_a_merge_of_three_parents(self, ground: Ground) -> None:
        one = ground.change("one", {"apps/one.yaml": config_map("1", "one")})
        two = ground.change("two", {"apps/two.yaml": config_map("2", "two")})
        for pull in (one, two):
            ground.server.approve(pull, by="rita")
        files = {
            "apps/one.yaml": config_map("1", "one"),
            "apps/two.yaml": config_map("2", "two"),
        }
        parents = (ground.main, one.head, two.head)
        ground.server.direct(ground.shop, "main", files, parents=parents)
        self.held(ground, "octopus")

    def test_a_merge_in_the_wrong_direction(self, ground: Ground) -> None:
        pull = ground.change("new", {"apps/settings.yaml": config_map("new")}, start=ground.start)
        ground.server.approve(pull, by="rita")
        ground.server.direct(ground.shop, "main", {}, parents=(pull.head, ground.main))
        self.held(ground, "history")

    def test_a_change_that_is_pushed_again_after_it_was_reverted(self, ground: Ground) -> None:
        pull = ground.change("new", {"apps/settings.yaml": config_map("new")})
        ground.land(pull)
        revert = ground.server.revert(pull, by="mia")
        ground.land(revert)
        assert ground.deliver().code == 0
        tip = ground.main
        ground.server.direct(
            ground.shop, "main", {"apps/settings.yaml": config_map("new")}, parents=(tip, pull.head)
        )
        done = ground.deliver()
        assert done.hold in ("direct_push", "landed_twice", "not_reproduced")
        assert ground.delivered == tip

    def test_a_direct_push_below_a_change_that_was_approved(self, ground: Ground) -> None:
        ground.server.direct(ground.shop, "main", {"apps/settings.yaml": config_map("x")}, by="mia")
        pull = ground.change("new", {"apps/more.yaml": config_map("new", "more")})
        ground.land(pull, method="rebase")
        self.held(ground, "direct_push")

    def test_a_tree_that_does_not_render_any_more(self, ground: Ground) -> None:
        broken = {"charts/bad/Chart.yaml": "name: bad\n", "apps/kustomization.yaml": "x: [\n"}
        ground.land(ground.change("bad", broken))
        done = ground.deliver()
        assert done.code in (1, 2)
        assert ground.delivered != ground.main


class TestARefThatOthersTouched:
    """An alarm, and never a place to go on from."""

    def alarm(self, ground: Ground, words: str) -> None:
        before = ground.delivered, ground.attested
        done = ground.deliver()
        assert done.code == 2
        assert words in done.out + done.err
        assert (ground.delivered, ground.attested) == before

    def test_made_by_hand_before_the_first_delivery(self, ground: Ground) -> None:
        ground.server.force(ground.shop, REF.removeprefix("refs/heads/"), ground.main, by="mia")
        self.alarm(ground, "nothing attests")

    def test_moved(self, ground: Ground) -> None:
        ground.deliver()
        ground.server.force(ground.shop, REF.removeprefix("refs/heads/"), ground.start, by="mia")
        self.alarm(ground, "moved by somebody else")

    def test_deleted(self, ground: Ground) -> None:
        ground.deliver()
        ground.shop.git("update-ref", "-d", REF)
        self.alarm(ground, "was deleted")

    def test_the_newest_attestation_taken_off(self, ground: Ground) -> None:
        ground.deliver()
        first = str(ground.attested)
        ground.land(ground.change("new", {"apps/settings.yaml": config_map("new")}))
        ground.deliver()
        ground.server.force(ground.shop, STORE.removeprefix("refs/heads/"), first, by="mia")
        self.alarm(ground, "moved by somebody else")

    def test_all_attestations_taken_off(self, ground: Ground) -> None:
        ground.deliver()
        ground.shop.git("update-ref", "-d", STORE)
        self.alarm(ground, "nothing attests")


class TestFaults:
    """Whatever fails, a re-run ends right, and a ref never moves without its attestation."""

    @pytest.fixture(autouse=True)
    def _one_to_deliver(self, ground: Ground) -> None:
        assert ground.deliver().code == 0
        ground.land(ground.change("new", {"apps/settings.yaml": config_map("new")}))

    def consistent(self, ground: Ground) -> None:
        done = ground.deliver()
        assert done.code == 0, done.out + done.err
        assert ground.delivered == ground.main
        assert ground.verify(ground.main).code == 0

    def test_a_push_that_is_rejected(self, ground: Ground) -> None:
        before = ground.delivered
        ground.server.pushes.reject("no, thank you", times=1)
        done = ground.deliver()
        assert done.code == 2
        assert "no, thank you" in done.out + done.err
        assert ground.delivered == before
        self.consistent(ground)

    @pytest.mark.parametrize("stored", [False, True])
    def test_a_forge_that_dies_while_it_is_pushed_to(self, ground: Ground, stored: bool) -> None:
        ground.server.pushes.die(stored=stored)
        done = ground.deliver()
        assert done.code == 0, done.out + done.err
        self.consistent(ground)

    def test_a_forge_that_is_down(self, ground: Ground) -> None:
        before = ground.delivered
        ground.server.lookups.down(times=None)
        assert ground.deliver().code == 2
        assert ground.delivered == before
        ground.server.faults.clear()
        self.consistent(ground)

    def test_a_forge_that_lags_behind_the_merge(self, ground: Ground) -> None:
        ground.server.lookups.lag(times=1)
        self.consistent(ground)

    def test_a_forge_that_answers_twice(self, ground: Ground) -> None:
        ground.server.lookups.twice()
        self.consistent(ground)

    def test_another_run_that_is_faster(self, ground: Ground) -> None:
        raced: list[int] = []

        def other() -> None:
            if not raced:
                raced.append(1)
                ground.shop.git("update-ref", STORE, ground.attested or "", ground.attested or "")

        ground.server.pushes.overtaken(other)
        self.consistent(ground)


class TestAHoldIsMended:
    """By a change request, and by nothing else."""

    @pytest.fixture
    def held(self, ground: Ground) -> str:
        assert ground.deliver().code == 0
        ground.server.direct(ground.shop, "main", {"apps/settings.yaml": config_map("x")}, by="mia")
        assert ground.deliver().hold == "direct_push"
        return ground.main

    def test_a_revert_goes_on_past_it(self, ground: Ground, held: str) -> None:
        undone = ground.change("undo", {"apps/settings.yaml": config_map("old")})
        ground.land(undone)
        done = ground.deliver()
        assert done.code == 0, done.out + done.err
        assert ground.delivered == ground.main
        assert done.one["steps"][0]["ratifies"] == [held]

    def test_a_ratification_goes_on_past_it(self, ground: Ground, held: str) -> None:
        ground.ratify(ground.change("ratify", ratified(held, str(ground.delivered))))
        done = ground.deliver()
        assert done.code == 0, done.out + done.err
        assert done.one["steps"][0]["ratifies"] == [held]
        assert ground.verify(ground.main).code == 0
        assert ground.verify(held).code == 2

    def test_whoever_pushed_it_does_not_ratify_it(self, ground: Ground, held: str) -> None:
        pull = ground.change("ratify", ratified(held, str(ground.delivered)))
        ground.server.approve(pull, by="mia")
        ground.land(pull)
        done = ground.deliver()
        assert (done.code, done.hold) == (1, "direct_push")
        assert "does not mend that: when it landed, approvals are missing" in done.out

    def test_nor_do_approvals_from_when_its_entry_was_on_the_branch_already(
        self, ground: Ground, held: str
    ) -> None:
        """Then the review showed nothing of what is held."""
        entry = ratified(held, str(ground.delivered))
        pull = ground.change("ratify", entry)
        ground.server.direct(ground.shop, "main", entry, by="mia")
        for person in ("rita", "sam"):
            ground.server.approve(pull, by=person)
        ground.server.force(ground.shop, "main", held, by="mia")
        ground.land(pull, by=None)
        assert ground.deliver().hold == "direct_push"

    def test_a_ratification_that_nobody_approved_does_not(self, ground: Ground, held: str) -> None:
        ground.land(ground.change("ratify", ratified(held, str(ground.delivered))), by=None)
        done = ground.deliver()
        assert (done.code, done.hold) == (1, "direct_push")
        assert "does not mend that: when it landed, approvals are missing" in done.out

    def test_nor_one_that_does_not_stand_on_what_is_held(self, ground: Ground, held: str) -> None:
        pull = ground.change(
            "ratify", ratified(held, str(ground.delivered)), start=ground.delivered
        )
        ground.land(pull)
        assert ground.deliver().hold == "direct_push"

    def test_nor_one_of_another_step(self, ground: Ground, held: str) -> None:
        ground.ratify(ground.change("ratify", ratified("a" * 40, str(ground.delivered))))
        assert ground.deliver().hold == "direct_push"

    def test_nor_one_that_was_given_before_more_was_pushed(self, ground: Ground, held: str) -> None:
        pull = ground.change("ratify", ratified(held, str(ground.delivered)))
        ground.server.approve(pull, by="rita")
        ground.server.direct(ground.shop, "main", {"apps/settings.yaml": config_map("y")}, by="mia")
        ground.land(pull, by=None)
        assert ground.deliver().hold == "direct_push"

    def test_what_lands_meanwhile_waits(self, ground: Ground, held: str) -> None:
        ground.land(ground.change("more", {"apps/more.yaml": config_map("one", "more")}))
        assert ground.deliver().hold == "direct_push"
        ground.ratify(ground.change("ratify", ratified(held, str(ground.delivered))))
        done = ground.deliver()
        assert done.code == 0, done.out + done.err
        assert len(done.one["steps"][0]["ratifies"]) == 2


class TestWhereTo:
    """A branch of its own commits, of manifests, or a tag."""

    def configure(self, ground: Ground, **more: str) -> None:
        ground.land(ground.change("configure", {".gitops-gate.yaml": ground.rules(**more)}))

    def test_a_hydrated_ref_carries_plain_manifests(self, ground: Ground) -> None:
        self.configure(ground, hydrate=", hydrate: true")
        done = ground.deliver()
        assert done.code == 0, done.out + done.err
        assert ground.delivered not in (None, ground.main)
        files = ground.shop.git("ls-tree", "-r", "--name-only", str(ground.delivered)).split()
        assert any(file.endswith("settings.yaml") for file in files)
        assert ground.verify(ground.main).code == 0
        ground.land(ground.change("new", {"apps/settings.yaml": config_map("new")}))
        before = ground.delivered
        assert ground.deliver().code == 0
        assert ground.shop.git("rev-parse", f"{ground.delivered}^").strip() == before
        assert ground.verify(str(ground.delivered)).code == 0

    def test_a_tag_moves_with_the_branch(self, ground: Ground) -> None:
        text = ground.rules().replace(REF, "refs/tags/production")
        ground.land(ground.change("configure", {".gitops-gate.yaml": text}))
        assert ground.deliver().code == 0
        ground.land(ground.change("new", {"apps/settings.yaml": config_map("new")}))
        done = ground.deliver()
        assert done.code == 0, done.out + done.err
        assert ground.shop.git("rev-parse", "refs/tags/production").strip() == ground.main
        assert ground.verify(ground.main).code == 0

    def test_several_refs_of_one_branch(self, ground: Ground) -> None:
        text = ground.rules().replace(
            f"main: {{ref: {REF}, start: {ground.start}}}",
            f"main: [{{ref: {REF}, start: {ground.start}}}, "
            f"{{ref: refs/heads/deploy/plain, start: {ground.start}, hydrate: true}}]",
        )
        ground.land(ground.change("configure", {".gitops-gate.yaml": text}))
        done = ground.deliver()
        assert done.code == 0, done.out + done.err
        assert [one["ref"] for one in done.deliveries] == [REF, "refs/heads/deploy/plain"]
        assert ground.delivered == ground.main
        assert ground.verify(ground.main, "--ref", "refs/heads/deploy/plain").code == 0


class TestWhatHoldsForAWhile:
    def test_a_freeze_is_judged_when_the_ref_moves(self, ground: Ground) -> None:
        assert ground.deliver().code == 0
        freeze = (
            "freezes:\n  - {name: year end, from: 2027-01-01T00:00:00Z, "
            "until: 2027-01-04T00:00:00Z}\n"
        )
        ground.land(ground.change("freeze", {".gitops-gate.yaml": ground.rules(more=freeze)}))
        assert ground.deliver().code == 0
        ground.land(ground.change("new", {"apps/settings.yaml": config_map("new")}))
        before = ground.delivered
        done = ground.deliver("--at", "2027-01-02")
        assert (done.code, done.hold) == (3, "frozen")
        assert "opens again at 2027-01-04" in done.out
        assert ground.delivered == before
        assert ground.deliver("--at", "2027-01-05").code == 0

    def test_a_dry_run_moves_nothing(self, ground: Ground) -> None:
        done = ground.deliver("--dry-run")
        assert (done.code, done.one["outcome"]) == (0, "dry-run")
        assert (ground.delivered, ground.attested) == (None, None)

    def test_advisory_rules_never_deliver(self, ground: Ground) -> None:
        assert ground.deliver().code == 0
        rules = ground.rules(more="gate: {mode: advisory}\n")
        ground.land(ground.change("advise", {".gitops-gate.yaml": rules}))
        assert ground.deliver().code == 0
        ground.land(ground.change("new", {"apps/settings.yaml": config_map("new")}))
        assert ground.deliver().hold == "advisory"


class TestTheReviewOfARatification:
    """Shows and asks for everything since the last delivered commit."""

    def review(self, ground: Ground, number: int) -> tuple[int, dict[str, Any]]:
        file = ground.folder / "report.json"
        ground.server.token(
            READER, permissions={"contents": "read", "pull_requests": "write", "statuses": "write"}
        )
        pull = ground.shop.pulls[number]
        payload = {
            "number": number,
            "pull_request": {
                "number": number,
                "base": {"ref": "main", "sha": ground.main},
                "head": {"ref": pull.head_ref, "sha": pull.head},
            },
        }
        Path(ground.environment["GITHUB_EVENT_PATH"]).write_text(json.dumps(payload))
        ground.environment["GITHUB_EVENT_NAME"] = "pull_request_target"
        clone = ground.clone()
        done = ground.run("review", "--report", f"json={file}", "--repo", str(clone))
        ground.environment["GITHUB_EVENT_NAME"] = "push"
        ground.push_event()
        return done.code, json.loads(file.read_text())

    @pytest.fixture
    def held(self, ground: Ground) -> str:
        assert ground.deliver().code == 0
        relaxed = {
            ".gitops-gate.yaml": ground.rules(approvals=""),
            "apps/settings.yaml": config_map("x"),
        }
        return ground.server.direct(ground.shop, "main", relaxed, by="mia")

    def test_a_step_that_relaxed_the_rules_is_asked_for_by_the_rules_before_it(
        self, ground: Ground, held: str
    ) -> None:
        pull = ground.change("ratify", ratified(held, str(ground.delivered)))
        code, report = self.review(ground, pull.number)
        assert code == 3
        assert [change["resource"]["name"] for change in report["changes"]] == ["settings"]
        assert "a second pair of eyes" in str(report["reasons"])
        assert "everything since" in str(report["warnings"])
        ground.server.approve(pull, by="rita")
        ground.server.approve(pull, by="mia")
        code, report = self.review(ground, pull.number)
        assert code == 3, "mia pushed it herself"
        ground.server.approve(pull, by="sam")
        ground.server.approve(pull, by="tom")
        code, report = self.review(ground, pull.number)
        assert code == 0, report["reasons"]
        ground.land(pull, by=None)
        done = ground.deliver()
        assert done.code == 0, done.out
        assert ground.verify(ground.main).code == 0

    def test_one_that_does_not_stand_on_the_tip_is_refused(self, ground: Ground, held: str) -> None:
        files = ratified(held, str(ground.delivered))
        pull = ground.change("ratify", files, start=str(ground.delivered))
        code, report = self.review(ground, pull.number)
        assert code == 1
        assert "stands on the tip of the branch" in str(report["reasons"])

    def test_a_file_that_does_not_load_is_refused(self, ground: Ground, held: str) -> None:
        pull = ground.change("ratify", ratified("1" * 40, str(ground.delivered)))
        code, report = self.review(ground, pull.number)
        assert code == 1
        assert ".gitops-gate/ratified.yaml:1" in str(report["reasons"])

    def test_one_of_a_commit_that_is_no_step_is_refused(self, ground: Ground, held: str) -> None:
        pull = ground.change("ratify", ratified("a" * 40, str(ground.delivered)))
        code, report = self.review(ground, pull.number)
        assert code == 1
        assert "did not land on the branch" in str(report["reasons"])


class TestSettingsThatAreNotVerified:
    def test_a_first_delivery_does_not_go_where_a_direct_push_says(self, ground: Ground) -> None:
        text = ground.rules().replace(REF, "refs/heads/deploy/elsewhere")
        ground.server.direct(ground.shop, "main", {".gitops-gate.yaml": text}, by="mia")
        done = ground.deliver()
        assert (done.code, done.hold) == (1, "direct_push")
        assert set(ground.shop.git.branches()) == {"main", "rules"}

    def test_a_ref_that_follows_is_not_changed_by_a_direct_push(self, ground: Ground) -> None:
        assert ground.deliver().code == 0
        text = ground.rules().replace(REF, "refs/heads/deploy/elsewhere")
        ground.server.direct(ground.shop, "main", {".gitops-gate.yaml": text}, by="mia")
        done = ground.deliver()
        assert (done.hold, done.one["ref"]) == ("direct_push", REF)

    def test_nor_is_the_branch_of_attestations(self, ground: Ground) -> None:
        assert ground.deliver().code == 0
        text = ground.rules().replace("  signing:", "  attestations: refs/heads/other\n  signing:")
        ground.server.direct(ground.shop, "main", {".gitops-gate.yaml": text}, by="mia")
        assert ground.deliver().code == 2
        assert "other" not in ground.shop.git.branches()


class TestWhereAFirstDeliveryBegins:
    def test_not_behind_a_commit_that_was_named_before(self, ground: Ground) -> None:
        lax = ground.rules(approvals="").split("delivery:")[0]
        files = {".gitops-gate.yaml": lax, "apps/settings.yaml": config_map("evil")}
        evil = ground.server.direct(ground.shop, "main", files, by="mia")
        text = ground.rules(approvals="").replace(f"start: {ground.start}", f"start: {evil}")
        ground.land(ground.change("again", {".gitops-gate.yaml": text}), by=None)
        done = ground.deliver()
        assert done.code == 2
        assert "what lies in between would be delivered unverified" in done.out + done.err
        assert ground.delivered is None

    def test_a_branch_that_was_made_from_a_delivered_commit_begins_there(
        self, ground: Ground
    ) -> None:
        text = ground.rules().replace(
            "  signing:",
            '    "release/*": {ref: "refs/heads/deploy/{branch}", hydrate: true}\n  signing:',
        )
        ground.land(ground.change("configure", {".gitops-gate.yaml": text}))
        assert ground.deliver().code == 0
        forked = ground.main
        ground.server.force(ground.shop, "release/1", forked, by="mia")
        ground.land(ground.change("more", {"apps/more.yaml": config_map("more", "more")}))
        ann = ground.server.account("ann")
        ground.commit("fix", {"apps/settings.yaml": config_map("fixed")}, start=forked)
        pull = ground.server.pull(ground.shop, head="fix", base="release/1", author=ann)
        ground.server.approve(pull, by="rita")
        ground.server.merge(pull, by="mia")
        done = ground.deliver("--branch", "release/1")
        assert done.code == 0, done.out + done.err
        assert done.one["ref"] == "refs/heads/deploy/release/1"
        assert done.one["steps"][0]["before"] == forked
        assert ground.verify(ground.tip("release/1")).code == 0

    def test_a_branch_that_was_made_from_another_commit_does_not(self, ground: Ground) -> None:
        text = ground.rules().replace(
            "  signing:",
            '    "release/*": {ref: "refs/heads/deploy/{branch}"}\n  signing:',
        )
        ground.land(ground.change("configure", {".gitops-gate.yaml": text}))
        assert ground.deliver().code == 0
        files = {".gitops-gate.yaml": text, "apps/settings.yaml": config_map("evil")}
        ground.commit("release/1", files, start=ground.start)
        done = ground.deliver("--branch", "release/1")
        assert done.code in (1, 2)
        assert "deploy/release/1" not in ground.shop.git.branches()
