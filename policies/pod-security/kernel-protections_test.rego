package gitops_gate.pod_security.kernel_protections_test

import data.gitops_gate.pod_security.kernel_protections as rule

denied(context) := results if {
	results := rule.deny with input as {"object": {
		"kind": "Pod",
		"spec": {"containers": [{"name": "a", "securityContext": context}]},
	}}
}

pod(context) := results if {
	results := rule.deny with input as {"object": {"kind": "Pod", "spec": {"securityContext": context}}}
}

test_kept if {
	every context in [
		null,
		{},
		{"seccompProfile": null},
		{"seccompProfile": {"type": "RuntimeDefault"}},
		{"appArmorProfile": {"type": "Localhost"}},
		{"seLinuxOptions": {"type": "container_t", "user": null, "role": ""}},
		{"procMount": "Default"},
		{"procMount": null},
		{"sysctls": null},
		{"sysctls": [{"name": "net.ipv4.tcp_syncookies"}]},
	] {
		denied(context) == set()
		pod(context) == set()
	}
}

test_weakened if {
	every context in [
		"x",
		{"seccompProfile": {"type": "Unconfined"}},
		{"seccompProfile": "RuntimeDefault"},
		{"appArmorProfile": {}},
		{"seLinuxOptions": {"type": "spc_t"}},
		{"seLinuxOptions": {"role": "system_r"}},
		{"seLinuxOptions": []},
		{"procMount": "Unmasked"},
		{"procMount": {}},
		{"procMount": 5},
	] {
		count(denied(context)) == 1
		count(pod(context)) == 1
	}
}

test_sysctls if {
	every sysctls in ["x", 5, [{"name": "kernel.msgmax"}], ["x"], [{}]] {
		count(pod({"sysctls": sysctls})) == 1
	}
}

test_no_container if {
	results := rule.deny with input as {"object": {"kind": "Pod", "spec": {"containers": [null]}}}
	count(results) == 1
}
