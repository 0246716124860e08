"""Manifests that nothing refers to (contract, section 3, "Directories" and "unclaimed")."""

from __future__ import annotations

import pytest

from gitops_gate.config.settings import (
    ConfiguredApplication,
    DiscoverySettings,
    PolicySettings,
    Settings,
)
from gitops_gate.discovery import Renderer
from tests.unit.discovery.trees import (
    Link,
    blocked,
    change,
    chart,
    closure,
    component,
    found,
    kustomization,
    manifest,
    names,
    reasons,
    touched,
)


def test_each_directory_with_manifests_is_one_application():
    files = {
        "web.yaml": manifest(),
        "apps/a/x.yml": manifest(),
        "apps/a/y.json": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "y"}}',
        "apps/b/x.yaml": manifest(),
    }
    discovery = found(files)
    assert list(discovery.applications) == [".", "apps/a", "apps/b"]
    assert {a.renderer for a in discovery.applications.values()} == {Renderer.DIRECTORY}
    assert discovery.closures["apps/a"].files == {"apps/a/x.yml", "apps/a/y.json"}


@pytest.mark.parametrize(
    "text", ["", "a: 1", "apiVersion: v1", "kind: X", "- apiVersion: v1\n  kind: X", "# apiVersion"]
)
def test_what_has_no_apiversion_and_kind_is_no_manifest(text):
    discovery = found({"a/x.yaml": text})
    assert not discovery.applications
    assert not discovery.unclaimed


def test_a_file_of_another_name_is_no_manifest():
    assert names({"a/x.txt": manifest()}) == []


def test_one_manifest_among_other_documents_is_enough():
    assert names({"a/x.yaml": "a: 1\n---\n" + manifest()}) == ["a"]


@pytest.mark.parametrize(
    "text",
    [
        '{"apiVersion": "v1", "kind": "X"}',
        '"apiVersion": v1\n"kind": X\n',
        "kind: X\napiVersion: v1\n",
        "  apiVersion: v1\n  kind: X\n",
        '"api\\x56ersion": v1\nkind: X\n',
        '"apiV\\u0065rsion": v1\nkind: X\n',
        '"api\\\n  Version": v1\nkind: X\n',
        "? apiVersion\n: v1\n? kind\n: X\n",
        "!!binary YXBpVmVyc2lvbg==: v1\nkind: X\n",
        "&a apiVersion: v1\nkind: *a\n",
        "\ufeffapiVersion: v1\nkind: X\n",
        "apiVersion: v1\r\nkind: X\r\n",
        "apiVersion: v1\nkind: X\nkind: Y\n",
        "--- # comment\napiVersion: v1\nkind: X\n...\n",
        "<<: {apiVersion: v1}\nkind: X\n",
    ],
)
def test_no_spelling_hides_a_manifest(text):
    assert names({"a/x.yaml": text}) == ["a"]


def test_utf16_hides_no_manifest():
    assert names({"a/x.yaml": manifest().encode("utf-16")}) == ["a"]


def test_items_of_a_list_are_manifests():
    text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: apps/v1\n  kind: Deployment\n"
    assert ("apps/v1", "Deployment") in found({"a/x.yaml": text}).facts["a/x.yaml"].kinds


def test_a_dot_directory_is_no_application_and_blocks_nothing():
    files = {
        ".github/x.yaml": manifest(),
        "shop/kustomization.yaml": kustomization(),
        "shop/.chainsaw-test/pod.yaml": manifest(),
    }
    discovery = found(files)
    assert list(discovery.applications) == ["shop"]
    assert reasons(discovery) == {
        ".github/x.yaml": "in a dot-directory",
        "shop/.chainsaw-test/pod.yaml": "in a dot-directory",
    }
    assert blocked(discovery) == []


@pytest.mark.parametrize("named", ["shop/.live", "shop"])
def test_a_dot_directory_that_an_agent_deploys_from_is_an_application(named):
    agent = f"""
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: shop}}
spec: {{source: {{path: {named}}}}}
"""
    files = {"shop/.live/web.yaml": manifest(), ".github/x.yaml": manifest(), "a/a.yaml": agent}
    assert names(files) == ["a", "shop/.live"]
    assert reasons(found(files)) == {".github/x.yaml": "in a dot-directory"}


