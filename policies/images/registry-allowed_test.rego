package gitops_gate.images.registry_allowed_test

import data.gitops_gate.images.registry_allowed as rule

denied(image, parameters) := {result.message | some result in results} if {
	results := rule.deny with input as {
		"object": {"kind": "Pod", "spec": {"containers": [{"name": "web", "image": image}]}},
		"parameters": parameters,
	}
}

test_without_patterns_every_image_is_allowed if {
	denied("registry.example.org/web:1", {}) == set()
	denied(5, {"allow": []}) == set()
}

test_the_registry_that_is_assumed_counts if {
	denied("nginx", {"allow": ["docker.io/library/*"]}) == set()
	denied("team/web:1", {"allow": ["docker.io/team/*"]}) == set()
	denied("localhost/web", {"allow": ["localhost/*"]}) == set()
	denied("localhost:5000/web", {"allow": ["localhost:5000/*"]}) == set()
}

test_another_registry_is_denied if {
	every image in ["registry.example.org/web", "nginx", "localhost/web", "localhost:5000/web", "a/b"] {
		count(denied(image, {"allow": ["registry.example.com/**"]})) == 1
	}
}

test_what_is_no_image_is_denied if {
	denied(5, {"allow": ["**"]}) == {`Container "web" names no image, so its registry cannot be judged.`}
	count(denied(null, {"allow": ["**"]})) == 1
}
