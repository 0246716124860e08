"""Canonical JSON: one value, one spelling; and reading that refuses every other."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.attestations.canonical import MAXIMUM_BYTES, canonical_json, parsed_json, plain
from tests.unit.attestations.statements import failure

WHOLE = st.integers(min_value=-(2**53) + 1, max_value=2**53 - 1)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | WHOLE | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def test_keys_are_sorted_by_code_point_and_nothing_stands_between() -> None:
    value = {"b": 1, "a": [True, None, "é"], "B": {"😀": 0, "a": ""}}
    assert canonical_json(value) == (
        b'{"B":{"a":"","\\ud83d\\ude00":0},"a":[true,null,"\\u00e9"],"b":1}'
    )


@given(VALUES)
def test_what_was_written_is_read_again(value: Any) -> None:
    data = canonical_json(value)
    assert data.isascii()
    assert parsed_json(data, "file") == value
    assert canonical_json(parsed_json(data, "file")) == data


def test_mappings_and_tuples_are_written_as_their_plain_kinds() -> None:
    assert canonical_json(MappingProxyType({"a": (1, (2,))})) == b'{"a":[1,[2]]}'


def test_a_path_that_is_no_unicode_is_kept() -> None:
    path = b"apps/\xff.yaml".decode("utf-8", "surrogateescape")
    assert parsed_json(canonical_json({path: path}), "file") == {path: path}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            {"a": [0, {"b": 1.5}]},
            "a float is neither text, a whole number nor made of such, at $.a[1].b",
        ),
        ({"a": float("nan")}, "a float"),
        ({"n": 2**53}, "a number is beyond 2^53, at $.n"),
        ({"a": {1: "x"}}, "a key is not text, at $.a"),
        ({"a": {1}}, "a set is neither"),
        ({"a": b"x"}, "a bytes is neither"),
    ],
)
def test_what_has_no_spelling_is_named_with_its_place(value: object, said: str) -> None:
    assert said in str(failure(lambda: canonical_json(value)))


class Word(StrEnum):
    ALLOW = "allow"


def test_a_word_of_an_enumeration_is_its_text() -> None:
    assert type(plain({"verdict": Word.ALLOW})["verdict"]) is str
    assert canonical_json(Word.ALLOW) == b'"allow"'


@pytest.mark.parametrize("around", [lambda inner: [inner], lambda inner: {"a": inner}])
def test_nesting_has_an_end(around: Callable[[object], Any]) -> None:
    value = around(0)
    for _ in range(100):
        value = around(value)
    assert "deeper than 100" in str(failure(lambda: canonical_json(value)))
    assert "deeper than 100" in str(failure(lambda: parsed_json(json.dumps(value).encode(), "f")))
    fits = value[0] if isinstance(value, list) else value["a"]
    assert parsed_json(canonical_json(fits), "file") == fits


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"\\u0062":2}}',
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":9007199254740992}',
        b'{"a":' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b"{} {}",
    ],
    ids=lambda data: repr(data[:24]),
)
def test_what_readers_could_read_differently_is_refused(data: bytes) -> None:
    error = failure(lambda: parsed_json(data, "decisions/1"))
    assert error.refuted
    assert str(error).startswith("decisions/1: this is no attestation: ")


def test_what_is_too_large_is_not_read() -> None:
    assert parsed_json(b"1" + b" " * (MAXIMUM_BYTES - 1), "file") == 1
    error = failure(lambda: parsed_json(b"1" + b" " * MAXIMUM_BYTES, "file"))
    assert not error.refuted
    assert "at most" in error.message
