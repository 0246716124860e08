"""Which fields of Kubernetes' own kinds are quantities, string maps, or lists without an order.

The table follows the API's OpenAPI document: fields of type `Quantity`, and the lists that are
`x-kubernetes-list-type: map` or `set`. A test holds it against the document of each version that
ships with the package. On top of it come lists whose order the API reference gives no meaning to
(rules and subjects of RBAC, tolerations, terms of selectors and affinities).

Kept in their order although they have merge keys, because the order is part of the meaning:

- `initContainers` run one after the other;
- `env` where a value refers to another variable by `$(NAME)`, or where a name is there twice;
- `webhooks` of a MutatingWebhookConfiguration, which see each other's result;
- `paths` of an Ingress with `ImplementationSpecific` ones, and `envFrom`, where the last wins;
- `volumeClaimTemplates`, which are immutable, order included.

Custom resources get no more than the form of their metadata: what order or a text such as
`1000m` means in them is known only to their controllers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from gitops_gate.resources.normal_forms import (
    Form,
    base64_map,
    fields,
    ordered,
    quantities,
    quantity,
    secret,
    string_map,
    text_set,
    unordered,
    unordered_unless,
)

METADATA = fields(
    {
        "labels": string_map,
        "annotations": string_map,
        "finalizers": text_set,
        "ownerReferences": unordered("ownerReferences"),
    }
)
"""`metadata` of every object and of every template in one."""

_EXPRESSIONS = unordered("matchExpressions", fields({"values": text_set}))
_SELECTOR = fields({"matchExpressions": _EXPRESSIONS})
_NODE_TERM = fields(
    {
        "matchExpressions": _EXPRESSIONS,
        "matchFields": unordered("matchFields", fields({"values": text_set})),
    }
)
_NODE_SELECTOR = fields({"nodeSelectorTerms": unordered("nodeSelectorTerms", _NODE_TERM)})
_RESOURCES = fields({"limits": quantities, "requests": quantities, "claims": unordered("claims")})


def _affinity() -> Form:
    required, preferred = (
        f"{prefix}DuringSchedulingIgnoredDuringExecution" for prefix in ("required", "preferred")
    )
    pod_term = fields(
        {
            "labelSelector": _SELECTOR,
            "namespaceSelector": _SELECTOR,
            "namespaces": text_set,
            "matchLabelKeys": text_set,
            "mismatchLabelKeys": text_set,
        }
    )
    pods = fields(
        {
            required: unordered(required, pod_term),
            preferred: unordered(preferred, fields({"podAffinityTerm": pod_term})),
        }
    )
    nodes = fields(
        {
            required: _NODE_SELECTOR,
            preferred: unordered(preferred, fields({"preference": _NODE_TERM})),
        }
    )
    return fields({"nodeAffinity": nodes, "podAffinity": pods, "podAntiAffinity": pods})


def _env_order_matters(items: list[Any]) -> bool:
    named = [item for item in items if isinstance(item, Mapping)]
    names = [str(item.get("name")) for item in named]
    return len(set(names)) < len(names) or any("$(" in str(item.get("value")) for item in named)


def _container() -> Form:
    divisor = fields({"resourceFieldRef": fields({"divisor": quantity})})
    capabilities = fields({"add": text_set, "drop": text_set})
    return fields(
        {
            "env": unordered_unless("env", fields({"valueFrom": divisor}), _env_order_matters),
            "ports": unordered("ports"),
            "resizePolicy": unordered("resizePolicy"),
            "resources": _RESOURCES,
            "restartPolicyRules": ordered(fields({"exitCodes": fields({"values": text_set})})),
            "securityContext": fields({"capabilities": capabilities}),
            "volumeDevices": unordered("volumeDevices"),
            "volumeMounts": unordered("volumeMounts", fields({"bindMountOptions": text_set})),
        }
    )


_CLAIM = fields(
    {
        "metadata": METADATA,
        "spec": fields({"accessModes": text_set, "resources": _RESOURCES, "selector": _SELECTOR}),
    }
)


def _volume() -> Form:
    item = fields({"resourceFieldRef": fields({"divisor": quantity})})
    downward = fields({"items": unordered("items", item)})
    keys = fields({"items": unordered("items")})
    source = fields({"configMap": keys, "downwardAPI": downward, "secret": keys})
    return fields(
        {
            "configMap": keys,
            "downwardAPI": downward,
            "emptyDir": fields({"sizeLimit": quantity}),
            "ephemeral": fields({"volumeClaimTemplate": _CLAIM}),
            "projected": fields({"sources": ordered(source)}),
            "secret": keys,
        }
    )


def _pod_spec() -> Form:
    container = _container()
    spread = fields({"labelSelector": _SELECTOR, "matchLabelKeys": text_set})
    security = fields({"supplementalGroups": text_set, "sysctls": unordered("sysctls")})
    return fields(
        {
            "affinity": _affinity(),
            "containers": unordered("containers", container),
            "ephemeralContainers": unordered("ephemeralContainers", container),
            "evictionResponders": unordered("evictionResponders"),
            "hostAliases": unordered("hostAliases"),
            "imagePullSecrets": unordered("imagePullSecrets"),
            "initContainers": ordered(container),
            "overhead": quantities,
            "readinessGates": unordered("readinessGates"),
            "resourceClaims": unordered("resourceClaims"),
            "resources": _RESOURCES,
            "schedulingGates": unordered("schedulingGates"),
            "securityContext": security,
            "tolerations": unordered("tolerations"),
            "topologySpreadConstraints": unordered("topologySpreadConstraints", spread),
            "volumes": unordered("volumes", _volume()),
        }
    )


def _object(**forms: Form) -> Form:
    return fields({"metadata": METADATA, **forms})


def _workloads() -> Mapping[str, Form]:
    template = _object(spec=_pod_spec())
    workload = _object(spec=fields({"selector": _SELECTOR, "template": template}))
    failures = ordered(fields({"onExitCodes": fields({"values": text_set})}))
    job = _object(
        spec=fields(
            {
                "podFailurePolicy": fields({"rules": failures}),
                "scheduling": fields({"resourceClaims": unordered("resourceClaims")}),
                "selector": _SELECTOR,
                "template": template,
            }
        )
    )
    stateful = {
        "selector": _SELECTOR,
        "template": template,
        "volumeClaimTemplates": ordered(_CLAIM),
    }
    return {
        **dict.fromkeys(("Deployment", "DaemonSet", "ReplicaSet"), workload),
        "CronJob": _object(spec=fields({"jobTemplate": job})),
        "Job": job,
        "Pod": template,
        "PodTemplate": _object(template=template),
        "ReplicationController": _object(spec=fields({"template": template})),
        "StatefulSet": _object(spec=fields(stateful)),
    }


def _core() -> Mapping[str, Form]:
    volume = {
        "accessModes": text_set,
        "capacity": quantities,
        "nodeAffinity": fields({"required": _NODE_SELECTOR}),
    }
    service = {
        "ports": unordered("ports"),
        "externalIPs": text_set,
        "loadBalancerSourceRanges": text_set,
    }
    names = ("default", "defaultRequest", "max", "maxLimitRequestRatio", "min")
    limit = fields(dict.fromkeys(names, quantities))
    data = _object(data=string_map, binaryData=base64_map)
    secret_form = _object(data=base64_map, stringData=string_map)
    scopes = fields({"matchExpressions": _EXPRESSIONS})
    quota = {"hard": quantities, "scopes": text_set, "scopeSelector": scopes}
    return {
        "ConfigMap": data,
        "LimitRange": _object(spec=fields({"limits": unordered("limits", limit)})),
        "PersistentVolume": _object(spec=fields(volume)),
        "PersistentVolumeClaim": _CLAIM,
        "ResourceQuota": _object(spec=fields(quota)),
        "Secret": lambda value: secret_form(secret(value)),
        "Service": _object(spec=fields(service)),
        "ServiceAccount": _object(
            secrets=unordered("secrets"), imagePullSecrets=unordered("imagePullSecrets")
        ),
    }


def _rbac() -> Mapping[str, Form]:
    names = ("apiGroups", "nonResourceURLs", "resourceNames", "resources", "verbs")
    rules = unordered("rules", fields(dict.fromkeys(names, text_set)))
    selectors = unordered("clusterRoleSelectors", _SELECTOR)
    binding = _object(subjects=unordered("subjects"))
    return {
        "ClusterRole": _object(
            rules=rules, aggregationRule=fields({"clusterRoleSelectors": selectors})
        ),
        "ClusterRoleBinding": binding,
        "Role": _object(rules=rules),
        "RoleBinding": binding,
    }


def _path_order_matters(items: list[Any]) -> bool:
    types = {item.get("pathType") for item in items if isinstance(item, Mapping)}
    return not types <= {"Exact", "Prefix"}


def _networking() -> Mapping[str, Form]:
    paths = unordered_unless("paths", fields({}), _path_order_matters)
    rule = fields({"http": fields({"paths": paths})})
    tls = unordered("tls", fields({"hosts": text_set}))
    block = fields({"except": text_set})
    peer = fields({"ipBlock": block, "namespaceSelector": _SELECTOR, "podSelector": _SELECTOR})
    traffic = fields(
        {
            "from": unordered("from", peer),
            "to": unordered("to", peer),
            "ports": unordered("ports"),
        }
    )
    policy = {
        "egress": unordered("egress", traffic),
        "ingress": unordered("ingress", traffic),
        "podSelector": _SELECTOR,
        "policyTypes": text_set,
    }
    return {
        "Ingress": _object(spec=fields({"rules": unordered("rules", rule), "tls": tls})),
        "NetworkPolicy": _object(spec=fields(policy)),
    }


def _autoscaling() -> Mapping[str, Form]:
    target = fields({"target": fields({"averageValue": quantity, "value": quantity})})
    sources = ("containerResource", "external", "object", "pods", "resource")
    metrics = unordered("metrics", fields(dict.fromkeys(sources, target)))
    scaling = fields({"policies": unordered("policies"), "tolerance": quantity})
    behavior = fields({"scaleDown": scaling, "scaleUp": scaling})
    spec = fields({"metrics": metrics, "behavior": behavior})
    return {"HorizontalPodAutoscaler": _object(spec=spec)}


def _admission() -> Mapping[str, Form]:
    rule = fields(
        dict.fromkeys(
            ("apiGroups", "apiVersions", "operations", "resourceNames", "resources"), text_set
        )
    )
    conditions = unordered("matchConditions")
    webhook = fields(
        {
            "matchConditions": conditions,
            "namespaceSelector": _SELECTOR,
            "objectSelector": _SELECTOR,
            "rules": unordered("rules", rule),
        }
    )
    matched = fields(
        {
            "excludeResourceRules": unordered("excludeResourceRules", rule),
            "namespaceSelector": _SELECTOR,
            "objectSelector": _SELECTOR,
            "resourceRules": unordered("resourceRules", rule),
        }
    )
    policy = _object(spec=fields({"matchConditions": conditions, "matchConstraints": matched}))
    binding = {"matchResources": matched, "validationActions": text_set}
    return {
        "MutatingAdmissionPolicy": policy,
        "MutatingAdmissionPolicyBinding": _object(spec=fields({"matchResources": matched})),
        "MutatingWebhookConfiguration": _object(webhooks=ordered(webhook)),
        "ValidatingAdmissionPolicy": policy,
        "ValidatingAdmissionPolicyBinding": _object(spec=fields(binding)),
        "ValidatingWebhookConfiguration": _object(webhooks=unordered("webhooks", webhook)),
    }


def _others() -> Mapping[tuple[str, str], Form]:
    scheduling = fields({"tolerations": unordered("tolerations")})
    names = fields({"categories": text_set, "shortNames": text_set})
    definition = fields({"versions": unordered("versions"), "names": names})
    capacity = {"capacity": quantity, "maximumVolumeSize": quantity}
    amount = fields({"requests": quantities})
    exact = fields({"capacity": amount})
    request = fields({"capacity": amount, "exactly": exact, "firstAvailable": ordered(exact)})
    claim = fields({"devices": fields({"requests": ordered(request)})})
    listed = ("apiGroups", "namespaces", "nonResourceURLs", "resources", "verbs")
    matched = ordered(fields(dict.fromkeys(listed, text_set)))
    flows = fields({"nonResourceRules": matched, "resourceRules": matched})
    return {
        ("apiextensions.k8s.io", "CustomResourceDefinition"): _object(spec=definition),
        ("flowcontrol.apiserver.k8s.io", "FlowSchema"): _object(
            spec=fields({"rules": ordered(flows)})
        ),
        ("node.k8s.io", "RuntimeClass"): _object(
            overhead=fields({"podFixed": quantities}), scheduling=scheduling
        ),
        ("policy", "PodDisruptionBudget"): _object(spec=fields({"selector": _SELECTOR})),
        ("resource.k8s.io", "ResourceClaim"): _object(spec=claim),
        ("resource.k8s.io", "ResourceClaimTemplate"): _object(spec=_object(spec=claim)),
        ("storage.k8s.io", "CSIStorageCapacity"): _object(**capacity),
        ("storage.k8s.io", "CSIDriver"): _object(spec=fields({"volumeLifecycleModes": text_set})),
    }


@cache
def _forms() -> Mapping[tuple[str, str], Form]:
    by_group: list[tuple[tuple[str, ...], Mapping[str, Form]]] = [
        (("", "apps", "batch", "extensions"), _workloads()),
        (("",), _core()),
        (("rbac.authorization.k8s.io",), _rbac()),
        (("networking.k8s.io", "extensions"), _networking()),
        (("autoscaling",), _autoscaling()),
        (("admissionregistration.k8s.io",), _admission()),
    ]
    listed = {
        (group, kind): form
        for groups, forms in by_group
        for group in groups
        for kind, form in forms.items()
    }
    return {**listed, **_others()}


def form_of(group: str, kind: str) -> Form:
    """The normal form of the objects of a kind; for kinds not listed, that of their metadata."""
    return _forms().get((group, kind), _object_form())


@cache
def _object_form() -> Form:
    return _object()
