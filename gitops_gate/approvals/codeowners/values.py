"""What a CODEOWNERS file says, and what it says about a path: values without behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gitops_gate.approvals.codeowners.patterns import Pattern


class Dialect(StrEnum):
    """Whose rules a file is read by."""

    GITHUB = "github"
    GITLAB = "gitlab"


class OwnerKind(StrEnum):
    """What an owner is, as far as its spelling tells.

    `NAME` is GitLab's `@name`, which can be a user or a group; `GROUP` one with a `/`, which can
    only be a group. `ROLE` is GitLab's `@@developer`, `@@maintainer` or `@@owner`.
    """

    USER = "user"
    TEAM = "team"
    NAME = "name"
    GROUP = "group"
    ROLE = "role"
    EMAIL = "email"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """One owner. `name` is without its signs: `octocat`, `org/team`, `maintainer`, `a@b.example`.

    Neither forge tells letters of names apart by case; `name` is as the file spells it, but for
    roles and e-mails, which are in lower case and in the singular.
    """

    kind: OwnerKind
    name: str

    @property
    def text(self) -> str:
        """As it is written in a file."""
        signs = {OwnerKind.ROLE: "@@", OwnerKind.EMAIL: ""}
        return f"{signs.get(self.kind, '@')}{self.name}"

    @property
    def identity(self) -> tuple[str, str]:
        """Equal for two spellings of one owner."""
        return self.kind.value, self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnersEntry:
    """One line that says who owns what.

    `pattern` is as written, without `!`; `compiled` what it matches. An entry without `owners`
    takes its paths away from everybody on GitHub; on GitLab it can never be satisfied, and GitLab
    approves it by itself (docs.gitlab.com, user/project/codeowners/advanced, "Zero owners").
    `section` is None for the part of a GitLab file before the first header, and on GitHub.
    `required` is the number of owners who have to approve: always 1 on GitHub.

    Of several entries that match, the one with the greatest `rank` counts; `replaced_by` is the
    line of a later entry with the same pattern in the same section, which stands in its place.
    """

    line: int
    pattern: str
    compiled: Pattern
    owners: tuple[Owner, ...]
    rank: int
    section: str | None = None
    required: int = 1
    optional: bool = False
    exclusion: bool = False
    inherited: bool = False
    replaced_by: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnersProblem:
    """What is wrong with a line; one that is `skipped` has no effect at all.

    `text` is the line, hostile as it may be: escape it before it is shown.
    """

    line: int
    reason: str
    text: str
    skipped: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnersFile:
    """A CODEOWNERS file, read. `entries` and `problems` are in the order of lines.

    `optional` are the sections that GitLab does not insist on: those all of whose entries stand
    under a header with `^`.
    """

    path: str
    dialect: Dialect
    entries: tuple[OwnersEntry, ...] = ()
    problems: tuple[OwnersProblem, ...] = ()
    optional: frozenset[str | None] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerMatch:
    """What one section (on GitHub: the file) says about a path.

    `entry` is the line that decides: the last that matches, or an exclusion. `others` are the
    lines that match as well and do not count, the nearest to counting first.
    """

    path: str
    section: str | None
    entry: OwnersEntry
    optional: bool = False
    others: tuple[OwnersEntry, ...] = ()

    @property
    def owners(self) -> tuple[Owner, ...]:
        """Any `required` of these have to approve; nobody has to where there are none."""
        return () if self.entry.exclusion else self.entry.owners

    @property
    def required(self) -> int:
        """How many of the owners have to approve."""
        return self.entry.required if self.owners else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """Paths that belong to the same owners for the same reason, before owners are looked up.

    `lines` are those of the entries, in `file`. On GitHub all paths with the same owners are one;
    on GitLab every entry asks for its own approvals, as GitLab makes one rule of each.
    """

    paths: tuple[str, ...]
    owners: tuple[Owner, ...]
    required: int
    optional: bool
    section: str | None
    lines: tuple[int, ...]
    file: str
