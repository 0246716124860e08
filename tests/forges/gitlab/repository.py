"""What the server reads from the local Git repositories behind its projects."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


class NoCommitError(LookupError):
    """There is no such branch or commit."""


@dataclass(frozen=True, kw_only=True)
class CommitFacts:
    """One commit, as Git tells it. Times are ISO 8601 with their zone."""

    sha: str
    parents: tuple[str, ...]
    author_name: str
    author_email: str
    authored: str
    committer_name: str
    committer_email: str
    committed: str
    message: str

    @property
    def title(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]


@dataclass(frozen=True, kw_only=True)
class DiffLine:
    """One line of a file's whole diff: its number in the old and the new file, 1-based."""

    old: int | None
    new: int | None


_FORMAT = "%x1e%H%x1f%P%x1f%an%x1f%ae%x1f%aI%x1f%cn%x1f%ce%x1f%cI%x1f%B"


@dataclass(frozen=True)
class Repository:
    """A repository in a folder, bare or not."""

    path: Path

    def git(self, *arguments: str, data: str | None = None) -> str:
        """Run Git. Raises `NoCommitError` when it fails."""
        done = subprocess.run(
            ["git", "-C", str(self.path), "-c", "core.quotePath=false", *arguments],
            input=data.encode() if data is not None else None,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise NoCommitError(done.stderr.decode("utf-8", "replace"))
        return done.stdout.decode("utf-8", "surrogateescape")

    def commit_of(self, name: str) -> str:
        """The full id of what a ref or id means."""
        return self.git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
        ).strip()

    def tip(self, branch: str) -> str:
        """The tip of a branch, by its full ref name."""
        return self.commit_of(f"refs/heads/{branch}")

    def has(self, sha: str) -> bool:
        """Whether a commit is there."""
        try:
            self.commit_of(sha)
        except NoCommitError:
            return False
        return True

    def merge_base(self, one: str, other: str) -> str:
        """The merge base of two commits. Raises `NoCommitError` when there is none."""
        return self.git("merge-base", one, other).strip()

    def commits(self, *ranges: str) -> tuple[CommitFacts, ...]:
        """Commits of a range, newest first."""
        text = self.git("log", f"--format={_FORMAT}", *ranges, "--")
        return tuple(_facts(record) for record in text.split("\x1e") if record)

    def commit(self, sha: str) -> CommitFacts:
        """One commit."""
        return self.commits("-1", sha)[0]

    def branches_with(self, sha: str) -> tuple[str, ...]:
        """The short names of the branches that hold a commit."""
        text = self.git(
            "for-each-ref", "--format=%(refname:lstrip=2)", f"--contains={sha}", "refs/heads"
        )
        return tuple(text.split())

    def patch_id(self, base: str, head: str) -> str | None:
        """The stable patch id of a diff, None for an empty one."""
        text = self.git("patch-id", "--stable", data=self.git("diff", base, head))
        return text.split()[0] if text else None

    def changed_files(self, base: str, head: str) -> dict[str, str]:
        """The changed files of a diff by new path, with the old one; removed ones by their own."""
        fields = self.git("diff", "--name-status", "-z", "-M", base, head).split("\0")[:-1]
        files: dict[str, str] = {}
        while fields:
            status = fields.pop(0)
            old = fields.pop(0)
            new = fields.pop(0) if status[0] in "RC" else old
            files[new] = old
        return files

    def diff_lines(
        self, base: str, head: str, old_path: str, new_path: str
    ) -> tuple[DiffLine, ...]:
        """Every line of a changed file, removed, added and unchanged; none when it is not one."""
        if self.changed_files(base, head).get(new_path) != old_path:
            return ()
        text = self.git(
            "diff", "-M", "--no-color", "--no-ext-diff", "--no-textconv", "-U1000000000",
            base, head, "--", *dict.fromkeys((old_path, new_path)),
        )  # fmt: skip
        return tuple(_lines(text))

    def fetch(self, source: Repository, sha: str, ref: str) -> None:
        """Bring a commit of another repository here, under a ref."""
        self.git("fetch", "--quiet", "--no-tags", str(source.path.resolve()), f"+{sha}:{ref}")

    def point(self, ref: str, sha: str) -> None:
        """Let a ref show a commit."""
        self.git("update-ref", ref, sha)


def _facts(record: str) -> CommitFacts:
    sha, parents, an, ae, ai, cn, ce, ci, message = record.split("\x1f", 8)
    return CommitFacts(
        sha=sha,
        parents=tuple(parents.split()),
        author_name=an,
        author_email=ae,
        authored=ai,
        committer_name=cn,
        committer_email=ce,
        committed=ci,
        message=message.rstrip("\n") + "\n",
    )


def _lines(diff: str) -> list[DiffLine]:
    lines: list[DiffLine] = []
    old = new = 0
    inside = False
    for line in diff.split("\n"):
        if line.startswith("@@ "):
            old, new = (max(int(part[1:].split(",")[0]), 1) for part in line.split()[1:3])
            inside = True
        elif line.startswith("diff --git "):
            inside = False
        elif inside and line.startswith("+"):
            lines.append(DiffLine(old=None, new=new))
            new += 1
        elif inside and line.startswith("-"):
            lines.append(DiffLine(old=old, new=None))
            old += 1
        elif inside and line.startswith(" "):
            lines.append(DiffLine(old=old, new=new))
            old, new = old + 1, new + 1
    return lines
