"""Valid manifests of twenty kinds, a CRD that uses what CRDs offer, and how to make resources.

Shared by the unit tests of the schema room and by the test that compares its two engines.
"""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gitops_gate.checks.interface import Defect, SchemaOutcome, SchemaValidator
from gitops_gate.checks.schema import CrdDocument, build_validator
from gitops_gate.config.settings import SchemaSettings
from gitops_gate.resources.values import Origin, Resource, ResourceReference

Manifest = dict[str, Any]


def resource(value: Mapping[str, Any]) -> Resource:
    """A resource as rendering would give it."""
    metadata = value.get("metadata")
    name = metadata.get("name", "") if isinstance(metadata, dict) else ""
    reference = ResourceReference(
        api_version=value.get("apiVersion") or "",
        kind=value.get("kind") or "",
        namespace="",
        name=name if isinstance(name, str) else "",
    )
    text = json.dumps(value).encode("utf-8", "surrogatepass")
    return Resource(reference=reference, value=value, text=text, origin=Origin())


@functools.cache
def _without_repository(kubernetes: str, strict: bool) -> SchemaValidator:
    return build_validator(SchemaSettings(strict=strict), kubernetes, [])


def outcome(
    value: Mapping[str, Any],
    *,
    kubernetes: str = "1.36",
    strict: bool = True,
    crds: Sequence[CrdDocument] = (),
    locations: Mapping[str, bytes] | None = None,
) -> SchemaOutcome:
    """What the embedded engine says about one manifest."""
    validator = _without_repository(kubernetes, strict)
    if crds or locations:
        settings = SchemaSettings(strict=strict, locations=("schemas",))
        validator = build_validator(settings, kubernetes, crds, locations=locations or {})
    return validator.validate([resource(value)])[0]


def defects(value: Mapping[str, Any], **options: Any) -> tuple[Defect, ...]:
    """The defects of one manifest whose kind is known."""
    found = outcome(value, **options)
    assert found.known
    return found.defects


def only_defect(value: Mapping[str, Any], **options: Any) -> Defect:
    """The one defect of a manifest."""
    (defect,) = defects(value, **options)
    return defect


def changed(manifest: Mapping[str, Any], path: Sequence[str | int], value: object) -> Manifest:
    """A copy with one field set; `...` removes it."""
    copied: Manifest = copy.deepcopy(dict(manifest))
    node: Any = copied
    for part in path[:-1]:
        node = node[part]
    if value is ...:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return copied


def paths(value: object, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every path below a value, parents before children."""
    if place:
        yield place
    if isinstance(value, dict):
        for name, child in value.items():
            yield from paths(child, (*place, name))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from paths(child, (*place, index))


def crd(schema: Mapping[str, Any], *, kind: str = "Widget", **version: Any) -> CrdDocument:
    """A CustomResourceDefinition of `example.com/v1` with the given schema."""
    return CrdDocument(value=crd_value(schema, kind=kind, **version), origin="crds/widget.yaml")


def crd_value(schema: Mapping[str, Any], *, kind: str = "Widget", **version: Any) -> Manifest:
    """The content of `crd`."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.lower()}s.example.com"},
        "spec": {
            "group": "example.com",
            "names": {"kind": kind, "plural": f"{kind.lower()}s"},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    **version,
                }
            ],
        },
    }


def widget(spec: object, **fields: Any) -> Manifest:
    """A custom resource of the kind that `crd` defines."""
    return {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": "one"},
        "spec": spec,
        **fields,
    }


def of_spec(**fields: Any) -> Mapping[str, Any]:
    """The schema of a custom kind whose `spec` has these fields."""
    return {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": fields}},
    }


def _manifest(api_version: str, kind: str, **fields: Any) -> Manifest:
    metadata = {
        "name": "web",
        "namespace": "shop",
        "labels": {"app.kubernetes.io/name": "web"},
        "annotations": {"example.com/note": "kept"},
    }
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


_SELECTOR = {"matchLabels": {"app": "web"}}

