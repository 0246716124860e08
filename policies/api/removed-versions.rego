# METADATA
# scope: package
# title: API versions are served by the cluster
# description: |
#   Kubernetes removes old versions of its APIs. A manifest that still uses one cannot be applied, and
#   an upgrade of the cluster makes the application undeployable. Judged for the application's
#   Kubernetes version; without one, every removal counts.
# related_resources:
# - ref: https://kubernetes.io/docs/reference/using-api/deprecation-guide/
#   description: Deprecated API migration guide
# custom:
#   severity: error
#   kinds: ["*"]
#   operations: [CREATE, UPDATE]
#   remediation: Move the manifest to the API version that replaces it.
#   areas: [api]
#   profiles: [recommended]
#   parameters:
#     kubernetes:
#       description: The Kubernetes version of the cluster, for example "1.36". Filled in for each application when it is not set.
#       default: ""
package gitops_gate.api.removed_versions

# Removed versions are alphas and betas, so most resources are done with the first look.
deny contains result if {
	input.object.apiVersion != "v1"
	version := input.object.apiVersion
	version > "" # a string: it sorts above "" and below arrays
	version < []
	not endswith(version, "/v1")
	[minor, replacement] := removals[version][input.object.kind]
	gone(minor)
	result := {
		"message": sprintf("%s of %s is not served since Kubernetes 1.%d.", [input.object.kind, version, minor]),
		"field": ["apiVersion"],
		"remediation": remediation(replacement),
	}
}

gone(minor) if {
	minor <= target
} else if {
	not target
}

target := to_number(found[0][1]) if {
	version := input.parameters.kubernetes
	is_string(version)
	found := regex.find_all_string_submatch_n(`^v?1\.([0-9]{1,4})([^0-9]|$)`, version, 1)
}

remediation(replacement) := "Remove it: Kubernetes has no such resource any more." if {
	replacement == ""
} else := sprintf("Move the manifest to %s.", [replacement])

