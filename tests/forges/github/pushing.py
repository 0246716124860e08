"""Which refs a token may push to: classic protection, and rulesets with who may pass them by.

docs.github.com/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/
available-rules-for-rulesets. A rule that wants a pull request, a check or a queue takes no push.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from typing import Any

from tests.forges.github.state import ACTIONS_APP, Repository, Token, World
from tests.forges.pushes import EVERYTHING

NOTHING: frozenset[str] = frozenset()
SAYS = "error: GH013: Repository rule violations found: you may not push to a protected ref."
_FORBIDS = {
    "creation": {"create"},
    "update": {"update", "force"},
    "deletion": {"delete"},
    "non_fast_forward": {"force"},
    "pull_request": {"update", "force"},
    "merge_queue": {"update", "force"},
    "required_status_checks": {"update", "force"},
}
_ROLES = {1: "read", 2: "maintain", 3: "triage", 4: "write", 5: "admin"}


def allowed(world: World, token: Token, repository: Repository, ref: str) -> frozenset[str]:
    """Of `create`, `update`, `delete` and `force`, what a push may do to a ref."""
    if ref.startswith("refs/pull/"):
        return NOTHING
    forbidden: set[str] = set()
    for ruleset in repository.rulesets:
        if ruleset.get("enforcement", "active") != "active" or not _is_about(
            repository, ruleset, ref
        ):
            continue
        if not any(_is_actor(world, token, repository, one) for one in _bypass(ruleset)):
            for rule in ruleset.get("rules", []):
                forbidden |= _FORBIDS.get(rule["type"], set())
    classic = repository.protections.get(ref.removeprefix("refs/heads/"))
    if classic is not None:
        forbidden |= _classic(world, token, repository, classic)
    return EVERYTHING - forbidden


def ruleset(
    number: int, name: str, refs: Iterable[str], rules: Iterable[str], apps: Iterable[int] = ()
) -> dict[str, Any]:
    """An active ruleset for full ref names (patterns), which only these apps may pass by."""
    refs = list(refs)
    tags = all(ref.startswith("refs/tags/") for ref in refs)
    return {
        "id": number, "name": name, "target": "tag" if tags else "branch", "enforcement": "active",
        "conditions": {"ref_name": {"include": refs, "exclude": []}},
        "rules": [{"type": rule} for rule in rules],
        "bypass_actors": [
            {"actor_id": app, "actor_type": "Integration", "bypass_mode": "always"} for app in apps
        ],
    }  # fmt: skip


def _bypass(ruleset: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = ruleset.get("bypass_actors") or []
    return [one for one in listed if one.get("bypass_mode", "always") == "always"]


def _is_about(repository: Repository, ruleset: Mapping[str, Any], ref: str) -> bool:
    target = ruleset.get("target", "branch")
    if not ref.startswith({"branch": "refs/heads/", "tag": "refs/tags/"}.get(target, "refs/none/")):
        return False
    names = (ruleset.get("conditions") or {}).get("ref_name", {"include": ["~ALL"]})
    default = ref == f"refs/heads/{repository.default_branch}"

    def covered(patterns: Iterable[str]) -> bool:
        own = {"~ALL"} | ({"~DEFAULT_BRANCH"} if default else set())
        return any(one in own or fnmatch.fnmatchcase(ref, one) for one in patterns)

    return covered(names.get("include", [])) and not covered(names.get("exclude", []))


def _is_actor(world: World, token: Token, repository: Repository, actor: Mapping[str, Any]) -> bool:
    kind, number = actor.get("actor_type"), actor.get("actor_id")
    if kind == "Integration":
        # GitHub does not let the app of Actions pass rulesets by.
        return token.app_id == number != ACTIONS_APP
    if token.kind == "installation":
        return False
    if kind == "RepositoryRole":
        return world.may(repository, token.account, _ROLES[number or 5])
    if kind == "OrganizationAdmin":
        return world.may(repository, token.account, "admin")
    if kind == "Team":
        teams = (one for one in world.teams if one.id == number)
        return any(token.account in world.members(team) for team in teams)
    return False


def _classic(
    world: World, token: Token, repository: Repository, rule: Mapping[str, Any]
) -> set[str]:
    enforced = (rule.get("enforce_admins") or {}).get("enabled", False)
    person = token.kind != "installation"
    if person and not enforced and world.may(repository, token.account, "admin"):
        return set()
    forbidden = set()
    if not (rule.get("allow_force_pushes") or {}).get("enabled"):
        forbidden.add("force")
    if not (rule.get("allow_deletions") or {}).get("enabled"):
        forbidden.add("delete")
    if rule.get("required_pull_request_reviews") or rule.get("required_status_checks"):
        forbidden |= {"update", "force"}
    if restrictions := rule.get("restrictions"):
        named = {one["login"] for one in restrictions.get("users", [])} if person else set()
        apps = {one["slug"] for one in restrictions.get("apps", [])}
        if token.account.login not in named and token.app_slug not in apps:
            forbidden |= {"create", "update", "force"}
    return forbidden
