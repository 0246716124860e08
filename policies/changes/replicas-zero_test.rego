package gitops_gate.changes.replicas_zero_test

import data.gitops_gate.changes.replicas_zero as rule

denied(operation, old, new) := results if {
	results := rule.deny with input as {
		"object": {"kind": "Deployment", "metadata": {"name": "web"}, "spec": new},
		"oldObject": {"kind": "Deployment", "metadata": {"name": "web"}, "spec": old},
		"operation": operation,
	}
}

test_scaled_to_zero if {
	every old in [{"replicas": 3}, {"replicas": null}, {}, null, "x"] {
		count(denied("UPDATE", old, {"replicas": 0})) == 1
		count(denied("UPDATE", old, {"replicas": "0"})) == 1
		denied("UPDATE", old, {"replicas": 1}) == set()
		denied("UPDATE", old, {"replicas": null}) == set()
	}
	denied("UPDATE", {"replicas": 0}, {"replicas": 0}) == set()
	denied("CREATE", {}, {"replicas": 0}) == set()
}
