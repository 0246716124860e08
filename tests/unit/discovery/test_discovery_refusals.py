"""What must never run, or is not in the repository, keeps an application from being rendered."""

from __future__ import annotations

import pytest

from tests.unit.discovery.trees import (
    Link,
    Submodule,
    chart,
    closure,
    codes,
    found,
    kustomization,
    manifest,
    names,
)

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 1\n"


def function(annotation: str, text: str) -> str:
    return (
        "apiVersion: x/v1\nkind: T\nmetadata:\n  name: t\n  annotations:\n"
        f"    {annotation}: |\n      {text}\n"
    )


def with_plugin(document: str) -> dict[str, str]:
    return {"shop/kustomization.yaml": "transformers: [t.yaml]", "shop/t.yaml": document}


def test_helm_inside_kustomize_is_refused_by_the_name_of_the_chart():
    files = {"shop/kustomization.yaml": "resources: []\nhelmCharts:\n- name: web\n  repo: x\n"}
    (refusal,) = closure(files, "shop").refusals
    assert refusal.code == "render/helm-inflator"
    assert "web" in refusal.message
    assert (refusal.path, refusal.line) == ("shop/kustomization.yaml", 3)
    assert refusal.remedy


def test_helm_as_a_generator_file_is_refused_as_well():
    files = {
        "shop/kustomization.yaml": "generators: [g.yaml]",
        "shop/g.yaml": (
            "apiVersion: builtin\nkind: HelmChartInflationGenerator\n"
            "metadata: {name: x}\nname: web\nchartHome: ../charts\n"
        ),
        "charts/web/Chart.yaml": chart("web"),
    }
    assert codes(files, "shop") == ["render/helm-inflator"]
    assert closure(files, "shop").files == set(files)


def test_a_configuration_folder_for_helm_is_refused():
    files = {
        "shop/kustomization.yaml": (
            "helmGlobals: {configHome: ./home}\nhelmCharts: [{name: web}]\n"
        )
    }
    assert codes(files, "shop") == ["render/helm-inflator", "render/config-home"]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (
            function("config.kubernetes.io/function", "exec: {path: ./run.sh}"),
            "render/exec-function",
        ),
        (
            function("config.k8s.io/function", "container: {image: example/tool}"),
            "render/container-function",
        ),
        ("apiVersion: viaduct.ai/v1\nkind: ksops\nmetadata: {name: t}\n", "render/plugin"),
    ],
)
def test_functions_and_plugins_are_refused(document, code):
    assert codes(with_plugin(document), "shop") == [code]


def test_an_inline_function_is_refused():
    files = {
        "shop/kustomization.yaml": (
            "generators:\n- |-\n  apiVersion: x/v1\n  kind: G\n  metadata: {name: g}\n"
        )
    }
    assert codes(files, "shop") == ["render/plugin"]


def test_an_option_of_git_in_a_revision_is_refused():
    files = {"shop/kustomization.yaml": kustomization("github.com/a/b?ref=--upload-pack=x")}
    assert codes(files, "shop") == ["render/ref-injection"]


def test_a_chart_dependency_that_is_not_vendored_is_refused():
    files = {"shop/Chart.yaml": chart(dependencies="[{name: redis, repository: 'https://x'}]")}
    assert codes(files, "shop") == ["render/chart-dependency"]


@pytest.mark.parametrize("vendored", ["redis/Chart.yaml", "other/Chart.yaml", "redis-1.2.3.tgz"])
def test_a_vendored_dependency_is_not_refused(vendored):
    files = {
        "shop/Chart.yaml": chart(dependencies="[{name: redis, repository: 'https://x'}]"),
        f"shop/charts/{vendored}": chart("redis"),
    }
    assert codes(files, "shop") == []


def test_an_old_chart_has_its_dependencies_in_a_file_of_their_own():
    files = {
        "shop/Chart.yaml": "apiVersion: v1\nname: shop\n",
        "shop/requirements.yaml": "dependencies: [{name: redis, repository: '@stable'}]",
    }
    (refusal,) = closure(files, "shop").refusals
    assert (refusal.code, refusal.path) == ("render/chart-dependency", "shop/requirements.yaml")


def test_a_reference_into_a_submodule_is_refused():
    files = {"shop/kustomization.yaml": kustomization("../vendor/web"), "vendor": Submodule("1")}
    assert codes(files, "shop") == ["render/submodule"]


