"""The Git behind a repository of the forge: what GitHub would read from its own disks.

Everything asked by commit id is remembered, since it cannot change.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "GitHub",
    "GIT_AUTHOR_EMAIL": "noreply@github.com",
    "GIT_COMMITTER_NAME": "GitHub",
    "GIT_COMMITTER_EMAIL": "noreply@github.com",
}
NO_COMMIT = "0" * 40
CO_AUTHOR = re.compile(r"^co-authored-by:\s*(.*?)\s*<([^>]*)>\s*$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Person:
    """A name in a commit, with Git's own, forgeable time."""

    name: str
    email: str
    date: str


@dataclass(frozen=True)
class Commit:
    """What a commit says."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str

    @property
    def co_authors(self) -> tuple[Person, ...]:
        """Those that the message's trailers name."""
        found = CO_AUTHOR.findall(self.message)
        return tuple(Person(name, email, self.author.date) for name, email in found)


@dataclass(frozen=True)
class Hunk:
    """One hunk of a file's diff: its text, and the lines that it shows on either side."""

    header: str
    lines: tuple[str, ...]
    left: Mapping[int, int]
    right: Mapping[int, int]

    def lines_of(self, side: str) -> Mapping[int, int]:
        """Line numbers that can be commented on, with the place of each in `lines`."""
        return self.left if side == "LEFT" else self.right

    def until(self, side: str, line: int) -> str:
        """The hunk down to a line, as GitHub gives `diff_hunk`."""
        return "\n".join([self.header, *self.lines[: self.lines_of(side)[line] + 1]])


@dataclass(frozen=True)
class FileDiff:
    """How one file differs."""

    path: str
    old_path: str | None
    status: str
    blob: str | None
    hunks: tuple[Hunk, ...]
    additions: int
    deletions: int

    @property
    def patch(self) -> str | None:
        """The hunks as text; None for a binary file or one that was only renamed."""
        text = "\n".join("\n".join([hunk.header, *hunk.lines]) for hunk in self.hunks)
        return text or None


