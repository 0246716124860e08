package gitops_gate.secrets.plain_data_test

import data.gitops_gate.secrets.plain_data as rule

denied(secret, allow) := results if {
	results := rule.deny with input as {"object": secret, "parameters": {"allow": allow}}
}

test_nothing_secret if {
	every values in [null, {}, {"a": null}, {"a": ""}] {
		denied({"data": values, "stringData": values}, []) == set()
	}
	denied({"data": {"a": base64.encode("<path:a/b#c>")}}, []) == set()
	every value in ["${NAME}", "<path:a/b#c>", "ENC[AES256_GCM,data:a,iv:b,tag:c,type:str]"] {
		denied({"stringData": {"a": value}}, []) == set()
	}
	denied({"data": {"ca.crt": "YQ=="}}, ["ca.crt"]) == set()
}

test_secrets if {
	every value in ["YQ==", 5, true, [], {}, "PHBhdGg6!", "PHBhdGg6=", base64.encode("<path:a> b")] {
		count(denied({"data": {"a": value}}, ["b"])) == 1
	}
	every value in ["hunter2", "${NAME:=hunter2}", "<path:>", "ENC[hunter2]", "ENC[AES256_GCM,data:"] {
		count(denied({"stringData": {"a": value}}, [])) == 1
	}
}

test_values_are_never_shown if {
	results := denied({"data": {"a": "aHVudGVyMg=="}, "stringData": {"b": "hunter2", "c": {"d": "hunter2"}}}, [])
	not contains(lower(json.marshal(results)), "hunter2")
	not contains(json.marshal(results), "aHVudGVyMg")
}

test_shapes_that_hide_something if {
	count(denied({"data": "hunter2"}, [])) == 1
	count(denied({"data": ["hunter2"]}, [])) == 2
}
