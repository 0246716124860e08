package gitops_gate.images.pinned_test

import data.gitops_gate.images.pinned as rule

digest := "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

denied(image, parameters) := {result.message | some result in results} if {
	results := rule.deny with input as {
		"object": {"kind": "Pod", "spec": {"containers": [{"name": "web", "image": image}]}},
		"parameters": parameters,
	}
}

test_a_version_or_a_digest_is_pinned if {
	every image in [
		"nginx:1.27.3",
		"registry.example.com/web:v1",
		"registry.example.com:5000/web:v1",
		concat("@", ["nginx", digest]),
		concat("@", ["nginx:latest", digest]),
		concat("@", ["registry.example.com:5000/web:1", digest]),
	] {
		denied(image, {}) == set()
	}
}

test_what_can_change_is_not_pinned if {
	every image in [
		"nginx",
		"nginx:",
		":1",
		"nginx:latest",
		"registry.example.com:5000/web",
		"registry.example.com:5000/web:",
		"registry.example.com:5000/web:latest",
		"nginx:1@sha256:0123",
		"nginx:1@sha1:0123",
		concat("@", ["", digest]),
		"a@b@c",
	] {
		count(denied(image, {})) == 1
	}
}

test_what_is_no_image_is_not_pinned if {
	every image in [null, true, 5, "", " ", [], ["nginx:1"], {}] {
		denied(image, {}) == {`Container "web" names no image.`}
	}
}

test_an_absent_image_is_not_pinned if {
	results := rule.deny with input as {
		"object": {"kind": "Pod", "spec": {"containers": [{"name": "web"}]}},
		"parameters": {},
	}
	count(results) == 1
}

test_a_digest_may_be_required if {
	count(denied("nginx:1.27.3", {"digest": true})) == 1
	count(denied("registry.example.com:5000/web:1", {"digest": true})) == 1
	denied(concat("@", ["nginx", digest]), {"digest": true}) == set()
}

test_allowed_images_need_no_tag if {
	denied("registry.example.com/team/web", {"allow": ["registry.example.com/**"]}) == set()
	count(denied("registry.example.org/web", {"allow": ["registry.example.com/**"]})) == 1
	count(denied(5, {"allow": ["**"]})) == 1
}
