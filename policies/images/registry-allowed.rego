# METADATA
# scope: package
# title: Images come from an allowed registry
# description: |
#   Every image must match one of the patterns of the parameter `allow`. Without patterns the rule
#   allows every image.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/containers/images/#image-names
#   description: Image names and registries
# custom:
#   severity: error
#   kinds: [Pod, apps/Deployment, apps/StatefulSet, apps/DaemonSet, apps/ReplicaSet, ReplicationController, batch/Job, batch/CronJob]
#   operations: [CREATE, UPDATE]
#   remediation: Use the copy of the image in an allowed registry, or have its registry allowed.
#   areas: [images]
#   profiles: [recommended]
#   parameters:
#     allow:
#       description: |
#         Patterns of images, for example `registry.example.com/**`. They are compared with the image
#         as written, without its tag and digest, and with the registry that is assumed where none is
#         named (`nginx` is `docker.io/library/nginx`).
#       default: []
package gitops_gate.images.registry_allowed

import data.gitops_gate.lib.images
import data.gitops_gate.lib.pods

deny contains result if {
	allow := object.get(input.parameters, "allow", [])
	allow != []
	some [path, container] in pods.containers(input.object)
	not listed(container, allow)
	result := pods.finding(path, container, {
		"message": message(container),
		"field": ["image"],
		"remediation": "Use the copy of the image in an allowed registry, or have its registry allowed.",
	})
}

listed(container, allow) if images.allowed(container.image, allow)

message(container) := sprintf("uses %s, which is in no allowed registry.", [images.shown(container.image)]) if {
	is_string(container.image)
} else := "names no image, so its registry cannot be judged."
