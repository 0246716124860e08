"""Which findings get a comment on their line, and what becomes of the threads that are there.

    Report + DiffLines ──inline_plan──> InlinePlan ──thread_actions(threads)──> ThreadActions

Both are pure: the same report and the same threads give the same actions, and where everything is
said already they give none. Nothing here is a source of truth; a thread is a view of a finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gitops_gate.findings import Finding
from gitops_gate.forges.values import InlineComment, InlinePlace, Thread
from gitops_gate.reports.grouping import FindingGroup, group_findings
from gitops_gate.reports.inline import comment_body, fingerprint_of, gone_body, repeated_body
from gitops_gate.reports.review_context import ReviewContext
from gitops_gate.review.diff_lines import DiffLines, Elsewhere, place_of
from gitops_gate.verdict.values import Report, Status, Verdict

_OVER_LIMIT = "more than review.inline.maximum comments"
_COMPLETE = frozenset({"unreached", "schema_missing"})
"""Reasons for not deciding that leave no finding out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedComment:
    """A comment for one line and rule. `fingerprints` are those of its findings, the worst first.

    The marker of its body holds the first of them.
    """

    comment: InlineComment
    fingerprints: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A finding that is only in the summary, and why."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InlinePlan:
    """The comments that a report asks for, worst first, and what is left to the summary.

    `alive` are the fingerprints of all findings that the change introduces and no waiver accepts.
    `complete`: everything was evaluated, so that a finding that is not among them is gone.
    """

    comments: tuple[PlannedComment, ...] = ()
    left: tuple[LeftOut, ...] = ()
    alive: frozenset[str] = frozenset()
    complete: bool = True
    check_name: str = "gitops-gate"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadActions:
    """What to write, in this order: comments to add, threads to edit, to resolve, to mark as gone.

    `shown` are the fingerprints of findings that have an open comment of ours afterwards, if the
    forge takes those that are added.
    """

    add: tuple[PlannedComment, ...] = ()
    edit: tuple[tuple[Thread, str], ...] = ()
    resolve: tuple[Thread, ...] = ()
    gone: tuple[tuple[Thread, str], ...] = ()
    shown: frozenset[str] = field(default=frozenset())


def paths_of(report: Report) -> frozenset[str]:
    """The files of findings that may get a comment: what `diff_lines` has to look at."""
    return frozenset(
        finding.location.path
        for finding in report.findings
        if _counts(finding) and finding.location is not None and finding.location.line > 0
    )


def inline_plan(report: Report, lines: DiffLines, limit: int, context: ReviewContext) -> InlinePlan:
    """At most `limit` comments, one for each line and rule, on introduced findings not waived."""
    places: dict[tuple[str, str, int], tuple[InlinePlace, str, list[FindingGroup]]] = {}
    left: list[LeftOut] = []
    groups = [group for group in group_findings(report) if _counts(group.finding)]
    for group in sorted(groups, key=_badness):
        place = _place(group.finding, lines)
        if isinstance(place, Elsewhere):
            left += [LeftOut(finding=f, reason=place.value) for f in group.members]
            continue
        location = group.finding.location
        assert location is not None
        key = (group.finding.rule, place.path, place.line)
        text = lines.files[location.path].text
        places.setdefault(key, (place, text, []))[2].append(group)
    planned = list(places.values())
    for _, _, over in planned[max(limit, 0) :]:
        left += [LeftOut(finding=f, reason=_OVER_LIMIT) for group in over for f in group.members]
    return InlinePlan(
        comments=tuple(_planned(*each, context) for each in planned[: max(limit, 0)]),
        left=tuple(left),
        alive=frozenset(f.fingerprint for group in groups for f in group.members),
        complete=_is_complete(report),
        check_name=context.check_name,
    )


def thread_actions(plan: InlinePlan, threads: Sequence[Thread]) -> ThreadActions:
    """What makes the threads say what the plan says. Threads of people are never touched.

    A resolved thread stays as it is, whoever resolved it, and its finding is not put on the line
    again: the summary has it. One that was left out for the limit keeps the thread that it has.
    """
    own = _own(plan, threads)
    add: list[PlannedComment] = []
    edit: list[tuple[Thread, str]] = []
    again: list[Thread] = []
    shown: set[str] = set()
    used: set[str] = set()
    for planned in plan.comments:
        mine = [t for f in planned.fingerprints for t in own.get(f, ()) if t.id not in used]
        used.update(thread.id for thread in mine)
        still_open = [thread for thread in mine if not thread.resolved]
        if not mine:
            add.append(planned)
        if still_open and not _same(still_open[0].body, planned.comment.body):
            edit.append((still_open[0], planned.comment.body))
        if still_open or not mine:
            shown.update(planned.fingerprints)
        again += still_open[1:]
    rest = [(f, t) for f, some in own.items() for t in some if t.id not in used and not t.resolved]
    shown.update(f for f, _ in rest if f in plan.alive)
    stale = [(f, t) for f, t in rest if f not in plan.alive] if plan.complete else []
    resolve = [t for t in (*again, *(t for _, t in stale)) if t.can_resolve]
    told = [(t, _repeated(t, plan)) for t in again if not t.can_resolve]
    told += [(t, gone_body(f, plan.check_name)) for f, t in stale if not t.can_resolve]
    return ThreadActions(
        add=tuple(add),
        edit=tuple(edit),
        resolve=tuple(resolve),
        gone=tuple((thread, body) for thread, body in told if not _same(thread.body, body)),
        shown=frozenset(shown),
    )


def _own(plan: InlinePlan, threads: Iterable[Thread]) -> Mapping[str, list[Thread]]:
    """Our threads of this check by the fingerprint in their marker, in the forge's order."""
    own: dict[str, list[Thread]] = {}
    for thread in threads:
        mark = fingerprint_of(thread.body, plan.check_name) if thread.ours else None
        if mark is not None:
            own.setdefault(mark, []).append(thread)
    return own


def _repeated(thread: Thread, plan: InlinePlan) -> str:
    mark = fingerprint_of(thread.body, plan.check_name)
    assert mark is not None
    return repeated_body(mark, plan.check_name)


def _same(one: str, other: str) -> bool:
    """Whether two bodies are one to a forge, which may rewrite line ends and trim."""
    return one.replace("\r\n", "\n").strip() == other.replace("\r\n", "\n").strip()


def _counts(finding: Finding) -> bool:
    return finding.introduced and finding.waiver is None


def _badness(group: FindingGroup) -> tuple[object, ...]:
    finding = group.finding
    location = finding.location
    return (
        not group.blocking,
        finding.severity.rank,
        -group.count,
        location.path if location else "",
        location.line if location else 0,
        finding.rule,
        finding.message,
        finding.fingerprint,
    )


def _place(finding: Finding, lines: DiffLines) -> InlinePlace | Elsewhere:
    location = finding.location
    if location is None:
        return Elsewhere.NO_LINE
    return place_of(lines, location.path, location.line)


def _planned(
    place: InlinePlace, text: str, groups: Sequence[FindingGroup], context: ReviewContext
) -> PlannedComment:
    body = comment_body(groups, context, text, place.line)
    members = [f.fingerprint for group in groups for f in group.members]
    return PlannedComment(
        comment=InlineComment(place=place, body=body), fingerprints=tuple(dict.fromkeys(members))
    )


def _is_complete(report: Report) -> bool:
    """Whether no finding can be missing: a failed application's are not known."""
    failed = any(outcome.status is Status.FAILED for outcome in report.applications)
    undecided = [r.code for r in report.reasons if r.verdict is Verdict.INDETERMINATE]
    return not failed and _COMPLETE.issuperset(undecided)
