"""What is staged: the entries of the index, as `git ls-files --stage` lists them.

Nothing is written for it. What `git add` put into the object store is read from there, as the
files of a commit are (git-ls-files(1), gitformat-index(5)).
"""

from __future__ import annotations

from gitops_gate.errors import SourceError
from gitops_gate.source.git import decode, git_failed, run_git
from gitops_gate.source.listing import entry_of
from gitops_gate.source.location import Location
from gitops_gate.source.objects import GitBlobs
from gitops_gate.source.paths import check_path, shown
from gitops_gate.source.values import Entry, Tree


def staged_tree(location: Location, blobs: GitBlobs) -> Tree:
    """The tree that a commit would have now.

    Raises `SourceError` in the middle of a merge with conflicts, and `UnsafePathError` for a name
    that Git would never check out.
    """
    root = location.worktree or location.git_dir
    listed = run_git(("ls-files", "--stage", "-z"), git_dir=location.git_dir, folder=root)
    if listed.code or listed.stderr:
        raise git_failed("the index cannot be listed", listed)
    entries: dict[str, Entry] = {}
    for record in decode(listed.stdout).split("\0")[:-1]:
        what, _, path = record.partition("\t")
        mode, oid, stage = what.split(" ")
        if stage != "0":
            raise SourceError(
                "has a conflict that is not resolved",
                path=shown(path),
                remedy="resolve it and add it",
            )
        check_path(path)
        entries[path] = entry_of(mode, oid, path)
    return Tree(entries=dict(sorted(entries.items())), blobs=blobs)