def test_an_orphaned_patch_is_unclaimed_and_blocks():
    files = {
        "shop/kustomization.yaml": kustomization("web.yaml"),
        "shop/web.yaml": manifest(),
        "shop/patch.yaml": manifest(),
        "shop/deeper/patch.yaml": manifest(),
    }
    discovery = found(files)
    assert list(discovery.applications) == ["shop"]
    assert blocked(discovery) == ["shop/deeper/patch.yaml", "shop/patch.yaml"]
    assert "no kustomization reads it" in reasons(discovery)["shop/patch.yaml"]


def test_a_manifest_below_a_library_chart_is_unclaimed_and_blocks():
    files = {"lib/Chart.yaml": chart("lib", type="library"), "lib/templates/x.yaml": manifest()}
    assert blocked(found(files)) == ["lib/templates/x.yaml"]


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("skaffold/v4beta6", "Config"),
        ("chainsaw.kyverno.io/v1alpha1", "Test"),
        ("cli.kyverno.io/v1alpha1", "Test"),
        ("kustomize.config.k8s.io/v1beta1", "Kustomization"),
        ("kind.x-k8s.io/v1alpha4", "Cluster"),
        ("k3d.io/v1alpha5", "Simple"),
        ("builtin", "PatchTransformer"),
        ("v1", "Config"),
    ],
)
def test_the_configuration_of_a_tool_is_no_application(api_version, kind):
    discovery = found({"a/x.yaml": manifest("x", kind, api_version)})
    assert not discovery.applications
    assert reasons(discovery) == {"a/x.yaml": "configures a tool, not a cluster"}


def test_flux_objects_are_not_mistaken_for_the_configuration_of_kustomize():
    text = manifest("x", "Kustomization", "kustomize.toolkit.fluxcd.io/v1")
    assert names({"a/x.yaml": text}) == ["a"]


def test_a_file_that_only_looks_like_the_configuration_of_a_tool_is_not_overlooked():
    text = '"apiVersion": apps/v1\n"kind": X\nx: "\napiVersion: skaffold/v1\nkind: Config\n"\n'
    assert names({"a/x.yaml": text}) == ["a"]


def test_a_tool_configuration_with_a_manifest_in_the_same_file_is_a_manifest():
    assert names({"a/x.yaml": manifest("x", "Config", "skaffold/v1") + "---\n" + manifest()}) == [
        "a"
    ]


def test_gatekeeper_policies_are_none_but_other_manifests_under_the_paths_of_policies_are():
    template = manifest("t", "ConstraintTemplate", "templates.gatekeeper.sh/v1")
    constraint = manifest("c", "Required", "constraints.gatekeeper.sh/v1beta1")
    files = {
        "policies/t.yaml": template,
        "policies/deep/c.yaml": constraint,
        "policies/kyverno/p.yaml": manifest("p", "ClusterPolicy", "kyverno.io/v1"),
        "cluster/t.yaml": template,
    }
    discovery = found(files)
    assert list(discovery.applications) == ["cluster", "policies/kyverno"]
    assert reasons(discovery) == {"policies/t.yaml": "a policy", "policies/deep/c.yaml": "a policy"}
    elsewhere = Settings(policies=PolicySettings(paths=("rego/",)))
    assert "policies" in names(files, elsewhere)


def test_templates_that_are_no_yaml_are_counted_and_are_no_application():
    files = {"roles/templates/x.yaml": "apiVersion: v1\nkind: X\nname: {{ name }}\n"}
    discovery = found(files)
    assert not discovery.applications
    assert "template" in reasons(discovery)["roles/templates/x.yaml"]
    assert "line 3" in reasons(discovery)["roles/templates/x.yaml"]
    assert blocked(discovery) == []


@pytest.mark.parametrize("mark", ["{{ name }}", "{% if x %}", "{{- if .x }}"])
def test_a_template_beside_manifests_is_part_of_the_application_and_makes_it_fail(mark):
    files = {"a/x.yaml": manifest(), "a/y.yaml": f"{mark}\napiVersion: v1\nkind: X\n"}
    assert closure(files, "a").files == set(files)


def test_braces_in_legitimate_values_are_yaml():
    text = manifest() + "data:\n  a: '{{ name }}'\n  b: |\n    {{ .x }}\n    {% y %}\n"
    assert names({"a/x.yaml": text}) == ["a"]


def test_a_broken_manifest_is_an_application_that_will_fail():
    assert names({"a/x.yaml": "apiVersion: v1\nkind: X\n\tbad: [\n"}) == ["a"]


