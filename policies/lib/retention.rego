# METADATA
# scope: package
# title: What an agent does when Git no longer has an object, or has it changed
# description: |
#   Annotations by which Argo CD, Flux and Helm keep an object that was removed from Git, or
#   replace one instead of updating it.
package gitops_gate.lib.retention

# Whether the agent leaves the object in the cluster when it is removed from Git.
kept(object) if {
	object.metadata.annotations["helm.sh/resource-policy"] == "keep"
} else if {
	object.metadata.annotations["kustomize.toolkit.fluxcd.io/prune"] in ["disabled", "Disabled"]
} else if {
	"Prune=false" in argocd_options(object)
}

# Whether the agent deletes the object and creates it anew instead of updating it.
replaced(object) if {
	object.metadata.annotations["helm.sh/hook"] > ""
} else if {
	object.metadata.annotations["argocd.argoproj.io/hook"] > ""
} else if {
	object.metadata.annotations["kustomize.toolkit.fluxcd.io/force"] in ["enabled", "Enabled"]
} else if {
	options := argocd_options(object)
	"Replace=true" in options
	"Force=true" in options
}

# The sync options of Argo CD: `["Prune=false", "Force=true"]`.
argocd_options(object) := [trim_space(option) |
	value := object.metadata.annotations["argocd.argoproj.io/sync-options"]
	is_string(value)
	some option in split(value, ",")
]
