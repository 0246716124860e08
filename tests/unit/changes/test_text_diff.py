from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.changes.text_diff import changed_spans, unified_diff


def test_a_changed_line_is_shown_with_its_surroundings():
    base = [f"line {number}" for number in range(1, 11)]
    head = [*base[:5], "another", *base[6:]]
    assert unified_diff(base, head) == [
        "@@ -3,7 +3,7 @@",
        " line 3",
        " line 4",
        " line 5",
        "-line 6",
        "+another",
        " line 7",
        " line 8",
        " line 9",
    ]


@pytest.mark.parametrize(
    ("base", "head", "lines"),
    [
        ([], [], []),
        (["a"], ["a"], []),
        ([], ["a"], ["@@ -0,0 +1 @@", "+a"]),
        (["a", "b"], [], ["@@ -1,2 +0,0 @@", "-a", "-b"]),
    ],
)
def test_ends_are_numbered_as_gnu_diff_numbers_them(base, head, lines):
    assert unified_diff(base, head) == lines


def test_distant_changes_are_in_separate_hunks():
    base = [str(number) for number in range(30)]
    head = ["x", *base[1:-1], "y"]
    assert [line for line in unified_diff(base, head) if line.startswith("@@")] == [
        "@@ -1,4 +1,4 @@",
        "@@ -27,4 +27,4 @@",
    ]


def applied(base, head):
    """The head, as it follows from the base and the spans alone."""
    result, position = [], 0
    for a, b, c, d in changed_spans(base, head):
        assert position <= a
        result += [*base[position:a], *head[c:d]]
        position = b
    return result + base[position:]


LINES = st.lists(st.sampled_from(["a", "b", "c", "", "- name: x", "d"]), max_size=25)


@given(LINES, LINES)
def test_the_diff_is_true(base, head):
    assert applied(base, head) == head
    diff = unified_diff(base, head, context=100)
    body = [line for line in diff if not line.startswith("@@")]
    if base != head:
        assert [line[1:] for line in body if line[0] in " -"] == base
        assert [line[1:] for line in body if line[0] in " +"] == head


@given(LINES, LINES)
def test_the_diff_of_the_reverse_is_the_reverse(base, head):
    forth = [(a, b, c, d) for a, b, c, d in changed_spans(base, head)]
    back = [(c, d, a, b) for a, b, c, d in changed_spans(head, base)]
    assert applied(base, head) == head
    assert bool(forth) == bool(back)


@pytest.mark.slow
@pytest.mark.parametrize("alphabet", [2, 30, 1000, 40_000])
def test_hostile_texts_are_compared_in_bounded_time(alphabet):
    chance = random.Random(alphabet)
    base = [str(chance.randrange(alphabet)) for _ in range(50_000)]
    head = [str(chance.randrange(alphabet)) for _ in range(50_000)]
    started = time.process_time()
    assert applied(base, head) == head
    assert time.process_time() - started < 10