_POD = {
    "serviceAccountName": "web",
    "terminationGracePeriodSeconds": 30,
    "restartPolicy": "Always",
    "securityContext": {"runAsNonRoot": True, "fsGroup": 1000},
    "tolerations": [{"key": "spot", "operator": "Exists", "effect": "NoSchedule"}],
    "containers": [
        {
            "name": "web",
            "image": "registry.example.com/web:1.2.3",
            "imagePullPolicy": "IfNotPresent",
            "args": ["--port=8080"],
            "env": [
                {"name": "MODE", "value": "fast"},
                {
                    "name": "TOKEN",
                    "valueFrom": {"secretKeyRef": {"name": "web", "key": "token"}},
                },
            ],
            "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
            "resources": {
                "requests": {"cpu": "100m", "memory": "64Mi"},
                "limits": {"cpu": 1, "memory": "1.5Gi"},
            },
            "livenessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 10},
            "readinessProbe": {"tcpSocket": {"port": 8080}},
            "volumeMounts": [{"name": "data", "mountPath": "/data", "readOnly": True}],
        }
    ],
    "volumes": [
        {"name": "data", "emptyDir": {"sizeLimit": "1Gi"}},
        {"name": "conf", "configMap": {"name": "web", "items": [{"key": "a", "path": "a"}]}},
    ],
}

_TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": _POD}

BUILTIN: tuple[Manifest, ...] = (
    _manifest(
        "apps/v1",
        "Deployment",
        spec={
            "replicas": 2,
            "selector": _SELECTOR,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}},
            "template": _TEMPLATE,
        },
    ),
    _manifest(
        "apps/v1",
        "StatefulSet",
        spec={
            "selector": _SELECTOR,
            "serviceName": "web",
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": []}},
            "volumeClaimTemplates": [
                {
                    "metadata": {"name": "data"},
                    "spec": {
                        "accessModes": ["ReadWriteOnce"],
                        "resources": {"requests": {"storage": "1Gi"}},
                    },
                }
            ],
        },
    ),
    _manifest(
        "apps/v1",
        "DaemonSet",
        spec={
            "selector": _SELECTOR,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
            "template": {"spec": {"containers": [{"name": "agent"}]}},
        },
    ),
    _manifest(
        "batch/v1",
        "CronJob",
        spec={
            "schedule": "0 3 * * *",
            "concurrencyPolicy": "Forbid",
            "jobTemplate": {
                "spec": {
                    "backoffLimit": 2,
                    "template": {"spec": {"restartPolicy": "Never", "containers": []}},
                }
            },
        },
    ),
    _manifest(
        "batch/v1", "Job", spec={"template": {"spec": {"containers": [{"name": "migrate"}]}}}
    ),
    _manifest("v1", "Pod", spec={"containers": [{"name": "one", "image": "one:1"}]}),
    _manifest(
        "v1",
        "Service",
        spec={
            "type": "ClusterIP",
            "selector": {"app": "web"},
            "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}],
        },
    ),
    _manifest("v1", "ConfigMap", data={"a": "1"}, binaryData={"b": "AAEC"}, immutable=False),
    _manifest("v1", "Secret", type="Opaque", data={"a": "c2VjcmV0"}, stringData={"b": "plain"}),
    _manifest("v1", "Namespace", spec={"finalizers": ["kubernetes"]}),
    _manifest(
        "v1",
        "ServiceAccount",
        automountServiceAccountToken=False,
        imagePullSecrets=[{"name": "registry"}],
    ),
    _manifest(
        "v1",
        "PersistentVolumeClaim",
        spec={
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "fast",
            "resources": {"requests": {"storage": "10Gi"}},
        },
    ),
    _manifest(
        "networking.k8s.io/v1",
        "Ingress",
        spec={
            "ingressClassName": "nginx",
            "tls": [{"hosts": ["shop.example.com"], "secretName": "tls"}],
            "rules": [
                {
                    "host": "shop.example.com",
                    "http": {
                        "paths": [
                            {
                                "path": "/",
                                "pathType": "Prefix",
                                "backend": {"service": {"name": "web", "port": {"number": 80}}},
                            }
                        ]
                    },
                }
            ],
        },
    ),
    _manifest(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        spec={
            "podSelector": {},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": 80}]}],
        },
    ),
    _manifest(
        "rbac.authorization.k8s.io/v1",
        "ClusterRole",
        rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}],
    ),
    _manifest(
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "web"},
        subjects=[{"kind": "ServiceAccount", "name": "web", "namespace": "shop"}],
    ),
    _manifest(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        spec={
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": 1,
            "maxReplicas": 5,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {
                        "name": "cpu",
                        "target": {"type": "Utilization", "averageUtilization": 80},
                    },
                }
            ],
        },
    ),
    _manifest(
        "policy/v1",
        "PodDisruptionBudget",
        spec={"minAvailable": "50%", "selector": _SELECTOR},
    ),
    _manifest(
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
        webhooks=[
            {
                "name": "web.example.com",
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "failurePolicy": "Fail",
                "clientConfig": {"caBundle": "AAEC", "service": {"name": "w", "namespace": "s"}},
                "rules": [{"operations": ["CREATE"], "resources": ["pods"]}],
            }
        ],
    ),
    _manifest(
        "storage.k8s.io/v1",
        "StorageClass",
        provisioner="csi.example.com",
        reclaimPolicy="Delete",
        parameters={"type": "ssd"},
        allowVolumeExpansion=True,
    ),
    _manifest("scheduling.k8s.io/v1", "PriorityClass", value=1000, globalDefault=False),
)
"""Valid manifests of Kubernetes' own kinds."""

