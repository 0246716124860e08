"""Builds a state from JSON, changes it, and shows it: for the server as a process.

`add` takes what a state file or `POST /__state` says, in the form that `__main__` documents;
`show` is what `GET /__state` answers.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.forges.gitlab import state as states
from tests.forges.gitlab.repository import Repository
from tests.forges.gitlab.server import GitLabServer
from tests.forges.gitlab.state import (
    AccessEntry,
    ApprovalRule,
    ApprovalSettings,
    Invitation,
    MergeRequest,
    ProtectedBranch,
    State,
    stamp,
)

Json = dict[str, Any]
LEVELS = {
    "guest": states.GUEST,
    "planner": states.PLANNER,
    "reporter": states.REPORTER,
    "developer": states.DEVELOPER,
    "maintainer": states.MAINTAINER,
    "owner": states.OWNER,
}
FAULTS = ("bad_gateway", "drop", "slow", "too_many_requests", "redirect", "reorder")


def add(server: GitLabServer, said: Mapping[str, Any], repository: Path | None = None) -> None:
    """Add what is said to the state; everything is named by username or path. Raises `KeyError`."""
    state = server.state
    known = ("premium", "enterprise", "version", "approved_at", "totals")
    for name in known:
        if name in said:
            setattr(state, name, said[name])
    for name, value in said.get("limits", {}).items():
        setattr(state.limits, name, value)
    state.keyset |= set(said.get("keyset", ()))
    for user in said.get("users", ()):
        state.add_user(**user)
    for group in said.get("groups", ()):
        state.add_group(**_memberships(state, group))
    for project in said.get("projects", ()):
        _add_project(state, project, repository)
    for opened in said.get("merge_requests", ()):
        _open(state, opened)
    for pipeline in said.get("pipelines", ()):
        _add_pipeline(state, pipeline)
    for token in said.get("tokens", ()):
        _add_token(state, token)
    for fault in said.get("faults", ()):
        _add_fault(server, fault)
    for action in said.get("do", ()):
        _do(server, action)


def level(value: int | str) -> int:
    """An access level by its number or name."""
    return value if isinstance(value, int) else LEVELS[value]


def find(state: State, reference: str) -> MergeRequest:
    """A merge request by its reference, `group/project!7`."""
    project, _, iid = reference.rpartition("!")
    return state.merge_request(project, int(iid))


def _memberships(state: State, said: Mapping[str, Any]) -> Json:
    members = {state.user(n).id: level(v) for n, v in said.get("members", {}).items()}
    invited = [
        Invitation(group=state.group(i["group"]).id, level=level(i["level"]))
        for i in said.get("invited", ())
    ]
    return {**said, "members": members, "invited": invited}


def _add_project(state: State, said: Mapping[str, Any], repository: Path | None) -> None:
    values = _memberships(state, said)
    path = values.pop("repository", repository)
    values["repository"] = Repository(Path(path)) if path else None
    if "fork_of" in values:
        values["fork_of"] = state.project(values["fork_of"]).id
    values["protected"] = [_protected(state, b) for b in values.get("protected", ())]
    values["approvals"] = ApprovalSettings(**values.get("approvals", {}))
    values["rules"] = [
        ApprovalRule(
            **{
                "id": state.new_id(),
                **rule,
                "users": [state.user(n).id for n in rule.get("users", ())],
                "groups": [state.group(n).id for n in rule.get("groups", ())],
            }
        )
        for rule in values.get("rules", ())
    ]
    values["job_token_from"] = [state.project(n).id for n in values.get("job_token_from", ())]
    state.add_project(**values)


def _protected(state: State, said: Mapping[str, Any]) -> ProtectedBranch:
    def entry(value: Any) -> AccessEntry:
        if not isinstance(value, dict):
            return AccessEntry(level=0 if value == "nobody" else level(value))
        return AccessEntry(
            user=state.user(value["user"]).id if "user" in value else None,
            group=state.group(value["group"]).id if "group" in value else None,
            deploy_key=value.get("deploy_key"),
        )

    lists = {
        name: [entry(value) for value in said[name]]
        for name in ("push", "merge", "unprotect")
        if name in said
    }
    return ProtectedBranch(**{**said, **lists})


def _open(state: State, said: Mapping[str, Any]) -> None:
    values = dict(said)
    comments, approved = values.pop("comments", ()), values.pop("approved_by", ())
    for name in ("assignees",):
        if name in values:
            values[name] = [state.user(n).id for n in values[name]]
    if "reviewers" in values:
        values["reviewers"] = {state.user(n).id: "UNREVIEWED" for n in values["reviewers"]}
    mr = state.open_merge_request(
        values.pop("project"), values.pop("source_branch"), author=values.pop("author"), **values
    )
    for comment in comments:
        state.comment(mr, comment["author"], comment["body"])
    for name in approved:
        state.approve(mr, name)


def _add_pipeline(state: State, said: Mapping[str, Any]) -> None:
    values = dict(said)
    if "merge_request" in values:
        mr = find(state, values.pop("merge_request"))
        values = {
            "project": mr.project,
            "sha": state.head(mr),
            "ref": f"refs/merge-requests/{mr.iid}/head",
            "source": "merge_request_event",
            **values,
        }
    state.add_pipeline(**values)


def _add_token(state: State, said: Mapping[str, Any]) -> None:
    values = dict(said)
    if "triggers_as" in values:
        state.add_trigger(values["value"], project=values["project"], by=values["triggers_as"])
    elif "pipeline" in values:
        pipeline = state.pipelines[values["pipeline"]]
        state.add_job_token(values["value"], pipeline, pipeline.project)
    elif "user" in values:
        state.add_token(**values)
    else:
        values["level"] = level(values.get("level", "developer"))
        state.add_bot_token(values.pop("value"), **values)


def _add_fault(server: GitLabServer, said: Mapping[str, Any]) -> None:
    values = dict(said)
    kind = values.pop("kind")
    group, _, name = kind.partition("_")
    if group in ("push", "landed", "api"):
        about = server.pushes if group == "push" else server.lookups
        getattr(about, name)(**values)
        return
    operation = values.pop("operation")
    if kind == "stale":
        server.stale(operation, server.state.copy(), **values)
        return
    if kind not in FAULTS:
        raise KeyError(kind)
    getattr(server.faults, kind)(operation, **values)


def _do(server: GitLabServer, said: Mapping[str, Any]) -> None:
    values, state = dict(said), server.state
    action = values.pop("action")
    if action in ("direct", "force"):
        getattr(server, action)(**values)
        return
    if action == "train":
        cars = [find(state, reference) for reference in values.pop("merge_requests")]
        server.train(*cars, **values)
        return
    mr = find(state, values.pop("merge_request"))
    actions: dict[str, Callable[..., Any]] = {
        "push": state.push,
        "approve": state.approve,
        "unapprove": state.unapprove,
        "request_changes": state.request_changes,
        "comment": state.comment,
        "retarget": state.retarget,
        "close": state.close,
        "reopen": state.reopen,
        "merge": state.merged,
        "land": server.merge,
        "revert": server.revert,
        "delete_branch": server.delete_branch,
        "diff": lambda mr, ready: setattr(mr, "diff_ready", ready),
        "label": lambda mr, labels: mr.labels.extend(labels),
    }
    actions[action](mr, **values)


def show(server: GitLabServer) -> Json:
    """Merge requests with all that is in them, pipelines, statuses, and commands that were run."""
    state = server.state
    requests = []
    for mr in state.merge_requests.values():
        shown = _plain(dataclasses.asdict(mr))
        for note in shown["notes"]:
            note["author"] = state.users[note["author"]].username
        shown["reference"] = f"{state.projects[mr.project].path}!{mr.iid}"
        shown["approved_by"] = [state.users[a.user].username for a in mr.approvals]
        requests.append(shown)
    return {
        "merge_requests": requests,
        "pipelines": [_plain(dataclasses.asdict(p)) for p in state.pipelines.values()],
        "statuses": [_plain(dataclasses.asdict(s)) for s in state.statuses],
        "commands": [dataclasses.asdict(c) for c in state.commands],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return stamp(value)
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
