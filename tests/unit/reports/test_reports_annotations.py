"""Annotations show the worst first, and no text of a repository commands a GitHub runner."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gitops_gate.findings import Location, Severity
from gitops_gate.reports import ReportOptions, render_report
from gitops_gate.reports.annotations import (
    MOST_OF_A_KIND,
    SUMMARY_BYTES,
    job_summary,
)
from gitops_gate.reports.escaping import one_line, visible
from gitops_gate.verdict.values import Report
from tests.unit.reports.report_samples import (
    ADVISORY,
    CLAIM_REMOVED,
    DENIED,
    INDETERMINATE,
    UNAFFECTED,
    UNPINNED,
)
from tests.unit.reports.report_strategies import reports, texts
from tests.unit.reports.runner import Command, Runner

ATTACKS = (
    "\n::add-mask::x",
    "\r::set-env name=PATH::/evil",
    "\r\n::stop-commands::x",
    "%0A::error::x",
    "x\u2028::group::x",
    "##[add-path]/evil",
    "##[set-env name=A;]b",
    "#\u2060#[error]x",
    "::error file=a::b",
    ",file=/etc/passwd,line=1",
    "a,title=b::c",
    "%",
    "%25%3A%2C",
    "\ufeff::warning::x",
    "\x85::warning::x",
)
hostile = st.one_of(
    st.sampled_from(ATTACKS), texts, st.lists(st.sampled_from(ATTACKS), max_size=3).map("".join)
)


def written(report: Report) -> str:
    return render_report(report, "annotations", options=ReportOptions())


def obeyed(text: str) -> list[Command]:
    runner = Runner().read(text)
    assert runner.printed == []
    return runner.obeyed


def levels(commands: list[Command]) -> list[str]:
    return [command.name for command in commands]


# --------------------------------------------------------------------------------- what is shown


def test_what_blocks_is_an_error_on_its_line_and_the_rest_a_warning() -> None:
    first, second, third, last = obeyed(written(DENIED))
    assert first.name == second.name == "error"
    assert first.properties == {
        "file": "apps/cache/base/redis.yaml",
        "line": "21",
        "col": "16",
        "title": "images/pinned: StatefulSet cache/redis",
    }
    assert "In clusters/production/cache, clusters/staging/cache." in first.data
    assert second.properties["line"] == "7"
    assert third.name == "warning"
    assert third.properties["file"] == "apps/shop/base/data.yaml"
    assert last.name == "notice"
    assert last.data == (
        "denied until 2 findings are fixed; 3 older findings not shown here; "
        "1 waived finding not shown here"
    )


def test_why_nothing_could_be_decided_comes_first() -> None:
    commands = obeyed(written(INDETERMINATE))
    assert levels(commands) == ["error", "error", "error", "notice"]
    assert commands[0].data.startswith("1 application could not be evaluated")
    assert "file" not in commands[0].properties


def test_advice_has_no_errors() -> None:
    assert set(levels(obeyed(written(ADVISORY)))) == {"warning", "notice"}


def test_nothing_to_say_is_said_in_one_line() -> None:
    assert [command.data for command in obeyed(written(UNAFFECTED))] == ["allowed"]


def test_a_file_as_a_whole_has_no_line() -> None:
    finding = replace(UNPINNED, location=Location(path="a.yaml"))
    first = obeyed(written(replace(DENIED, findings=(finding,))))[0]
    assert set(first.properties) == {"file", "title"}


def test_the_worst_of_each_kind_are_shown_and_the_others_counted() -> None:
    errors = [replace(UNPINNED, message=f"error {number}") for number in range(30)]
    warnings = [replace(CLAIM_REMOVED, message=f"warning {number}") for number in range(15)]
    commands = obeyed(written(replace(DENIED, findings=(*errors, *warnings))))
    expected = ["error"] * MOST_OF_A_KIND + ["warning"] * MOST_OF_A_KIND + ["notice"]
    assert levels(commands) == expected
    assert commands[0].data.startswith("error 0")
    assert "25 more annotations in the full report" in commands[-1].data


def test_a_long_message_stays_within_what_the_runner_takes() -> None:
    long = replace(UNPINNED, message="x" * 100_000, rule="r" * 1_000)
    first = obeyed(written(replace(DENIED, findings=(long,))))[0]
    assert len(first.data) < 4_096
    assert len(first.properties["title"]) <= 200


# ------------------------------------------------------------------------------------ hostility


@settings(max_examples=200)
@given(reports())
def test_each_line_is_one_annotation_whatever_a_report_holds(report: Report) -> None:
    text = written(report)
    commands = obeyed(text)
    assert len(commands) == text.count("\n")
    assert levels(commands)[-1:] == ["notice"]
    assert {"error", "warning", "notice"} >= set(levels(commands))
    assert "##[" not in text
    for command in commands:
        assert set(command.properties) <= {"file", "line", "col", "title"}


@settings(max_examples=300)
@given(message=hostile, path=hostile, rule=hostile, application=hostile)
def test_hostile_text_starts_no_command_and_comes_out_as_it_is(
    message: str, path: str, rule: str, application: str
) -> None:
    finding = replace(
        UNPINNED,
        message=message,
        rule=rule or "rule",
        application=application,
        resource=None,
        location=Location(path=path, line=3, column=1),
        severity=Severity.ERROR,
    )
    first, last = obeyed(written(replace(DENIED, findings=(finding,))))
    assert (first.name, last.name) == ("error", "notice")

    def shown(text: str) -> str:
        return text.replace("##[", "##\u2060[")

    assert first.data.startswith(shown(visible(message)))
    if visible(path):
        assert first.properties["file"] == shown(visible(path))
        assert first.properties["line"] == "3"
    title = one_line((rule or "rule").strip() or "gitops-gate", 200)
    assert first.properties["title"] == shown(title)


# ---------------------------------------------------------------------------------- job summary


def test_the_job_summary_is_the_comment_and_says_where_the_rest_is() -> None:
    summary = job_summary(DENIED, artifact="gitops-gate")
    assert summary.startswith(render_report(DENIED, "markdown", options=ReportOptions()))
    assert summary.endswith("_The full report is the artifact `gitops-gate` of this run._\n")


def test_what_does_not_fit_into_the_summary_leaves_the_verdict_or_nothing() -> None:
    assert job_summary(DENIED, used=SUMMARY_BYTES - 200) == (
        "### gitops-gate: denied until 2 findings are fixed\n\n"
        "_The report is too large for this page._\n"
    )
    assert job_summary(DENIED, used=SUMMARY_BYTES - 10) == ""
