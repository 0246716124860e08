"""Every format of every kind of report, as readers know it, and the list of formats."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings

from gitops_gate.errors import ConfigurationError
from gitops_gate.reports import REPORTERS, ReportOptions, render_report
from gitops_gate.verdict.values import Report
from tests.unit.reports.approval_samples import EVERY
from tests.unit.reports.report_samples import DENIED, SCALED, UNPINNED
from tests.unit.reports.report_strategies import reports

ENDINGS = {
    "text": "txt",
    "markdown": "md",
    "sarif": "sarif",
    "junit": "xml",
    "codequality": "codequality.json",
    "annotations": "annotations.txt",
}


@pytest.mark.parametrize("format_name", ENDINGS)
@pytest.mark.parametrize("sample", EVERY)
def test_a_report_reads_as_it_did(
    golden: Callable[[str, str], None], sample: str, format_name: str
) -> None:
    text = render_report(EVERY[sample], format_name, options=ReportOptions())
    golden(f"{sample}.{ENDINGS[format_name]}", text)


def test_everything_reads_as_it_did(golden: Callable[[str, str], None]) -> None:
    options = ReportOptions(all=True, diff=True, verbose=True)
    golden("denied-all-diff-verbose.txt", render_report(DENIED, "text", options=options))


def test_quiet_reads_as_it_did(golden: Callable[[str, str], None]) -> None:
    golden("denied-quiet.txt", render_report(DENIED, "text", options=ReportOptions(quiet=True)))


def test_an_unknown_format_is_answered_with_those_there_are() -> None:
    with pytest.raises(ConfigurationError, match="text, json, markdown, html, sarif"):
        render_report(DENIED, "pdf", options=ReportOptions())


@settings(max_examples=40)
@given(reports())
def test_every_format_can_show_every_report(report: Report) -> None:
    for name in REPORTERS:
        options = ReportOptions(all=True, diff=True, verbose=True)
        text = render_report(report, name, options=options)
        assert text.encode() == render_report(report, name, options=options).encode()
        assert text.endswith("\n")


@pytest.mark.slow
@pytest.mark.parametrize("name", REPORTERS)
def test_ten_thousand_findings_take_little_time(name: str) -> None:
    findings = tuple(
        replace(UNPINNED, message=f"finding {number}", application=f"app-{number % 500}")
        for number in range(10_000)
    )
    changes = tuple(replace(SCALED, application=f"app-{number}") for number in range(2_000))
    report = replace(DENIED, findings=findings, changes=changes)
    render_report(DENIED, name, options=ReportOptions())
    start = time.process_time()
    render_report(report, name, options=ReportOptions())
    assert time.process_time() - start < (5 if name == "html" else 1)


def test_importing_the_room_loads_no_format() -> None:
    assert "gitops_gate.reports" in sys.modules
    import subprocess

    code = (
        "import sys, gitops_gate.reports; "
        "print(sorted({'rich', 'jinja2', 'gitops_gate.reports.html'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
