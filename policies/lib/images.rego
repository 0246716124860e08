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
	parts := split(image, "@")
	segments := split(parts[0], "/")
	last := count(segments) - 1
	names := split(segments[last], ":")
	result := concat("/", array.concat(array.slice(segments, 0, last), [names[0]]))
}

# The repository with the registry and the folder that a container runtime assumes.
qualified(name) := concat("/", ["docker.io/library", name]) if {
	not contains(name, "/")
} else := name if {
	segments := split(name, "/")
	names_a_registry(segments[0])
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
