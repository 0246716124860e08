package gitops_gate.pod_security.run_as_non_root_test

import data.gitops_gate.pod_security.run_as_non_root as rule

denied(pod, container) := results if {
	results := rule.deny with input as {"object": {"kind": "Pod", "spec": {
		"securityContext": pod,
		"containers": [{"name": "a", "securityContext": container}],
	}}}
}

test_either_may_say_so if {
	denied(null, {"runAsNonRoot": true}) == set()
	denied({"runAsNonRoot": true}, null) == set()
	denied({"runAsNonRoot": true}, {"runAsNonRoot": null}) == set()
	denied({"runAsUser": 1000}, {}) == set()
	denied({"runAsUser": 0}, {"runAsUser": 1000}) == set()
	denied({}, {"runAsNonRoot": true, "runAsUser": 1000}) == set()
}

test_the_container_decides if {
	count(denied({"runAsNonRoot": true}, {"runAsNonRoot": false})) == 1
	count(denied({"runAsUser": 1000}, {"runAsUser": 0})) == 1
	count(denied({"runAsUser": 0}, {"runAsNonRoot": true})) == 1
}

test_nobody_says_so if {
	every pair in [[null, null], [{}, {}], ["x", {}], [{}, "x"], [{"runAsNonRoot": "true"}, {}], [{}, {"runAsUser": "1000"}]] {
		count(denied(pair[0], pair[1])) == 1
	}
}
