"""Golden cases and the paths of policies, as docs/policies.md describes them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gitops_gate.checks.policy import is_policy_path
from gitops_gate.checks.policy.testing import run_tests
from gitops_gate.config.settings import PolicySettings

RULE = b"""package gitops_gate.team.named

deny contains {"message": "is unnamed", "field": ["metadata", "name"]} if {
	not input.object.metadata.name
}

deny contains "goes away" if input.operation == "DELETE"
"""


def problems(**cases: Any) -> list[str]:
    files = {"named.rego": RULE, "named.cases.yaml": json.dumps({"team/named": cases}).encode()}
    return [failure.message for failure in run_tests(files).failures]


def test_a_case_compares_the_keys_that_it_writes() -> None:
    assert problems(denied=[{"object": {}, "results": [{"message": "is unnamed"}]}]) == []
    (problem,) = problems(denied=[{"object": {}, "results": [{"message": "is named"}]}])
    assert "is unnamed" in problem


def test_a_case_lists_every_result() -> None:
    (problem,) = problems(denied=[{"oldObject": {}, "results": ["goes away"]}])
    assert "is unnamed" in problem
    both = ["goes away", {"field": ["metadata", "name"]}]
    assert problems(denied=[{"oldObject": {}, "results": both}]) == []


def test_an_old_object_alone_is_removed_and_there_is_no_object() -> None:
    named = {"metadata": {"name": "web"}}
    both = ["goes away", {"message": "is unnamed"}]
    assert problems(denied=[{"oldObject": named, "results": both}]) == []
    assert problems(allowed=[{"object": named, "oldObject": named}, {"object": named}]) == []


@pytest.mark.parametrize(
    ("named", "path", "belongs"),
    [
        ("policies/", "policies/team/named.rego", True),
        ("policies", "policies/team/named.rego", True),
        ("policies/", "policies-old/named.rego", False),
        ("rules/named.rego", "rules/named.rego", True),
        ("rules/named.rego", "rules/other.rego", False),
        (".", "named.rego", True),
    ],
)
def test_a_policy_path_is_a_folder_or_a_file(named: str, path: str, belongs: bool) -> None:
    assert is_policy_path(path, PolicySettings(paths=(named,))) is belongs
