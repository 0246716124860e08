package gitops_gate.workloads.resources_test

import data.gitops_gate.workloads.resources as rule

missing(container) := {concat(".", array.slice(result.field, 3, 6)) | some result in results} if {
	results := rule.deny with input as {"object": {"kind": "Pod", "spec": {"containers": [container]}}}
}

everything := {"resources.requests.cpu", "resources.requests.memory", "resources.limits.memory"}

test_each_gap_is_a_finding_of_its_own if {
	missing({"name": "a"}) == everything
	missing({"name": "a", "resources": {}}) == everything
	missing({"name": "a", "resources": {"requests": {"cpu": "1"}}}) == everything - {"resources.requests.cpu"}
	missing({"name": "a", "resources": {"limits": {"memory": "1Gi"}}}) == {"resources.requests.cpu"}
}

test_quantities if {
	every quantity in ["1", "100m", "0.5", "1e3", "+2", "1Gi", 1, 0.5] {
		limits := {"limits": {"cpu": quantity, "memory": quantity}}
		missing({"name": "a", "resources": limits}) == set()
	}
	every quantity in ["", "0", "0Mi", "-1", "much", 0, null, true, [], {}] {
		limits := {"limits": {"cpu": quantity, "memory": quantity}}
		missing({"name": "a", "resources": limits}) == everything
	}
}

test_a_pod_may_have_resources_as_a_whole if {
	results := rule.deny with input as {"object": {"kind": "Pod", "spec": {
		"resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
		"containers": [{"name": "a"}],
		"initContainers": [{"name": "b"}],
	}}}
	results == set()
}

test_ephemeral_containers_cannot_have_resources if {
	results := rule.deny with input as {"object": {"kind": "Pod", "spec": {"ephemeralContainers": [{"name": "a"}]}}}
	results == set()
}
