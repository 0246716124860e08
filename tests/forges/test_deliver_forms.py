"""What `deliver` and `verify` print as JSON is what their schemas say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from gitops_gate.commands import group
from tests.forges.delivering import Ground, config_map
from tests.forges.delivering import ground as ground  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.slow


def schema(name: str) -> Any:
    printed = CliRunner().invoke(group, ["schema", name], standalone_mode=False)
    described = json.loads(printed.output)
    jsonschema.Draft202012Validator.check_schema(described)
    return described


def checked(name: str, text: str) -> Any:
    value = json.loads(text)
    validator = jsonschema.Draft202012Validator(schema(name))
    assert [error.message for error in validator.iter_errors(value)] == []
    return value


def test_every_outcome_of_a_delivery_is_of_the_form(ground: Ground) -> None:
    outcomes = []

    def deliver(*arguments: str) -> None:
        value = checked("delivery", ground.deliver(*arguments).out)
        outcomes.append(value["deliveries"][0]["outcome"])

    deliver("--dry-run")
    deliver()
    deliver()
    ground.land(ground.change("new", {"apps/settings.yaml": config_map("new")}), by=None)
    deliver()
    assert outcomes == ["dry-run", "delivered", "up-to-date", "held"]


def test_every_result_of_a_verification_is_of_the_form(ground: Ground, tmp_path: Path) -> None:
    ground.deliver()
    ground.push_event()
    results = []
    for commit in (ground.main, ground.start):
        ran = ground.verify(commit, "--format", "json")
        results.append((ran.code, checked("verification", ran.out)["result"]))
    ground.server.force(ground.shop, "deploy/production", ground.start, by="root")
    ran = ground.verify(ground.main, "--format", "json")
    results.append((ran.code, checked("verification", ran.out)["result"]))
    assert results == [(0, "verified"), (2, "not verified"), (1, "refuted")]


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"outcome": "moved"}, "'moved' is not one of"),
        ({"more": 1}, "'more' was unexpected"),
        ({"tip": "main"}, "'main' does not match"),
    ],
)
def test_the_schema_takes_nothing_else(ground: Ground, change: dict[str, Any], wrong: str) -> None:
    value = json.loads(ground.deliver("--dry-run").out)
    value["deliveries"][0].update(change)
    validator = jsonschema.Draft202012Validator(schema("delivery"))
    assert any(wrong in error.message for error in validator.iter_errors(value))
