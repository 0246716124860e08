# METADATA
# scope: package
# title: A workload is scaled to zero
# description: Nothing of the workload runs any more; whoever depends on it is cut off.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#replicas
#   description: Replicas of a Deployment
# custom:
#   severity: warning
#   kinds: [apps/Deployment, apps/StatefulSet, apps/ReplicaSet, ReplicationController, argoproj.io/Rollout]
#   operations: [UPDATE]
#   remediation: Make sure that nobody needs the workload, or keep a replica.
#   areas: [changes]
#   profiles: [recommended]
package gitops_gate.changes.replicas_zero

import data.gitops_gate.lib.names

deny contains result if {
	input.operation == "UPDATE"
	stopped(input.object)
	not stopped(input.oldObject)
	result := {
		"message": sprintf("%s is scaled to zero: nothing of it will run.", [names.full(input.object)]),
		"field": ["spec", "replicas"],
		"remediation": "Make sure that nobody needs the workload, or keep a replica.",
	}
}

stopped(object) if object.spec.replicas in [0, "0"]
