from __future__ import annotations

import pytest

from gitops_gate.changes.differences import differences
from gitops_gate.changes.risk import LABELS, Subject, risks
from gitops_gate.documents import load_document
from gitops_gate.resources.canonical import canonical
from tests.unit.resources.made import from_value

APIS = {
    "ClusterRole": "rbac.authorization.k8s.io/v1",
    "ClusterRoleBinding": "rbac.authorization.k8s.io/v1",
    "CustomResourceDefinition": "apiextensions.k8s.io/v1",
    "DaemonSet": "apps/v1",
    "Deployment": "apps/v1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
    "Ingress": "networking.k8s.io/v1",
    "Job": "batch/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "PodDisruptionBudget": "policy/v1",
    "Role": "rbac.authorization.k8s.io/v1",
    "RoleBinding": "rbac.authorization.k8s.io/v1",
    "Rollout": "argoproj.io/v1alpha1",
    "ServiceMonitor": "monitoring.coreos.com/v1",
    "StatefulSet": "apps/v1",
    "StorageClass": "storage.k8s.io/v1",
    "ValidatingWebhookConfiguration": "admissionregistration.k8s.io/v1",
}


def resource(kind, text, *, namespace="shop", name="a"):
    if text is None:
        return None
    value = load_document(text.encode())
    assert isinstance(value, dict)
    metadata = value.get("metadata", {}) | {"name": name, "namespace": namespace}
    return from_value(
        {**value, "apiVersion": APIS.get(kind, "v1"), "kind": kind, "metadata": metadata}
    )


def labels(base, head):
    one, other = (canonical(side.value) if side else None for side in (base, head))
    there = head or base
    fields = differences(one, other) if one is not None and other is not None else ()
    previous = base.reference if base and base.key != there.key else None
    return set(
        risks(
            Subject(
                reference=there.reference, previous=previous, base=one, head=other, fields=fields
            )
        )
    )


RULES = "{rules: [{apiGroups: [''], resources: [pods], verbs: [get, list]}]}"
TEMPLATE = "{spec: {template: {spec: {containers: [{name: a, image: 'a:1', args: [x]}]}}%s}}"
CRD = "{spec: {scope: Namespaced, versions: [%s]}}"
SET = "{spec: {replicas: 3, persistentVolumeClaimRetentionPolicy: {%s}}}"
V1, V2 = "{name: v1, served: true}", "{name: v2, served: true}"
SUBJECT = "{kind: User, name: ann}"
BINDING = "{roleRef: {kind: ClusterRole, name: %s}, subjects: [%s]}"

