"""Which setting closes which hole, on each forge: where a person finds it, and its API field.

GitHub's fields: docs.github.com/rest/repos/rules, docs.github.com/rest/branches/branch-protection;
GitLab's: docs.gitlab.com/api/projects, /api/protected_branches and /api/merge_request_approvals.
"""

from __future__ import annotations

from collections.abc import Mapping

from gitops_gate.audit.values import Remedy

_RULESET = "Settings → Rules → Rulesets → (ruleset of the branch)"
_RULES = "PUT /repos/{owner}/{repo}/rulesets/{ruleset_id}"
_REVIEW = "rules[type=pull_request].parameters"
_CHECKS = "rules[type=required_status_checks].parameters"


def _ruled(menu: str, field: str) -> Remedy:
    return Remedy(menu=f"{_RULESET} → {menu}", api=f"{_RULES}: {field}")


GITHUB: Mapping[str, Remedy] = {
    "audit/branch-unprotected": Remedy(
        menu="Settings → Rules → Rulesets → New branch ruleset, enforcement Active",
        api='POST /repos/{owner}/{repo}/rulesets: enforcement = "active", '
        'conditions.ref_name.include = ["~DEFAULT_BRANCH"]',
    ),
    "audit/direct-push": _ruled(
        "Require a pull request before merging", 'rules[] += {"type": "pull_request", …}'
    ),
    "audit/force-push": _ruled("Block force pushes", 'rules[] += {"type": "non_fast_forward"}'),
    "audit/deletion": _ruled("Restrict deletions", 'rules[] += {"type": "deletion"}'),
    "audit/status-not-required": _ruled(
        "Require status checks to pass → Add checks → the gate's status",
        f"{_CHECKS}.required_status_checks[].context = review.check_name",
    ),
    "audit/status-from-anyone": _ruled(
        "Require status checks to pass → source of the gate's status: your own GitHub App",
        f"{_CHECKS}.required_status_checks[].integration_id = id of your own GitHub App",
    ),
    "audit/status-from-actions": _ruled(
        "Require status checks to pass → source of the gate's status: your own GitHub App",
        f"{_CHECKS}.required_status_checks[].integration_id = id of your own GitHub App, "
        "whose key only an environment for the default branch has",
    ),
    "audit/job-required": _ruled(
        "Require status checks to pass → remove the job, add the gate's status",
        f"{_CHECKS}.required_status_checks[].context = review.check_name, and no job's name",
    ),
    "audit/not-up-to-date": _ruled(
        "Require branches to be up to date before merging, or Require merge queue",
        f"{_CHECKS}.strict_required_status_checks_policy = true, "
        'or rules[] += {"type": "merge_queue", …}',
    ),
    "audit/admins-exempt": Remedy(
        menu="Settings → Branches → (rule) → Do not allow bypassing the above settings",
        api="POST /repos/{owner}/{repo}/branches/{branch}/protection/enforce_admins",
    ),
    "audit/bypass": _ruled("Bypass list: empty", "bypass_actors = []"),
    "audit/reviews-not-required": _ruled(
        "Require a pull request before merging → Required approvals: 1 or more",
        f"{_REVIEW}.required_approving_review_count = 1",
    ),
    "audit/stale-approvals": _ruled(
        "Require a pull request before merging → Dismiss stale pull request approvals when new "
        "commits are pushed",
        f"{_REVIEW}.dismiss_stale_reviews_on_push = true",
    ),
    "audit/last-pusher-approves": _ruled(
        "Require a pull request before merging → Require approval of the most recent reviewable "
        "push",
        f"{_REVIEW}.require_last_push_approval = true",
    ),
    "audit/code-owners": _ruled(
        "Require a pull request before merging → Require review from Code Owners",
        f"{_REVIEW}.require_code_owner_review = true",
    ),
    "audit/codeowners-unowned": Remedy(
        menu="an entry for CODEOWNERS itself, as the last lines of the file",
        api="/.github/CODEOWNERS @org/platform",
    ),
    "audit/ci-editable": Remedy(
        menu="an entry for the workflows in CODEOWNERS, and Require review from Code Owners",
        api=f"/.github/ @org/platform, and {_REVIEW}.require_code_owner_review = true",
    ),
    "audit/rules-unowned": Remedy(
        menu="entries for the gate's configuration, policies and waivers in CODEOWNERS",
        api="/.gitops-gate.yaml @org/platform, /.gitops-gate/ @org/platform, "
        "/policies/ @org/platform",
    ),
    "audit/job-token-writes": Remedy(
        menu="Settings → Actions → General → Workflow permissions → Read repository contents "
        "and packages permissions",
        api="PUT /repos/{owner}/{repo}/actions/permissions/workflow: "
        'default_workflow_permissions = "read"',
    ),
    "audit/jobs-approve": Remedy(
        menu="Settings → Actions → General → Workflow permissions → Allow GitHub Actions to "
        "create and approve pull requests: off",
        api="PUT /repos/{owner}/{repo}/actions/permissions/workflow: "
        "can_approve_pull_request_reviews = false",
    ),
    "audit/tags": Remedy(
        menu="Settings → Rules → Rulesets → New tag ruleset → all tags → Restrict updates, "
        "Restrict deletions",
        api='POST /repos/{owner}/{repo}/rulesets: target = "tag", '
        'conditions.ref_name.include = ["~ALL"], rules = [{"type": "update"}, '
        '{"type": "deletion"}]',
    ),
    "audit/delivery-ref": Remedy(
        menu="Settings → Rules → Rulesets → New branch ruleset for the delivery ref → Restrict "
        "updates, creations and deletions, Block force pushes; bypass list: the delivering app or "
        "deploy key alone",
        api='POST /repos/{owner}/{repo}/rulesets: rules = [{"type": "update"}, '
        '{"type": "creation"}, {"type": "deletion"}, {"type": "non_fast_forward"}], '
        'bypass_actors = [{"actor_type": "Integration", "actor_id": id of your own GitHub App, '
        '"bypass_mode": "always"}]',
    ),
    "audit/attestation-branch": Remedy(
        menu="Settings → Rules → Rulesets → (ruleset of the delivery ref) → Target branches: the "
        "branch of delivery.attestations as well; bypass list: the delivering app or deploy key "
        "alone",
        api=f"{_RULES}: conditions.ref_name.include += delivery.attestations",
    ),
    "audit/job-token-delivers": Remedy(
        menu="Settings → Rules → Rulesets → (ruleset of the delivery ref) → Restrict updates; "
        "bypass list without GitHub Actions. In a classic rule: Restrict who can push, without "
        "GitHub Actions",
        api='POST /repos/{owner}/{repo}/rulesets: rules[] += {"type": "update"}, bypass_actors '
        "without the app of GitHub Actions",
    ),
    "audit/delivering-environment": Remedy(
        menu="Settings → Environments → (environment that the delivering job names) → Deployment "
        "branches and tags: Selected branches and tags → the branches that are delivered; the "
        "secrets of the delivery there, and none of them in the repository. Protected branches "
        "only is not enough: without a classic rule it lets all in",
        api="PUT /repos/{owner}/{repo}/environments/{environment_name}: deployment_branch_policy "
        '= {"protected_branches": false, "custom_branch_policies": true}, and POST '
        "…/deployment-branch-policies: name = branch that is delivered",
    ),
    "audit/ruleset-idle": _ruled("Enforcement status: Active", 'enforcement = "active"'),
    "audit/merge-method": Remedy(
        menu="Settings → General → Pull Requests → Allow merge commits alone",
        api="PATCH /repos/{owner}/{repo}: allow_squash_merge = false, allow_rebase_merge = false",
    ),
}
"""By the id of the hole. One that is not here cannot be on GitHub."""

