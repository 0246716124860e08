"""A report and the place where it is shown -> comments, before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gitops_gate.config.settings import ReviewSettings
from gitops_gate.errors import GitOpsGateError
from gitops_gate.forges.interface import Forge
from gitops_gate.reports.comment import comment_series
from gitops_gate.reports.review_context import ReviewContext
from gitops_gate.review.agreement import Agreed
from gitops_gate.review.diff_lines import DiffLines, diff_lines_of
from gitops_gate.review.inline import InlinePlan, inline_plan, paths_of
from gitops_gate.source import Repository
from gitops_gate.verdict.values import Report

LIMITS = {"github": 65_536, "gitlab": 1_000_000}
"""Characters of one comment, where the forge's own client has not said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """The parts of the summary comment, the plan of inline comments, and why that is not whole."""

    bodies: tuple[str, ...]
    inline: InlinePlan
    notes: tuple[str, ...] = ()


def compose(
    repository: Repository,
    report: Report,
    context: ReviewContext,
    *,
    forge: Forge,
    settings: ReviewSettings,
    agreed: Agreed,
) -> Composed:
    """The comments that a report becomes. Lines that cannot be placed stay in the summary."""
    notes: tuple[str, ...] = ()
    lines = DiffLines()
    try:
        if settings.inline:
            lines = _lines(repository, report, agreed, context)
    except GitOpsGateError as error:
        notes = (f"no comments on lines, since the diff cannot be told: {error.message}",)
    plan = inline_plan(report, lines, settings.inline_maximum, context)
    limit = forge.summary.limit if forge.summary else LIMITS[context.forge]
    shown = replace(context, inline=_commented(plan), notes=(*context.notes, *notes))
    return Composed(bodies=comment_series(report, shown, limit), inline=plan, notes=notes)


def _commented(plan: InlinePlan) -> frozenset[str]:
    return frozenset(one for planned in plan.comments for one in planned.fingerprints)


def _lines(
    repository: Repository, report: Report, agreed: Agreed, context: ReviewContext
) -> DiffLines:
    paths = paths_of(report)
    if not paths or agreed.disagreement:
        return DiffLines()
    judged = repository.merged(agreed.base, agreed.head).tree
    return diff_lines_of(
        repository,
        target=agreed.base,
        head=agreed.head,
        judged=judged,
        paths=paths,
        forge=context.forge,
    )
