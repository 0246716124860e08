"""One review from beginning to end, in this order and nowhere else.

    pins -> connect -> agree -> judge -> approvals -> compose -> publish

`review` judges and publishes in one job. `publish` is the second half alone, for a report that an
unprivileged job made. Neither takes a narrowing, and neither lets publishing change the verdict.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from gitops_gate.approvals.tree import Evaluation
from gitops_gate.ci import Environment, Occasion
from gitops_gate.config.settings import ReviewSettings, Settings
from gitops_gate.errors import ConfigurationError, GitOpsGateError, SourceError
from gitops_gate.forges.connect import connect
from gitops_gate.forges.interface import Forge
from gitops_gate.forges.values import ChangeState, Endpoint, Snapshot, Target
from gitops_gate.pipeline import Options
from gitops_gate.reports import ReportOptions, render_report
from gitops_gate.reports.review_context import ReviewContext
from gitops_gate.review.agreement import Agreed, agree
from gitops_gate.review.alone import only_if_alone
from gitops_gate.review.approving import (
    Approving,
    approvals_of,
    not_judged,
    with_all_approvals,
)
from gitops_gate.review.composing import Composed, compose
from gitops_gate.review.currency import why_rules_moved, why_superseded
from gitops_gate.review.judging import judge, rules_of, undecided, undecided_by
from gitops_gate.review.pins import Pinned, endpoint_of, pinned_forge, target_of, tip_in_git
from gitops_gate.review.publication import Material, Published, publish, set_status
from gitops_gate.review.queue import Queued, judge_commit, judge_queued, required_commit
from gitops_gate.review.standing import Standing
from gitops_gate.review.status import status_of
from gitops_gate.source import Repository
from gitops_gate.verdict.values import Report

LANDED = " (landed)"
"""What the name of the status on commits that landed ends in."""
FORKS_ONLY_READ = ("pull_request", "pull_request_review")
"""GitHub's events that give a change from a fork a token which may only read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where a review runs: what the CI says, the checkout, the token, what the job pins.

    `artifact` is the name under which the job keeps the full report. `dry_run` publishes nothing;
    `upload_sarif` also hands the findings to the forge's own list of alerts.
    """

    environment: Environment
    repository: Repository
    token: str
    pinned: Pinned = field(default_factory=Pinned)
    artifact: str | None = None
    dry_run: bool = False
    upload_sarif: bool = False
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """The report, what it was composed into, and what became of that on the forge."""

    report: Report
    composed: Composed | None = None
    published: Published = field(default_factory=Published)
    context: ReviewContext | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Connection:
    forge: Forge
    endpoint: Endpoint
    target: Target


def review(setting: Setting, options: Options) -> Reviewed:
    """Judge what this run is about, and publish it.

    Raises `GitOpsGateError` when it is not known what the run is about or the forge cannot be
    read; everything later is in what is returned.
    """
    if setting.environment.occasion in (Occasion.MERGE_QUEUE, Occasion.PUSH):
        return _review_commit(setting, options)
    connection = _connect(setting)
    agreed = agree(setting.repository, connection.forge.change_requests, setting.sleep)
    if agreed.snapshot.change.state is not ChangeState.OPEN:
        raise ConfigurationError(
            f"change request {agreed.snapshot.change.number} is "
            f"{agreed.snapshot.change.state.value}: there is nothing to review"
        )
    if agreed.disagreement:
        report = undecided(
            "forge_disagrees", agreed.disagreement, base=agreed.base or None, head=agreed.head
        )
    else:
        report = judge(setting.repository, agreed.base, agreed.head, options)
    report = with_all_approvals(report, _approving(setting, connection, agreed, options))
    report = only_if_alone(report, connection.forge.change_requests, agreed.snapshot)
    settings = _review_settings(setting.repository, agreed.snapshot.change.base_ref)
    return _publish_report(setting, connection, agreed, report, settings, certified=True)


def check_here(
    repository: Repository,
    environment: Environment,
    base: str | None,
    head: str | None,
    options: Options,
) -> Report:
    """Judge what a CI's event is about from Git alone, as the job without privileges does.

    `base` and `head` replace what the event says. Raises `ConfigurationError` when nothing says
    what to compare.
    """
    if environment.occasion in (Occasion.MERGE_QUEUE, Occasion.PUSH) and not (base or head):
        return judge_commit(repository, environment, options)
    target = base or (environment.base_ref and tip_in_git(repository, environment.base_ref))
    proposed = head or environment.head
    if not target or not proposed:
        raise ConfigurationError(
            f"the event {environment.event!a} does not say what to compare",
            remedy="name both: --base REV --head REV",
        )
    return judge(repository, repository.resolve(target), repository.resolve(proposed), options)


def publish_report(
    setting: Setting, report: Report | None, options: Options, *, certified: bool
) -> Reviewed:
    """Publish a report that another job made; a success only where it is `certified`.

    Approvals are evaluated here, whatever the report says of them.

    None stands for a job that ended without one, which is published as undecided: an answer that
    was given earlier must not stand as if it were the newest. A report about another target or
    other commits than the live ones is of an older run, and changes nothing. Raises
    `GitOpsGateError` as `review` does.
    """
    connection = _connect(setting)
    agreed = agree(setting.repository, connection.forge.change_requests, setting.sleep)
    judged = report or _left_nothing(setting, agreed)
    settings = _review_settings(setting.repository, agreed.snapshot.change.base_ref)
    judged_for = setting.environment.base_ref
    if why := why_superseded(setting.repository, judged, agreed, judged_for, settings.check_name):
        return Reviewed(report=undecided_by(judged, "superseded", why), notes=(why,))
    if agreed.disagreement:
        judged = undecided("forge_disagrees", agreed.disagreement, base=None, head=agreed.head)
    elif judged.base:
        why = why_rules_moved(setting.repository, judged.base, agreed.base)
        agreed = replace(agreed, base=judged.base)
        judged = undecided_by(judged, "rules_moved", why) if why else judged
    judged = replace(judged, approvals=None)
    judged = with_all_approvals(judged, _approving(setting, connection, agreed, options))
    judged = only_if_alone(judged, connection.forge.change_requests, agreed.snapshot)
    return _publish_report(setting, connection, agreed, judged, settings, certified=certified)


def ask_approvals(setting: Setting, report: Report | None, options: Options) -> Evaluation:
    """Who must approve a change request and who did; reads, and writes nothing.

    `report` of a check of the same commits saves judging them again; it is believed, since nothing
    is decided by what this returns. Raises `GitOpsGateError` where it cannot be said.
    """
    connection = _connect(setting)
    agreed = agree(setting.repository, connection.forge.change_requests, setting.sleep)
    change = agreed.snapshot.change
    if change.state is not ChangeState.OPEN:
        raise ConfigurationError(f"change request {change.number} is {change.state.value}")
    if agreed.disagreement:
        raise SourceError(agreed.disagreement)
    if report is None:
        report = judge(setting.repository, agreed.base, agreed.head, options)
    elif (report.base, report.head) != (agreed.base, agreed.head):
        raise ConfigurationError(
            f"the report is about {_short(report.base)}…{_short(report.head)}, and the change "
            f"request is at {_short(agreed.base)}…{_short(agreed.head)}",
            remedy="make one of these commits, or leave --report-file out",
        )
    if problem := not_judged(report):
        raise SourceError(problem.message)
    return approvals_of(report, _approving(setting, connection, agreed, options))


def _approving(
    setting: Setting, connection: _Connection, agreed: Agreed, options: Options
) -> Approving:
    return Approving(
        repository=setting.repository,
        kind=connection.forge.kind,
        reading=connection.forge.approvals,
        agreed=agreed,
        options=options,
    )


def _left_nothing(setting: Setting, agreed: Agreed) -> Report:
    """The report on the head that this run is about, whose check left none."""
    message = "the check ended without a report: the log of its run says why"
    head = setting.environment.head or agreed.head
    return undecided("no_report", message, base=agreed.base, head=head)


def _connect(setting: Setting) -> _Connection:
    environment = setting.environment
    pins = pinned_forge(setting.repository, environment.base_ref, setting.pinned)
    endpoint = endpoint_of(environment, pins)
    target = target_of(environment, pins, setting.pinned)
    if target.number is None and environment.head is None:
        raise ConfigurationError(
            f"the event {environment.event!a} is about no change request",
            remedy="name one: --number N, or use gitops-gate check",
        )
    reads_only = environment.event in FORKS_ONLY_READ
    forge = connect(endpoint, target, setting.token, fork_reads_only=reads_only)
    connection = _Connection(forge=forge, endpoint=endpoint, target=target)
    if target.number is not None or environment.occasion is not Occasion.CHANGE_REQUEST:
        return connection
    number = forge.change_requests.number_of(environment.head or "")
    if number is None:
        raise ConfigurationError(f"no open change request has the head {_short(environment.head)}")
    target = replace(target, number=number)
    return replace(connection, target=target, forge=_connect_to(setting, connection, number))


def _connect_to(setting: Setting, connection: _Connection, number: int) -> Forge:
    """The same forge and repository, for a change request."""
    reads_only = setting.environment.event in FORKS_ONLY_READ
    target = replace(connection.target, number=number)
    return connect(connection.endpoint, target, setting.token, fork_reads_only=reads_only)


def _review_commit(setting: Setting, options: Options) -> Reviewed:
    """A merge queue's group or commits that landed: a status on the commit, and no comment."""
    environment, repository = setting.environment, setting.repository
    ref, head = required_commit(environment)
    connection = _connect(setting)
    why: str | None = None
    queued = environment.occasion is Occasion.MERGE_QUEUE
    if queued:
        report, own = judge_queued(
            Queued(
                repository=repository,
                environment=environment,
                forge=connection.forge,
                connect=lambda number: _connect_to(setting, connection, number),
                options=options,
            )
        )
        why = None if own is None else _why_target_decides_nothing(connection.forge, own)
    else:
        report = judge_commit(repository, environment, options)
    settings = _review_settings(repository, ref)
    # What landed on one branch may be the head of a change request to another one: under the name
    # that is required there, nobody would have asked for its rules and approvals.
    name = settings.check_name if queued else f"{settings.check_name}{LANDED}"
    status = status_of(report, name, url=environment.run_url, queued=queued)
    notes = (*connection.forge.missing, *([why] if why else ()))
    if connection.forge.status is None or setting.dry_run or why:
        return Reviewed(report=report, notes=notes)
    published = set_status(connection.forge.status, head, status)
    return Reviewed(report=report, published=published, notes=notes)


