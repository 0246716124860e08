"""Git and folders: where trees come from, and how one is written out safely.

The first room of the flow. `open_repository` turns names into commits and commits into trees;
`scan_tree`, `folder_tree` and `stream_tree` make trees of what is no revision; `changed_paths`
compares two; `resolve_path` follows links inside one; `materialise` writes a part of one into an
empty folder for a renderer. All decisions are made from Git objects, in a repository of our own;
the user's is only read, and everything in it counts as hostile.

Delivery comes back here: `recompute` tells what a merge must have given, `edited_tree` and
`write_commit` make what is to be pushed, `remote` fetches and moves refs by compare-and-swap.

Names are loaded when they are first used, so that importing this package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gitops_gate.source.blobs import FolderBlobs, MemoryBlobs, blob_id
    from gitops_gate.source.commits import CommitFacts, read_commit, write_commit
    from gitops_gate.source.compare import changed_paths
    from gitops_gate.source.folder import folder_tree, scan_tree, stream_tree
    from gitops_gate.source.links import ResolvedPath, follow, resolve_path
    from gitops_gate.source.objects import GitBlobs
    from gitops_gate.source.paths import check_path
    from gitops_gate.source.repository import Repository, open_repository
    from gitops_gate.source.trees import edited_tree
    from gitops_gate.source.values import Blobs, Entry, Mode, Revision, Tree
    from gitops_gate.source.writing import materialise

_HOMES = {
    "Blobs": "values",
    "CommitFacts": "commits",
    "Entry": "values",
    "FolderBlobs": "blobs",
    "GitBlobs": "objects",
    "MemoryBlobs": "blobs",
    "Mode": "values",
    "Repository": "repository",
    "ResolvedPath": "links",
    "Revision": "values",
    "Tree": "values",
    "blob_id": "blobs",
    "changed_paths": "compare",
    "check_path": "paths",
    "edited_tree": "trees",
    "folder_tree": "folder",
    "follow": "links",
    "materialise": "writing",
    "open_repository": "repository",
    "read_commit": "commits",
    "resolve_path": "links",
    "scan_tree": "folder",
    "stream_tree": "folder",
    "write_commit": "commits",
}

__all__ = [
    "Blobs",
    "CommitFacts",
    "Entry",
    "FolderBlobs",
    "GitBlobs",
    "MemoryBlobs",
    "Mode",
    "Repository",
    "ResolvedPath",
    "Revision",
    "Tree",
    "blob_id",
    "changed_paths",
    "check_path",
    "edited_tree",
    "folder_tree",
    "follow",
    "materialise",
    "open_repository",
    "read_commit",
    "resolve_path",
    "scan_tree",
    "stream_tree",
    "write_commit",
]


def __getattr__(name: str) -> object:
    """Load a public name from the module it lives in."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
