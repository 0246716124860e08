"""Writing a small tree into a folder, for tools that only read files.

The tree may be hostile. Names are checked, folders are entered without following links, files are
created and never overwritten, and links come last: nothing is ever written through one. What is
written has no executable bit, and a link only when it stays inside the tree.
"""

from __future__ import annotations

import os

from gitops_gate.errors import SourceError, UnsafePathError
from gitops_gate.source.beneath import Directories
from gitops_gate.source.git import encode
from gitops_gate.source.links import resolve_target
from gitops_gate.source.paths import check_path, shown
from gitops_gate.source.values import Mode, Tree

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def materialise(tree: Tree, folder: str) -> None:
    """Write the files and links of a tree into an empty folder; submodules are left out.

    Raises `UnsafePathError` for a name or a link that would leave the folder, before anything is
    written; `SourceError` for content that is missing, and for what the file system refuses: a
    name that is too long, or that differs from another one only in case.
    """
    _check(tree)
    files = [path for path, entry in tree.entries.items() if entry.mode in _FILES]
    links = [path for path, entry in tree.entries.items() if entry.mode == Mode.LINK]
    try:
        with os.scandir(encode(folder)) as found:
            if any(found):
                raise SourceError("the folder is not empty", path=shown(folder))
        with Directories(folder, create=True) as directories:
            _write_files(tree, sorted(files), directories)
            for path in sorted(links):
                _write_link(tree, path, directories)
    except OSError as error:
        raise SourceError(f"cannot be written to: {error.strerror}", path=shown(folder)) from None


_FILES = (Mode.FILE, Mode.EXECUTABLE)


def _check(tree: Tree) -> None:
    """Refuse names and links that would leave the folder, and entries below a link or a file."""
    for path, entry in tree.entries.items():
        check_path(path)
        above = path.rpartition("/")[0]
        while above:
            if above in tree.entries:
                what = "the link" if tree.entries[above].mode == Mode.LINK else "the file"
                raise UnsafePathError(f"{shown(path)} lies below {what} {shown(above)}")
            above = above.rpartition("/")[0]
        if entry.mode == Mode.LINK:
            resolve_target(tree, path)


def _write_files(tree: Tree, paths: list[str], directories: Directories) -> None:
    contents = tree.blobs.read_many(tree.entries[path] for path in paths)
    for path, content in zip(paths, contents, strict=True):
        parent, _, name = path.rpartition("/")
        try:
            descriptor = os.open(encode(name), _NEW_FILE, 0o644, dir_fd=directories.enter(parent))
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
        except OSError as error:
            raise _refused(path, error) from None


def _write_link(tree: Tree, path: str, directories: Directories) -> None:
    parent, _, name = path.rpartition("/")
    try:
        os.symlink(tree.read(path), encode(name), dir_fd=directories.enter(parent))
    except OSError as error:
        raise _refused(path, error) from None


def _refused(path: str, error: OSError) -> SourceError:
    return SourceError(f"cannot be written: {error.strerror}", path=shown(path))
