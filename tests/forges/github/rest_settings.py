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
