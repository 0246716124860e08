"""Which charts are applications, and what rendering one reads (contract, section 3, "Helm")."""

from __future__ import annotations

import pytest

from gitops_gate.config.settings import (
    ConfiguredApplication,
    ConfiguredHelm,
    Environment,
    Settings,
)
from gitops_gate.discovery import HelmRelease, Renderer
from tests.unit.discovery.trees import (
    Link,
    blocked,
    change,
    chart,
    closure,
    found,
    kustomization,
    manifest,
    names,
    touched,
)

SHOP = {
    "charts/shop/Chart.yaml": chart("shop"),
    "charts/shop/values.yaml": "replicas: 1",
    "charts/shop/templates/web.yaml": "kind: {{ .Values.kind }}\napiVersion: v1\n",
    "charts/shop/templates/_names.tpl": "",
    "charts/shop/.helmignore": "*.md",
    "charts/shop/README.md": "",
}


def test_a_chart_is_one_application_that_reads_its_whole_directory():
    discovery = found(SHOP)
    (application,) = discovery.applications.values()
    assert (application.name, application.renderer) == ("charts/shop", Renderer.HELM)
    assert application.helm == HelmRelease(release="shop", namespace="default")
    assert discovery.closures["charts/shop"].files == set(SHOP)
    assert not discovery.unclaimed


def test_each_values_file_beside_it_is_one_more_application_in_its_environment():
    files = SHOP | {
        "charts/shop/values-staging.yaml": "a: 1",
        "charts/shop/values-prod.yaml": "a: 2",
        "charts/shop/ci/values-test.yaml": "not beside",
    }
    applications = found(files).applications
    assert {name: a.environment for name, a in applications.items()} == {
        "charts/shop": "default",
        "charts/shop@prod": "prod",
        "charts/shop@staging": "staging",
    }
    prod = applications["charts/shop@prod"]
    assert prod.helm == HelmRelease(release="shop", values=("charts/shop/values-prod.yaml",))


def test_environments_that_match_the_chart_take_its_variants_too():
    settings = Settings(environments=(Environment(name="live", match=("charts/**",)),))
    files = SHOP | {"charts/shop/values-prod.yaml": "a: 2"}
    assert {a.environment for a in found(files, settings).applications.values()} == {"live"}


def test_a_library_chart_is_no_application():
    assert names({"lib/Chart.yaml": chart("lib", type="library")}) == []


def test_a_subchart_is_part_of_its_chart():
    files = SHOP | {
        "charts/shop/charts/db/Chart.yaml": chart("db"),
        "charts/shop/charts/db/charts/x/Chart.yaml": chart("x"),
    }
    assert names(files) == ["charts/shop"]
    assert closure(files, "charts/shop").files == set(files)


def test_charts_in_a_folder_called_charts_are_applications():
    assert names(SHOP | {"charts/web/Chart.yaml": chart("web")}) == ["charts/shop", "charts/web"]


def test_a_chart_in_a_chart_but_not_below_charts_is_an_application():
    assert names(SHOP | {"charts/shop/examples/x/Chart.yaml": chart("x")}) == [
        "charts/shop",
        "charts/shop/examples/x",
    ]


def test_a_chart_that_a_kustomization_inflates_is_no_application():
    files = {
        "shop/kustomization.yaml": "helmCharts: [{name: web}]",
        "shop/charts/web/Chart.yaml": chart("web"),
    }
    assert names(files) == ["shop"]


def test_a_local_dependency_is_read_by_the_chart_that_has_it_and_is_no_application():
    files = SHOP | {
        "charts/shop/Chart.yaml": chart(
            "shop", dependencies="[{name: common, repository: 'file://../common'}]"
        ),
        "charts/common/Chart.yaml": chart("common"),
        "charts/common/templates/x.yaml": "x",
    }
    assert names(files) == ["charts/shop"]
    assert closure(files, "charts/shop").files == set(files)
    assert not closure(files, "charts/shop").refusals


def test_a_dependency_of_a_chart_that_is_not_deployed_stays_an_application():
    files = SHOP | {
        "other/kustomization.yaml": kustomization(),
        "other/Chart.yaml": chart(
            "other", dependencies="[{name: shop, repository: 'file://../charts/shop'}]"
        ),
    }
    assert names(files) == ["charts/shop", "other"]


def test_a_local_dependency_that_does_not_exist_is_missing():
    files = {"shop/Chart.yaml": chart(dependencies="[{name: c, repository: 'file://../c'}]")}
    assert "c/Chart.yaml" in closure(files, "shop").missing


def test_where_a_chart_lies_beside_a_kustomization_the_kustomization_wins():
    files = {
        "shop/kustomization.yaml": kustomization("web.yaml"),
        "shop/web.yaml": manifest(),
        "shop/Chart.yaml": chart("shop"),
        "shop/templates/x.yaml": manifest("x"),
        "shop/values-prod.yaml": "a: 1",
    }
    discovery = found(files)
    assert list(discovery.applications) == ["shop"]
    assert discovery.applications["shop"].renderer is Renderer.KUSTOMIZE
    assert blocked(discovery) == ["shop/templates/x.yaml"]


