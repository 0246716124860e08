"""What discovery hands on: applications, the files each one reads, and what nobody claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gitops_gate.discovery.facts import ManifestFacts


class Renderer(StrEnum):
    """How an application becomes manifests."""

    DIRECTORY = "directory"
    KUSTOMIZE = "kustomize"
    HELM = "helm"


@dataclass(frozen=True, slots=True, kw_only=True)
class HelmRelease:
    """The arguments of `helm template` for one application; `values` are repository paths."""

    release: str
    namespace: str = "default"
    values: tuple[str, ...] = ()
    api_versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """One deployable unit. `path` is its directory ("." for the root); `name` is unique.

    `destinations` are the namespaces that Argo CD and Flux objects of the tree deploy it into.
    """

    name: str
    path: str
    renderer: Renderer
    environment: str
    helm: HelmRelease | None = None
    destinations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteReference:
    """Something a kustomization takes from outside the repository.

    `reference` is as written; `path`, `line` name the kustomization that has it.
    """

    reference: str
    path: str
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A reason not to start a renderer at all. `code` is a rule id, such as `render/exec`."""

    code: str
    message: str
    path: str
    line: int = 0
    remedy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """Every file that rendering an application reads, found from Git objects alone.

    `missing` are paths that are referred to and do not exist; one that appears later affects the
    application. `remotes` must be fetched beforehand, or the application is refused.
    """

    files: frozenset[str]
    missing: frozenset[str] = frozenset()
    remotes: tuple[RemoteReference, ...] = ()
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclaimed:
    """A file that looks like a manifest and belongs to no application, with the reason."""

    path: str
    reason: str
    blocks: bool = False
    """Whether a change to it makes the verdict indeterminate (contract, section 3, unreached)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """All applications of one tree. Mappings are keyed by application name, in sorted order."""

    applications: Mapping[str, Application]
    closures: Mapping[str, Closure]
    unclaimed: tuple[Unclaimed, ...] = ()
    crds: tuple[str, ...] = ()
    """Paths of files that hold CustomResourceDefinitions, by configuration or by content."""
    kustomization_files: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Files read by each kustomization that no application reaches, keyed by its directory."""
    hidden_charts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Files of each chart that an agent names and a kustomization beside it hides, by directory."""
    unrendered_values: frozenset[str] = frozenset()
    """Values files that an agent gives to a chart and no application renders it with."""
    facts: Mapping[str, ManifestFacts] = field(default_factory=dict, repr=False)
    """What is known of each file that looks like manifests, by path."""
    opaque: frozenset[str] = frozenset()
    """Names of applications whose files do not show all the kinds of their resources."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """What a change touches. Everything is sorted by name or path.

    `applications` are the names of those to render. `unreached` are changes that make the verdict
    indeterminate (contract, section 3); `unclaimed` the other changed files that look like
    manifests and belong to no application. `unchanged_unclaimed` counts the
    unclaimed files that did not change.
    """

    applications: tuple[str, ...] = ()
    unreached: tuple[Unclaimed, ...] = ()
    unclaimed: tuple[Unclaimed, ...] = ()
    unchanged_unclaimed: int = 0
