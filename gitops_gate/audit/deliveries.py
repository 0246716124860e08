"""The checks of the refs that are delivered to, and of the branch that attestations are kept on.

They are written by the delivering credential alone. Which they are, the configuration at the tip of
the default branch says, and `--delivery-ref`.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator

from gitops_gate.audit.outcomes import FETCH, Judge
from gitops_gate.audit.values import Facts, Level, Outcome
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
