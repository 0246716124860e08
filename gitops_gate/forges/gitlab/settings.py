"""Settings of a GitLab project beside its branches: merging, approvals, CI, tags, variables.

https://docs.gitlab.com/api/projects/ answers every member; protected tags, push rules and
variables take the Maintainer role. Of variables, names alone are kept: their values come in the
same answer and are dropped. A project of a Premium group shows settings of merge trains and
approvals, one on Free does not have them (gitlabhq, `ee/lib/ee/api/entities/project.rb`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from gitops_gate.errors import ForgeError
from gitops_gate.forges.gitlab.connection import Connection
from gitops_gate.forges.values import CiVariable, RepositoryProtection

_Read = TypeVar("_Read")
_PREMIUM = ("merge_pipelines_enabled", "merge_trains_enabled", "approvals_before_merge")
_METHODS = {"merge": "merge", "rebase_merge": "semi-linear merge", "ff": "fast-forward"}
_DEFAULT_DEFINITION = ".gitlab-ci.yml"


def read_settings(connection: Connection) -> RepositoryProtection:
    """The settings of the project. Raises `ForgeError` when it cannot be read at all."""
    project_id = connection.project_id or connection.target.repository
    with connection.asking("the project's settings"):
        project = connection.api.projects.get(project_id).attributes
        connection.pinned(int(project["id"]))
    branches = _attempt(connection, "protected branches", lambda: _branches(connection))
    premium = any(name in project for name in _PREMIUM)
    approvals = _attempt(connection, "approval settings", lambda: _approvals(connection))
    pushing = _attempt(connection, "push rules", lambda: _push_rules(connection))
    with connection.asking("the project's settings"):
        return RepositoryProtection(
            repository=str(project["path_with_namespace"]),
            default_branch=str(project["default_branch"] or "main"),
            branches=branches,
            approvals_available=premium,
            merge_methods=_merge_methods(project),
            tags=_attempt(connection, "protected tags", lambda: _tags(connection)),
            job_token_writes=project.get(
                # A GitLab before 17.2 has no such setting: job tokens never push there.
                "ci_push_repository_for_job_token_allowed",
                None if branches is None else False,
            ),
            ci_definition=_definition(project),
            pipeline_required=project.get("only_allow_merge_if_pipeline_succeeds"),
            skipped_pipeline_passes=bool(project.get("allow_merge_on_skipped_pipeline")),
            fork_pipelines=project.get("ci_allow_fork_pipelines_to_run_in_parent_project"),
            author_may_approve=_flag(approvals, "merge_requests_author_approval"),
            committers_may_approve=_not(
                _flag(approvals, "merge_requests_disable_committers_approval")
            ),
            approvers_overridable=_not(
                _flag(approvals, "disable_overriding_approvers_per_merge_request")
            ),
            committer_checked=None
            if pushing is None
            else bool(pushing.get("commit_committer_check")),
            variables=_attempt(connection, "CI variables", lambda: _variables(connection)),
        )


def _attempt(connection: Connection, what: str, read: Callable[[], _Read]) -> _Read | None:
    """What was read, or None where the token may not, or the tier has no such thing."""
    try:
        with connection.asking(what):
            return read()
    except ForgeError as error:
        if error.status not in (401, 403, 404):
            raise
        return None


def _approvals(connection: Connection) -> Mapping[str, Any]:
    return connection.project.approvals.get().attributes


def _push_rules(connection: Connection) -> Mapping[str, Any]:
    # Null where none were ever set, which python-gitlab's own object cannot be made of.
    answer = connection.api.http_get(f"/projects/{connection.project.encoded_id}/push_rule")
    return answer if isinstance(answer, dict) else {}


def _branches(connection: Connection) -> tuple[str, ...]:
    found = connection.every(connection.project.protectedbranches)
    return tuple(sorted(str(one["name"]) for one in found))


def _tags(connection: Connection) -> tuple[str, ...]:
    """https://docs.gitlab.com/user/project/protected_tags/: nobody can move a protected tag."""
    found = connection.every(connection.project.protectedtags)
    return tuple(sorted(str(one["name"]) for one in found))


def _variables(connection: Connection) -> tuple[CiVariable, ...]:
    found = connection.every(connection.project.variables)
    return tuple(
        CiVariable(name=str(one["key"]), protected=bool(one["protected"]))
        for one in sorted(found, key=lambda one: (str(one["key"]), bool(one["protected"])))
    )


def _merge_methods(project: Mapping[str, Any]) -> tuple[str, ...]:
    method = str(project["merge_method"])
    squash = () if project.get("squash_option") == "never" else ("squash",)
    return (_METHODS.get(method, method), *squash)


def _definition(project: Mapping[str, Any]) -> str | None:
    """Where the pipeline is defined; the setting is shown to who may read the code."""
    if "ci_config_path" not in project:
        return None
    return str(project["ci_config_path"] or _DEFAULT_DEFINITION)


def _flag(settings: Mapping[str, Any] | None, name: str) -> bool | None:
    value = (settings or {}).get(name)
    return None if value is None else bool(value)


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value
