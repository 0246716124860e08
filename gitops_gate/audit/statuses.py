"""The checks of whether the gate's answer is required, and of whose answer counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gitops_gate.audit.outcomes import FETCH, Judge
from gitops_gate.audit.values import Branch, Facts, Files, Outcome
from gitops_gate.forges.values import RequiredCheck

_NAME = "review.check_name"


def status_checks(facts: Facts, branch: Branch) -> Iterator[Outcome]:
    """Whether the gate's status is required, from whom, and under which name.

    GitLab requires no status by name, but that the pipeline succeeds, which a failed status ends.
    """
    judge = Judge(kind=facts.kind, subject=f"refs/heads/{branch.protection.branch}")
    if facts.kind == "gitlab":
        yield judge.judge(
            "audit/status-not-required",
            facts.repository.pipeline_required,
            hole="a merge request can be merged although its pipeline failed",
            fine="pipelines must succeed",
            needs="merging",
        )
        return
    required = branch.protection.required_checks
    if required is None:
        yield judge.unknown("audit/status-not-required", needs="protection")
    elif branch.files is None:
        yield judge.unknown("audit/status-not-required", needs=FETCH)
    else:
        yield from _required(judge, facts, required, branch.files)


def _required(
    judge: Judge, facts: Facts, required: Sequence[RequiredCheck], files: Files
) -> Iterator[Outcome]:
    name = files.check_name
    apps = [check.app_id for check in required if check.context == name]
    others = ", ".join(sorted({check.context for check in required})) or "nothing"
    yield judge.judge(
        "audit/status-not-required",
        bool(apps),
        hole=f"the status {name} ({_NAME}) is not required; required is: {others}",
        fine=f"the status {name} is required",
        needs="protection",
    )
    if apps:
        yield from _sources(judge, facts, apps, name)
    jobs = _jobs_among(required, files)
    if name in files.jobs:
        jobs = [name, *jobs]
    yield judge.judge(
        "audit/job-required",
        not jobs,
        hole=f"required and the name of a job: {', '.join(jobs)}; the gate's decision is the "
        f"status {name}",
        fine="no job that runs the gate is required in place of its status",
        needs=FETCH,
    )


def _sources(
    judge: Judge, facts: Facts, apps: Sequence[int | None], name: str
) -> Iterator[Outcome]:
    """Whose status counts: each entry has to be satisfied, so one app of one's own is enough."""
    bound = sorted({app for app in apps if app is not None})
    actions = facts.repository.actions_app
    yield judge.judge(
        "audit/status-from-anyone",
        bool(bound),
        hole=f"the status {name} counts from any source",
        fine=f"the status {name} counts from one app alone",
        needs="protection",
    )
    if not bound:
        return
    own = [app for app in bound if app != actions]
    yield judge.judge(
        "audit/status-from-actions",
        None if actions is None else bool(own),
        hole=f"the status {name} counts from GitHub Actions (app {actions}), so from any workflow",
        fine=f"the status {name} counts from app {', '.join(map(str, own))}",
        needs="apps",
    )


def _jobs_among(required: Sequence[RequiredCheck], files: Files) -> list[str]:
    """Required checks that a job reports which runs the gate, also as `job (matrix)`."""
    contexts = sorted({check.context for check in required} - {files.check_name})
    return [
        context
        for context in contexts
        if any(
            context == job or context.startswith((f"{job} (", f"{job} / "))
            for job in files.gate_jobs
        )
    ]
