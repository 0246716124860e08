"""Git in memory: commits and trees as dictionaries, with the ids that Git gives them.

It answers what delivery asks of a repository, so that thousands of histories can be played in a
minute. `write_to` puts the same objects into a real repository, where Git gives the answers.
Files are merged as a whole: every file of a life has one line, so that Git can do no better.
"""

from __future__ import annotations

import datetime
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from gitops_gate.errors import MergeConflictError, SourceError
from gitops_gate.source.blobs import object_id
from gitops_gate.source.commits import CommitFacts
from gitops_gate.source.values import Entry, Mode, Revision, Tree

Listing = Mapping[str, str]
"""Blob ids by path."""


@dataclass
class MemoryBlobs:
    """The contents of files, by id."""

    contents: dict[str, bytes] = field(default_factory=dict)

    def read(self, entry: Entry) -> bytes:
        return self.contents[entry.oid]

    def read_many(self, entries: Iterable[Entry]) -> Iterator[bytes]:
        return (self.contents[entry.oid] for entry in entries)


class MemoryGit:
    """Objects without refs."""

    def __init__(self) -> None:
        self.blobs = MemoryBlobs()
        self.objects: dict[str, tuple[str, bytes]] = {}
        self.commits: dict[str, CommitFacts] = {}
        self.listings: dict[str, Listing] = {}
        self._trees: dict[str, Tree] = {}
        self._ancestors: dict[str, frozenset[str]] = {}
        self._made: dict[tuple[tuple[str, str], ...], str] = {}
        self._number = 0

    # ------------------------------------------------------------------ writing

    def blob(self, content: bytes) -> str:
        oid = self._object("blob", content)
        self.blobs.contents[oid] = content
        return oid

    def tree(self, listing: Listing) -> str:
        key = tuple(sorted(listing.items()))
        if key not in self._made:
            self._made[key] = self._folder(key)
            self.listings[self._made[key]] = dict(key)
        return self._made[key]

    def commit(
        self, tree: str, parents: Iterable[str], at: datetime.datetime, who: str = "ann"
    ) -> str:
        """A commit; no two are the same one."""
        known = tuple(parents)
        self._number += 1
        stamp = f"{who} <{who}@example.com> {int(at.timestamp())} +0000"
        lines = [f"tree {tree}", *(f"parent {one}" for one in known)]
        text = [*lines, f"author {stamp}", f"committer {stamp}", "", f"Step {self._number}", ""]
        oid = self._object("commit", "\n".join(text).encode())
        self.commits[oid] = CommitFacts(
            commit=oid, tree=tree, parents=known, committed_at=at, message=""
        )
        self._ancestors[oid] = frozenset((oid,)).union(*(self._ancestors[one] for one in known))
        return oid

    def _folder(self, entries: tuple[tuple[str, str], ...]) -> str:
        folders: dict[str, list[tuple[str, str]]] = {}
        rows: list[tuple[str, bytes]] = []
        for path, oid in entries:
            first, _, rest = path.partition("/")
            if rest:
                folders.setdefault(first, []).append((rest, oid))
            else:
                rows.append((path, b"100644 %s\0%s" % (path.encode(), bytes.fromhex(oid))))
        for name, inner in folders.items():
            oid = self._folder(tuple(inner))
            rows.append((f"{name}/", b"40000 %s\0%s" % (name.encode(), bytes.fromhex(oid))))
        return self._object("tree", b"".join(row for _, row in sorted(rows)))

    def _object(self, kind: str, content: bytes) -> str:
        oid = object_id(kind, content)
        self.objects[oid] = kind, content
        return oid

    def write_to(self, git_dir: Path) -> None:
        """Write all objects into a repository."""
        for oid, (kind, content) in self.objects.items():
            file = git_dir / "objects" / oid[:2] / oid[2:]
            if not file.exists():
                file.parent.mkdir(exist_ok=True)
                raw = b"%s %d\0" % (kind.encode(), len(content)) + content
                file.write_bytes(zlib.compress(raw, 1))

    # ------------------------------------------------------------------ reading, as a repository

    def resolve(self, name: str) -> str:
        if name not in self.commits:
            raise SourceError(f"the revision {name} is not known, or is no commit")
        return name

    def revision(self, name: str) -> Revision:
        return Revision(
            name=name, commit=self.resolve(name), tree=self.listed(self.commits[name].tree)
        )

    def merged(self, base: str, head: str) -> Revision:
        tree = self.merged_tree(self.resolve(base), self.resolve(head))
        return Revision(name="merge", commit=None, tree=self.listed(tree))

    def merge_base(self, one: str, other: str) -> str:
        bases = (self.commits[base] for base in self.bases(one, other))
        return min(bases, key=lambda each: (-each.committed_at.timestamp(), each.commit)).commit

    def first_parent_history(self, commit: str, limit: int) -> tuple[str, ...]:
        line = [self.resolve(commit)]
        while self.commits[line[-1]].parents and len(line) < limit:
            line.append(self.commits[line[-1]].parents[0])
        return tuple(line)

    def listed(self, tree: str) -> Tree:
        if tree not in self._trees:
            entries = {
                path: Entry(mode=Mode.FILE, oid=oid)
                for path, oid in sorted(self.listings[tree].items())
            }
            self._trees[tree] = Tree(entries=entries, blobs=self.blobs, identity=tree)
        return self._trees[tree]

    # ------------------------------------------------------------------ history

    def ancestors(self, commit: str) -> frozenset[str]:
        """A commit and everything that it comes from."""
        return self._ancestors[commit]

    def bases(self, one: str, other: str) -> list[str]:
        """The best common ancestors, the oldest first."""
        common = self._ancestors[one] & self._ancestors[other]
        older = {above for each in common for above in self._ancestors[each] - {each}}
        best = common - older
        return sorted(best, key=lambda each: (self.commits[each].committed_at, each))

    def steps(self, old: str, tip: str) -> tuple[str, ...] | None:
        walked: list[str] = []
        while tip != old:
            walked.append(tip)
            parents = self.commits[tip].parents
            if not parents:
                return None
            tip = parents[0]
        return tuple(reversed(walked))

    # ------------------------------------------------------------------ merging

    def files(self, commit: str) -> Listing:
        return self.listings[self.commits[commit].tree]

    def merged_tree(self, ours: str, theirs: str) -> str:
        base = self._common(self.bases(ours, theirs))
        return self._three_way(base, self.files(ours), self.files(theirs))

    def _common(self, bases: list[str]) -> Listing:
        """The tree in common; of several, their merge, in which a conflict is like nothing else."""
        if not bases:
            raise SourceError("the change shares no history with its target")
        result, merged = self.files(bases[0]), bases[:1]
        for other in bases[1:]:
            above = self._common([one for each in merged for one in self.bases(each, other)][:1])
            result = dict(self._by_file(above, result, self.files(other), keep=True))
            merged.append(other)
        return result

    def _three_way(self, base: Listing, ours: Listing, theirs: Listing) -> str:
        return self.tree(dict(self._by_file(base, ours, theirs, keep=False)))

    def _by_file(
        self, base: Listing, ours: Listing, theirs: Listing, *, keep: bool
    ) -> Iterator[tuple[str, str]]:
        for path in {**ours, **theirs}:
            start, one, other = base.get(path), ours.get(path), theirs.get(path)
            if one != other and start not in (one, other):
                if not keep:
                    raise MergeConflictError(f"the change does not merge: conflicts in {path}")
                yield path, f"conflict of {one} and {other}"
                continue
            result = other if one in (start, other) else one
            if result is not None:
                yield path, result

    def rebased(self, base: str, head: str, onto: str) -> tuple[tuple[str, str], ...]:
        """As `git rebase --onto onto base head` makes them: the commits, and the trees they get."""
        left = self._ancestors[base] - self._ancestors[head]
        there = {self._patch(one) for one in left if len(self.commits[one].parents) == 1}
        tree, landed = self.commits[onto].tree, []
        for commit in self._in_order(head, self._ancestors[head] - self._ancestors[base]):
            facts = self.commits[commit]
            patch = self._patch(commit)
            if len(facts.parents) > 1 or (patch and patch in there):
                continue
            before = self.files(facts.parents[0]) if facts.parents else {}
            picked = self._three_way(before, self.listings[tree], self.files(commit))
            if picked != tree or not patch:
                landed.append((commit, picked))
                tree = picked
        return tuple(landed)

    def _patch(self, commit: str) -> frozenset[tuple[str, str | None, str | None]]:
        facts = self.commits[commit]
        before = self.files(facts.parents[0]) if facts.parents else {}
        after = self.files(commit)
        return frozenset(
            (path, before.get(path), after.get(path))
            for path in {**before, **after}
            if before.get(path) != after.get(path)
        )

    def _in_order(self, head: str, wanted: frozenset[str]) -> list[str]:
        """Parents before children, as `git rev-list --topo-order --reverse` has them."""
        waiting: dict[str, int] = dict.fromkeys(wanted, 0)
        for one in wanted:
            for parent in self.commits[one].parents:
                if parent in waiting:
                    waiting[parent] += 1
        stack, order = [head] if head in wanted else [], []
        while stack:
            commit = stack.pop()
            order.append(commit)
            for parent in self.commits[commit].parents:
                if parent in waiting:
                    waiting[parent] -= 1
                    if not waiting[parent]:
                        stack.append(parent)
        return order[::-1]


