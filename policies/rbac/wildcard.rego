# METADATA
# scope: package
# title: Roles name what they allow
# description: |
#   A `*` among the verbs, resources or API groups of a role also allows what is added to the cluster
#   tomorrow.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
#   description: Good practices for role-based access control
# custom:
#   severity: error
#   kinds: [rbac.authorization.k8s.io/Role, rbac.authorization.k8s.io/ClusterRole]
#   operations: [CREATE, UPDATE]
#   remediation: List the verbs, resources and API groups that are needed.
#   areas: [rbac]
#   profiles: [recommended]
package gitops_gate.rbac.wildcard

deny contains result if {
	some list in ["verbs", "resources", "apiGroups"]
	item := input.object.rules[index][list][_]
	wild(item)
	result := {
		"message": sprintf("The role allows every %s (*) in rules[%v].", [noun[list], index]),
		"field": ["rules", index, list],
		"remediation": sprintf("List the %s that are needed.", [nouns[list]]),
	}
}

deny contains result if {
	some path in broken(input.object)
	result := {
		"message": "The role has rules of the wrong shape, so what it allows cannot be judged.",
		"field": path,
		"remediation": "Write rules as a list of objects whose fields are lists of strings.",
	}
}

wild(item) if {
	item == "*"
} else if {
	is_string(item)
	startswith(item, "*/")
}

broken(role) := [["rules"]] if {
	role.rules > null
	not is_array(role.rules)
} else := array.concat(
	[["rules", index] | role.rules[index] < {}],
	[["rules", index, list] |
		some list in ["verbs", "resources", "apiGroups"]
		role.rules[index][list] > null
		not texts(role.rules[index][list])
	],
)

texts(list) if {
	is_array(list)
	every item in list { is_string(item) }
}

noun := {"verbs": "verb", "resources": "resource", "apiGroups": "API group"}

nouns := {"verbs": "verbs", "resources": "resources", "apiGroups": "API groups"}
