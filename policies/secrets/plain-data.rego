# METADATA
# scope: package
# title: Secrets are not in Git in plain text
# description: |
#   Base64 is no encryption: whoever reads the repository reads the Secret, and its history keeps it
#   for ever. Values that SOPS has encrypted, references that the agent replaces (`<path:…>` of a vault
#   plug-in, `${NAME}` of a substitution) and empty values are fine; so are SealedSecrets and
#   ExternalSecrets, which are other kinds. Only the names of keys are shown, never a value.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/security/secrets-good-practices/
#   description: Good practices for Secrets
# custom:
#   severity: error
#   kinds: [Secret]
#   operations: [CREATE, UPDATE]
#   remediation: Revoke the value, then keep it in Git only encrypted (SOPS, SealedSecret) or referred to (ExternalSecret).
#   areas: [secrets]
#   profiles: [recommended]
#   parameters:
#     allow:
#       description: Patterns of keys whose values are no secrets, for example `ca.crt`.
#       default: []
package gitops_gate.secrets.plain_data

import data.gitops_gate.lib.patterns

deny contains result if {
	some field in ["data", "stringData"]
	value := input.object[field][key]
	not harmless(field, value)
	not allowed(key)
	result := {
		"message": sprintf("The value of key %s is in Git in plain text.", [shown(key)]),
		"field": [field, key],
		"remediation": "Revoke the value, then keep it in Git only encrypted (SOPS, SealedSecret) or referred to (ExternalSecret).",
	}
}

deny contains result if {
	some field in ["data", "stringData"]
	input.object[field] > null
	input.object[field] < {}
	result := {
		"message": sprintf("The Secret has %s that is not an object, so it cannot be judged.", [field]),
		"field": [field],
		"remediation": "Write it as an object of keys and values, and keep the values encrypted.",
	}
}

allowed(key) if patterns.any_matches(object.get(input.parameters, "allow", []), key)

harmless(_, value) if {
	value in [null, ""]
} else if {
	encrypted(value)
} else if {
	reference(value)
}

harmless(field, value) if {
	field == "data"
	is_string(value)
	regex.match(`^PHBhdGg6[A-Za-z0-9+/]*={0,2}$`, value) # "<path:", and nothing that cannot be decoded
	base64.is_valid(value)
	reference(base64.decode(value))
}

# What SOPS writes in the place of a value.
encrypted(value) if {
	is_string(value)
	startswith(value, "ENC[AES256_GCM,data:")
	endswith(value, "]")
}

reference(value) if {
	is_string(value)
	regex.match(`^(\$\{[A-Za-z_][A-Za-z0-9_]*\}|<path:[!-;=?-~]+>)$`, value)
}

shown(key) := substring(key, 0, 253) if {
	is_string(key)
} else := sprintf("number %d", [key])
