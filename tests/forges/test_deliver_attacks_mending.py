"""What honest people can do about a delivery that somebody, or something, made stop."""

from __future__ import annotations

import pytest

from tests.forges.delivering import Ground, config_map
from tests.forges.delivering import ground as ground  # noqa: PLC0414 - a fixture
from tests.forges.test_deliver_github import ratified

pytestmark = pytest.mark.slow

BROKEN: dict[str, str | None] = {"apps/kustomization.yaml": "resources: [missing.yaml]\n"}


@pytest.fixture(autouse=True)
def _delivered(ground: Ground) -> None:
    assert ground.deliver().code == 0


class TestAStepThatCouldNotBeDecided:
    @pytest.fixture
    def held(self, ground: Ground) -> str:
        ground.land(ground.change("broken", BROKEN))
        done = ground.deliver()
        assert done.code == 2, done.out + done.err
        assert done.one["outcome"] == "held"
        return ground.main

    def test_is_taken_back_by_a_revert(self, ground: Ground, held: str) -> None:
        ground.land(ground.change("undo", dict.fromkeys(BROKEN)))
        done = ground.deliver()
        assert done.code == 0, done.out + done.err
        assert ground.delivered == ground.main

    def test_is_mended_by_a_ratification_that_repairs_it(self, ground: Ground, held: str) -> None:
        files = {**dict.fromkeys(BROKEN), **ratified(held, str(ground.delivered))}
        ground.land(ground.change("repair", files))
        done = ground.deliver()
        assert done.code == 0, done.out + done.err
        assert ground.verify(ground.main).code == 0

    def test_is_not_mended_by_what_does_not_name_it(self, ground: Ground, held: str) -> None:
        ground.land(ground.change("more", {"other/more.yaml": config_map("one", "more")}))
        done = ground.deliver()
        assert (done.code, done.hold) == (2, "application_failed")

    def test_nor_by_a_repair_that_nobody_approved(self, ground: Ground, held: str) -> None:
        files = {**dict.fromkeys(BROKEN), **ratified(held, str(ground.delivered))}
        ground.land(ground.change("repair", files), by=None)
        done = ground.deliver()
        assert (done.code, done.hold) == (2, "application_failed")
        assert "does not mend that" in done.out

    def test_says_how_to_mend_it(self, ground: Ground, held: str) -> None:
        assert "gitops-gate ratify" in ground.deliver(json=False).out


def test_a_forge_that_is_down_for_one_change_is_waited_for(ground: Ground) -> None:
    """What nobody could be asked about is not passed by, though all of it was taken back."""
    pull = ground.change("new", {"apps/settings.yaml": config_map("new")})
    ground.land(pull)
    ground.land(ground.change("undo", {"apps/settings.yaml": config_map("old")}))
    before = ground.delivered
    ground.server.lookups.down(times=None)
    assert ground.deliver().code == 2
    assert ground.delivered == before
    ground.server.faults.clear()
    assert ground.deliver().code == 0
