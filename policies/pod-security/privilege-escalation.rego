# METADATA
# scope: package
# title: Containers cannot gain privileges
# description: |
#   Unless allowPrivilegeEscalation is false, a program with the setuid bit gives a process more
#   rights than its container was started with. Windows pods do not know the field.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
#   description: Pod Security Standards, restricted
# custom:
#   severity: warning
#   kinds: [Pod, apps/Deployment, apps/StatefulSet, apps/DaemonSet, apps/ReplicaSet, ReplicationController, batch/Job, batch/CronJob]
#   operations: [CREATE, UPDATE]
#   remediation: Set securityContext.allowPrivilegeEscalation to false on every container.
#   areas: [pod-security, pod-security-restricted]
#   profiles: [recommended]
package gitops_gate.pod_security.privilege_escalation

import data.gitops_gate.lib.pods

deny contains result if {
	some [path, container] in pods.containers(input.object)
	not container.securityContext.allowPrivilegeEscalation == false
	not pods.windows(input.object)
	result := pods.finding(path, container, fault(container))
}

fault(container) := {
	"message": "may gain more privileges than it was started with (allowPrivilegeEscalation).",
	"field": ["securityContext", "allowPrivilegeEscalation"],
	"remediation": "Set securityContext.allowPrivilegeEscalation to false.",
	"suggestion": "false",
} if {
	container.securityContext.allowPrivilegeEscalation > false
} else := pods.broken_context if {
	container.securityContext > null
	container.securityContext < {}
} else := {
	"message": "does not rule out gaining privileges: allowPrivilegeEscalation is not set.",
	"field": ["securityContext", "allowPrivilegeEscalation"],
	"remediation": "Set securityContext.allowPrivilegeEscalation to false.",
}
