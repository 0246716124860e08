"""GitLab CI: the predefined variables, and the payload of a trigger.

https://docs.gitlab.com/ci/variables/predefined_variables/ and
https://docs.gitlab.com/ci/triggers/#access-the-payload.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gitops_gate.ci.payload import branch, commit, number_at, positive, read_payload, text_at
from gitops_gate.ci.values import Environment, Occasion


def read(variables: Mapping[str, str]) -> Environment:
    """The hints of a GitLab CI job."""
    source = variables.get("CI_PIPELINE_SOURCE", "")
    environment = Environment(
        ci="gitlab",
        event=source,
        occasion=Occasion.OTHER,
        repository=variables.get("CI_PROJECT_PATH") or None,
        repository_id=positive(variables.get("CI_PROJECT_ID")),
        api_url=variables.get("CI_API_V4_URL") or None,
        graphql_url=variables.get("CI_API_GRAPHQL_URL") or None,
        run_url=variables.get("CI_PIPELINE_URL") or None,
        pipeline_id=positive(variables.get("CI_PIPELINE_ID")),
        defined_by_head=not _on_protected_default_branch(variables),
    )
    if variables.get("CI_MERGE_REQUEST_IID"):
        return _merge_request(environment, variables)
    if source == "trigger" and variables.get("TRIGGER_PAYLOAD"):
        return _triggered(environment, variables["TRIGGER_PAYLOAD"])
    if source == "push" and variables.get("CI_COMMIT_BRANCH"):
        return replace(
            environment,
            occasion=Occasion.PUSH,
            base_ref=branch(variables["CI_COMMIT_BRANCH"]),
            base=commit(variables.get("CI_COMMIT_BEFORE_SHA")),
            head=commit(variables.get("CI_COMMIT_SHA")),
        )
    return environment


def _on_protected_default_branch(variables: Mapping[str, str]) -> bool:
    """Whether the file that defines the pipeline needed an approved merge to change.

    The variables can be set by whoever starts the pipeline, but on a protected branch only people
    who may push or merge there can start one.
    """
    default = variables.get("CI_DEFAULT_BRANCH")
    on_default = bool(default) and variables.get("CI_COMMIT_BRANCH") == default
    return on_default and variables.get("CI_COMMIT_REF_PROTECTED") == "true"


def _merge_request(environment: Environment, variables: Mapping[str, str]) -> Environment:
    """A merge request pipeline: detached, of the merged result, or of a merge train.

    In a detached one the variables of both branches' tips are empty, and the commit is the head.
    """
    kind = variables.get("CI_MERGE_REQUEST_EVENT_TYPE", "detached")
    train = kind == "merge_train"
    own = commit(variables.get("CI_COMMIT_SHA"))
    source = commit(variables.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"))
    return replace(
        environment,
        event=kind,
        occasion=Occasion.MERGE_QUEUE if train else Occasion.CHANGE_REQUEST,
        repository=variables.get("CI_MERGE_REQUEST_PROJECT_PATH") or environment.repository,
        repository_id=positive(variables.get("CI_MERGE_REQUEST_PROJECT_ID"))
        or environment.repository_id,
        number=positive(variables["CI_MERGE_REQUEST_IID"]),
        base_ref=branch(variables.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME")),
        base=commit(variables.get("CI_MERGE_REQUEST_TARGET_BRANCH_SHA")),
        head=own if train else source or (own if kind == "detached" else None),
        defined_by_head=True,
    )


def _triggered(environment: Environment, path: str) -> Environment:
    """A pipeline on the default branch that a webhook or the schedule started for a merge request.

    A comment that asks the gate for something names its merge request beside itself; who wrote it
    and whether it counts is read from the forge.
    https://docs.gitlab.com/user/project/integrations/webhook_events/#comment-events
    """
    payload = read_payload(path)
    about = "object_attributes"
    if _is_command(payload):
        about = "merge_request"
    elif text_at(payload, "object_kind") != "merge_request":
        return environment
    return replace(
        environment,
        occasion=Occasion.CHANGE_REQUEST,
        repository=text_at(payload, "project", "path_with_namespace") or environment.repository,
        repository_id=number_at(payload, "project", "id") or environment.repository_id,
        number=number_at(payload, about, "iid"),
        base_ref=branch(text_at(payload, about, "target_branch")),
        head=commit(text_at(payload, about, "last_commit", "id")),
    )


def _is_command(payload: Mapping[str, Any]) -> bool:
    """Whether it tells of a comment on a merge request that begins as an override does."""
    return (
        text_at(payload, "object_kind") == "note"
        and text_at(payload, "object_attributes", "noteable_type") == "MergeRequest"
        and (text_at(payload, "object_attributes", "note") or "").startswith("/gitops-gate ")
    )
