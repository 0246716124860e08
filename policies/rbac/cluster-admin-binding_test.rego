package gitops_gate.rbac.cluster_admin_binding_test

import data.gitops_gate.rbac.cluster_admin_binding as rule

denied(kind, role) := {result.message | some result in results} if {
	results := rule.deny with input as {"object": {"kind": kind, "roleRef": role}}
}

test_other_roles if {
	denied("ClusterRoleBinding", {"kind": "ClusterRole", "name": "view"}) == set()
	denied("RoleBinding", {"kind": "Role", "name": "cluster-admin"}) == set()
}

test_cluster_admin if {
	role := {"kind": "ClusterRole", "name": "cluster-admin"}
	denied("ClusterRoleBinding", role) == {"The binding allows anything in the whole cluster (cluster-admin)."}
	denied("RoleBinding", role) == {"The binding allows anything in its namespace (cluster-admin)."}
}

test_unknown_roles if {
	every role in [null, "cluster-admin", {}, {"kind": "ClusterRole"}, {"kind": "ClusterRole", "name": ""}, {"kind": "ClusterRole", "name": ["a"]}, {"name": "cluster-admin"}] {
		denied("RoleBinding", role) == {"The binding does not say which role it is for, so it cannot be judged."}
	}
}
