"""The fast reader either sees what the exact one sees, or leaves the document to it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.documents import DEFAULT_LIMITS, Limits, fast
from gitops_gate.documents.exact import load_exactly
from gitops_gate.documents.fast import NOT_READ, load_fast
from gitops_gate.errors import ManifestError
from tests.unit.documents.comparing import same
from tests.unit.documents.corpus import KEYS, MANIFESTS, SCALARS, SNIPPETS, documents, mutants

PLAIN_MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web, tier: "front"}
spec:
  replicas: 3
  template:
    spec:
      containers:
      - name: web
        image: registry.example.com/web:1.2.3
        command: ["/bin/sh", "-c", 'exec web']
        args:
        - --verbose=true
        - "yes"
        env:
        - name: URL
          value: http://example.com/path
        - {name: EMPTY, value: ""}
        resources:
          limits: {cpu: 500m, memory: 128Mi}
          requests:
            cpu: 0.25
        script: |
          if [ "$1" = x ]; then
            echo "on: $2"   # not a comment
          fi
        empty: {}
        nothing: []
        missing:
        null_too: ~
"""


def disagreements(texts: Iterable[bytes]) -> tuple[list[bytes], int]:
    """The documents that the two readers see differently, and how many the fast one read."""
    wrong, read = [], 0
    for text in texts:
        fast = load_fast(text, DEFAULT_LIMITS)
        if fast is NOT_READ:
            continue
        read += 1
        try:
            exact = load_exactly(text, strict=True, limits=DEFAULT_LIMITS, first_line=1)
        except ManifestError:
            exact = NOT_READ
        if not same(fast, exact):
            wrong.append(text)
    return wrong, read


def test_ordinary_manifests_are_read_fast() -> None:
    assert load_fast(PLAIN_MANIFEST.encode(), DEFAULT_LIMITS) is not NOT_READ
    assert disagreements([PLAIN_MANIFEST.encode()]) == ([], 1)


@pytest.mark.parametrize(
    "line",
    [
        "a: yes", "a: 0644", "a: 1.0", "a: +1", "a: 1_0", "a: .inf", "on: x", "1: x", "null: x",
        ": x", "? x", "a: !t x", "a: &t x", "a: *t", "<<: {a: b}", "- yes", "[n]", "{y: 1}",
        "{1: a}", "{a}", '{"a":yes}', "[a,\n  off]", "[a: b, 1: c]", "{a:\n  010}", 'a: "\\/"',
        "a: x\u2028", "a: x\x85", "\ufeffa: x", "a: x\r\nb: y", "...", "--- x", "%YAML 1.1",
        "[x?y]", "[a,\n  x?y]", "a: 1e3", "- - - - - - - - x", "a: 18446744073709551616",
        "a: 0x1F", "a: ._5", "{a: x, null: y}",
    ],
)  # fmt: skip
def test_doubtful_lines_are_left_to_the_exact_reader(line: str) -> None:
    wrong, _ = disagreements([line.encode(), f"x:\n  y:\n  - z\n{line}\n".encode()])

    assert wrong == []


@pytest.mark.parametrize("scalar", SCALARS)
def test_no_scalar_is_seen_differently_wherever_it_stands(scalar: str) -> None:
    places = [
        "{0}", "{0}: a", "a: {0}", "- {0}", "- - {0}", "- {0}: a", "- a: {0}", "a: {0} # c",
        "[{0}]", "{{a: {0}}}", "{{{0}: a}}", "[a, {0}, b]", "{{a: {0}, b: c}}", "{{a, {0}}}",
        "[{0}: a]", "a:\n  {0}", "a: x\n  {0}", "a: [x,\n {0}]", "a: [x,\n {0}\n ]",
        "a: {{x: y,\n {0}: z}}", "a:\t{0}", 'a: {{"x":{0}}}', "a: [[x]:{0}]", "a: |\n  {0}\n",
        "a: '{0}'", "? {0}\n: {0}", "a: [ {0} ]",
    ]  # fmt: skip

    wrong, _ = disagreements(place.format(scalar).encode() for place in places)

    assert wrong == []


@pytest.mark.slow
def test_written_documents_are_seen_alike() -> None:
    wrong, read = disagreements(documents(seed=11, count=8_000))

    assert wrong == []
    assert read > 400


@pytest.mark.slow
def test_damaged_manifests_are_seen_alike() -> None:
    wrong, read = disagreements(mutants(12, 8_000, (PLAIN_MANIFEST, MANIFESTS[1], MANIFESTS[3])))

    assert wrong == []
    assert read > 400


@given(st.lists(st.sampled_from([*SNIPPETS, *SCALARS, *KEYS]), max_size=12).map("".join))
def test_anything_is_seen_alike(text: str) -> None:
    wrong, _ = disagreements([text.encode()])

    assert wrong == []


@given(st.lists(st.sampled_from([*SNIPPETS, *SCALARS, *KEYS, " ", ": "]), max_size=8).map("".join))
def test_the_search_over_many_lines_passes_over_no_flagged_one(text: str) -> None:
    for line in text.split("\n"):
        block = f"\nkind: ConfigMap\n{line}\nname: web\n"
        searched = any(pattern.search(block) for pattern in fast._SEARCHED)
        assert searched or not fast._flags(f"\n{line}\n")


def test_lower_limits_hold_for_the_fast_reader_too() -> None:
    assert load_fast(b"a:\n  b:\n    c: {}\n", Limits(max_depth=3)) is NOT_READ
    assert load_fast(b"a:\n  b:\n    c: 1\n", Limits(max_depth=3)) is not NOT_READ
    assert load_fast(b"a: b\n", Limits(max_nodes=3)) is NOT_READ


def test_depth_that_only_block_style_reaches_is_measured() -> None:
    deep = "".join(f"{' ' * level}a:\n{' ' * level}-\n" for level in range(50))

    assert load_fast((deep + " " * 50 + "x\n").encode(), DEFAULT_LIMITS) is not NOT_READ
    assert load_fast((deep + " " * 50 + "a: x\n").encode(), DEFAULT_LIMITS) is NOT_READ