CASES = [
    # kind, base, head, labels
    ("PersistentVolumeClaim", "{}", None, {"data-loss"}),
    ("Namespace", "{}", None, {"data-loss", "namespace-removed"}),
    ("PersistentVolume", "{spec: {persistentVolumeReclaimPolicy: Delete}}", None, {"data-loss"}),
    ("PersistentVolume", "{spec: {persistentVolumeReclaimPolicy: Retain}}", None, set()),
    (
        "PersistentVolume",
        "{spec: {persistentVolumeReclaimPolicy: Retain}}",
        "{spec: {persistentVolumeReclaimPolicy: Delete}}",
        {"data-loss"},
    ),
    (
        "PersistentVolume",
        "{spec: {nfs: {path: /a}}}",
        "{spec: {nfs: {path: /b}}}",
        {"immutable-field"},
    ),
    (
        "PersistentVolumeClaim",
        "{spec: {resources: {requests: {storage: 2Gi}}}}",
        "{spec: {resources: {requests: {storage: 1Gi}}}}",
        {"immutable-field"},
    ),
    (
        "PersistentVolumeClaim",
        "{spec: {resources: {requests: {storage: 1Gi}}}}",
        "{spec: {resources: {requests: {storage: 2Gi}}}}",
        set(),
    ),
    (
        "PersistentVolumeClaim",
        "{spec: {storageClassName: a}}",
        "{spec: {storageClassName: b}}",
        {"immutable-field"},
    ),
    ("StatefulSet", SET % "whenDeleted: Delete", None, {"data-loss"}),
    ("StatefulSet", SET % "whenDeleted: Retain", None, set()),
    ("StatefulSet", SET % "", SET % "whenScaled: Delete", {"data-loss"}),
    (
        "StatefulSet",
        SET % "whenScaled: Delete",
        (SET % "whenScaled: Delete").replace("3", "2"),
        {"data-loss"},
    ),
    (
        "StatefulSet",
        "{spec: {volumeClaimTemplates: [{metadata: {name: a}}]}}",
        "{spec: {volumeClaimTemplates: [{metadata: {name: b}}]}}",
        {"data-loss", "immutable-field"},
    ),
    ("StatefulSet", "{spec: {serviceName: a}}", "{spec: {serviceName: b}}", {"immutable-field"}),
    (
        "StatefulSet",
        "{spec: {updateStrategy: {type: OnDelete}, template: {a: 1}}}",
        "{spec: {updateStrategy: {type: OnDelete}, template: {a: 2}}}",
        set(),
    ),
    ("Deployment", "{spec: {replicas: 2}}", "{spec: {replicas: 0}}", {"replicas-zero"}),
    ("Deployment", "{spec: {}}", "{spec: {replicas: 0}}", {"replicas-zero"}),
    ("Deployment", "{spec: {replicas: 0}}", "{spec: {replicas: 1}}", set()),
    ("Deployment", None, "{spec: {replicas: 0}}", set()),
    (
        "Deployment",
        "{spec: {selector: {matchLabels: {a: b}}}}",
        "{spec: {selector: {matchLabels: {a: c}}}}",
        {"immutable-field", "selector-changed"},
    ),
    ("Deployment", TEMPLATE % "", (TEMPLATE % "").replace("x", "y"), {"rollout"}),
    (
        "Deployment",
        TEMPLATE % "",
        (TEMPLATE % "").replace(":1", ":2"),
        {"image-changed", "rollout"},
    ),
    ("Rollout", TEMPLATE % "", (TEMPLATE % "").replace(":1", ":2"), {"image-changed", "rollout"}),
    (
        "Deployment",
        TEMPLATE % "",
        (TEMPLATE % "").replace("[{", "[{name: b, image: b}, {", 1),
        {"image-changed", "rollout"},
    ),
    ("Deployment", TEMPLATE % ", replicas: 1", TEMPLATE % ", replicas: 2", set()),
    ("Job", TEMPLATE % "", (TEMPLATE % "").replace("x", "y"), {"immutable-field"}),
    ("Service", "{spec: {selector: {a: b}}}", "{spec: {selector: {a: c}}}", {"selector-changed"}),
    ("ServiceMonitor", "{spec: {selector: {}}}", "{spec: {}}", {"selector-changed"}),
    (
        "NetworkPolicy",
        "{spec: {podSelector: {}}}",
        "{spec: {podSelector: {a: b}}}",
        {"selector-changed"},
    ),
    ("NetworkPolicy", "{spec: {podSelector: {}}}", None, {"network-policy-removed"}),
    ("Service", "{spec: {type: ClusterIP}}", "{spec: {type: LoadBalancer}}", {"exposure"}),
    ("Service", "{spec: {}}", "{spec: {type: NodePort}}", {"exposure"}),
    ("Service", "{spec: {type: NodePort}}", "{spec: {type: LoadBalancer}}", {"exposure"}),
    ("Service", "{spec: {type: LoadBalancer}}", "{spec: {type: NodePort}}", set()),
    ("Service", None, "{spec: {type: LoadBalancer}}", {"exposure"}),
    ("Service", "{spec: {}}", "{spec: {externalIPs: [10.0.0.1]}}", {"exposure"}),
    (
        "Service",
        "{spec: {type: LoadBalancer, loadBalancerSourceRanges: [10.0.0.0/8]}}",
        "{spec: {type: LoadBalancer}}",
        {"exposure"},
    ),
    ("Service", "{spec: {clusterIP: None}}", "{spec: {}}", set()),
    ("Service", "{spec: {}}", "{spec: {clusterIP: None}}", {"immutable-field"}),
    (
        "Ingress",
        "{spec: {rules: [{host: a}]}}",
        "{spec: {rules: [{host: a}, {host: b}]}}",
        {"exposure"},
    ),
    ("Ingress", "{spec: {rules: [{host: a}, {host: b}]}}", "{spec: {rules: [{host: a}]}}", set()),
    ("Ingress", None, "{spec: {rules: [{host: a}]}}", {"exposure"}),
    ("HTTPRoute", "{spec: {hostnames: [a]}}", "{spec: {hostnames: [a, b]}}", {"exposure"}),
    ("Role", RULES, RULES.replace("list", "'*'"), {"rbac-widened"}),
    ("Role", RULES, RULES.replace(", list", ""), set()),
    ("Role", RULES.replace("get, list", "'*'"), RULES, set()),
    ("Role", RULES, RULES.replace("pods", "secrets"), {"rbac-widened"}),
    ("Role", RULES, RULES.replace("verbs", "resourceNames: [a], verbs"), set()),
    ("Role", RULES.replace("verbs", "resourceNames: [a], verbs"), RULES, {"rbac-widened"}),
    ("Role", RULES.replace("pods", "'*/log'"), RULES.replace("pods", "pods/log"), set()),
    ("Role", None, RULES, {"rbac-widened"}),
    ("Role", RULES, None, set()),
    (
        "ClusterRole",
        "{rules: []}",
        "{rules: [{nonResourceURLs: [/a], verbs: [get]}]}",
        {"rbac-widened"},
    ),
    (
        "ClusterRole",
        "{rules: [{nonResourceURLs: ['/a*'], verbs: [get]}]}",
        "{rules: [{nonResourceURLs: [/ab], verbs: [get]}]}",
        set(),
    ),
    (
        "ClusterRole",
        "{}",
        "{metadata: {labels: {rbac.authorization.k8s.io/aggregate-to-admin: 'true'}}}",
        {"rbac-widened"},
    ),
    ("ClusterRole", "{}", "{aggregationRule: {clusterRoleSelectors: [{}]}}", {"rbac-widened"}),
    (
        "RoleBinding",
        BINDING % ("view", SUBJECT),
        BINDING % ("view", f"{SUBJECT}, {{kind: User, name: bob}}"),
        {"rbac-widened"},
    ),
    ("RoleBinding", BINDING % ("view", SUBJECT), BINDING % ("view", ""), set()),
    (
        "ClusterRoleBinding",
        BINDING % ("view", SUBJECT),
        BINDING % ("cluster-admin", SUBJECT),
        {"cluster-admin", "immutable-field", "rbac-widened"},
    ),
    ("CustomResourceDefinition", CRD % V1, None, {"crd-removed", "data-loss"}),
    ("CustomResourceDefinition", CRD % f"{V1}, {V2}", CRD % V2, {"crd-version-removed"}),
    (
        "CustomResourceDefinition",
        CRD % f"{V1}, {V2}",
        CRD % f"{V1.replace('true', 'false')}, {V2}",
        {"crd-version-removed"},
    ),
    ("CustomResourceDefinition", CRD % V1, CRD % f"{V1}, {V2}", set()),
    (
        "CustomResourceDefinition",
        CRD % V1,
        (CRD % V1).replace("Namespaced", "Cluster"),
        {"immutable-field"},
    ),
    ("ValidatingWebhookConfiguration", "{webhooks: [{name: a}]}", None, {"admission-changed"}),
    ("StorageClass", "{provisioner: a}", "{provisioner: b}", {"immutable-field"}),
    ("Secret", "{type: a}", "{type: b}", {"immutable-field"}),
    (
        "ConfigMap",
        "{immutable: true, data: {a: b}}",
        "{immutable: true, data: {a: c}}",
        {"immutable-field"},
    ),
    ("ConfigMap", "{data: {a: b}}", "{data: {a: c}}", set()),
    (
        "Pod",
        "{spec: {containers: [{name: a, image: a}]}}",
        "{spec: {containers: [{name: a, image: b}]}}",
        {"image-changed"},
    ),
    ("Pod", "{spec: {hostNetwork: false}}", "{spec: {hostNetwork: true}}", {"immutable-field"}),
]


