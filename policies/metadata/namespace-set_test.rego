package gitops_gate.metadata.namespace_set_test

import data.gitops_gate.metadata.namespace_set as rule

denied(metadata, application, inventory) := results if {
	results := rule.deny with input as {
		"object": {"kind": "ConfigMap", "metadata": metadata},
		"application": object.union({"path": "apps/a", "renderer": "directory"}, application),
	}
		with data.inventory as inventory
}

argo(spec) := {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "spec": spec}

flux(spec) := {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "spec": spec}

test_set if {
	denied({"name": "a", "namespace": "shop"}, {}, []) == set()
}

test_not_set if {
	every metadata in [null, "x", {}, {"namespace": null}, {"namespace": ""}, {"namespace": 5}, {"namespace": ["shop"]}] {
		count(denied(metadata, {}, [])) == 1
	}
}

test_known_from_the_application if {
	denied({}, {"renderer": "helm"}, []) == set()
	denied({}, {"namespace": "shop"}, []) == set()
	count(denied({}, {"namespace": ""}, [])) == 1
}

test_known_from_an_agent if {
	destination := {"namespace": "shop"}
	denied({}, {}, [argo({"destination": destination, "source": {"path": "apps/a"}})]) == set()
	denied({}, {}, [argo({"destination": destination, "sources": [{}, {"path": "./apps/a"}]})]) == set()
	denied({}, {}, [flux({"targetNamespace": "shop", "path": "./apps/a/"})]) == set()
}

test_agents_of_something_else if {
	every object in [
		argo({"destination": {"namespace": "shop"}, "source": {"path": "apps/b"}}),
		argo({"destination": {}, "source": {"path": "apps/a"}}),
		argo({"destination": {"namespace": "shop"}, "source": {"path": 5}}),
		flux({"path": "apps/a"}),
		flux({"targetNamespace": "shop"}),
		{"kind": "Application", "spec": {"destination": {"namespace": "shop"}, "source": {"path": "apps/a"}}},
		"x",
	] {
		count(denied({}, {}, [object])) == 1
	}
}
