# METADATA
# title: Production runs at least two replicas
# description: >-
#   With one replica, every node upgrade is an outage for the shop's customers.
# custom:
#   severity: error
#   kinds: [Deployment]
#   remediation: Set spec.replicas to 2 or more.
package gitops_gate.shop.two_replicas

deny contains result if {
	input.application.environment == "production"
	replicas := object.get(input.object, ["spec", "replicas"], 1)
	replicas < 2
	result := {
		"message": sprintf("%s has %d replica in production", [input.object.metadata.name, replicas]),
		"field": ["spec", "replicas"],
	}
}
