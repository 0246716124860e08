# METADATA
# scope: package
# title: Containers of services have probes
# description: |
#   Without a readiness probe a container gets traffic before it can answer; without a liveness probe
#   one that hangs is never restarted. Asked of the containers of Deployments, StatefulSets and
#   DaemonSets and of their sidecars; not of Jobs, nor of init containers that end.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
#   description: Liveness, readiness and startup probes
# custom:
#   severity: warning
#   kinds: [apps/Deployment, apps/StatefulSet, apps/DaemonSet]
#   operations: [CREATE, UPDATE]
#   remediation: Give the container a readinessProbe and a livenessProbe.
#   areas: [workloads]
#   profiles: [recommended]
package gitops_gate.workloads.probes

import data.gitops_gate.lib.pods

deny contains result if {
	some [path, container] in pods.containers(input.object)
	some fault in missing(container)
	runs_on(path, container)
	result := pods.finding(path, container, fault)
}

# Whether it keeps running. What is no container at all counts, so that it is denied.
runs_on(path, container) if {
	"containers" in path
} else if {
	pods.sidecar(path, container)
} else if {
	container < {}
}

# The first form is the usual one.
missing(container) := [] if {
	container.readinessProbe.httpGet.port
	container.livenessProbe.httpGet.port
} else := [fault |
	some name, fault in faults
	not handled(container, name)
]

handled(container, name) if {
	container[name].httpGet.port
} else if {
	container[name].tcpSocket.port
} else if {
	container[name].exec.command
} else if {
	container[name].grpc.port
}

faults := {
	"readinessProbe": {
		"message": "has no readiness probe: it gets traffic before it can answer.",
		"field": ["readinessProbe"],
		"remediation": "Add a readinessProbe that succeeds once the container can serve.",
	},
	"livenessProbe": {
		"message": "has no liveness probe: nobody restarts it when it hangs.",
		"field": ["livenessProbe"],
		"remediation": "Add a livenessProbe that fails when only a restart helps.",
	},
}