# ---------------------------------------------------------------------- in place of Git's


def read_commit(git: MemoryGit, commit: str) -> CommitFacts:
    return git.commits[git.resolve(commit)]


def merged_tree_id(git: MemoryGit, ours: str, theirs: str) -> str:
    return git.merged_tree(git.resolve(ours), git.resolve(theirs))


def rebased_tree_ids(
    git: MemoryGit, base: str, head: str, onto: str
) -> tuple[tuple[str, str], ...]:
    return git.rebased(git.resolve(base), git.resolve(head), git.resolve(onto))


def reachable(git: MemoryGit, commit: str, of: str) -> bool:
    return git.resolve(commit) in git.ancestors(git.resolve(of))


def steps_between(git: MemoryGit, old: str, tip: str) -> tuple[str, ...] | None:
    return git.steps(git.resolve(old), git.resolve(tip))


def emails_between(git: MemoryGit, old: str, tip: str) -> tuple[str, ...]:
    there = git.ancestors(git.resolve(tip)) - git.ancestors(git.resolve(old))
    return ("somebody@example.com",) if there else ()


def replacements(git_rooms: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, str, Any]]:
    """What is put in place of Git's functions: module, name and function."""
    for module, names in git_rooms.items():
        for name in names:
            yield module, name, globals()[name]


in_memory = partial(
    replacements,
    {
        "gitops_gate.delivery.landing": (
            "read_commit", "merged_tree_id", "rebased_tree_ids", "reachable", "steps_between",
        ),
        "gitops_gate.delivery.walk": ("reachable",),
        "gitops_gate.delivery.judging": ("reachable",),
        "gitops_gate.review.ratifying": ("emails_between", "reachable", "steps_between"),
    },
)  # fmt: skip
"""For the modules of a delivery."""
