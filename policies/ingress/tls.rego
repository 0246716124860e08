# METADATA
# scope: package
# title: Ingresses serve every host over TLS
# description: |
#   What an Ingress serves without TLS can be read and changed on its way. Every host of its rules
#   must be covered by an entry of spec.tls; an entry without hosts covers all of them. Where the
#   controller takes its certificate from an annotation, one of the parameter `annotations` will do.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/services-networking/ingress/#tls
#   description: TLS in an Ingress
# custom:
#   severity: error
#   kinds: [networking.k8s.io/Ingress, extensions/Ingress]
#   operations: [CREATE, UPDATE]
#   remediation: Add the host to an entry of spec.tls, with the Secret of its certificate.
#   areas: [ingress]
#   profiles: [recommended]
#   parameters:
#     annotations:
#       description: Annotations that stand for TLS, because the controller reads its certificate from them.
#       default:
#       - alb.ingress.kubernetes.io/certificate-arn
#       - ingress.gcp.kubernetes.io/pre-shared-cert
#       - networking.gke.io/managed-certificates
#       - route.openshift.io/termination
package gitops_gate.ingress.tls

deny contains result if {
	not annotated
	not served
	result := {
		"message": "The Ingress has no TLS: its traffic can be read on the way.",
		"field": ["spec", "tls"],
		"remediation": "Add an entry to spec.tls with the hosts and the Secret of their certificate.",
	}
}

deny contains result if {
	served
	not annotated
	host := input.object.spec.rules[index].host
	not covered(host)
	result := {
		"message": sprintf("The host %s is served without TLS.", [shown(host)]),
		"field": ["spec", "rules", index, "host"],
		"remediation": "Add the host to an entry of spec.tls, with the Secret of its certificate.",
	}
}

deny contains result if {
	some field in ["rules", "tls"]
	misshapen(input.object.spec[field])
	result := {
		"message": sprintf("The Ingress has %s of the wrong shape, so its TLS cannot be judged.", [field]),
		"field": ["spec", field],
		"remediation": "Write the field as a list of objects with the fields of the Kubernetes API.",
	}
}

served if input.object.spec.tls[0] >= {}

annotated if {
	names := object.get(input.parameters, "annotations", standard)
	name := names[_]
	input.object.metadata.annotations[name] > ""
}

# A host, or the wildcard that stands for it; null and "" are any host.
covered(host) if {
	some names in covering
	names[_] in [host, wildcard(host)]
} else if {
	host in [null, ""]
} else if {
	[] in covering
}

covering contains hosts if {
	entry := input.object.spec.tls[_]
	entry >= {}
	hosts := listed(entry)
}

listed(entry) := entry.hosts if {
	entry.hosts > null
} else := []

wildcard(host) := concat(".", array.concat(["*"], array.slice(labels, 1, count(labels)))) if {
	is_string(host)
	labels := split(host, ".")
} else := host

misshapen(list) if {
	list > null
	not is_array(list)
}

misshapen(list) if list[_] < {}

shown(host) := substring(host, 0, 253) if {
	is_string(host)
} else := "(not a name)"

standard := [
	"alb.ingress.kubernetes.io/certificate-arn",
	"ingress.gcp.kubernetes.io/pre-shared-cert",
	"networking.gke.io/managed-certificates",
	"route.openshift.io/termination",
]
