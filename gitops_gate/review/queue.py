"""A merge queue's group, a merge train's commit, or what landed: a commit that is a merge already.

    queue of the forge + Git -> parts, from the target's tip on
    each part: judge + approvals, as in a review of its change request -> one report

A forge may merge a whole group when its last commit has a success. So every change request between
the target's tip and that commit is judged: what it does to the commit before it, by the rules of
the tip, and by those that changes before it bring along. Only what Git confirms is believed: a part
is the merge of a change request's own head, or nothing is decided.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from gitops_gate.approvals.freezes import active_freezes
from gitops_gate.ci import Environment, Occasion
from gitops_gate.config.settings import Settings
from gitops_gate.errors import ConfigurationError, GitOpsGateError, SourceError
from gitops_gate.forges.interface import Forge
from gitops_gate.forges.values import ChangeState, Snapshot
from gitops_gate.pipeline import Options
from gitops_gate.review.agreement import Agreed
from gitops_gate.review.approving import Approving, with_all_approvals, with_approvals
from gitops_gate.review.change_facts import affected_application
from gitops_gate.review.currency import why_rules_moved
from gitops_gate.review.judging import judge, rules_of, undecided
from gitops_gate.review.pins import tip_in_git
from gitops_gate.review.ratifying import ratified_in
from gitops_gate.source import Repository, changed_paths
from gitops_gate.verdict.decide import with_reasons
from gitops_gate.verdict.values import Reason, Report, Verdict

MOST_WAITING = 20
"""Change requests in one group; each takes about four requests to the forge, and two renders."""
_LONGEST = 5_000
"""Commits from the end of a group back to the target's tip; a rebase queue has many of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A run about a commit of a queue. `connect` gives the forge for another change request."""

    repository: Repository
    environment: Environment
    forge: Forge
    connect: Callable[[int], Forge]
    options: Options


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A change request in a queue: the commit that it is put on, and the one that has it.

    `snapshot` is None until it is read.
    """

    number: int
    before: str
    after: str
    snapshot: Snapshot | None = None


def required_commit(environment: Environment) -> tuple[str, str]:
    """The target's full ref name and the commit that an event is about.

    Raises `ConfigurationError` when it names none.
    """
    if not environment.head or not environment.base_ref:
        raise ConfigurationError(f"the event {environment.event!a} names no commit to judge")
    return environment.base_ref, environment.head


def judge_commit(repository: Repository, environment: Environment, options: Options) -> Report:
    """The report on a commit that already is what would land, or has landed, from Git alone."""
    ref, head = required_commit(environment)
    try:
        base = environment.base or repository.first_parent_history(head, 2)[-1]
        if not _is_before(repository, base, head):
            message = f"{_short(base)} is no ancestor of {_short(head)}"
            return undecided("history_disagrees", message, base=base, head=head)
        queued = environment.occasion is Occasion.MERGE_QUEUE
        tip = tip_in_git(repository, ref) if queued else base
    except SourceError as error:
        return undecided("history_disagrees", str(error), base=environment.base, head=head)
    report = judge(repository, base, head, options, landed=True, rules_at=tip)
    if not queued or report.verdict is not Verdict.ALLOW:
        return report
    return _with_freezes(report, rules_of(repository, tip).rules.settings, options.at)


def judge_queued(queued: Queued) -> tuple[Report, Snapshot | None]:
    """The report on a commit of a queue, with the approvals of every change request in it.

    Also the newest change request in it, None where it could not be read. What cannot be read or
    told apart makes the report indeterminate. Raises `ConfigurationError` when the event names no
    commit.
    """
    _, head = required_commit(queued.environment)
    try:
        train = queued.environment.number is not None
        tip, parts = _train(queued) if train else _group(queued)
        return _judged(queued, tip, parts)
    except GitOpsGateError as error:
        base = queued.environment.base
        return undecided("queue_not_evaluated", str(error), base=base, head=head), None


def _judged(queued: Queued, tip: str, parts: Sequence[_Part]) -> tuple[Report, Snapshot]:
    more: list[Reason] = []
    for part in parts[:-1]:
        forge, snapshot = _read(queued, part)
        if snapshot.change.state is ChangeState.MERGED:
            continue  # it has landed since the queue was read
        for report in _reports(queued, tip, part, forge, snapshot):
            more += _reasons(report, f"change request {part.number}, which lands with it: ")
    own = parts[-1]
    forge, snapshot = _read(queued, own)
    report, *stricter = _reports(queued, tip, own, forge, snapshot)
    for other in stricter:
        more += _reasons(other, "by the rules of a change before it: ")
    return with_reasons(report, more), snapshot


def _reports(
    queued: Queued, tip: str, part: _Part, forge: Forge, snapshot: Snapshot
) -> list[Report]:
    """What the rules of the tip say about a part, and the rules before it where they differ."""
    repository, change = queued.repository, snapshot.change
    _refuse_other_change(queued, part, snapshot)
    agreed = Agreed(snapshot=snapshot, base=part.before, head=change.head_commit)
    approving = Approving(
        repository=repository,
        kind=forge.kind,
        reading=forge.approvals,
        agreed=agreed,
        options=queued.options,
    )
    if ratified_in(repository, part.before, change.head_commit) is not None:
        # As in a review: from the last delivered commit on, or denied.
        report = judge(repository, part.before, change.head_commit, queued.options)
        return [with_all_approvals(replace(report, head=part.after), approving)]
    moved = why_rules_moved(repository, tip, part.before) is not None
    reports = []
    for rules in (tip, part.before) if moved else (tip,):
        report = judge(
            repository, part.before, part.after, queued.options, landed=True, rules_at=rules
        )
        reports.append(with_approvals(report, replace(approving, rules_at=rules)))
    return reports


def _refuse_other_change(queued: Queued, part: _Part, snapshot: Snapshot) -> None:
    """Raise `SourceError` unless the part is the change request, as it is now, and nothing else."""
    change = snapshot.change
    named = f"change request {part.number}"
    if change.state is not ChangeState.OPEN:
        raise SourceError(f"{named} is {change.state.value}: it does not wait in a queue")
    if change.base_ref != queued.environment.base_ref:
        raise SourceError(f"{named} is for {change.base_ref.removeprefix('refs/heads/')} by now")
    try:
        queued.repository.resolve(change.head_commit)
    except SourceError:
        raise SourceError(
            f"the head {_short(change.head_commit)} of {named} was not fetched",
            remedy="fetch the heads of everything that waits, as the packaged jobs do",
        ) from None
    if not _lands_as(queued.repository, part.before, change.head_commit, part.after):
        raise SourceError(
            f"{_short(part.after)} is not {named} as it is now, merged into {_short(part.before)}"
        )


def _lands_as(repository: Repository, base: str, head: str, commit: str) -> bool:
    """Whether a commit is what merging gives. Raises `MergeConflictError`, `SourceError`."""
    merged = repository.merged(base, head).tree
    return not changed_paths(merged, repository.revision(commit).tree)


def _read(queued: Queued, part: _Part) -> tuple[Forge, Snapshot]:
    if part.snapshot is not None:
        return queued.forge, part.snapshot
    forge = queued.connect(part.number)
    return forge, forge.change_requests.read()


def _reasons(report: Report, said: str) -> list[Reason]:
    """What else stands in the way, as reasons of the report on the group's last part."""
    against = (reason for reason in report.reasons if reason.verdict is not Verdict.ALLOW)
    return [replace(reason, message=f"{said}{reason.message}") for reason in against]


