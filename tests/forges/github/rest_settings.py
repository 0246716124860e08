"""REST operations on a repository's settings: Actions, protected branches, apps."""

from __future__ import annotations

from typing import Any

from tests.forges.github.calls import Call, not_found, operation
from tests.forges.github.rest_repositories import protected, ruleset_shape
from tests.forges.github.state import ACTIONS_APP
from tests.forges.serving import Reply


@operation(
    "actions/get-github-actions-default-workflow-permissions-repository",
    needs="administration:read",
    role="admin",
)
def workflow_permissions(call: Call) -> Reply:
    """What GITHUB_TOKEN may do where a job does not say it."""
    return Reply.of(call.repository.workflow_permissions)


@operation(
    "actions/set-github-actions-default-workflow-permissions-repository",
    needs="administration:write",
    role="admin",
)
def set_workflow_permissions(call: Call) -> Reply:
    """Say what GITHUB_TOKEN may do."""
    call.repository.workflow_permissions.update(call.body)
    return Reply(status=204)


@operation("repos/create-repo-ruleset", needs="administration:write", role="admin")
def create_ruleset(call: Call) -> Reply:
    """A new ruleset of the repository."""
    made = {"id": len(call.repository.rulesets) + 101, **call.body}
    call.repository.rulesets.append(made)
    return Reply.of(ruleset_shape(call, made, full=True), 201)


@operation("repos/update", needs="administration:write", role="admin")
def update_repository(call: Call) -> Reply:
    """Other settings; the methods of merging alone."""
    names = {"merge_commit": "merge", "squash_merge": "squash", "rebase_merge": "rebase"}
    for name, value in call.body.items():
        call.repository.methods[names[name.removeprefix("allow_")]] = value
    return Reply.of(call.shapes.repository(call.repository, call.token))


@operation("repos/list-branches", needs="contents:read")
def list_branches(call: Call) -> Reply:
    """The branches, or those that any kind of rule protects."""
    repository, wanted = call.repository, call.query("protected")
    names = [
        name
        for name in sorted(repository.branches)
        if wanted is None or protected(repository, name) == (wanted == "true")
    ]

    def shown(name: str) -> dict[str, Any]:
        sha = repository.branches[name]
        url = f"{call.shapes.repository_url(repository)}/commits/{sha}"
        return {
            "name": name,
            "commit": {"sha": sha, "url": url},
            "protected": protected(repository, name),
        }

    return call.page(names, shown)


@operation("repos/get-all-environments", needs="actions:read")
def list_environments(call: Call) -> Reply:
    """The environments of jobs, as `Repository.environments` has them."""
    names = sorted(call.repository.environments)
    return call.page(names, lambda name: environment_shape(call, name), inside="environments")


@operation("repos/create-or-update-environment", needs="administration:write", role="admin")
def set_environment(call: Call) -> Reply:
    """Make an environment, or say anew whose jobs may use it; patterns are made one by one."""
    policy, name = call.body.get("deployment_branch_policy"), call.parameters["environment_name"]
    named = call.repository.environments.get(name) or []
    limited = policy and policy["custom_branch_policies"]
    call.repository.environments[name] = named if limited else None
    return Reply.of(environment_shape(call, name))


@operation("repos/list-deployment-branch-policies", needs="actions:read")
def list_environment_branches(call: Call) -> Reply:
    """The branches whose jobs may use an environment."""
    name = call.parameters["environment_name"]
    if call.repository.environments.get(name) is None:
        raise not_found()
    patterns = call.repository.environments[name] or []
    return call.page([*enumerate(patterns)], policy_shape, inside="branch_policies")


@operation("repos/create-deployment-branch-policy", needs="administration:write", role="admin")
def add_environment_branch(call: Call) -> Reply:
    """Let the jobs of one more pattern of branches use an environment."""
    patterns = call.repository.environments[call.parameters["environment_name"]]
    assert patterns is not None
    patterns.append(call.body["name"])
    return Reply.of(policy_shape((len(patterns), call.body["name"])))


def environment_shape(call: Call, name: str) -> dict[str, Any]:
    """An environment; `None` for its branches is one that every branch may use."""
    custom = call.repository.environments[name] is not None
    policy = {"protected_branches": False, "custom_branch_policies": True} if custom else None
    at = "2026-01-05T09:00:00Z"
    return {
        "id": 900 + len(name), "node_id": f"EN_{name}", "name": name,
        "url": f"{call.shapes.repository_url(call.repository)}/environments/{name}",
        "html_url": f"{call.shapes.web}/{call.repository.full_name}/deployments",
        "created_at": at, "updated_at": at, "protection_rules": [],
        "deployment_branch_policy": policy,
    }  # fmt: skip


def policy_shape(entry: tuple[int, str]) -> dict[str, Any]:
    """One pattern of an environment's branches or tags."""
    number, name = entry
    kind = "tag" if name.startswith("refs/tags/") else "branch"
    return {
        "id": number, "node_id": f"EBP_{number}", "name": name.removeprefix("refs/tags/"),
        "type": kind,
    }  # fmt: skip


@operation("apps/get-by-slug")
def app(call: Call) -> Reply:
    """An app by its name; there is Actions alone."""
    if call.parameters["app_slug"] != "github-actions":
        raise not_found()
    web = call.shapes.web
    return Reply.of({
        "id": ACTIONS_APP, "slug": "github-actions", "node_id": "A_1", "name": "GitHub Actions",
        "owner": call.shapes.user(call.world.account("github-actions")), "description": None,
        "external_url": f"{web}/features/actions", "html_url": f"{web}/apps/github-actions",
        "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z",
        "permissions": {"metadata": "read"}, "events": [],
    })  # fmt: skip
