# METADATA
# scope: package
# title: A Namespace is removed
# description: |
#   With a Namespace goes everything in it, also what is not in this repository. A Namespace that the
#   agent keeps although it is removed from Git (`helm.sh/resource-policy: keep`, Argo CD's
#   `Prune=false`, Flux's `prune: disabled`) is fine.
# related_resources:
# - ref: https://kubernetes.io/docs/tasks/administer-cluster/namespaces/#deleting-a-namespace
#   description: Deleting a namespace
# custom:
#   severity: warning
#   kinds: [Namespace]
#   operations: [DELETE]
#   remediation: Make sure that nothing in it is needed, or keep the Namespace.
#   areas: [changes]
#   profiles: [recommended]
package gitops_gate.changes.namespace_removed

import data.gitops_gate.lib.names
import data.gitops_gate.lib.retention

deny contains result if {
	input.operation == "DELETE"
	not retention.kept(input.oldObject)
	result := {
		"message": sprintf("%s is removed: everything in it is deleted with it.", [names.full(input.oldObject)]),
		"field": [],
		"remediation": "Make sure that nothing in it is needed, or annotate it so that the agent keeps it.",
	}
}
