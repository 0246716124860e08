# METADATA
# scope: package
# title: Fields that Kubernetes never changes stay as they are
# description: |
#   Some fields are fixed when an object is created. The API server refuses a change to them, and the
#   agent cannot apply it: the selectors of workloads, most of a StatefulSet, the pods of a Job, the
#   class and the access modes of a claim, the address of a Service, the role of a binding, the type
#   of a Secret, the data of an immutable ConfigMap or Secret. Objects that the agent deletes and
#   creates anew (hooks, Argo CD's `Force=true,Replace=true`, Flux's `force: enabled`) are fine, and so
#   are generated names that change with their content. Values are never shown.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/overview/working-with-objects/
#   description: Objects in Kubernetes
# custom:
#   severity: error
#   kinds:
#   - ConfigMap
#   - PersistentVolumeClaim
#   - Secret
#   - Service
#   - apiextensions.k8s.io/CustomResourceDefinition
#   - apps/DaemonSet
#   - apps/Deployment
#   - apps/ReplicaSet
#   - apps/StatefulSet
#   - batch/Job
#   - networking.k8s.io/IngressClass
#   - rbac.authorization.k8s.io/ClusterRoleBinding
#   - rbac.authorization.k8s.io/RoleBinding
#   - scheduling.k8s.io/PriorityClass
#   - storage.k8s.io/StorageClass
#   operations: [UPDATE]
#   remediation: Keep the old value, or create a new object under another name and remove the old one.
#   areas: [changes]
#   profiles: [recommended]
package gitops_gate.changes.immutable_field

import data.gitops_gate.lib.names
import data.gitops_gate.lib.pods
import data.gitops_gate.lib.retention

deny contains result if {
	input.operation == "UPDATE"
	input.oldObject.metadata.name == input.object.metadata.name
	some path in changed(input.object.kind)
	not retention.replaced(input.object)
	result := {
		"message": sprintf("%s of %s cannot be changed once it exists: the cluster will refuse this.", [
			pods.text(path),
			names.full(input.object),
		]),
		"field": path,
		"remediation": "Keep the old value, or create a new object under another name and remove the old one.",
	}
}

changed(kind) := array.concat(
	[path |
		some path in object.get(fixed, kind, [])
		value(input.oldObject, path) != value(input.object, path)
	],
	special(kind),
)

# The fields that are compared as they are, by kind.
fixed := {
	"ClusterRoleBinding": [["roleRef", "kind"], ["roleRef", "name"]],
	"CustomResourceDefinition": [["spec", "scope"], ["spec", "names", "kind"]],
	"DaemonSet": [["spec", "selector"]],
	"Deployment": [["spec", "selector"]],
	"IngressClass": [["spec", "controller"]],
	"Job": [["spec", "selector"], ["spec", "template"], ["spec", "completionMode"]],
	"PersistentVolumeClaim": [
		["spec", "accessModes"],
		["spec", "dataSource"],
		["spec", "dataSourceRef"],
		["spec", "selector"],
		["spec", "storageClassName"],
		["spec", "volumeMode"],
		["spec", "volumeName"],
	],
	"PriorityClass": [["value"], ["preemptionPolicy"]],
	"ReplicaSet": [["spec", "selector"]],
	"RoleBinding": [["roleRef", "kind"], ["roleRef", "name"]],
	"Secret": [["type"]],
	"StatefulSet": [["spec", "selector"], ["spec", "serviceName"], ["spec", "podManagementPolicy"]],
	"StorageClass": [["parameters"], ["provisioner"], ["reclaimPolicy"], ["volumeBindingMode"]],
}

# The fields that some kinds compare in their own way.
special(kind) := [["spec", "volumeClaimTemplates"] | claims(input.oldObject) != claims(input.object)] if {
	kind == "StatefulSet"
} else := [["spec", "clusterIP"] |
	address := input.object.spec.clusterIP
	address > ""
	lookup(input.oldObject, ["spec", "clusterIP"]) != address
	not input.object.spec.type == "ExternalName"
	not input.oldObject.spec.type == "ExternalName"
] if {
	kind == "Service"
} else := [[field] |
	some field in ["immutable", "data", "binaryData", "stringData"]
	lookup(input.oldObject, [field]) != lookup(input.object, [field])
] if {
	kind in ["ConfigMap", "Secret"]
	input.oldObject.immutable == true
} else := []

# What Kubernetes reads there: null is absence, and absence may have a default.
value(object, path) := found if {
	found := lookup(object, path)
	found != null
} else := lookup(defaults, path)

lookup(from, path) := object.get(from, path, null)

defaults := {
	"preemptionPolicy": "PreemptLowerPriority",
	"reclaimPolicy": "Delete",
	"spec": {
		"completionMode": "NonIndexed",
		"podManagementPolicy": "OrderedReady",
		"volumeMode": "Filesystem",
	},
	"type": "Opaque",
	"volumeBindingMode": "Immediate",
}

# The claim templates of a StatefulSet, without what the API server fills in or rewrites.
claims(object) := [claim | template := object.spec.volumeClaimTemplates[_]; claim := canonical(template)]

canonical(template) := {
	"metadata": {name: value | value := template.metadata[name]; value != null},
	"spec": object.union(
		{name: value | value := template.spec[name]; not value in [null, {}]},
		{
			"volumeMode": object.get(template, ["spec", "volumeMode"], "Filesystem"),
			"resources": {name: amounts(template, name) | some name in ["requests", "limits"]},
		},
	),
} if {
	template.spec >= {}
} else := template

amounts(template, name) := {resource: amount(quantity) |
	quantity := template.spec.resources[name][resource]
}

amount(quantity) := units.parse_bytes(quantity) if {
	is_string(quantity)
	regex.match(`^[0-9]+(\.[0-9]+)?([KMGTPE]i|[kMGTPE])?$`, quantity)
} else := quantity
