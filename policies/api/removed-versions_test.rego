package gitops_gate.api.removed_versions_test

import data.gitops_gate.api.removed_versions as rule

denied(version, kind, target) := results if {
	results := rule.deny with input as {
		"object": {"apiVersion": version, "kind": kind},
		"parameters": {"kubernetes": target},
	}
}

test_served if {
	denied("v1", "Pod", "1.36") == set()
	denied("apps/v1", "Deployment", "1.36") == set()
	denied("batch/v1beta1", "CronJob", "1.24") == set()
	denied("example.com/v1beta1", "CronJob", "1.36") == set()
	denied("batch/v1beta1", "Job", "1.36") == set()
}

test_removed if {
	every target in ["1.25", "v1.25", "1.25.0", "v1.36.2+k3s1", "1.100"] {
		count(denied("batch/v1beta1", "CronJob", target)) == 1
	}
}

test_an_unknown_target_counts_as_the_newest if {
	every target in ["", "latest", "2.0", null, 1.24, {}] {
		count(denied("batch/v1beta1", "CronJob", target)) == 1
	}
	results := rule.deny with input as {"object": {"apiVersion": "batch/v1beta1", "kind": "CronJob"}, "parameters": {}}
	count(results) == 1
}

test_versions_of_the_wrong_shape_are_no_removed_ones if {
	every version in [null, 5, [], {}, ""] {
		denied(version, "CronJob", "1.36") == set()
	}
}

test_what_replaces_it if {
	{result.remediation | some result in denied("extensions/v1beta1", "Ingress", "1.36")} == {"Move the manifest to networking.k8s.io/v1."}
	{result.remediation | some result in denied("policy/v1beta1", "PodSecurityPolicy", "1.36")} == {"Remove it: Kubernetes has no such resource any more."}
}
