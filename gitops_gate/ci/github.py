"""GitHub Actions: variables, and the event that started the workflow.

https://docs.github.com/actions/reference/workflows-and-actions/variables and
https://docs.github.com/webhooks/webhook-events-and-payloads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gitops_gate.ci.payload import (
    at,
    branch,
    commit_at,
    number_at,
    positive,
    read_payload,
    text_at,
)
from gitops_gate.ci.values import Environment, Occasion

_PULL_REQUEST_EVENTS = ("pull_request", "pull_request_target", "pull_request_review")
_DEFINED_BY_DEFAULT_BRANCH = (
    "pull_request_target",
    "workflow_run",
    "issue_comment",
    "schedule",
    "workflow_dispatch",
)
"""Events whose workflow is the default branch's, whoever's change they are about. A dispatched
one may be of another branch, and is checked against `GITHUB_REF` and the default branch."""


def read(variables: Mapping[str, str]) -> Environment:
    """The hints of a GitHub Actions job."""
    event = variables.get("GITHUB_EVENT_NAME", "")
    payload = read_payload(variables.get("GITHUB_EVENT_PATH"))
    server, repository = variables.get("GITHUB_SERVER_URL"), variables.get("GITHUB_REPOSITORY")
    run = variables.get("GITHUB_RUN_ID")
    known = server and repository and run
    environment = Environment(
        ci="github",
        event=event,
        occasion=Occasion.OTHER,
        repository=repository or None,
        repository_id=positive(variables.get("GITHUB_REPOSITORY_ID")),
        api_url=variables.get("GITHUB_API_URL") or None,
        graphql_url=variables.get("GITHUB_GRAPHQL_URL") or None,
        run_url=f"{server}/{repository}/actions/runs/{run}" if known else None,
        defined_by_head=not _of_default_branch(event, payload, variables),
        output_file=variables.get("GITHUB_OUTPUT") or None,
        summary_file=variables.get("GITHUB_STEP_SUMMARY") or None,
    )
    if event in _PULL_REQUEST_EVENTS:
        return _pull_request(environment, payload)
    if event == "merge_group":
        return _merge_group(environment, at(payload, "merge_group"))
    if event == "push":
        return _push(environment, payload)
    if event == "workflow_run":
        return _workflow_run(environment, at(payload, "workflow_run"))
    if event == "workflow_dispatch":
        return _dispatched(environment, at(payload, "inputs"))
    if event == "issue_comment" and at(payload, "issue", "pull_request"):
        number = number_at(payload, "issue", "number")
        return replace(environment, occasion=Occasion.CHANGE_REQUEST, number=number)
    return environment


def _of_default_branch(
    event: str, payload: Mapping[str, Any], variables: Mapping[str, str]
) -> bool:
    if event != "workflow_dispatch":
        return event in _DEFINED_BY_DEFAULT_BRANCH
    default = text_at(payload, "repository", "default_branch")
    return default is not None and variables.get("GITHUB_REF") == f"refs/heads/{default}"


def _pull_request(environment: Environment, payload: Mapping[str, Any]) -> Environment:
    request = at(payload, "pull_request")
    return replace(
        environment,
        occasion=Occasion.CHANGE_REQUEST,
        number=number_at(request, "number") or number_at(payload, "number"),
        base_ref=branch(text_at(request, "base", "ref")),
        base=commit_at(request, "base", "sha"),
        head=commit_at(request, "head", "sha"),
    )


def _merge_group(environment: Environment, group: Any) -> Environment:
    return replace(
        environment,
        occasion=Occasion.MERGE_QUEUE,
        base_ref=branch(text_at(group, "base_ref")),
        base=commit_at(group, "base_sha"),
        head=commit_at(group, "head_sha"),
    )


def _push(environment: Environment, payload: Mapping[str, Any]) -> Environment:
    ref = text_at(payload, "ref")
    return replace(
        environment,
        occasion=Occasion.PUSH if ref and ref.startswith("refs/heads/") else Occasion.OTHER,
        base_ref=ref,
        base=commit_at(payload, "before"),
        head=commit_at(payload, "after"),
    )


def _workflow_run(environment: Environment, run: Any) -> Environment:
    """The run that another workflow's end started; of a fork's it names no pull request."""
    requests = at(run, "pull_requests")
    first = requests[0] if isinstance(requests, list) and len(requests) == 1 else None
    owner, name = text_at(run, "head_repository", "owner", "login"), text_at(run, "head_branch")
    return replace(
        environment,
        occasion=Occasion.CHANGE_REQUEST
        if (text_at(run, "event") or "").startswith("pull_request")
        else Occasion.OTHER,
        number=number_at(first, "number"),
        head=commit_at(run, "head_sha"),
        head_label=f"{owner}:{name}" if owner and name else None,
    )


def _dispatched(environment: Environment, inputs: Any) -> Environment:
    """A run that was asked for by number; the packaged workflow also gives the base and head."""
    number = number_at(inputs, "number")
    return replace(
        environment,
        occasion=Occasion.CHANGE_REQUEST if number else Occasion.OTHER,
        number=number,
        base_ref=branch(text_at(inputs, "base")),
        head=commit_at(inputs, "head"),
    )
