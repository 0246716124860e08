"""What the two forges could say of a repository: all closed, all open, and hardly readable."""

from __future__ import annotations

from dataclasses import replace

from gitops_gate.audit.run import outcomes
from gitops_gate.audit.values import Audit, Branch, DeliveringJob, Facts, Files, Owned
from gitops_gate.forges.values import (
    CiVariable,
    ForgeKind,
    JobEnvironment,
    Protection,
    RepositoryProtection,
    RequiredCheck,
)

OWNED = Files(check_name="gitops-gate", owned=Owned(file=".github/CODEOWNERS", codeowners=True))
OPEN_FILES = Files(
    check_name="gitops-gate",
    owned=Owned(
        file=".github/CODEOWNERS",
        unowned_ci=(".github/workflows/gate.yml", ".github/workflows/a-new-file.yml"),
        unowned_rules=(".gitops-gate.yaml",),
    ),
    gate_jobs=("judge",),
    jobs=("judge", "lint"),
)

CLOSED = Protection(
    branch="main",
    protected=True,
    required_checks=(RequiredCheck(context="gitops-gate", app_id=77),),
    required_approvals=1,
    dismisses_stale=True,
    code_owners=True,
    change_request=True,
    restricted=False,
    up_to_date=True,
    last_push_approval=True,
    force_push=False,
    deletion=False,
    admins_included=True,
    pushers=(),
    mergers=("Maintainers",),
    bypass=(),
)
OPEN = Protection(
    branch="main",
    protected=True,
    required_checks=(RequiredCheck(context="judge", app_id=15368),),
    required_approvals=0,
    dismisses_stale=False,
    code_owners=False,
    change_request=False,
    restricted=False,
    up_to_date=False,
    last_push_approval=False,
    force_push=True,
    deletion=True,
    admins_included=False,
    pushers=("Maintainers", "deploy key 3 (Deploy key)"),
    mergers=("Maintainers",),
    bypass=("RepositoryRole 5 (always)", "team night\x1b[31mshift"),
)
DELIVERY = Protection(
    branch="deploy/production",
    protected=True,
    restricted=True,
    writers=("Integration 77 (always)",),
    force_push=False,
    deletion=False,
)
ATTESTATIONS = replace(DELIVERY, branch="gitops-gate/attestations")
HIDDEN = Protection(branch="main", protected=None)

GITHUB = RepositoryProtection(
    repository="acme/shop",
    default_branch="main",
    branches=("main",),
    merge_methods=("merge",),
    tags=("*",),
    tag_bypass=(),
    idle_rulesets=(),
    actions_app=15368,
    job_token_writes=False,
    jobs_may_approve=False,
    environments=(JobEnvironment(name="delivery", refs=("main",)),),
)
GITHUB_OPEN = RepositoryProtection(
    repository="acme/shop",
    default_branch="main",
    branches=("main",),
    merge_methods=("merge", "squash"),
    tags=(),
    idle_rulesets=("strict one day",),
    actions_app=15368,
    job_token_writes=True,
    jobs_may_approve=True,
)
GITLAB = RepositoryProtection(
    repository="group/shop",
    default_branch="main",
    branches=("main",),
    merge_methods=("merge",),
    tags=("*",),
    job_token_writes=False,
    ci_definition=".gitlab-ci.yml@group/ci",
    pipeline_required=True,
    skipped_pipeline_passes=False,
    fork_pipelines=False,
    author_may_approve=False,
    committers_may_approve=False,
    approvers_overridable=False,
    committer_checked=True,
    variables=(CiVariable(name="GITOPS_GATE_TOKEN", protected=True),),
)
GITLAB_OPEN = RepositoryProtection(
    repository="group/shop",
    default_branch="main",
    branches=("main",),
    merge_methods=("fast-forward", "squash"),
    tags=("v*",),
    job_token_writes=True,
    ci_definition=".gitlab-ci.yml",
    pipeline_required=False,
    skipped_pipeline_passes=True,
    fork_pipelines=True,
    author_may_approve=True,
    committers_may_approve=True,
    approvers_overridable=True,
    committer_checked=False,
    variables=(CiVariable(name="GITLAB_TOKEN", protected=False),),
)


def facts(
    kind: ForgeKind,
    repository: RepositoryProtection,
    protection: Protection = CLOSED,
    files: Files | None = OWNED,
    **more: object,
) -> Facts:
    """Facts about one branch."""
    return Facts(
        kind=kind,
        web_url=f"https://{kind}.com",
        repository=repository,
        branches=(Branch(protection=protection, files=files),),
        **more,  # type: ignore[arg-type]  # the caller names fields of Facts
    )


def audited(made: Facts) -> Audit:
    """The audit of facts."""
    return Audit(
        kind=made.kind,
        repository=made.repository.repository,
        web_url=made.web_url,
        branches=tuple(branch.protection.branch for branch in made.branches),
        outcomes=outcomes(made),
    )


SAMPLES = {
    "github-closed": audited(
        facts(
            "github",
            GITHUB,
            deliveries=(DELIVERY,),
            attestations=ATTESTATIONS,
            sources=("main",),
            delivering=(DeliveringJob(name="deliver", environment="delivery"),),
        )
    ),
    "github-open": audited(
        facts("github", GITHUB_OPEN, OPEN, OPEN_FILES, other_refs=("refs/notes/gate",))
    ),
    "github-hidden": audited(
        facts(
            "github",
            RepositoryProtection(repository="acme/shop", default_branch="main", branches=None),
            HIDDEN,
            None,
            deliveries_unread=True,
            not_looked_at=("could not be read: which other branches are protected",),
        )
    ),
    "gitlab-closed": audited(facts("gitlab", GITLAB)),
    "gitlab-open": audited(
        facts(
            "gitlab",
            GITLAB_OPEN,
            OPEN,
            OPEN_FILES,
            deliveries=(replace(DELIVERY, writers=("user 12 (Ada)", "user 13 (Bo)")),),
            attestations=replace(ATTESTATIONS, restricted=False, writers=None),
        )
    ),
    "gitlab-hidden": audited(
        facts(
            "gitlab",
            RepositoryProtection(repository="group/shop", default_branch="main", branches=None),
            HIDDEN,
        )
    ),
}
