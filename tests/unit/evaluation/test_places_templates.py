"""Templates print what Helm prints, know where each character came from, and stay within limits."""

from __future__ import annotations

import contextlib
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.evaluation.places.subjects import matches
from gitops_gate.evaluation.places.templates.execute import (
    Budget,
    Execution,
    definitions,
    template,
)
from gitops_gate.evaluation.places.templates.parse import TemplateError
from gitops_gate.evaluation.places.templates.text import NOWHERE, Text
from gitops_gate.evaluation.places.traced import Traced, traced

VALUES = b"""\
a: {b: red, num: 3, yep: true, empty: "", nothing: null}
list: [one, two]
map: {x: 1, z: two}
text: |
  first
  second
tpl: "{{ .Values.a.b }}!"
"""


def run(source: str, values: bytes = VALUES) -> Text:
    main = template("t.yaml", source)
    tree = traced(values, "values.yaml")
    context = Traced({"Values": tree or Traced({}, NOWHERE)}, NOWHERE)
    execution = Execution(definitions(main), {"f.txt": ("f.txt", "file")}, Budget())
    return execution.run(main, context)


@pytest.mark.parametrize(
    ("source", "printed"),
    [
        ("x {{ .Values.a.b }} y", "x red y"),
        ("x {{- .Values.a.b -}} y", "xredy"),
        ("a\n  {{- /* said\nhere */ -}}\n  b", "ab"),
        ("{{ .Values.a.b | quote }} {{ .Values.a.num | squote }}", "\"red\" '3'"),
        ('{{ .Values.missing | default "none" }}', "none"),
        ("{{ default .Values.a.b .Values.a.empty }}", "red"),
        ("{{ if .Values.a.yep }}1{{ else }}2{{ end }}", "1"),
        ("{{ if eq .Values.a.num 4 }}1{{ else if gt .Values.a.num 2 }}2{{ else }}3{{ end }}", "2"),
        ("{{ if and .Values.a.yep (not .Values.a.empty) }}x{{ end }}", "x"),
        ("{{ if or .Values.a.empty .Values.missing }}x{{ end }}", ""),
        ("{{ with .Values.a }}{{ .b }}{{ $.Values.a.num }}{{ end }}", "red3"),
        ("{{ with .Values.none }}x{{ else }}y{{ end }}", "y"),
        ("{{ range .Values.list }}<{{ . }}>{{ end }}", "<one><two>"),
        ("{{ range $i, $e := .Values.list }}{{ $i }}{{ $e }}{{ end }}", "0one1two"),
        ("{{ range $k, $v := .Values.map }}{{ $k }}={{ $v }};{{ end }}", "x=1;z=two;"),
        ("{{ range .Values.none }}x{{ else }}none{{ end }}", "none"),
        ("{{ range until 5 }}{{ if eq . 3 }}{{ break }}{{ end }}{{ . }}{{ end }}", "012"),
        ("{{ range list 1 2 3 }}{{ if eq . 2 }}{{ continue }}{{ end }}{{ . }}{{ end }}", "13"),
        ("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}", "2"),
        ("{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ end }}{{ $x }}", "1"),
        ('{{ define "n" }}[{{ . }}]{{ end }}{{ include "n" 5 }}{{ template "n" 6 }}', "[5][6]"),
        ('x:{{ "a\\nb" | nindent 2 }}', "x:\n  a\n  b"),
        ("x:{{ .Values.text | trim | nindent 2 }}", "x:\n  first\n  second"),
        ("{{ toYaml .Values.map }}", "x: 1\nz: two"),
        ('{{ printf "%s-%d %q" .Values.a.b 3 "z" }}', 'red-3 "z"'),
        ("{{ tpl .Values.tpl . }} {{ .Values.tpl }}", "red! {{ .Values.a.b }}!"),
        ('{{ "abcdef" | trunc 3 | upper | replace "B" "_" }}', "A_C"),
        ('{{ ternary "y" "n" .Values.a.yep }}{{ contains "e" "red" }}', "ytrue"),
        ('{{ (dict "k" (list 1 2)).k | join "," }}', "1,2"),
        ('{{ index .Values.list 1 }}{{ index .Values "a" "b" }}', "twored"),
        (
            '{{ get .Values.map "z" }}{{ hasKey .Values.map "y" }}{{ len .Values.list }}',
            "twofalse2",
        ),
        ('{{ .Files.Get "f.txt" }}', "file"),
        ("{{ coalesce .Values.none .Values.a.b }}{{ add 1 2 3 }}{{ `raw` }}", "red6raw"),
        ('{{ "a b" | b64enc }}{{ "YSBi" | b64dec }}', "YSBia b"),
        ('{{ if semverCompare ">=1.20-0" "v1.36.0" }}new{{ end }}', "new"),
    ],
)
def test_what_is_printed(source: str, printed: str) -> None:
    assert run(source).joined() == printed


