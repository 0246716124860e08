"""Whether a report that an earlier job made is still about the change request as it is now.

A job can be run again by itself, long after the job whose report it publishes. What is about
another head, another target or an older base than one that was published is not published; and a
success needs the rules of the target's live tip, not those of its past (design, invariant 2).
"""

from __future__ import annotations

from gitops_gate.approvals.requirements import rules_paths
from gitops_gate.errors import GitOpsGateError, SourceError
from gitops_gate.reports.comment import marker_of
from gitops_gate.review.agreement import Agreed
from gitops_gate.review.judging import rules_of
from gitops_gate.source import Repository, changed_paths
from gitops_gate.verdict.values import Report


def why_superseded(
    repository: Repository, report: Report, agreed: Agreed, judged_for: str | None, check_name: str
) -> str | None:
    """Why a report is not to be published, None where it may be.

    It is about the live head, merged with the target's tip or one before it. The target may have
    moved since the report was made, as it may after a status is set; no event tells a change
    request of that, and a delivery judges again. It may not be another branch (`judged_for` is
    the one that it was made for): an older commit of this one can be the tip of a branch that
    anybody made, with older rules. Nor may a newer base have been published already.
    """
    ours, live = _span(report.base, report.head), _span(agreed.base, agreed.head)
    if judged_for and judged_for != agreed.snapshot.change.base_ref:
        return f"the report is for {judged_for} and the target is another: its own run publishes"
    old = f"the report is about {ours}, and the change request is at {live}: its own run publishes"
    if report.head != agreed.head or not report.base:
        return old
    if not _is_before(repository, report.base, agreed.base):
        return old
    newer = _published_base(agreed, check_name)
    if newer not in (None, report.base) and _is_before(repository, report.base, str(newer)):
        return f"{old}, and one has for the base {str(newer)[:12]}"
    return None


def why_rules_moved(repository: Repository, judged_at: str, tip: str) -> str | None:
    """Why rules of an older base decide nothing any more, None where they are the tip's as well."""
    if judged_at == tip:
        return None
    try:
        before, now = repository.revision(judged_at).tree, repository.revision(tip).tree
        paths = changed_paths(before, now)
        settings = (rules_of(repository, commit).rules.settings for commit in (judged_at, tip))
        moved = sorted({path for one in settings for path in rules_paths(paths, one)})
    except GitOpsGateError as error:
        return f"the rules of the target branch's tip cannot be compared: {error}"
    if not moved:
        return None
    return (
        f"the rules changed on the target branch after the report was made ({moved[0]}): run again"
    )


def _published_base(agreed: Agreed, check_name: str) -> str | None:
    """The base that our comment is about, if it is about this head."""
    for comment in agreed.snapshot.comments:
        marker = marker_of(comment.body) if comment.ours else None
        if marker and (marker.head, marker.check_name) == (agreed.head, check_name):
            return marker.base
    return None


def _is_before(repository: Repository, base: str, later: str) -> bool:
    """Whether a commit is an ancestor of another, or that one itself."""
    try:
        known = repository.resolve(base)
        return repository.merge_base(known, later) == known
    except SourceError:
        return False


def _span(base: str | None, head: str | None) -> str:
    return "…".join(commit[:12] if commit else "nothing" for commit in (base, head))
