"""Git objects, read through `git cat-file` processes that each Python process starts for itself.

`GitBlobs` is a picklable name of a repository; the processes behind it are kept per Python
process (a pipe that is shared with a parent would mix up answers) and end with it. There are two:
one tells sizes (`--batch-check`), so that nothing over `MAXIMUM_BLOB` is ever loaded, one tells
contents (`--batch`). The protocol is in git-cat-file(1), "BATCH OUTPUT".

Requests are pipelined without threads: a round of them fits into the smallest pipe there is, and
the next round is sent when all answers to this one are in; so neither side ever waits for the
other to read while it writes.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from gitops_gate.errors import SourceError, ToolError
from gitops_gate.source.blobs import check_size, refuse_submodule
from gitops_gate.source.git import git_command, git_environment
from gitops_gate.source.paths import shown
from gitops_gate.source.values import Entry
from gitops_gate.tools import end, start

_OBJECT_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ROUND = 4096
"""Bytes of requests in one round: the size of the smallest pipe on Linux (pipe(7))."""

_TOLD_TOGETHER = _ROUND // 65
"""Object ids, each with its line end, that fit into one round."""

_TOGETHER = 8 * 1024 * 1024
"""Bytes of contents that are held before they are handed on."""


def is_object_id(text: str) -> bool:
    """Whether `text` is a full object id, of SHA-1 or SHA-256."""
    return _OBJECT_ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class GitBlobs:
    """The blobs of a repository, by object id; picklable, opened anew in each process.

    `remedy` says how to mend a missing object.
    """

    git_dir: str
    remedy: str | None = None

    def read(self, entry: Entry) -> bytes:
        """The content of one entry. Raises `SourceError` when it is missing or too large."""
        return next(self.read_many((entry,)))

    def read_many(self, entries: Iterable[Entry]) -> Iterator[bytes]:
        """The contents of entries, in their order, a few thousand bytes of requests at a time."""
        for some in _rounds(entries):
            yield from self._read_round(some)

    def read_object(self, oid: str, kind: str) -> bytes:
        """The content of one object of a kind: `blob`, `commit`, `tree` or `tag`."""
        reader = _reader(self.git_dir)
        size = self._sizes(reader, (oid,), kind)[0]
        return reader.contents((oid,), (size,))[0]

    def find(self, expression: str) -> str | None:
        """The id of what an expression such as `<commit>^{tree}` names; None when missing.

        The expression is made by this package, never by a user.
        """
        answer = _reader(self.git_dir).describe((expression,))[0]
        return None if answer is None else answer[0]

    def missing(self, oids: Iterable[str]) -> list[str]:
        """Those of some full object ids that the repository does not have, in their order."""
        reader, asked = _reader(self.git_dir), list(oids)
        absent: list[str] = []
        for first in range(0, len(asked), _TOLD_TOGETHER):
            some = asked[first : first + _TOLD_TOGETHER]
            told = zip(some, reader.describe(some), strict=True)
            absent += [oid for oid, answer in told if answer is None]
        return absent

    def _read_round(self, oids: Sequence[str]) -> Iterator[bytes]:
        reader = _reader(self.git_dir)
        sizes = self._sizes(reader, oids, "blob")
        first, held = 0, 0
        for position, size in enumerate(sizes):
            if held and held + size > _TOGETHER:
                yield from reader.contents(oids[first:position], sizes[first:position])
                first, held = position, 0
            held += size
        yield from reader.contents(oids[first:], sizes[first:])

    def _sizes(self, reader: _Reader, oids: Sequence[str], kind: str) -> list[int]:
        sizes = []
        for oid, answer in zip(oids, reader.describe(oids), strict=True):
            if answer is None:
                raise SourceError(f"{kind} {oid} is not in the repository", remedy=self.remedy)
            _, found, size = answer
            if found != kind:
                raise SourceError(f"object {oid} is a {found}, not a {kind}")
            check_size(size, f"{kind} {oid}")
            sizes.append(size)
        return sizes


def _rounds(entries: Iterable[Entry]) -> Iterator[list[str]]:
    oids: list[str] = []
    length = 0
    for entry in entries:
        refuse_submodule(entry)
        if not is_object_id(entry.oid):
            raise SourceError(f"{shown(entry.oid)} is not an object id")
        if length + len(entry.oid) + 1 > _ROUND:
            yield oids
            oids, length = [], 0
        oids.append(entry.oid)
        length += len(entry.oid) + 1
    if oids:
        yield oids


@dataclass(frozen=True, slots=True, kw_only=True)
class _Channel:
    """A running Git process: its pipes, how to end it, and how to leave it to a parent."""

    requests: IO[bytes]
    answers: IO[bytes]
    end: Callable[[], None]
    forget: Callable[[], None]

    def disown(self) -> None:
        """Close this process's copies of the pipes, and do not wait for the process."""
        self.forget()
        self.requests.close()
        self.answers.close()


