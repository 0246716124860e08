"""`gitops-gate policy test`: Rego tests and golden cases, on the embedded engine, with coverage.

A Rego test is a rule `test_…` in a file `…_test.rego`; it passes when it is true. A golden case
(`<rule-id>.cases.yaml`) gives an object, and says which results the rule has for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitops_gate.checks.interface import PolicySubject
from gitops_gate.checks.policy.library import shipped_rules
from gitops_gate.checks.policy.modules import Module, engine_error, native_id, parse_module
from gitops_gate.checks.policy.questions import input_document, resource_part
from gitops_gate.documents import load_document
from gitops_gate.errors import PolicyError

_TEST_SUFFIX = "_test.rego"
_CASES_SUFFIX = ".cases.yaml"
_CASE_KEYS = {"name", "object", "oldObject", "operation", "parameters", "inventory", "application"}
_APPLICATION = {
    "name": "example",
    "path": "example",
    "environment": "default",
    "renderer": "directory",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TestFailure:
    """A test or case that did not pass, and what happened instead."""

    path: str
    name: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TestOutcome:
    """How many passed, which failed, and the percentage of the policies' lines that ran."""

    passed: int
    failures: tuple[TestFailure, ...]
    coverage: float


def run_tests(files: Mapping[str, bytes]) -> TestOutcome:
    """Run every test in the files, which also hold the policies that they test.

    Raises `PolicyError` for a file that does not load.
    """
    modules = [
        parse_module(path, raw.decode("utf-8", "replace"))
        for path, raw in sorted(files.items())
        if path.endswith(".rego")
    ]
    engine = _engine(modules)
    failures: list[TestFailure] = []
    passed = 0
    for path, name, problem in [*_rego_tests(engine, modules), *_cases(engine, files, modules)]:
        if problem is None:
            passed += 1
        else:
            failures.append(TestFailure(path=path, name=name, message=problem))
    return TestOutcome(passed=passed, failures=tuple(failures), coverage=_coverage(engine, modules))


def _engine(modules: Sequence[Module]) -> Any:
    import regorus

    engine = regorus.Engine()
    engine.set_enable_coverage(True)
    own = {module.package for module in modules}
    for module in (*(m for m in shipped_rules()[1] if m.package not in own), *modules):
        try:
            engine.add_policy(module.path, module.text)
        except RuntimeError as error:
            raise engine_error(error, module.path) from None
    return engine


def _rego_tests(engine: Any, modules: Sequence[Module]) -> Iterator[tuple[str, str, str | None]]:
    for module in modules:
        if not module.path.endswith(_TEST_SUFFIX):
            continue
        for name in sorted(rule for rule in module.rules if rule.startswith("test_")):
            engine.set_input_json("{}")
            answer, problem = _ask(engine, f"data.{module.package}.{name}")
            if problem is None and answer is not True:
                problem = "is not true"
            yield module.path, name, problem


def _cases(
    engine: Any, files: Mapping[str, bytes], modules: Sequence[Module]
) -> Iterator[tuple[str, str, str | None]]:
    queries = {native_id(module.package): f"data.{module.package}.deny" for module in modules}
    for path, raw in sorted(files.items()):
        if not path.endswith(_CASES_SUFFIX):
            continue
        content = load_document(raw)
        if not isinstance(content, dict):
            raise PolicyError("golden cases must be a mapping by rule id", path=path)
        for rule_id, cases in content.items():
            if rule_id not in queries or not isinstance(cases, dict):
                raise PolicyError(f"there is no rule {rule_id} beside these cases", path=path)
            for expected in ("allowed", "denied"):
                for case in cases.get(expected, []):
                    problem = _case(engine, queries[rule_id], expected, case)
                    yield path, f"{rule_id}: {case.get('name', expected)}", problem


def _case(engine: Any, query: str, expected: str, case: Mapping[str, Any]) -> str | None:
    unknown = sorted(set(case) - _CASE_KEYS - {"results"})
    if unknown:
        return f"a case has no key {unknown[0]}"
    old = case.get("oldObject")
    subject = PolicySubject(
        object=case.get("object", {} if old is None else old),
        old_object=old,
        operation=case.get("operation", _operation(case)),
        application={**_APPLICATION, **case.get("application", {})},
    )
    engine.clear_data()
    engine.add_data_json(json.dumps({"inventory": case.get("inventory", [])}))
    parameters = json.dumps(case.get("parameters", {}))
    engine.set_input_json(input_document(resource_part(subject), subject, parameters))
    answer, problem = _ask(engine, query)
    if problem is not None:
        return problem
    if not isinstance(answer, list):
        return "deny is undefined"
    if expected == "allowed":
        return None if not answer else f"is denied: {json.dumps(answer, ensure_ascii=False)}"
    if not answer:
        return "is not denied"
    results = case.get("results")
    if results is not None and not _are(results, answer):
        return f"gives {json.dumps(answer, ensure_ascii=False)}"
    return None


def _operation(case: Mapping[str, Any]) -> str:
    if "object" not in case and "oldObject" in case:
        return "DELETE"
    return "UPDATE" if case.get("oldObject") is not None else "CREATE"


def _are(expected: Sequence[Any], found: Sequence[Any]) -> bool:
    """Whether each expected result is one of those found, by the keys that the case writes."""
    left = list(found)
    for wanted in sorted(expected, key=_how_much, reverse=True):
        same = next((one for one in left if _is(wanted, one)), None)
        if same is None:
            return False
        left.remove(same)
    return not left


def _how_much(wanted: Any) -> int:
    """The more a case says about a result, the earlier it chooses."""
    return len(wanted) if isinstance(wanted, Mapping) else 0


def _is(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        return all(key in found and found[key] == value for key, value in wanted.items())
    return bool(wanted == found)


def _ask(engine: Any, query: str) -> tuple[Any, str | None]:
    try:
        return json.loads(engine.eval_rule_as_json(query)), None
    except (RuntimeError, ValueError) as error:
        return None, engine_error(error).message


def _coverage(engine: Any, modules: Sequence[Module]) -> float:
    """Lines of the policies (not of their tests) that ran, in percent; 100 for no lines."""
    report = json.loads(engine.get_coverage_report_as_json())
    measured = {module.path for module in modules if not module.path.endswith(_TEST_SUFFIX)}
    covered = missed = 0
    for file in report.get("files", []):
        if file.get("path") in measured:
            covered += len(file.get("covered", []))
            missed += len(file.get("not_covered", []))
    return 100.0 * covered / (covered + missed) if covered + missed else 100.0
