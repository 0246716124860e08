"""Findings as the judged revision has them, for tools that put each on a line of its files.

What is found about a resource that the head removes has its place in the base. The head's file may
be gone, or have something else on that line, so only the file is named.
"""

from __future__ import annotations

from dataclasses import replace

from gitops_gate.changes.values import Operation
from gitops_gate.findings import Finding, Location
from gitops_gate.resources.values import ResourceReference
from gitops_gate.verdict.values import Report

_Resource = tuple[str | None, ResourceReference | None]


def judged_places(report: Report) -> Report:
    """The report without the lines of findings whose resource is in the base alone."""
    removed: set[_Resource] = {
        (change.application, change.resource)
        for change in report.changes
        if change.operation is Operation.REMOVED
    }
    if not removed:
        return report
    return replace(
        report, findings=tuple(_of_file(finding, removed) for finding in report.findings)
    )


def _of_file(finding: Finding, removed: set[_Resource]) -> Finding:
    if finding.location is None or (finding.application, finding.resource) not in removed:
        return finding
    return replace(finding, location=Location(path=finding.location.path))
