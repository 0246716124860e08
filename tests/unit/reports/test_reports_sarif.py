"""The SARIF log is valid, says where every finding is, and stays within what GitHub takes."""

from __future__ import annotations

import json
import random
import string
import urllib.parse
import zlib
from dataclasses import replace
from functools import cache
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitops_gate.findings import Location
from gitops_gate.reports import ReportOptions, render_report
from gitops_gate.reports import sarif as sarif_report
from gitops_gate.reports.sarif import FINGERPRINT, MOST_BYTES, MOST_RESULTS
from gitops_gate.verdict.values import Report
from tests.engines import node_package
from tests.unit.reports.report_samples import (
    ALLOWED,
    CLAIM_REMOVED,
    DENIED,
    INDETERMINATE,
    SAMPLES,
    SCANNED,
    UNPINNED,
    WAIVED,
)
from tests.unit.reports.report_strategies import reports, texts


def written(report: Report) -> Any:
    return json.loads(render_report(report, "sarif", options=ReportOptions()))


def run_of(report: Report) -> Any:
    (run,) = written(report)["runs"]
    return run


def result_of(finding: Any) -> Any:
    return run_of(replace(DENIED, findings=(finding,)))["results"][0]


@cache
def oasis() -> jsonschema_rs.Draft4Validator:
    """The schema of SARIF 2.1.0, as npm's `@microsoft/jest-sarif` carries it."""
    folder = node_package("@microsoft/jest-sarif")
    text = (folder / "lib" / "schemas" / "sarif-2.1.0-rtm.5.json").read_text("utf-8")
    schema = json.loads(text)
    # A pattern that is no regular expression, of a property that no log of ours has.
    for name in ("run", "toolComponent"):
        del schema["definitions"][name]["properties"]["language"]["pattern"]
    return jsonschema_rs.Draft4Validator(schema, validate_formats=True)


def problems(log: Any) -> list[str]:
    found = [f"{error.instance_path}: {error.message}" for error in oasis().iter_errors(log)]
    for run in log["runs"]:
        rules = run["tool"]["driver"]["rules"]
        for result in run["results"]:
            if rules[result["ruleIndex"]]["id"] != result["ruleId"]:
                found.append(f"{result['ruleId']} has another rule's index")
            if not result["message"]["text"]:
                found.append(f"{result['ruleId']} has no message")
    return found


# ------------------------------------------------------------------------------------- validity


@pytest.mark.parametrize("name", SAMPLES)
def test_a_log_is_valid_by_the_schema_of_oasis(name: str) -> None:
    assert problems(written(SAMPLES[name])) == []


@settings(max_examples=60, deadline=None)
@given(reports())
def test_any_log_is_valid_and_has_every_finding(report: Report) -> None:
    log = written(report)
    assert problems(log) == []
    assert len(log["runs"][0]["results"]) == len(report.findings)


def test_the_referee_does_refuse() -> None:
    log = written(DENIED)
    log["runs"][0]["results"][0]["level"] = "fatal"
    del log["version"]
    assert len(problems(log)) == 2


# --------------------------------------------------------------------------------------- results


def test_a_result_says_where_it_is() -> None:
    result = result_of(UNPINNED)
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "apps/cache/base/redis.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {
            "startLine": 21,
            "startColumn": 16,
            "snippet": {"text": "        image: redis:latest"},
        },
    }
    names = [place["fullyQualifiedName"] for place in location["logicalLocations"]]
    assert names == [
        "clusters/production/cache/StatefulSet/cache/redis",
        "clusters/production/cache",
    ]
    (related,) = result["relatedLocations"]
    uri = related["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "clusters/production/cache"
    assert result["partialFingerprints"] == {FINGERPRINT: "a" * 64}


def test_a_finding_of_a_whole_file_has_no_region() -> None:
    place = result_of(replace(UNPINNED, location=Location(path="a.yaml")))["locations"][0]
    assert "region" not in place["physicalLocation"]


@pytest.mark.parametrize(
    ("application", "uri"),
    [("clusters/production/cache", "clusters/production/cache"), (None, ".gitops-gate.yaml")],
)
def test_a_finding_without_a_place_is_shown_at_its_application_or_the_configuration(
    application: str | None, uri: str
) -> None:
    result = result_of(replace(UNPINNED, location=None, application=application))
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("a b/ü.yaml", "a%20b/%C3%BC.yaml"),
        ("caf\udce9.yaml", "caf%E9.yaml"),
        ("a%20b#c?d", "a%2520b%23c%3Fd"),
        ("javascript:alert(1)", "javascript%3Aalert%281%29"),
        ("//evil.example/x", "evil.example/x"),
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        (".", "."),
        ("", "."),
    ],
)
def test_a_path_is_a_relative_reference_below_the_root(path: str, uri: str) -> None:
    result = result_of(replace(UNPINNED, location=Location(path=path)))
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


@given(texts)
def test_no_path_leads_out_of_the_repository(path: str) -> None:
    result = result_of(replace(UNPINNED, location=Location(path=path)))
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    base = "https://root.example/one/two/"
    assert urllib.parse.urljoin(base, uri).startswith(base)
    assert uri.isascii()


def test_what_the_base_has_too_is_unchanged_and_a_scan_compares_with_nothing() -> None:
    states = {result.get("baselineState") for result in run_of(DENIED)["results"]}
    assert states == {"new", "unchanged"}
    assert all("baselineState" not in result for result in run_of(SCANNED)["results"])


