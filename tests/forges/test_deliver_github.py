"""Deliveries from a GitHub of our own: what lands is delivered, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.forges.delivering import (
    DELIVERER,
    READER,
    Ground,
    config_map,
    make_ground,
    runner,
)
from tests.forges.github.server import GitHubServer

pytestmark = pytest.mark.slow


@pytest.fixture
def ground(
    tmp_path: Path,
    github_server: GitHubServer,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Ground:
    environment: dict[str, str] = {}
    monkeypatch.setattr("time.sleep", lambda _: None)
    run = runner(environment, monkeypatch, capfd, (READER, DELIVERER, "PRIVATE KEY"))
    ground = make_ground(github_server, tmp_path, run)
    environment.update(ground.environment)
    ground.environment = environment
    return ground


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
