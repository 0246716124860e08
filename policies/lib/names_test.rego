package gitops_gate.lib.names_test

import data.gitops_gate.lib.names

test_names if {
	names.full({"kind": "Job", "metadata": {"name": "load", "namespace": "shop"}}) == "Job shop/load"
	names.full({"kind": "Job", "metadata": {"name": "load", "namespace": ""}}) == "Job load"
	names.full({"kind": "Job", "metadata": {"generateName": "load-"}}) == "Job load-*"
	names.full({"kind": 5, "metadata": {"name": null}}) == "Resource without a name"
	names.full({"metadata": "x"}) == "Resource without a name"
}