class Git:
    """A repository on disk, bare or with a work tree."""

    def __init__(self, path: Path) -> None:
        self.path = path
        found = self("rev-parse", "--path-format=absolute", "--git-common-dir")
        self.directory = Path(found.strip())

    @classmethod
    def create(cls, path: Path) -> Git:
        """A new bare repository."""
        path.mkdir(parents=True, exist_ok=True)
        _run(path, ("init", "-q", "--bare", "--initial-branch=main", "."), b"", {})
        return cls(path)

    def __deepcopy__(self, _memo: dict[int, Any]) -> Git:
        return self

    def __call__(
        self, *arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None
    ) -> str:
        """Run Git; raises `subprocess.CalledProcessError`."""
        return _run(self.path, arguments, stdin, environment or {}).decode("utf-8", "replace")

    def succeeds(self, *arguments: str) -> bool:
        """Whether a command ends with 0."""
        try:
            self(*arguments)
        except subprocess.CalledProcessError:
            return False
        return True

    def fingerprint(self) -> tuple[Any, ...]:
        """Changes whenever a branch moves; costs no process."""
        packed = self.directory / "packed-refs"
        stat = packed.stat() if packed.exists() else None
        loose = sorted(
            (str(path), path.read_bytes())
            for path in (self.directory / "refs" / "heads").rglob("*")
            if path.is_file() and not path.name.endswith(".lock")
        )
        return (*loose, stat and (stat.st_mtime_ns, stat.st_size))

    def branches(self) -> dict[str, str]:
        """Every branch with its tip."""
        listed = self("for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "refs/heads")
        pairs = (line.split(" ", 1) for line in listed.splitlines())
        return {name: sha for sha, name in pairs}

    def resolve(self, revision: str) -> str | None:
        """The commit that a name or a (short) id stands for."""
        if revision.startswith("-"):
            return None
        for name in (f"refs/heads/{revision}", f"refs/{revision}", revision):
            found = self("rev-parse", "-q", "--verify", f"{name}^{{commit}}") if self.succeeds(
                "rev-parse", "-q", "--verify", f"{name}^{{commit}}"
            ) else ""  # fmt: skip
            if found:
                return found.strip()
        return None

    def has(self, sha: str) -> bool:
        """Whether a commit is there."""
        return self.succeeds("cat-file", "-e", f"{sha}^{{commit}}")

    def ancestor(self, old: str, new: str) -> bool:
        """Whether `old` is an ancestor of `new`, or is it."""
        return self.succeeds("merge-base", "--is-ancestor", old, new)

    def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor."""
        return _merge_base(self, one, other)

    def commit(self, sha: str) -> Commit:
        """One commit."""
        return _commits(self, "-1", sha)[0]

    def commits(self, base: str, head: str) -> tuple[Commit, ...]:
        """Those of `base..head`, oldest first, as a pull request lists them."""
        return _commits(self, "--topo-order", "--reverse", f"{base}..{head}")

    def diff(self, base: str, head: str) -> tuple[FileDiff, ...]:
        """How two commits differ."""
        return _diff(self, base, head)

    def merge(self, base: str, head: str, message: str) -> str | None:
        """The merge of two commits, made without a work tree; None when they conflict."""
        return _merge(self, base, head, message)

    def write(
        self, parent: str | None, files: Mapping[str, str | None], message: str,
        author: tuple[str, str] = ("Example", "example@example.com"), date: int = 1_790_000_000,
    ) -> str:  # fmt: skip
        """A commit on top of another, with these files changed; None removes one."""
        who = f"{author[0]} <{author[1]}> {date} +0000"
        stream = ["commit refs/gitops-gate/written", "mark :1", f"author {who}", f"committer {who}"]
        stream.append(f"data {len(message.encode())}\n{message}")
        if parent:
            stream.append(f"from {parent}")
        for path, text in files.items():
            stream.append(
                f"D {path}" if text is None
                else f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}"
            )  # fmt: skip
        # A commit needs a branch here, which is gone again at the end.
        stream += ["", "get-mark :1", "reset refs/gitops-gate/written", f"from {NO_COMMIT}", ""]
        said = self(
            "fast-import", "--quiet", "--force", "--cat-blob-fd=1",
            stdin="\n".join(stream).encode(),
        )  # fmt: skip
        return said.strip()

    def set(self, refs: Mapping[str, str]) -> None:
        """Point refs at commits, all at once."""
        lines = [f"update {name} {sha}\n" for name, sha in refs.items()]
        self("update-ref", "--stdin", stdin="".join(lines).encode())


def _run(
    path: Path, arguments: Iterable[str], stdin: bytes, environment: Mapping[str, str]
) -> bytes:
    command = ["git", "-c", "safe.directory=*", "-c", "core.quotePath=false", *arguments]
    done = subprocess.run(
        command, cwd=path, input=stdin, env={**ENVIRONMENT, **environment},
        capture_output=True, check=True,
    )  # fmt: skip
    return done.stdout


@lru_cache(4096)
def _merge_base(git: Git, one: str, other: str) -> str | None:
    try:
        return git("merge-base", one, other).strip()
    except subprocess.CalledProcessError:
        return None


@lru_cache(4096)
def _commits(git: Git, *selection: str) -> tuple[Commit, ...]:
    form = "%x1e%H%x1f%T%x1f%P%x1f%an%x1f%ae%x1f%aI%x1f%cn%x1f%ce%x1f%cI%x1f%B"
    text = git("log", f"--format={form}", *selection, "--")
    found = []
    for record in text.split("\x1e")[1:]:
        sha, tree, parents, an, ae, ad, cn, ce, cd, message = record.split("\x1f", 9)
        found.append(
            Commit(
                sha=sha,
                tree=tree,
                parents=tuple(parents.split()),
                author=Person(an, ae, ad),
                committer=Person(cn, ce, cd),
                message=message.rstrip("\n"),
            )
        )
    return tuple(found)


@lru_cache(1024)
def _diff(git: Git, base: str, head: str) -> tuple[FileDiff, ...]:
    raw = git("diff", "--raw", "-z", "-M", "--no-abbrev", base, head, "--").split("\0")
    entries: list[tuple[str, str, str, str | None]] = []
    place = 0
    while place < len(raw) - 1:
        fields = raw[place].split(" ")
        old = raw[place + 1] if fields[4][0] in "RC" else None
        path = raw[place + 2] if old else raw[place + 1]
        entries.append((fields[4][0], fields[3], path, old))
        place += 3 if old else 2
    text = git("diff", "-M", "-U3", "--no-color", "--no-ext-diff", base, head, "--")
    patches = re.split(r"(?m)^(?=diff --git )", text)[1:]
    return tuple(_file(patch, *entry) for patch, entry in zip(patches, entries, strict=True))


def _file(text: str, letter: str, blob: str, path: str, old: str | None) -> FileDiff:
    hunks = _hunks(text)
    lines = [line for hunk in hunks for line in hunk.lines]
    status = {"A": "added", "D": "removed", "R": "renamed", "C": "copied", "T": "changed"}
    return FileDiff(
        path=path,
        old_path=old,
        status=status.get(letter, "modified"),
        blob=None if letter == "D" else blob,
        hunks=hunks,
        additions=sum(line.startswith("+") for line in lines),
        deletions=sum(line.startswith("-") for line in lines),
    )


def _hunks(text: str) -> tuple[Hunk, ...]:
    hunks = []
    for part in re.split(r"(?m)^(?=@@ )", text)[1:]:
        header, *lines = part.rstrip("\n").split("\n")
        numbers = re.match(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@", header)
        assert numbers
        old, new = int(numbers[1]), int(numbers[2])
        left, right = {}, {}
        for place, line in enumerate(lines):
            if line.startswith("-"):
                left[old] = place
                old += 1
            elif line.startswith("+"):
                right[new] = place
                new += 1
            elif not line.startswith("\\"):
                right[new] = place
                old, new = old + 1, new + 1
        hunks.append(Hunk(header=header, lines=tuple(lines), left=left, right=right))
    return tuple(hunks)


@lru_cache(1024)
def _merge(git: Git, base: str, head: str, message: str) -> str | None:
    try:
        tree = git("merge-tree", "--write-tree", base, head).split("\n", 1)[0]
    except subprocess.CalledProcessError:
        return None
    date = git.commit(head).committer.date
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    parents = ("-p", base, "-p", head)
    return git("commit-tree", tree, *parents, "-m", message, environment=dates).strip()
