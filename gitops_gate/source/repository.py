"""A user's repository, of which only objects and refs are read.

`open_repository` is where Git enters the flow: names become commits, commits become trees whose
files are read later, where they are needed. Names are resolved in the user's repository, because
only it knows its refs; everything else, full object ids too, is answered by a scratch repository
of our own, which also holds what was fetched.
"""

from __future__ import annotations

import os
import re
import shlex
import weakref
from types import TracebackType

from gitops_gate.errors import SourceError
from gitops_gate.source.git import decode, encode, run_git
from gitops_gate.source.history import best_ancestor, first_parents
from gitops_gate.source.index import staged_tree
from gitops_gate.source.listing import list_tree
from gitops_gate.source.location import Location, locate
from gitops_gate.source.merging import merged_tree
from gitops_gate.source.objects import GitBlobs, close_readers, is_object_id
from gitops_gate.source.paths import shown
from gitops_gate.source.scratch import make_scratch, remove_scratch
from gitops_gate.source.values import Revision, Tree
from gitops_gate.source.worktree import worktree_tree
from gitops_gate.tools import Completed

_DEFAULT_BRANCHES = (
    "refs/remotes/origin/main",
    "refs/remotes/origin/master",
    "refs/heads/main",
    "refs/heads/master",
)
_REMOTE_HEAD = "refs/remotes/origin/HEAD"


def open_repository(path: str | os.PathLike[str]) -> Repository:
    """Open the repository that encloses a folder: a checkout, a worktree or a bare repository.

    Raises `SourceError` when there is none, or when Git cannot read it.
    """
    return Repository(locate(os.fspath(path)))


