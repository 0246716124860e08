"""The report as one HTML page that holds everything and asks nobody for anything.

    Report ──facets───────> what it can be filtered by
           ──anchors──────> what a link can lead to
           ──findings─┐
           ──changes──┤     (diffs: lines, pairs of lines, changed words)
           ──rows─────┼──> page: templates/*.html.j2 + assets/*.css, *.js ──> one text
           ──graph────┘

The page is opened from a disk, or out of an artifact by a CI's viewer, which may forbid scripts
and styles. So all of it is in the markup and can be read without either; a script adds search,
filters, keys and the view side by side. Style and script are inside the page and named by their
hashes in its content security policy: nothing else can run or load, whatever a repository holds.
"""

from __future__ import annotations

from gitops_gate.reports.html.page import write

__all__ = ["write"]