def test_a_submodule_in_a_chart_or_directory_is_refused():
    files = {
        "a/Chart.yaml": chart("a"),
        "a/files/sub": Submodule("1"),
        "b/web.yaml": manifest(),
        "b/sub": Submodule("2"),
    }
    assert codes(files, "a") == ["render/submodule"]
    assert codes(files, "b") == ["render/submodule"]


def test_a_submodule_that_nothing_reads_refuses_nothing():
    files = {"shop/kustomization.yaml": kustomization(), "shop/sub": Submodule("1")}
    assert codes(files, "shop") == []


def test_a_git_lfs_pointer_is_refused_wherever_it_is_read():
    files = {
        "a/kustomization.yaml": "configMapGenerator: [{name: c, files: [logo.png]}]",
        "a/logo.png": POINTER,
        "b/web.yaml": POINTER,
        "c/Chart.yaml": chart("c"),
        "c/files/data.bin": POINTER,
        "d/kustomization.yaml": POINTER,
        "e/logo.png": POINTER,
    }
    assert names(files) == ["a", "b", "c", "d"]
    assert all(codes(files, name) == ["render/lfs-pointer"] for name in names(files))


def test_a_file_that_becomes_a_pointer_is_refused_although_its_kustomization_is_the_same():
    files = {"a/kustomization.yaml": kustomization("web.yaml"), "a/web.yaml": POINTER}
    assert codes(files, "a") == ["render/lfs-pointer"]


@pytest.mark.parametrize("name", [".argocd-source.yaml", ".argocd-source-shop.yaml"])
def test_parameter_overrides_of_argocd_are_refused(name):
    for main in ("kustomization.yaml", "Chart.yaml"):
        files = {f"shop/{main}": "name: shop\nresources: []\n", f"shop/{name}": "helm: {}"}
        assert codes(files, "shop") == ["render/argocd-source"]
        assert f"shop/{name}" in closure(files, "shop").files


def test_jsonnet_in_a_directory_of_manifests_is_refused():
    files = {"shop/web.yaml": manifest(), "shop/more.jsonnet": "{}", "shop/lib.libsonnet": "{}"}
    assert codes(files, "shop") == ["render/jsonnet"]


def argocd(path: str, more: str = "") -> str:
    return (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: x}\n"
        f"spec: {{source: {{path: {path}{more}}}}}\n"
    )


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (", plugin: {name: p}", "render/plugin"),
        (", directory: {jsonnet: {tlas: [{name: a}]}}", "render/jsonnet"),
    ],
)
def test_a_path_that_argocd_renders_in_another_way_is_an_application_that_is_refused(more, code):
    files = {"argocd/x.yaml": argocd("shop", more), "shop/main.libsonnet": "{}"}
    assert codes(files, "shop") == [code]
    assert "shop/main.libsonnet" in closure(files, "shop").files


def test_jsonnet_that_argocd_deploys_is_not_overlooked_without_manifests_beside_it():
    files = {"argocd/x.yaml": argocd("shop"), "shop/main.jsonnet": "{}"}
    assert codes(files, "shop") == ["render/jsonnet"]


def test_links_out_of_a_chart_or_directory_are_refused():
    files = {
        "a/Chart.yaml": chart("a"),
        "a/templates/x.yaml": Link("../../../../etc/passwd"),
        "b/web.yaml": manifest(),
        "b/x.yaml": Link("/etc/passwd"),
    }
    assert codes(files, "a") == ["render/link-outside"]
    assert codes(files, "b") == ["render/link-outside"]


def test_links_that_go_round_in_circles_end():
    files = {
        "shop/kustomization.yaml": kustomization("a.yaml", "../loop/x"),
        "shop/a.yaml": Link("b.yaml"),
        "shop/b.yaml": Link("a.yaml"),
        "loop": Link("loop/x"),
    }
    assert set(codes(files, "shop")) == {"render/link-outside"}


def test_every_refusal_says_where_and_what_to_do():
    files = {
        "a/kustomization.yaml": kustomization("../../out", "github.com/a/b?ref=-x"),
        "b/Chart.yaml": chart(dependencies="[{name: r, repository: 'file:///out'}, {name: q}]"),
        "c/web.yaml": POINTER,
        "c/more.jsonnet": "{}",
        "c/.argocd-source.yaml": "{}",
    }
    refusals = [r for c in found(files).closures.values() for r in c.refusals]
    assert len(refusals) == 7
    assert all(r.path and r.remedy and r.message for r in refusals)
