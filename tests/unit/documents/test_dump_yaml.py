"""A value as YAML text: readable, one text for one value, and read back as the same."""

from __future__ import annotations

import math
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.documents import dump_yaml, load_yaml
from gitops_gate.errors import ManifestError
from tests.unit.documents.corpus import SCALARS, TEXTS

ODD_TEXT = st.text(st.sampled_from(" \n\tab#:-'\"\\|>.~0é\u2028\ufeff\x85[]{},&*!%?=<\u200b"))
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
TEXT = st.one_of(ANY_TEXT, ODD_TEXT, st.sampled_from([*SCALARS, *TEXTS]))
NUMBERS = st.one_of(
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False).filter(
        lambda number: not number.is_integer() or abs(number) < 2**53 or abs(number) >= 1e21
    ),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=15,
)


@given(VALUES)
def test_what_is_written_is_read_back(value: object) -> None:
    assert load_yaml(dump_yaml(value)) == (value,)


@given(VALUES)
def test_the_text_does_not_depend_on_the_order_of_keys(value: object) -> None:
    assert dump_yaml(turned(value)) == dump_yaml(value)


def turned(value: object) -> object:
    if isinstance(value, dict):
        return {key: turned(member) for key, member in reversed(value.items())}
    return [turned(item) for item in value] if isinstance(value, list) else value


def test_a_manifest_reads_as_people_write_it() -> None:
    manifest = {
        "spec": {
            "replicas": 2,
            "template": {
                "spec": {"containers": [{"name": "web", "args": ["--level=5", "-v"], "env": []}]},
                "metadata": {"annotations": {}, "labels": {"on": "yes", "port": "8080"}},
            },
        },
        "metadata": {"name": "web", "namespace": None},
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "data": {"run.sh": "#!/bin/sh\necho 'hi'\n", "keep": "a\n\n", "cut": "a\nb", "ratio": 0.5},
        "matrix": [[1, 2], [True, "a: b"]],
    }

    assert dump_yaml(manifest) == (
        "apiVersion: apps/v1\n"
        "kind: Deployment\n"
        "metadata:\n"
        "  name: web\n"
        "  namespace: null\n"
        "data:\n"
        "  cut: |-\n"
        "    a\n"
        "    b\n"
        "  keep: |+\n"
        "    a\n"
        "\n"
        "  ratio: 0.5\n"
        "  run.sh: |\n"
        "    #!/bin/sh\n"
        "    echo 'hi'\n"
        "matrix:\n"
        "- - 1\n"
        "  - 2\n"
        "- - true\n"
        '  - "a: b"\n'
        "spec:\n"
        "  replicas: 2\n"
        "  template:\n"
        "    metadata:\n"
        "      annotations: {}\n"
        "      labels:\n"
        '        "on": "yes"\n'
        '        port: "8080"\n'
        "    spec:\n"
        "      containers:\n"
        "      - args:\n"
        "        - --level=5\n"
        "        - -v\n"
        "        env: []\n"
        "        name: web\n"
    )


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("registry.example.com/a:v1", "registry.example.com/a:v1"),
        ("it's", "it's"),
        ('{"a": 1}', "'{\"a\": 1}'"),
        ("1:30", '"1:30"'),
        ("2001-01-01", '"2001-01-01"'),
        ("---x", '"---x"'),
        ("", '""'),
        ("a\tb", '"a\\tb"'),
        ("bell\a", '"bell\\a"'),
        ("right\u202eleft", '"right\\u202eleft"'),
        ("zero\u200bwidth", '"zero\\u200bwidth"'),
        ("\x1b[2J", '"\\e[2J"'),
        (" a\n", "|2\n   a"),
    ],
)
def test_text_is_quoted_where_someone_could_misread_it(text: str, written: str) -> None:
    assert dump_yaml(text) == written + "\n"


def test_read_only_values_are_written_too() -> None:
    assert dump_yaml(MappingProxyType({"a": (1, MappingProxyType({"b": ()}))})) == (
        "a:\n- 1\n- b: []\n"
    )


@pytest.mark.parametrize(
    "value", [math.inf, math.nan, "\ud800", {1: 2}, object(), b"x", {"a": {1, 2}}]
)
def test_what_is_not_json_like_is_refused(value: object) -> None:
    with pytest.raises(ManifestError):
        dump_yaml({"a": [value]})


def test_integers_that_nobody_can_read_are_refused() -> None:
    with pytest.raises(ManifestError, match="thousands of digits"):
        dump_yaml(10**5000)


def test_values_that_are_too_deep_are_refused() -> None:
    value: object = 1
    for _ in range(2000):
        value = [value]

    with pytest.raises(ManifestError, match="deeper than 100"):
        dump_yaml(value)


def test_keys_longer_than_a_simple_key_may_be_are_explicit() -> None:
    value = {"k" * 2000: {"a": ["x"]}, "l" * 2000: [1], "m" * 2000: "text\nlines\n"}

    assert load_yaml(dump_yaml([value])) == ([value],)
