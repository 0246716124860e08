package gitops_gate.pod_security.privilege_escalation_test

import data.gitops_gate.pod_security.privilege_escalation as rule

denied(context) := results if {
	results := rule.deny with input as {"object": {
		"kind": "Pod",
		"spec": {"containers": [{"name": "a", "securityContext": context}]},
	}}
}

test_only_false_rules_it_out if {
	denied({"allowPrivilegeEscalation": false}) == set()
	every context in [
		null,
		{},
		"x",
		{"allowPrivilegeEscalation": null},
		{"allowPrivilegeEscalation": true},
		{"allowPrivilegeEscalation": "false"},
	] {
		count(denied(context)) == 1
	}
}

test_windows_does_not_know_it if {
	results := rule.deny with input as {"object": {
		"kind": "Pod",
		"spec": {"os": {"name": "windows"}, "containers": [{"name": "a"}]},
	}}
	results == set()
}
