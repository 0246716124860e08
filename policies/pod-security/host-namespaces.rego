# METADATA
# scope: package
# title: Pods stay in their own namespaces
# description: |
#   hostNetwork, hostPID and hostIPC put a pod among the processes and the network of its node; a
#   hostPort takes a port of the node. Any of them goes round network policies and isolation.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
#   description: Pod Security Standards, baseline
# custom:
#   severity: error
#   kinds: [Pod, apps/Deployment, apps/StatefulSet, apps/DaemonSet, apps/ReplicaSet, ReplicationController, batch/Job, batch/CronJob]
#   operations: [CREATE, UPDATE]
#   remediation: Remove the field, and reach the pod through a Service.
#   areas: [pod-security, pod-security-baseline]
#   profiles: [recommended]
package gitops_gate.pod_security.host_namespaces

import data.gitops_gate.lib.pods

deny contains result if {
	[path, spec] := pods.template(input.object)
	some name in ["hostNetwork", "hostPID", "hostIPC"]
	spec[name] > false
	result := {
		"message": sprintf("The pod uses the node's own %s (%s).", [shared[name], name]),
		"field": array.concat(path, [name]),
		"remediation": sprintf("Remove %s; %s", [name, instead[name]]),
		"suggestion": "false",
	}
}

deny contains result if {
	some [path, container] in pods.containers(input.object)
	some fault in faults(container)
	result := pods.finding(path, container, fault)
}

faults(container) := [{}] if {
	container < {}
} else := [broken_ports] if {
	container.ports > null
	container.ports < []
} else := [broken_ports] if {
	container.ports[_] < {}
} else := [fault |
	container.ports[index].hostPort != 0
	container.ports[index].hostPort > null
	fault := {
		"message": "takes a port of its node (hostPort).",
		"field": ["ports", index, "hostPort"],
		"remediation": "Remove hostPort, and reach the container through a Service.",
	}
]

broken_ports := {
	"message": "has ports that are not a list of objects, so they cannot be judged.",
	"field": ["ports"],
	"remediation": "Write ports as a list of objects with the fields of the Kubernetes API.",
}

shared := {
	"hostNetwork": "network",
	"hostPID": "process table",
	"hostIPC": "shared memory",
}

instead := {
	"hostNetwork": "reach the pod through a Service.",
	"hostPID": "a debugging session can use an ephemeral container instead.",
	"hostIPC": "containers of one pod can share memory through an emptyDir volume.",
}
