package gitops_gate.pod_security.host_path_test

import data.gitops_gate.pod_security.host_path as rule

denied(spec, allow) := results if {
	results := rule.deny with input as {"object": {"kind": "Pod", "spec": spec}, "parameters": {"allow": allow}}
}

path(value) := {"volumes": [{"name": "a", "hostPath": {"path": value}}]}

test_other_volumes if {
	denied({}, []) == set()
	denied({"volumes": null}, []) == set()
	denied({"volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "hostPath": null}]}, []) == set()
}

test_allowed_directories if {
	denied(path("/var/log/pods"), ["/var/log/**"]) == set()
	count(denied(path("/var/lib"), ["/var/log/**"])) == 1
	count(denied(path("/var/log/../lib"), ["/var/log/**"])) == 1
	count(denied(path(5), ["**"])) == 1
}

test_shapes_that_hide_something if {
	every spec in ["x", {"volumes": "x"}, {"volumes": ["x"]}, {"volumes": [{"hostPath": "x"}]}, {"volumes": [{"hostPath": {}}]}] {
		count(denied(spec, [])) == 1
	}
}
