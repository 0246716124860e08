# METADATA
# scope: package
# title: Resources say which namespace they belong to
# description: |
#   A resource without a namespace lands wherever the agent, or whoever applies it, happens to be. It
#   is enough that the namespace is known: `application.namespace` in the input (where discovery knows
#   it), an Argo CD Application or Flux Kustomization in the inventory whose path is that of the
#   application and whose destination is set, or a Helm chart, whose release has a namespace. Asked of
#   the namespaced kinds of Kubernetes itself.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/
#   description: Namespaces
# custom:
#   severity: warning
#   kinds:
#   - ConfigMap
#   - Endpoints
#   - LimitRange
#   - PersistentVolumeClaim
#   - Pod
#   - ReplicationController
#   - ResourceQuota
#   - Secret
#   - Service
#   - ServiceAccount
#   - apps/DaemonSet
#   - apps/Deployment
#   - apps/ReplicaSet
#   - apps/StatefulSet
#   - autoscaling/HorizontalPodAutoscaler
#   - batch/CronJob
#   - batch/Job
#   - discovery.k8s.io/EndpointSlice
#   - networking.k8s.io/Ingress
#   - networking.k8s.io/NetworkPolicy
#   - policy/PodDisruptionBudget
#   - rbac.authorization.k8s.io/Role
#   - rbac.authorization.k8s.io/RoleBinding
#   operations: [CREATE, UPDATE]
#   remediation: Set metadata.namespace, or namespace in the kustomization.
#   areas: [metadata]
#   context: lifts
#   profiles: [recommended]
package gitops_gate.metadata.namespace_set

import data.gitops_gate.lib.names

deny contains result if {
	not named
	not known
	result := {
		"message": sprintf("%s has no namespace, so it lands in whichever is current.", [names.full(input.object)]),
		"field": ["metadata", "namespace"],
		"remediation": "Set metadata.namespace, or namespace in the kustomization.",
	}
}

named if is_name(input.object.metadata.namespace)

# A string that is not empty: it sorts above "" and below arrays.
is_name(value) if {
	value > ""
	value < []
}

known if input.application.renderer == "helm"

known if is_name(input.application.namespace)

known if {
	some object in data.inventory
	object.kind == "Application"
	startswith(object.apiVersion, "argoproj.io/")
	is_name(object.spec.destination.namespace)
	some source in sources(object.spec)
	here(source.path)
}

known if {
	some object in data.inventory
	object.kind == "Kustomization"
	startswith(object.apiVersion, "kustomize.toolkit.fluxcd.io/")
	is_name(object.spec.targetNamespace)
	here(object.spec.path)
}

sources(spec) := [source | source := spec.sources[_]] if {
	spec.sources >= []
} else := [spec.source]

here(path) if {
	is_string(path)
	normal(path) == normal(input.application.path)
}

normal(path) := trim_suffix(trim_prefix(path, "./"), "/")
