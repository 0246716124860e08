"""What would land: the merge of two commits, made from objects in our own repository.

A forge merges in a bare repository with Git's own strategy; so does this, with `git merge-tree`
(git-merge-tree(1), Git 2.38 or newer), without attributes, drivers or configuration of anybody.
The tree is written to the scratch repository and is gone with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops_gate.errors import MergeConflictError, SourceError
from gitops_gate.source.git import decode, git_failed, run_git
from gitops_gate.source.objects import is_object_id
from gitops_gate.source.paths import shown

if TYPE_CHECKING:
    from gitops_gate.source.location import Location

_CONFLICTS = 1
_USAGE = 129
_MOST_NAMED = 5


def merged_tree(location: Location, scratch: str, base: str, head: str) -> str:
    """The id of the tree that merging `head` into `base` gives, both as commit ids.

    Raises `MergeConflictError`, naming files, when the two cannot be merged, and `SourceError`
    when too little history is there to merge them or Git is too old.
    """
    command = ("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", base, head)
    asked = run_git(command, git_dir=scratch)
    words = [decode(word) for word in asked.stdout.split(b"\0")]
    if asked.code == 0 and is_object_id(words[0]):
        return words[0]
    if asked.code == _CONFLICTS and is_object_id(words[0]):
        files = sorted({word for word in words[1:] if word})
        named = ", ".join(shown(file) for file in files[:_MOST_NAMED])
        more = f" and {len(files) - _MOST_NAMED} more" if len(files) > _MOST_NAMED else ""
        raise MergeConflictError(
            f"the change does not merge with its target: conflicts in {named}{more}",
            remedy="merge or rebase onto the target branch",
        )
    if asked.code == _USAGE:
        raise SourceError(
            "this Git cannot merge without a working tree", remedy="install Git 2.38 or newer"
        )
    if b"unrelated histories" in asked.stderr and not (location.shallow or location.partial):
        raise SourceError(
            f"the change shares no history with its target: {head[:12]} and {base[:12]} have no "
            "common ancestor",
            remedy="make the change on a branch that begins at the target",
        )
    remedy = "git fetch --unshallow" if location.shallow else location.remedy
    raise git_failed(f"{head} cannot be merged into {base}", asked, remedy=remedy)
