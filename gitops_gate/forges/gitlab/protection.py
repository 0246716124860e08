"""How a branch is protected, from what GitLab keeps in five places.

Protected branches (https://docs.gitlab.com/api/protected_branches/) and merge settings of the
project (https://docs.gitlab.com/api/projects/) are there on Free. Approval rules, approval
settings (https://docs.gitlab.com/api/merge_request_approvals/) and push rules
(https://docs.gitlab.com/api/project_push_rules/) are of Premium: elsewhere they are refused, and
that is said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from gitops_gate.errors import ForgeError
from gitops_gate.forges.gitlab.connection import Connection
from gitops_gate.forges.gitlab.settings import read_settings
from gitops_gate.forges.values import Protection, RepositoryProtection, RequiredCheck

_Read = TypeVar("_Read")

_MERGE_SETTINGS = (
    "only_allow_merge_if_pipeline_succeeds",
    "allow_merge_on_skipped_pipeline",
    "only_allow_merge_if_all_discussions_are_resolved",
    "merge_method",
    "squash_option",
    "merge_pipelines_enabled",
    "merge_trains_enabled",
    "ci_config_path",
)
_APPROVAL_SETTINGS = (
    "merge_requests_author_approval",
    "merge_requests_disable_committers_approval",
    "disable_overriding_approvers_per_merge_request",
    "selective_code_owner_removals",
)
_PUSH_RULES = (
    "commit_committer_check",
    "member_check",
    "reject_unsigned_commits",
    "author_email_regex",
    "branch_name_regex",
)


class BranchProtection:
    """Reads the protection of branches."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def repository(self) -> RepositoryProtection:
        """The settings beside branches; see `gitops_gate.forges.gitlab.settings`."""
        return read_settings(self._connection)

    def protection(self, branch: str) -> Protection:
        """See `ReadsProtection.protection`.

        GitLab requires no check by name: that pipelines must succeed is in `details`, so
        `required_checks` is empty. `required_approvals` is the largest number that one rule for
        the branch asks for. Who may push may also pass the merge request by. Where more than one
        rule names the branch, the more permissive one holds, but for code owners
        (https://docs.gitlab.com/user/project/repository/branches/protected/).
        """
        unknown: list[str] = []
        rules = self._protected(branch, unknown)
        settings = self._attempt("merge settings", self._settings, unknown)
        approvals = self._attempt("approval settings", self._approval_settings, unknown)
        required = self._attempt("approval rules", lambda: self._required(branch), unknown)
        pushing = self._attempt("push rules", self._push_rules, unknown)
        protected = bool(rules) if rules is not None else self._flag(branch, unknown)
        pushers = None if rules is None else _who(rules, "push_access_levels")
        mergers = None if rules is None else _who(rules, "merge_access_levels")
        checks: tuple[RequiredCheck, ...] | None = None if settings is None else ()
        return Protection(
            branch=branch,
            protected=protected,
            required_checks=checks,
            required_approvals=required,
            dismisses_stale=(approvals or {}).get("reset_approvals_on_push"),
            code_owners=False if rules == [] else _any(rules, "code_owner_approval_required"),
            change_request=None if rules is None else bool(rules) and not pushers,
            restricted=None if rules is None else bool(rules) and _named_alone(rules),
            writers=pushers if rules else None,
            up_to_date=_up_to_date(settings),
            force_push=True if rules == [] else _any(rules, "allow_force_push"),
            pushers=pushers,
            mergers=mergers,
            bypass=pushers,
            details=(
                *_details(settings, _MERGE_SETTINGS),
                *_details(approvals, _APPROVAL_SETTINGS),
                *_details(pushing, _PUSH_RULES),
                *((("merge_access_levels", ", ".join(mergers)),) if rules and mergers else ()),
            ),
            unknown=tuple(unknown),
        )

    def _protected(self, branch: str, unknown: list[str]) -> list[dict[str, Any]] | None:
        """The rules that name the branch; None where they may not be read."""

        def read() -> list[dict[str, Any]]:
            found = self._connection.every(self._connection.project.protectedbranches)
            return [rule for rule in found if matches(str(rule["name"]), branch)]

        return self._attempt("protected branches", read, unknown)

    def _flag(self, branch: str, unknown: list[str]) -> bool | None:
        """Whether the branch is protected at all, as everybody may know who reads it."""

        def read() -> bool:
            return bool(self._connection.project.branches.get(branch).attributes["protected"])

        return self._attempt("the branch", read, unknown)

    def _settings(self) -> Mapping[str, Any]:
        project_id = self._connection.project_id or self._connection.target.repository
        return self._connection.api.projects.get(project_id).attributes

    def _approval_settings(self) -> Mapping[str, Any]:
        return self._connection.project.approvals.get().attributes

    def _required(self, branch: str) -> int:
        rules = self._connection.every(self._connection.project.approvalrules)
        numbers = [int(rule["approvals_required"]) for rule in rules if _applies(rule, branch)]
        return max(numbers, default=0)

    def _push_rules(self) -> Mapping[str, Any]:
        # Null where none were ever set, which python-gitlab's own object cannot be made of.
        path = f"/projects/{self._connection.project.encoded_id}/push_rule"
        answer = self._connection.api.http_get(path)
        return answer if isinstance(answer, dict) else {}

    def _attempt(self, what: str, read: Callable[[], _Read], unknown: list[str]) -> _Read | None:
        try:
            with self._connection.asking(what):
                return read()
        except ForgeError as error:
            if error.status not in (401, 403, 404):
                raise
            unknown.append(f"{what}: not on this tier, or not for this token ({error.status})")
            return None


