"""The settings of `delivery`, as the other rooms read them; defaults of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from gitops_gate.config.globs import matches
from gitops_gate.config.refs import BRANCH


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

    `signing` is None where nothing is signed, and then nothing is delivered. `addresses` are those
    at which clusters read this repository; empty where they are not said.
    """

    branches: Mapping[str, tuple[DeliveryTarget, ...]] = field(default_factory=dict)
    attestations: str = "refs/heads/gitops-gate/attestations"
    signing: SigningSettings | None = None
    addresses: tuple[str, ...] = ()


def delivery_targets(settings: DeliverySettings, branch: str) -> tuple[DeliveryTarget, ...]:
    """The refs that a branch, by its short name, is delivered to, with `{branch}` filled in.

    Those of the first pattern that matches; none where none does.
    """
    for pattern, targets in settings.branches.items():
        if matches(pattern, branch):
            return tuple(replace(one, ref=one.ref.replace(BRANCH, branch)) for one in targets)
    return ()


def is_delivered_to(settings: DeliverySettings, ref: str) -> bool:
    """Whether some branch may be delivered to a ref, by its full name."""
    for targets in settings.branches.values():
        for target in targets:
            before, filled, after = target.ref.partition(BRANCH)
            if not filled and ref == before:
                return True
            branch = ref[len(before) : len(ref) - len(after)]
            named = f"{before}{branch}{after}" == ref and branch != ""
            if filled and named and _targets(settings, branch, ref):
                return True
    return False


def _targets(settings: DeliverySettings, branch: str, ref: str) -> bool:
    return any(target.ref == ref for target in delivery_targets(settings, branch))
