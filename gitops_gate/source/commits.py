"""What a commit says, and new commits, made from nothing but objects.

`read_commit` reads the raw object as Git itself does: what an author may put into one is not
believed to be more than bytes. `write_commit` is the way into a delivery ref, the attestation
branch and a proposed change; with `gitops_gate.source.trees` it needs no working tree, and what
it writes is in our own scratch repository until it is pushed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from gitops_gate.errors import SourceError
from gitops_gate.source.blobs import object_id
from gitops_gate.source.git import decode, git_failed, run_git
from gitops_gate.source.objects import is_object_id
from gitops_gate.source.paths import shown
from gitops_gate.source.trees import edited_tree
from gitops_gate.tools import clean_text

if TYPE_CHECKING:
    from gitops_gate.source.repository import Repository

__all__ = [
    "CommitFacts",
    "edited_tree",
    "emails_between",
    "parse_commit",
    "read_commit",
    "write_commit",
]

NAME = "gitops-gate"
EMAIL = "gitops-gate@localhost"
MAXIMUM_MESSAGE = 64 * 1024
"""Characters that the message of a new commit may have."""

_STAMP = re.compile(rb"\Acommitter .*> (-?[0-9]{1,18}) ([+-])([0-9]{2})([0-9]{2})\Z", re.DOTALL)
_EPOCH = datetime.fromtimestamp(0, UTC)
_NO_IDENTITY = re.compile(r"[<>\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitFacts:
    """What a commit object says.

    `commit`, `tree` and `parents` are full object ids. `committed_at` is what the committer's
    clock said, or a forger wrote: it proves nothing. Where a commit has no readable time it is
    1970-01-01, as in Git. `message` is text; bytes that are not UTF-8 are replaced.
    """

    commit: str
    tree: str
    parents: tuple[str, ...]
    committed_at: datetime
    message: str

    @property
    def subject(self) -> str:
        """The first line of the message, as a reader can be shown it."""
        lines = self.message.strip().splitlines()
        return clean_text(lines[0], limit=400) if lines else ""


def read_commit(repository: Repository, commit: str) -> CommitFacts:
    """What a commit says, named by id or as a revision.

    Raises `SourceError` when it is unknown, larger than any commit is, or not one.
    """
    known = repository.resolve(commit)
    return parse_commit(known, repository.blobs.read_object(known, "commit"))


def parse_commit(commit: str, raw: bytes) -> CommitFacts:
    """The facts in the raw bytes of a commit object.

    As in Git (commit.c, `parse_commit_buffer`): the tree comes first, the parents right after it,
    and what calls itself a parent further down is none. Raises `SourceError` without a tree.
    """
    header, _, message = raw.partition(b"\n\n")
    lines = header.split(b"\n")
    tree = _id_in(lines[0], b"tree ")
    if tree is None:
        raise SourceError(f"commit {commit} names no tree; it was not made by Git")
    parents: list[str] = []
    for line in lines[1:]:
        parent = _id_in(line, b"parent ")
        if parent is None:
            break
        parents.append(parent)
    rest = lines[1 + len(parents) :]
    stamp = rest[1] if len(rest) > 1 and rest[0].startswith(b"author ") else b""
    return CommitFacts(
        commit=commit,
        tree=tree,
        parents=tuple(parents),
        committed_at=_moment(stamp),
        message=message.decode("utf-8", "replace"),
    )


def emails_between(repository: Repository, old: str, tip: str) -> tuple[str, ...]:
    """The addresses of who wrote and committed what `tip` has and `old` has not, sorted.

    As the commits say, which anybody can write; at most those of the newest thousand commits.
    Raises `SourceError` when history is missing.
    """
    one, other = repository.resolve(old), repository.resolve(tip)
    command = ("log", "--max-count=1000", "--no-mailmap", "--format=%ae%n%ce", other, f"^{one}")
    asked = run_git(command, git_dir=repository.scratch)
    if asked.code:
        raise git_failed(f"who wrote what {tip} has cannot be read", asked)
    return tuple(sorted({line for line in decode(asked.stdout).splitlines() if line}))


def write_commit(
    repository: Repository,
    *,
    tree: str,
    parents: Sequence[str],
    message: str,
    at: datetime,
    name: str = NAME,
    email: str = EMAIL,
) -> str:
    """Write a commit to the scratch repository and return its id.

    The same arguments give the same id: `name` is author and committer, `at` (aware) counts in
    whole seconds of UTC, the message is cleaned of control characters and ends with one newline.
    Raises `SourceError` for an identity or a message that no commit can have, and when the tree
    or a parent is missing or is something else.
    """
    if at.tzinfo is None:
        raise SourceError("the time of a commit needs a time zone")
    for what in (name, email):
        if not what.strip() or _NO_IDENTITY.search(what) or clean_text(what) != what:
            raise SourceError(f"not the name or address of a committer: {shown(what)!r}")
    for oid, kind in ((tree, "tree"), *((parent, "commit") for parent in parents)):
        if not is_object_id(oid) or repository.blobs.find(f"{oid}^{{{kind}}}") != oid:
            raise SourceError(f"{shown(oid)} is no {kind} of the repository")
    text = clean_text(message, limit=len(message) + 1)
    if not text or len(text) > MAXIMUM_MESSAGE:
        raise SourceError(
            f"the message of a commit has {len(text):,} characters; 1 to {MAXIMUM_MESSAGE:,} are "
            "possible"
        )
    who = f"{name} <{email}> {int(at.timestamp())} +0000"
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    raw = "\n".join([*lines, f"author {who}", f"committer {who}", "", text, ""])
    return _write(repository, raw.encode())


def _write(repository: Repository, raw: bytes) -> str:
    expected = object_id("commit", raw, repository.location.algorithm)
    if repository.blobs.find(expected) is not None:
        return expected
    written = run_git(
        ("hash-object", "-t", "commit", "-w", "--stdin"), git_dir=repository.scratch, stdin=raw
    )
    commit = written.stdout.decode("ascii", "replace").strip()
    if written.code or commit != expected:
        raise git_failed("the commit cannot be written", written)
    return commit


def _id_in(line: bytes, field: bytes) -> str | None:
    oid = line[len(field) :].decode("ascii", "replace")
    return oid if line.startswith(field) and is_object_id(oid) else None


def _moment(line: bytes) -> datetime:
    found = _STAMP.match(line)
    if found is None:
        return _EPOCH
    seconds, sign, hours, minutes = found.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    zone = UTC
    if offset < timedelta(hours=24):
        zone = timezone(-offset if sign == b"-" else offset)
    try:
        return (_EPOCH + timedelta(seconds=int(seconds))).astimezone(zone)
    except OverflowError:
        return _EPOCH
