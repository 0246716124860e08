"""The values that the API server takes for string fields of Kubernetes' own kinds.

The OpenAPI document types these fields as plain strings; the server's validation knows a closed
list. Only lists that have been the same in every supported version are here, and only of fields
that manifests commonly set. Where the empty string stands for the default, it is in the list.

Source: the constants of k8s.io/api, and `pkg/apis/*/validation` and `pkg/apis/*/v1/defaults.go`
of Kubernetes.
"""

from __future__ import annotations

from collections.abc import Mapping

_CORE = "io.k8s.api.core.v1."
_APPS = "io.k8s.api.apps.v1."
_ADMISSION = "io.k8s.api.admissionregistration.v1."
_AUTOSCALING = "io.k8s.api.autoscaling.v2."
_EXTENSIONS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_NETWORKING = "io.k8s.api.networking.v1."

_ACCESS_MODES = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")
_PROTOCOLS = ("TCP", "UDP", "SCTP")
_SELECTORS = ("In", "NotIn", "Exists", "DoesNotExist")
_WEBHOOK: Mapping[str, tuple[str, ...]] = {
    "failurePolicy": ("Fail", "Ignore"),
    "matchPolicy": ("Equivalent", "Exact"),
    "sideEffects": ("None", "NoneOnDryRun"),
}

