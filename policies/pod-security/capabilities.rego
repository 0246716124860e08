# METADATA
# scope: package
# title: Containers add no dangerous capabilities
# description: |
#   Linux capabilities split up what root may do; some of them are as good as root itself. Only those
#   that a container runtime gives by default may be added.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   description: Pod Security Standards, baseline
# custom:
#   severity: error
#   kinds: [Pod, apps/Deployment, apps/StatefulSet, apps/DaemonSet, apps/ReplicaSet, ReplicationController, batch/Job, batch/CronJob]
#   operations: [CREATE, UPDATE]
#   remediation: Remove the capability, or have it allowed for this application.
#   areas: [pod-security, pod-security-baseline]
#   profiles: [recommended]
#   parameters:
#     allow:
#       description: Capabilities that may be added.
#       default:
#       - AUDIT_WRITE
#       - CHOWN
#       - DAC_OVERRIDE
#       - FOWNER
#       - FSETID
#       - KILL
#       - MKNOD
#       - NET_BIND_SERVICE
#       - SETFCAP
#       - SETGID
#       - SETPCAP
#       - SETUID
#       - SYS_CHROOT
package gitops_gate.pod_security.capabilities

import data.gitops_gate.lib.pods

deny contains result if {
	some [path, container] in pods.containers(input.object)
	some fault in faults(container)
	result := pods.finding(path, container, fault)
}

faults(container) := [{}] if {
	container < {}
} else := [pods.broken_context] if {
	container.securityContext > null
	container.securityContext < {}
} else := [broken_capabilities] if {
	container.securityContext.capabilities > null
	container.securityContext.capabilities < {}
} else := [broken_capabilities] if {
	container.securityContext.capabilities.add > null
	container.securityContext.capabilities.add < []
} else := [fault |
	capability := container.securityContext.capabilities.add[index]
	not allowed(capability)
	fault := {
		"message": concat("", ["adds the capability ", shown(capability), "."]),
		"field": ["securityContext", "capabilities", "add", index],
		"remediation": "Remove the capability, or have it allowed for this application.",
	}
]

allowed(capability) if capability in object.get(input.parameters, "allow", standard)

broken_capabilities := {
	"message": "has capabilities of the wrong shape, so they cannot be judged.",
	"field": ["securityContext", "capabilities"],
	"remediation": "Write capabilities as an object with the lists add and drop.",
}

shown(capability) := substring(capability, 0, 40) if {
	is_string(capability)
} else := "(not a name)"

standard := [
	"AUDIT_WRITE",
	"CHOWN",
	"DAC_OVERRIDE",
	"FOWNER",
	"FSETID",
	"KILL",
	"MKNOD",
	"NET_BIND_SERVICE",
	"SETFCAP",
	"SETGID",
	"SETPCAP",
	"SETUID",
	"SYS_CHROOT",
]
