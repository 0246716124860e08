"""The page about approvals says what the code does, and its branching models do what it says."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest

from gitops_gate.approvals.binding import Code
from gitops_gate.approvals.facts import Account
from gitops_gate.approvals.requirements import required
from gitops_gate.config import Settings, load_settings
from tests.engines import ROOT
from tests.unit.approvals.making import (
    BOB,
    CAROL,
    change,
    evaluated,
    production,
    resource,
    review,
    teams,
)

FOLDER = ROOT / "examples" / "approvals"
PAGE = (ROOT / "docs" / "approvals.md").read_text("utf-8")
STAGING = production("shop", path="apps/staging/shop", environment="staging")
CLAIM: dict[str, Any] = {
    "kind": "PersistentVolumeClaim",
    "group": "",
    "operation": "removed",
    "risks": ("data-loss",),
}


def settings(name: str) -> Settings:
    return load_settings((FOLDER / f"{name}.yaml").read_bytes())


def asked(name: str, **given: Any) -> dict[str, int]:
    """What a change needs under an example: names and counts."""
    wanted = required(change(**given), settings(name).approvals)
    return {each.name: each.count for each in wanted.requirements}


def test_every_reason_for_not_counting_is_explained_once_and_no_other() -> None:
    section = PAGE.split("## Why an approval does not count")[1].split("\n## ")[0]
    codes = re.findall(r"(?m)^\| `(\w+)` \| .+ \| .+ \|$", section)
    assert sorted(codes) == sorted(code.value for code in Code)


def test_every_example_is_on_the_page_and_loads() -> None:
    files = {file.stem for file in FOLDER.glob("*.yaml")}
    section = PAGE.split("## Branching models")[1]
    assert set(re.findall(r"examples/approvals/([\w-]+)\.yaml", section)) == files
    for name in files:
        assert settings(name).approvals.rules


class TestTrunk:
    def test_staging_needs_a_second_pair_of_eyes(self) -> None:
        assert asked("trunk", applications=(STAGING,)) == {"a second pair of eyes": 1}

    def test_production_needs_sre_and_lost_data_two_of_them(self) -> None:
        scaled = asked("trunk", applications=(production(),), resources=(resource(),))
        assert scaled == {"a second pair of eyes": 1, "production needs SRE": 1}
        lost = asked("trunk", applications=(production(),), resources=(resource(**CLAIM),))
        assert lost == {**scaled, "data that may be lost": 2}

    def test_data_lost_in_staging_is_no_reason(self) -> None:
        found = asked("trunk", applications=(STAGING,), resources=(resource(**CLAIM),))
        assert "data that may be lost" not in found

    def test_rights_that_grow_need_security_everywhere(self) -> None:
        role = resource(kind="ClusterRole", risks=("rbac-widened",))
        assert "rights that grow" in asked("trunk", applications=(STAGING,), resources=(role,))

    def test_a_bot_s_update_needs_somebody_of_the_platform(self) -> None:
        bot = Account(id=7, login="renovate", bot=True)
        found = asked("trunk", author=bot, applications=(production(),))
        assert "routine updates of bots" in found


class TestReleaseBranches:
    def test_a_fix_needs_two_release_managers(self) -> None:
        found = asked("release-branch", applications=(production(),), resources=(resource(),))
        assert found == {"a release takes only fixes that its managers want": 2}

    def test_something_new_needs_a_maintainer_as_well(self) -> None:
        added = resource(operation="added")
        found = asked("release-branch", applications=(production(),), resources=(added,))
        assert "nothing new is added to a release" in found

    def test_a_release_is_approved_as_a_whole(self) -> None:
        assert settings("release-branch").approvals.bind == "result"


class TestMilestones:
    def outcome(self, at: str, *labels: str) -> tuple[bool, list[str]]:
        loaded = settings("milestones")
        people = teams(sre=(BOB, CAROL), product=(CAROL,), **{"on-call": (BOB,)})
        found = evaluated(
            review(BOB),
            review(CAROL),
            change=change(applications=(production(),), labels=labels),
            settings=loaded.approvals,
            freezes=loaded.freezes,
            people=people,
            at=datetime.datetime.fromisoformat(at),
        )
        return found.satisfied, [freeze.name for freeze in found.freezes if freeze.holds]

    def test_production_is_frozen_until_the_milestone_is_accepted(self) -> None:
        name = "until milestone 4 is accepted"
        assert self.outcome("2026-11-24T12:00:00+00:00") == (False, [name])
        assert self.outcome("2026-11-24T12:00:00+00:00", "milestone-4") == (True, [])
        assert self.outcome("2026-12-02T12:00:00+00:00") == (True, [])

    def test_weekends_are_for_hotfixes(self) -> None:
        assert self.outcome("2026-12-05T12:00:00+00:00") == (False, ["weekends"])
        assert self.outcome("2026-12-05T12:00:00+00:00", "hotfix") == (True, [])


class TestHotfix:
    def test_one_person_on_call_is_enough(self) -> None:
        found = asked("hotfix", applications=(production(),), resources=(resource(),))
        assert found == {"somebody on call": 1}

    def test_merging_it_into_the_trunk_asks_for_the_others(self) -> None:
        now = asked("hotfix", applications=(production(),), resources=(resource(),))
        later = asked("trunk", applications=(production(),), resources=(resource(),))
        assert sum(later.values()) > sum(now.values())
        assert "production needs SRE" in later

    def test_what_cannot_be_taken_back_needs_two(self) -> None:
        found = asked("hotfix", applications=(production(),), resources=(resource(**CLAIM),))
        assert found["what cannot be taken back still needs two"] == 2

    def test_the_incident_s_commander_may_override(self) -> None:
        assert settings("hotfix").approvals.override_teams == ("incident-commander",)


@pytest.mark.parametrize("name", sorted(file.stem for file in FOLDER.glob("*.yaml")))
def test_an_example_asks_somebody_about_every_change_to_production(name: str) -> None:
    assert asked(name, applications=(production(),), resources=(resource(),))
