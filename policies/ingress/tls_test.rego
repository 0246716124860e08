package gitops_gate.ingress.tls_test

import data.gitops_gate.ingress.tls as rule

denied(spec, annotations) := results if {
	results := rule.deny with input as {
		"object": {"kind": "Ingress", "metadata": {"annotations": annotations}, "spec": spec},
		"parameters": {},
	}
}

rules := [{"host": "a.example.com"}]

test_covered if {
	every hosts in [null, [], ["a.example.com"], ["*.example.com"], ["b.example.com", "a.example.com"]] {
		denied({"rules": rules, "tls": [{"hosts": hosts}]}, {}) == set()
	}
	denied({"rules": [{"host": null}, {"host": ""}, {}], "tls": [{"hosts": ["a"]}]}, {}) == set()
	denied({"rules": rules}, {"networking.gke.io/managed-certificates": "a"}) == set()
}

test_not_covered if {
	every hosts in [["b.example.com"], ["*.a.example.com"], "a.example.com", [null], {}] {
		count(denied({"rules": rules, "tls": [{"hosts": hosts}]}, {})) == 1
	}
	every spec in [null, {}, "x", {"rules": rules}, {"rules": rules, "tls": []}, {"rules": rules, "tls": null}] {
		count(denied(spec, {})) == 1
	}
	count(denied({"rules": rules}, {"networking.gke.io/managed-certificates": ""})) == 1
}

test_shapes_that_hide_something if {
	count(denied({"tls": "x"}, {})) == 2
	count(denied({"tls": ["x"]}, "x")) == 2
	count(denied({"tls": [{}], "rules": {"a": {"host": 5}}}, {})) == 1
	count(denied({"tls": [{"hosts": ["a"]}], "rules": [{"host": 5}]}, {})) == 1
}
