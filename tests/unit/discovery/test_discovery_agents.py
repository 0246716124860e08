"""What Argo CD and Flux objects name is an application, even when others refer to it."""

from __future__ import annotations

import pytest

from tests.unit.discovery.trees import (
    change,
    chart,
    closure,
    component,
    found,
    kustomization,
    manifest,
    names,
    touched,
)

TREE = {
    "apps/shop/base/kustomization.yaml": kustomization("web.yaml"),
    "apps/shop/base/web.yaml": manifest(),
    "apps/shop/prod/kustomization.yaml": kustomization("../base"),
    "apps/shop/stage/kustomization.yaml": kustomization("../prod"),
    "apps/blog/prod/kustomization.yaml": kustomization(),
    "apps/blog/all/kustomization.yaml": kustomization("../prod"),
}
ROOTS = ["apps/blog/all", "apps/shop/stage"]


def with_object(text: str) -> dict[str, str]:
    return TREE | {"argocd/x.yaml": text}


def more_than_roots(text: str) -> list[str]:
    return [name for name in names(with_object(text)) if name not in (*ROOTS, "argocd")]


def application(source: str) -> str:
    return (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: x}\n"
        f"spec:\n  destination: {{namespace: shop}}\n  {source}\n"
    )


def application_set(generators: str, path: str) -> str:
    return (
        "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: x}\n"
        f"spec:\n  generators: {generators}\n  template:\n    spec:\n"
        f"      destination: {{namespace: 'ns-{{{{path.basename}}}}'}}\n"
        f"      source: {{path: '{path}'}}\n"
    )


def test_without_any_object_only_roots_are_applications():
    assert names(TREE) == ROOTS


@pytest.mark.parametrize(
    "source",
    [
        "source: {path: apps/shop/prod}",
        "source: {path: ./apps/shop/prod/}",
        "source: {path: /apps/shop/prod}",
        "sources: [{path: apps/shop/prod}, {chart: x, repoURL: y}, {ref: values}]",
    ],
)
def test_an_argocd_application_names_its_path(source):
    assert more_than_roots(application(source)) == ["apps/shop/prod"]


def test_a_chart_from_a_helm_repository_names_no_path():
    assert more_than_roots(application("source: {chart: x, path: apps/shop/prod}")) == []


@pytest.mark.parametrize(
    ("generators", "path", "expected"),
    [
        ("[{list: {elements: [{app: shop}]}}]", "apps/{{app}}/prod", ["apps/shop/prod"]),
        ("[{list: {elements: [{v: {a: shop}}]}}]", "apps/{{.v.a}}/prod", ["apps/shop/prod"]),
        ("[{git: {directories: [{path: apps/*/prod}]}}]", "{{path}}",
         ["apps/blog/prod", "apps/shop/prod"]),
        ("[{git: {directories: [{path: apps/*/*}, {path: apps/blog/*, exclude: true}]}}]",
         "{{.path.path}}", ["apps/shop/base", "apps/shop/prod"]),
        ("[{git: {directories: [{path: apps/*}]}}]", "apps/{{path.basename}}/prod",
         ["apps/blog/prod", "apps/shop/prod"]),
        ("[{git: {directories: [{path: apps/*}]}}]", "{{path}}/prod",
         ["apps/blog/prod", "apps/shop/prod"]),
        ("[{git: {directories: [{path: '**/prod'}]}}]", "apps/{{index .path.segments 1}}/base",
         ["apps/shop/base"]),
        ("[{git: {files: [{path: 'apps/**/kustomization.yaml'}]}}]", "{{path}}",
         ["apps/blog/prod", "apps/shop/base", "apps/shop/prod"]),
        ("[{clusters: {}}]", "apps/{{name}}/prod", ["apps/blog/prod", "apps/shop/prod"]),
        ("[{clusters: {values: {env: prod}}}]", "apps/shop/{{values.env}}", ["apps/shop/prod"]),
        ("[{clusters: {values: {dir: 'apps/{{metadata.labels.app}}'}}}]", "{{values.dir}}/base",
         ["apps/shop/base"]),
        ("[{matrix: {generators: [{clusters: {}}, {list: {elements: [{env: prod}]}}]}}]",
         "apps/{{name}}/{{env}}", ["apps/blog/prod", "apps/shop/prod"]),
        ("[{merge: {generators: [{list: {elements: [{env: base}]}}]}}]", "apps/shop/{{env}}",
         ["apps/shop/base"]),
        ("[{list: {elements: [{app: nothing}]}}]", "apps/{{app}}/prod", []),
        ("[]", "apps/shop/{{unknown}}", ["apps/shop/base", "apps/shop/prod"]),
    ],
)  # fmt: skip
def test_an_application_set_names_what_its_generators_give(generators, path, expected):
    assert more_than_roots(application_set(generators, path)) == expected


