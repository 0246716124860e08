"""The shipped rules on the embedded engine: golden cases, metadata, and objects of any shape."""

from __future__ import annotations

import json
import re

import pytest

from tests.unit.policies import library

RULES = library.rules()
CASES = list(library.cases())
ENGINE = library.engine()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_golden_case(case):
    found = library.evaluate(ENGINE, case.rule.package, case.input, case.inventory)
    library.assert_expected(found, case.results)


@pytest.mark.parametrize("case", [case for case in CASES if case.results], ids=str)
def test_every_result_says_what_where_and_how_to_mend_it(case):
    for result in library.evaluate(ENGINE, case.rule.package, case.input, case.inventory):
        assert set(result) in ({"message", "field", "remediation"},) or set(result) == {
            "message",
            "field",
            "remediation",
            "suggestion",
        }
        assert result["message"].endswith(".") and result["remediation"].endswith(".")
        assert all(isinstance(step, str | int) for step in result["field"])
        assert isinstance(result.get("suggestion", ""), str)


@pytest.mark.parametrize("case", [case for case in CASES if case.results], ids=str)
def test_the_rule_is_asked_about_the_kinds_of_its_cases(case):
    question = case.input
    group, _, _ = question["object"]["apiVersion"].rpartition("/")
    kind = f"{group}/{question['object']['kind']}" if group else question["object"]["kind"]
    assert {kind, "*"} & set(case.rule.custom["kinds"])
    assert question["operation"] in case.rule.custom["operations"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
class TestMetadata:
    def test_describes_the_rule(self, rule):
        metadata = rule.metadata
        assert metadata["scope"] == "package"
        assert not metadata["title"].endswith(".")
        assert metadata["description"].strip().endswith(".")
        assert all(link["ref"].startswith("https://") for link in metadata["related_resources"])

    def test_says_when_and_how_it_counts(self, rule):
        custom = rule.custom
        assert set(custom) <= {
            "severity",
            "kinds",
            "operations",
            "remediation",
            "areas",
            "profiles",
            "parameters",
        }
        assert custom["severity"] in {"error", "warning"}
        assert set(custom["operations"]) <= {"CREATE", "UPDATE", "DELETE"}
        assert custom["remediation"].endswith(".")
        assert rule.path.parent.name in custom["areas"]
        assert all(re.fullmatch(r"\*|([a-z0-9.]+/)?[A-Z]\w+", kind) for kind in custom["kinds"])

    def test_explains_every_parameter_that_the_rule_reads(self, rule):
        read = set(
            re.findall(r'input\.parameters(?:\.|, ")(\w+)', rule.path.read_text("utf-8")),
        )
        parameters = rule.custom.get("parameters", {})
        assert read == set(parameters)
        assert all(set(value) == {"description", "default"} for value in parameters.values())

    def test_names_the_package_after_the_file(self, rule):
        assert f"\npackage {rule.package}\n" in rule.path.read_text("utf-8")

    def test_has_tests_beside_it(self, rule):
        assert rule.path.with_name(f"{rule.path.stem}_test.rego").is_file()


@pytest.mark.parametrize(
    ("rule_id", "parameter"), [("pod-security/capabilities", "allow"), ("ingress/tls", "annotations")]
)
def test_a_documented_default_is_the_one_that_the_rule_uses(rule_id, parameter):
    (rule,) = [rule for rule in RULES if rule.id == rule_id]
    used = json.loads(ENGINE.eval_rule_as_json(f"data.{rule.package}.standard"))
    assert used == rule.custom["parameters"][parameter]["default"]


def test_nothing_reaches_outside_or_depends_on_chance_or_time():
    allowed = re.compile(
        r"(array|base64|images|json|names|numbers|object|patterns|pods|regex|retention|units)\."
    )
    for path in library.rule_files():
        builtins = library.used_builtins(path.read_text("utf-8"))
        assert all(allowed.match(name) for name in builtins), (path, builtins)


@pytest.mark.slow
def test_no_shape_makes_a_rule_fail():
    for case, question in library.mutants(1500):
        for result in library.evaluate(ENGINE, case.rule.package, question, case.inventory):
            assert isinstance(result["message"], str)
            assert isinstance(result["field"], list)