class Repository:
    """An opened repository; a context manager. Its trees can be read until it is closed.

    `scratch` is the folder of a bare repository of our own, to which everything is written that
    is computed or fetched; `blobs` reads from it, and so from the user's repository as well.
    """

    def __init__(self, location: Location) -> None:
        self.location = location
        objects = f"{location.common_dir}/objects"
        self.scratch = make_scratch(objects, location.algorithm)
        self.blobs = GitBlobs(git_dir=self.scratch, remedy=location.remedy)
        self._trees: dict[str, Tree] = {}
        self._cleanup = weakref.finalize(self, remove_scratch, self.scratch, os.getpid())

    def __enter__(self) -> Repository:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the Git processes and remove the scratch repository."""
        close_readers(self.scratch)
        self._cleanup()

    def resolve(self, name: str) -> str:
        """The id of the commit that a revision name stands for (gitrevisions(7)).

        Raises `SourceError` when the name is unknown, is ambiguous, starts with a dash, or names
        something that is no commit; the remedy says what to fetch.
        """
        if not name or name.startswith("-") or min(encode(name)) < 0x20:
            raise SourceError(f"not a revision name: {shown(name)!r}")
        if is_object_id(name) and (known := self.blobs.find(f"{name}^{{commit}}")):
            return known
        asked = self._ask("rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
        if b"is ambiguous" in asked.stderr:
            raise SourceError(
                f"the revision {name} is ambiguous",
                remedy="write the full ref name, such as refs/heads/… or refs/tags/…",
            )
        commit = decode(asked.stdout).strip()
        if asked.code or not is_object_id(commit):
            raise self._unknown(name)
        return commit

    def default_branch(self) -> str:
        """The full ref name of the branch that changes are made against.

        The first there is of: what `refs/remotes/origin/HEAD` points to, `main` and `master` of
        `origin`, `main` and `master` of the repository itself. Raises `SourceError` for none.
        """
        form = "--format=%(refname) %(symref)"
        listed = self._ask("for-each-ref", form, _REMOTE_HEAD, *_DEFAULT_BRANCHES)
        refs = dict(line.split(" ", 1) for line in decode(listed.stdout).splitlines())
        target = refs.get(_REMOTE_HEAD)
        if target:
            return target
        for candidate in _DEFAULT_BRANCHES:
            if candidate in refs:
                return candidate
        raise SourceError(
            "the default branch is not known",
            remedy="name what to compare with: --base REV, or fetch it: git fetch origin",
        )

    def origin(self) -> str | None:
        """The address that `origin` is fetched from, as Git's configuration says it."""
        asked = self._ask("config", "--get", "remote.origin.url")
        return decode(asked.stdout).strip() or None

    def merge_base(self, one: str, other: str) -> str:
        """The best common ancestor of two revisions; see `gitops_gate.source.history`.

        Raises `SourceError` when they have none, or when too little history is there to know it.
        """
        return best_ancestor(self.location, self.blobs, self.resolve(one), self.resolve(other))

    def first_parent_history(self, commit: str, limit: int) -> tuple[str, ...]:
        """At most `limit` commits: this one, its first parent, and so on to the root.

        Raises `SourceError` when history ends before that because it was not fetched.
        """
        return first_parents(self.blobs, self.resolve(commit), limit)

    def revision(self, name: str) -> Revision:
        """The commit that a name stands for, with its tree.

        Raises `SourceError` for an unknown name or missing objects, `UnsafePathError` for a tree
        that Git would refuse to check out.
        """
        commit = self.resolve(name)
        tree = self.blobs.find(f"{commit}^{{tree}}")
        if tree is None:
            raise SourceError(
                f"the tree of commit {commit} is not in the repository", remedy=self.blobs.remedy
            )
        return Revision(name=name, commit=commit, tree=self._listed(tree))

    def merged(self, base: str, head: str) -> Revision:
        """What would land if `head` were merged into `base`; it has a tree, and no commit.

        Raises `MergeConflictError` when they cannot be merged, otherwise as `revision` does.
        """
        onto, change = self.resolve(base), self.resolve(head)
        tree = merged_tree(self.location, self.scratch, onto, change)
        return Revision(name=f"{change} merged into {onto}", commit=None, tree=self._listed(tree))

    def worktree(self) -> Revision:
        """The working tree as it is now; see `gitops_gate.source.worktree`.

        Raises `SourceError` in a bare repository.
        """
        root = self.location.worktree
        if root is None:
            raise SourceError(
                "the repository has no working tree", remedy="name a commit: --head REV"
            )
        tree = worktree_tree(root, self.blobs, self.location.algorithm)
        return Revision(name="worktree", commit=None, tree=tree)

    def _listed(self, tree: str) -> Tree:
        """A tree object's listing, which never changes: it is made once."""
        if tree not in self._trees:
            entries = list_tree(self.scratch, tree, remedy=self.blobs.remedy)
            self._trees[tree] = Tree(entries=entries, blobs=self.blobs, identity=tree)
        return self._trees[tree]

    def staged(self) -> Revision:
        """What a commit would hold now: the index; see `gitops_gate.source.index`.

        Raises `SourceError` in the middle of a merge with conflicts.
        """
        return Revision(name="staged", commit=None, tree=staged_tree(self.location, self.blobs))

    def _ask(self, *arguments: str) -> Completed:
        return run_git(arguments, git_dir=self.location.git_dir)

    def _unknown(self, name: str) -> SourceError:
        """Say why a name is unknown, and which fetch makes it known."""
        plain = re.split(r"[~^@:]", name)[0]
        if plain != name and self.location.shallow:
            return SourceError(
                f"the revision {name} is not known: history ends before it",
                remedy="fetch the rest of the history: git fetch --unshallow",
            )
        if name == "HEAD":
            return SourceError("HEAD has no commit yet", remedy="commit something first")
        branch = re.sub(r"^(?:refs/)?(?:remotes/)?origin/|^refs/heads/", "", plain)
        return SourceError(
            f"the revision {name} is not known, or is no commit",
            remedy=f"git fetch origin {shlex.quote(branch)}",
        )