def test_hostile_patterns_end():
    stars = "/".join(["**", "*a*a*a*a*"] * 30)
    text = application_set(f"[{{git: {{directories: [{{path: '{stars}'}}]}}}}]", "{{path}}")
    assert more_than_roots(text) == []
    wide = "{list: {elements: [" + ", ".join(f"{{k{i}: v}}" for i in range(300)) + "]}}"
    text = application_set(f"[{{matrix: {{generators: [{wide}, {wide}, {wide}]}}}}]", "a/{{k1}}")
    assert more_than_roots(text) == []


def flux(spec: str) -> str:
    return (
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: x}\n"
        f"spec: {{sourceRef: {{kind: GitRepository}}, {spec}}}\n"
    )


@pytest.mark.parametrize("path", ["./apps/shop/prod", "apps/shop/prod/", "/apps/shop/prod"])
def test_a_flux_kustomization_names_its_path(path):
    assert more_than_roots(flux(f"path: {path}")) == ["apps/shop/prod"]


def test_components_of_flux_are_read_by_the_application_that_they_are_added_to():
    files = with_object(flux("path: ./apps/shop/stage, components: [../../../tls]")) | {
        "tls/kustomization.yaml": component("x.yaml"),
        "tls/x.yaml": manifest("x"),
    }
    assert "tls/x.yaml" in closure(files, "apps/shop/stage").files
    result = change(files, files | {"tls/x.yaml": manifest("y")})
    assert result.applications == ("apps/shop/stage",)
    assert not result.unreached


def test_components_of_a_directory_without_kustomization_are_not_taken_for_manifests():
    files = {
        "flux/x.yaml": flux("path: ./plain, components: [../tls]"),
        "plain/x.yaml": manifest(),
        "tls/kustomization.yaml": component("t.yaml"),
        "tls/t.yaml": manifest("t"),
    }
    assert closure(files, "plain").files == {"plain/x.yaml"}
    result = change(files, files | {"tls/t.yaml": manifest("new")})
    assert [item.path for item in result.unreached] == ["tls/t.yaml"]


def test_components_of_argocd_are_read_likewise():
    source = "source: {path: apps/shop/stage, kustomize: {components: [../../../tls]}}"
    files = with_object(application(source)) | {"tls/kustomization.yaml": component()}
    assert "tls/kustomization.yaml" in closure(files, "apps/shop/stage").files


def test_a_flux_release_names_the_chart_of_a_git_repository():
    text = (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: x}\n"
        "spec:\n  targetNamespace: web\n  chart:\n    spec:\n      chart: ./common\n"
        "      sourceRef: {kind: GitRepository, name: x}\n      valuesFiles: [env/prod.yaml]\n"
    )
    files = {
        "releases/x.yaml": text,
        "common/Chart.yaml": chart("common"),
        "other/Chart.yaml": chart(dependencies="[{name: common, repository: 'file://../common'}]"),
        "env/prod.yaml": "a: 1",
    }
    discovery = found(files)
    assert list(discovery.applications) == ["common", "other", "releases"]
    assert discovery.applications["common"].destinations == ("web",)
    assert "env/prod.yaml" in discovery.closures["common"].files


def test_values_files_that_argocd_gives_to_a_chart_are_read_by_it():
    text = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: x}\n"
        "spec:\n  sources:\n  - path: charts/shop\n    helm:\n"
        "      valueFiles: [$values/env/prod.yaml, ../own.yaml, /root.yaml]\n"
        "  - ref: values\n"
    )
    files = {"argocd/x.yaml": text, "charts/shop/Chart.yaml": chart()} | dict.fromkeys(
        ("env/prod.yaml", "charts/own.yaml", "root.yaml"), "a: 1"
    )
    assert {"env/prod.yaml", "charts/own.yaml", "root.yaml"} <= closure(files, "charts/shop").files


def test_the_destination_of_an_object_is_known_of_the_application():
    discovery = found(with_object(application("source: {path: apps/shop/prod}")))
    assert discovery.applications["apps/shop/prod"].destinations == ("shop",)
    generators = "[{git: {directories: [{path: apps/shop/prod}]}}]"
    discovery = found(with_object(application_set(generators, "{{path}}")))
    assert discovery.applications["apps/shop/prod"].destinations == ("ns-prod",)


def test_a_path_in_the_items_of_a_list_counts():
    inner = "\n".join(
        "  " + line for line in application("source: {path: apps/shop/prod}").split("\n")
    )
    text = "apiVersion: v1\nkind: List\nitems:\n- " + inner.strip() + "\n"
    assert more_than_roots(text) == ["apps/shop/prod"]


def test_what_is_named_at_one_revision_is_rendered_at_both():
    named = with_object(application("source: {path: apps/shop/prod}"))
    other = with_object(application("source: {path: apps/blog/prod}"))
    head = other | {"apps/shop/base/web.yaml": manifest("new")}
    assert touched(named, head) == ["apps/blog/prod", "apps/shop/prod", "apps/shop/stage", "argocd"]


@pytest.mark.parametrize("path", ["../../outside", "nowhere", "''", "[1]", "{a: b}", "5"])
def test_a_path_that_leads_nowhere_names_nothing(path):
    assert more_than_roots(application(f"source: {{path: {path}}}")) == []
