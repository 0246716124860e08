"""A closure has every file that Kustomize reads for an application, whatever field names it."""

from __future__ import annotations

import pytest

from tests.unit.discovery.trees import closure, codes, component, kustomization, manifest, names

NO_TEXT = "anything"


def reads(fields: str, *paths: str) -> None:
    """Assert that a kustomization with these fields reads these paths below its directory."""
    files = {f"shop/{path}": NO_TEXT for path in paths}
    files["shop/kustomization.yaml"] = fields
    assert closure(files, "shop").files == set(files)
    assert not closure(files, "shop").missing


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ("patches: [{path: p.yaml}]", "p.yaml"),
        ("patches:\n  - target: {kind: Deployment}\n    path: sub/p.yaml", "sub/p.yaml"),
        ("patchesStrategicMerge: [p.yaml]", "p.yaml"),
        ("patchesJson6902: [{target: {name: x}, path: p.json}]", "p.json"),
        ("configMapGenerator: [{name: c, files: [app.conf]}]", "app.conf"),
        ("configMapGenerator: [{name: c, files: [key.conf=app.conf]}]", "app.conf"),
        ("configMapGenerator: [{name: c, envs: [a.env]}]", "a.env"),
        ("configMapGenerator: [{name: c, env: a.env}]", "a.env"),
        ("secretGenerator: [{name: s, files: [tls.key]}]", "tls.key"),
        ("secretGenerator: [{name: s, envs: [s.env]}]", "s.env"),
        ("configurations: [names.yaml]", "names.yaml"),
        ("crds: [crd.json]", "crd.json"),
        ("openapi: {path: schema.json}", "schema.json"),
        ("replacements: [{path: r.yaml}]", "r.yaml"),
        ("replacements: [{source: {kind: X}, targets: []}, {path: r.yaml}]", "r.yaml"),
        ("PATCHES: [{Path: p.yaml}]", "p.yaml"),
    ],
)
def test_every_field_that_names_a_file(fields, path):
    reads(fields, path)


def test_inline_patches_name_no_file():
    inline = "|-\n  apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: x}\n"
    reads(f"patches:\n- patch: {inline}\npatchesStrategicMerge:\n- {inline}")


@pytest.mark.parametrize("field", ["generators", "transformers", "validators"])
def test_plugin_files_are_read_with_every_path_inside_them(field):
    files = {
        "shop/kustomization.yaml": f"{field}: [plugins/p.yaml]",
        "shop/plugins/p.yaml": (
            "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: p}\npath: fix.yaml\n"
            "---\n"
            "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: c}\n"
            "files: [key=app.conf]\nenvs: [a.env]\n"
            "---\n"
            "apiVersion: builtin\nkind: ReplacementTransformer\nmetadata: {name: r}\n"
            "replacements: [{path: r.yaml}]\n"
            "---\n"
            "apiVersion: builtin\nkind: PatchStrategicMergeTransformer\nmetadata: {name: s}\n"
            "paths: [s.yaml]\nanything: {deep: [other.txt]}\n"
        ),
    } | dict.fromkeys(
        [f"shop/{name}" for name in ("fix.yaml", "app.conf", "a.env", "r.yaml", "s.yaml")], NO_TEXT
    )
    files["shop/other.txt"] = NO_TEXT
    assert closure(files, "shop").files == set(files)


def test_inline_plugins_are_read_for_paths_as_well():
    files = {
        "shop/kustomization.yaml": (
            "transformers:\n- |-\n  apiVersion: builtin\n  kind: PatchTransformer\n"
            "  metadata: {name: p}\n  path: fix.yaml\n"
        ),
        "shop/fix.yaml": NO_TEXT,
    }
    assert closure(files, "shop").files == set(files)


