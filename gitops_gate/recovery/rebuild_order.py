"""In which order the objects of an environment are created where nothing is there yet.

Each object belongs to one phase; what a phase needs is in those before it. As facts the orders of
Helm ("kind_sorter") and Kustomize ("legacy" sort) were looked at; they are about one release,
where this is about a whole cluster, so two things are different. Custom resources come after the
workloads, some of which are the operators that serve them. Admission comes last: a webhook that
is there before its pods refuses everything that would start them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from gitops_gate.checks.schema.catalogue import is_builtin_group
from gitops_gate.resources.values import ResourceKey

PHASES: Mapping[str, tuple[str, ...]] = {
    "namespaces": ("Namespace",),
    "definitions": ("CustomResourceDefinition",),
    "cluster": (
        *("PriorityClass", "RuntimeClass", "StorageClass", "VolumeAttributesClass", "CSIDriver"),
        *("IngressClass", "DeviceClass", "PriorityLevelConfiguration", "FlowSchema"),
        *("ClusterRole", "ClusterRoleBinding"),
    ),
    "accounts": (
        *("ResourceQuota", "LimitRange", "NetworkPolicy", "PodDisruptionBudget"),
        *("ServiceAccount", "Role", "RoleBinding"),
    ),
    "configuration": ("Secret", "ConfigMap"),
    "storage": ("PersistentVolume", "PersistentVolumeClaim"),
    "services": ("Service", "Endpoints", "EndpointSlice"),
    "workloads": (
        *("DaemonSet", "StatefulSet", "Deployment", "ReplicaSet", "ReplicationController", "Pod"),
        *("Job", "CronJob", "HorizontalPodAutoscaler", "Ingress"),
    ),
    "custom-resources": (),
    "agents": (
        *("AppProject", "GitRepository", "HelmRepository", "OCIRepository", "Bucket", "HelmChart"),
        *("Application", "ApplicationSet", "Kustomization", "HelmRelease"),
    ),
    "admission": (
        *("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
        *("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "APIService"),
        *("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"),
    ),
}
"""The phases, first to last, each with the built-in kinds in it in their order."""

_PHASE_OF = {kind: phase for phase, kinds in PHASES.items() for kind in kinds if phase != "agents"}
_HELM_HOOK = "helm.sh/hook"
_HELM_WEIGHT = "helm.sh/hook-weight"
_ARGO_HOOK = "argocd.argoproj.io/hook"
_ARGO_WAVE = "argocd.argoproj.io/sync-wave"
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}")
_BEFORE = frozenset({"pre-install", "crd-install", "PreSync"})
_AFTER = frozenset({"post-install", "PostSync"})
_INSTALLING = _BEFORE | _AFTER | {"Sync"}

_CLUSTER_SCOPED: Mapping[str, frozenset[str]] = {
    "": frozenset({"Namespace", "Node", "PersistentVolume", "ComponentStatus"}),
    "apiextensions.k8s.io": frozenset({"CustomResourceDefinition"}),
    "apiregistration.k8s.io": frozenset({"APIService"}),
    "authentication.k8s.io": frozenset({"TokenReview", "SelfSubjectReview"}),
    "authorization.k8s.io": frozenset(
        {"SubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview"}
    ),
    "certificates.k8s.io": frozenset({"CertificateSigningRequest", "ClusterTrustBundle"}),
    "internal.apiserver.k8s.io": frozenset({"StorageVersion"}),
    "networking.k8s.io": frozenset({"IngressClass", "IPAddress", "ServiceCIDR"}),
    "node.k8s.io": frozenset({"RuntimeClass"}),
    "policy": frozenset({"PodSecurityPolicy"}),
    "rbac.authorization.k8s.io": frozenset({"ClusterRole", "ClusterRoleBinding"}),
    "resource.k8s.io": frozenset({"DeviceClass", "DeviceTaintRule", "ResourceSlice"}),
    "scheduling.k8s.io": frozenset({"PriorityClass"}),
    "storage.k8s.io": frozenset(
        {"StorageClass", "CSIDriver", "CSINode", "VolumeAttachment", "VolumeAttributesClass"}
    ),
    "storagemigration.k8s.io": frozenset({"StorageVersionMigration"}),
}
"""Built-in kinds that belong to no namespace (Kubernetes' API reference)."""
_CLUSTER_SCOPED_GROUPS = frozenset({"admissionregistration.k8s.io", "flowcontrol.apiserver.k8s.io"})


def phase_of(key: ResourceKey) -> str:
    """The phase of an object. A built-in kind that is not listed goes with the workloads."""
    if key.group == "argoproj.io" and key.kind in PHASES["agents"]:
        return "agents"
    if key.group.endswith(".toolkit.fluxcd.io"):
        return "agents"
    if not is_builtin(key):
        return "custom-resources"
    return _PHASE_OF.get(key.kind, "workloads")


def place_in_phase(key: ResourceKey, value: Mapping[str, Any]) -> tuple[Any, ...]:
    """A sort key within the phase: hooks before and after the rest, kinds, waves, then names."""
    events = hook_events(value)
    part = -1 if events & _BEFORE else 1 if events & _AFTER else 0
    kinds = PHASES[phase_of(key)]
    rank = kinds.index(key.kind) if key.kind in kinds else len(kinds)
    return (part, _wave(value) if part else 0, rank, _wave(value), *key)


def is_builtin(key: ResourceKey) -> bool:
    """Whether Kubernetes itself serves the group, so that it needs no definition."""
    return is_builtin_group(f"{key.group}/v1" if key.group else "v1")


def is_namespaced(key: ResourceKey, scopes: Mapping[tuple[str, str], str]) -> bool | None:
    """Whether objects of the kind belong to a namespace; None where nobody knows.

    `scopes` are those of custom kinds, by group and kind (`spec.scope` of their definitions).
    """
    if (scope := scopes.get((key.group, key.kind))) is not None:
        return scope != "Cluster"
    if phase_of(key) == "agents":
        return True
    if not is_builtin(key):
        return None
    cluster = key.group in _CLUSTER_SCOPED_GROUPS
    return not cluster and key.kind not in _CLUSTER_SCOPED.get(key.group, ())


def is_for_other_occasions(value: Mapping[str, Any]) -> bool:
    """Whether it is a hook that an installation does not run: of upgrades, failures, deletions."""
    events = hook_events(value)
    return bool(events) and not events & _INSTALLING


def hook_events(value: Mapping[str, Any]) -> frozenset[str]:
    """The events that an object is a hook of, by Helm's or Argo CD's annotation; usually none.

    Argo CD's own annotation counts where both are there, as it does for Argo CD ("Resource Hooks").
    """
    annotations = _annotations(value)
    said = annotations.get(_ARGO_HOOK) or annotations.get(_HELM_HOOK)
    if not isinstance(said, str):
        return frozenset()
    return frozenset(event.strip() for event in said.split(",") if event.strip())


def _wave(value: Mapping[str, Any]) -> int:
    annotations = _annotations(value)
    for name in (_ARGO_WAVE, _HELM_WEIGHT):
        said = str(annotations.get(name, "")).strip()
        if _NUMBER.fullmatch(said):
            return int(said)
    return 0


def _annotations(value: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = value.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    return annotations if isinstance(annotations, Mapping) else {}


def scopes_of(definitions: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """What CustomResourceDefinitions define: group and kind, with `Namespaced` or `Cluster`."""
    scopes: dict[tuple[str, str], str] = {}
    for definition in definitions:
        spec = definition.get("spec")
        names = spec.get("names") if isinstance(spec, Mapping) else None
        if isinstance(spec, Mapping) and isinstance(names, Mapping):
            group, kind, scope = spec.get("group"), names.get("kind"), spec.get("scope")
            if isinstance(group, str) and isinstance(kind, str):
                scopes[group, kind] = scope if isinstance(scope, str) else "Namespaced"
    return scopes
