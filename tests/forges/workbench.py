"""What a forge's merges do to a repository, made by Git's own commands.

Merges of two commits are made without a work tree; rebases and reverts in a checkout that is thrown
away, by `git rebase` and `git revert` themselves, so that nothing here shares a way of reckoning
with what is tested. Nothing moves a ref: new commits are only put into the repository.
"""

from __future__ import annotations

import datetime
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ENVIRONMENT = {
    "PATH": os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin"),
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_EDITOR": "true",
}


class ConflictError(Exception):
    """Git could not do it without a person."""


@dataclass(frozen=True, kw_only=True)
class Who:
    """A name for commits, and when, as Git writes it."""

    name: str
    email: str
    at: datetime.datetime

    def environment(self, *roles: str) -> dict[str, str]:
        """For `git commit-tree` and the like; `roles` are AUTHOR and COMMITTER."""
        told: dict[str, str] = {}
        for role in roles:
            told |= {
                f"GIT_{role}_NAME": self.name,
                f"GIT_{role}_EMAIL": self.email,
                f"GIT_{role}_DATE": self.at.strftime("%Y-%m-%dT%H:%M:%S%z"),
            }
        return told


def run(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None, data: bytes = b""
) -> str:
    """Git's output. Raises `ConflictError` when it fails."""
    done = subprocess.run(
        ["git", "-c", "safe.directory=*", "-c", "gc.auto=0", *arguments],
        cwd=folder, input=data, env={**ENVIRONMENT, **(environment or {})},
        capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise ConflictError(done.stderr.decode("utf-8", "replace"))
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def commit(
    folder: Path, tree: str, parents: Sequence[str], message: str, *, author: Who, committer: Who
) -> str:
    """A new commit of a tree (or of another commit's tree)."""
    named = [option for parent in parents for option in ("-p", parent)]
    who = {**author.environment("AUTHOR"), **committer.environment("COMMITTER")}
    found = run(folder, "rev-parse", "--verify", f"{tree}^{{tree}}")
    return run(folder, "commit-tree", found, *named, environment=who, data=message.encode())


def merged(folder: Path, ours: str, theirs: str) -> str:
    """The tree of the merge of two commits. Raises `ConflictError`."""
    return run(folder, "merge-tree", "--write-tree", ours, theirs).split("\n", 1)[0]


def edited(folder: Path, start: str, files: Mapping[str, str | None]) -> str:
    """The tree of a commit with files written; None removes one."""
    with tempfile.TemporaryDirectory(prefix="index-") as scratch:
        index = {"GIT_INDEX_FILE": f"{scratch}/index", "GIT_DIR": _git_dir(folder)}
        run(folder, "read-tree", start, environment=index)
        for path, text in files.items():
            if text is None:
                run(folder, "update-index", "--force-remove", path, environment=index)
                continue
            blob = run(folder, "hash-object", "-w", "--stdin", data=text.encode())
            entry = f"100644,{blob},{path}"
            run(folder, "update-index", "--add", "--cacheinfo", entry, environment=index)
        return run(folder, "write-tree", environment=index)


def rebased(folder: Path, head: str, onto: str, *, committer: Who) -> list[str]:
    """What `git rebase` makes of the commits of `head` that `onto` has not, the oldest first.

    Always new commits, as forges make them, even where none were needed. Raises `ConflictError`.
    """
    who = committer.environment("COMMITTER")
    with _checkout(folder, head) as checkout:
        run(checkout, "rebase", "--quiet", "--force-rebase", onto, environment=who)
        made = run(checkout, "rev-list", "--reverse", f"{onto}..HEAD").split()
        return _kept(folder, checkout, made)


def reverted(folder: Path, shas: Sequence[str], onto: str, *, message: str, who: Who) -> str:
    """A commit on `onto` that takes commits back, the newest first. Raises `ConflictError`."""
    names = who.environment("AUTHOR", "COMMITTER")
    with _checkout(folder, onto) as checkout:
        for sha in shas:
            parents = run(checkout, "rev-list", "--parents", "-1", sha).split()[1:]
            mainline = ["-m", "1"] if len(parents) > 1 else []
            run(checkout, "revert", "--no-commit", *mainline, sha, environment=names)
        tree = run(checkout, "write-tree")
        made = commit(checkout, tree, (onto,), message, author=who, committer=who)
        return _kept(folder, checkout, [made])[0]


def first_parents(folder: Path, before: str, after: str) -> list[str]:
    """The steps of a branch between two tips, the oldest first."""
    return run(folder, "rev-list", "--first-parent", "--reverse", f"{before}..{after}").split()


def is_ancestor(folder: Path, old: str, new: str) -> bool:
    """Whether one commit is in the history of another."""
    try:
        run(folder, "merge-base", "--is-ancestor", old, new)
    except ConflictError:
        return False
    return True


def _git_dir(folder: Path) -> str:
    return run(folder, "rev-parse", "--path-format=absolute", "--git-common-dir")


@contextmanager
def _checkout(folder: Path, revision: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="checkout-") as scratch:
        place = Path(scratch) / "tree"
        source = _git_dir(folder)
        run(Path(scratch), "clone", "-q", "--shared", "--no-checkout", source, str(place))
        run(place, "checkout", "-q", "--detach", revision)
        yield place


def _kept(folder: Path, checkout: Path, made: list[str]) -> list[str]:
    """Bring commits over from a checkout, under no ref."""
    if made:
        run(checkout, "update-ref", "refs/heads/made", made[-1])
        run(folder, "fetch", "-q", "--no-tags", "--no-write-fetch-head", str(checkout), "made")
    return made
