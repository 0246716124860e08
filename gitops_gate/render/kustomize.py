"""Applications that are kustomizations, built with `kustomize build` or `kubectl kustomize`.

The kustomization is named relative to the repository's root. Kustomize's own restriction holds: a
kustomization reads files below its own folder only, and folders wherever they are. Plug-ins,
functions and the Helm inflator stay switched off; discovery refuses what asks for them.
"""

from __future__ import annotations

import re

from gitops_gate.discovery.kustomizations import NAMES
from gitops_gate.documents import split_stream
from gitops_gate.render import engines
from gitops_gate.render.cached import Produced, render_cached
from gitops_gate.render.engines import Engine
from gitops_gate.render.external import execute
from gitops_gate.render.job import RenderJob
from gitops_gate.render.values import Manifest, Rendered
from gitops_gate.resources.values import Origin

_WORD = re.compile(r"[^\s'\"`:,()]+")


def render_kustomization(job: RenderJob) -> Rendered:
    """Build the kustomization. Raises `RenderError`, `SourceError`, `ManifestError`."""
    engine = engines.kustomize(job.settings.kustomize_command)
    return render_cached(job, engine, produce=_build, cut=_cut)


def _build(job: RenderJob, engine: Engine) -> Produced:
    arguments = ("--load-restrictor", "LoadRestrictionsRootOnly", f"./{job.application.path}")
    outputs = execute(job, engine, arguments, locate=lambda message: _locate(job, message))
    return Produced(stream=outputs.streams[0], sandboxed=outputs.sandboxed)


def _cut(job: RenderJob, stream: bytes) -> tuple[Manifest, ...]:
    return tuple(Manifest(text=document.text, origin=Origin()) for document in split_stream(stream))


def _locate(job: RenderJob, message: str) -> tuple[str | None, int | None]:
    """The last file of the closure that the message names, else the kustomization itself."""
    for word in reversed(_WORD.findall(message)):
        if word in job.closure.files:
            return word, None
    folder = "" if job.application.path == "." else f"{job.application.path}/"
    for name in NAMES:
        if f"{folder}{name}" in job.closure.files:
            return f"{folder}{name}", None
    return None, None
