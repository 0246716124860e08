# METADATA
# scope: package
# title: Containers request CPU and memory, and limit memory
# description: |
#   Without requests the scheduler places pods blindly; without a memory limit one container can take
#   the memory of its whole node. Every container, init container and sidecar needs a CPU request, a
#   memory request and a memory limit. A limit counts as a request, as it does in Kubernetes, and so
#   do the resources of the pod as a whole. A CPU limit is not asked for: it slows a container down
#   even when the node is idle.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
#   description: Resource management for pods and containers
# custom:
#   severity: warning
#   kinds: [Pod, apps/Deployment, apps/StatefulSet, apps/DaemonSet, apps/ReplicaSet, ReplicationController, batch/Job, batch/CronJob]
#   operations: [CREATE, UPDATE]
#   remediation: Set resources.requests.cpu, resources.requests.memory and resources.limits.memory.
#   areas: [workloads]
#   profiles: [recommended]
package gitops_gate.workloads.resources

import data.gitops_gate.lib.pods

deny contains result if {
	some [path, container] in pods.containers(input.object)
	not complete(container)
	not "ephemeralContainers" in path
	[_, spec] := pods.template(input.object)
	some need in needs
	not met(container, need)
	not met(spec, need)
	result := pods.finding(path, container, need)
}

# The usual way to have all three, told without a call: a string that starts with 1 to 9 is a
# quantity of more than nothing.
complete(container) if {
	resources := container.resources
	resources.requests.cpu >= "1"
	resources.requests.cpu < ":"
	resources.requests.memory >= "1"
	resources.requests.memory < ":"
	resources.limits.memory >= "1"
	resources.limits.memory < ":"
}

needs := [
	{
		"message": "requests no CPU: the scheduler cannot tell where it fits.",
		"field": ["resources", "requests", "cpu"],
		"remediation": "Set resources.requests.cpu to what the container uses in normal operation, for example 100m.",
	},
	{
		"message": "requests no memory: it is among the first to be evicted.",
		"field": ["resources", "requests", "memory"],
		"remediation": "Set resources.requests.memory to what the container uses, for example 128Mi.",
	},
	{
		"message": "has no memory limit: it can take the memory of its whole node.",
		"field": ["resources", "limits", "memory"],
		"remediation": "Set resources.limits.memory to the most that the container may use, for example 256Mi.",
	},
]

met(holder, need) if {
	amount(holder.resources[need.field[1]][need.field[2]])
} else if {
	need.field[1] == "requests"
	amount(holder.resources.limits[need.field[2]])
}

# A quantity of more than nothing.
amount(quantity) if {
	is_number(quantity)
	quantity > 0
} else if {
	is_string(quantity)
	regex.match(`^[+]?[0-9.]*[1-9][0-9.]*([eE][+-]?[0-9]+)?[A-Za-z]*$`, quantity)
}
