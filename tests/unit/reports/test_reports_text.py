"""The report in a terminal: safe to print, within its width, and cut short where it is long."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitops_gate.config.settings import GateSettings
from gitops_gate.reports import ReportOptions, render_report
from gitops_gate.reports.escaping import one_line, visible
from gitops_gate.reports.lines import paint, width_of, wrapped
from gitops_gate.reports.text_findings import caret
from gitops_gate.verdict.values import Report
from tests.unit.reports.report_samples import DENIED, OLDER, SAMPLES, SCALED, UNPINNED
from tests.unit.reports.report_strategies import reports, texts

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def shown(report: Report, **options: bool | int) -> str:
    return render_report(report, "text", options=ReportOptions(**options))  # type: ignore[arg-type]


def harmless(text: str) -> bool:
    return all(line.isprintable() for line in text.replace("\xa0", " ").split("\n")) or not any(
        ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 or character in "\u202e\u2066\u2069"
        for character in text.replace("\n", "")
    )


@pytest.mark.slow
@settings(max_examples=100)
@given(reports(), st.booleans(), st.sampled_from([1, 60, 200]))
def test_nothing_of_a_report_reaches_the_terminal_as_a_command(
    report: Report, color: bool, width: int
) -> None:
    text = shown(report, color=color, width=width, all=True, diff=True, verbose=True)
    assert harmless(COLOUR.sub("", text) if color else text)


@pytest.mark.parametrize("name", SAMPLES)
def test_colour_changes_no_word(name: str) -> None:
    coloured = COLOUR.sub("", shown(SAMPLES[name], color=True))
    plain = shown(SAMPLES[name])
    assert [line.rstrip() for line in coloured.split("\n")] == plain.split("\n")


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("width", [72, 100, 160])
def test_lines_keep_within_the_width(name: str, width: int) -> None:
    assert max(width_of(line) for line in shown(SAMPLES[name], width=width).split("\n")) <= width


@given(texts)
def test_visible_text_is_encodable_and_says_it_once(text: str) -> None:
    visible(text).encode()
    assert visible(visible(text)) == visible(text)
    assert "\n" not in one_line(text)


def test_bytes_of_a_name_and_escapes_are_spelled_out() -> None:
    assert one_line("caf\udce9\x1b[31m\u202e\n") == "caf\\xe9\\x1b[31m\\u202e\\n"


def test_wide_characters_count_twice() -> None:
    lines = paint(wrapped([("漢字漢字 漢字漢字 ab", "")], 12), color=False)
    assert lines == "漢字漢字\n漢字漢字 ab\n"


@pytest.mark.parametrize(
    ("line", "column", "marked"),
    [
        ("        image: redis:latest", 16, "redis:latest"),
        ("  replica: 5", 3, "replica"),
        ("  replicas: 5  # enough", 13, "5"),
        ('  name: "a # b"', 9, '"a # b"'),
        ("- name: web", 3, "name"),
    ],
)
def test_the_caret_marks_what_the_finding_is_about(line: str, column: int, marked: str) -> None:
    start, length = caret(line, column)
    assert line[start : start + length] == marked


def test_a_caret_beyond_the_line_is_not_drawn() -> None:
    assert caret("short", 40) == (0, 0)


def test_what_is_cut_short_is_counted() -> None:
    findings = tuple(replace(UNPINNED, message=f"finding {number}") for number in range(362))
    changes = tuple(
        replace(SCALED, resource=replace(SCALED.resource, name=f"web-{number}"))
        for number in range(60)
    )
    report = replace(DENIED, findings=findings, changes=changes)
    text = shown(report)
    hint = "(--all shows them; the JSON report has every one)"
    assert f"and 312 more findings {hint}" in text
    assert f"and 10 more changes {hint}" in text
    assert "finding 361" not in text
    assert "finding 361" in shown(report, all=True)


def test_older_findings_are_counted_and_shown_on_request() -> None:
    assert "3 older findings do not count against this change" in shown(DENIED)
    assert OLDER[0].message not in shown(DENIED)
    assert OLDER[0].message in shown(DENIED, all=True)


def test_an_older_finding_that_counts_says_so() -> None:
    report = replace(DENIED, findings=(replace(UNPINNED, introduced=False),))
    report = replace(report, gate=GateSettings(scope="all"))
    assert "older, and the configuration says that it counts" in shown(report)


def test_a_scan_introduces_nothing() -> None:
    assert "introduced" not in shown(SAMPLES["scan"])


def test_advice_does_not_say_denied() -> None:
    assert "denied" not in shown(SAMPLES["advisory"])


def test_one_change_in_many_applications_is_shown_once_with_all_of_them() -> None:
    names = [f"clusters/c{number:02}/web" for number in range(29)]
    report = replace(
        DENIED, findings=(), changes=tuple(replace(SCALED, application=name) for name in names)
    )
    text = shown(report, diff=True)
    assert "the same in 29 applications" in text
    assert all(name in text for name in names)
    assert text.count("+  replicas: 5") == 1
