"""Reviews as they appear on a forge: a report, and where it is shown."""

from __future__ import annotations

from dataclasses import replace

from gitops_gate.changes.values import Operation, ResourceChange
from gitops_gate.findings import Severity
from gitops_gate.reports.review_context import ReviewContext
from gitops_gate.verdict.values import Coverage, Reason, Report, Verdict
from tests.unit.reports.report_samples import (
    ADVISORY,
    ALLOWED,
    BASE,
    DENIED,
    HEAD,
    INDETERMINATE,
    RULES,
    SCALED,
    UNAFFECTED,
    UNPINNED,
    outcome,
    resource,
)

GITHUB = ReviewContext(
    forge="github",
    head=HEAD,
    base=BASE,
    base_ref="refs/heads/main",
    blob_url=f"https://github.com/org/shop/blob/{HEAD}",
    run_url="https://github.com/org/shop/actions/runs/101",
    artifact="gitops-gate",
)
GITLAB = replace(
    GITHUB,
    forge="gitlab",
    blob_url=f"https://gitlab.example/group/shop/-/blob/{HEAD}",
    run_url="https://gitlab.example/group/shop/-/jobs/101",
)
CONTEXTS = (GITHUB, GITLAB)


def wide(findings: int, changes: int, applications: int) -> Report:
    """A report of so many errors, changed resources and affected applications, all different."""
    return replace(
        DENIED,
        reasons=(
            Reason(code="findings", message=f"{findings} introduced errors", verdict=Verdict.DENY),
        ),
        applications=tuple(
            outcome(f"clusters/production/team-{number:04}", "production")
            for number in range(applications)
        ),
        findings=tuple(
            replace(UNPINNED, message=f"Container “c{number}” is not pinned.", application=None)
            for number in range(findings)
        ),
        changes=tuple(_deployment(number, changes) for number in range(changes)),
        coverage=Coverage(applications_found=applications, applications_affected=applications),
        warnings=(),
    )


def _deployment(number: int, among: int) -> ResourceChange:
    return replace(
        SCALED,
        application=f"clusters/production/team-{number % max(among // 3, 1):04}",
        operation=Operation.MODIFIED,
        resource=resource("Deployment", f"web-{number:05}", api="apps/v1"),
        diff=f"{SCALED.diff}+# {number}\n",
    )


HUGE = replace(
    wide(400, 900, 300),
    findings=(
        *wide(400, 0, 0).findings,
        *(
            replace(
                UNPINNED,
                rule="workloads/probes",
                severity=Severity.WARNING,
                message=f"Container “w{number}” has no readiness probe.",
            )
            for number in range(60)
        ),
    ),
)
PENDING = replace(
    ALLOWED,
    verdict=Verdict.PENDING,
    reasons=(
        Reason(
            code="approvals",
            message="production needs one more approval from @org/sre",
            verdict=Verdict.PENDING,
        ),
    ),
)
REVIEWS = {
    "denied": (DENIED, GITHUB),
    "denied-gitlab": (DENIED, GITLAB),
    "allowed": (ALLOWED, GITHUB),
    "unaffected": (UNAFFECTED, GITHUB),
    "pending": (PENDING, GITHUB),
    "indeterminate": (INDETERMINATE, GITLAB),
    "rules-effect": (RULES, GITHUB),
    "several-parts": (wide(45, 30, 28), GITHUB),
    "advisory": (ADVISORY, GITHUB),
    "information": (
        DENIED,
        replace(GITHUB, information=True, notes=("this token may not write a commit status",)),
    ),
}
"""By name: a report, and the forge that it is shown on."""