def test_paths_of_plugins_in_another_directory_start_where_the_plugins_are_used():
    files = {
        "shop/kustomization.yaml": "transformers: [../shared]",
        "shared/kustomization.yaml": kustomization("t.yaml"),
        "shared/t.yaml": (
            "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: p}\npath: fix.yaml\n"
        ),
        "shop/fix.yaml": NO_TEXT,
    }
    assert names(files) == ["shop"]
    assert closure(files, "shop").files == set(files)


def test_an_inflated_chart_and_its_values_in_other_directories_are_read():
    files = {
        "shop/kustomization.yaml": (
            "helmGlobals: {chartHome: ../charts}\n"
            "helmCharts:\n- name: web\n  valuesFile: ../values/web.yaml\n"
            "  additionalValuesFiles: [../values/more.yaml]\n"
        ),
        "charts/web/Chart.yaml": "name: web",
        "charts/web/templates/web.yaml": "{{ .Values }}",
        "values/web.yaml": "a: 1",
        "values/more.yaml": "b: 1",
    }
    assert names(files) == ["shop"]
    assert closure(files, "shop").files == set(files)


def test_a_chart_pulled_before_lies_below_its_version():
    files = {
        "shop/kustomization.yaml": (
            "helmCharts: [{name: web, version: 1.0.0, repo: https://charts.example.com}]"
        ),
        "shop/charts/web-1.0.0/web/Chart.yaml": "name: web",
        "shop/charts/web-1.0.0/web/values.yaml": "{}",
    }
    assert closure(files, "shop").files == set(files)


def test_the_deprecated_inflation_generator_names_the_same_files():
    files = {
        "shop/kustomization.yaml": (
            "helmChartInflationGenerator:\n"
            "- {chartName: web, chartHome: ./home, values: values.yaml}\n"
        ),
        "shop/home/web/Chart.yaml": "name: web",
        "shop/values.yaml": "a: 1",
    }
    assert closure(files, "shop").files == set(files)


def test_components_of_bases_of_bases_are_reached():
    files = {
        "a/kustomization.yaml": kustomization("../b"),
        "b/kustomization.yaml": kustomization("../c", components=["../d"]),
        "c/kustomization.yaml": kustomization("web.yaml"),
        "c/web.yaml": manifest(),
        "d/kustomization.yaml": component(),
    }
    assert closure(files, "a").files == set(files)


def test_a_file_of_a_neighbouring_directory_is_read_from_there():
    files = {
        "shop/kustomization.yaml": kustomization("../shared/web.yaml"),
        "shared/web.yaml": manifest(),
    }
    assert names(files) == ["shop"]
    assert closure(files, "shop").files == set(files)


@pytest.mark.parametrize(
    "reference",
    [
        "https://example.com/deploy.yaml",
        "github.com/org/repo//base?ref=v1",
        "git@github.com:org/repo",
        "ssh://git@example.com/org/repo",
        "file:///srv/repo",
        "git::https://example.com/org/repo.git",
    ],
)
def test_remote_references_are_listed_with_their_line(reference):
    files = {"shop/kustomization.yaml": f"resources:\n- web.yaml\n- {reference}\n"}
    (remote,) = closure(files, "shop").remotes
    assert (remote.reference, remote.path, remote.line) == (reference, "shop/kustomization.yaml", 3)


def test_a_remote_patch_is_listed_as_well():
    files = {"shop/kustomization.yaml": "patches: [{path: 'https://example.com/p.yaml'}]"}
    assert [remote.reference for remote in closure(files, "shop").remotes] == [
        "https://example.com/p.yaml"
    ]


def test_remotes_of_a_base_belong_to_every_overlay():
    files = {
        "base/kustomization.yaml": kustomization("github.com/org/repo"),
        "shop/kustomization.yaml": kustomization("../base"),
    }
    assert [remote.path for remote in closure(files, "shop").remotes] == ["base/kustomization.yaml"]


def test_a_path_out_of_the_repository_is_refused():
    files = {"shop/kustomization.yaml": kustomization("../../etc", "/etc/passwd")}
    assert codes(files, "shop") == ["render/path-outside", "render/path-outside"]