def _why_target_decides_nothing(forge: Forge, snapshot: Snapshot) -> str | None:
    """Why the target branch's rules decide nothing, None where they do.

    The rules are whoever's may push to the branch, so it is the default branch, or a protected one.
    A status on the head would count for a change request to any other branch as well.
    """
    change = snapshot.change
    branch = change.base_ref.removeprefix("refs/heads/")
    if branch == change.default_branch or forge.change_requests.protects(branch):
        return None
    return (
        f"the target branch {branch} is not known to be protected, so its rules are whatever "
        "somebody pushed: this is information, and decides nothing"
    )


def _publish_report(
    setting: Setting,
    connection: _Connection,
    agreed: Agreed,
    report: Report,
    settings: ReviewSettings,
    *,
    certified: bool,
) -> Reviewed:
    forge, snapshot = connection.forge, agreed.snapshot
    why = _why_target_decides_nothing(forge, snapshot)
    information = not certified or why is not None
    context = _context(setting, connection, agreed, settings, information=information)
    context = replace(context, notes=(*context.notes, *([why] if why else ())))
    composed = compose(
        setting.repository, report, context, forge=forge, settings=settings, agreed=agreed
    )
    notes = (*context.notes, *composed.notes)
    if setting.dry_run:
        return Reviewed(report=report, composed=composed, context=context, notes=notes)
    status = status_of(report, settings.check_name, url=setting.environment.run_url, queued=False)
    material = Material(
        commit=agreed.head,
        check_name=settings.check_name,
        standing=Standing(head=agreed.head, base=agreed.base, base_ref=snapshot.change.base_ref),
        bodies=composed.bodies if settings.comment else None,
        inline=composed.inline if settings.inline else None,
        status=None if information else status,
        sarif=_sarif(report) if setting.upload_sarif and not information else None,
        ref=f"refs/pull/{snapshot.change.number}/head",
    )
    published = publish(forge, snapshot, material, sleep=setting.sleep)
    return Reviewed(
        report=report,
        composed=composed,
        published=published,
        context=context,
        notes=notes,
    )


