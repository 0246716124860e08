# METADATA
# scope: package
# title: Services stay inside the cluster
# description: |
#   A Service of type LoadBalancer or NodePort, or with externalIPs, can be reached from outside the
#   cluster, past the Ingress or Gateway where access is controlled.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/services-networking/service/#publishing-services-service-types
#   description: Service types
# custom:
#   severity: error
#   kinds: [Service]
#   operations: [CREATE, UPDATE]
#   remediation: Use type ClusterIP, and publish through an Ingress or a Gateway.
#   areas: [services]
#   profiles: [recommended]
#   parameters:
#     allow:
#       description: Patterns of `<namespace>/<name>` of Services that may be reached from outside.
#       default: []
package gitops_gate.services.external_exposure

import data.gitops_gate.lib.patterns

deny contains result if {
	some fault in faults
	not allowed
	result := fault
}

faults contains {
	"message": message(type),
	"field": ["spec", "type"],
	"remediation": "Use type ClusterIP, and publish through an Ingress or a Gateway.",
	"suggestion": "ClusterIP",
} if {
	type := input.object.spec.type
	not type in ["ClusterIP", "ExternalName", null]
}

faults contains {
	"message": "The Service takes traffic for addresses outside the cluster (externalIPs).",
	"field": ["spec", "externalIPs"],
	"remediation": "Remove externalIPs, and publish through an Ingress or a Gateway.",
} if {
	input.object.spec.externalIPs > null
	input.object.spec.externalIPs != []
}

faults contains {
	"message": "The Service has a spec that is not an object, so it cannot be judged.",
	"field": ["spec"],
	"remediation": "Write spec as an object with the fields of the Kubernetes API.",
} if {
	input.object.spec > null
	input.object.spec < {}
}

message(type) := sprintf("The Service has type %s: it can be reached from outside the cluster.", [type]) if {
	type in ["LoadBalancer", "NodePort"]
} else := "The Service has a type that Kubernetes does not know, so its reach cannot be judged."

allowed if {
	allow := object.get(input.parameters, "allow", [])
	is_string(input.object.metadata.name)
	patterns.any_matches(allow, concat("/", [namespace, input.object.metadata.name]))
}

namespace := input.object.metadata.namespace if {
	is_string(input.object.metadata.namespace)
} else := "default"
