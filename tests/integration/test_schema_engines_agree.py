"""The embedded engine and kubeconform give the same findings, message for message.

Every field of valid manifests of more than twenty kinds is replaced by each of a palette of
values, removed, misspelt in case, and joined by an unknown one: some 9,000 resources.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from gitops_gate.checks.interface import SchemaOutcome
from gitops_gate.checks.schema import CrdDocument, build_validator
from gitops_gate.config.settings import SchemaSettings
from gitops_gate.errors import ToolError
from tests.unit.checks.schema_examples import (
    BUILTIN,
    RICH_SCHEMA,
    RICH_WIDGET,
    Manifest,
    changed,
    crd,
    of_spec,
    paths,
    resource,
    widget,
)

pytestmark = [pytest.mark.engine, pytest.mark.slow]

REMOVED = ...
PALETTE: Sequence[Any] = (
    REMOVED,
    None,
    "text",
    "",
    7,
    -1,
    3.5,
    True,
    [],
    {},
    [None],
    {"x": None},
    "12",
    2**31,
    2**40,
    1e21,
    "1 Gi",
    "a\u0085b\u2028\ufeff\U0001f600'\"\\\n\t: #",
    "ENC[AES256_GCM,data:abc,type:str]",
)


def mutants(manifest: Manifest) -> Iterator[Manifest]:
    for path in paths(manifest):
        if path in (("apiVersion",), ("kind",)):
            continue
        yield from (changed(manifest, path, value) for value in PALETTE)
        node: Any = manifest
        for part in path:
            node = node[part]
        if isinstance(node, dict):
            yield changed(manifest, (*path, "unknownField"), 1)
        if isinstance(node, str):
            yield changed(manifest, path, node.swapcase())


def judge(
    engine: str,
    command: str,
    values: Sequence[Manifest],
    crds: Sequence[CrdDocument],
    strict: bool = True,
) -> Sequence[SchemaOutcome]:
    settings = SchemaSettings(
        engine=engine,  # type: ignore[arg-type]
        kubeconform_command=command,
        strict=strict,
    )
    validator = build_validator(settings, "1.36", crds)
    try:
        return validator.validate([resource(value) for value in values])
    finally:
        validator.close()


def differences(
    command: str, values: Sequence[Manifest], crds: Sequence[CrdDocument] = (), strict: bool = True
) -> list[tuple[Manifest, SchemaOutcome, SchemaOutcome]]:
    ours = judge("embedded", command, values, crds, strict)
    theirs = judge("kubeconform", command, values, crds, strict)
    return [
        (value, our, their)
        for value, our, their in zip(values, ours, theirs, strict=True)
        if our != their
    ]


@pytest.mark.parametrize("strict", [True, False])
def test_both_engines_give_the_same_findings_for_mutants_of_every_field(
    require_engine: Callable[[str], str], strict: bool
) -> None:
    command = require_engine("kubeconform")
    values = [mutant for valid in (*BUILTIN, RICH_WIDGET) for mutant in (valid, *mutants(valid))]
    assert len({value["kind"] for value in values}) >= 20
    assert differences(command, values, [crd(RICH_SCHEMA)], strict) == []


def test_both_engines_accept_the_valid_manifests(require_engine: Callable[[str], str]) -> None:
    values = [*BUILTIN, RICH_WIDGET]
    outcomes = judge("kubeconform", require_engine("kubeconform"), values, [crd(RICH_SCHEMA)])
    assert outcomes == [SchemaOutcome(known=True)] * len(values)


def test_both_engines_agree_on_kinds_that_do_not_exist_or_are_unknown(
    require_engine: Callable[[str], str],
) -> None:
    values: list[Manifest] = [
        {"apiVersion": "extensions/v1beta1", "kind": "Ingress"},
        {"apiVersion": "apps/v1", "kind": "deployment"},
        {"apiVersion": "", "kind": "Deployment"},
        {"apiVersion": "example.org/v1", "kind": "Gadget"},
        {"apiVersion": "v1", "kind": "List", "items": []},
    ]
    assert differences(require_engine("kubeconform"), values) == []


def test_both_engines_agree_where_two_definitions_of_a_kind_are_alternatives(
    require_engine: Callable[[str], str],
) -> None:
    crds = [
        crd(of_spec(size={"type": "integer"})),
        crd(of_spec(size={"type": "string"}, more={"type": "string"})),
    ]
    values = [widget({"size": size, "more": "x"}) for size in (1, "1", True)]
    assert differences(require_engine("kubeconform"), values, crds) == []


def test_both_engines_agree_on_a_definition_that_does_not_load(
    require_engine: Callable[[str], str],
) -> None:
    crds = [crd(of_spec(size={"$ref": "https://schemas.invalid/size.json"}))]
    assert differences(require_engine("kubeconform"), [widget({"size": 1})], crds) == []


def test_the_report_names_the_engine_and_what_it_says_of_its_version(
    require_engine: Callable[[str], str],
) -> None:
    settings = SchemaSettings(
        engine="kubeconform", kubeconform_command=require_engine("kubeconform")
    )
    name, version = build_validator(settings, "1.36", []).tool
    assert name == "kubeconform"
    assert version


def test_a_missing_kubeconform_is_an_error_that_names_it() -> None:
    with pytest.raises(ToolError, match="no-such-kubeconform"):
        judge("kubeconform", "/nonexistent/no-such-kubeconform", [BUILTIN[0]], ())


def test_a_program_that_is_not_kubeconform_is_an_error() -> None:
    with pytest.raises(ToolError, match="no report"):
        judge("kubeconform", "/bin/cat", [BUILTIN[0]], ())
