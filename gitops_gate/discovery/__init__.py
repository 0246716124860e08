"""Trees to applications: what a repository deploys, which files each part reads, what changed.

The room between configuration and rendering. `discover_pair` looks at the two revisions of a
change, `discover` at one tree; `affected` says which applications have to be rendered. Everything
is decided from Git objects: no program is started here, and nothing is written but the cache.

    tree ──reader──> facts of files ──nodes, charts──> survey of the tree      (no settings)
                                                          │
    settings ──selection──> plans of both revisions <─────┘                    (what is deployed)
                               │
                     applications, closures, unclaimed ──affected──> what is rendered
"""

from __future__ import annotations

from gitops_gate.discovery.affected import affected
from gitops_gate.discovery.cache import FactCache
from gitops_gate.discovery.discover import discover, discover_pair
from gitops_gate.discovery.values import (
    Affected,
    Application,
    Closure,
    Discovery,
    HelmRelease,
    Refusal,
    RemoteReference,
    Renderer,
    Unclaimed,
)

__all__ = [
    "Affected",
    "Application",
    "Closure",
    "Discovery",
    "FactCache",
    "HelmRelease",
    "Refusal",
    "RemoteReference",
    "Renderer",
    "Unclaimed",
    "affected",
    "discover",
    "discover_pair",
]