def _open_channel(git_dir: str, option: str) -> _Channel:
    command = git_command(("cat-file", option), git_dir=git_dir)
    try:
        process = start(command, environment=git_environment(), discard_errors=True)
    except ToolError as error:
        raise SourceError(error.message, remedy=error.remedy) from None
    assert process.stdin is not None
    assert process.stdout is not None
    return _Channel(
        requests=process.stdin,
        answers=process.stdout,
        end=partial(end, process),
        forget=partial(setattr, process, "returncode", 0),
    )


class _Reader:
    """The two processes of one repository in this process; used by one thread at a time."""

    def __init__(self, git_dir: str) -> None:
        self._git_dir = git_dir
        self._lock = threading.Lock()
        self._channels: dict[str, _Channel] = {}

    def describe(self, names: Sequence[str]) -> list[tuple[str, str, int] | None]:
        """The (id, kind, size in bytes) of each object, None for a missing one."""
        with self._exchange():
            answers = self._ask("--batch-check", names)
            return [self._header(answers, name) for name in names]

    def contents(self, oids: Sequence[str], sizes: Sequence[int]) -> list[bytes]:
        """The contents of objects whose sizes are known."""
        with self._exchange():
            answers = self._ask("--batch", oids)
            return [
                self._content(answers, oid, size) for oid, size in zip(oids, sizes, strict=True)
            ]

    def close(self) -> None:
        """End the processes, which are this process's own."""
        for channel in self._channels.values():
            channel.end()
        self._channels.clear()

    def disown(self) -> None:
        """Close this process's copies of pipes that belong to its parent."""
        for channel in self._channels.values():
            channel.disown()
        self._channels.clear()

    @contextlib.contextmanager
    def _exchange(self) -> Iterator[None]:
        """One round of questions and answers; what breaks it off leaves no answers behind."""
        with self._lock:
            try:
                yield
            except BaseException:
                self.close()
                raise

    def _ask(self, option: str, names: Sequence[str]) -> IO[bytes]:
        """Send a round of requests; the answers come from the stream that is returned."""
        channel = self._channels.get(option)
        if channel is None:
            channel = self._channels[option] = _open_channel(self._git_dir, option)
        request = memoryview("".join(f"{name}\n" for name in names).encode())
        try:
            while request:
                request = request[os.write(channel.requests.fileno(), request) :]
        except OSError:
            raise self._broken(names[0]) from None
        return channel.answers

    def _header(self, answers: IO[bytes], name: str) -> tuple[str, str, int] | None:
        line = answers.readline()
        fields = line.decode("ascii", "replace").split()
        if not line.endswith(b"\n"):
            raise self._broken(name)
        if len(fields) != 3 or not fields[2].isdecimal():
            return None
        return fields[0], fields[1], int(fields[2])

    def _content(self, answers: IO[bytes], oid: str, size: int) -> bytes:
        header = self._header(answers, oid)
        if header is None or header[2] != size:
            raise self._broken(oid)
        content = answers.read(size)
        if len(content) != size or answers.read(1) != b"\n":
            raise self._broken(oid)
        return content

    def _broken(self, oid: str) -> SourceError:
        """Git ended, or does not say what it said before: a damaged object, or a closed folder."""
        if not Path(self._git_dir).is_dir():
            return SourceError(f"object {oid} was asked for after its repository was closed")
        return SourceError(
            f"object {oid} cannot be read: Git stopped there",
            remedy="the repository is damaged: `git fsck` says where",
        )


_READERS: dict[tuple[int, str], _Reader] = {}


def _reader(git_dir: str) -> _Reader:
    """This process's reader of a repository; those inherited from a parent are let go."""
    process = os.getpid()
    reader = _READERS.get((process, git_dir))
    if reader is None:
        for owner, inherited in [key for key in _READERS if key[0] != process]:
            _READERS.pop((owner, inherited)).disown()
        reader = _READERS[process, git_dir] = _Reader(git_dir)
    return reader


def close_readers(git_dir: str | None = None) -> None:
    """End the Git processes of a repository, or all of them, as far as they are this process's."""
    for owner, opened in list(_READERS):
        if owner == os.getpid() and git_dir in (None, opened):
            _READERS.pop((owner, opened)).close()


atexit.register(close_readers)