def _sarif(report: Report) -> str:
    return render_report(report, "sarif", options=ReportOptions())


def _context(
    setting: Setting,
    connection: _Connection,
    agreed: Agreed,
    settings: ReviewSettings,
    *,
    information: bool,
) -> ReviewContext:
    change, endpoint = agreed.snapshot.change, connection.endpoint
    middle = "/-/blob/" if endpoint.kind == "gitlab" else "/blob/"
    return ReviewContext(
        forge=endpoint.kind,
        head=agreed.head,
        base=agreed.base,
        base_ref=change.base_ref,
        check_name=settings.check_name,
        blob_url=f"{endpoint.web_url}/{connection.target.repository}{middle}{agreed.head}",
        run_url=_run_url(setting.environment.run_url, endpoint),
        artifact=setting.artifact,
        notes=(*connection.forge.missing, *agreed.snapshot.unknown),
        information=information,
    )


def _run_url(hint: str | None, endpoint: Endpoint) -> str | None:
    """The address of the run, if it is on the forge itself: variables can name any."""
    return hint if hint and hint.startswith(f"{endpoint.web_url}/") else None


def _review_settings(repository: Repository, base_ref: str) -> ReviewSettings:
    """What the target's rules say about reviews; the defaults where no rules load at all."""
    settings: Settings
    try:
        settings = rules_of(repository, tip_in_git(repository, base_ref)).rules.settings
    except GitOpsGateError:
        settings = Settings()
    return settings.review


def _short(commit: str | None) -> str:
    return commit[:12] if commit else "nothing"
