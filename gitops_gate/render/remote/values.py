"""What a base from another repository is, once it is fetched."""

from __future__ import annotations

from dataclasses import dataclass, field

from gitops_gate.discovery.values import Closure
from gitops_gate.render.values import Failure
from gitops_gate.source.values import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSource:
    """A reference, understood: the `url` that Git fetches, a full commit id, a folder in it."""

    url: str
    commit: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A fetched base: the tree of its commit, and the files that rendering it reads there.

    `path` is the base's folder in that tree, "." for its root.
    """

    source: RemoteSource
    tree: Tree = field(repr=False)
    closure: Closure = field(repr=False)


RemoteResult = Remote | Failure
