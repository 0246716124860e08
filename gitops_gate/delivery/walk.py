"""From the last delivered commit to the branch's tip: every step judged, or why delivery stops.

    line ──landing_of──> landing ──judged, whole──> allowed: on to the next step
                                                └─> not: only a change that ratifies what is
                                                    held, or that takes it back, goes on from here

Each step is judged by the rules of the one before, which is verified by then. After a step that
was not, nothing is judged by its rules: a change that goes on past it is compared with the last
delivered commit, by the rules of that one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from gitops_gate.delivery.judging import Judging, hold_of, judged, merged_at, whole
from gitops_gate.delivery.landing import Landed, landing_of
from gitops_gate.delivery.values import Hold, Judged, Landing
from gitops_gate.errors import ForgeError, GitOpsGateError
from gitops_gate.review.ratifying import added_entries
from gitops_gate.source import Repository
from gitops_gate.source.recompute import reachable
from gitops_gate.verdict.values import Report, Verdict

UNREADABLE = "forge_unreadable"
"""The code of a hold of which the forge said nothing, so that another run may know more."""

Told = Callable[[str], None]
"""Is told of each step that is judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """The steps that may be delivered, the verdict on the tree of the last one, what stops it."""

    steps: tuple[Judged, ...] = ()
    whole: Report | None = None
    hold: Hold | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What is walked: a branch (full ref name) and its first-parent commits, oldest first.

    The first of `line` is the last delivered commit. `earlier` are the change requests that were
    delivered before.
    """

    branch: str
    line: tuple[str, ...]
    earlier: Collection[int] = ()


def walk(judging: Judging, way: Way, landed: Landed, told: Told = lambda _: None) -> Walked:
    """Judge the steps of a branch, in their order."""
    walked = Walked()
    since, place, held = way.line[0], 0, tuple[str, ...]()
    seen = set(way.earlier)
    while place + 1 < len(way.line):
        before, rest = way.line[place], way.line[place + 1 :]
        told(rest[0])
        landing = _landing(judging.repository, rest, before, replace(way, earlier=seen), landed)
        mends = bool(held) and _passes(judging.repository, landing, since, held)
        if isinstance(landing, Landing) and (mends or not held):
            step, report, hold = _answer(judging, landing, since, held)
            if hold is None:
                assert step is not None
                walked = Walked(steps=(*walked.steps, step), whole=report)
                since, place, held = landing.after, place + len(landing.commits), ()
                seen |= {change.number for change in landing.changes}
                continue
        else:
            hold = landing if isinstance(landing, Hold) else None
        walked = _held(walked, hold, mends=mends)
        if hold is not None and _passes_by_itself(hold):
            break
        count = len(landing.commits) if isinstance(landing, Landing) else 1
        held = (*held, *rest[:count])
        place += count
    return walked


def _passes_by_itself(hold: Hold) -> bool:
    """Whether to wait is all that it takes, and nothing that landed later has to mend it."""
    return hold.verdict is Verdict.PENDING or hold.code == UNREADABLE


def _held(walked: Walked, hold: Hold | None, *, mends: bool) -> Walked:
    """The first thing that holds is what people have to mend, and stays the answer.

    What a change lacks that would mend it is said beside it, and so is that nothing could be said
    about a later step.
    """
    if hold is None or walked.hold is None:
        return walked if hold is None else replace(walked, hold=hold)
    if not mends and hold.verdict is Verdict.DENY:
        return walked
    message = f"{walked.hold.message}. What came after it, {hold.commit[:12]}, does not mend that: "
    return replace(walked, hold=replace(walked.hold, message=message + hold.message))


def _landing(
    repository: Repository, commits: Sequence[str], before: str, way: Way, landed: Landed
) -> Landing | Hold:
    try:
        return landing_of(
            repository,
            commits,
            before=before,
            branch=way.branch,
            landed=landed,
            earlier=way.earlier,
        )
    except GitOpsGateError as error:
        return _unknown(commits[0], error)


def _answer(
    judging: Judging, landing: Landing, since: str, held: Sequence[str]
) -> tuple[Judged | None, Report | None, Hold | None]:
    """The judgement of a landing and of the whole tree that it leaves, or what it lacks."""
    try:
        step = judged(judging, landing, since, held)
        hold = hold_of(step.report, landing.after)
        if hold is not None:
            return step, None, hold
        everything = whole(judging, since, landing.after, merged_at(landing))
        return step, everything, hold_of(everything, landing.after, "the whole tree: ")
    except GitOpsGateError as error:
        return None, None, _unknown(landing.after, error)


def _passes(
    repository: Repository, landing: Landing | Hold, since: str, held: Sequence[str]
) -> bool:
    return isinstance(landing, Landing) and passes(repository, landing, since, held)


def passes(repository: Repository, landing: Landing, since: str, held: Sequence[str]) -> bool:
    """Whether a landing may go past what is held: it ratifies it, or takes all of it back."""
    before, after = repository.revision(since).tree, repository.revision(landing.after).tree
    # What is approved is everything from the last delivered commit on: so the change must have
    # stood on all of it, or a step in between would be approved by nobody.
    if not all(reachable(repository, landing.before, change.head) for change in landing.changes):
        return False
    if before.entries == after.entries:
        return True
    try:
        added = added_entries(repository.revision(landing.before).tree, after)
    except GitOpsGateError:
        return False
    named = any(one.commit in held for one in added)
    return named and all(one.after == since for one in added)


def _unknown(commit: str, error: GitOpsGateError) -> Hold:
    code = UNREADABLE if isinstance(error, ForgeError) else "not_evaluated"
    return Hold(
        commit=commit,
        code=code,
        message=error.message,
        verdict=Verdict.INDETERMINATE,
        remedy=error.remedy,
    )
