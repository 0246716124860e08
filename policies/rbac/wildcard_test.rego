package gitops_gate.rbac.wildcard_test

import data.gitops_gate.rbac.wildcard as rule

denied(rules) := results if {
	results := rule.deny with input as {"object": {"kind": "Role", "rules": rules}}
}

test_named if {
	denied(null) == set()
	denied([]) == set()
	denied([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": null}]) == set()
}

test_wildcards if {
	count(denied([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}])) == 3
	count(denied([{"apiGroups": [""], "resources": ["*/scale"], "verbs": ["get"]}])) == 1
}

test_shapes_that_hide_something if {
	every rules in ["*", {"a": {}}, ["*"], [null], [{"verbs": "*"}], [{"verbs": [5]}], [{"verbs": {"a": "get"}}]] {
		count(denied(rules)) == 1
	}
}