RICH_SCHEMA: Manifest = {
    "type": "object",
    "required": ["spec"],
    "properties": {
        "spec": {
            "type": "object",
            "required": ["size", "mode"],
            "oneOf": [{"required": ["alpha"]}, {"required": ["beta"]}],
            "properties": {
                "alpha": {"type": "string"},
                "beta": {"type": "string"},
                "endpoint": {"type": "string", "format": "uri"},
                "exact": {"type": "integer", "multipleOf": 5, "maximum": 100},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "inner": {
                    "type": "object",
                    "x-kubernetes-embedded-resource": True,
                    "x-kubernetes-preserve-unknown-fields": True,
                },
                "maybe": {"type": "integer", "nullable": True},
                "mode": {"type": "string", "enum": ["Fast", "Slow"], "default": "Fast"},
                "names": {
                    "type": "array",
                    "maxItems": 3,
                    "x-kubernetes-list-type": "set",
                    "items": {"type": "string", "minLength": 1, "maxLength": 5},
                },
                "port": {
                    "x-kubernetes-int-or-string": True,
                    "anyOf": [{"type": "integer"}, {"type": "string"}],
                },
                "ratio": {"type": "number", "minimum": 0, "exclusiveMinimum": True},
                "size": {"type": "integer", "format": "int32", "minimum": 1},
                "source": {
                    "type": "object",
                    "properties": {
                        "type": {"type": "string"},
                        "git": {"type": "string", "pattern": "^[a-z]+$"},
                        "oci": {"type": "integer"},
                    },
                    "anyOf": [
                        {"properties": {"type": {"enum": ["git"]}}, "required": ["git"]},
                        {"properties": {"type": {"enum": ["oci"]}}, "required": ["oci"]},
                    ],
                    "not": {"required": ["git", "oci"]},
                },
                "timeout": {"type": "string", "format": "duration"},
                "weights": {"type": "object", "additionalProperties": {"type": "integer"}},
            },
        },
        "status": {"type": "object", "properties": {"ready": {"type": "boolean"}}},
    },
}
"""A structural schema with one of everything."""

RICH_WIDGET: Manifest = widget(
    {
        "alpha": "a",
        "endpoint": "https://example.com/",
        "exact": 15,
        "free": {"anything": {"goes": [1, None]}},
        "inner": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "more": 1},
        "maybe": None,
        "mode": "Slow",
        "names": ["one", "two"],
        "port": "http",
        "ratio": 0.5,
        "size": 3,
        "source": {"type": "git", "git": "main"},
        "timeout": "1h30m",
        "weights": {"a": 1},
    },
    status={"ready": True},
)
"""A valid object of `RICH_SCHEMA`."""
