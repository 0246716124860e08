"""The settings of approvals and freezes, as the other rooms read them; defaults of the contract."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Literal

Permission = Literal["write", "maintain", "admin"]


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """What a rule is about: all keys that are given must match, any value of a key does.

    `paths` and `applications` are globs; `kinds` are `Kind` or `group/Kind`; `operations` are
    added, removed or modified; `risks` are labels of `gitops_gate.changes.risk`; `rules` are ids or
    areas of findings; `authors` are logins or numeric ids. Empty: the key is not given.
    """

    environments: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    applications: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Require:
    """Who must approve: `count` people, out of the teams and users where any is named.

    `users` are logins or numeric ids. `permission` is the least that each must have on the
    repository; everybody who counts has write access.
    """

    count: int = 1
    teams: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    permission: Permission | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRule:
    """One of `approvals.rules`. All rules that match must be met."""

    name: str
    when: When = field(default_factory=When)
    require: Require = field(default_factory=Require)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalSettings:
    """`approvals`. `override_teams` is empty where nobody may override."""

    bind: Literal["change", "result"] = "change"
    codeowners: Literal["required", "off"] = "required"
    contributors_may_approve: bool = False
    bots_may_approve: tuple[int, ...] = ()
    rules: tuple[ApprovalRule, ...] = ()
    override_teams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unless:
    """When a freeze lets a change through: it has one of the labels, and these people approved."""

    labels: tuple[str, ...]
    require: Require = field(default_factory=Require)


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """One of `freezes`: a fixed time (`start`, `end`), or a cron `schedule` with a `duration`.

    `duration` is in seconds, `timezone` an IANA name that the schedule is read in. `environments`
    is empty where all are frozen.
    """

    name: str
    start: datetime.datetime | None = None
    end: datetime.datetime | None = None
    schedule: str | None = None
    duration: float | None = None
    timezone: str = "UTC"
    environments: tuple[str, ...] = ()
    unless: Unless | None = None
