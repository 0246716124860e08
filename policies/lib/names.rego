# METADATA
# scope: package
# title: Names of resources in messages
# description: How a message names a resource; a name is cut where Kubernetes would refuse it.
package gitops_gate.lib.names

# `PersistentVolumeClaim shop/data`, without a namespace where the object has none.
full(object) := concat("", [kind(object), " ", namespace(object), name(object)])

kind(object) := substring(object.kind, 0, 63) if {
	is_string(object.kind)
} else := "Resource"

namespace(object) := concat("", [substring(object.metadata.namespace, 0, 63), "/"]) if {
	is_string(object.metadata.namespace)
	object.metadata.namespace != ""
} else := ""

name(object) := substring(object.metadata.name, 0, 253) if {
	is_string(object.metadata.name)
	object.metadata.name != ""
} else := concat("", [substring(object.metadata.generateName, 0, 253), "*"]) if {
	is_string(object.metadata.generateName)
	object.metadata.generateName != ""
} else := "without a name"
