"""Owners become people, teams and roles, or stay what nobody can approve as."""

from __future__ import annotations

from gitops_gate.approvals.change import OwnedPaths
from gitops_gate.approvals.codeowners import Dialect, owned_paths, parse, resolved


def test_github() -> None:
    file = parse(
        "* @b @a @org/team known@b.dev other@b.dev\n", Dialect.GITHUB, ".github/CODEOWNERS"
    )
    known = {"known@b.dev": "known"}
    assert resolved(owned_paths(file, ["x", "y"]), login_of=known.get) == (
        OwnedPaths(
            paths=("x", "y"),
            users=("a", "b", "known"),
            teams=("org/team",),
            unresolved=("other@b.dev",),
            place=".github/CODEOWNERS:1",
        ),
    )


def test_gitlab_names_are_people_or_groups_and_unknown_where_nobody_can_tell() -> None:
    text = "[S][2] @person @group @gone @a/b @@maintainer @@owner\nx\n^[O]\nx @person\n"
    file = parse(text, Dialect.GITLAB)
    asked: list[str] = []

    def is_group(name: str) -> bool | None:
        asked.append(name)
        return {"person": False, "group": True}.get(name)

    required, optional = resolved(owned_paths(file, ["x"]), is_group=is_group)
    if required.optional:
        required, optional = optional, required
    assert required == OwnedPaths(
        paths=("x",),
        users=("person",),
        teams=("a/b", "group"),
        roles=("maintain", "admin"),
        unresolved=("@gone",),
        count=2,
        section="S",
        place="CODEOWNERS:2",
    )
    assert (optional.users, optional.optional, optional.section) == (("person",), True, "O")
    assert sorted(asked) == ["gone", "group", "person"]


def test_without_a_forge_names_of_gitlab_are_unknown() -> None:
    file = parse("* @name\n", Dialect.GITLAB)
    (owned,) = resolved(owned_paths(file, ["x"]))
    assert (owned.users, owned.teams, owned.unresolved) == ((), (), ("@name",))
