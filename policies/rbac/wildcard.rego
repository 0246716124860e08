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
	item >= "*" # a string that starts with a star: it sorts between these two
	item < "+"
	result := {
		"message": sprintf("The role allows every %s (*) in rules[%v].", [noun[list], index]),
		"field": ["rules", index, list],
		"remediation": sprintf("List the %s that are needed.", [nouns[list]]),
	}
}

deny contains result if {
	some path in broken
	result := {
		"message": "The role has rules of the wrong shape, so what it allows cannot be judged.",
		"field": path,
		"remediation": "Write rules as a list of objects whose fields are lists of strings.",
	}
}

broken contains ["rules"] if {
	input.object.rules > null
	input.object.rules < []
}

broken contains ["rules"] if input.object.rules >= {}

broken contains ["rules", index] if input.object.rules[index] < {}

broken contains ["rules", index, list] if {
	some list in ["verbs", "resources", "apiGroups"]
	odd(input.object.rules[index][list])
}

# Whether it is anything but a list of strings: null is no list at all, and that is fine.
odd(list) if {
	list > null
	list < []
} else if {
	list >= {}
} else if {
	list[_] < ""
} else if {
	list[_] >= []
}

noun := {"verbs": "verb", "resources": "resource", "apiGroups": "API group"}

nouns := {"verbs": "verbs", "resources": "resources", "apiGroups": "API groups"}
