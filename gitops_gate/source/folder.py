"""Trees that are not revisions: a folder, one file, or a stream of bytes.

A folder inside a checkout lists what Git would see there, any other folder everything below it.
Nothing is read or hashed before it is needed; links are kept as links and never followed. Sockets,
pipes and devices are left out: Git cannot hold them, so nothing that is deployed can be in them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from gitops_gate.errors import SourceError
from gitops_gate.source.beneath import Directories
from gitops_gate.source.blobs import FOLDER_PREFIX, FolderBlobs, MemoryBlobs, blob_id
from gitops_gate.source.git import decode, encode, git_failed, run_git
from gitops_gate.source.paths import shown
from gitops_gate.source.values import Entry, Mode, Tree

MAXIMUM_ENTRIES = 1_000_000
"""Files that a folder may hold; whoever points at `/` learns of it before memory is gone."""


def stream_tree(data: bytes, name: str = "-") -> Tree:
    """A tree with one file, whose content is `data`."""
    oid = blob_id(data)
    return Tree(entries={name: Entry(Mode.FILE, oid)}, blobs=MemoryBlobs(contents={oid: data}))


def scan_tree(path: str | os.PathLike[str]) -> Tree:
    """The tree of a folder or file as `scan` sees it; paths are relative to that folder.

    In a checkout those are the tracked files that are there and the untracked ones that are not
    ignored; a folder that is itself ignored (rendered output, say) is listed whole, like one that
    is in no checkout. Raises `SourceError` when it cannot be read.
    """
    root = _real(path)
    if not _is_folder(root) or not _in_checkout(root):
        return folder_tree(path)
    names = _visible(root)
    if names is None:
        return folder_tree(path)
    return Tree(entries=_look_up(root, names), blobs=FolderBlobs(root=root))


def folder_tree(path: str | os.PathLike[str]) -> Tree:
    """The tree of everything below a folder except `.git`, or of one file.

    Raises `SourceError` when it is missing, cannot be read, or is neither.
    """
    root = _real(path)
    try:
        mode = Path(root).stat().st_mode
        if stat.S_ISDIR(mode):
            return Tree(entries=dict(_walk(root)), blobs=FolderBlobs(root=root))
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", path=_named(error, root)) from None
    if not stat.S_ISREG(mode):
        raise SourceError(
            "is neither a folder nor a regular file",
            path=shown(root),
            remedy="give a stream on standard input, as `-`",
        )
    folder, _, name = root.rpartition("/")
    entry = Entry(_file_mode(mode), FOLDER_PREFIX + name)
    given = Path(path).name or name
    return Tree(entries={given: entry}, blobs=FolderBlobs(root=folder or "/"))


def _real(path: str | os.PathLike[str]) -> str:
    text = os.fspath(path)
    if "\0" in text:
        raise SourceError("is not a file name", path=shown(text))
    return decode(os.path.realpath(encode(text)))


def _named(error: OSError, root: str) -> str:
    name = error.filename
    return shown(decode(name) if isinstance(name, bytes) else root)


def _file_mode(mode: int) -> Mode:
    return Mode.EXECUTABLE if mode & stat.S_IXUSR else Mode.FILE


def _walk(root: str) -> Iterator[tuple[str, Entry]]:
    """Every file and link below a folder, depth first, by name."""
    waiting = [b""]
    count = 0
    while waiting:
        folder = waiting.pop()
        with os.scandir(b"/".join((encode(root), folder))) as scan:
            found = sorted(scan, key=lambda item: item.name)
        for item in found:
            path = folder + item.name
            if item.is_symlink():
                mode = Mode.LINK
            elif item.is_dir(follow_symlinks=False):
                if item.name.lower() != b".git":
                    waiting.append(path + b"/")
                continue
            elif item.is_file(follow_symlinks=False) and item.name.lower() != b".git":
                mode = _file_mode(item.stat(follow_symlinks=False).st_mode)
            else:
                continue
            count += 1
            if count > MAXIMUM_ENTRIES:
                raise SourceError(f"has more than {MAXIMUM_ENTRIES:,} files", path=shown(root))
            name = decode(path)
            yield name, Entry(mode, FOLDER_PREFIX + name)


def _is_folder(path: str) -> bool:
    try:
        return Path(path).is_dir()
    except OSError:
        return False


def _in_checkout(folder: str) -> bool:
    """Whether this folder or one above it holds `.git`, without starting Git."""
    place = Path(folder)
    return any(_has_git(above) for above in (place, *place.parents))


def _has_git(folder: Path) -> bool:
    return os.path.lexists(folder / ".git")


def _visible(folder: str) -> list[str] | None:
    """What Git sees below a folder of a checkout; None when the folder itself is ignored."""
    if not _has_git(Path(folder)):
        ignored = run_git(("check-ignore", "--quiet", "."), folder=folder)
        if ignored.code == 0:
            return None
    options = ("--cached", "--others", "--exclude-standard", "--deduplicate")
    listed = run_git(("ls-files", "-z", *options), folder=folder)
    if listed.code:
        raise git_failed(f"the checkout at {shown(folder)} cannot be listed", listed)
    return decode(listed.stdout).split("\0")[:-1]


def _look_up(root: str, names: Iterable[str]) -> dict[str, Entry]:
    """The entries for those names that are there, a nested repository being a submodule."""
    entries: dict[str, Entry] = {}
    try:
        with Directories(root) as directories:
            for name in sorted(names):
                path = name.removesuffix("/")
                mode = _mode_at(directories, path)
                if mode is not None:
                    entries[path] = Entry(mode, FOLDER_PREFIX + path)
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", path=shown(root)) from None
    return entries


def _mode_at(directories: Directories, path: str) -> Mode | None:
    status = directories.status(path)
    if status is None:
        return None
    if stat.S_ISLNK(status.st_mode):
        return Mode.LINK
    if stat.S_ISREG(status.st_mode):
        return _file_mode(status.st_mode)
    return Mode.SUBMODULE if stat.S_ISDIR(status.st_mode) else None
