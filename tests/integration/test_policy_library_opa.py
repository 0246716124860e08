"""The shipped rules on OPA: its tests and checks, and the same answers as the embedded engine."""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict

import pytest

from tests.engines import ROOT, require_engine
from tests.unit.policies import library

pytestmark = pytest.mark.engine

POLICIES = str(library.POLICIES)


def opa(*arguments: str) -> str:
    """What OPA prints; fails with what it says on stderr."""
    done = subprocess.run(
        [require_engine("opa"), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def answers(folder, questions):
    """The results of one OPA process, in order; a question is (package, input, inventory)."""
    by_package: defaultdict[str, dict[str, object]] = defaultdict(dict)
    for number, (package, question, inventory) in enumerate(questions):
        by_package[package][str(number)] = {"input": question, "inventory": inventory}
    clauses = [
        f"""
results[number] := found if {{
    some number, question in data.questions["{package}"]
    found := data.{package}.deny with input as question.input
        with data.inventory as question.inventory
}}"""
        for package in by_package
    ]
    driver = folder / "driver.rego"
    driver.write_text("package driver\n" + "\n".join(clauses), "utf-8")
    data = folder / "questions.json"
    data.write_text(json.dumps({"questions": by_package}), "utf-8")
    printed = opa(
        "eval",
        "--strict-builtin-errors",
        "--format=json",
        *(f"--data={path}" for path in (*library.rule_files(), driver, data)),
        "data.driver.results",
    )
    found = json.loads(printed)["result"][0]["expressions"][0]["value"]
    return [found[str(number)] for number in range(len(questions))]


def test_the_library_passes_the_strict_check_of_opa():
    opa("check", "--strict", POLICIES)


def test_the_library_is_formatted_as_opa_formats():
    assert opa("fmt", "--list", POLICIES) == ""


def test_the_metadata_is_what_opa_reads():
    read = json.loads(opa("inspect", "--annotations", "--format=json", POLICIES))
    titles = {
        ".".join(step["value"] for step in one["path"][1:]): one["annotations"]["title"]
        for one in read["annotations"]
    }
    assert {rule.package: rule.metadata["title"] for rule in library.rules()}.items() <= (
        titles.items()
    )


def test_the_tests_of_the_library_pass_and_cover_it():
    report = json.loads(opa("test", "--coverage", "--format=json", POLICIES))
    covered = {name: one.get("coverage", 0) for name, one in report["files"].items()}
    assert report["coverage"] >= 95, sorted(covered.items(), key=lambda item: item[1])[:5]


def test_the_golden_cases_hold(tmp_path):
    cases = list(library.cases())
    questions = [(case.rule.package, case.input, case.inventory) for case in cases]
    for case, found in zip(cases, answers(tmp_path, questions), strict=True):
        library.assert_expected(found, case.results)


@pytest.mark.slow
def test_both_engines_answer_alike_about_objects_of_any_shape(tmp_path):
    mutants = library.mutants(3000)
    questions = [(case.rule.package, question, case.inventory) for case, question in mutants]
    embedded = library.engine()
    for question, found in zip(questions, answers(tmp_path, questions), strict=True):
        assert _sorted(found) == _sorted(library.evaluate(embedded, *question)), question


def _sorted(results):
    return sorted(results, key=json.dumps)
