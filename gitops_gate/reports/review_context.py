"""What a report needs to know besides the findings when a reviewer reads it on a forge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewContext:
    """Where a report is shown, and what its links lead to.

    `head` is the change request's own head commit and `base` the target's tip that it was merged
    with. `blob_url` is the address of the head's files, without a slash at the end: a path and
    `#L<line>` follow. `run_url` is where the pipeline's run and its artifacts are, and `artifact`
    the name of the artifact with the full report. `notes` are lines about what could not be done
    (a token that may not write a status, say). `information`: the report was made by a job that
    the head can edit, so it is shown as a claim and decides nothing.
    """

    forge: Literal["github", "gitlab"]
    head: str
    base: str
    base_ref: str
    check_name: str = "gitops-gate"
    blob_url: str | None = None
    run_url: str | None = None
    artifact: str | None = None
    notes: tuple[str, ...] = ()
    information: bool = False
    inline: frozenset[str] = frozenset()
    """Fingerprints of the findings that have an inline comment of their own."""
