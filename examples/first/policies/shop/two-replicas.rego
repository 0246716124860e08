# METADATA
# title: Deployments run at least two replicas
# custom:
#   kinds: [Deployment]
#   remediation: Set spec.replicas to 2 or more.
package gitops_gate.shop.two_replicas

deny contains result if {
	replicas := object.get(input.object, ["spec", "replicas"], 1)
	not replicas >= 2
	result := {
		"message": sprintf("%s runs %v replica", [input.object.metadata.name, replicas]),
		"field": ["spec", "replicas"],
	}
}
