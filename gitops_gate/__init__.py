"""gitops-gate: only approved, valid changes reach the cluster.

The public API. A change goes through the rooms of this package in one direction:

    source      Git revisions, folders and streams -> trees
    config      .gitops-gate.yaml -> settings
    discovery   trees -> applications, the files each reads, and which a change affects
    render      application -> manifests (directory, Kustomize, Helm)
    documents   bytes -> YAML documents as Kubernetes reads them
    resources   manifests -> resources, their keys and normal forms
    changes     resources of base and head -> what changes in the cluster
    checks      resources -> findings, by schemas and policies
    verdict     findings and coverage -> allow, deny, pending or indeterminate
    reports     report -> text, JSON, Markdown, HTML, SARIF, JUnit, comments, and JSON back

`evaluation` runs the middle of it for each application, `pipeline` wires it all. In CI, `ci` reads
what the run is about, `forges` speak to GitHub and GitLab, and `review` is the room above: it
judges what would land, by `approvals` as well, and publishes the answer. After the merge `delivery`
judges what landed, with `attestations` of why, and moves the ref that the cluster follows;
`recovery` opens the changes that go back. The library never prints, exits or reads the environment.
Every error derives from `GitOpsGateError`.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from gitops_gate.api import check, judge, load_config, render, scan
    from gitops_gate.changes.values import FieldChange, Operation, ResourceChange
    from gitops_gate.config.settings import Settings
    from gitops_gate.documents import load_yaml
    from gitops_gate.errors import (
        ConfigurationError,
        GitOpsGateError,
        InternalError,
        ManifestError,
        PolicyError,
        RenderError,
        SchemaError,
        SourceError,
        ToolError,
        UnsafePathError,
    )
    from gitops_gate.findings import Finding, Location, Severity, WaiverUse
    from gitops_gate.pipeline import Options
    from gitops_gate.reports import ReportOptions, render_report
    from gitops_gate.reports.reading import read_report, report_digest
    from gitops_gate.resources.values import ResourceKey, ResourceReference
    from gitops_gate.verdict.values import (
        ApplicationOutcome,
        Coverage,
        Reason,
        Report,
        RulesEffect,
        Sides,
        Status,
        Verdict,
    )

_HOMES = {
    "api": ("check", "judge", "load_config", "render", "scan"),
    "changes.values": ("FieldChange", "Operation", "ResourceChange"),
    "config.settings": ("Settings",),
    "documents": ("load_yaml",),
    "errors": (
        "ConfigurationError",
        "GitOpsGateError",
        "InternalError",
        "ManifestError",
        "PolicyError",
        "RenderError",
        "SchemaError",
        "SourceError",
        "ToolError",
        "UnsafePathError",
    ),
    "findings": ("Finding", "Location", "Severity", "WaiverUse"),
    "pipeline": ("Options",),
    "reports": ("ReportOptions", "render_report"),
    "reports.reading": ("read_report", "report_digest"),
    "resources.values": ("ResourceKey", "ResourceReference"),
    "verdict.values": (
        "ApplicationOutcome",
        "Coverage",
        "Reason",
        "Report",
        "RulesEffect",
        "Sides",
        "Status",
        "Verdict",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "ApplicationOutcome",
    "ConfigurationError",
    "Coverage",
    "FieldChange",
    "Finding",
    "GitOpsGateError",
    "InternalError",
    "Location",
    "ManifestError",
    "Operation",
    "Options",
    "PolicyError",
    "Reason",
    "RenderError",
    "Report",
    "ReportOptions",
    "ResourceChange",
    "ResourceKey",
    "ResourceReference",
    "RulesEffect",
    "SchemaError",
    "Settings",
    "Severity",
    "Sides",
    "SourceError",
    "Status",
    "ToolError",
    "UnsafePathError",
    "Verdict",
    "WaiverUse",
    "__version__",
    "check",
    "judge",
    "load_config",
    "load_yaml",
    "read_report",
    "render",
    "render_report",
    "report_digest",
    "scan",
]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that importing the package costs nothing."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"gitops_gate.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


class _Package(ModuleType):
    """This package: its `render` stays the function, whenever the room of that name is imported."""

    @property
    def render(self) -> Any:
        """The public function; the import of `gitops_gate.render` would set the room here."""
        return importlib.import_module("gitops_gate.api").render

    @render.setter
    def render(self, room: ModuleType) -> None:
        """Leave the room to be found by its full name."""


sys.modules[__name__].__class__ = _Package
