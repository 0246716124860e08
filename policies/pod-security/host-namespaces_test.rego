package gitops_gate.pod_security.host_namespaces_test

import data.gitops_gate.pod_security.host_namespaces as rule

denied(spec) := results if {
	results := rule.deny with input as {"object": {"kind": "Pod", "spec": spec}}
}

ports(list) := denied({"containers": [{"name": "a", "ports": list}]})

test_nothing_shared if {
	denied({"hostNetwork": false, "hostPID": null, "containers": [{"name": "a"}]}) == set()
	ports(null) == set()
	ports([{"containerPort": 80}, {"hostPort": 0}, {"hostPort": null}]) == set()
}

test_shared if {
	count(denied({"hostNetwork": true, "hostPID": "false", "hostIPC": 1})) == 3
	count(ports([{"hostPort": 80}, {"hostPort": "80"}])) == 2
}

test_shapes_that_hide_something if {
	every list in [80, "x", [80], [null]] {
		count(ports(list)) == 1
	}
	count(denied({"containers": [80]})) == 1
	count(denied("x")) == 1
}
