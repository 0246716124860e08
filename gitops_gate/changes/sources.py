"""Whether what a cluster's agent follows is what gitops-gate delivers: the risk `delivery-source`.

Argo CD: https://argo-cd.readthedocs.io/en/stable/user-guide/application-specification/, and what a
revision stands for: /user-guide/tracking_strategies/. Flux: https://fluxcd.io/flux/components/source/
gitrepositories/#reference. Sources that are no Git repositories (charts, OCI, buckets) follow no
ref. Whatever cannot be told, such as a revision that a template fills in, counts as elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from gitops_gate.config.delivery_settings import DeliverySettings, is_delivered_to
from gitops_gate.config.refs import HEADS, TAGS

Source = tuple[str, str]
"""A place, and what is followed there, as they are written."""

_ARGO = "argoproj.io"
_FLUX_SOURCE = ("source.toolkit.fluxcd.io", "GitRepository")
_FLUX_INSTANCE = ("fluxcd.controlplane.io", "FluxInstance")
_REFERENCES = {
    ("kustomize.toolkit.fluxcd.io", "Kustomization"): ("spec", "sourceRef"),
    ("helm.toolkit.fluxcd.io", "HelmRelease"): ("spec", "chart", "spec", "sourceRef"),
}
_PORTS = {"http": 80, "https": 443, "ssh": 22}


def source_reference(group_kind: tuple[str, str]) -> tuple[str, ...] | None:
    """The field by which a kind of resource names its source, where that is another object."""
    return _REFERENCES.get(group_kind)


def known_at(
    delivery: DeliverySettings, group_kind: tuple[str, str], base: Mapping[str, Any] | None
) -> DeliverySettings:
    """The settings, with the addresses that a resource has at the base where they say none."""
    if delivery.addresses or base is None:
        return delivery
    addresses = dict.fromkeys(address for address, _, _ in _sources(group_kind, base))
    return replace(delivery, addresses=tuple(addresses))


def elsewhere(
    group_kind: tuple[str, str], value: Mapping[str, Any] | None, delivery: DeliverySettings
) -> frozenset[Source]:
    """What a resource follows besides refs that are delivered to; nothing without a delivery."""
    if value is None or not delivery.branches:
        return frozenset()
    places = frozenset(map(_place, delivery.addresses)) - {None}
    return frozenset(
        (address, followed)
        for address, followed, refs in _sources(group_kind, value)
        if not any(_is_delivered(delivery, ref) for ref in refs)
        or (places and _place(address) not in places)
    )


def _is_delivered(delivery: DeliverySettings, ref: str) -> bool:
    filled_in_later = "{{" in ref or "${" in ref
    return not filled_in_later and is_delivered_to(delivery, ref)


def _sources(
    group_kind: tuple[str, str], value: Mapping[str, Any]
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Every Git source: its address, what it follows as it is written, and which refs this is."""
    spec = value.get("spec")
    if group_kind == _FLUX_SOURCE and isinstance(spec, Mapping):
        ref = spec.get("ref")
        yield str(spec.get("url")), str(ref), _flux_refs(ref if isinstance(ref, Mapping) else {})
    elif group_kind == _FLUX_INSTANCE and isinstance(spec, Mapping):
        sync = spec.get("sync")
        if isinstance(sync, Mapping) and sync.get("kind", "GitRepository") == "GitRepository":
            yield str(sync.get("url")), str(sync.get("ref")), (str(sync.get("ref")),)
    elif group_kind in ((_ARGO, "Application"), (_ARGO, "ApplicationSet")):
        yield from _argo(spec, "")
        yield from _argo_beside(value)


def _argo(value: object, key: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Everything below a value that names a repository, wherever it is.

    Templates and generators have sources too, and so have the values of a chart of Applications.
    """
    if isinstance(value, list | tuple):
        for item in value:
            yield from _argo(item, key)
    if not isinstance(value, Mapping):
        return
    if "repoURL" in value and not _is_registry(value):
        revision = value.get("revision" if key == "git" else "targetRevision")
        yield str(value["repoURL"]), str(revision), _argo_refs(revision)
    for name, item in value.items():
        yield from _argo(item, str(name))


def _is_registry(source: Mapping[str, Any]) -> bool:
    """Whether a source is a Helm chart of a registry, or an OCI artifact, which have no refs."""
    chart = source.get("chart")
    named = isinstance(chart, str) and chart != "" and "{{" not in chart
    return named or str(source["repoURL"]).startswith("oci://")


def _argo_beside(value: Mapping[str, Any]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """What has the last word over a source: a sync that is asked for, a patch of a template."""
    operation = value.get("operation")
    sync = operation.get("sync") if isinstance(operation, Mapping) else None
    for name in ("revision", "revisions", "source", "sources", "manifests"):
        if isinstance(sync, Mapping) and name in sync:
            yield "operation", f"{name} {sync[name]}", ()
    spec = value.get("spec")
    patch = spec.get("templatePatch") if isinstance(spec, Mapping) else None
    if patch:
        yield "templatePatch", str(patch), ()


def _argo_refs(revision: object) -> tuple[str, ...]:
    """The ref of a revision. A short name is that of a branch, which comes before a tag."""
    text = str(revision) if isinstance(revision, str) else ""
    return (text if text.startswith("refs/") else f"{HEADS}{text}",)


def _flux_refs(ref: Mapping[str, Any]) -> tuple[str, ...]:
    """The ref that Flux checks out, in the order in which its fields count."""
    if ref.get("commit"):
        return ()
    if ref.get("name"):
        return (str(ref["name"]),)
    if ref.get("semver"):
        return ()
    if ref.get("tag"):
        return (f"{TAGS}{ref['tag']}",)
    return (f"{HEADS}{ref.get('branch') or 'master'}",)


def _place(address: str) -> tuple[str, str] | None:
    """Host and path of a repository, however it is reached; None where that cannot be told."""
    short = re.fullmatch(r"(?:[^@/]+@)?([^:/@]+):(?!//)(.+)", address)
    try:
        parts = urlsplit(f"ssh://{short[1]}/{short[2]}" if short else address)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname or parts.query or parts.fragment:
        return None
    own = "" if port in (None, _PORTS.get(parts.scheme)) else f":{port}"
    return f"{parts.hostname}{own}", parts.path.strip("/").removesuffix(".git")
