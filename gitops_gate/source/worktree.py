"""The working tree of a checkout as a tree of blobs, without touching it, its index or its objects.

Listed is what `git status` looks at: tracked files that are still there, and untracked ones that
the repository does not ignore (`.gitignore`, `info/exclude`; a user's own ignore file is another
machine's secret and does not count). Every file is hashed as it is, byte for byte: no filter,
end-of-line or keyword conversion happens, and the index's idea of what changed is not believed,
because it holds for the converted content. So the ids compare with those of any commit.

Links are links; submodules are the commit that is checked out in them, or else the recorded one;
what a sparse checkout left out counts as it is in the index. Git runs here on the user's
repository, for two listings that start no program and write nothing.
"""

from __future__ import annotations

import itertools
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gitops_gate.errors import SourceError
from gitops_gate.source.beneath import Directories
from gitops_gate.source.blobs import (
    FOLDER_PREFIX,
    FolderBlobs,
    algorithm_of,
    blob_id,
    hash_file,
)
from gitops_gate.source.git import decode, encode, git_failed, run_git
from gitops_gate.source.listing import MODES
from gitops_gate.source.objects import GitBlobs, is_object_id
from gitops_gate.source.paths import shown
from gitops_gate.source.values import Entry, Mode, Tree

_LEFT_OUT = "S"
"""git-ls-files(1), `-t`: a file that a sparse checkout leaves out of the working tree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorktreeBlobs:
    """Reads what is committed or staged from Git, and the rest from the working tree.

    `changed` names the file of each blob that Git does not have. Its content is hashed again when
    it is read: a file that changes during a run is an error, not a second opinion.
    """

    git: GitBlobs
    folder: FolderBlobs
    changed: Mapping[str, str]

    def read(self, entry: Entry) -> bytes:
        """The content of one entry. Raises `SourceError` when it is missing, or has changed."""
        return next(self.read_many((entry,)))

    def read_many(self, entries: Iterable[Entry]) -> Iterator[bytes]:
        """The contents of entries, in their order."""
        for local, run in itertools.groupby(entries, lambda entry: entry.oid in self.changed):
            if local:
                yield from map(self._read_file, run)
            else:
                yield from self.git.read_many(run)

    def _read_file(self, entry: Entry) -> bytes:
        path = self.changed[entry.oid]
        content = self.folder.read(Entry(entry.mode, FOLDER_PREFIX + path))
        if blob_id(content, algorithm_of(entry.oid)) != entry.oid:
            raise SourceError(
                "changed after it was first read", path=shown(path), remedy="run again"
            )
        return content


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recorded:
    """What the index says about a path."""

    mode: Mode
    oid: str
    left_out: bool


def worktree_tree(root: str, git: GitBlobs, algorithm: str) -> Tree:
    """The working tree below `root` as a tree. Raises `SourceError` for what cannot be read."""
    index = _index(root)
    modes_count = _file_modes_count(root)
    entries: dict[str, Entry] = {}
    changed: dict[str, str] = {}
    with _opened(root) as directories:
        for listed in sorted({*index, *_untracked(root)}):
            path = listed.removesuffix("/")
            recorded = index.get(path)
            entry = _entry(root, directories, path, recorded, algorithm)
            if entry is None:
                continue
            if recorded is None or entry.oid != recorded.oid:
                changed.setdefault(entry.oid, path)
            entries[path] = entry if modes_count else _recorded_mode(entry, recorded)
    blobs = WorktreeBlobs(git=git, folder=FolderBlobs(root=root), changed=changed)
    return Tree(entries=entries, blobs=blobs)


def _opened(root: str) -> Directories:
    try:
        return Directories(root)
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", path=shown(root)) from None


def _listing(root: str, *options: str) -> list[str]:
    listed = run_git(("ls-files", "-z", *options), folder=root)
    if listed.code:
        raise git_failed("the working tree cannot be listed", listed)
    return decode(listed.stdout).split("\0")[:-1]


def _untracked(root: str) -> list[str]:
    """Untracked files that are not ignored; a repository inside this one ends with `/`."""
    return _listing(root, "--others", "--exclude-standard")


def _index(root: str) -> dict[str, _Recorded]:
    """What is tracked: `<tag> <mode> <id> <stage>`, tab, path; unmerged paths several times."""
    found: dict[str, _Recorded] = {}
    for record in _listing(root, "-t", "--stage"):
        what, _, path = record.partition("\t")
        tag, mode, oid, _ = what.split(" ")
        found[path] = _Recorded(mode=MODES[mode], oid=oid, left_out=tag == _LEFT_OUT)
    return found


def _file_modes_count(root: str) -> bool:
    """Whether executable bits mean something on this file system (`core.fileMode`)."""
    asked = run_git(("config", "--type=bool", "--get", "core.fileMode"), folder=root)
    return asked.stdout.strip() != b"false"


def _recorded_mode(entry: Entry, recorded: _Recorded | None) -> Entry:
    """The entry with the index's executable bit, for file systems that have none."""
    plain = (Mode.FILE, Mode.EXECUTABLE)
    if entry.mode not in plain:
        return entry
    known = recorded is not None and recorded.mode in plain
    return Entry(recorded.mode if recorded and known else Mode.FILE, entry.oid)


def _entry(
    root: str, directories: Directories, path: str, recorded: _Recorded | None, algorithm: str
) -> Entry | None:
    """What is at a path now; None for what is gone, or is nothing that Git can hold."""
    try:
        status = directories.status(path)
        if status is None:
            left_out = recorded is not None and recorded.left_out
            return Entry(recorded.mode, recorded.oid) if recorded and left_out else None
        if stat.S_ISLNK(status.st_mode):
            return Entry(Mode.LINK, blob_id(encode(directories.link_target(path)), algorithm))
        folder, _, name = path.rpartition("/")
        if stat.S_ISREG(status.st_mode):
            mode = Mode.EXECUTABLE if status.st_mode & stat.S_IXUSR else Mode.FILE
            content = hash_file(directories.enter(folder), encode(name), path, algorithm)
            return Entry(mode, content)
        if stat.S_ISDIR(status.st_mode):
            return _submodule(root, directories, path, recorded, algorithm)
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", path=shown(path)) from None
    return None


def _submodule(
    root: str, directories: Directories, path: str, recorded: _Recorded | None, algorithm: str
) -> Entry | None:
    """The entry of a repository inside this one; None for a folder that has none in it."""
    known = recorded.oid if recorded and recorded.mode == Mode.SUBMODULE else None
    if directories.status(f"{path}/.git") is None:
        return Entry(Mode.SUBMODULE, known) if known else None
    asked = run_git(("rev-parse", "--verify", "HEAD"), git_dir=f"{root}/{path}/.git")
    head = decode(asked.stdout).strip()
    if asked.code or not is_object_id(head):
        head = known or "0" * len(blob_id(b"", algorithm))
    return Entry(Mode.SUBMODULE, head)