def matches(name: str, branch: str) -> bool:
    """Whether a protected branch's name, in which `*` stands for anything, names this branch."""
    pattern = ".*".join(re.escape(part) for part in name.split("*"))
    return re.fullmatch(pattern, branch, re.DOTALL) is not None


def _applies(rule: Mapping[str, Any], branch: str) -> bool:
    named = rule.get("protected_branches") or []
    if not named:
        return True
    return any(matches(str(one["name"]), branch) for one in named)


def _any(rules: Iterable[Mapping[str, Any]] | None, name: str) -> bool | None:
    """Whether one of the rules says so; None where none has the word, as on Free."""
    said = [bool(rule[name]) for rule in rules or () if rule.get(name) is not None]
    return any(said) if said else None


def _who(rules: Iterable[Mapping[str, Any]], levels: str) -> tuple[str, ...]:
    """Who is named at a level, in GitLab's words; nobody is not."""
    found = {
        _called(level)
        for rule in rules
        for level in rule[levels]
        if level["access_level"] != 0 or _named(level)
    }
    return tuple(sorted(found))


def _named(level: Mapping[str, Any]) -> bool:
    return any(level.get(kind) is not None for kind in ("user_id", "group_id", "deploy_key_id"))


def _called(level: Mapping[str, Any]) -> str:
    for kind, word in (("user_id", "user"), ("group_id", "group"), ("deploy_key_id", "deploy key")):
        if level.get(kind) is not None:
            return f"{word} {level[kind]} ({level['access_level_description']})"
    return str(level["access_level_description"])


def _named_alone(rules: Iterable[Mapping[str, Any]]) -> bool:
    """Whether no role may write to the branch, but only people, groups and keys by name."""
    levels = (
        level
        for rule in rules
        for kind in ("push_access_levels", "merge_access_levels")
        for level in rule[kind]
    )
    return all(level["access_level"] == 0 or _named(level) for level in levels)


def _up_to_date(settings: Mapping[str, Any] | None) -> bool | None:
    """Whether what lands was checked on the target's tip: by a train, or without a merge of it.

    https://docs.gitlab.com/user/project/merge_requests/methods/: semi-linear and fast-forward
    merges wait for a rebase. A pipeline of merged results alone may be of an older tip.
    """
    if settings is None:
        return None
    linear = settings.get("merge_method") in ("ff", "rebase_merge")
    return linear or bool(settings.get("merge_trains_enabled"))


def _details(
    settings: Mapping[str, Any] | None, names: Iterable[str]
) -> tuple[tuple[str, str], ...]:
    """Settings under their own names, those that are set."""
    return tuple(
        (name, str(value).lower() if isinstance(value, bool) else str(value))
        for name in names
        if (value := (settings or {}).get(name)) not in (None, "")
    )
