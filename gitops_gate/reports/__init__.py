"""The report for people and machines: one function from `Report` to text for each format.

    Report ──grouping──> Overview ──wording──> phrases ──escaping──> text, markdown, html
           ──json_report──> gitops-gate/report/v1

The last room before the command line. Nothing here decides anything, and nothing is printed.
Importing it costs nothing: a format's module is loaded when it is asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping

from gitops_gate.errors import ConfigurationError
from gitops_gate.reports.options import ReportOptions
from gitops_gate.verdict.values import Report

__all__ = ["REPORTERS", "ReportOptions", "Reporter", "render_report", "require_format"]

Reporter = Callable[[Report, ReportOptions], str]
"""A format: text that is encodable as UTF-8 and ends in a newline; the same for the same report."""


def _lazy(module: str) -> Reporter:
    def write(report: Report, options: ReportOptions) -> str:
        reporter: Reporter = importlib.import_module(f"gitops_gate.reports.{module}").write
        return reporter(report, options)

    return write


REPORTERS: Mapping[str, Reporter] = {
    "text": _lazy("text"),
    "json": _lazy("json_report"),
    "markdown": _lazy("markdown"),
    "html": _lazy("html"),
    "sarif": _lazy("sarif"),
    "junit": _lazy("junit"),
    "codequality": _lazy("codequality"),
    "annotations": _lazy("annotations"),
}
"""Every format, by the name that `--format` gives it."""


def require_format(name: str) -> None:
    """Raise `ConfigurationError` for a format that this version does not have."""
    if name in REPORTERS:
        return
    known = f"the formats are {', '.join(REPORTERS)}"
    raise ConfigurationError(f"{name!a} is no report format; {known}")


def render_report(report: Report, name: str, *, options: ReportOptions | None = None) -> str:
    """A report in a format, such as `sarif`: the text that `--format` would print.

    The same report gives the same text. Raises `ConfigurationError` for a format that this version
    does not have.
    """
    require_format(name)
    return REPORTERS[name](report, options or ReportOptions())
