"""Labels for what a reviewer must not miss in a changed resource.

- `admission-changed`: a webhook configuration or admission policy is added, changed or removed.
- `api-group-changed`: the same object is now declared under another API group.
- `cluster-admin`: the built-in role `cluster-admin` is bound to somebody new.
- `crd-removed`: a CustomResourceDefinition is removed, and all its objects with it.
- `crd-version-removed`: a version of a CustomResourceDefinition is no longer served.
- `data-loss`: a claim, a namespace, a definition, or a volume with policy Delete is removed; a
  reclaim or retention policy becomes Delete; volume claim templates change; a StatefulSet that
  deletes its claims is removed or scaled down.
- `delivery-source`: an Argo CD or Flux object comes to follow something else than a ref that is
  delivered to, where `delivery.branches` names any (`gitops_gate.changes.sources`).
- `exposure`: a Service becomes reachable from outside, or gets external addresses or loses source
  ranges; an Ingress, Route, Gateway or a Gateway's route is added or gets hosts.
- `image-changed`: a container's image changes, or a container is added.
- `immutable-field`: a field changes that the API server refuses to change
  (`gitops_gate.changes.immutable`).
- `namespace-changed`: the namespace was left to the destination on one side only.
- `namespace-removed`: a Namespace is removed, and everything in it.
- `network-policy-removed`: a network policy is removed.
- `rbac-widened`: a role allows more, or a binding has more subjects (`gitops_gate.changes.rbac`).
- `replicas-zero`: replicas go to zero.
- `rollout`: the pod template changes, so that pods are replaced.
- `selector-changed`: the selector of a workload, Service, budget, monitor or network policy
  changes.

Labels are facts about the change; what they ask for is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gitops_gate.changes import rbac
from gitops_gate.changes.immutable import changes_immutable_field
from gitops_gate.changes.sources import elsewhere, known_at, source_reference
from gitops_gate.changes.values import FieldChange
from gitops_gate.config.delivery_settings import DeliverySettings
from gitops_gate.resources.values import ResourceReference


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What the labels of one resource are found from: its normal forms, and what differs.

    `delivery` says which refs are delivered to, by the rules that decide.
    """

    reference: ResourceReference
    previous: ResourceReference | None
    base: Mapping[str, Any] | None
    head: Mapping[str, Any] | None
    fields: Sequence[FieldChange]
    delivery: DeliverySettings = field(default_factory=DeliverySettings)

    @property
    def kind(self) -> str:
        """The kind, without its group."""
        return self.reference.kind

    @property
    def group_kind(self) -> tuple[str, str]:
        """Group and kind."""
        return self.reference.key.group, self.reference.kind

    @property
    def leaves(self) -> bool:
        """Whether the base's object is no longer declared where it was."""
        return self.base is not None and (self.head is None or self._moved)

    @property
    def _moved(self) -> bool:
        return self.previous is not None and self.previous.namespace != self.reference.namespace

    def at(self, *path: str) -> tuple[object, object]:
        """The values of one field at base and head; None where there is none."""
        return _get(self.base, path), _get(self.head, path)

    def changes(self, *path: str) -> bool:
        """Whether something at or below a field differs; false for added and removed resources."""
        return any(change.path[: len(path)] == path for change in self.fields)


def risks(subject: Subject) -> tuple[str, ...]:
    """The sorted labels of one changed resource."""
    return tuple(sorted(label for label, applies in _LABELS.items() if applies(subject)))


def _get(value: object, path: Sequence[str]) -> object:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