# ------------------------------------------------------------------------------- GitHub's groups


def _group(queued: Queued) -> tuple[str, tuple[_Part, ...]]:
    """The target's tip, and what lands with the group's commit, in order.

    Where each commit of the queue stands is read from Git, whatever a forge calls its base.
    """
    ref, head = required_commit(queued.environment)
    if queued.forge.queue is None:
        raise SourceError("this forge or token shows no merge queue")
    queue = queued.forge.queue.queue(ref.removeprefix("refs/heads/"))
    tip = _live_tip(queued.repository, ref, queue.tip, head)
    history = queued.repository.first_parent_history(head, _LONGEST)
    if tip not in history:
        raise SourceError(f"{_short(head)} is not built on {_short(tip)}, the target's tip")
    named = {one.head: one.number for one in queue.waiting}
    commits = [commit for commit in history[: history.index(tip)] if commit in named][::-1]
    if not commits or commits[-1] != head:
        raise SourceError(f"no change request in the queue has the commit {_short(head)}")
    if len(commits) > MOST_WAITING:
        raise SourceError(
            f"{len(commits)} change requests land together, and at most {MOST_WAITING} are judged",
            remedy="let the queue build fewer at once",
        )
    before = (tip, *commits[:-1])
    return tip, tuple(
        _Part(number=named[commit], before=start, after=commit)
        for start, commit in zip(before, commits, strict=True)
    )


