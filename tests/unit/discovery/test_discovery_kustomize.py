"""Which kustomizations are applications (contract, section 3, "Kustomize")."""

from __future__ import annotations

import pytest

from gitops_gate.config.settings import ConfiguredApplication, Settings
from tests.unit.discovery.trees import (
    Link,
    change,
    closure,
    codes,
    component,
    found,
    kustomization,
    manifest,
    names,
    touched,
)

BASE_AND_OVERLAY = {
    "shop/base/kustomization.yaml": kustomization("web.yaml"),
    "shop/base/web.yaml": manifest(),
    "shop/overlays/prod/kustomization.yaml": kustomization("../../base"),
}


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
def test_each_name_that_kustomize_recognises_makes_an_application(name):
    assert names({f"shop/{name}": kustomization("web.yaml"), "shop/web.yaml": manifest()}) == [
        "shop"
    ]


def test_another_spelling_of_the_name_is_no_kustomization():
    assert names({"shop/KUSTOMIZATION.yaml": kustomization()}) == []


def test_a_base_that_another_kustomization_refers_to_is_no_application():
    assert names(BASE_AND_OVERLAY) == ["shop/overlays/prod"]


@pytest.mark.parametrize("field", ["resources", "bases", "Resources"])
def test_resources_the_legacy_bases_and_any_case_refer_alike(field):
    files = BASE_AND_OVERLAY | {
        "shop/overlays/prod/kustomization.yaml": f"{field}:\n  - ../../base\n"
    }
    assert names(files) == ["shop/overlays/prod"]


def test_a_component_is_no_application_even_if_nobody_uses_it():
    assert names({"tls/kustomization.yaml": component()}) == []


def test_an_overlay_reads_its_component():
    files = {
        "tls/kustomization.yaml": component("cert.yaml"),
        "tls/cert.yaml": manifest(),
        "shop/kustomization.yaml": kustomization(components=["../tls"]),
    }
    assert names(files) == ["shop"]
    assert closure(files, "shop").files == set(files)


def test_the_root_of_the_repository_is_named_by_a_dot():
    files = {"kustomization.yaml": kustomization("web.yaml"), "web.yaml": manifest()}
    assert names(files) == ["."]
    assert closure(files, ".").files == set(files)


def test_two_kustomization_files_in_one_directory_are_both_read():
    files = {
        "shop/kustomization.yaml": kustomization("a.yaml"),
        "shop/kustomization.yml": kustomization("b.yaml"),
        "shop/a.yaml": manifest(),
        "shop/b.yaml": manifest(),
    }
    assert closure(files, "shop").files == set(files)


def test_a_kustomization_that_refers_to_itself_stays_an_application():
    assert names({"shop/kustomization.yaml": kustomization(".")}) == ["shop"]


def test_kustomizations_that_refer_to_each_other_end_and_are_not_lost():
    files = {
        "a/kustomization.yaml": kustomization("../b"),
        "b/kustomization.yaml": kustomization("../a"),
    }
    discovery = found(files)
    assert not discovery.applications
    assert set(discovery.kustomization_files) == {"a", "b"}


def test_a_directory_named_with_glob_characters_is_just_a_directory():
    files = {
        "apps/[x]*/kustomization.yaml": kustomization("web.yaml"),
        "apps/[x]*/web.yaml": manifest(),
    }
    assert closure(files, "apps/[x]*").files == set(files)


def test_names_that_are_not_utf8_or_hold_newlines_and_dashes_survive():
    odd = "apps/\udcff\n-rf"
    files = {f"{odd}/kustomization.yaml": kustomization("a b.yaml"), f"{odd}/a b.yaml": manifest()}
    assert closure(files, odd).files == set(files)


def test_a_directory_reached_through_a_link_is_read_with_the_link():
    files = {
        "shop/kustomization.yaml": kustomization("../current"),
        "current": Link("releases/two"),
        "releases/two/kustomization.yaml": kustomization("web.yaml"),
        "releases/two/web.yaml": manifest(),
    }
    assert names(files) == ["shop"]
    assert closure(files, "shop").files == set(files)


def test_a_link_to_a_file_is_read_with_what_it_leads_to():
    files = {
        "shop/kustomization.yaml": kustomization("web.yaml"),
        "shop/web.yaml": Link("files/real.yaml"),
        "shop/files/real.yaml": manifest(),
    }
    assert closure(files, "shop").files == set(files)


