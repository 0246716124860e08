package gitops_gate.pod_security.capabilities_dropped_test

import data.gitops_gate.pod_security.capabilities_dropped as rule

denied(container) := results if {
	results := rule.deny with input as {"object": {"kind": "Pod", "spec": {"containers": [container]}}}
}

test_all_or_nothing if {
	denied({"name": "a", "securityContext": {"capabilities": {"drop": ["ALL"]}}}) == set()
	every context in [null, {}, "x", {"capabilities": {"drop": []}}, {"capabilities": {"drop": ["KILL"]}}, {"capabilities": {"drop": "ALL"}}] {
		count(denied({"name": "a", "securityContext": context})) == 1
	}
	count(denied({"name": "a"})) == 1
	count(denied(null)) == 1
}