def places(source: str) -> dict[str, tuple[str, int, int]]:
    return {
        piece.text.strip(): (piece.place.path, piece.place.line, piece.place.column)
        for piece in run(source)
        if piece.text.strip()
    }


def test_every_piece_knows_its_place() -> None:
    found = places(
        "one\n two: {{ .Values.a.b }}\n{{ .Values.none | default 7 }}{{ toYaml .Values.map }}"
    )
    assert found["one"] == ("t.yaml", 1, 1)
    assert found["two:"] == ("t.yaml", 2, 1)
    assert found["red"] == ("values.yaml", 1, 8)
    assert found["7"] == ("t.yaml", 3, 1)
    assert found["two"] == ("values.yaml", 3, 16)


def test_what_is_not_understood_is_unknown_and_stops_nothing() -> None:
    made = run('a {{ genCA "x" 3 }} b {{ randAlphaNum 5 | quote }} {{ .Values.a.b }}')
    assert made.joined() == "a unknown b unknown red"
    assert [piece.sure for piece in made if piece.text in ("unknown", "red")] == [
        False,
        False,
        True,
    ]
    assert not any(p.sure for p in run("{{ if genCA 1 }}maybe{{ end }}"))


MUTUAL = """
{{ define "n" }}{{ include "m" . }}{{ include "m" . }}{{ end }}
{{ define "m" }}{{ include "n" . }}{{ include "n" . }}{{ end }}{{ include "n" . }}
"""
HOSTILE = [
    "{{ range until 9999 }}" * 3 + "x" + "{{ end }}" * 3,
    '{{ define "n" }}{{ include "n" . }}{{ end }}{{ include "n" . }}',
    MUTUAL,
    '{{ $d := dict }}{{ $_ := set $d "a" $d }}{{ toYaml $d }}{{ $d }}',
    '{{ $x := "aaaaaaaaaaaaaaaa" }}' + '{{ $x = printf "%s%s" $x $x }}' * 60 + "{{ $x }}",
    "{{ $x := list 1 }}" + "{{ $x = concat $x $x $x }}" * 60 + "{{ toYaml $x }}",
    "{{ $x := dict }}"
    + '{{ $y := dict "a" $x "b" $x "c" $x }}{{ $x = $y }}' * 60
    + "{{ toYaml $x }}{{ eq $x $x }}{{ merge $x $x }}",
    "{{ $x := dict }}"
    + '{{ $x = dict "a" $x "b" $x }}' * 60
    + "{{ if genCA }}{{ $x = $x }}{{ end }}{{ range $x }}{{ . }}{{ end }}",
    '{{ $x := "{{ . }}" }}' + "{{ tpl $x . }}" * 1000,
    "{{ if true }}" * 500 + "{{ end }}" * 500,
    "{{ " + "(" * 500 + "1" + ")" * 500 + " }}",
    '{{ "' + "a" * 100_000 + " }}",
    "{{" * 50_000,
    "{{ " + ". " * 100_000 + "}}",
    "{{/* " * 10_000,
]


@pytest.mark.parametrize("source", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_templates_end_soon(source: str) -> None:
    started = time.process_time()
    with contextlib.suppress(TemplateError, RecursionError):
        run(source)
    assert time.process_time() - started < 10


WORDS = (
    "{{ }} {{- -}} if end range .Values .a $x := | ( ) include define with else toYaml 2 nindent"
)


@given(
    st.lists(st.sampled_from([*WORDS.split(), '"n"', " "]), max_size=30).map(" ".join)
    | st.text(max_size=60)
)
def test_any_text_is_executed_or_refused(source: str) -> None:
    try:
        made = run(source)
    except TemplateError:
        return
    assert isinstance(made.joined(), str)


@given(
    pattern=st.text(st.sampled_from("ab.-*+|"), max_size=8),
    text=st.text(st.sampled_from("ab-"), max_size=6),
)
def test_patterns_match_as_anchored_regular_expressions_or_are_not_known(
    pattern: str, text: str
) -> None:
    found = matches(pattern, text)
    if found is None:
        return
    try:
        expected = re.fullmatch(pattern, text) is not None
    except re.error:
        return
    assert found is expected


def test_patterns_that_could_take_for_ever_are_not_tried() -> None:
    assert matches("(a+)+b", "a" * 60) is None
    assert matches("a" * 1000, "a") is None
    assert matches(".*a" * 50, "a" * 299) is True
