# METADATA
# scope: package
# title: Nobody is bound to cluster-admin
# description: |
#   The role cluster-admin may do anything: in the whole cluster through a ClusterRoleBinding, in one
#   namespace through a RoleBinding.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   description: Good practices for role-based access control
# custom:
#   severity: error
#   kinds: [rbac.authorization.k8s.io/ClusterRoleBinding, rbac.authorization.k8s.io/RoleBinding]
#   operations: [CREATE, UPDATE]
#   remediation: Bind a role that allows only what is needed.
#   areas: [rbac]
#   profiles: [recommended]
package gitops_gate.rbac.cluster_admin_binding

deny contains result if {
	input.object.roleRef.name == "cluster-admin"
	input.object.roleRef.kind != "Role"
	result := {
		"message": sprintf("The binding allows anything in %s (cluster-admin).", [reach]),
		"field": ["roleRef", "name"],
		"remediation": "Bind a role that allows only what is needed.",
	}
}

deny contains result if {
	not known
	result := {
		"message": "The binding does not say which role it is for, so it cannot be judged.",
		"field": ["roleRef"],
		"remediation": "Write roleRef as an object with apiGroup, kind and name.",
	}
}

reach := "the whole cluster" if {
	input.object.kind == "ClusterRoleBinding"
} else := "its namespace"

known if {
	input.object.roleRef.name > "" # a string: it sorts above "" and below arrays
	input.object.roleRef.name < []
	input.object.roleRef.kind in ["Role", "ClusterRole"]
}
