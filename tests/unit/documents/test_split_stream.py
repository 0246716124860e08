"""Where a stream is cut into documents."""

from __future__ import annotations

import pytest

from gitops_gate.documents import Limits, RawDocument, load_yaml, split_stream
from gitops_gate.errors import ManifestError


def pieces(data: bytes) -> list[tuple[bytes, int]]:
    return [(document.text, document.line) for document in split_stream(data)]


def test_documents_keep_their_text_and_line() -> None:
    assert pieces(b"a: 1\n---\n# c\nb: 2\n") == [(b"a: 1\n", 1), (b"# c\nb: 2\n", 3)]


@pytest.mark.parametrize("separator", [b"---", b"---   ", b"---\t", b"--- # text", b"---\t# x"])
def test_blanks_and_a_comment_may_follow_the_separator(separator: bytes) -> None:
    assert pieces(separator + b"\na: 1\n" + separator + b"\nb: 2\n" + separator) == [
        (b"a: 1\n", 2),
        (b"b: 2\n", 4),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "--- a: 1", "---a", "----", "--- |", "--- {}", "---#c", "---\u00a0", "--- # a\u2028b",
        "--- # a\rb", "---\x0b",
    ],
)  # fmt: skip
def test_what_else_follows_a_separator_is_an_error(line: str) -> None:
    with pytest.raises(ManifestError, match="starts with ---") as caught:
        split_stream(f"x: y\n{line}\nz: 1\n".encode())

    assert (caught.value.line, caught.value.column) == (2, 1)


def test_a_separator_cuts_wherever_it_stands() -> None:
    assert pieces(b"a: |\n  x\n---\n  y\n") == [(b"a: |\n  x\n", 1), (b"  y\n", 4)]
    assert len(pieces(b"a: 'x\n---\ny'\n")) == 2


def test_an_indented_separator_is_text() -> None:
    assert len(pieces(b"a: |\n  x\n  ---\n  y\n")) == 1


@pytest.mark.parametrize(
    "data",
    [b"", b"\n", b"---", b"---\n---\n", b"# only\n  # comments\n\n", b"---\n# x\n---\n",
     b"\xef\xbb\xbf", "# é\n".encode()],
)  # fmt: skip
def test_what_is_empty_is_left_out(data: bytes) -> None:
    assert pieces(data) == []


def test_an_explicit_null_is_a_document() -> None:
    assert load_yaml("null\n---\n~\n---\n{}\n") == (None, None, {})


def test_a_comment_that_yaml_ends_early_is_not_empty() -> None:
    assert load_yaml("# x\rkind: Role\n") == ({"kind": "Role"},)
    assert load_yaml("# x\u2028kind: Role\n") == ({"kind": "Role"},)


def test_windows_line_ends_are_line_ends() -> None:
    assert pieces(b"a: 1\r\n---\r\nb: 2\r\n") == [(b"a: 1\n", 1), (b"b: 2\n", 3)]


def test_the_line_break_that_is_missing_at_the_end_is_added() -> None:
    assert pieces(b"a: |\n  x") == [(b"a: |\n  x\n", 1)]


def test_a_byte_order_mark_may_only_start_the_stream() -> None:
    assert pieces(b"\xef\xbb\xbf---\na: 1\n") == [(b"a: 1\n", 2)]
    with pytest.raises(ManifestError, match="byte order mark"):
        split_stream(b"a: 1\n---\n\xef\xbb\xbfb: 1\n")


def test_utf16_is_one_document_or_an_error() -> None:
    assert load_yaml("a: é\n".encode("utf-16")) == ({"a": "é"},)
    with pytest.raises(ManifestError, match="second document"):
        load_yaml("a: 1\n---\nb: 2\n".encode("utf-16"))


@pytest.mark.parametrize(
    "data",
    [b"a: 1\n...\nb: 2\n", b"a: 1\r---\rb: 2\n", "a: 1\u2028---\u2028b: 2\n".encode(),
     b"---\n\r---\nkind: Role\n"],
)  # fmt: skip
def test_documents_that_kubernetes_would_not_see_are_an_error(data: bytes) -> None:
    with pytest.raises(ManifestError):
        load_yaml(data)


def test_limits() -> None:
    with pytest.raises(ManifestError, match="more than 10 bytes"):
        split_stream(b"a" * 11, Limits(max_bytes=10))
    with pytest.raises(ManifestError, match="more than 2 documents") as caught:
        split_stream(b"a: 1\n---\nb: 1\n---\nc: 1\n", Limits(max_documents=2))
    assert caught.value.line == 3
    assert len(split_stream(b"a: 1\n---\nb: 1\n", Limits(max_documents=2))) == 2


def test_documents_are_values() -> None:
    assert RawDocument(b"a", 1) == RawDocument(b"a", 1)
    assert hash(RawDocument(b"a", 1)) == hash(RawDocument(b"a", 1))
