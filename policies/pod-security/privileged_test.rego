package gitops_gate.pod_security.privileged_test

import data.gitops_gate.pod_security.privileged as rule

denied(context) := results if {
	results := rule.deny with input as {"object": {
		"kind": "Pod",
		"spec": {"containers": [{"name": "a", "securityContext": context}]},
	}}
}

test_unprivileged if {
	every context in [null, {}, {"privileged": false}, {"privileged": null}, {"windowsOptions": {"hostProcess": false}}] {
		denied(context) == set()
	}
}

test_privileged_or_nobody_knows if {
	every context in [
		{"privileged": true},
		{"privileged": "false"},
		{"privileged": {}},
		{"windowsOptions": {"hostProcess": true}},
		"x",
		[],
		true,
	] {
		count(denied(context)) == 1
	}
}

test_host_process_of_the_pod if {
	results := rule.deny with input as {"object": {"kind": "Pod", "spec": {
		"securityContext": {"windowsOptions": {"hostProcess": true}},
		"containers": [{"name": "a"}, "b"],
	}}}
	count(results) == 2
}
