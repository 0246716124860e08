"""What is known of a Rego file before any engine runs it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.checks.policy.library import shipped_files
from gitops_gate.checks.policy.modules import (
    Module,
    native_id,
    outline_module,
    package_of,
    parse_module,
)
from gitops_gate.errors import PolicyError


def module(body: str, imports: str = "", metadata: str = "") -> Module:
    return parse_module("x.rego", f"{metadata}package gitops_gate.house.x\n{imports}\n{body}\n")


def denies(condition: str, imports: str = "") -> Module:
    return module(f'deny contains "x" if {{\n\t{condition}\n}}', imports)


def test_package_rules_and_references_are_read() -> None:
    found = denies('data.gitops_gate.lib.pods.a == 1\n\tinput.object.kind == "X"')
    assert found.package == "gitops_gate.house.x"
    assert found.rules == {"deny"}
    assert "gitops_gate.lib.pods.a" in found.uses


@pytest.mark.parametrize(
    ("package", "rule"),
    [
        ("gitops_gate.images.pinned", "images/pinned"),
        ("gitops_gate.pod_security.host_path", "pod-security/host-path"),
        ("gitops_gate.lib.pods", None),
        ("gitops_gate.images", None),
        ("gitops_gate.a.b.c", None),
        ("main", None),
    ],
)
def test_the_package_is_the_rule_s_id(package: str, rule: str | None) -> None:
    assert native_id(package) == rule


@pytest.mark.parametrize("path", sorted(shipped_files()))
def test_shipped_modules_parse_and_are_what_their_outline_says(path: str) -> None:
    text = shipped_files()[path].decode()
    assert outline_module(path, text) == parse_module(path, text)


@given(st.text(max_size=200))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    package_of(text)
    try:
        parse_module("x.rego", text)
    except PolicyError as error:
        assert error.path == "x.rego"  # noqa: PT017
        assert "\n" not in error.message  # noqa: PT017


# -------------------------------------------------------------------------- metadata


def test_the_block_above_the_package_is_its_metadata() -> None:
    found = module("deny := set()", metadata="# METADATA\n# title: A title\n# custom:\n#   a: 1\n")
    assert found.metadata == {"title": "A title", "custom": {"a": 1}}
    assert module("deny := set()").metadata == {}


@pytest.mark.parametrize(
    ("block", "line"),
    [
        ("# METADATA\n# title: [\n", 2),
        ("# METADATA\n# - a\n", 1),
        ("# METADATA\n# title: a\n# title: b\n", 3),
    ],
)
def test_metadata_that_cannot_be_read_names_its_line(block: str, line: int) -> None:
    with pytest.raises(PolicyError) as caught:
        module("deny := set()", metadata=block)
    assert caught.value.path == "x.rego"
    assert caught.value.line is not None
    assert abs(caught.value.line - line) <= 1


# -------------------------------------------------------------------------- functions


@pytest.mark.parametrize(
    "condition",
    [
        'http.send({"url": "x"})',
        'http["send"]({})',
        "opa.runtime()",
        "time.now_ns() > 0",
        'rand.intn("x", 2) == 1',
        'uuid.rfc4122("x")',
        'net.lookup_ip_addr("x")',
        "no_such_function(1)",
        "f := http.send\n\tf({})",
        'io.jwt.decode("x")',
        "trace(input.object.kind)",
        "[x | x := http.send({})]",
        "every x in [1] { http.send({}) }",
        "count({}) with count as http.send",
        "own(1) with own as http.send",
        "own(1) with data.gitops_gate.house.x.own as http.send",
        "count({}) with input as {} with count as opa.runtime",
    ],
)
def test_a_function_that_is_not_on_the_list_is_refused(condition: str) -> None:
    with pytest.raises(PolicyError) as caught:
        module(f'own(x) := x\n\ndeny contains "x" if {{\n\t{condition}\n}}')
    assert caught.value.path == "x.rego"
    assert caught.value.line in (6, 7)
    assert "may not be called" in caught.value.message


@pytest.mark.parametrize(
    ("condition", "imports"),
    [
        ("pods.containers(input.object)", "import data.gitops_gate.lib.pods"),
        ("p.containers(input.object)", "import data.gitops_gate.lib.pods as p"),
        ("data.gitops_gate.lib.pods.containers(input.object)", ""),
        ('startswith(input.object.kind, "x")', ""),
        ('regex.match("a", "b")', "import rego.v1"),
        ("own(1)", ""),
        ("own(1) with input as {}", ""),
        ("own(1) with data.inventory as input.object.items", ""),
        ('x := 1\n\tsprintf("%d", [x]) == "1"', ""),
    ],
)
def test_functions_of_both_engines_and_of_policies_are_allowed(
    condition: str, imports: str
) -> None:
    module(f'own(x) := x\n\ndeny contains "x" if {{\n\t{condition}\n}}', imports)


# -------------------------------------------------------------------------- what it looks at


@pytest.mark.parametrize(
    ("condition", "contextual", "inventory"),
    [
        ("input.object.kind", False, False),
        ("input.oldObject.kind\n\tinput.operation\n\tinput.parameters.x", False, False),
        ('input["object"].kind', False, False),
        ("input.application.environment", True, False),
        ("some k\n\tinput[k]", True, False),
        ("x := input\n\tx.application", True, False),
        ("data.inventory[_].kind", True, True),
        ('data["inventory"]', True, True),
        ("some k\n\tdata[k]", True, True),
        ("x := data\n\tx.inventory", True, True),
        ("data.gitops_gate.lib.pods.x", False, False),
        ("data.other.x", True, False),
    ],
)
def test_what_a_rule_may_depend_on_is_known(
    condition: str, contextual: bool, inventory: bool
) -> None:
    found = denies(condition)
    assert (found.contextual, found.inventory) == (contextual, inventory)


@pytest.mark.parametrize(
    ("import_", "contextual", "inventory"),
    [
        ("import input.application as app", True, False),
        ("import input as i", True, False),
        ("import input.object as o", False, False),
        ("import data.inventory", True, True),
        ("import data.gitops_gate.lib.pods", False, False),
    ],
)
def test_imports_count_as_well(import_: str, contextual: bool, inventory: bool) -> None:
    found = denies("1 == 1", import_)
    assert (found.contextual, found.inventory) == (contextual, inventory)
