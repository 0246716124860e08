# METADATA
# scope: package
# title: Image references
# description: The parts of a container image reference, and the patterns that match one.
package gitops_gate.lib.images

import data.gitops_gate.lib.patterns

# Whether a pattern matches the image as written, its repository (without tag and digest), or its
# repository in full (`nginx` is `docker.io/library/nginx`).
allowed(image, allow) if {
	is_string(image)
	some name in [image, repository(image), qualified(repository(image))]
	patterns.any_matches(allow, name)
}

# `registry.example.com:5000/team/app` of `registry.example.com:5000/team/app:1.2@sha256:…`.
repository(image) := result if {
	without_digest := split(image, "@")[0]
	segments := split(without_digest, "/")
	last := segments[count(segments) - 1]
	folder := array.slice(segments, 0, count(segments) - 1)
	result := concat("/", array.concat(folder, [split(last, ":")[0]]))
}

# The repository with the registry and the folder that a container runtime assumes.
qualified(name) := concat("/", ["docker.io/library", name]) if {
	not contains(name, "/")
} else := name if {
	names_a_registry(split(name, "/")[0])
} else := concat("/", ["docker.io", name])

names_a_registry(segment) if {
	contains(segment, ".")
} else if {
	contains(segment, ":")
} else if {
	segment == "localhost"
}

# An image for a message: cut where no valid reference goes on.
shown(image) := substring(image, 0, 255)