def test_the_release_of_a_chart_at_the_root_is_called_after_the_chart():
    (application,) = found({"Chart.yaml": chart("shop")}).applications.values()
    assert application.path == "."
    assert application.helm == HelmRelease(release="shop")


def test_the_configuration_replaces_the_variants_of_a_chart():
    entry = ConfiguredApplication(
        path="charts/shop",
        name="shop-production",
        renderer="helm",
        environment="production",
        helm=ConfiguredHelm(
            release="shop-live",
            namespace="shop",
            values=("values.yaml", "/env/prod.yaml", "/env/none.yaml"),
            api_versions=("x/v1",),
        ),
    )
    files = SHOP | {"charts/shop/values-prod.yaml": "a: 1", "env/prod.yaml": "b: 1"}
    discovery = found(files, Settings(applications=(entry,)))
    assert list(discovery.applications) == ["shop-production"]
    application = discovery.applications["shop-production"]
    assert application.environment == "production"
    assert application.helm == HelmRelease(
        release="shop-live",
        namespace="shop",
        values=("charts/shop/values.yaml", "env/prod.yaml", "env/none.yaml"),
        api_versions=("x/v1",),
    )
    read = discovery.closures["shop-production"]
    assert "env/prod.yaml" in read.files
    assert read.missing == {"env/none.yaml"}


def test_one_chart_can_be_configured_several_times():
    settings = Settings(
        applications=tuple(
            ConfiguredApplication(path="charts/shop", name=name) for name in ("blue", "green")
        )
    )
    assert names(SHOP, settings) == ["blue", "green"]


def test_a_change_of_a_values_file_affects_the_variant_that_reads_it():
    files = SHOP | {"charts/shop/values-prod.yaml": "a: 1"}
    assert "charts/shop@prod" in touched(files, files | {"charts/shop/values-prod.yaml": "a: 2"})


def test_a_variant_that_is_new_is_affected_and_so_is_one_that_is_gone():
    more = SHOP | {"charts/shop/values-prod.yaml": "a: 1"}
    assert "charts/shop@prod" in touched(SHOP, more)
    assert "charts/shop@prod" in touched(more, SHOP)


def test_a_change_of_a_template_of_a_local_dependency_affects_the_chart():
    files = SHOP | {
        "charts/shop/Chart.yaml": chart(
            "shop", dependencies="[{name: common, repository: 'file://../common'}]"
        ),
        "charts/common/Chart.yaml": chart("common"),
        "charts/common/templates/x.yaml": "x",
    }
    assert touched(files, files | {"charts/common/templates/x.yaml": "y"}) == ["charts/shop"]


def test_what_a_link_in_a_chart_leads_to_is_read():
    files = SHOP | {
        "charts/shop/files/all": Link("../../../shared"),
        "charts/shop/values-x.yaml": Link("../../env/x.yaml"),
        "shared/a.txt": "a",
        "env/x.yaml": "b: 1",
    }
    assert closure(files, "charts/shop").files == set(files)
    assert touched(files, files | {"shared/b.txt": "new"}) == ["charts/shop", "charts/shop@x"]


@pytest.mark.parametrize("broken", ["[", "- a list", "\0", ""])
def test_a_chart_that_cannot_be_read_is_an_application_for_helm_to_complain_about(broken):
    assert names({"shop/Chart.yaml": broken}) == ["shop"]


RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: shop, namespace: shop}
spec:
  chart:
    spec: {chart: ./charts/shop, sourceRef: {kind: GitRepository, name: here}}
"""


def test_a_chart_that_a_release_names_does_not_change_unseen_behind_a_kustomization():
    files = SHOP | {
        "charts/shop/kustomization.yaml": kustomization("web.yaml"),
        "charts/shop/web.yaml": manifest("ConfigMap"),
        "flux/release.yaml": RELEASE,
    }
    edit = {"charts/shop/values.yaml": "replicas: 2"}
    assert [item.path for item in change(files, files | edit).unreached] == list(edit)
    unnamed = {path: text for path, text in files.items() if path != "flux/release.yaml"}
    assert change(unnamed, unnamed | edit).unreached == ()


ARGO = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop}
spec:
  destination: {namespace: shop}
  source: {repoURL: here, path: charts/shop, helm: {valueFiles: [../../values/prod.yaml]}}
"""


def test_values_that_an_agent_gives_and_nothing_renders_do_not_change_unseen():
    files = SHOP | {"argo/shop.yaml": ARGO, "values/prod.yaml": "replicas: 3"}
    edit = {"values/prod.yaml": "replicas: 4"}
    assert [item.path for item in change(files, files | edit).unreached] == list(edit)
    rendered = Settings(
        applications=(
            ConfiguredApplication(
                path="charts/shop", helm=ConfiguredHelm(values=("/values/prod.yaml",))
            ),
        )
    )
    assert change(files, files | edit, rendered).unreached == ()
