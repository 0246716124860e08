"""What whoever asks for a report may choose; the report itself does not change with it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """How to show a report: `width` in characters, `all` for what is folded away otherwise."""

    color: bool = False
    width: int = 100
    all: bool = False
    diff: bool = False
    verbose: bool = False
    quiet: bool = False
