"""The report for GitLab's Code Quality: a JSON array with an entry for each finding.

GitLab lists the entries in the merge request by their severity, compares them with those of the
target branch by fingerprint, and ignores an entry whose fingerprint is there already, or whose
path or line is missing. So none is: a finding without a line is put on the first one, one without
a file on its application's folder or on the configuration.

| severity | of |
|---|---|
| blocker | a reason why nothing could be decided |
| critical | an error that blocks |
| major | a warning that blocks, an error that does not |
| minor | any other warning |
| info | what a waiver accepts |

Approvals that are missing are nothing about the code, and no entry: the merge request itself shows
who has to approve.

Source: https://docs.gitlab.com/ci/testing/code_quality/
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from gitops_gate.findings import Finding, Severity
from gitops_gate.reports.escaping import one_line
from gitops_gate.reports.json_text import json_text
from gitops_gate.reports.judged import judged_places
from gitops_gate.reports.options import ReportOptions
from gitops_gate.verdict.decide import blocks
from gitops_gate.verdict.values import Reason, Report, Verdict

_NOWHERE = ".gitops-gate.yaml"
_LONGEST_TEXT = 2_000
_LONGEST_NAME = 300


def write(report: Report, _: ReportOptions | None = None) -> str:
    """A JSON array, an entry on each line, without a byte order mark."""
    report = judged_places(report)
    folders = {outcome.name: outcome.path for outcome in report.applications}
    entries = [_undecided(r) for r in report.reasons if r.verdict is Verdict.INDETERMINATE]
    entries += [_entry(finding, report, folders) for finding in report.findings]
    seen: dict[str, int] = {}
    for entry in entries:
        fingerprint = entry["fingerprint"]
        seen[fingerprint] = seen.get(fingerprint, 0) + 1
        if seen[fingerprint] > 1:
            entry["fingerprint"] = _digest(fingerprint, str(seen[fingerprint]))
    return json_text(entries, depth=1)


def _undecided(reason: Reason) -> dict[str, Any]:
    text = f"could not be decided: {reason.message}"
    return {
        "description": one_line(text, _LONGEST_TEXT),
        "check_name": one_line(reason.code, _LONGEST_NAME),
        "fingerprint": _digest("reason", reason.code, reason.message),
        "severity": "blocker",
        "location": {"path": _NOWHERE, "lines": {"begin": 1}},
    }


def _entry(finding: Finding, report: Report, folders: Mapping[str, str]) -> dict[str, Any]:
    place = finding.location
    folder = folders.get(finding.application) if finding.application is not None else None
    path = place.path if place is not None else folder or _NOWHERE
    return {
        "description": _description(finding),
        "check_name": one_line(finding.rule, _LONGEST_NAME),
        "fingerprint": finding.fingerprint or _digest("finding", finding.rule, finding.message),
        "severity": _severity(finding, report),
        "location": {
            "path": path or _NOWHERE,
            "lines": {"begin": max(1, place.line) if place is not None else 1},
        },
    }


def _description(finding: Finding) -> str:
    text = finding.message.strip() or finding.rule
    if finding.waiver is not None:
        text = f"waived until {finding.waiver.expires.isoformat()}: {text}"
    where = [str(finding.resource)] if finding.resource is not None else []
    where += [finding.application] if finding.application is not None else []
    shown = one_line(" ".join(text.split()), _LONGEST_TEXT)
    return f"{shown} ({one_line(' in '.join(where), _LONGEST_NAME)})" if where else shown


def _severity(finding: Finding, report: Report) -> str:
    if finding.waiver is not None:
        return "info"
    error = finding.severity is Severity.ERROR
    if blocks(finding, report.gate):
        return "critical" if error else "major"
    return "major" if error else "minor"


def _digest(*parts: str) -> str:
    joined = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(joined).hexdigest()
