# METADATA
# scope: package
# title: Containers are not privileged
# description: |
#   A privileged container is root on its node: it sees every device and every other container. So is
#   a Windows HostProcess container.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   description: Pod Security Standards, baseline
# custom:
#   severity: error
#   kinds: [Pod, apps/Deployment, apps/StatefulSet, apps/DaemonSet, apps/ReplicaSet, ReplicationController, batch/Job, batch/CronJob]
#   operations: [CREATE, UPDATE]
#   remediation: Remove privileged, and add the single capability that the container needs.
#   areas: [pod-security, pod-security-baseline]
#   profiles: [recommended]
package gitops_gate.pod_security.privileged

import data.gitops_gate.lib.pods

deny contains result if {
	some [path, container] in pods.containers(input.object)
	fault := privilege(container)
	result := pods.finding(path, container, fault)
}

deny contains result if {
	[path, spec] := pods.template(input.object)
	spec.securityContext.windowsOptions.hostProcess > false
	result := {
		"message": "The pod's containers are Windows HostProcess containers: they have full access to the node.",
		"field": array.concat(path, ["securityContext", "windowsOptions", "hostProcess"]),
		"remediation": "Remove hostProcess, or run the program on the node itself.",
		"suggestion": "false",
	}
}

privilege(container) := {
	"message": "is privileged: it has full access to the node.",
	"field": ["securityContext", "privileged"],
	"remediation": "Set privileged to false, and add the single capability that the container needs.",
	"suggestion": "false",
} if {
	container.securityContext.privileged > false
} else := {
	"message": "is a Windows HostProcess container: it has full access to the node.",
	"field": ["securityContext", "windowsOptions", "hostProcess"],
	"remediation": "Remove hostProcess, or run the program on the node itself.",
	"suggestion": "false",
} if {
	container.securityContext.windowsOptions.hostProcess > false
} else := pods.broken_context if {
	container.securityContext > null
	container.securityContext < {}
} else := {} if {
	container < {}
}
