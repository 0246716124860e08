"""Who people are: members of teams, permissions, and whether an account is one that is asked for.

Everybody is known by numeric id. Logins are only compared where the configuration or CODEOWNERS
names one; a bot's login is `name[bot]`, so that none passes for the person of its name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from gitops_gate.approvals.facts import Account

Access = Literal["none", "read", "write", "maintain", "admin"]

RANKS: Mapping[str, int] = MappingProxyType(
    {"none": 0, "read": 1, "write": 2, "maintain": 3, "admin": 4}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """What the forge says about people, by numeric id.

    `teams` holds the members of every team that is asked for, nested ones included; None, or no
    entry, where they cannot be read. `access` are exact permissions on the repository, None or no
    entry where they are unknown. `logins` are names to show, where they are known.
    """

    teams: Mapping[str, frozenset[int] | None] = field(default_factory=dict)
    access: Mapping[int, Access | None] = field(default_factory=dict)
    logins: Mapping[int, str] = field(default_factory=dict)


def login_of(account: Account) -> str:
    """The login that people write: a bot's ends in `[bot]`."""
    if account.bot and not account.login.endswith("[bot]"):
        return f"{account.login}[bot]"
    return account.login


def is_named(account: Account, names: Collection[str]) -> bool:
    """Whether an account is one of `names`: logins, with or without `@`, or numeric ids."""
    given = {name.removeprefix("@").casefold() for name in names}
    if account.id is not None and str(account.id) in given:
        return True
    login = login_of(account).casefold()
    return bool(login) and not login.isdecimal() and login in given


def may_write(account: Account, can_push: bool | None, people: People) -> bool | None:
    """Whether an account has write access; None where nobody says.

    A no from anywhere is a no.
    """
    exact = has_permission(account, "write", people)
    if exact is False or can_push is False:
        return False
    return True if exact or can_push else None


def has_permission(account: Account, least: str, people: People) -> bool | None:
    """Whether an account has at least this permission; None where it is unknown."""
    known = None if account.id is None else people.access.get(account.id)
    return None if known is None else RANKS[known] >= RANKS[least]


def is_member(account: Account, teams: Collection[str], people: People) -> bool | None:
    """Whether an account is in one of the teams; None where that cannot be ruled out."""
    lists = [people.teams.get(team) for team in teams]
    if account.id is not None and any(ids is not None and account.id in ids for ids in lists):
        return True
    return None if any(ids is None for ids in lists) else False
