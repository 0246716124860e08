package gitops_gate.lib.pods_test

import data.gitops_gate.lib.pods

test_the_containers_of_every_kind_of_workload if {
	spec := {"containers": [{"name": "a"}]}
	pods.containers({"kind": "Pod", "spec": spec}) == [[["spec", "containers", 0], {"name": "a"}]]
	every kind in ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"] {
		pods.containers({"kind": kind, "spec": {"template": {"spec": spec}}}) == [[
			["spec", "template", "spec", "containers", 0],
			{"name": "a"},
		]]
	}
	pods.containers({"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}}) == [[
		["spec", "jobTemplate", "spec", "template", "spec", "containers", 0],
		{"name": "a"},
	]]
}

test_every_list_of_containers if {
	spec := {"containers": ["a"], "initContainers": ["b"], "ephemeralContainers": ["c"]}
	found := pods.containers({"kind": "Deployment", "spec": {"template": {"spec": spec}}})
	{container | some [_, container] in found} == {"a", "b", "c"}
	two := pods.containers({
		"kind": "Deployment",
		"spec": {"template": {"spec": {"containers": ["a"], "initContainers": ["b"]}}},
	})
	{container | some [_, container] in two} == {"a", "b"}
}

test_fields_of_other_kinds_hide_nothing if {
	hidden := {"kind": "Pod", "spec": {"template": {"spec": {"containers": []}}, "containers": ["a"]}}
	pods.containers(hidden) == [[["spec", "containers", 0], "a"]]
}

test_what_has_the_wrong_shape_is_handed_on if {
	pods.containers({"kind": "Pod", "spec": "x"}) == [[["spec"], "x"]]
	pods.containers({"kind": "Deployment", "spec": "x"}) == [[["spec"], "x"]]
	pods.containers({"kind": "Deployment", "spec": {"template": ["x"]}}) == [[["spec", "template"], ["x"]]]
	pods.containers({"kind": "Pod", "spec": {"containers": "x"}}) == [[["spec", "containers"], "x"]]
	pods.containers({"kind": "Job", "spec": {"template": {"spec": {"initContainers": 5}}}}) == [[
		["spec", "template", "spec", "initContainers"],
		5,
	]]
}

test_nothing_runs_where_nothing_is if {
	every object in [{"kind": "Pod"}, {"kind": "Pod", "spec": null}, {"kind": "Job", "spec": {"template": {}}}] {
		pods.containers(object) == []
		not pods.template(object)
	}
}

test_a_finding_names_the_container if {
	fault := {"message": "is bad.", "field": ["image"], "remediation": "Mend it."}
	pods.finding(["spec", "containers", 0], {"name": "web"}, fault) == {
		"message": `Container "web" is bad.`,
		"field": ["spec", "containers", 0, "image"],
		"remediation": "Mend it.",
	}
	pods.label(["initContainers", 0], {"name": "a"}) == `Init container "a"`
	pods.label(["initContainers", 0], {"name": "a", "restartPolicy": "Always"}) == `Sidecar container "a"`
	pods.label(["ephemeralContainers", 0], {"name": "a"}) == `Ephemeral container "a"`
	pods.label(["containers", 0], {"name": 5}) == "Container without a name (containers[0])"
}

test_a_finding_says_what_cannot_be_judged if {
	found := pods.finding(["spec", "containers"], "x", {})
	found.message == "spec.containers is not what Kubernetes expects there, so it cannot be judged."
	found.field == ["spec", "containers"]
}

test_windows_pods if {
	pods.windows({"kind": "Pod", "spec": {"os": {"name": "windows"}}})
	not pods.windows({"kind": "Pod", "spec": {"os": {"name": "linux"}}})
	not pods.windows({"kind": "Pod", "spec": {}})
}
