package gitops_gate.workloads.probes_test

import data.gitops_gate.workloads.probes as rule

probe := {"httpGet": {"port": 80}}

denied(spec) := results if {
	results := rule.deny with input as {"object": {"kind": "Deployment", "spec": {"template": {"spec": spec}}}}
}

test_both_probes_are_asked_for if {
	count(denied({"containers": [{"name": "a"}]})) == 2
	count(denied({"containers": [{"name": "a", "livenessProbe": probe}]})) == 1
	denied({"containers": [{"name": "a", "livenessProbe": probe, "readinessProbe": probe}]}) == set()
}

test_each_kind_of_probe_will_do if {
	every one in [{"tcpSocket": {"port": 1}}, {"exec": {"command": ["a"]}}, {"grpc": {"port": 1}}] {
		denied({"containers": [{"name": "a", "livenessProbe": one, "readinessProbe": one}]}) == set()
	}
	every one in [null, {}, "x", {"httpGet": {}}, {"httpGet": "x"}] {
		count(denied({"containers": [{"name": "a", "livenessProbe": one, "readinessProbe": one}]})) == 2
	}
}

test_only_what_keeps_running_is_asked if {
	denied({"containers": [], "initContainers": [{"name": "a"}], "ephemeralContainers": [{"name": "b"}]}) == set()
	count(denied({"containers": [], "initContainers": [{"name": "a", "restartPolicy": "Always"}]})) == 2
	count(denied({"containers": [], "initContainers": [null]})) == 1
}
