package gitops_gate.changes.namespace_removed_test

import data.gitops_gate.changes.namespace_removed as rule

denied(operation, old) := results if {
	results := rule.deny with input as {"object": old, "oldObject": old, "operation": operation}
}

test_removed if {
	object := {"kind": "Namespace", "metadata": {"name": "a", "namespace": null}}
	count(denied("DELETE", object)) == 1
	denied("UPDATE", object) == set()
	count(denied("DELETE", {})) == 1
	count(denied("DELETE", {"kind": 5, "metadata": "x"})) == 1
}

test_kept_by_the_agent if {
	denied("DELETE", {"metadata": {"annotations": {"helm.sh/resource-policy": "keep"}}}) == set()
}