_PROTECTED = "Settings → Repository → Protected branches → (branch)"
_BRANCH = "PATCH /projects/:id/protected_branches/:name"
_MERGE = "Settings → Merge requests"
_PROJECT = "PUT /projects/:id"
_APPROVALS = "POST /projects/:id/approvals"

GITLAB: Mapping[str, Remedy] = {
    "audit/branch-unprotected": Remedy(
        menu="Settings → Repository → Protected branches → Add protected branch",
        api="POST /projects/:id/protected_branches: name = branch, push_access_level = 0, "
        "merge_access_level = 40",
    ),
    "audit/direct-push": Remedy(
        menu=f"{_PROTECTED} → Allowed to push and merge: No one",
        api=f"{_BRANCH}: allowed_to_push = the present entries with _destroy = true; or delete "
        "it and POST it again with push_access_level = 0",
    ),
    "audit/force-push": Remedy(
        menu=f"{_PROTECTED} → Allowed to force push: off",
        api=f"{_BRANCH}: allow_force_push = false",
    ),
    "audit/status-not-required": Remedy(
        menu=f"{_MERGE} → Merge checks → Pipelines must succeed",
        api=f"{_PROJECT}: only_allow_merge_if_pipeline_succeeds = true",
    ),
    "audit/skipped-pipeline": Remedy(
        menu=f"{_MERGE} → Merge checks → Skipped pipelines are considered successful: off",
        api=f"{_PROJECT}: allow_merge_on_skipped_pipeline = false",
    ),
    "audit/not-up-to-date": Remedy(
        menu=f"{_MERGE} → Merge method: fast-forward or semi-linear, or Enable merge trains",
        api=f'{_PROJECT}: merge_method = "rebase_merge", or merge_trains_enabled = true',
    ),
    "audit/reviews-not-required": Remedy(
        menu=f"{_MERGE} → Merge request approvals → Approval rules (Premium)",
        api="POST /projects/:id/approval_rules: approvals_required = 1",
    ),
    "audit/stale-approvals": Remedy(
        menu=f"{_MERGE} → Approval settings → When a commit is added: Remove all approvals",
        api=f"{_APPROVALS}: reset_approvals_on_push = true",
    ),
    "audit/author-approves": Remedy(
        menu=f"{_MERGE} → Approval settings → Prevent approval by merge request creator",
        api=f"{_APPROVALS}: merge_requests_author_approval = false",
    ),
    "audit/committers-approve": Remedy(
        menu=f"{_MERGE} → Approval settings → Prevent approvals by users who add commits",
        api=f"{_APPROVALS}: merge_requests_disable_committers_approval = true",
    ),
    "audit/approvers-overridable": Remedy(
        menu=f"{_MERGE} → Approval settings → Prevent editing approval rules in merge requests",
        api=f"{_APPROVALS}: disable_overriding_approvers_per_merge_request = true",
    ),
    "audit/code-owners": Remedy(
        menu=f"{_PROTECTED} → Code owner approval (Premium)",
        api=f"{_BRANCH}: code_owner_approval_required = true",
    ),
    "audit/codeowners-unowned": Remedy(
        menu="an entry for CODEOWNERS itself in a section that is not optional",
        api="/CODEOWNERS @group/platform",
    ),
    "audit/ci-editable": Remedy(
        menu="Settings → CI/CD → General pipelines → CI/CD configuration file: one in another "
        "project; or an entry for it in CODEOWNERS, and Code owner approval",
        api=f'{_PROJECT}: ci_config_path = ".gitlab-ci.yml@group/ci"; or '
        "/.gitlab-ci.yml @group/platform",
    ),
    "audit/rules-unowned": Remedy(
        menu="entries for the gate's configuration, policies and waivers in CODEOWNERS",
        api="/.gitops-gate.yaml @group/platform, /.gitops-gate/ @group/platform, "
        "/policies/ @group/platform",
    ),
    "audit/ci-in-change": Remedy(
        menu="Settings → CI/CD → General pipelines → CI/CD configuration file: one in another "
        "project",
        api=f'{_PROJECT}: ci_config_path = ".gitlab-ci.yml@group/ci"',
    ),
    "audit/fork-pipelines": Remedy(
        menu="Settings → CI/CD → General pipelines → Run pipelines in the parent project for "
        "merge requests from forks: off",
        api=f"{_PROJECT}: ci_allow_fork_pipelines_to_run_in_parent_project = false",
    ),
    "audit/variable-unprotected": Remedy(
        menu="Settings → CI/CD → Variables → (variable) → Protect variable",
        api="PUT /projects/:id/variables/:key: protected = true",
    ),
    "audit/job-token-writes": Remedy(
        menu="Settings → CI/CD → Job token permissions → Allow Git push requests to the "
        "repository: off",
        api=f"{_PROJECT}: ci_push_repository_for_job_token_allowed = false",
    ),
    "audit/tags": Remedy(
        menu="Settings → Repository → Protected tags → Add tag: *, Allowed to create: Maintainers",
        api="POST /projects/:id/protected_tags: name = *, create_access_level = 40",
    ),
    "audit/delivery-ref": Remedy(
        menu="Settings → Repository → Protected branches → Add protected branch for the delivery "
        "ref → Allowed to merge: No one, Allowed to push and merge: the delivering deploy key or "
        "account alone",
        api="POST /projects/:id/protected_branches: name = delivery ref, merge_access_level = 0, "
        "allowed_to_push = [{deploy_key_id: id of the delivering key}], allow_force_push = false",
    ),
    "audit/attestation-branch": Remedy(
        menu="Settings → Repository → Protected branches → Add protected branch for the branch of "
        "delivery.attestations → Allowed to merge: No one, Allowed to push and merge: the "
        "delivering deploy key or account alone",
        api="POST /projects/:id/protected_branches: name = branch of delivery.attestations, "
        "merge_access_level = 0, allowed_to_push = [{deploy_key_id: id of the delivering key}], "
        "allow_force_push = false",
    ),
    "audit/job-token-delivers": Remedy(
        menu="Settings → CI/CD → Job token permissions → Allow Git push requests to the "
        "repository: off; or deliver with a deploy key, which starts no jobs",
        api=f"{_PROJECT}: ci_push_repository_for_job_token_allowed = false",
    ),
    "audit/merge-method": Remedy(
        menu=f"{_MERGE} → Merge method: Merge commit; Squash commits: Do not allow",
        api=f'{_PROJECT}: merge_method = "merge", squash_option = "never"',
    ),
    "audit/committer-unverified": Remedy(
        menu="Settings → Repository → Push rules → Reject unverified users (Premium)",
        api="PUT /projects/:id/push_rule: commit_committer_check = true",
    ),
}
"""By the id of the hole. One that is not here cannot be on GitLab, or cannot be closed there."""
