package gitops_gate.services.external_exposure_test

import data.gitops_gate.services.external_exposure as rule

denied(spec, allow) := results if {
	results := rule.deny with input as {
		"object": {"kind": "Service", "metadata": {"name": "web", "namespace": "shop"}, "spec": spec},
		"parameters": {"allow": allow},
	}
}

test_inside if {
	every spec in [null, {}, {"type": null}, {"type": "ClusterIP"}, {"type": "ExternalName"}, {"externalIPs": []}, {"externalIPs": null}] {
		denied(spec, []) == set()
	}
}

test_outside if {
	every spec in ["x", [], {"type": "LoadBalancer"}, {"type": "NodePort"}, {"type": "nodeport"}, {"type": 5}, {"externalIPs": ["192.0.2.1"]}, {"externalIPs": "192.0.2.1"}] {
		count(denied(spec, [])) == 1
		count(denied(spec, ["ingress/*"])) == 1
		denied(spec, ["shop/*"]) == set()
	}
}

test_the_default_namespace_and_names_that_are_none if {
	without := rule.deny with input as {
		"object": {"metadata": {"name": "web"}, "spec": {"type": "NodePort"}},
		"parameters": {"allow": ["default/web"]},
	}
	without == set()
	nameless := rule.deny with input as {
		"object": {"metadata": "web", "spec": {"type": "NodePort"}},
		"parameters": {"allow": ["**"]},
	}
	count(nameless) == 1
}
