"""The report for people and machines: one function from `Report` to text for each format.

The last room before the command line. Nothing here decides anything, and nothing is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gitops_gate.errors import ConfigurationError
from gitops_gate.verdict.values import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """How to show a report: `width` in characters, `all` for what is folded away otherwise."""

    color: bool = False
    width: int = 100
    all: bool = False
    diff: bool = False
    verbose: bool = False
    quiet: bool = False


Reporter = Callable[[Report, ReportOptions], str]


def _json(report: Report, _: ReportOptions) -> str:
    from gitops_gate.reports.json_report import write

    return write(report)


REPORTERS: Mapping[str, Reporter] = {"json": _json, "text": _json}
"""Every format, by the name that `--format` gives it."""


def require_format(name: str) -> None:
    """Raise `ConfigurationError` for a format that nobody knows, before any work is done."""
    if name not in REPORTERS:
        raise ConfigurationError(f"{name} is no format; known are {', '.join(REPORTERS)}")


def render_report(report: Report, name: str, *, options: ReportOptions) -> str:
    """A report in a format. Raises `ConfigurationError` for one that nobody knows."""
    require_format(name)
    return REPORTERS[name](report, options)
