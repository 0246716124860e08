# METADATA
# scope: package
# title: The pods inside workloads
# description: |
#   Where the pod specification and the containers of a Pod, Deployment, StatefulSet, DaemonSet,
#   ReplicaSet, ReplicationController, Job or CronJob are, and how a rule speaks of them.
#
#   Nothing here fails on an object of the wrong shape: what stands where an object or a list is
#   expected is handed on, for the rule to deny. Rego orders all values: null, false, true,
#   numbers, strings, arrays, objects. So `x > null` reads "x is set", `x > false` reads "x is set
#   to something else than false", and `x < {}` reads "x is not an object". No call is as fast.
#
#   A field that may be absent is never an argument of a call or an operand of `>`, `<` or `in` behind
#   `not`: OPA looks arguments up before it negates, so that an absent one makes the whole body
#   undefined, and a rule silent. `not x.y` and `not x.y == z` are safe; for all else a function is
#   given the object that is there (`not drops_all(container)`).
package gitops_gate.lib.pods

# `[path, pod specification]` of a workload; undefined when it has none. When a field on the way
# there is of the wrong shape, that field stands for the specification (`specification < {}`).
template(object) := [["spec", "template", "spec"], spec] if {
	object.kind != "Pod"
	object.kind != "CronJob"
	spec := object.spec.template.spec
	spec >= {}
} else := found if {
	whole := path_of(object.kind)
	some length in numbers.range(1, count(whole))
	path := array.slice(whole, 0, length)
	value := lookup(object, path)
	value > null
	reached(value, length, whole)
	found := [path, value]
}

path_of(kind) := ["spec"] if {
	kind == "Pod"
} else := ["spec", "jobTemplate", "spec", "template", "spec"] if {
	kind == "CronJob"
} else := ["spec", "template", "spec"]

lookup(from, path) := object.get(from, path, null)

reached(value, length, whole) if {
	length == count(whole)
} else if {
	value < {}
}

# `[path, container]` of every container, init container and ephemeral container. What is not an
# object (`container < {}`) is in the list too, as is a list of containers that is no list. The first
# two forms are the usual ones.
containers(object) := [[["spec", "template", "spec", "containers", index], container] |
	container := spec.containers[index]
] if {
	object.kind != "Pod"
	object.kind != "CronJob"
	spec := object.spec.template.spec
	spec.containers >= []
	not spec.initContainers
	not spec.ephemeralContainers
} else := [[["spec", "template", "spec", list, index], container] |
	some list in ["containers", "initContainers"]
	container := spec[list][index]
] if {
	object.kind != "Pod"
	object.kind != "CronJob"
	spec := object.spec.template.spec
	spec.containers >= []
	spec.initContainers >= []
	not spec.ephemeralContainers
} else := [[array.concat(path, step), container] |
	[path, spec] := template(object)
	some [step, container] in members(spec)
]

members(spec) := [[[], spec]] if {
	spec < {}
} else := array.concat(
	[[[list, index], container] |
		some list in ["containers", "initContainers", "ephemeralContainers"]
		container := spec[list][index]
	],
	[[[list], value] |
		some list in ["containers", "initContainers", "ephemeralContainers"]
		value := spec[list]
		value > null
		value < []
	],
)

# The result of a rule about one container. `fault` has `message` (what the container does, to
# follow its name), `field` (path inside the container), `remediation` and maybe `suggestion`.
# Where the container is not an object, the result says that instead.
finding(path, container, fault) := object.union(fault, {
	"message": concat(" ", [label(path, container), fault.message]),
	"field": array.concat(path, fault.field),
}) if {
	container >= {}
} else := unreadable(path)

# The result for a field of the wrong shape.
unreadable(path) := {
	"message": concat("", [text(path), " is not what Kubernetes expects there, so it cannot be judged."]),
	"field": path,
	"remediation": "Write the field in the shape that the Kubernetes API documents.",
}

# The fault of a container whose `securityContext` is neither absent nor an object.
broken_context := {
	"message": "has a securityContext that is not an object, so it cannot be judged.",
	"field": ["securityContext"],
	"remediation": "Write securityContext as an object with the fields of the Kubernetes API.",
}

# `Container "web"`, `Init container "migrate"`, `Sidecar container "proxy"`.
label(path, container) := concat("", [noun(path, container), " \"", substring(container.name, 0, 63), "\""]) if {
	is_string(container.name)
} else := concat("", [noun(path, container), " without a name (", text(path), ")"])

noun(path, container) := "Container" if {
	"containers" in path
} else := "Ephemeral container" if {
	"ephemeralContainers" in path
} else := "Sidecar container" if {
	sidecar(path, container)
} else := "Init container"

# Whether it is a native sidecar: an init container that keeps running.
sidecar(path, container) if {
	"initContainers" in path
	container.restartPolicy == "Always"
}

# A field path as people write it: `spec.containers[0].image`.
text(path) := trim_prefix(concat("", [segment | some step in path; segment := shown(step)]), ".")

shown(step) := concat("", [".", step]) if {
	is_string(step)
} else := sprintf("[%d]", [step])

# Whether the pods run on Windows, which has no Linux security context.
windows(object) if {
	[_, spec] := template(object)
	spec.os.name == "windows"
}
