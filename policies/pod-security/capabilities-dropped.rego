# METADATA
# scope: package
# title: Containers drop all capabilities
# description: |
#   A container starts with a dozen capabilities that few programs need. Drop ALL, and add back the
#   one that is needed. Windows pods do not know the field.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
#   description: Pod Security Standards, restricted
# custom:
#   severity: warning
#   kinds: [Pod, apps/Deployment, apps/StatefulSet, apps/DaemonSet, apps/ReplicaSet, ReplicationController, batch/Job, batch/CronJob]
#   operations: [CREATE, UPDATE]
#   remediation: Set securityContext.capabilities.drop to [ALL].
#   areas: [pod-security, pod-security-restricted]
#   profiles: [recommended]
package gitops_gate.pod_security.capabilities_dropped

import data.gitops_gate.lib.pods

deny contains result if {
	some [path, container] in pods.containers(input.object)
	not drops_all(container)
	not pods.windows(input.object)
	result := pods.finding(path, container, {
		"message": "does not drop all capabilities.",
		"field": ["securityContext", "capabilities", "drop"],
		"remediation": "Set securityContext.capabilities.drop to [ALL], and add back what the program needs.",
	})
}

drops_all(container) if "ALL" in container.securityContext.capabilities.drop
