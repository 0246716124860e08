# METADATA
# scope: package
# title: Pods keep the protections of the kernel
# description: |
#   Seccomp, AppArmor, SELinux and a masked /proc stand between a container and the kernel of its
#   node, which all its containers share. None of them may be switched off, and only sysctls that
#   touch the pod alone may be set.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   description: Pod Security Standards, baseline
# custom:
#   severity: error
#   kinds: [Pod, apps/Deployment, apps/StatefulSet, apps/DaemonSet, apps/ReplicaSet, ReplicationController, batch/Job, batch/CronJob]
#   operations: [CREATE, UPDATE]
#   remediation: Remove the setting, so that the default of the container runtime applies.
#   areas: [pod-security, pod-security-baseline]
#   profiles: [recommended]
package gitops_gate.pod_security.kernel_protections

import data.gitops_gate.lib.pods

deny contains result if {
	some [path, container] in pods.containers(input.object)
	some fault in container_faults(container)
	result := pods.finding(path, container, fault)
}

deny contains result if {
	[path, spec] := pods.template(input.object)
	some fault in array.concat(faults(spec.securityContext), sysctls(spec.securityContext))
	result := {
		"message": concat(" ", ["The pod", fault.message]),
		"field": array.concat(path, fault.field),
		"remediation": fault.remediation,
	}
}

container_faults(container) := faults(container.securityContext) if {
	container.securityContext > null
} else := [{}] if {
	container < {}
} else := []

# The first form is the usual one.
faults(context) := [] if {
	context >= {}
	not context.seccompProfile
	not context.appArmorProfile
	not context.seLinuxOptions
	not context.procMount
} else := [pods.broken_context] if {
	context > null
	context < {}
} else := [weakness(name) |
	some name in ["seccompProfile", "appArmorProfile", "seLinuxOptions", "procMount"]
	weak(context, name)
]

weakness(name) := {
	"message": concat("", ["weakens a protection of the kernel (", name, ")."]),
	"field": ["securityContext", name],
	"remediation": concat("", ["Remove ", name, ", so that the default of the container runtime applies."]),
}

weak(context, name) if {
	name in ["seccompProfile", "appArmorProfile"]
	context[name] > null
	not profiled(context[name])
} else if {
	name == "seLinuxOptions"
	context[name] > null
	not confined(context[name])
} else if {
	name == "procMount"
	context[name] > null
	not context[name] in ["", "Default"]
}

profiled(profile) if profile.type in ["RuntimeDefault", "Localhost"]

confined(options) if {
	options >= {}
	object.get(options, "type", null) in [
		null,
		"",
		"container_t",
		"container_init_t",
		"container_kvm_t",
		"container_engine_t",
	]
	object.get(options, "user", null) in [null, ""]
	object.get(options, "role", null) in [null, ""]
}

sysctls(context) := [broken_sysctls] if {
	context.sysctls > null
	context.sysctls < []
} else := [fault |
	sysctl := context.sysctls[index]
	not safe(sysctl)
	fault := {
		"message": "sets a sysctl that reaches beyond the pod.",
		"field": ["securityContext", "sysctls", index],
		"remediation": "Remove the sysctl, or set it on the node.",
	}
]

broken_sysctls := {
	"message": "has sysctls that are not a list, so they cannot be judged.",
	"field": ["securityContext", "sysctls"],
	"remediation": "Write sysctls as a list of objects with name and value.",
}

safe(sysctl) if sysctl.name in [
	"kernel.shm_rmid_forced",
	"net.ipv4.ip_local_port_range",
	"net.ipv4.ip_local_reserved_ports",
	"net.ipv4.ip_unprivileged_port_start",
	"net.ipv4.ping_group_range",
	"net.ipv4.tcp_fin_timeout",
	"net.ipv4.tcp_keepalive_intvl",
	"net.ipv4.tcp_keepalive_probes",
	"net.ipv4.tcp_keepalive_time",
	"net.ipv4.tcp_rmem",
	"net.ipv4.tcp_syncookies",
	"net.ipv4.tcp_wmem",
]