_ADMISSION = frozenset(
    {
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    }
)
_NETWORK_POLICIES = frozenset(
    {
        "AdminNetworkPolicy",
        "BaselineAdminNetworkPolicy",
        "CiliumClusterwideNetworkPolicy",
        "CiliumNetworkPolicy",
        "GlobalNetworkPolicy",
        "NetworkPolicy",
    }
)
_ROLLED = frozenset({"DaemonSet", "Deployment", "DeploymentConfig", "Rollout", "StatefulSet"})
_CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")
_ENTRANCES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    # kinds that let traffic in, with the fields that say for which hosts
    "Gateway": (("spec", "listeners"),),
    "GRPCRoute": (("spec", "hostnames"),),
    "HTTPRoute": (("spec", "hostnames"),),
    "Ingress": (("spec", "rules"), ("spec", "defaultBackend")),
    "IngressRoute": (("spec", "routes"),),
    "Route": (("spec", "host"),),
    "TLSRoute": (("spec", "hostnames"),),
}
_REACHABLE = ("LoadBalancer", "NodePort")


def _data_loss(subject: Subject) -> bool:
    if subject.leaves and subject.kind in {"Namespace", "PersistentVolumeClaim"}:
        return True
    if subject.group_kind == ("apiextensions.k8s.io", "CustomResourceDefinition"):
        return subject.head is None
    if subject.group_kind == ("", "PersistentVolume"):
        policy = subject.at("spec", "persistentVolumeReclaimPolicy")
        return policy[0] == "Delete" if subject.head is None else _becomes(policy, "Delete")
    if subject.group_kind == ("storage.k8s.io", "StorageClass"):
        return subject.head is not None and _becomes(subject.at("reclaimPolicy"), "Delete")
    return subject.group_kind == ("apps", "StatefulSet") and _loses_claims(subject)


def _loses_claims(subject: Subject) -> bool:
    if subject.base is None:
        return False
    retention = ("spec", "persistentVolumeClaimRetentionPolicy")
    deleted, scaled = (subject.at(*retention, name) for name in ("whenDeleted", "whenScaled"))
    if subject.leaves and deleted[0] == "Delete":
        return True
    if subject.head is None:
        return False
    before, after = (_count(value) for value in subject.at("spec", "replicas"))
    return (
        _becomes(deleted, "Delete")
        or _becomes(scaled, "Delete")
        or (scaled[1] == "Delete" and after < before)
        or subject.changes("spec", "volumeClaimTemplates")
    )


def _becomes(sides: tuple[object, object], value: str) -> bool:
    return sides[0] != value and sides[1] == value


def _count(value: object) -> int:
    """Replicas as Kubernetes defaults them."""
    return value if isinstance(value, int) else 1


def _replicas_zero(subject: Subject) -> bool:
    if subject.base is None or subject.head is None:
        return False
    before, after = subject.at("spec", "replicas")
    return after == 0 and after is not False and before != 0


def _selector_changed(subject: Subject) -> bool:
    if subject.group_kind == ("", "PersistentVolumeClaim"):
        return False
    return subject.changes("spec", "selector") or subject.changes("spec", "podSelector")


def _immutable(subject: Subject) -> bool:
    if subject.base is None or subject.head is None or subject.previous is not None:
        return False
    return changes_immutable_field(subject.group_kind, subject.base, subject.head, subject.fields)


def _rollout(subject: Subject) -> bool:
    if subject.kind not in _ROLLED or not subject.changes("spec", "template"):
        return False
    return subject.at("spec", "updateStrategy", "type")[1] != "OnDelete"


def _image_changed(subject: Subject) -> bool:
    """Compared over all fields, so that containers inside custom resources count as well."""
    return any(
        change.head is not None
        and (change.path[-1] == "image" or _has_image(change.path, change.head))
        for change in subject.fields
    )


def _has_image(path: Sequence[str | int], value: object) -> bool:
    """Whether a value that is there on one side only is, or holds, containers."""
    if not any(name in _CONTAINER_LISTS for name in path):
        return any(_get(value, (name,)) for name in _CONTAINER_LISTS)
    items = value if isinstance(value, list | tuple) else (value,)
    return any(isinstance(item, Mapping) and "image" in item for item in items)


