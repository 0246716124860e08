package gitops_gate.changes.immutable_field_test

import data.gitops_gate.changes.immutable_field as rule

named(kind, rest) := object.union({"kind": kind, "metadata": {"name": "a"}}, rest)

denied(kind, old, new) := {concat(".", result.field) | some result in results} if {
	results := rule.deny with input as {
		"object": named(kind, new),
		"oldObject": named(kind, old),
		"operation": "UPDATE",
	}
}

test_what_each_kind_fixes if {
	every row in [
		["ClusterRoleBinding", ["roleRef", "name"]],
		["CustomResourceDefinition", ["spec", "scope"]],
		["DaemonSet", ["spec", "selector"]],
		["Deployment", ["spec", "selector"]],
		["IngressClass", ["spec", "controller"]],
		["Job", ["spec", "template"]],
		["PersistentVolumeClaim", ["spec", "volumeName"]],
		["PriorityClass", ["value"]],
		["ReplicaSet", ["spec", "selector"]],
		["RoleBinding", ["roleRef", "kind"]],
		["Secret", ["type"]],
		["StatefulSet", ["spec", "serviceName"]],
		["StorageClass", ["provisioner"]],
	] {
		new := json.patch({"spec": {}, "roleRef": {}}, [{"op": "add", "path": row[1], "value": "x"}])
		denied(row[0], {"spec": {}, "roleRef": {}}, new) == {concat(".", row[1])}
		denied(row[0], new, new) == set()
	}
	denied("ConfigMap", {"spec": 1}, {"spec": 2}) == set()
	denied("Unknown", {"spec": 1}, {"spec": 2}) == set()
}

test_null_is_absence_and_absence_may_be_a_default if {
	denied("Deployment", {"spec": {"selector": null}}, {"spec": {}}) == set()
	denied("Secret", {}, {"type": "Opaque"}) == set()
	denied("StorageClass", {"reclaimPolicy": null}, {"reclaimPolicy": "Delete"}) == set()
	denied("PersistentVolumeClaim", {"spec": {}}, {"spec": {"volumeMode": "Filesystem"}}) == set()
}

claims(list) := {"spec": {"volumeClaimTemplates": list}}

test_claim_templates if {
	old := claims([{"metadata": {"name": "a", "labels": null}, "spec": {"resources": {"requests": {"storage": "1Gi"}}}}])
	same := claims([{"kind": "x", "metadata": {"name": "a"}, "spec": {"resources": {"requests": {"storage": "1024Mi"}}}}])
	more := claims([{"metadata": {"name": "a"}, "spec": {"resources": {"requests": {"storage": "2Gi"}}}}])
	denied("StatefulSet", old, same) == set()
	denied("StatefulSet", old, more) == {"spec.volumeClaimTemplates"}
	denied("StatefulSet", old, claims(["x"])) == {"spec.volumeClaimTemplates"}
	denied("StatefulSet", old, claims([])) == {"spec.volumeClaimTemplates"}
}

test_addresses_of_services if {
	denied("Service", {"spec": {}}, {"spec": {"clusterIP": "None"}}) == {"spec.clusterIP"}
	denied("Service", {"spec": {"clusterIP": "None"}}, {"spec": {"clusterIP": "192.0.2.1"}}) == {"spec.clusterIP"}
	every new in [{}, {"clusterIP": null}, {"clusterIP": ""}, {"clusterIP": "None"}, {"clusterIP": "192.0.2.1", "type": "ExternalName"}] {
		denied("Service", {"spec": {"clusterIP": "None"}}, {"spec": new}) == set()
	}
	denied("Service", {"spec": {"type": "ExternalName"}}, {"spec": {"clusterIP": "None"}}) == set()
}

test_immutable_data if {
	old := {"immutable": true, "data": {"a": "1"}}
	denied("ConfigMap", old, {"immutable": true, "data": {"a": "2"}}) == {"data"}
	denied("Secret", old, {"data": {"a": "1"}}) == {"immutable"}
	denied("ConfigMap", old, old) == set()
	denied("ConfigMap", {"data": {"a": "1"}}, old) == set()
}

test_objects_that_are_created_anew if {
	hook := {"metadata": {"annotations": {"helm.sh/hook": "pre-install"}}, "spec": {"template": 1}}
	denied("Job", {"spec": {"template": 2}}, hook) == set()
	denied("Job", {"spec": {"template": 2}}, {"metadata": {"name": "b"}, "spec": {"template": 1}}) == set()
}
