# METADATA
# scope: package
# title: Pods mount no directories of their node
# description: |
#   A hostPath volume is a directory of the node inside a pod: it survives the pod, is shared with
#   others, and is often a way to become root on the node.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/storage/volumes/#hostpath
#   description: hostPath volumes and their risks
# custom:
#   severity: error
#   kinds: [Pod, apps/Deployment, apps/StatefulSet, apps/DaemonSet, apps/ReplicaSet, ReplicationController, batch/Job, batch/CronJob]
#   operations: [CREATE, UPDATE]
#   remediation: Use a PersistentVolumeClaim, an emptyDir or a ConfigMap instead.
#   areas: [pod-security, pod-security-baseline]
#   profiles: [recommended]
#   parameters:
#     allow:
#       description: Patterns of paths that may be mounted, for example `/var/log/**`.
#       default: []
package gitops_gate.pod_security.host_path

import data.gitops_gate.lib.patterns
import data.gitops_gate.lib.pods

deny contains result if {
	[path, spec] := pods.template(input.object)
	some result in results(path, spec)
}

results(path, spec) := [pods.unreadable(path)] if {
	spec < {}
} else := [pods.unreadable(array.concat(path, ["volumes"]))] if {
	spec.volumes > null
	spec.volumes < []
} else := array.concat(
	[mount(path, index, volume) |
		volume := spec.volumes[index]
		volume.hostPath > null
		not allowed(volume)
	],
	[pods.unreadable(array.concat(path, ["volumes", index])) | spec.volumes[index] < {}],
)

mount(path, index, volume) := {
	"message": sprintf("Volume \"%s\" mounts %s of the node.", [name(volume), directory(volume)]),
	"field": array.concat(path, ["volumes", index, "hostPath"]),
	"remediation": "Use a PersistentVolumeClaim, an emptyDir or a ConfigMap instead.",
}

allowed(volume) if {
	path := volume.hostPath.path
	is_string(path)
	not contains(path, "..")
	patterns.any_matches(object.get(input.parameters, "allow", []), path)
}

name(volume) := substring(volume.name, 0, 63) if {
	is_string(volume.name)
} else := ""

directory(volume) := substring(volume.hostPath.path, 0, 255) if {
	is_string(volume.hostPath.path)
} else := "a directory"
