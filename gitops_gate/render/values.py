"""What rendering hands on: one application's manifests at one revision, or why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitops_gate.findings import Finding
from gitops_gate.resources.values import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One rendered YAML document: its bytes, and the source that it came from, when known."""

    text: bytes
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatileField:
    """A field whose value depends on chance, time or the cluster: it is compared with nothing.

    `resource` is `(apiVersion, kind, namespace, name)` and `field` the path into it.
    """

    resource: tuple[str, str, str, str]
    field: tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an application could not be rendered. `code` is a rule id such as `render/failed`."""

    code: str
    message: str
    path: str | None = None
    line: int | None = None
    remedy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """The manifests of one application at one revision.

    Exactly one of `failure` and a usable `manifests` is there: an application that renders to
    nothing has no failure and no manifests. `tools` are the engines used, with their versions.
    """

    manifests: tuple[Manifest, ...] = ()
    failure: Failure | None = None
    findings: tuple[Finding, ...] = ()
    volatile: tuple[VolatileField, ...] = ()
    tools: Mapping[str, str] = field(default_factory=dict)
    sandboxed: bool = True
