"""Asks the forge who approved, recomputes from Git what they saw, and weighs it all.

    rules of the tip + Git + Report ──> ChangeFacts ─┐
    forge ──> reviews, pushes, teams, permissions ───┼──evaluate──> Evaluation ──> Report
    Git, rendered again for older moments ──> Seen ──┘

The forge is asked only for what the requirements make necessary. Whatever goes wrong on the way
leaves the verdict indeterminate: an approval that nobody could look at is none.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gitops_gate.approvals.binding import (
    Moment,
    RenderedApplication,
    Seen,
    change_digest,
    source_digest,
)
from gitops_gate.approvals.evaluate import Question, evaluate, permissions_of, teams_of
from gitops_gate.approvals.facts import ApprovalFacts, Push, ReviewState
from gitops_gate.approvals.override import Remark
from gitops_gate.approvals.people import People
from gitops_gate.approvals.tree import Evaluation, tree_json
from gitops_gate.config.settings import Settings
from gitops_gate.errors import GitOpsGateError
from gitops_gate.forges.interface import ReadsApprovals
from gitops_gate.forges.values import ForgeKind
from gitops_gate.pipeline import Deciding, Options, compare
from gitops_gate.review.agreement import Agreed
from gitops_gate.review.change_facts import (
    ChangeSource,
    change_facts,
    owners_warnings,
)
from gitops_gate.review.judging import rules_of
from gitops_gate.review.ratifying import behind_held, ratified_in
from gitops_gate.source import Repository, Revision
from gitops_gate.verdict.decide import with_reasons
from gitops_gate.verdict.values import Reason, Report, Status, Verdict

_LATER = datetime.datetime.max.replace(tzinfo=datetime.UTC)
"""After everything that has happened."""
_NOT_JUDGED = ("merge_conflict", "not_evaluated", "forge_disagrees", "no_report")


@dataclass(frozen=True, slots=True, kw_only=True)
class Approving:
    """What approvals of one review are evaluated with.

    `reading` asks a forge of this `kind`, None where its token may not.

    `since` is the commit that the change is compared with, where that is not the target's tip: one
    that ratifies what landed before it is shown, approved and delivered from there on.
    `rules_at` is the commit whose rules and CODEOWNERS ask, where that is not what the change is
    compared with: in a queue, that may be another change which has not landed yet.
    """

    repository: Repository
    kind: ForgeKind
    reading: ReadsApprovals | None
    agreed: Agreed
    options: Options
    since: str | None = None
    rules_at: str | None = None

    @property
    def asking(self) -> str:
        """The commit whose rules and CODEOWNERS ask."""
        return self.rules_at or self.since or self.agreed.base


def with_approvals(report: Report, approving: Approving) -> Report:
    """The report with the tree of approvals, and the verdict that both halves lead to.

    A report of what could not be judged at all is left as it is.
    """
    if approving.agreed.disagreement or not_judged(report):
        return report
    try:
        deciding = rules_of(approving.repository, approving.asking)
        source = _source_of(report, approving, deciding)
        evaluation = _evaluated(source, approving, deciding)
        warnings = owners_warnings(source)
    except GitOpsGateError as error:
        return with_reasons(report, (_not_evaluated(error),))
    # The approval more that rules of an ancestor ask for is now one of the requirements.
    own = tuple(reason for reason in report.reasons if reason.code != "rules_of_ancestor")
    more = [
        Reason(code=reason.code, message=reason.message, verdict=Verdict(reason.verdict))
        for reason in evaluation.reasons
    ]
    if not own and not more:
        more = [Reason(code="approved", message="all approvals are there", verdict=Verdict.ALLOW)]
    judged = replace(
        report,
        reasons=own,
        approvals=tree_json(evaluation),
        warnings=(*report.warnings, *warnings),
    )
    return with_reasons(judged, more)


def _not_evaluated(error: GitOpsGateError) -> Reason:
    return Reason(
        code="approvals_not_evaluated",
        message=f"approvals could not be evaluated: {error}",
        verdict=Verdict.INDETERMINATE,
    )


def with_all_approvals(report: Report, approving: Approving) -> Report:
    """`with_approvals`, and for a change that ratifies: by the rules of both ends.

    The tree that is shown is by the rules of the last delivered commit, the wider one.
    """
    if approving.agreed.disagreement or not_judged(report):
        return report
    try:
        from_delivered = _from_delivered(approving)
    except GitOpsGateError as error:
        return with_reasons(report, (_not_evaluated(error),))
    if from_delivered.since is None:
        return with_approvals(report, approving)
    by_delivered = with_approvals(report, from_delivered)
    by_tip = with_approvals(report, replace(from_delivered, rules_at=approving.agreed.base))
    lacking = [
        reason
        for reason in by_tip.reasons
        if reason.verdict is not Verdict.ALLOW and reason not in by_delivered.reasons
    ]
    return with_reasons(by_delivered, lacking)


def _from_delivered(approving: Approving) -> Approving:
    """The same, from the last delivered commit on where the change ratifies what came after it."""
    agreed = approving.agreed
    if agreed.disagreement or not agreed.base:
        return approving
    ratified = ratified_in(approving.repository, agreed.base, agreed.head)
    if ratified is None or ratified.problem:
        return approving
    return replace(approving, since=ratified.since)


def not_judged(report: Report) -> Reason | None:
    """Why the change could not be judged at all, so that nothing says who must approve."""
    undecided = (each for each in report.reasons if each.verdict is Verdict.INDETERMINATE)
    return next((each for each in undecided if each.code in _NOT_JUDGED), None)


def approvals_of(report: Report, approving: Approving) -> Evaluation:
    """Who must approve what a report is about, and who did.

    Raises `GitOpsGateError` when the forge or Git cannot say enough to ask the question.
    """
    approving = _from_delivered(approving)
    deciding = rules_of(approving.repository, approving.asking)
    return _evaluated(_source_of(report, approving, deciding), approving, deciding)


def _evaluated(source: ChangeSource, approving: Approving, deciding: Deciding) -> Evaluation:
    agreed, settings = approving.agreed, deciding.rules.settings
    reading = approving.reading
    since = approving.since or agreed.base
    changed = _changed_files(approving.repository, since, agreed.head)
    facts = reading.approvals(agreed.snapshot) if reading else None
    moves = _moves(reading, facts, approving)
    question = Question(
        change=change_facts(source),
        settings=settings.approvals,
        now=Moment(head=agreed.head, base=agreed.base),
        at=approving.options.at or datetime.datetime.now(datetime.UTC),
        facts=_with_held(facts, moves, approving),
        target_moves=moves,
        seen=_seen_of(source.report, changed, settings),
        freezes=settings.freezes,
        remarks=_remarks(agreed),
        own_id=agreed.snapshot.own_id,
    )
    question = replace(question, people=_people(question, reading))
    return evaluate(question, _seen_at(approving, deciding, changed))


def _with_held(
    facts: ApprovalFacts | None, moves: Sequence[Push] | None, approving: Approving
) -> ApprovalFacts | None:
    """The facts, with those behind what a change ratifies as contributors of it."""
    agreed, since = approving.agreed, approving.since
    if facts is None or facts.contributions is None or since is None:
        return facts
    held = behind_held(approving.repository, since, agreed.base, agreed.head, moves)
    return replace(facts, contributions=(*facts.contributions, *held))


def _source_of(report: Report, approving: Approving, deciding: Deciding) -> ChangeSource:
    reading = approving.reading
    return ChangeSource(
        repository=approving.repository,
        report=report,
        change=approving.agreed.snapshot.change,
        base=approving.since or approving.agreed.base,
        rules_at=approving.asking,
        settings=deciding.rules.settings,
        repair=bool(deciding.undecided),
        members=reading.members if reading else None,
        forge=approving.kind,
    )


def _moves(
    reading: ReadsApprovals | None, facts: ApprovalFacts | None, approving: Approving
) -> tuple[Push, ...] | None:
    """Where the target was over time; asked for only if there is an approval to place in it.

    In a queue, what is before the change is where the target will be: nobody has seen it there.
    """
    if reading is None or facts is None:
        return None
    if not any(review.state is ReviewState.APPROVED for review in facts.reviews):
        return ()
    agreed = approving.agreed
    moves = reading.target_moves(agreed.snapshot)
    tip = agreed.snapshot.change.base_commit
    if moves is None or approving.rules_at is None or agreed.base == tip:
        return moves
    return (*moves, Push(before=tip, after=agreed.base, at=_LATER))


def _people(question: Question, reading: ReadsApprovals | None) -> People:
    if reading is None:
        return People()
    teams = teams_of(question)
    accounts = permissions_of(question)
    return People(
        teams=reading.members(teams) if teams else {},
        access={one.id: reading.access(one) for one in accounts if one.id is not None},
        logins={
            review.author.id: review.author.login
            for review in (question.facts.reviews if question.facts else ())
            if review.author.id is not None
        },
    )


def _remarks(agreed: Agreed) -> tuple[Remark, ...]:
    return tuple(
        Remark(
            author=comment.author,
            body=comment.body,
            created_at=comment.created_at,
            edited=comment.edited_at is not None,
        )
        for comment in agreed.snapshot.comments
        if not comment.ours
    )


def _seen_at(
    approving: Approving, deciding: Deciding, changed_now: str
) -> Callable[[Moment], Seen | None]:
    """Recomputes what was to be seen; renders only where the changed files are still the same."""
    repository, settings = approving.repository, deciding.rules.settings

    def seen_at(moment: Moment) -> Seen | None:
        try:
            since = approving.since or moment.base
            changed = _changed_files(repository, since, moment.head)
            if changed != changed_now:
                return Seen(source=changed, changes="")
            before = repository.revision(since)
            after = repository.merged(moment.base, moment.head)
            if not _shown_since(approving, moment, before, after):
                return None
            then = replace(deciding, head=moment.head, undecided=())
            options = replace(approving.options, require_sandbox=True)
            report = compare(before, after, then, options)
        except GitOpsGateError:
            return None
        return _seen_of(report, changed, settings)

    return seen_at


def _shown_since(approving: Approving, moment: Moment, before: Revision, after: Revision) -> bool:
    """Whether a review of that moment showed all that the change is approved for now.

    Where its entry was on the branch already, or it did not stand on the tip, it ratified nothing,
    and its review showed nothing of what is held. What leaves nothing has nothing to show.
    """
    if approving.since is None or before.tree.entries == after.tree.entries:
        return True
    ratified = ratified_in(approving.repository, moment.base, moment.head)
    return ratified is not None and not ratified.problem and ratified.since == approving.since


def _seen_of(report: Report, changed: str, settings: Settings) -> Seen | None:
    """What a report shows, of these changed files; None where not everything could be rendered."""
    failed = any(outcome.status is Status.FAILED for outcome in report.applications)
    if failed or report.verdict is Verdict.INDETERMINATE:
        return None
    applications = [
        RenderedApplication(name=outcome.name, base=outcome.digest.base, head=outcome.digest.head)
        for outcome in report.applications
        if outcome.affected
    ]
    changes = change_digest(report.changes, applications, settings.approvals.bind)
    return Seen(source=changed, changes=changes)


def _changed_files(repository: Repository, base: str, head: str) -> str:
    """The digest of the files that a head changes."""
    start = repository.merge_base(base, head)
    return source_digest(repository.revision(start).tree, repository.revision(head).tree)
