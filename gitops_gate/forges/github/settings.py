"""Settings of a GitHub repository beside its branches: Actions, rulesets, tags, merging.

Each takes another permission, and what is refused is None. `actions/permissions/workflow` needs
`administration: read`
(docs.github.com/rest/actions/permissions#get-default-workflow-permissions-for-a-repository); merge
methods are shown to who may write contents (docs.github.com/rest/repos/repos#get-a-repository);
environments take `actions: read` (docs.github.com/rest/deployments/environments).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from gitops_gate.errors import ForgeError
from gitops_gate.forges.github.api import Api, as_documented
from gitops_gate.forges.values import JobEnvironment, RepositoryProtection

_Json = Mapping[str, Any]

_ACTIONS = 15368
"""The app of GitHub Actions on github.com, as whose jobs act."""
_METHODS = {
    "allow_merge_commit": "merge",
    "allow_squash_merge": "squash",
    "allow_rebase_merge": "rebase",
}
_HIDDEN = (403, 404)
_MOST_ENVIRONMENTS = 30
"""Environments whose branches are read, each by a request of its own."""


def read_settings(api: Api, *, public: bool) -> RepositoryProtection:
    """The settings of the repository. Raises `ForgeError` when it cannot be read at all."""
    about = api.get(api.repository, can="read the repository")
    jobs = _or_none(
        lambda: api.get(
            f"{api.repository}/actions/permissions/workflow", can="read the settings of Actions"
        )
    )
    rulesets = _or_none(lambda: _every(api, "rulesets", can="list the rulesets"))
    with as_documented("the repository's settings"):
        tags = None if rulesets is None else _tag_rulesets(api, rulesets)
        default = str(about["default_branch"])
        return RepositoryProtection(
            repository=str(about["full_name"]),
            default_branch=default,
            branches=_branches(api, default),
            merge_methods=_methods(about),
            tags=None if tags is None else _tags(tags),
            tag_bypass=None if tags is None else bypass_of(tags),
            idle_rulesets=None if rulesets is None else _idle(rulesets),
            actions_app=_ACTIONS if public else _actions_app(api),
            job_token_writes=jobs["default_workflow_permissions"] != "read" if jobs else None,
            jobs_may_approve=bool(jobs["can_approve_pull_request_reviews"]) if jobs else None,
            environments=_environments(api),
        )


def _every(api: Api, path: str, *, can: str, **parameters: Any) -> list[_Json]:
    pages = api.pages(f"{api.repository}/{path}", can=can, **parameters)
    return [entry for page in pages for entry in page]


def _or_none(read: Callable[[], Any]) -> Any:
    """What was read, or None where the token may not."""
    try:
        return read()
    except ForgeError as error:
        if error.status not in _HIDDEN:
            raise
        return None


def _branches(api: Api, default: str) -> tuple[str, ...] | None:
    """The branches that are protected by either kind of rule, and the default one."""
    listed = _or_none(lambda: _every(api, "branches", can="list the branches", protected="true"))
    if listed is None:
        return None
    return tuple(dict.fromkeys((default, *sorted(str(one["name"]) for one in listed))))


def _environments(api: Api) -> tuple[JobEnvironment, ...] | None:
    listed = _or_none(
        lambda: _every(api, "environments", can="list the environments", inside="environments")
    )
    if listed is None:
        return None
    read = {str(one["name"]) for one in listed[:_MOST_ENVIRONMENTS]}
    return tuple(
        JobEnvironment(
            name=str(one["name"]), refs=_refs(api, one) if str(one["name"]) in read else None
        )
        for one in listed
    )


def _refs(api: Api, environment: _Json) -> tuple[str, ...] | None:
    """Whose jobs may use an environment.

    Where it is for protected branches, and there is no classic rule, all may use it
    (docs.github.com/actions/reference/deployments-and-environments).
    """
    if not (environment.get("deployment_branch_policy") or {}).get("custom_branch_policies"):
        return ("*",)
    path = f"environments/{quote(str(environment['name']), safe='')}/deployment-branch-policies"
    found = _or_none(
        lambda: _every(api, path, can="read an environment's branches", inside="branch_policies")
    )
    if found is None:
        return None
    tags = {True: "refs/tags/", False: ""}
    return tuple(sorted(f"{tags[one.get('type') == 'tag']}{one['name']}" for one in found))


def _methods(about: _Json) -> tuple[str, ...] | None:
    if not any(field in about for field in _METHODS):
        return None
    return tuple(name for field, name in _METHODS.items() if about.get(field))


def _idle(rulesets: Sequence[_Json]) -> tuple[str, ...]:
    return tuple(sorted(str(one["name"]) for one in rulesets if one["enforcement"] == "evaluate"))


def _tag_rulesets(api: Api, rulesets: Sequence[_Json]) -> list[_Json] | None:
    """The rulesets that are enforced for tags, whole; None where one of them is hidden."""
    found = []
    for ruleset in rulesets:
        if ruleset.get("target") != "tag" or ruleset["enforcement"] != "active":
            continue
        path = f"{api.repository}/rulesets/{int(ruleset['id'])}"
        found.append(_or_none(partial(api.get, path, can="read a ruleset")))
    return None if None in found else found


def _tags(rulesets: Sequence[_Json]) -> tuple[str, ...]:
    """The patterns of tags which rulesets let nobody move or delete."""
    ruled: dict[str, set[str]] = {}
    for ruleset in rulesets:
        names = (ruleset.get("conditions") or {}).get("ref_name") or {}
        if names.get("exclude"):
            continue
        for pattern in _patterns(names.get("include") or ()):
            ruled.setdefault(pattern, set()).update(rule["type"] for rule in ruleset["rules"])
    return tuple(sorted(name for name, types in ruled.items() if types >= {"update", "deletion"}))


def bypass_of(rulesets: Sequence[_Json]) -> tuple[str, ...] | None:
    """Who may pass rulesets by, or None where one does not show it to this token."""
    names = set()
    for ruleset in rulesets:
        if "bypass_actors" not in ruleset:
            return None
        for actor in ruleset["bypass_actors"] or ():
            number = actor.get("actor_id")
            who = f"{actor.get('actor_type')}{'' if number is None else f' {number}'}"
            names.add(f"{who} ({actor.get('bypass_mode')})")
    return tuple(sorted(names))


def _patterns(include: Iterable[str]) -> Iterable[str]:
    """Patterns without `refs/tags/`, and `*` for all of them."""
    for pattern in include:
        short = str(pattern).removeprefix("refs/tags/")
        yield "*" if short in ("~ALL", "**", "**/*") else short


def _actions_app(api: Api) -> int | None:
    """Which app Actions is on a server of one's own: its number is another one everywhere."""
    found = _or_none(lambda: api.get("/apps/github-actions", can="read the app of Actions"))
    return int(found["id"]) if found else None
