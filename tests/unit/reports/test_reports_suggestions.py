"""A one-click suggestion changes one value or name of a file and nothing else, or is none."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.documents import dump_yaml, load_document, split_stream
from gitops_gate.findings import FieldPath, Finding, Location, Severity
from gitops_gate.reports.suggestions import replacement, suggestion_block

POD = """\
# a pod
kind: Pod
spec:
  hostPID: true  # why not
  replcas: 2
  containers: [{name: web, privileged: true}]
  anchor: &same "yes"
  alias: *same
  block: |
    privileged: true
"""


def finding(field: FieldPath, suggestion: str, line: int, column: int, **more: Any) -> Finding:
    given: dict[str, Any] = {"exact": True, **more}
    return Finding(
        rule="a/b",
        severity=Severity.ERROR,
        message="m",
        field=field,
        location=Location(path="pod.yaml", line=line, column=column, **given),
        suggestion=suggestion,
    )


def test_a_value_is_replaced_and_its_comment_stays() -> None:
    found = finding(("spec", "hostPID"), "false", 4, 12)
    assert replacement(found, POD, 4) == "  hostPID: false  # why not"


def test_a_misspelt_name_is_replaced_wherever_its_value_is() -> None:
    found = finding(("spec", "replcas"), "replicas:", 5, 12)
    assert replacement(found, POD, 5) == "  replicas: 2"
    assert suggestion_block(found, POD, 5, "github") == [
        "```suggestion",
        "  replicas: 2",
        "```",
    ]
    assert suggestion_block(found, POD, 5, "gitlab")[0] == "```suggestion:-0+0"


def test_a_value_inside_braces_is_replaced_alone() -> None:
    found = finding(("spec", "containers", 0, "privileged"), "false", 6, 40)
    assert replacement(found, POD, 6) == "  containers: [{name: web, privileged: false}]"


def test_the_line_of_the_head_counts_not_the_one_of_the_location() -> None:
    found = finding(("spec", "hostPID"), "false", 4, 12)
    assert replacement(found, "# more\n" + POD, 5) == "  hostPID: false  # why not"


def test_a_later_document_of_a_stream_is_found() -> None:
    found = finding(("spec", "hostPID"), "false", 6, 12)
    assert replacement(found, "a: b\n---\n" + POD, 6) == "  hostPID: false  # why not"


@pytest.mark.parametrize(
    ("field", "suggestion", "line", "column"),
    [
        (("spec", "hostPID"), "true", 4, 12),  # nothing would change
        (("spec", "hostPID"), "false", 4, 11),  # not where the value is
        (("spec", "hostPID"), "[false", 4, 12),  # not YAML
        (("spec", "hostPID"), "{a: 1}", 4, 12),  # no scalar
        (("spec", "hostPID"), "false, x: y", 4, 12),  # more than a value
        (("spec", "hostPID"), "false # x", 4, 12),
        (("spec", "hostPID"), "false\n  x: y", 4, 12),
        (("spec", "hostPID"), '"```"', 4, 12),  # ends the block
        (("spec", "hostPID"), '"~~~"', 4, 12),
        (("spec", "hostPID"), '"\u202e"', 4, 12),  # hides something
        (("spec", "hostPID"), '"' + "x" * 900 + '"', 4, 12),
        (("spec", "replcas"), "hostPID:", 5, 12),  # there already
        (("spec", "other"), "replicas:", 5, 12),  # another name stands there
        (("spec", "anchor"), '"no"', 7, 11),  # the alias would change too
        (("spec", "block", "privileged"), "false", 10, 17),  # text inside of text
        (("spec", "hostPID"), "false", 99, 12),
    ],
)
def test_what_is_not_beyond_doubt_is_not_suggested(
    field: FieldPath, suggestion: str, line: int, column: int
) -> None:
    found = finding(field, suggestion, line, column)
    if suggestion == "false # x":
        assert replacement(found, POD, line) == "  hostPID: false # x  # why not"
    else:
        assert replacement(found, POD, line) is None


def test_a_place_that_is_only_near_gets_none() -> None:
    assert replacement(finding(("spec", "hostPID"), "false", 4, 12, exact=False), POD, 4) is None


def test_templates_and_foreign_line_ends_get_none() -> None:
    template = "kind: Pod\nspec:\n  hostPID: true\n  {{ if .x }}\n"
    assert replacement(finding(("spec", "hostPID"), "false", 3, 12), template, 3) is None
    windows = "kind: Pod\r\nspec:\r\n  hostPID: true\r\n"
    assert replacement(finding(("spec", "hostPID"), "false", 3, 12), windows, 3) is None


def test_a_number_is_not_taken_for_a_word_that_equals_it() -> None:
    text = "spec:\n  port: 1\n"
    found = finding(("spec", "port"), "true", 2, 9)
    assert replacement(found, text, 2) == "  port: true"


scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8)


@given(
    value=st.dictionaries(st.text(min_size=1, max_size=5), scalars, min_size=1, max_size=5),
    wanted=st.one_of(scalars.map(lambda v: dump_yaml(v).rstrip("\n")), st.text(max_size=20)),
    data=st.data(),
)
def test_reading_the_file_again_always_gives_just_the_intended_change(
    value: dict[str, Any], wanted: str, data: st.DataObject
) -> None:
    text = dump_yaml(value)
    key = data.draw(st.sampled_from(sorted(value)))
    lines = text.split("\n")
    for line in range(1, len(lines)):
        for column in range(1, len(lines[line - 1]) + 1):
            new = replacement(finding((key,), wanted, line, column), text, line)
            if new is None:
                continue
            assert "\n" not in new
            again = load_document("\n".join([*lines[: line - 1], new, *lines[line:]]).encode())
            expected = copy.deepcopy(load_document(text.encode()))
            assert isinstance(again, dict)
            assert isinstance(expected, dict)
            differing = {k for k in again | expected if again.get(k, ...) != expected.get(k, ...)}
            assert len(differing) <= 2
            assert len(split_stream(text.encode())) == 1
