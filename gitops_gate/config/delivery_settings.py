"""The settings of `delivery`, as the other rooms read them; defaults of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryTarget:
    """A ref that follows a branch: one entry of `delivery.branches.<branch>`.

    `ref` is a full ref name, of a branch or a tag; `{branch}` in it stands for the branch's short
    name. `environments` are those whose freezes hold it, and that a hydrated ref carries; empty for
    all. `start` is the commit that the first delivery begins after, None where none is named.
    `hydrate`: the ref carries rendered manifests instead of the branch's own commits.
    """

    ref: str
    environments: tuple[str, ...] = ()
    start: str | None = None
    hydrate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningSettings:
    """How attestations are signed.

    `key` says where the private key is: `env:NAME`, `file:PATH`, or the address of a key service
    (`awskms:`, `azurekms:`, `gcpkms:`, `hv:`) as securesystemslib reads it; None with `sigstore`.
    """

    method: Literal["key", "sigstore"] = "key"
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """`delivery`. `branches` are globs over short branch names, the first that matches counts.

    `signing` is None where nothing is signed, and then nothing is delivered.
    """

    branches: Mapping[str, tuple[DeliveryTarget, ...]] = field(default_factory=dict)
    attestations: str = "refs/heads/gitops-gate/attestations"
    signing: SigningSettings | None = None
