"""Whom a requirement asks: whether somebody is one of them, and who could approve next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gitops_gate.approvals.binding import Code, Refusal
from gitops_gate.approvals.facts import Account
from gitops_gate.approvals.people import RANKS, People, has_permission, is_member, is_named
from gitops_gate.approvals.requirements import Requirement

MOST_CANDIDATES = 10
"""People that are named as those who could approve next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Who could approve next: names, how many more there are, and what could not be read."""

    names: tuple[str, ...]
    more: int = 0
    unknown: tuple[str, ...] = ()


def why_not_asked(account: Account, requirement: Requirement, people: People) -> Refusal | None:
    """Why an approval that counts is not one that this requirement asks for; None where it is."""
    belongs = _belongs(account, requirement, people)
    if belongs is None:
        message = f"whether that is one of {_whom(requirement)} cannot be read"
        return Refusal(code=Code.MEMBERSHIP_UNKNOWN, message=message)
    if not belongs:
        return Refusal(code=Code.NOT_ASKED, message=f"is not one of {_whom(requirement)}")
    if requirement.permission is None or requirement.permission == "write":
        return None  # everybody who counts may write
    permitted = has_permission(account, requirement.permission, people)
    if permitted is None:
        message = f"whether the permission {requirement.permission} is given cannot be read"
        return Refusal(code=Code.PERMISSION_UNKNOWN, message=message)
    if not permitted:
        message = f"does not have the permission {requirement.permission}"
        return Refusal(code=Code.NO_PERMISSION, message=message)
    return None


def _belongs(account: Account, requirement: Requirement, people: People) -> bool | None:
    if requirement.anybody or is_named(account, requirement.users):
        return True
    answers = [has_permission(account, role, people) for role in requirement.roles]
    answers.append(is_member(account, requirement.teams, people))
    if True in answers:
        return True
    return None if None in answers else False


def _whom(requirement: Requirement) -> str:
    roles = (f"everybody with the permission {role}" for role in requirement.roles)
    return ", ".join([*requirement.users, *requirement.teams, *roles, *requirement.unresolved])


def could_approve(
    requirement: Requirement,
    people: People,
    excluded: frozenset[int],
    already: Iterable[Account],
) -> Candidates:
    """Who could approve next, sorted; `excluded` are ids that cannot or already did."""
    done = tuple(already)
    names = {
        user.removeprefix("@")
        for user in requirement.users
        if not any(is_named(account, (user,)) for account in done)
        and not (user.isdecimal() and int(user) in excluded)
        and user.removeprefix("@").casefold() not in _logins(excluded, people)
    }
    unknown = []
    for team in requirement.teams:
        members = people.teams.get(team)
        if members is None:
            unknown.append(f"the members of {team} cannot be read")
            continue
        able = (one for one in members - excluded if _is_permitted(one, requirement, people))
        names |= {people.logins.get(one, f"account {one}") for one in able}
    names |= {f"anybody with the permission {role}" for role in requirement.roles}
    if requirement.anybody:
        names.add(f"anybody with the permission {requirement.permission or 'write'}")
    unknown += [f"{owner} is nobody that the forge knows" for owner in requirement.unresolved]
    listed = sorted(names, key=lambda name: (name.casefold(), name))
    return Candidates(
        names=tuple(listed[:MOST_CANDIDATES]),
        more=max(0, len(listed) - MOST_CANDIDATES),
        unknown=tuple(sorted(set(unknown))),
    )


def _logins(ids: Iterable[int], people: People) -> set[str]:
    return {people.logins[one].casefold() for one in ids if one in people.logins}


def _is_permitted(one: int, requirement: Requirement, people: People) -> bool:
    """Whether nothing is known that keeps an account from approving."""
    access = people.access.get(one)
    return access is None or RANKS[access] >= RANKS[requirement.permission or "write"]
