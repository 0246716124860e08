# METADATA
# scope: package
# title: Containers do not run as root
# description: |
#   Root in a container is one mistake away from root on the node. Each container must say that it
#   does not run as root, itself or through its pod: with runAsNonRoot, or with a user id above 0.
#   The level "restricted" of Kubernetes' own admission asks for runAsNonRoot in any case.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
#   description: Pod Security Standards, restricted
# custom:
#   severity: warning
#   kinds: [Pod, apps/Deployment, apps/StatefulSet, apps/DaemonSet, apps/ReplicaSet, ReplicationController, batch/Job, batch/CronJob]
#   operations: [CREATE, UPDATE]
#   remediation: Set securityContext.runAsNonRoot to true for the pod or the container.
#   areas: [pod-security, pod-security-restricted]
#   profiles: [recommended]
package gitops_gate.pod_security.run_as_non_root

import data.gitops_gate.lib.pods

deny contains result if {
	[_, spec] := pods.template(input.object)
	some [path, container] in pods.containers(input.object)
	not plain(container, spec)
	fault := root(container, spec)
	result := pods.finding(path, container, fault)
}

# The usual way to be sure, told without looking at which value counts.
plain(container, spec) if {
	container.securityContext.runAsNonRoot == true
	not container.securityContext.runAsUser
	not spec.securityContext.runAsUser == 0
}

# A container's own value counts before its pod's; null is no value.
root(container, spec) := {
	"message": "runs as root (runAsUser 0).",
	"field": ["securityContext", "runAsUser"],
	"remediation": "Set runAsUser to an id above 0 that the image can run as, and runAsNonRoot to true.",
} if {
	effective(container, spec, "runAsUser") == 0
} else := pods.broken_context if {
	container.securityContext > null
	container.securityContext < {}
} else := {
	"message": "may run as root: runAsNonRoot is false.",
	"field": ["securityContext", "runAsNonRoot"],
	"remediation": "Set securityContext.runAsNonRoot to true.",
	"suggestion": "true",
} if {
	container.securityContext.runAsNonRoot == false
	not assured(container, spec)
} else := {
	"message": "may run as root: nothing says runAsNonRoot.",
	"field": ["securityContext", "runAsNonRoot"],
	"remediation": "Set securityContext.runAsNonRoot to true, for the pod or for this container.",
} if {
	not assured(container, spec)
}

assured(container, spec) if {
	effective(container, spec, "runAsNonRoot") == true
} else if {
	user := effective(container, spec, "runAsUser")
	user > 0
	user < ""
}

effective(container, spec, name) := container.securityContext[name] if {
	container.securityContext[name] > null
} else := spec.securityContext[name]
