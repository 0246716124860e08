"""Which applications a change affects, and what it touches that nobody reads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitops_gate.config.settings import DiscoverySettings, Settings
from gitops_gate.discovery import affected, discover_pair
from gitops_gate.source import Entry, Mode, Tree
from tests.unit.discovery.trees import (
    Files,
    Link,
    Submodule,
    change,
    chart,
    component,
    crd,
    kustomization,
    manifest,
    touched,
    tree_of,
)

FILES = {
    "README.md": "hello",
    ".github/workflows/ci.yaml": "on: push",
    "shop/base/kustomization.yaml": kustomization("web.yaml"),
    "shop/base/web.yaml": manifest(),
    "shop/prod/kustomization.yaml": kustomization("../base", patches="[{path: p.yaml}]"),
    "shop/prod/p.yaml": manifest(),
    "shop/stage/kustomization.yaml": kustomization("../base"),
    "blog/web.yaml": manifest("blog"),
    "charts/x/Chart.yaml": chart("x"),
    "charts/x/values.yaml": "a: 1",
}


@pytest.mark.parametrize("path", ["README.md", ".github/workflows/ci.yaml", "shop/README.md"])
def test_documentation_and_workflows_affect_nothing(path):
    result = change(FILES, FILES | {path: "changed"})
    assert not result.applications
    assert not result.unreached
    assert not result.unclaimed


def test_nothing_changed_affects_nothing():
    assert touched(FILES, FILES) == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("shop/base/web.yaml", ["shop/prod", "shop/stage"]),
        ("shop/base/kustomization.yaml", ["shop/prod", "shop/stage"]),
        ("shop/prod/p.yaml", ["shop/prod"]),
        ("blog/web.yaml", ["blog"]),
        ("charts/x/values.yaml", ["charts/x"]),
    ],
)
def test_a_changed_file_affects_whoever_reads_it(path, expected):
    assert touched(FILES, FILES | {path: FILES[path] + "# changed\n"}) == expected


def test_a_changed_mode_counts():
    base = tree_of(FILES)
    entries = {**base.entries}
    entries["shop/prod/p.yaml"] = Entry(Mode.EXECUTABLE, entries["shop/prod/p.yaml"].oid)
    head = Tree(entries=entries, blobs=base.blobs)
    one, other = discover_pair(base, head, Settings())
    assert affected(one, other, base, head).applications == ("shop/prod",)


def test_a_file_that_becomes_a_link_counts():
    head = FILES | {"shop/prod/p.yaml": Link("../base/web.yaml")}
    assert touched(FILES, head) == ["shop/prod"]


def test_a_missing_file_that_appears_counts_and_so_does_one_that_vanishes():
    less = {path: text for path, text in FILES.items() if path != "shop/prod/p.yaml"}
    assert touched(less, FILES) == ["shop/prod"]
    assert touched(FILES, less) == ["shop/prod"]


def test_a_base_that_appears_where_it_was_missing_counts():
    less = {path: text for path, text in FILES.items() if "base" not in path}
    assert touched(less, FILES) == ["shop/prod", "shop/stage"]


def test_new_and_vanished_applications_are_affected():
    more = FILES | {"new/web.yaml": manifest("new")}
    assert touched(FILES, more) == ["new"]
    assert touched(more, FILES) == ["new"]


def test_a_directory_that_becomes_a_kustomization_is_affected():
    assert touched(FILES, FILES | {"blog/kustomization.yaml": kustomization("web.yaml")}) == [
        "blog"
    ]


def test_an_application_in_another_environment_is_affected():
    base, head = tree_of(FILES), tree_of(FILES)
    one, other = discover_pair(base, head, Settings())
    moved = {
        name: replace(a, environment="live") if name == "blog" else a
        for name, a in other.applications.items()
    }
    result = affected(one, replace(other, applications=moved), base, head)
    assert result.applications == ("blog",)


ORPHANED = FILES | {"shop/prod/orphan.yaml": manifest("orphan")}


def test_an_orphaned_patch_is_unreached_when_it_appears_changes_or_vanishes():
    changed = FILES | {"shop/prod/orphan.yaml": manifest("other")}
    for base, head in ((FILES, ORPHANED), (ORPHANED, changed), (ORPHANED, FILES)):
        result = change(base, head)
        assert not result.applications
        assert [item.path for item in result.unreached] == ["shop/prod/orphan.yaml"]


def test_an_orphan_that_did_not_change_is_only_counted():
    result = change(ORPHANED, ORPHANED | {"README.md": "new"})
    assert not result.unreached
    assert result.unchanged_unclaimed == 1


def test_an_orphan_that_is_taken_up_is_judged_with_its_application():
    head = ORPHANED | {
        "shop/prod/kustomization.yaml": kustomization("../base", "orphan.yaml"),
        "shop/prod/orphan.yaml": manifest("changed"),
    }
    result = change(ORPHANED, head)
    assert result.applications == ("shop/prod",)
    assert not result.unreached


def test_a_file_that_is_let_go_is_judged_with_the_application_that_had_it():
    head = FILES | {
        "shop/prod/kustomization.yaml": kustomization("../base"),
        "shop/prod/p.yaml": manifest("changed"),
    }
    result = change(FILES, head)
    assert result.applications == ("shop/prod",)
    assert not result.unreached


def test_a_manifest_that_a_new_kustomization_hides_is_unreached_when_it_changes_with_it():
    base = {"blog/web.yaml": manifest("web")}
    hidden = {"blog/kustomization.yaml": kustomization()}
    result = change(base, hidden | {"blog/web.yaml": manifest("changed")})
    assert result.applications == ("blog",)
    assert [item.path for item in result.unreached] == ["blog/web.yaml"]
    assert not change(base, hidden | base).unreached


def test_a_chart_that_a_new_kustomization_hides_is_unreached_when_it_changes_with_it():
    base = {"blog/Chart.yaml": chart("blog"), "blog/templates/web.yaml": manifest("web")}
    head = {"blog/kustomization.yaml": kustomization(), "blog/templates/web.yaml": manifest("new")}
    result = change(base, base | head)
    assert [item.path for item in result.unreached] == ["blog/templates/web.yaml"]


def test_a_kustomization_that_becomes_a_component_is_unreached():
    base = {"blog/kustomization.yaml": kustomization("web.yaml"), "blog/web.yaml": manifest("web")}
    head = {"blog/kustomization.yaml": component("web.yaml"), "blog/web.yaml": manifest("new")}
    result = change(base, head)
    assert [item.path for item in result.unreached] == sorted(head)


@pytest.mark.parametrize("path", ["vendor/web", "shop/prod/more", "blog/charts/web"])
def test_a_submodule_that_changes_cannot_be_judged(path):
    result = change(FILES | {path: Submodule("1")}, FILES | {path: Submodule("2")})
    assert [item.path for item in result.unreached] == [path]


def test_a_submodule_where_nothing_is_deployed_from_is_only_listed():
    settings = Settings(discovery=DiscoverySettings(exclude=("docs/**",)))
    for path in (".tools/x", "docs/theme"):
        result = change(FILES, FILES | {path: Submodule("1")}, settings)
        assert not result.unreached
        assert [item.path for item in result.unclaimed] == [path]


def test_other_unclaimed_files_are_listed_when_they_change():
    base = FILES | {
        ".kube/x.yaml": manifest(),
        "ci/kind.yaml": manifest("k", "X", "kind.x-k8s.io/v1"),
    }
    result = change(base, base | {".kube/x.yaml": manifest("new")})
    assert [item.path for item in result.unclaimed] == [".kube/x.yaml"]
    assert result.unchanged_unclaimed == 1
    assert not result.unreached


CRD_FILES: Files = {
    "crds/widget.yaml": crd("example.com", "Widget"),
    "a/w.yaml": manifest("w", "Widget", "example.com/v1"),
    "b/w.yaml": manifest("w", "Widget", "other.com/v1"),
    "c/Chart.yaml": chart("c"),
    "c/templates/w.yaml": "apiVersion: {{ .Values.api }}\nkind: Widget\n",
    "d/Chart.yaml": chart("d"),
    "d/templates/w.yaml": "apiVersion: {{ .Values.api }}\nkind: Widgets\n",
    "e/kustomization.yaml": kustomization("w.yaml"),
    "e/w.yaml": manifest("w", "Widget", "example.com/v1"),
    "f/kustomization.yaml": kustomization("w.yaml"),
    "f/w.yaml": manifest("w"),
    "g/Chart.yaml": chart("g"),
    "g/charts/h-1.0.0.tgz": b"\x1f\x8b",
}


def test_a_changed_crd_affects_the_applications_that_may_have_its_kind():
    head = {**CRD_FILES, "crds/widget.yaml": crd("example.com", "Widget") + "  scope: Cluster\n"}
    assert touched(CRD_FILES, head) == ["a", "c", "crds", "e", "g"]


def test_a_crd_that_is_new_or_gone_counts_as_changed():
    without = {path: text for path, text in CRD_FILES.items() if not path.startswith("crds")}
    assert touched(without, CRD_FILES) == ["a", "c", "crds", "e", "g"]
    assert touched(CRD_FILES, without) == ["a", "c", "crds", "e", "g"]


def test_a_crd_that_is_read_exactly_counts_too():
    odd = (
        '{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",'
        ' "spec": {"group": "example.com", "names": {"kind": "Widget"}}}'
    )
    assert "a" in touched(CRD_FILES, {**CRD_FILES, "crds/widget.yaml": odd})


def test_one_change_in_a_base_of_many_affects_them_all():
    files = {"base/kustomization.yaml": kustomization("web.yaml"), "base/web.yaml": manifest()}
    files |= {f"apps/{i:02}/kustomization.yaml": kustomization("../../base") for i in range(29)}
    assert len(touched(files, files | {"base/web.yaml": manifest("new")})) == 29