@pytest.mark.parametrize(("kind", "base", "head", "expected"), CASES)
def test_what_a_change_risks(kind, base, head, expected):
    assert labels(resource(kind, base), resource(kind, head)) == expected


def test_every_label_is_documented_and_tested():
    import gitops_gate.changes.risk as module

    documented = {
        line.split("`")[1] for line in module.__doc__.splitlines() if line.startswith("- `")
    }
    tested = {label for *_, expected in CASES for label in expected}
    assert documented == set(LABELS)
    assert list(LABELS) == sorted(LABELS)
    elsewhere = {"api-group-changed", "delivery-source", "namespace-changed"}
    assert set(LABELS) - tested == elsewhere


def test_a_claim_that_leaves_its_namespace_is_lost_there():
    base, head = (
        resource("PersistentVolumeClaim", "{}", namespace=namespace) for namespace in ("", "shop")
    )
    assert labels(base, head) == {"data-loss", "namespace-changed"}


def test_a_renamed_immutable_config_map_is_a_new_object():
    base, head = (
        resource("ConfigMap", f"{{immutable: true, data: {{a: {value}}}}}", name=f"a-{value}")
        for value in "bc"
    )
    assert labels(base, head) == set()


@pytest.mark.parametrize("kind", [*APIS, "Service", "Secret", "PersistentVolumeClaim", "Pod"])
@pytest.mark.parametrize(
    "odd",
    [
        "{spec: 1, rules: 2, subjects: 3, webhooks: 4, roleRef: 5}",
        "{spec: [1], rules: [1, null, [2]], subjects: {a: b}, aggregationRule: 7}",
        "{spec: {rules: {a: 1}, versions: 3, replicas: x, template: 1, hostnames: {}, type: []}}",
        "{rules: [{apiGroups: 1, verbs: [[1]], resources: {}}], spec: {versions: [1, {name: {}}]}}",
        "{spec: {containers: x, externalIPs: 1, resources: [1], clusterIP: {}, listeners: [null]}}",
    ],
)
def test_values_of_the_wrong_type_are_survived(kind, odd):
    strange, plain = resource(kind, odd), resource(kind, "{spec: {}, rules: []}")
    for base, head in ((strange, plain), (plain, strange), (None, strange), (strange, None)):
        labels(base, head)


def test_a_rule_too_large_to_compare_counts_as_wider():
    many = ", ".join(f"r{number}" for number in range(300))
    base = resource(
        "Role", f"{{rules: [{{apiGroups: ['*'], resources: [{many}], verbs: [{many}]}}]}}"
    )
    head = resource(
        "Role", f"{{rules: [{{apiGroups: ['*'], resources: [{many}], verbs: [{many}, x]}}]}}"
    )
    assert labels(base, head) == {"rbac-widened"}
    assert labels(base, base) == set()
