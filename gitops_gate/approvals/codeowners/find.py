"""Finds the CODEOWNERS file of a tree, where the forge looks for it, and reads it.

GitHub looks in `.github/`, the root and `docs/` (docs.github.com, "CODEOWNERS file location"),
GitLab in the root, `docs/` and `.gitlab/` (docs.gitlab.com, user/project/codeowners, and
`ee/lib/gitlab/code_owners.rb`); the first that is there counts, even if it is empty.
"""

from __future__ import annotations

from gitops_gate.approvals.codeowners import github, gitlab
from gitops_gate.approvals.codeowners.parse import parse
from gitops_gate.approvals.codeowners.values import Dialect, OwnersFile
from gitops_gate.errors import ConfigurationError
from gitops_gate.source.values import Mode, Tree

PLACES = {
    Dialect.GITHUB: (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"),
    Dialect.GITLAB: ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"),
}
"""Where each forge looks, in its order."""

_LIMITS = {Dialect.GITHUB: github.MAXIMUM_BYTES, Dialect.GITLAB: gitlab.MAXIMUM_BYTES}


def find_codeowners(tree: Tree, dialect: Dialect) -> OwnersFile | None:
    """The file that counts, read; None where there is none.

    Raises `ConfigurationError` for a file that the forge would not load, or only in part: it is
    too large, binary, or a link. Whose approval is needed is then not known.
    """
    for place in PLACES[dialect]:
        entry = tree.entries.get(place)
        if entry is None:
            continue
        if entry.mode not in (Mode.FILE, Mode.EXECUTABLE):
            raise ConfigurationError(
                "CODEOWNERS is not a file of its own, but a link or a submodule",
                path=place,
                remedy="put the file itself there: forges do not follow links",
            )
        return read_codeowners(tree.read(place), dialect, place)
    return None


def read_codeowners(content: bytes, dialect: Dialect, path: str) -> OwnersFile:
    """Read the bytes of a file. Raises `ConfigurationError` as `find_codeowners` does."""
    limit = _LIMITS[dialect]
    # GitHub: "must be under 3 MB"; whether an MB has 1,000 or 1,024 kB is not said.
    if len(content) >= limit:
        raise ConfigurationError(
            f"the file has {len(content):,} bytes; {dialect} loads less than {limit:,}",
            path=path,
            remedy="put several entries together with patterns",
        )
    if b"\0" in content:
        raise ConfigurationError("the file is binary: it has a NUL", path=path)
    return parse(content.decode("utf-8", "surrogateescape"), dialect, path)


def dialect_of_place(path: str) -> Dialect | None:
    """The dialect of a file that only one of the forges looks for."""
    if path.endswith(".github/CODEOWNERS"):
        return Dialect.GITHUB
    return Dialect.GITLAB if path.endswith(".gitlab/CODEOWNERS") else None