def _exposure(subject: Subject) -> bool:
    if subject.head is None:
        return False
    if subject.group_kind == ("", "Service"):
        return _service_exposure(subject)
    fields = _ENTRANCES.get(subject.kind)
    if fields is None:
        return False
    if subject.base is None:
        return True
    return any(_hosts(head) - _hosts(base) for base, head in (subject.at(*f) for f in fields))


def _service_exposure(subject: Subject) -> bool:
    before, after = subject.at("spec", "type")
    opened = after in _REACHABLE and before not in (after, "LoadBalancer")
    addresses = [_texts(side) for side in subject.at("spec", "externalIPs")]
    ranges = [_texts(side) for side in subject.at("spec", "loadBalancerSourceRanges")]
    unrestricted = bool(ranges[0]) and (not ranges[1] or bool(ranges[1] - ranges[0]))
    return opened or bool(addresses[1] - addresses[0]) or (after == "LoadBalancer" and unrestricted)


def _hosts(value: object) -> frozenset[str]:
    """What names the entrances in a field: hosts of rules, host names, a host, or all of it."""
    if value is None:
        return frozenset()
    if not isinstance(value, list | tuple):
        return frozenset({str(value)})
    return frozenset(_host(item) for item in value)


def _host(item: object) -> str:
    if not isinstance(item, Mapping):
        return str(item)
    named = [item[name] for name in ("host", "hostname", "match") if name in item]
    return str(named[0]) if named else ""


def _texts(value: object) -> frozenset[str]:
    return frozenset(map(str, value)) if isinstance(value, list | tuple) else frozenset()


def _crd_version_removed(subject: Subject) -> bool:
    if subject.kind != "CustomResourceDefinition" or subject.head is None:
        return False
    before, after = (_served(side) for side in subject.at("spec", "versions"))
    return bool(before - after)


def _served(versions: object) -> frozenset[str]:
    items = versions if isinstance(versions, list | tuple) else ()
    return frozenset(
        str(item.get("name"))
        for item in items
        if isinstance(item, Mapping) and item.get("served") is not False
    )


def _delivery_source(subject: Subject) -> bool:
    if subject.head is None or not subject.delivery.branches:
        return False
    reference = source_reference(subject.group_kind)
    if reference is not None and subject.base is not None:
        return subject.changes(*reference)
    delivery = known_at(subject.delivery, subject.group_kind, subject.base)
    before, after = (
        elsewhere(subject.group_kind, side, delivery) for side in (subject.base, subject.head)
    )
    return bool(after - before)


def _is_rbac(subject: Subject) -> bool:
    return subject.reference.key.group == rbac.GROUP


_LABELS: Mapping[str, Callable[[Subject], bool]] = {
    "admission-changed": lambda s: s.kind in _ADMISSION,
    "api-group-changed": lambda s: (
        s.previous is not None and s.previous.key.group != s.reference.key.group
    ),
    "cluster-admin": lambda s: (
        _is_rbac(s) and s.kind in rbac.BINDINGS and rbac.binds_cluster_admin(s.base, s.head)
    ),
    "crd-removed": lambda s: s.kind == "CustomResourceDefinition" and s.head is None,
    "crd-version-removed": _crd_version_removed,
    "data-loss": _data_loss,
    "delivery-source": _delivery_source,
    "exposure": _exposure,
    "image-changed": _image_changed,
    "immutable-field": _immutable,
    "namespace-changed": lambda s: (
        s.previous is not None and s.previous.namespace != s.reference.namespace
    ),
    "namespace-removed": lambda s: s.group_kind == ("", "Namespace") and s.head is None,
    "network-policy-removed": lambda s: s.leaves and s.kind in _NETWORK_POLICIES,
    "rbac-widened": lambda s: _is_rbac(s) and rbac.widens(s.kind, s.base, s.head),
    "replicas-zero": _replicas_zero,
    "rollout": _rollout,
    "selector-changed": _selector_changed,
}
LABELS = tuple(_LABELS)
"""Every label, sorted."""
