# METADATA
# scope: package
# title: A PersistentVolumeClaim is removed
# description: |
#   With a claim goes its volume, unless the storage class says otherwise: the data may be lost. A
#   claim that the agent keeps although it is removed from Git (`helm.sh/resource-policy: keep`, Argo
#   CD's `Prune=false`, Flux's `prune: disabled`) is fine.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/storage/persistent-volumes/#reclaiming
#   description: What happens to a volume whose claim is deleted
# custom:
#   severity: warning
#   kinds: [PersistentVolumeClaim]
#   operations: [DELETE]
#   remediation: Back up the data, or keep the claim.
#   areas: [changes]
#   profiles: [recommended]
package gitops_gate.changes.persistent_volume_claim_removed

import data.gitops_gate.lib.names
import data.gitops_gate.lib.retention

deny contains result if {
	input.operation == "DELETE"
	not retention.kept(input.oldObject)
	result := {
		"message": sprintf("%s is removed: its volume may be deleted with it.", [names.full(input.oldObject)]),
		"field": [],
		"remediation": "Back up the data, or annotate the claim so that the agent keeps it.",
	}
}
