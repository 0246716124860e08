"""Where a field stands in the text."""

from __future__ import annotations

import pytest

from gitops_gate.documents import Position, locate

MANIFEST = b"""\
# a pod
kind: Pod
metadata: {name: web, labels: {"app": x}}
spec:
  containers:
  - name: one
    image: "a:1"
  - image: b:2
    args: [--x, "--y"]
  1: number
  text: |
    some
  empty:
base: &base
  a: 1
  b: &b [x, y]
merged:
  <<: *base
  c: 3
alias: *b
both:
  <<: [*base, {a: 2, d: 4}]
  b: 5
"""


@pytest.mark.parametrize(
    ("field", "line", "column"),
    [
        ((), 2, 1),
        (("kind",), 2, 7),
        (("metadata", "name"), 3, 18),
        (("metadata", "labels", "app"), 3, 39),
        (("spec",), 5, 3),
        (("spec", "containers", 0), 6, 5),
        (("spec", "containers", 0, "image"), 7, 12),
        (("spec", "containers", 1, "args", 1), 9, 17),
        (("spec", "1"), 10, 6),
        (("spec", "text"), 11, 9),
        (("spec", "empty"), 13, 9),
        (("merged", "a"), 15, 6),
        (("merged", "c"), 19, 6),
        (("merged", "b", 1), 16, 13),
        (("alias", 0), 16, 10),
        (("both", "a"), 15, 6),
        (("both", "d"), 22, 25),
        (("both", "b"), 23, 6),
    ],
)
def test_the_place_of_a_value(field: tuple[str | int, ...], line: int, column: int) -> None:
    assert locate(MANIFEST, field) == Position(line, column, exact=True)


@pytest.mark.parametrize(
    ("field", "line", "column"),
    [
        (("kind",), 2, 1),
        (("spec", "containers", 0, "image"), 7, 5),
        (("spec", "containers", 1), 8, 5),
        (("merged", "a"), 15, 3),
    ],
)
def test_the_place_of_a_key(field: tuple[str | int, ...], line: int, column: int) -> None:
    assert locate(MANIFEST, field, key=True) == Position(line, column, exact=True)


@pytest.mark.parametrize(
    ("field", "line", "column"),
    [
        (("spec", "containers", 0, "resources", "limits"), 6, 5),
        (("spec", "containers", 5), 6, 3),
        (("spec", "replicas"), 5, 3),
        (("kind", "x"), 2, 7),
        (("nothing",), 2, 1),
        (("spec", "containers", "0"), 6, 3),
        (("spec", "containers", -1), 6, 3),
    ],
)
def test_what_is_not_there_is_shown_at_its_nearest_ancestor(
    field: tuple[str | int, ...], line: int, column: int
) -> None:
    assert locate(MANIFEST, field) == Position(line, column, exact=False)


def test_lines_count_from_the_first_line_of_the_document() -> None:
    assert locate(b"a:\n  b: 1\n", ("a", "b"), first_line=40) == Position(41, 6, exact=True)


def test_lines_and_columns_count_as_an_editor_does() -> None:
    text = 'a: "é\u2028é"\nb: {é: 1}\n'.encode()

    assert locate(text, ("b", "é")) == Position(2, 8, exact=True)
    assert locate(b"a: 1\r\nb: 2\r\n", ("b",)) == Position(2, 4, exact=True)
    assert locate("\ufeffa: 1\n".encode("utf-16-le"), ("a",)) == Position(1, 4, exact=True)


@pytest.mark.parametrize(
    "text", [b"", b"# x\n", b"a: [", b"\xff", b"a: *x\n", b"&a {<<: *a}", b"- " * 9999]
)
def test_what_cannot_be_read_is_shown_as_a_whole(text: bytes) -> None:
    position = locate(text, ("a", "b"), first_line=7)

    assert position == Position(7, 1, exact=False)
