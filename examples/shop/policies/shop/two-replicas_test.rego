package gitops_gate.shop.two_replicas_test

import data.gitops_gate.shop.two_replicas

deployment(replicas) := {
	"apiVersion": "apps/v1",
	"kind": "Deployment",
	"metadata": {"name": "web"},
	"spec": {"replicas": replicas},
}

denied(environment, replicas) if {
	some _ in two_replicas.deny with input as {
		"object": deployment(replicas),
		"application": {"environment": environment},
	}
}

test_one_replica_in_production_is_denied if denied("production", 1)

test_two_replicas_in_production_are_allowed if not denied("production", 2)

test_one_replica_in_staging_is_allowed if not denied("staging", 1)