def _live_tip(repository: Repository, ref: str, said: str | None, head: str) -> str:
    """The target's tip: Git's and the forge's, or a later one of the forge's that `head` is on.

    The latter is a change request that landed while this run began. Raises `SourceError` when
    the two do not agree.
    """
    here = tip_in_git(repository, ref)
    if said == here:
        return here
    branch = ref.removeprefix("refs/heads/")
    if said and _is_before(repository, here, said) and _is_before(repository, said, head):
        return said
    raise SourceError(
        f"{branch} is at {_short(here)} in the checkout and at {_short(said)} on the forge",
        remedy="fetch it and run again",
    )


# ------------------------------------------------------------------------------- GitLab's trains


def _train(queued: Queued) -> tuple[str, tuple[_Part, ...]]:
    """The target's tip, and the merge request of a train's pipeline.

    What is before it has a pipeline of its own, which has to succeed before this one counts
    (https://docs.gitlab.com/ci/pipelines/merge_trains/).
    """
    environment, repository = queued.environment, queued.repository
    ref, head = required_commit(environment)
    assert environment.number is not None
    before = environment.base or repository.first_parent_history(head, 2)[-1]
    if before == head or not _is_before(repository, before, head):
        raise SourceError(f"{_short(head)} is not built on {_short(before)}")
    snapshot = queued.forge.change_requests.read()
    tip = _live_tip(repository, ref, snapshot.change.base_commit, head)
    _refuse_cut(repository, tip, snapshot.change.head_commit, before, head)
    own = _Part(number=environment.number, before=before, after=head, snapshot=snapshot)
    return tip, (own,)


def _refuse_cut(repository: Repository, tip: str, own: str, before: str, after: str) -> None:
    """Raise `SourceError` when the merge request begins before the commit that is called its base.

    GitLab says where it begins in a variable, and a pipeline's author can set those. On the commit
    before that one, the merge request would give something else, unless that one is a part of it.
    """
    if _is_before(repository, before, tip):
        return
    earlier = repository.first_parent_history(before, 2)[-1]
    try:
        cut = _lands_as(repository, earlier, own, after)
    except GitOpsGateError:
        return
    if cut:
        raise SourceError(f"{_short(before)} is a part of the merge request, and not before it")


# ------------------------------------------------------------------------------- without a forge


def _with_freezes(report: Report, settings: Settings, at: datetime.datetime | None) -> Report:
    """The report of a check without a forge, denied by a freeze that nobody can lift.

    Labels, approvals and overrides are the forge's to say.
    """
    lasting = [freeze for freeze in settings.freezes if freeze.unless is None]
    if settings.approvals.override_teams or not lasting:
        return report
    affected = [affected_application(one) for one in report.applications if one.affected]
    active = active_freezes(lasting, affected, at or datetime.datetime.now(datetime.UTC))
    return with_reasons(report, _frozen((one.applications, one.freeze.name) for one in active))


def _frozen(held: Iterable[tuple[Sequence[str], str]]) -> list[Reason]:
    return [
        Reason(
            code="frozen",
            message=f"{', '.join(applications[:5])} frozen by {name}",
            verdict=Verdict.PENDING,
        )
        for applications, name in held
    ]


def _is_before(repository: Repository, commit: str, later: str) -> bool:
    """Whether a commit is an ancestor of another, or that one itself; False for an unknown one."""
    try:
        known = repository.resolve(commit)
        return repository.merge_base(known, later) == known
    except SourceError:
        return False


def _short(commit: str | None) -> str:
    return commit[:12] if commit else "nothing"
