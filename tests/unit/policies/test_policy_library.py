"""The shipped rules on the embedded engine: golden cases, metadata, and objects of any shape."""

from __future__ import annotations

import json
import re
from pathlib import Path

import kubernetes_validate
import pytest

from tests.unit.policies import library

RULES = library.rules()
CASES = list(library.cases())
ENGINE = library.engine()
SCHEMAS = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_golden_case(case):
    found = library.evaluate(ENGINE, case.rule.package, case.input, case.inventory)
    library.assert_expected(found, case.results)


@pytest.mark.parametrize("case", [case for case in CASES if case.results], ids=str)
def test_every_result_says_what_where_and_how_to_mend_it(case):
    for result in library.evaluate(ENGINE, case.rule.package, case.input, case.inventory):
        assert set(result) - {"suggestion"} == {"message", "field", "remediation"}
        assert result["message"].endswith(".")
        assert result["remediation"].endswith(".")
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
            "context",
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
    ("rule_id", "parameter"),
    [("pod-security/capabilities", "allow"), ("ingress/tls", "annotations")],
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


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.results and case.rule.custom.get("context") == "lifts"],
    ids=str,
)
def test_what_a_rule_denies_with_its_surroundings_it_denies_without_them(case):
    nowhere = dict.fromkeys(library.APPLICATION, "")
    bare = {**case.input, "application": nowhere}
    library.assert_expected(library.evaluate(ENGINE, case.rule.package, bare), case.results)


def _rego_tests():
    for path in sorted(library.POLICIES.rglob("*_test.rego")):
        text = path.read_text("utf-8")
        package = re.findall(r"^package (\S+)$", text, re.MULTILINE)[0]
        yield from (f"{package}.{name}" for name in re.findall(r"(?m)^(test_\w+) if", text))


def test_the_rego_tests_pass_on_the_embedded_engine_too():
    engine = library.engine()
    for path in library.POLICIES.rglob("*_test.rego"):
        engine.add_policy(str(path), path.read_text("utf-8"))
    names = list(_rego_tests())
    assert len(names) > len(RULES)
    for name in names:
        assert json.loads(engine.eval_rule_as_json(f"data.{name}")) is True, name


def _served(minor):
    """What Kubernetes 1.`minor` has a schema for: (apiVersion, kind)."""
    folder = SCHEMAS / f"v1.{minor}.0-local"
    for path in folder.glob("*.json"):
        if path.name.startswith(("_", "all")):
            continue
        schema = json.loads(path.read_text("utf-8"))
        for one in schema.get("x-kubernetes-group-version-kind", ()):
            version = f"{one['group']}/{one['version']}" if one["group"] else one["version"]
            yield version, one["kind"]


@pytest.mark.slow
def test_removed_versions_are_those_that_the_schemas_lose():
    table = json.loads(ENGINE.eval_rule_as_json("data.gitops_gate.api.removed_versions.removals"))
    known = {(v, k): minor for v, kinds in table.items() for k, (minor, _) in kinds.items()}
    lost: dict[tuple[str, str], int] = {}
    before = set(_served(25))
    for minor in range(26, 38):
        now = set(_served(minor))
        lost |= dict.fromkeys(before - now, minor)
        before = now
    objects = {
        one: minor
        for one, minor in lost.items()
        if not one[1].endswith("List") and one[1] not in {"DeleteOptions", "Status", "WatchEvent"}
    }
    assert {one: minor for one, minor in known.items() if minor > 25} == objects


def test_what_replaces_a_removed_version_is_served():
    table = json.loads(ENGINE.eval_rule_as_json("data.gitops_gate.api.removed_versions.removals"))
    served = {version for version, _ in _served(37)}
    for kinds in table.values():
        for _, replacement in kinds.values():
            assert replacement.split(" ")[0] in served | {""}


@pytest.mark.slow
def test_no_shape_makes_a_rule_fail():
    for case, question in library.mutants(1500):
        for result in library.evaluate(ENGINE, case.rule.package, question, case.inventory):
            assert isinstance(result["message"], str)
            assert isinstance(result["field"], list)