ALLOWED_VALUES: Mapping[tuple[str, str], tuple[str, ...]] = {
    **{(f"{_ADMISSION}MutatingWebhook", name): values for name, values in _WEBHOOK.items()},
    **{(f"{_ADMISSION}ValidatingWebhook", name): values for name, values in _WEBHOOK.items()},
    (f"{_ADMISSION}MutatingWebhook", "reinvocationPolicy"): ("Never", "IfNeeded"),
    (f"{_ADMISSION}RuleWithOperations", "operations"): (
        "CREATE",
        "UPDATE",
        "DELETE",
        "CONNECT",
        "*",
    ),
    (f"{_ADMISSION}RuleWithOperations", "scope"): ("Cluster", "Namespaced", "*"),
    (f"{_APPS}DaemonSetUpdateStrategy", "type"): ("RollingUpdate", "OnDelete", ""),
    (f"{_APPS}DeploymentStrategy", "type"): ("RollingUpdate", "Recreate", ""),
    (f"{_APPS}StatefulSetSpec", "podManagementPolicy"): ("OrderedReady", "Parallel", ""),
    (f"{_AUTOSCALING}MetricSpec", "type"): (
        "Resource",
        "ContainerResource",
        "Pods",
        "Object",
        "External",
    ),
    (f"{_AUTOSCALING}MetricTarget", "type"): ("Utilization", "Value", "AverageValue"),
    ("io.k8s.api.batch.v1.CronJobSpec", "concurrencyPolicy"): (
        "Allow",
        "Forbid",
        "Replace",
        "",
    ),
    ("io.k8s.api.batch.v1.JobSpec", "completionMode"): ("NonIndexed", "Indexed"),
    (f"{_CORE}Container", "imagePullPolicy"): ("Always", "IfNotPresent", "Never", ""),
    (f"{_CORE}Container", "terminationMessagePolicy"): ("File", "FallbackToLogsOnError", ""),
    (f"{_CORE}ContainerPort", "protocol"): (*_PROTOCOLS, ""),
    (f"{_CORE}HTTPGetAction", "scheme"): ("HTTP", "HTTPS", ""),
    (f"{_CORE}HostPathVolumeSource", "type"): (
        "",
        "DirectoryOrCreate",
        "Directory",
        "FileOrCreate",
        "File",
        "Socket",
        "CharDevice",
        "BlockDevice",
    ),
    (f"{_CORE}NodeSelectorRequirement", "operator"): (*_SELECTORS, "Gt", "Lt"),
    (f"{_CORE}PersistentVolumeClaimSpec", "accessModes"): _ACCESS_MODES,
    (f"{_CORE}PersistentVolumeClaimSpec", "volumeMode"): ("Filesystem", "Block"),
    (f"{_CORE}PersistentVolumeSpec", "accessModes"): _ACCESS_MODES,
    (f"{_CORE}PersistentVolumeSpec", "persistentVolumeReclaimPolicy"): (
        "Retain",
        "Delete",
        "Recycle",
        "",
    ),
    (f"{_CORE}PersistentVolumeSpec", "volumeMode"): ("Filesystem", "Block"),
    (f"{_CORE}PodSecurityContext", "fsGroupChangePolicy"): ("OnRootMismatch", "Always"),
    (f"{_CORE}PodSpec", "dnsPolicy"): (
        "ClusterFirst",
        "ClusterFirstWithHostNet",
        "Default",
        "None",
        "",
    ),
    (f"{_CORE}PodSpec", "restartPolicy"): ("Always", "OnFailure", "Never", ""),
    (f"{_CORE}SeccompProfile", "type"): ("RuntimeDefault", "Unconfined", "Localhost"),
    (f"{_CORE}ServicePort", "protocol"): (*_PROTOCOLS, ""),
    (f"{_CORE}ServiceSpec", "externalTrafficPolicy"): ("Cluster", "Local", ""),
    (f"{_CORE}ServiceSpec", "internalTrafficPolicy"): ("Cluster", "Local"),
    (f"{_CORE}ServiceSpec", "ipFamilies"): ("IPv4", "IPv6"),
    (f"{_CORE}ServiceSpec", "ipFamilyPolicy"): (
        "SingleStack",
        "PreferDualStack",
        "RequireDualStack",
    ),
    (f"{_CORE}ServiceSpec", "sessionAffinity"): ("None", "ClientIP", ""),
    (f"{_CORE}ServiceSpec", "type"): (
        "ClusterIP",
        "NodePort",
        "LoadBalancer",
        "ExternalName",
        "",
    ),
    (f"{_CORE}Toleration", "effect"): ("NoSchedule", "PreferNoSchedule", "NoExecute", ""),
    (f"{_CORE}Toleration", "operator"): ("Equal", "Exists", "Lt", "Gt", ""),
    (f"{_CORE}TopologySpreadConstraint", "whenUnsatisfiable"): (
        "DoNotSchedule",
        "ScheduleAnyway",
    ),
    (f"{_EXTENSIONS}CustomResourceDefinitionSpec", "scope"): ("Namespaced", "Cluster"),
    (f"{_META}LabelSelectorRequirement", "operator"): _SELECTORS,
    (f"{_NETWORKING}HTTPIngressPath", "pathType"): (
        "Prefix",
        "Exact",
        "ImplementationSpecific",
    ),
    (f"{_NETWORKING}NetworkPolicyPort", "protocol"): _PROTOCOLS,
    (f"{_NETWORKING}NetworkPolicySpec", "policyTypes"): ("Ingress", "Egress"),
    ("io.k8s.api.policy.v1.PodDisruptionBudgetSpec", "unhealthyPodEvictionPolicy"): (
        "IfHealthyBudget",
        "AlwaysAllow",
    ),
    ("io.k8s.api.rbac.v1.RoleRef", "apiGroup"): ("rbac.authorization.k8s.io", ""),
    ("io.k8s.api.rbac.v1.RoleRef", "kind"): ("Role", "ClusterRole"),
    ("io.k8s.api.rbac.v1.Subject", "kind"): ("ServiceAccount", "User", "Group"),
    ("io.k8s.api.storage.v1.StorageClass", "reclaimPolicy"): ("Delete", "Retain", ""),
    ("io.k8s.api.storage.v1.StorageClass", "volumeBindingMode"): (
        "Immediate",
        "WaitForFirstConsumer",
    ),
}
"""By type and field; of a list field, the values of its elements."""
