"""The family of renderers: one function for each kind of application, in one registry.

To add a renderer, write a module with such a function and name it in `RENDERERS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from gitops_gate.discovery.values import Renderer as Kind
from gitops_gate.render.directory import render_directory
from gitops_gate.render.helm import render_chart
from gitops_gate.render.job import RenderJob
from gitops_gate.render.kustomize import render_kustomization
from gitops_gate.render.values import Rendered


class Renderer(Protocol):
    """Makes manifests of one application at one revision."""

    def __call__(self, job: RenderJob) -> Rendered:
        """Render. Raises any `GitOpsGateError` for what cannot be rendered."""


RENDERERS: Mapping[Kind, Renderer] = MappingProxyType(
    {
        Kind.DIRECTORY: render_directory,
        Kind.KUSTOMIZE: render_kustomization,
        Kind.HELM: render_chart,
    }
)
