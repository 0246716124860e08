"""What whoever asks for a report may choose; the report itself does not change with it."""

from __future__ import annotations

from dataclasses import dataclass

from gitops_gate.reports.review_context import ReviewContext


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions:
    """How to show a report: `width` in characters, `all` for what is folded away otherwise."""

    color: bool = False
    width: int = 100
    all: bool = False
    diff: bool = False
    verbose: bool = False
    quiet: bool = False
    review: ReviewContext | None = None
    """Where it is shown on a forge, for links to it; None anywhere else."""
