"""The summary comment of a change request: the Markdown report with links, parts and markers.

    Report, ReviewContext ──comment_series──> bodies, each with a hidden marker
    a comment's body      ──marker_of──────> which part it is, and what it was made from

The bodies depend on their arguments alone. What publishes them is `gitops_gate.review`.
"""

from __future__ import annotations

from gitops_gate.reports.comment.marker import (
    Marker,
    marker_line,
    marker_of,
    same_comment,
)
from gitops_gate.reports.markdown import bodies
from gitops_gate.reports.reading import report_digest
from gitops_gate.reports.review_context import ReviewContext
from gitops_gate.verdict.values import Report

__all__ = [
    "MOST_PARTS",
    "READABLE",
    "Marker",
    "comment_series",
    "marker_of",
    "same_comment",
]

MOST_PARTS = 5
"""Comments that a review takes up at most; what is left is in the attached report."""
READABLE = 60_000
"""Characters that a part has at most, however many the forge takes: browsers get slow."""


def comment_series(report: Report, context: ReviewContext, limit: int) -> tuple[str, ...]:
    """The bodies of the comment and its further parts, each at most `limit` code points.

    GitHub takes 65,536 and GitLab 1,000,000. Raises `ValueError` for a limit that leaves no room,
    and for a check name or commits that fit into no marker.
    """
    digest = report_digest(report)

    def last_line(part: int, parts: int) -> str:
        return marker_line(
            Marker(
                check_name=context.check_name,
                part=part,
                parts=parts,
                head=context.head,
                base=context.base,
                digest=digest,
            )
        )

    room = min(limit, READABLE)
    return tuple(
        bodies(report, context, room=room, most=MOST_PARTS, digest=digest, last_line=last_line)
    )
