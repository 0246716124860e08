"""Folders below a root, entered one segment at a time so that no symbolic link is followed.

A check of a path and its later use are two moments, between which someone can swap a folder for
a link. Holding the folder open and naming files relative to it (openat(2), `O_NOFOLLOW`) leaves
no such moment. Files that are visited in sorted order share the folders that are open already.
"""

from __future__ import annotations

import contextlib
import errno
import os
from types import TracebackType

from gitops_gate.source.git import decode, encode
from gitops_gate.source.paths import check_path

_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Directories:
    """The folders below `root`; a context manager that holds the way to the last one open.

    With `create`, folders that are missing are made. The root itself may be reached by a link:
    the user named it. Raises `OSError` when the root is not a folder that can be read.
    """

    def __init__(self, root: str, *, create: bool = False) -> None:
        self._create = create
        self._names: list[bytes] = []
        self._last: str | None = ""
        self._opened = [os.open(encode(root), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)]

    def __enter__(self) -> Directories:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for descriptor in self._opened:
            os.close(descriptor)
        self._opened.clear()

    def enter(self, folder: str) -> int:
        """A descriptor of a folder, "" for the root; valid until the next call.

        Raises `UnsafePathError` for a path that is not plain, `OSError` when a segment is
        missing, is not a folder, or is a link.
        """
        if folder == self._last:
            return self._opened[-1]
        if folder:
            check_path(folder)
        self._last = None
        names = encode(folder).split(b"/") if folder else []
        shared = 0
        while shared < min(len(names), len(self._names)) and names[shared] == self._names[shared]:
            shared += 1
        while len(self._names) > shared:
            self._names.pop()
            os.close(self._opened.pop())
        for name in names[shared:]:
            self._opened.append(self._open(name))
            self._names.append(name)
        self._last = folder
        return self._opened[-1]

    def _open(self, name: bytes) -> int:
        parent = self._opened[-1]
        if self._create:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=parent)
        return os.open(name, _FOLDER, dir_fd=parent)

    def status(self, path: str) -> os.stat_result | None:
        """What is at a path, a link being itself; None when nothing is, or only through a link."""
        folder, _, name = path.rpartition("/")
        try:
            return os.stat(encode(name), dir_fd=self.enter(folder), follow_symlinks=False)
        except OSError as error:
            if error.errno in _NOT_THERE:
                return None
            raise

    def link_target(self, path: str) -> str:
        """Where the link at `path` points. Raises `OSError` when there is no link."""
        folder, _, name = path.rpartition("/")
        return decode(os.readlink(encode(name), dir_fd=self.enter(folder)))