def test_a_waiver_suppresses_and_says_why() -> None:
    results = run_of(replace(DENIED, findings=(UNPINNED, WAIVED)))["results"]
    assert results[0]["suppressions"] == []
    assert results[1]["suppressions"] == [
        {
            "kind": "external",
            "status": "accepted",
            "justification": "The status page has to work when the ingress does not. "
            "(shop-team, until 2026-12-06)",
        }
    ]


def test_nothing_in_a_message_is_a_link() -> None:
    message = "see [here](https://evil.example) and [1](1)"
    text = result_of(replace(UNPINNED, message=message))["message"]["text"]
    assert "](" not in text
    assert text.replace("\u2060", "").startswith(message)


# ----------------------------------------------------------------------------------------- rules


def test_a_rule_of_the_library_is_explained() -> None:
    rules = {rule["id"]: rule for rule in run_of(DENIED)["tool"]["driver"]["rules"]}
    assert list(rules) == sorted({finding.rule for finding in DENIED.findings})
    rule = rules["images/pinned"]
    assert rule["name"] == "ImagesPinned"
    assert rule["shortDescription"]["text"] == "Images are pinned to a tag or a digest"
    assert "`latest`" in rule["fullDescription"]["text"]
    assert "To satisfy it: " in rule["help"]["text"]
    assert "To satisfy it: " in rule["help"]["markdown"]
    assert rule["helpUri"].startswith("https://kubernetes.io/")
    assert rule["defaultConfiguration"] == {"level": "error"}
    assert rule["properties"]["tags"] == ["images", "security"]
    assert rule["properties"]["security-severity"] == "7.5"
    assert "security-severity" not in rules["workloads/probes"]["properties"]


def test_a_rule_of_the_repository_is_explained_by_its_findings() -> None:
    own = replace(
        UNPINNED,
        rule="shop/two-replicas",
        remediation="Ask for [two](https://evil.example) <b>@here</b>.",
        documentation="javascript:alert(1)",
    )
    (rule,) = run_of(replace(DENIED, findings=(own,)))["tool"]["driver"]["rules"]
    assert rule["shortDescription"]["text"] == "A rule of the repository: two replicas"
    assert "helpUri" not in rule
    assert "](" not in rule["help"]["markdown"]
    assert "<b>" not in rule["help"]["markdown"]


# ------------------------------------------------------------------------------------ invocation


def test_what_could_not_be_evaluated_is_a_failed_invocation() -> None:
    (invocation,) = run_of(INDETERMINATE)["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["exitCode"] == 2
    notes = invocation["toolExecutionNotifications"]
    assert [note["descriptor"]["id"] for note in notes] == [
        "application_failed",
        "unreached",
        "application_failed",
    ]
    assert "no such file or directory" in notes[2]["message"]["text"]


def test_a_denied_change_is_a_successful_invocation() -> None:
    (invocation,) = run_of(DENIED)["invocations"]
    assert invocation["executionSuccessful"] is True
    assert invocation["exitCode"] == 1
    assert run_of(ALLOWED)["invocations"][0]["exitCode"] == 0


def test_runs_are_of_one_category() -> None:
    assert run_of(DENIED)["automationDetails"] == {"id": "gitops-gate/"}


# ---------------------------------------------------------------------------------------- limits


@pytest.mark.slow
def test_more_results_than_github_takes_are_left_out_worst_last_and_counted() -> None:
    warnings = tuple(replace(CLAIM_REMOVED, introduced=False) for _ in range(MOST_RESULTS))
    run = run_of(replace(DENIED, findings=(*warnings, WAIVED, UNPINNED)))
    assert len(run["results"]) == MOST_RESULTS
    assert run["results"][0]["ruleId"] == "images/pinned"
    assert "services/external-exposure" not in {result["ruleId"] for result in run["results"]}
    note = run["invocations"][0]["toolExecutionNotifications"][-1]
    assert note["descriptor"]["id"] == "results_omitted"
    assert note["message"]["text"].startswith("2 findings were left out")


def test_a_log_that_would_be_too_large_is_cut_to_what_github_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sarif_report, "MOST_BYTES", 50_000)
    chosen = random.Random(1)
    findings = tuple(
        replace(UNPINNED, message="".join(chosen.choices(string.ascii_letters, k=1_000)))
        for _ in range(200)
    )
    report = replace(DENIED, findings=findings)
    text = render_report(report, "sarif", options=ReportOptions())
    assert 25_000 < len(zlib.compress(text.encode())) <= 50_000
    run = json.loads(text)["runs"][0]
    left = 200 - len(run["results"])
    note = run["invocations"][0]["toolExecutionNotifications"][-1]["message"]["text"]
    assert note.startswith(f"{left} findings were left out")


def test_the_limits_are_those_of_github() -> None:
    assert MOST_RESULTS == 25_000
    assert MOST_BYTES <= 10 * 1024 * 1024


@given(st.lists(texts, min_size=2, max_size=4))
def test_a_rule_that_many_findings_have_is_there_once(messages: list[str]) -> None:
    findings = tuple(replace(UNPINNED, message=message) for message in messages)
    assert len(run_of(replace(DENIED, findings=findings))["tool"]["driver"]["rules"]) == 1


def test_what_a_removed_resource_had_is_on_its_file_and_on_no_line_of_the_head() -> None:
    finding = replace(CLAIM_REMOVED, location=Location(path="gone.yaml", line=12, column=1))
    run = run_of(replace(DENIED, findings=(finding, UNPINNED)))
    removed, other = sorted(run["results"], key=lambda result: result["ruleId"])
    place = removed["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "gone.yaml", "uriBaseId": "%SRCROOT%"}}
    assert "region" in other["locations"][0]["physicalLocation"]
