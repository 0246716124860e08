package gitops_gate.lib.retention_test

import data.gitops_gate.lib.retention

annotated(name, value) := {"metadata": {"annotations": {name: value}}}

test_kept if {
	retention.kept(annotated("helm.sh/resource-policy", "keep"))
	retention.kept(annotated("kustomize.toolkit.fluxcd.io/prune", "disabled"))
	retention.kept(annotated("argocd.argoproj.io/sync-options", "Replace=true, Prune=false"))
}

test_not_kept if {
	not retention.kept({})
	not retention.kept({"metadata": {"annotations": "x"}})
	not retention.kept(annotated("helm.sh/resource-policy", "delete"))
	not retention.kept(annotated("argocd.argoproj.io/sync-options", "Delete=false"))
	not retention.kept(annotated("argocd.argoproj.io/sync-options", 5))
}

test_replaced if {
	retention.replaced(annotated("helm.sh/hook", "pre-install"))
	retention.replaced(annotated("argocd.argoproj.io/hook", "PreSync"))
	retention.replaced(annotated("kustomize.toolkit.fluxcd.io/force", "enabled"))
	retention.replaced(annotated("argocd.argoproj.io/sync-options", "Force=true,Replace=true"))
}

test_not_replaced if {
	not retention.replaced({})
	not retention.replaced(annotated("helm.sh/hook", ""))
	not retention.replaced(annotated("argocd.argoproj.io/sync-options", "Replace=true"))
}
