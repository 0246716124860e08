"""What a renderer is given: one application at one revision, and how to run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from gitops_gate.config.settings import RenderSettings
from gitops_gate.discovery.values import Application, Closure
from gitops_gate.render.cache import FORMAT, RenderCache
from gitops_gate.render.engines import Engine
from gitops_gate.render.remote.values import RemoteResult
from gitops_gate.source.values import Mode, Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderJob:
    """`kubernetes` is the target version as `major.minor`; `remotes` are the bases fetched."""

    application: Application
    closure: Closure
    tree: Tree
    settings: RenderSettings
    kubernetes: str
    cache: RenderCache | None = None
    require_sandbox: bool = False
    remotes: Mapping[str, RemoteResult] = field(default_factory=dict)


def cache_key(job: RenderJob, engine: Engine) -> str:
    """The name of a job's result: the SHA-256 of all that can influence it, in hexadecimal.

    Files that are not known by a blob id yet are read. Raises `SourceError` when one is missing.
    """
    files = []
    for path in sorted(job.closure.files):
        entry = job.tree.entries.get(path)
        if entry is None:
            continue
        identity = entry.oid
        if identity.startswith("path:") and entry.mode != Mode.SUBMODULE:
            identity = "sha256:" + hashlib.sha256(job.tree.read(path)).hexdigest()
        files.append((path, entry.mode.value, identity))
    parts = {
        "format": FORMAT,
        "renderer": job.application.renderer.value,
        "path": job.application.path,
        "helm": asdict(job.application.helm) if job.application.helm else None,
        "kubernetes": job.kubernetes,
        "engine": [engine.name, engine.version],
        "files": files,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("ascii")).hexdigest()
