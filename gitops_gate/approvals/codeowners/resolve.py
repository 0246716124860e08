"""From owners as a file spells them to people and teams, with what a forge knows about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

from gitops_gate.approvals.change import OwnedPaths
from gitops_gate.approvals.codeowners.values import Owned, Owner, OwnerKind
from gitops_gate.config.approval_settings import Permission

_ROLES: dict[str, Permission] = {"developer": "write", "maintainer": "maintain", "owner": "admin"}


def resolved(
    owned: Iterable[Owned],
    *,
    is_group: Callable[[str], bool | None] = lambda _: None,
    login_of: Callable[[str], str | None] = lambda _: None,
) -> tuple[OwnedPaths, ...]:
    """What the requirements take: users, teams, roles, and owners that stand for nobody known.

    `is_group` says whether GitLab's `@name` is a group, None where it cannot be told; `login_of`
    whose verified e-mail address one is. What neither knows is unresolved: nobody can approve for
    it. Each name and address is asked about once.
    """
    kind_of = cache(is_group)
    login = cache(login_of)
    return tuple(
        _resolved(one, [_place(owner, kind_of, login) for owner in one.owners]) for one in owned
    )


def _place(
    owner: Owner,
    is_group: Callable[[str], bool | None],
    login_of: Callable[[str], str | None],
) -> tuple[str, str]:
    """Which field of `OwnedPaths` an owner goes into, and as what."""
    if owner.kind is OwnerKind.ROLE:
        return "roles", _ROLES[owner.name]
    if owner.kind is OwnerKind.USER:
        return "users", owner.name
    if owner.kind in (OwnerKind.TEAM, OwnerKind.GROUP):
        return "teams", owner.name
    if owner.kind is OwnerKind.EMAIL:
        login = login_of(owner.name)
        return ("users", login) if login else ("unresolved", owner.text)
    group = is_group(owner.name)
    if group is None:
        return "unresolved", owner.text
    return ("teams" if group else "users"), owner.name


def _resolved(owned: Owned, places: list[tuple[str, str]]) -> OwnedPaths:
    def those(field: str) -> tuple[str, ...]:
        return tuple(sorted({name for where, name in places if where == field}))

    lines = ", ".join(str(line) for line in owned.lines)
    return OwnedPaths(
        paths=owned.paths,
        users=those("users"),
        teams=those("teams"),
        roles=tuple(role for role in _ROLES.values() if role in those("roles")),
        unresolved=those("unresolved"),
        count=owned.required,
        optional=owned.optional,
        section=owned.section,
        place=f"{owned.file}:{lines}",
    )
