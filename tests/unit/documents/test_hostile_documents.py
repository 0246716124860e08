"""Hostile input ends in a ManifestError, in little time and memory, whatever it is."""

from __future__ import annotations

import random
import time
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.documents import load_document, load_yaml, locate, split_stream
from gitops_gate.errors import ManifestError

SECONDS = 10


def lines(template: str, count: int) -> bytes:
    return "".join(template.format(i=i, before=i - 1) for i in range(1, count)).encode()


ALIAS_BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (name, name, b",".join([b"*%c" % (name - 1)] * 9)) for name in b"bcdefg"
)

HOSTILE = {
    "alias bomb": ALIAS_BOMB,
    "mapping bomb": b"a0: &a0 {k: x}\n"
    + lines("a{i}: &a{i} {{a: *a{before}, b: *a{before}}}\n", 40),
    "chain of aliases": b"a0: &a0 {k: x}\n" + lines("a{i}: &a{i} [*a{before}]\n", 5000),
    "chain of merges": b"a0: &a0 {k: x}\n"
    + lines("a{i}: &a{i} {{<<: *a{before}, k{i}: 1}}\n", 5000),
    "anchor in itself": b"&a [*a]",
    "merge of itself": b"&a {<<: *a}",
    "flow depth": b"[" * 100_000,
    "closed flow depth": b"[" * 50_000 + b"]" * 50_000,
    "flow mappings": b"{a: " * 100_000,
    "flow depth over lines": b"[\n" * 100_000,
    "block depth": b"- " * 100_000,
    "explicit keys": b"? " * 100_000,
    "indentation": b"".join(b" " * level + b"a:\n" for level in range(2000)),
    "NUL": b"a: \0\n",
    "invalid UTF-8": b"a: \xff\n",
    "lone surrogate": b"a: \xed\xa0\x80\n",
    "overlong UTF-8": b"a: \xc0\x80\n",
    "random bytes": random.Random(1).randbytes(1_000_000),
    "tabs": b"\t" * 1_000_000,
    "byte order marks": b"\xef\xbb\xbf" * 1000,
    "escapes that have to be scanned again": b'- "it\\\'s"\n' * 100_000,
    "colons that have to be scanned again": b"[" + b"a:," * 100_000 + b"]",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("strict", [True, False])
def test_hostile_documents_are_refused_quickly(name: str, strict: bool) -> None:
    started = time.process_time()

    with pytest.raises(ManifestError) as caught:
        load_yaml(HOSTILE[name], strict=strict)

    assert time.process_time() - started < SECONDS
    assert caught.value.line is not None
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("name", HOSTILE)
def test_places_in_hostile_documents_are_only_inexact(name: str) -> None:
    assert not locate(HOSTILE[name], ("a", 0, "x")).exact


def test_an_alias_bomb_costs_no_memory() -> None:
    assert len(ALIAS_BOMB) <= 306
    tracemalloc.start()
    try:
        with pytest.raises(ManifestError, match="aliases"):
            load_document(ALIAS_BOMB)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000


def test_numbers_of_any_length_are_numbers_or_text() -> None:
    for digits in (b"1" * 900_000, b"0x" + b"f" * 900_000, b"0" * 900_000, b"_" * 900_000):
        load_document(b"a: " + digits + b"\n")
    assert load_document(b"1" * 50 + b": x\n") == {".inf": "x"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "part", "message"),
    [
        ("values", b"[" + b"1," * 24_990_000, "more than 1,000,000 values"),
        ("separators", b"---\n" * 12_000_000, "more than 100,000 documents"),
        ("documents", b"a: 1\n---\n" * 5_000_000, "more than 100,000 documents"),
        ("bytes", b"x" * 50_000_001, "more than 50,000,000 bytes"),
    ],
)
def test_streams_of_50_megabytes_are_refused_in_time(name: str, part: bytes, message: str) -> None:
    started = time.process_time()

    with pytest.raises(ManifestError, match=message):
        load_yaml(part)

    assert time.process_time() - started < SECONDS, name


@pytest.mark.slow
def test_a_stream_of_50_megabytes_that_is_harmless_is_read_in_time() -> None:
    started = time.process_time()

    (document,) = load_yaml(b"a: |\n" + b"  some text, line by line\n" * 1_900_000)

    assert isinstance(document, dict)
    assert time.process_time() - started < SECONDS


@pytest.mark.slow
def test_many_values_cost_bounded_memory() -> None:
    data = b"{" + b"".join(b"k%d: v," % number for number in range(80_000)) + b"}"
    tracemalloc.start()
    try:
        load_document(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 80_000_000


@given(st.binary(max_size=200))
def test_bytes_never_raise_anything_else(data: bytes) -> None:
    with suppress(ManifestError):
        load_yaml(data)
    with suppress(ManifestError):
        assert all(document.line >= 1 for document in split_stream(data))


@given(st.text(st.characters(), max_size=60), st.booleans())
def test_text_never_raises_anything_else(text: str, strict: bool) -> None:
    with suppress(ManifestError):
        load_yaml(text, strict=strict)
    locate(text.encode("utf-8", "replace"), ("a", 0))
