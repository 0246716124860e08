"""Rendering: from an application's files to the manifests that a cluster would get.

The flow of this room: `render` refuses what must never run; a directory is handed on as it is; a
kustomization or chart is looked up in the cache, and otherwise written into a throw-away folder,
file by file of its closure, and given to its program inside the sandbox. Bases from other
repositories are brought in beforehand by `fetch_remotes`; `prepare` warms up before workers fork.

    discovery --> [fetch_remotes] --> render --> resources
"""

from __future__ import annotations

from gitops_gate.render.cache import CachedStream, RenderCache
from gitops_gate.render.interface import RENDERERS, Renderer
from gitops_gate.render.job import RenderJob
from gitops_gate.render.remote.fetching import fetch_remotes
from gitops_gate.render.remote.values import Remote, RemoteResult, RemoteSource
from gitops_gate.render.rendering import prepare, render
from gitops_gate.render.sandbox import SandboxStatus, sandbox_status
from gitops_gate.render.values import Failure, Manifest, Rendered, VolatileField

__all__ = [
    "RENDERERS",
    "CachedStream",
    "Failure",
    "Manifest",
    "Remote",
    "RemoteResult",
    "RemoteSource",
    "RenderCache",
    "RenderJob",
    "Rendered",
    "Renderer",
    "SandboxStatus",
    "VolatileField",
    "fetch_remotes",
    "prepare",
    "render",
    "sandbox_status",
]
