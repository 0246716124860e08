from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.resources import DocumentMemo, read_resources
from gitops_gate.resources.values import Origin, ResourceKey

ORIGIN = Origin(path="apps/web.yaml", line=7)


@dataclass(frozen=True)
class Manifest:
    text: bytes
    origin: Origin = ORIGIN


def read(*texts: str, memo=None):
    return read_resources([Manifest(text.encode()) for text in texts], memo)


MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: shop\n"


def test_a_document_becomes_a_resource_with_key_and_origin():
    (resource,) = read(MAP).resources
    assert resource.key == ResourceKey("", "ConfigMap", "shop", "a")
    assert resource.value["metadata"] == {"name": "a", "namespace": "shop"}
    assert resource.text == MAP.encode()
    assert resource.origin == Origin(path="apps/web.yaml", line=7)


def test_a_list_becomes_its_items():
    one, other = (f"{{apiVersion: v1, kind: {kind}, metadata: {{name: a}}}}" for kind in "AB")
    result = read(f"apiVersion: v1\nkind: List\nitems: [{one}, {other}]\n")
    assert [(r.key.kind, r.origin.prefix) for r in result.resources] == [
        ("A", ("items", 0)),
        ("B", ("items", 1)),
    ]
    assert result.unreadable == ()


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "null", "---\n"])
def test_a_document_without_content_is_no_resource_and_no_problem(text):
    assert read(text) == read()


def test_the_block_of_an_encrypted_document_is_dropped():
    (resource,) = read(MAP + "sops:\n  mac: x\n  version: 3.9.0\n").resources
    assert "sops" not in resource.value


def test_a_generated_name_is_a_name():
    (resource,) = read("{apiVersion: v1, kind: Pod, metadata: {generateName: a-}}").resources
    assert resource.reference.name == "a-"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("just text", "expected a mapping with apiVersion and kind, found text"),
        ("[1, 2]", "expected a mapping with apiVersion and kind, found a list"),
        ("{kind: A, metadata: {name: a}}", "apiVersion is missing"),
        ("{apiVersion: v1, metadata: {name: a}}", "kind is missing"),
        ("{apiVersion: v1, kind: '', metadata: {name: a}}", "kind is missing"),
        ("{apiVersion: v1, kind: 3, metadata: {name: a}}", "kind must be text, found a number"),
        ("{apiVersion: 1.2, kind: A}", "apiVersion must be text, found a number"),
        ("{apiVersion: v1, kind: A}", "metadata.name is missing"),
        ("{apiVersion: v1, kind: A, metadata: null}", "metadata.name is missing"),
        ("{apiVersion: v1, kind: A, metadata: [a]}", "metadata must be a mapping"),
        (
            "{apiVersion: v1, kind: A, metadata: {name: 7}}",
            "metadata.name must be text, found a number",
        ),
        (
            "{apiVersion: v1, kind: A, metadata: {name: a, namespace: {}}}",
            "metadata.namespace must be text, found a mapping",
        ),
    ],
)
def test_what_is_no_resource_says_why(text, message):
    result = read(text)
    assert result.resources == ()
    (problem,) = result.unreadable
    assert problem.message == message
    assert problem.origin.path == "apps/web.yaml"


def test_what_is_no_yaml_says_where():
    result = read(MAP, "a: 1\nb: [\n")
    assert len(result.resources) == 1
    (problem,) = result.unreadable
    assert problem.line > 1
    assert problem.message


def test_one_bad_item_of_a_list_leaves_the_others():
    result = read(
        "{apiVersion: v1, kind: List, items: "
        "[{kind: A}, {apiVersion: v1, kind: B, metadata: {name: b}}]}"
    )
    assert [r.key.kind for r in result.resources] == ["B"]
    assert [p.origin.prefix for p in result.unreadable] == [("items", 0)]


def test_identical_documents_are_read_once():
    memo: dict = {}
    result = read(MAP, MAP, "[", "[", memo=memo)
    assert result.resources[0].value is result.resources[1].value
    assert len(result.unreadable) == 2
    assert len(memo) == 2
    assert read(MAP, memo=memo).resources[0].value is result.resources[0].value


def test_a_memo_stays_within_its_budget():
    memo = DocumentMemo(budget=3 * len(MAP))
    texts = [MAP.replace("name: a", f"name: {letter}") for letter in "abcdef"]
    assert len(read(*texts, *texts, memo=memo).resources) == 12
    assert list(memo) == [text.encode() for text in texts[3:]]
    read(MAP + "#" * 4000, memo=memo)
    assert len(memo) == 0
    read(*texts, memo=memo)
    assert len(memo) == 3


@given(
    st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace"))
)
def test_no_bytes_raise(text):
    read_resources([Manifest(text)])