# apiVersion -> kind -> [minor version without it, what replaces it].
removals := {
	"admissionregistration.k8s.io/v1alpha1": {
		"ValidatingAdmissionPolicy": [32, "admissionregistration.k8s.io/v1"],
		"ValidatingAdmissionPolicyBinding": [32, "admissionregistration.k8s.io/v1"],
	},
	"admissionregistration.k8s.io/v1beta1": {
		"MutatingWebhookConfiguration": [22, "admissionregistration.k8s.io/v1"],
		"ValidatingAdmissionPolicy": [34, "admissionregistration.k8s.io/v1"],
		"ValidatingAdmissionPolicyBinding": [34, "admissionregistration.k8s.io/v1"],
		"ValidatingWebhookConfiguration": [22, "admissionregistration.k8s.io/v1"],
	},
	"apiextensions.k8s.io/v1beta1": {"CustomResourceDefinition": [22, "apiextensions.k8s.io/v1"]},
	"apiregistration.k8s.io/v1beta1": {"APIService": [22, "apiregistration.k8s.io/v1"]},
	"apps/v1beta1": {
		"ControllerRevision": [16, "apps/v1"],
		"Deployment": [16, "apps/v1"],
		"StatefulSet": [16, "apps/v1"],
	},
	"apps/v1beta2": {
		"ControllerRevision": [16, "apps/v1"],
		"DaemonSet": [16, "apps/v1"],
		"Deployment": [16, "apps/v1"],
		"ReplicaSet": [16, "apps/v1"],
		"StatefulSet": [16, "apps/v1"],
	},
	"authentication.k8s.io/v1alpha1": {"SelfSubjectReview": [32, "authentication.k8s.io/v1"]},
	"authentication.k8s.io/v1beta1": {
		"SelfSubjectReview": [33, "authentication.k8s.io/v1"],
		"TokenReview": [22, "authentication.k8s.io/v1"],
	},
	"authorization.k8s.io/v1beta1": {
		"LocalSubjectAccessReview": [22, "authorization.k8s.io/v1"],
		"SelfSubjectAccessReview": [22, "authorization.k8s.io/v1"],
		"SelfSubjectRulesReview": [22, "authorization.k8s.io/v1"],
		"SubjectAccessReview": [22, "authorization.k8s.io/v1"],
	},
	"autoscaling/v2beta1": {"HorizontalPodAutoscaler": [25, "autoscaling/v2"]},
	"autoscaling/v2beta2": {"HorizontalPodAutoscaler": [26, "autoscaling/v2"]},
	"batch/v1beta1": {"CronJob": [25, "batch/v1"]},
	"batch/v2alpha1": {"CronJob": [21, "batch/v1"]},
	"certificates.k8s.io/v1alpha1": {
		"ClusterTrustBundle": [37, "certificates.k8s.io/v1"],
		"PodCertificateRequest": [35, "certificates.k8s.io/v1beta1"],
	},
	"certificates.k8s.io/v1beta1": {"CertificateSigningRequest": [22, "certificates.k8s.io/v1"]},
	"coordination.k8s.io/v1alpha1": {"LeaseCandidate": [32, "coordination.k8s.io/v1beta1"]},
	"coordination.k8s.io/v1beta1": {"Lease": [22, "coordination.k8s.io/v1"]},
	"discovery.k8s.io/v1beta1": {"EndpointSlice": [25, "discovery.k8s.io/v1"]},
	"events.k8s.io/v1beta1": {"Event": [25, "events.k8s.io/v1"]},
	"extensions/v1beta1": {
		"DaemonSet": [16, "apps/v1"],
		"Deployment": [16, "apps/v1"],
		"Ingress": [22, "networking.k8s.io/v1"],
		"NetworkPolicy": [16, "networking.k8s.io/v1"],
		"PodSecurityPolicy": [16, ""],
		"ReplicaSet": [16, "apps/v1"],
	},
	"flowcontrol.apiserver.k8s.io/v1beta1": {
		"FlowSchema": [26, "flowcontrol.apiserver.k8s.io/v1"],
		"PriorityLevelConfiguration": [26, "flowcontrol.apiserver.k8s.io/v1"],
	},
	"flowcontrol.apiserver.k8s.io/v1beta2": {
		"FlowSchema": [29, "flowcontrol.apiserver.k8s.io/v1"],
		"PriorityLevelConfiguration": [29, "flowcontrol.apiserver.k8s.io/v1"],
	},
	"flowcontrol.apiserver.k8s.io/v1beta3": {
		"FlowSchema": [32, "flowcontrol.apiserver.k8s.io/v1"],
		"PriorityLevelConfiguration": [32, "flowcontrol.apiserver.k8s.io/v1"],
	},
	"networking.k8s.io/v1alpha1": {
		"ClusterCIDR": [29, ""],
		"IPAddress": [31, "networking.k8s.io/v1"],
		"ServiceCIDR": [31, "networking.k8s.io/v1"],
	},
	"networking.k8s.io/v1beta1": {
		"IPAddress": [37, "networking.k8s.io/v1"],
		"Ingress": [22, "networking.k8s.io/v1"],
		"IngressClass": [22, "networking.k8s.io/v1"],
		"ServiceCIDR": [37, "networking.k8s.io/v1"],
	},
	"node.k8s.io/v1beta1": {"RuntimeClass": [25, "node.k8s.io/v1"]},
	"policy/v1beta1": {
		"PodDisruptionBudget": [25, "policy/v1"],
		"PodSecurityPolicy": [25, ""],
	},
	"rbac.authorization.k8s.io/v1beta1": {
		"ClusterRole": [22, "rbac.authorization.k8s.io/v1"],
		"ClusterRoleBinding": [22, "rbac.authorization.k8s.io/v1"],
		"Role": [22, "rbac.authorization.k8s.io/v1"],
		"RoleBinding": [22, "rbac.authorization.k8s.io/v1"],
	},
	"resource.k8s.io/v1alpha1": {
		"PodScheduling": [27, ""],
		"ResourceClaim": [27, "resource.k8s.io/v1"],
		"ResourceClaimTemplate": [27, "resource.k8s.io/v1"],
		"ResourceClass": [27, "resource.k8s.io/v1 (DeviceClass)"],
	},
	"resource.k8s.io/v1alpha2": {
		"PodSchedulingContext": [31, ""],
		"ResourceClaim": [31, "resource.k8s.io/v1"],
		"ResourceClaimParameters": [31, ""],
		"ResourceClaimTemplate": [31, "resource.k8s.io/v1"],
		"ResourceClass": [31, "resource.k8s.io/v1 (DeviceClass)"],
		"ResourceClassParameters": [31, ""],
		"ResourceSlice": [31, "resource.k8s.io/v1"],
	},
	"resource.k8s.io/v1alpha3": {
		"DeviceClass": [34, "resource.k8s.io/v1"],
		"PodSchedulingContext": [32, ""],
		"ResourceClaim": [34, "resource.k8s.io/v1"],
		"ResourceClaimTemplate": [34, "resource.k8s.io/v1"],
		"ResourceSlice": [34, "resource.k8s.io/v1"],
	},
	"scheduling.k8s.io/v1alpha1": {"Workload": [36, "scheduling.k8s.io/v1beta1"]},
	"scheduling.k8s.io/v1alpha2": {
		"PodGroup": [37, "scheduling.k8s.io/v1beta1"],
		"Workload": [37, "scheduling.k8s.io/v1beta1"],
	},
	"scheduling.k8s.io/v1beta1": {"PriorityClass": [22, "scheduling.k8s.io/v1"]},
	"storage.k8s.io/v1alpha1": {"VolumeAttributesClass": [35, "storage.k8s.io/v1"]},
	"storage.k8s.io/v1beta1": {
		"CSIDriver": [22, "storage.k8s.io/v1"],
		"CSINode": [22, "storage.k8s.io/v1"],
		"CSIStorageCapacity": [27, "storage.k8s.io/v1"],
		"StorageClass": [22, "storage.k8s.io/v1"],
		"VolumeAttachment": [22, "storage.k8s.io/v1"],
		"VolumeAttributesClass": [37, "storage.k8s.io/v1"],
	},
	"storagemigration.k8s.io/v1alpha1": {"StorageVersionMigration": [35, "storagemigration.k8s.io/v1beta1"]},
}
