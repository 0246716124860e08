"""The validated settings, as the other rooms read them. Defaults are those of the contract.

Built by `gitops_gate.config.load` from `.gitops-gate.yaml`; every value here is already checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from gitops_gate.config.approval_settings import ApprovalSettings, Freeze
from gitops_gate.config.delivery_settings import DeliverySettings
from gitops_gate.findings import Severity

DEFAULT_ENVIRONMENT = "default"
NEWEST_KUBERNETES = "1.36"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """An environment: globs over application paths, and what overrides the defaults in it."""

    name: str
    match: tuple[str, ...] = ()
    kubernetes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoverySettings:
    """Which paths discovery looks at; `**` matches zero or more segments."""

    include: tuple[str, ...] = ("**",)
    exclude: tuple[str, ...] = ("**/testdata/**",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredHelm:
    """`applications[].helm`; `values` are relative to the chart, with a leading `/` to the root."""

    release: str | None = None
    namespace: str | None = None
    values: tuple[str, ...] = ()
    api_versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredApplication:
    """`applications[]`: adds to what discovery finds, or overrides it by path.

    `path` is a folder or a glob over folders.
    """

    path: str
    name: str | None = None
    renderer: Literal["directory", "kustomize", "helm"] | None = None
    environment: str | None = None
    helm: ConfiguredHelm = ConfiguredHelm()


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderSettings:
    """How renderers are run. `timeout` is in seconds, per application and side."""

    timeout: float = 60.0
    helm_command: str = "helm"
    kustomize_command: str = "kustomize"
    allow_remote: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaSettings:
    """Against which schemas resources are validated, and by which engine."""

    engine: Literal["embedded", "kubeconform"] = "embedded"
    kubeconform_command: str = "kubeconform"
    kubernetes: str = NEWEST_KUBERNETES
    strict: bool = True
    missing: Literal["error", "warning", "ignore"] = "warning"
    crds: tuple[str, ...] = ("**/crds/**",)
    locations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOverride:
    """`policies.rules.<id or area>`: what the configuration changes about a rule."""

    severity: Severity | Literal["off"] | None = None
    environments: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySettings:
    """Which policies are loaded, and by which engine they are evaluated."""

    engine: Literal["embedded", "opa"] = "embedded"
    opa_command: str = "opa"
    opa_url: str | None = None
    builtin: tuple[str, ...] = ("recommended",)
    paths: tuple[str, ...] = ("policies/",)
    rules: Mapping[str, RuleOverride] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """What makes the verdict deny."""

    mode: Literal["enforce", "advisory"] = "enforce"
    fail_on: Severity = Severity.ERROR
    scope: Literal["introduced", "all"] = "introduced"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeSettings:
    """The server and the repository that alone may be spoken to. None: the CI's public forge."""

    url: str | None = None
    repository_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewSettings:
    """What a review publishes, and under which name."""

    comment: bool = True
    inline: bool = True
    inline_maximum: int = 20
    check_name: str = "gitops-gate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A whole configuration; `settings_digest` is over its content."""

    environments: tuple[Environment, ...] = ()
    discovery: DiscoverySettings = DiscoverySettings()
    applications: tuple[ConfiguredApplication, ...] = ()
    render: RenderSettings = RenderSettings()
    schemas: SchemaSettings = SchemaSettings()
    policies: PolicySettings = PolicySettings()
    gate: GateSettings = GateSettings()
    waivers: str = ".gitops-gate/waivers.yaml"
    approvals: ApprovalSettings = field(default_factory=ApprovalSettings)
    freezes: tuple[Freeze, ...] = ()
    forge: ForgeSettings = ForgeSettings()
    review: ReviewSettings = ReviewSettings()
    delivery: DeliverySettings = field(default_factory=DeliverySettings)
    redact: tuple[str, ...] = ()

    def kubernetes(self, environment: str) -> str:
        """The Kubernetes version of an environment, as `major.minor`."""
        for candidate in self.environments:
            if candidate.name == environment and candidate.kubernetes:
                return candidate.kubernetes
        return self.schemas.kubernetes
