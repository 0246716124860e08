"""The embedded engine and OPA give the same findings, and say clearly what they cannot do."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from gitops_gate.checks.interface import PolicyOutcome, PolicySubject
from gitops_gate.checks.policy.embedded import EmbeddedEngine
from gitops_gate.checks.policy.library import RuleSet, select, shipped_rules
from gitops_gate.checks.policy.opa import OpaEngine
from gitops_gate.config.settings import PolicySettings
from gitops_gate.errors import ConfigurationError, PolicyError, ToolError
from tests.engines import require_engine
from tests.unit.policies import library

pytestmark = pytest.mark.engine

APPLICATION = {**library.APPLICATION, "kubernetes": "1.36"}


def subject(
    new: Mapping[str, Any], old: Mapping[str, Any] | None = None, operation: str = "CREATE"
) -> PolicySubject:
    return PolicySubject(object=new, old_object=old, operation=operation, application=APPLICATION)


def rules_of(**files: str) -> RuleSet:
    """A rule set of policies `house/<name>` with these bodies, and nothing of the library."""
    sources = {
        f"policies/{name}.rego": f"package gitops_gate.house.{name}\n\n{body}\n".encode()
        for name, body in files.items()
    }
    return select(PolicySettings(builtin=()), sources)


@pytest.fixture(scope="module")
def everything() -> RuleSet:
    """Every rule of the library, in a profile or not."""
    ids = tuple(rule.id for rule in shipped_rules()[0])
    return select(PolicySettings(builtin=ids), {})


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of an OPA that runs already."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [require_engine("opa"), "run", "--server", "--addr", f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        [*command, "--skip-version-check"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(200):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


def answers(engine: Any, asked: Sequence[tuple[PolicySubject, Sequence[Any]]]) -> list[Any]:
    """One outcome a question, those with the same inventory together; the engine is closed."""
    try:
        found: list[PolicyOutcome] = []
        position = 0
        while position < len(asked):
            inventory = asked[position][1]
            last = position
            while last < len(asked) and asked[last][1] == inventory:
                last += 1
            subjects = [one for one, _ in asked[position:last]]
            found.extend(engine.evaluate(subjects, inventory))
            position = last
        return found
    finally:
        engine.close()


def golden() -> list[tuple[PolicySubject, Sequence[Any]]]:
    """The golden cases of the library, asked of all its rules."""
    made = []
    for case in library.cases():
        question = case.input
        if isinstance(question["object"], dict):
            made.append(
                (
                    subject(question["object"], question["oldObject"], question["operation"]),
                    case.inventory,
                )
            )
    return sorted(made, key=lambda one: repr(one[1]))


def mutated(number: int) -> list[tuple[PolicySubject, Sequence[Any]]]:
    """Golden cases with something broken inside."""
    made = []
    for case, question in library.mutants(number):
        new, old = question["object"], question["oldObject"]
        if isinstance(new, dict) and isinstance(old, dict | None):
            made.append((subject(new, old, case.operation), case.inventory))
    return sorted(made, key=lambda one: repr(one[1]))


def test_the_golden_cases_have_the_same_findings_on_both(everything: RuleSet) -> None:
    asked = golden()
    embedded = answers(EmbeddedEngine(everything), asked)
    opa = answers(OpaEngine(everything, command=require_engine("opa")), asked)
    assert len(embedded) == len(asked) > 100
    assert any(outcome.defects for outcome in embedded)
    for (question, _), one, other in zip(asked, embedded, opa, strict=True):
        assert one == other, question


def test_a_running_server_gives_the_same_and_is_left_as_it_was(
    everything: RuleSet, server: str
) -> None:
    import json
    import urllib.request

    asked = golden()[:40]
    embedded = answers(EmbeddedEngine(everything), asked)
    assert answers(OpaEngine(everything, url=server), asked) == embedded
    with urllib.request.urlopen(f"{server}/v1/policies", timeout=10) as response:
        assert json.load(response).get("result", []) == []


@pytest.mark.slow
def test_broken_objects_have_the_same_findings_on_both(everything: RuleSet) -> None:
    asked = mutated(300)
    embedded = answers(EmbeddedEngine(everything), asked)
    opa = answers(OpaEngine(everything, command=require_engine("opa")), asked)
    for (question, _), one, other in zip(asked, embedded, opa, strict=True):
        assert one == other, question


def both(rules: RuleSet) -> Iterator[Any]:
    yield EmbeddedEngine(rules)
    yield OpaEngine(rules, command=require_engine("opa"))


@pytest.mark.parametrize(
    "body",
    [
        "deny := 1 if {\n\tinput.object.kind\n}",
        'deny contains 1 if {\n\tinput.object.kind == "X"\n}',
        'deny contains "x" if {\n\tto_number(input.object.kind) == 1\n}',
        'deny := {"x"} if {\n\tinput.object.kind == "Never"\n}',
        'deny contains {"message": "x", "extra": 1} if {\n\tinput.object.kind\n}',
        'deny := 1 if input.object.kind == "X"\n\ndeny := 2 if input.object.kind',
    ],
    ids=["number", "of-numbers", "builtin", "undefined", "key", "conflict"],
)
def test_a_policy_that_fails_fails_on_both(body: str) -> None:
    for engine in both(rules_of(broken=body)):
        with pytest.raises(PolicyError):
            answers(engine, [(subject({"apiVersion": "v1", "kind": "X"}), [])])


def test_a_policy_that_opa_alone_refuses_is_an_error_with_its_name() -> None:
    body = 'deny contains "x" if {\n\tinput.object.kind\n\tcount(1) == 2\n}'
    with pytest.raises(PolicyError) as caught:
        answers(
            OpaEngine(rules_of(typed=body), command=require_engine("opa")),
            [(subject({"apiVersion": "v1", "kind": "X"}), [])],
        )
    assert "typed.rego" in str(caught.value)


def test_the_inventory_is_the_same_on_both_however_it_is_read() -> None:
    inventory = [{"kind": "A"}, {"kind": "B"}]
    bodies = {
        "direct": "deny contains one.kind if some one in data.inventory",
        "computed": 'deny contains one.kind if {\n\tk := "inventory"\n\tsome one in data[k]\n}',
    }
    for name, body in bodies.items():
        for engine in both(rules_of(**{name: body})):
            (outcome,) = answers(engine, [(subject({"apiVersion": "v1", "kind": "X"}), inventory)])
            assert [defect.message for defect in outcome.defects] == ["A", "B"], name


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(ToolError) as caught:
        OpaEngine(rules_of(one='deny contains "x" if input.object.x'), command="/nonexistent/opa")
    assert "opa" in str(caught.value)
    assert caught.value.remedy


def test_a_program_that_is_no_server_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from gitops_gate.checks.policy import opa

    monkeypatch.setattr(opa, "START_TIMEOUT", 0.5)
    with pytest.raises(ToolError) as caught:
        OpaEngine(rules_of(one='deny contains "x" if input.object.x'), command="/bin/true")
    assert "/bin/true" in str(caught.value)


def test_a_server_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from gitops_gate.checks.policy import opa

    monkeypatch.setattr(opa, "START_TIMEOUT", 0.5)
    with pytest.raises(ToolError) as caught:
        OpaEngine(rules_of(one='deny contains "x" if input.object.x'), url="http://127.0.0.1:9")
    assert "127.0.0.1:9" in str(caught.value)


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8181", "ftp://x", "file:///etc", "http://x/y", "http://"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"policies\.opa\.url"):
        OpaEngine(rules_of(one='deny contains "x" if input.object.x'), url=url)
