"""Fields that the API server refuses to change: the object has to be deleted and made anew.

From the update validation of `k8s.io/kubernetes/pkg/apis/*/validation` and the API reference.
A delivery of such a change fails, or an agent that may replace objects deletes them, with what
depends on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gitops_gate.changes.values import FieldChange
from gitops_gate.findings import FieldPath
from gitops_gate.resources.quantities import parse_quantity

_Paths = tuple[tuple[str, ...], ...]

_FIELDS: Mapping[tuple[str, str], _Paths] = {
    # immutable fields, with everything below them
    ("apps", "Deployment"): (("spec", "selector"),),
    ("apps", "DaemonSet"): (("spec", "selector"),),
    ("apps", "ReplicaSet"): (("spec", "selector"),),
    ("apps", "ControllerRevision"): (("data",),),
    ("batch", "Job"): tuple(
        ("spec", name)
        for name in (
            "backoffLimitPerIndex",
            "completionMode",
            "completions",
            "managedBy",
            "podFailurePolicy",
            "selector",
            "successPolicy",
            "template",
        )
    ),
    ("", "Secret"): (("type",),),
    ("", "PersistentVolume"): (("spec", "volumeMode"),),
    ("", "ResourceQuota"): (("spec", "scopes"),),
    ("rbac.authorization.k8s.io", "RoleBinding"): (("roleRef",),),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): (("roleRef",),),
    ("storage.k8s.io", "StorageClass"): (
        ("parameters",),
        ("provisioner",),
        ("reclaimPolicy",),
        ("volumeBindingMode",),
    ),
    ("storage.k8s.io", "VolumeAttributesClass"): (("driverName",), ("parameters",)),
    ("storage.k8s.io", "CSIDriver"): (
        ("spec", "attachRequired"),
        ("spec", "volumeLifecycleModes"),
    ),
    ("scheduling.k8s.io", "PriorityClass"): (("value",), ("preemptionPolicy",)),
    ("node.k8s.io", "RuntimeClass"): (("handler",),),
    ("networking.k8s.io", "IngressClass"): (("spec", "controller"),),
    ("discovery.k8s.io", "EndpointSlice"): (("addressType",),),
    ("resource.k8s.io", "ResourceClaim"): (("spec",),),
    ("resource.k8s.io", "ResourceClaimTemplate"): (("spec",),),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): (
        ("spec", "group"),
        ("spec", "names", "kind"),
        ("spec", "names", "plural"),
        ("spec", "scope"),
    ),
}

_ALL_BUT: Mapping[tuple[str, str], _Paths] = {
    # everything below spec is immutable, except these
    ("apps", "StatefulSet"): tuple(
        ("spec", name)
        for name in (
            "minReadySeconds",
            "ordinals",
            "persistentVolumeClaimRetentionPolicy",
            "replicas",
            "revisionHistoryLimit",
            "template",
            "updateStrategy",
        )
    ),
    ("", "PersistentVolumeClaim"): (
        ("spec", "resources", "requests"),
        ("spec", "volumeAttributesClassName"),
    ),
    ("", "Pod"): (
        ("spec", "activeDeadlineSeconds"),
        ("spec", "terminationGracePeriodSeconds"),
        ("spec", "tolerations"),
        ("spec", "schedulingGates"),
        ("spec", "ephemeralContainers"),
    ),
}

_VOLUME_SETTINGS = frozenset(
    {
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeAttributesClassName",
        "volumeMode",
    }
)
"""Members of a PersistentVolume's spec that are not its source; the source is immutable."""


def changes_immutable_field(
    kind: tuple[str, str],
    base: Mapping[str, Any],
    head: Mapping[str, Any],
    fields: Sequence[FieldChange],
) -> bool:
    """Whether one of `fields` may not change in objects of `kind`, a `(group, kind)`.

    `base` and `head` are the normal forms of the same object of the cluster.
    """
    paths = [change.path for change in fields]
    return (
        any(_is_immutable(kind, path) for path in paths)
        or _changes_frozen_data(kind, base, paths)
        or _changes_address(kind, base, head)
        or _shrinks(kind, base, head)
    )


def _is_immutable(kind: tuple[str, str], path: FieldPath) -> bool:
    if any(_starts(path, field) for field in _FIELDS.get(kind, ())):
        return True
    if kind == ("", "PersistentVolume") and path[:1] == ("spec",) and len(path) > 1:
        return path[1] not in _VOLUME_SETTINGS
    exceptions = _ALL_BUT.get(kind)
    if exceptions is None or path[:1] != ("spec",):
        return False
    if kind == ("", "Pod") and path[-1] == "image":
        return False
    return not any(_starts(path, field) for field in exceptions)


def _starts(path: FieldPath, field: tuple[str, ...]) -> bool:
    return path[: len(field)] == field


def _changes_frozen_data(
    kind: tuple[str, str], base: Mapping[str, Any], paths: Sequence[FieldPath]
) -> bool:
    """A ConfigMap or Secret with `immutable: true`, which can only be replaced."""
    if kind not in {("", "ConfigMap"), ("", "Secret")} or base.get("immutable") is not True:
        return False
    return any(path[0] in {"data", "binaryData", "immutable"} for path in paths)


def _changes_address(
    kind: tuple[str, str], base: Mapping[str, Any], head: Mapping[str, Any]
) -> bool:
    """A Service's cluster address: what is given later differs from what was allocated."""
    if kind != ("", "Service"):
        return False
    one, other = (_mapping(side.get("spec")) for side in (base, head))
    if "ExternalName" in (one.get("type"), other.get("type")):
        return False
    return bool(other.get("clusterIP")) and other["clusterIP"] != one.get("clusterIP")


def _shrinks(kind: tuple[str, str], base: Mapping[str, Any], head: Mapping[str, Any]) -> bool:
    """A claim that asks for less storage than before."""
    if kind != ("", "PersistentVolumeClaim"):
        return False
    one, other = (_storage(side) for side in (base, head))
    before, after = (parse_quantity(text) if text else None for text in (one, other))
    return before is not None and after is not None and after < before


def _storage(claim: Mapping[str, Any]) -> str:
    resources = _mapping(_mapping(claim.get("spec")).get("resources"))
    storage = _mapping(resources.get("requests")).get("storage")
    return storage if isinstance(storage, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
