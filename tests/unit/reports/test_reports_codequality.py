"""GitLab takes every entry of the Code Quality report."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from gitops_gate.config.settings import GateSettings
from gitops_gate.findings import Finding, Location, Severity
from gitops_gate.reports import ReportOptions, render_report
from gitops_gate.verdict.values import Report
from tests.unit.reports.report_samples import (
    CLAIM_REMOVED,
    DENIED,
    INDETERMINATE,
    OLDER,
    SAMPLES,
    UNAFFECTED,
    UNPINNED,
    WAIVED,
)
from tests.unit.reports.report_strategies import reports

SEVERITIES = {"info", "minor", "major", "critical", "blocker"}


def written(report: Report) -> Any:
    text = render_report(report, "codequality", options=ReportOptions())
    assert text.startswith("[")
    return json.loads(text)


def entry_of(finding: Finding, **more: Any) -> Any:
    (entry,) = written(replace(DENIED, findings=(finding,), **more))
    return entry


def is_taken(entry: Any) -> bool:
    """What GitLab's own schema of a degradation asks for."""
    return (
        all(isinstance(entry[key], str) and entry[key] for key in ("description", "check_name"))
        and isinstance(entry["fingerprint"], str)
        and entry["severity"] in SEVERITIES
        and isinstance(entry["location"]["path"], str)
        and bool(entry["location"]["path"])
        and type(entry["location"]["lines"]["begin"]) is int
        and entry["location"]["lines"]["begin"] >= 1
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_every_entry_is_taken(name: str) -> None:
    assert all(map(is_taken, written(SAMPLES[name])))


@settings(max_examples=100)
@given(reports())
def test_any_report_has_an_entry_that_is_taken_for_each_finding(report: Report) -> None:
    entries = written(report)
    assert all(map(is_taken, entries))
    undecided = sum(reason.verdict.value == "indeterminate" for reason in report.reasons)
    assert len(entries) == len(report.findings) + undecided
    assert max(Counter(e["fingerprint"] for e in entries).values(), default=1) == 1


def test_nothing_found_is_an_empty_list() -> None:
    assert written(UNAFFECTED) == []


def test_an_entry_says_what_and_where() -> None:
    assert entry_of(UNPINNED) == {
        "description": 'Container "redis" uses redis:latest: the tag can change under you. '
        "(StatefulSet cache/redis in clusters/production/cache)",
        "check_name": "images/pinned",
        "fingerprint": "a" * 64,
        "severity": "critical",
        "location": {"path": "apps/cache/base/redis.yaml", "lines": {"begin": 21}},
    }


@pytest.mark.parametrize(
    ("finding", "severity"),
    [
        (UNPINNED, "critical"),
        (replace(UNPINNED, introduced=False), "major"),
        (CLAIM_REMOVED, "minor"),
        (OLDER[0], "minor"),
        (WAIVED, "info"),
    ],
)
def test_the_severity_says_whether_it_blocks(finding: Finding, severity: str) -> None:
    assert entry_of(finding)["severity"] == severity


def test_a_warning_that_blocks_is_major() -> None:
    gate = GateSettings(fail_on=Severity.WARNING)
    assert entry_of(CLAIM_REMOVED, gate=gate)["severity"] == "major"


def test_a_waived_finding_says_until_when() -> None:
    assert entry_of(WAIVED)["description"].startswith("waived until 2026-12-06: ")


def test_why_nothing_could_be_decided_is_a_blocker() -> None:
    first = written(INDETERMINATE)[0]
    assert first["severity"] == "blocker"
    assert first["check_name"] == "application_failed"
    assert first["description"].startswith("could not be decided: 1 application")


@pytest.mark.parametrize(
    ("location", "application", "path", "line"),
    [
        (Location(path="a.yaml"), None, "a.yaml", 1),
        (None, "clusters/staging/cache", "clusters/staging/cache", 1),
        (None, None, ".gitops-gate.yaml", 1),
    ],
)
def test_a_finding_without_a_line_is_on_the_first_of_what_is_known(
    location: Location | None, application: str | None, path: str, line: int
) -> None:
    entry = entry_of(replace(UNPINNED, location=location, application=application))
    assert entry["location"] == {"path": path, "lines": {"begin": line}}


def test_equal_findings_have_fingerprints_that_stay_the_same() -> None:
    report = replace(DENIED, findings=(UNPINNED, UNPINNED))
    first = [entry["fingerprint"] for entry in written(report)]
    assert len(set(first)) == 2
    assert first == [entry["fingerprint"] for entry in written(report)]
