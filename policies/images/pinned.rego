# METADATA
# scope: package
# title: Images are pinned to a tag or a digest
# description: |
#   An image without a tag, or with the tag `latest`, is a different image whenever its registry
#   says so: what was reviewed is not what runs. Every container, init container and ephemeral
#   container must name a tag other than `latest`, or a digest.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/containers/images/
#   description: Image names, tags and digests
# custom:
#   severity: error
#   kinds: [Pod, apps/Deployment, apps/StatefulSet, apps/DaemonSet, apps/ReplicaSet, ReplicationController, batch/Job, batch/CronJob]
#   operations: [CREATE, UPDATE]
#   remediation: Name the version that was tested, and its digest where you can.
#   areas: [images]
#   profiles: [recommended]
#   parameters:
#     allow:
#       description: Patterns of images that need no tag, for example `registry.example.com/**`.
#       default: []
#     digest:
#       description: Whether a digest is required and a tag alone is not enough.
#       default: false
package gitops_gate.images.pinned

import data.gitops_gate.lib.images
import data.gitops_gate.lib.pods

deny contains result if {
	some [path, container] in pods.containers(input.object)
	not pinned(container)
	not allowed(container)
	result := pods.finding(path, container, fault(container))
}

allowed(container) if {
	allow := object.get(input.parameters, "allow", [])
	allow != []
	images.allowed(container.image, allow)
}

# The first form reads the usual `name:tag` with one colon. Strings sort above ""
# and below arrays, so what is no string is never pinned.
pinned(container) if {
	image := container.image
	image > ""
	image < []
	object.get(input.parameters, "digest", false) == false
	[name, version] := split(image, ":")
	not contains(version, "/")
	not contains(name, "@")
	version != ""
	version != "latest"
	name != ""
} else if {
	container.image > ""
	container.image < []
	complete(container.image)
}

# Every other reference: with the port of a registry, or with a tag and a digest.
complete(image) if {
	[name, digest] := split(image, "@")
	name != ""
	whole(split(digest, ":"))
} else if {
	object.get(input.parameters, "digest", false) == false
	not contains(image, "@")
	segments := split(image, "/")
	[name, tag] := split(segments[count(segments) - 1], ":")
	name != ""
	tag != ""
	tag != "latest"
}

# A digest of an algorithm and as many characters as it needs.
whole(parts) if {
	count(parts) == 2
	count(parts[1]) == {"sha256": 64, "sha512": 128}[parts[0]]
	regex.match(`^[0-9a-f]+$`, parts[1])
}

fault(container) := {
	"message": "names no image.",
	"field": ["image"],
	"remediation": "Name the image to run, with its tag or digest.",
} if {
	not written(container)
} else := {
	"message": sprintf("uses %s: only a digest is sure to be the same image tomorrow.", [shown]),
	"field": ["image"],
	"remediation": sprintf("Add the digest to the version, for example %s:1.2.3@sha256:<digest>.", [name]),
} if {
	input.parameters.digest > false
	shown := images.shown(container.image)
	name := images.shown(images.repository(container.image))
} else := {
	"message": message(container.image),
	"field": ["image"],
	"remediation": sprintf("Pin a version and digest, for example %s:1.2.3@sha256:<digest>.", [name]),
} if {
	name := images.shown(images.repository(container.image))
}

written(container) if {
	is_string(container.image)
	trim_space(container.image) != ""
}

message(image) := sprintf("uses %s: the tag can change under you.", [images.shown(image)]) if {
	endswith(image, ":latest")
} else := sprintf("uses %s: the digest is not complete.", [images.shown(image)]) if {
	contains(image, "@")
} else := sprintf("uses %s without a tag: the image can change under you.", [images.shown(image)])
