"""The JSON report is what its published schema says, whatever a repository holds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from gitops_gate.reports import ReportOptions, render_report
from gitops_gate.reports.report_schema import report_schema
from gitops_gate.verdict.values import Report
from tests.unit.reports.approval_samples import EVERY
from tests.unit.reports.report_strategies import reports

SCHEMA = report_schema()


def rendered(report: Report) -> Any:
    text = render_report(report, "json", options=ReportOptions())
    text.encode()
    return json.loads(text)


def described(schema: Any) -> list[str]:
    """Where the schema has a property without a description, or an object that takes any key."""
    missing = []
    if isinstance(schema, dict):
        for name, member in schema.get("properties", {}).items():
            missing += [] if "description" in member else [name]
        if schema.get("type") == "object" and "additionalProperties" not in schema:
            missing.append("additionalProperties")
        for member in schema.values():
            missing += described(member)
    return missing


def test_the_schema_is_one_and_describes_every_key() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert described(SCHEMA) == []


@pytest.mark.parametrize("name", EVERY)
def test_a_report_is_valid(name: str) -> None:
    Draft202012Validator(SCHEMA).validate(rendered(EVERY[name]))


@settings(max_examples=60)
@given(reports())
def test_any_report_is_valid_and_the_same_twice(report: Report) -> None:
    Draft202012Validator(SCHEMA).validate(rendered(report))
    assert render_report(report, "json", options=ReportOptions()) == render_report(
        report, "json", options=ReportOptions()
    )


@settings(max_examples=60)
@given(reports())
def test_json_on_a_terminal_moves_no_cursor_and_turns_no_text(report: Report) -> None:
    text = render_report(report, "json", options=ReportOptions())
    assert all(
        character.isprintable() or character in "\n\u3000\xa0 "
        for character in text
        if ord(character) < 0xA0 or character in "\u202e\u2066\u200b\ufeff"
    )


def test_a_key_that_the_schema_does_not_know_is_refused() -> None:
    value = rendered(EVERY["denied"])
    value["extra"] = 1
    assert not Draft202012Validator(SCHEMA).is_valid(value)
