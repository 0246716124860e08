"""The checks of the repository's settings."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator

from gitops_gate.audit.outcomes import Judge
from gitops_gate.audit.owners import defined_elsewhere
from gitops_gate.audit.values import Facts, Level, Outcome
from gitops_gate.forges.values import RepositoryProtection

_SECRETS = ("GITOPS_GATE_*", "GITLAB_TOKEN")
"""Variables in which the gate's token or signing key is looked for."""
_DELIVERING = ("GITOPS_GATE_SIGNING_*", "GITOPS_GATE_DELIVERY_*")
"""Those of them that no job of a merge request needs."""


def repository_checks(facts: Facts) -> Iterator[Outcome]:
    """What holds for all branches."""
    judge, settings = Judge(kind=facts.kind), facts.repository
    yield judge.judge(
        "audit/job-token-writes",
        _not(settings.job_token_writes),
        hole="a job's own token may write to the repository unless the job asks for less",
        fine="a job's own token only reads unless the job asks for more",
        needs="jobs" if facts.kind == "github" else "merging",
    )
    yield _tags(judge, settings)
    if facts.kind == "github" and settings.tags:
        yield _tag_bypass(settings.tag_bypass)
    yield _merge_methods(judge, settings)
    yield from _github(judge, settings) if facts.kind == "github" else _gitlab(judge, facts)
    for line in facts.not_looked_at:
        yield judge.unknown("audit/branch-unprotected", message=line, needs="--branch NAME")


def _github(judge: Judge, settings: RepositoryProtection) -> Iterator[Outcome]:
    yield judge.judge(
        "audit/jobs-approve",
        _not(settings.jobs_may_approve),
        hole="GitHub Actions may approve pull requests",
        fine="GitHub Actions may not approve pull requests",
        needs="jobs",
    )
    idle = settings.idle_rulesets
    yield judge.judge(
        "audit/ruleset-idle",
        None if idle is None else not idle,
        hole=f"evaluated and not enforced: {', '.join(idle or ())}",
        fine="no ruleset is only evaluated",
        needs="rulesets",
    )


def _gitlab(judge: Judge, facts: Facts) -> Iterator[Outcome]:
    settings = facts.repository
    yield judge.judge(
        "audit/skipped-pipeline",
        _not(settings.skipped_pipeline_passes),
        hole="a skipped pipeline is considered successful",
        fine="a skipped pipeline blocks",
        needs="merging",
    )
    yield judge.judge(
        "audit/ci-in-change",
        None if settings.ci_definition is None else defined_elsewhere(facts),
        hole=f"the pipeline is defined by {settings.ci_definition} of the merge request itself",
        fine=f"the pipeline is defined by {settings.ci_definition}",
        needs="merging",
    )
    yield judge.judge(
        "audit/fork-pipelines",
        _not(settings.fork_pipelines),
        hole="a member may run a fork's pipeline in this project",
        fine="a fork's pipeline cannot run in this project",
        needs="merging",
    )
    yield from _variables(judge, facts)
    if settings.approvals_available:
        yield from _approvals(judge, settings)


def _approvals(judge: Judge, settings: RepositoryProtection) -> Iterator[Outcome]:
    """What Premium alone has."""
    for name, open_, hole, fine in (
        (
            "audit/author-approves",
            settings.author_may_approve,
            "authors may approve their own merge requests",
            "authors may not approve their own merge requests",
        ),
        (
            "audit/committers-approve",
            settings.committers_may_approve,
            "who adds commits may approve",
            "who adds commits may not approve",
        ),
        (
            "audit/approvers-overridable",
            settings.approvers_overridable,
            "approval rules can be changed in each merge request",
            "approval rules are the project's alone",
        ),
        (
            "audit/committer-unverified",
            _not(settings.committer_checked),
            "commits are taken under anybody's name",
            "a committer's address has to be that of who pushes",
        ),
    ):
        yield judge.judge(name, _not(open_), hole=hole, fine=fine, needs="approvals")


def _variables(judge: Judge, facts: Facts) -> Iterator[Outcome]:
    """Whether any branch gets the gate's secrets.

    Where no change can say what the jobs do, an open token opens nothing by itself, and is needed
    for jobs of merge requests: they get no protected variable. What delivers they never need.
    """
    name, settings = "audit/variable-unprotected", facts.repository
    if settings.variables is None:
        yield judge.unknown(name, needs="variables")
        return
    delivering = (*_DELIVERING, *facts.signing_variables)
    secret = [one for one in settings.variables if _named(one.name, (*_SECRETS, *delivering))]
    if not secret:
        yield judge.unknown(
            name,
            level=Level.NOTE,
            needs="a look at the group's variables",
            message="the gate's token is no variable of the project, and those of groups are "
            "not read",
        )
        return
    lax = sorted({one.name for one in secret if not one.protected})
    needed = lax and not any(_named(one, delivering) for one in lax)
    yield judge.judge(
        name,
        not lax,
        hole=f"not protected: {', '.join(lax)}",
        fine=f"protected: {', '.join(sorted({one.name for one in secret}))}",
        needs="variables",
        level=Level.NOTE if needed and defined_elsewhere(facts) else None,
    )


def _named(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _tags(judge: Judge, settings: RepositoryProtection) -> Outcome:
    name, patterns = "audit/tags", settings.tags
    if patterns and "*" not in patterns:
        return judge.hole(
            name, f"all but {', '.join(patterns)} can be moved and deleted", level=Level.NOTE
        )
    return judge.judge(
        name,
        None if patterns is None else bool(patterns),
        hole="tags can be moved and deleted by who may push",
        fine="no tag can be moved or deleted",
        needs="rulesets" if judge.kind == "github" else "tags",
    )


def _tag_bypass(names: tuple[str, ...] | None) -> Outcome:
    """Who may move tags all the same; GitLab has no such list."""
    return Judge(kind="github", subject="refs/tags/*").judge(
        "audit/bypass",
        None if names is None else not names,
        hole=f"may move and delete tags all the same: {', '.join(names or ())}",
        fine="nobody is on a bypass list",
        needs="bypass",
        level=Level.WARNING,
    )


def _merge_methods(judge: Judge, settings: RepositoryProtection) -> Outcome:
    methods = settings.merge_methods
    changing = [one for one in methods or () if one != "merge"]
    return judge.judge(
        "audit/merge-method",
        None if methods is None else not changing,
        hole=f"possible besides a merge commit: {', '.join(changing)}",
        fine="what lands are the reviewed commits, in a merge",
        needs="merging",
    )


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value