def test_a_link_that_leaves_the_repository_is_refused():
    files = {
        "shop/kustomization.yaml": kustomization("web.yaml"),
        "shop/web.yaml": Link("/etc/passwd"),
    }
    assert codes(files, "shop") == ["render/link-outside"]


def test_case_counts_in_references():
    files = {"shop/kustomization.yaml": kustomization("Web.yaml"), "shop/web.yaml": manifest()}
    assert "shop/Web.yaml" in closure(files, "shop").missing


def test_what_is_missing_is_known_at_every_place_kustomize_would_look():
    missing = closure({"shop/kustomization.yaml": kustomization("../base")}, "shop").missing
    assert missing == {
        "base",
        "base/kustomization.yaml",
        "base/kustomization.yml",
        "base/Kustomization",
    }


def test_a_kustomization_that_cannot_be_read_is_an_application_that_is_refused():
    files = {"shop/kustomization.yaml": "resources: [\n", "shop/web.yaml": manifest()}
    assert codes(files, "shop") == ["render/kustomization"]


def test_a_field_given_in_two_spellings_is_refused_rather_than_guessed():
    files = {"shop/kustomization.yaml": "resources: [a.yaml]\nResources: [b.yaml]\n"}
    assert codes(files, "shop") == ["render/kustomization"]


def test_of_a_field_given_twice_the_last_counts_as_for_kustomize():
    files = {
        "shop/kustomization.yaml": "resources: [a.yaml]\nresources: [b.yaml]\n",
        "shop/b.yaml": manifest(),
    }
    assert "shop/b.yaml" in closure(files, "shop").files


def test_a_pattern_of_the_configuration_makes_a_base_an_application():
    settings = Settings(applications=(ConfiguredApplication(path="**/base"),))
    assert names(BASE_AND_OVERLAY, settings) == ["shop/base", "shop/overlays/prod"]


def test_a_base_that_gains_its_first_overlay_is_still_compared_with_itself():
    head = dict(BASE_AND_OVERLAY)
    base = {path: text for path, text in head.items() if "overlays" not in path}
    assert touched(base, head | {"shop/base/web.yaml": manifest("new")}) == [
        "shop/base",
        "shop/overlays/prod",
    ]


def test_a_base_that_loses_its_last_overlay_is_rendered_at_both_revisions():
    head = {path: text for path, text in BASE_AND_OVERLAY.items() if "overlays" not in path}
    assert touched(BASE_AND_OVERLAY, head) == ["shop/overlays/prod"]
    assert touched(BASE_AND_OVERLAY, head | {"shop/base/web.yaml": manifest("x")}) == [
        "shop/base",
        "shop/overlays/prod",
    ]


def test_an_overlay_that_deletes_what_its_base_has_while_both_are_deployed():
    base = BASE_AND_OVERLAY | {
        "clusters/base.yaml": (
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
            "metadata: {name: base}\nspec: {path: ./shop/base}\n"
        )
    }
    head = base | {
        "shop/overlays/prod/kustomization.yaml": kustomization(
            "../../base", patches='[{patch: "$patch: delete"}]'
        )
    }
    assert set(names(base)) == {"clusters", "shop/base", "shop/overlays/prod"}
    assert touched(base, head) == ["shop/overlays/prod"]


def test_a_reference_added_to_and_removed_from_a_base_affects_its_overlay():
    more = BASE_AND_OVERLAY | {
        "shop/base/kustomization.yaml": kustomization("web.yaml", "extra.yaml"),
        "shop/base/extra.yaml": manifest("extra"),
    }
    assert touched(BASE_AND_OVERLAY, more) == ["shop/overlays/prod"]
    assert touched(more, BASE_AND_OVERLAY) == ["shop/overlays/prod"]


def test_an_overlay_renamed_is_one_application_gone_and_one_new():
    head = {path.replace("prod", "production"): text for path, text in BASE_AND_OVERLAY.items()}
    assert touched(BASE_AND_OVERLAY, head) == ["shop/overlays/prod", "shop/overlays/production"]


def test_an_overlay_emptied_is_still_rendered():
    head = BASE_AND_OVERLAY | {"shop/overlays/prod/kustomization.yaml": "resources: []\n"}
    assert "shop/overlays/prod" in touched(BASE_AND_OVERLAY, head)


def test_an_overlay_deleted_is_affected_and_leaves_nothing_unreached():
    head = {path: text for path, text in BASE_AND_OVERLAY.items() if "overlays" not in path}
    result = change(BASE_AND_OVERLAY, head)
    assert result.applications == ("shop/overlays/prod",)
    assert not result.unreached
