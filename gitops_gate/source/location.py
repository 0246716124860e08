"""Where a repository is, and how complete it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gitops_gate.errors import SourceError
from gitops_gate.source.git import decode, git_failed, run_git
from gitops_gate.source.paths import shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where a repository is: absolute paths, and what its objects are like.

    `common_dir` is what worktrees share; `worktree` is None in a bare repository.
    """

    git_dir: str
    common_dir: str
    worktree: str | None
    algorithm: str

    @property
    def shallow(self) -> bool:
        """Whether history ends early, because only a part of it was fetched."""
        return Path(self.common_dir, "shallow").exists()

    @property
    def partial(self) -> bool:
        """Whether objects were left out of a fetch, to be fetched when needed."""
        return any(Path(self.common_dir, "objects", "pack").glob("*.promisor"))

    @property
    def remedy(self) -> str:
        """How to get an object that is missing."""
        if self.shallow:
            return "fetch the rest of the history: git fetch --unshallow"
        if self.partial:
            return "fetch what the partial clone left out: git fetch --refetch --no-filter"
        return "the repository is damaged: `git fsck` says where; a fresh clone mends it"


def locate(folder: str) -> Location:
    """Find the repository that encloses a folder. Raises `SourceError` when there is none."""
    try:
        there = Path(folder).is_dir()
    except (OSError, ValueError):
        there = False
    if not there:
        raise SourceError("is not a folder", path=shown(folder))
    what = ("--is-inside-work-tree", "--show-object-format")
    asked = run_git(("rev-parse", *what), folder=folder)
    if asked.code:
        remedy = "name the repository with --repo"
        raise git_failed(f"no Git repository at {shown(folder)}", asked, remedy=remedy)
    inside, algorithm = asked.stdout.decode("ascii").split()
    return Location(
        git_dir=_path(folder, "--git-dir"),
        common_dir=_path(folder, "--git-common-dir"),
        worktree=_path(folder, "--show-toplevel") if inside == "true" else None,
        algorithm=algorithm,
    )


def _path(folder: str, option: str) -> str:
    asked = run_git(("rev-parse", "--path-format=absolute", option), folder=folder)
    if asked.code:
        raise git_failed(f"the repository at {shown(folder)} cannot be read", asked)
    return decode(asked.stdout.removesuffix(b"\n"))
