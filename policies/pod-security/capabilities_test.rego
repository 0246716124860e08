package gitops_gate.pod_security.capabilities_test

import data.gitops_gate.pod_security.capabilities as rule

denied(context, parameters) := results if {
	results := rule.deny with input as {
		"object": {"kind": "Pod", "spec": {"containers": [{"name": "a", "securityContext": context}]}},
		"parameters": parameters,
	}
}

test_what_every_container_starts_with if {
	every context in [null, {}, {"capabilities": null}, {"capabilities": {"add": null}}, {"capabilities": {"add": ["CHOWN"]}}] {
		denied(context, {}) == set()
	}
}

test_what_goes_further if {
	count(denied({"capabilities": {"add": ["SYS_ADMIN", "ALL", "CAP_CHOWN", 5]}}, {})) == 4
	denied({"capabilities": {"add": ["NET_RAW"]}}, {"allow": ["NET_RAW"]}) == set()
}

test_shapes_that_hide_something if {
	every context in ["x", {"capabilities": "x"}, {"capabilities": {"add": "x"}}] {
		count(denied(context, {})) == 1
	}
	results := rule.deny with input as {"object": {"kind": "Pod", "spec": {"containers": [null]}}, "parameters": {}}
	count(results) == 1
}