def test_what_only_exceeds_a_limit_of_ours_is_no_template_whatever_it_contains():
    deep = "apiVersion: v1\nkind: X\nx: " + "[" * 300 + "]" * 300 + " # {{ x }}\n"
    assert names({"a/x.yaml": deep}) == ["a"]


def test_a_document_before_a_template_is_not_overlooked():
    assert names({"a/x.yaml": manifest() + "---\na: {{ b }}\n"}) == ["a"]


def test_a_link_to_a_manifest_is_one():
    files = {"a/x.yaml": Link("../b/x.yaml"), "b/x.yaml": manifest()}
    assert names(files) == ["a", "b"]
    assert closure(files, "a").files == {"a/x.yaml", "b/x.yaml"}


def test_files_that_a_kustomization_reads_from_elsewhere_are_not_a_directory_again():
    files = {
        "shop/kustomization.yaml": kustomization("../shared/a.yaml"),
        "shared/a.yaml": manifest("a"),
        "shared/b.yaml": manifest("b"),
    }
    discovery = found(files)
    assert list(discovery.applications) == ["shared", "shop"]
    assert discovery.closures["shared"].files == {"shared/b.yaml"}


def test_a_directory_that_a_new_overlay_reads_is_compared_with_itself():
    base = {"shared/a.yaml": manifest("a"), "shared/b.yaml": manifest("b")}
    head = base | {"shop/kustomization.yaml": kustomization("../shared/a.yaml")}
    assert touched(base, head) == ["shop"]
    assert touched(head, base) == ["shop"]


def test_a_component_that_nobody_uses_is_unreached_when_it_changes():
    files = {"tls/kustomization.yaml": component("x.yaml"), "tls/x.yaml": manifest()}
    result = change(files, files | {"tls/x.yaml": manifest("new")})
    assert not result.applications
    assert [item.path for item in result.unreached] == ["tls/x.yaml"]
    assert all(item.blocks and "tls" in item.reason for item in result.unreached)


def test_what_discovery_is_told_to_leave_out_is_counted_and_blocks_nothing():
    files = {
        "a/testdata/kustomization.yaml": kustomization("../base"),
        "a/testdata/orphan.yaml": manifest(),
        "a/base/kustomization.yaml": kustomization(),
        "legacy/x.yaml": manifest(),
        "legacy/chart/Chart.yaml": chart("x"),
    }
    settings = Settings(discovery=DiscoverySettings(exclude=("**/testdata/**", "legacy")))
    discovery = found(files, settings)
    assert list(discovery.applications) == ["a/base"]
    assert set(reasons(discovery).values()) == {"left out by the settings of discovery"}
    assert blocked(discovery) == []
    assert not discovery.kustomization_files


def test_only_what_is_included_is_looked_at():
    files = {"a/x.yaml": manifest(), "b/c/x.yaml": manifest(), "d/x.yaml": manifest()}
    settings = Settings(discovery=DiscoverySettings(include=("b", "d/**"), exclude=()))
    assert names(files, settings) == ["b/c", "d"]


def test_an_excluded_base_is_still_read_by_its_overlay():
    files = {
        "shop/kustomization.yaml": kustomization("testdata/base"),
        "shop/testdata/base/kustomization.yaml": kustomization("x.yaml"),
        "shop/testdata/base/x.yaml": manifest(),
    }
    assert closure(files, "shop").files == set(files)


def test_an_orphan_can_be_made_an_application_by_the_configuration():
    files = {"shop/kustomization.yaml": kustomization(), "shop/extra/x.yaml": manifest()}
    settings = Settings(
        applications=(ConfiguredApplication(path="shop/extra", renderer="directory"),)
    )
    discovery = found(files, settings)
    assert list(discovery.applications) == ["shop", "shop/extra"]
    assert not discovery.unclaimed


def test_an_empty_repository_has_no_application():
    discovery = found({})
    assert not discovery.applications
    assert not change({}, {}).applications


def test_an_object_that_is_missing_is_a_problem_of_its_file_alone():
    from gitops_gate.config.settings import Settings
    from gitops_gate.discovery import discover
    from gitops_gate.source import Entry, Mode, Tree
    from tests.unit.discovery.trees import tree_of

    tree = tree_of({f"a{i}/x.yaml": manifest(f"n{i}") for i in range(5)})
    entries = {**tree.entries, "docs/values.yaml": Entry(Mode.FILE, "0" * 40)}
    discovery = discover(Tree(entries=entries, blobs=tree.blobs), Settings())
    assert len(discovery.applications) == 6
    assert "missing" in discovery.facts["docs/values.yaml"].problem
