"""The checks of the refs that are delivered to, and of the branch that attestations are kept on.

They are written by the delivering credential alone. Which they are, the configuration at the tip of
the default branch says, and `--delivery-ref`.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from dataclasses import replace

from gitops_gate.audit.outcomes import FETCH, Judge
from gitops_gate.audit.values import DeliveringJob, Facts, Level, Outcome, State
from gitops_gate.forges.values import Protection, RepositoryProtection

_MANY = ("RepositoryRole", "OrganizationAdmin", "EnterpriseOwner", "Team", "team", "group")
"""Kinds of writers that are more people than a delivering identity is."""
_PEOPLE = ("user", "group")
"""Writers whose own jobs have a token that may what they may, on GitLab."""


def delivery_checks(facts: Facts) -> Iterator[Outcome]:
    """Whether what the cluster follows is written by the delivering identity alone."""
    for protection in facts.deliveries:
        yield from _delivery("audit/delivery-ref", facts, protection)
    if facts.attestations is not None:
        yield from _delivery("audit/attestation-branch", facts, facts.attestations)
        if facts.kind == "github":
            yield _environments(facts)
    for ref in facts.other_refs:
        yield _other_ref(Judge(kind=facts.kind, subject=ref), ref, facts.repository)
    if facts.deliveries_unread:
        said = "not known: which refs are delivered to"
        yield Judge(kind=facts.kind).unknown("audit/delivery-ref", needs=FETCH, message=said)


def _delivery(name: str, facts: Facts, protection: Protection) -> Iterator[Outcome]:
    judge = Judge(kind=facts.kind, subject=f"refs/heads/{protection.branch}")
    yield _writers(name, judge, protection)
    yield judge.judge(
        "audit/job-token-delivers",
        _out_of_reach(facts, protection),
        hole="a job may write it by the token that every job is given",
        fine="no job may write it by its own token",
        needs="jobs" if facts.kind == "github" else "merging",
    )
    yield judge.judge(
        "audit/force-push",
        None if protection.force_push is None else not protection.force_push,
        hole="force pushes are allowed",
        fine="force pushes are refused",
        needs="protection",
    )
    if judge.kind == "github":
        yield judge.judge(
            "audit/deletion",
            None if protection.deletion is None else not protection.deletion,
            hole="deleting it is allowed",
            fine="it cannot be deleted",
            needs="protection",
        )


def _writers(name: str, judge: Judge, protection: Protection) -> Outcome:
    writers, restricted = protection.writers, protection.restricted
    if restricted and writers is None:
        return judge.unknown(name, needs="bypass")
    if restricted and (many := [one for one in writers or () if one.startswith(_MANY)]):
        return judge.hole(name, f"more may write it than who delivers: {', '.join(many)}")
    if restricted and judge.kind == "github" and not (protection.there or _made_by_few(protection)):
        return judge.hole(name, "it is not there yet, and whoever pushes it first makes it")
    if restricted and writers and len(writers) > 1:
        said = f"several may write it, where one delivers: {', '.join(writers)}"
        return judge.hole(name, said, level=Level.WARNING)
    return judge.judge(
        name,
        restricted,
        hole="everybody with write access may write it, by a push or a merge"
        if protection.there
        else "it is not there yet, and no rule says who may make and write it",
        fine=f"written by {', '.join(writers or ()) or 'nobody'} alone",
        needs="protection",
    )


def _made_by_few(protection: Protection) -> bool:
    """Whether a rule of GitHub's is about making the branch, beside the one about writing it."""
    return any(name.startswith("rule.creation.") for name, _ in protection.details)


def _out_of_reach(facts: Facts, protection: Protection) -> bool | None:
    """Whether a job's own token may not write a branch; None where it is not known.

    On GitHub a workflow may ask for `contents: write` whatever the default is. On GitLab the token
    may what the person may who started the job, if it may push at all; deploy keys start none.
    """
    writers, restricted = protection.writers, protection.restricted
    if facts.kind == "gitlab" and facts.repository.job_token_writes is False:
        return True
    if restricted is None or (restricted and writers is None):
        return None
    if not restricted:
        return False
    if facts.kind == "github":
        return _without_actions(facts.repository.actions_app, writers or ())
    reached = any(one.startswith(_PEOPLE) for one in writers or ())
    return None if reached and facts.repository.job_token_writes is None else not reached


def _without_actions(app: int | None, writers: tuple[str, ...]) -> bool | None:
    if "app github-actions" in writers:
        return False
    apps = {one.split(" ")[1] for one in writers if one.startswith("Integration ")}
    return None if apps and app is None else str(app) not in apps


# ------------------------------------------------------------------- the delivering credential

_ENVIRONMENT = "audit/delivering-environment"


def _environments(facts: Facts) -> Outcome:
    """Whether the jobs that deliver take their secrets from an environment of their branches."""
    judge = Judge(kind=facts.kind)
    found = [_job(judge, facts, job) for job in facts.delivering]
    if not found:
        said = "no workflow of the default branch delivers, so it is not known what does"
        needs = "a look at where the delivering credential is kept"
        return judge.unknown(_ENVIRONMENT, needs=needs, message=said, level=Level.NOTE)
    worst = next(
        state
        for state in (State.HOLE, State.UNKNOWN, State.FINE)
        if any(one.state is state for one in found)
    )
    same = [one for one in found if one.state is worst]
    return replace(same[0], message="; ".join(dict.fromkeys(one.message for one in same)))


def _job(judge: Judge, facts: Facts, job: DeliveringJob) -> Outcome:
    if job.environment is None:
        return judge.hole(_ENVIRONMENT, f"the job {job.name} delivers without an environment")
    if "${{" in job.environment:
        said = f"not known: which environment the job {job.name} has"
        return judge.unknown(_ENVIRONMENT, needs="an environment by its name", message=said)
    return _environment(judge, facts, job.environment)


def _environment(judge: Judge, facts: Facts, name: str) -> Outcome:
    known = facts.repository.environments
    found = next((one for one in known or () if one.name == name), None)
    if known is not None and found is None:
        said = f"the environment {name} is not there, and GitHub makes it for any branch's job"
        return judge.hole(_ENVIRONMENT, said)
    refs = None if found is None else found.refs
    others = [ref for ref in refs or () if ref not in facts.sources]
    return judge.judge(
        _ENVIRONMENT,
        None if refs is None else not others,
        hole=f"jobs of other branches may use the environment {name}: {', '.join(others)}",
        fine=f"the environment {name} is for what is delivered alone: {', '.join(refs or ())}",
        needs="environments",
    )


def _other_ref(judge: Judge, ref: str, settings: RepositoryProtection) -> Outcome:
    if not ref.startswith("refs/tags/"):
        return judge.hole(
            "audit/delivery-ref", "the forge protects branches and tags alone: deliver to a branch"
        )
    tag, patterns = ref.removeprefix("refs/tags/"), settings.tags
    covered = patterns and any(fnmatch.fnmatchcase(tag, pattern) for pattern in patterns)
    return judge.judge(
        "audit/delivery-ref",
        None if patterns is None else bool(covered),
        hole="everybody who may push can move the tag",
        fine="the tag cannot be moved but by who may pass its rule by",
        needs="rulesets" if judge.kind == "github" else "tags",
    )
