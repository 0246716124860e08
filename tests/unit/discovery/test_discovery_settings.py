"""Environments, names, and what `applications` adds to or changes about what is found."""

from __future__ import annotations

import pytest

from gitops_gate.config.settings import (
    ConfiguredApplication,
    ConfiguredHelm,
    DiscoverySettings,
    Environment,
    SchemaSettings,
    Settings,
)
from gitops_gate.discovery import Renderer
from gitops_gate.errors import ConfigurationError
from tests.unit.discovery.trees import chart, crd, found, kustomization, manifest, names, reasons

FILES = {
    "apps/shop/overlays/prod/kustomization.yaml": kustomization(),
    "clusters/prod/web.yaml": manifest(),
    "other/web.yaml": manifest(),
}


def environments(settings: Settings) -> dict[str, str]:
    return {name: a.environment for name, a in found(FILES, settings).applications.items()}


def test_the_first_environment_that_matches_wins_and_the_rest_is_default():
    settings = Settings(
        environments=(
            Environment(name="live", match=("**/overlays/prod",)),
            Environment(name="production", match=("**/prod/**",)),
        )
    )
    assert environments(settings) == {
        "apps/shop/overlays/prod": "live",
        "clusters/prod": "production",
        "other": "default",
    }


def test_the_configuration_gives_a_name_and_an_environment_by_path():
    settings = Settings(
        applications=(
            ConfiguredApplication(path="other/", name="the-other", environment="staging"),
        )
    )
    assert environments(settings)["the-other"] == "staging"
    assert "other" not in environments(settings)


def test_a_pattern_speaks_for_each_directory_that_nothing_names_plainly():
    settings = Settings(
        applications=(
            ConfiguredApplication(path="**", environment="everything"),
            ConfiguredApplication(path="other", environment="plain"),
        )
    )
    assert environments(settings) == {
        "apps/shop/overlays/prod": "everything",
        "clusters/prod": "everything",
        "other": "plain",
    }


def test_the_name_of_a_pattern_is_told_apart_by_path():
    settings = Settings(applications=(ConfiguredApplication(path="clusters/*", name="c"),))
    assert "c@clusters/prod" in names(FILES, settings)


def test_one_name_for_two_applications_is_an_error_of_the_configuration():
    settings = Settings(
        applications=tuple(
            ConfiguredApplication(path=path, name="same") for path in ("other", "clusters/prod")
        )
    )
    with pytest.raises(ConfigurationError, match="two applications are named same"):
        names(FILES, settings)


def test_a_path_that_is_the_configured_name_of_another_application_gives_way():
    settings = Settings(applications=(ConfiguredApplication(path="clusters/prod", name="other"),))
    applications = found(FILES, settings).applications
    assert applications["other"].path == "clusters/prod"
    assert applications["./other"].path == "other"


def test_a_directory_named_like_a_variant_of_a_chart_keeps_apart_from_it():
    files = {
        "shop/Chart.yaml": chart(),
        "shop/values-prod.yaml": "a: 1",
        "shop@prod/web.yaml": manifest(),
    }
    applications = found(files).applications
    assert len(applications) == 3
    assert len({(a.path, a.helm) for a in applications.values()}) == 3


def test_the_renderer_can_be_chosen_where_a_directory_allows_several():
    files = {
        "shop/kustomization.yaml": kustomization(),
        "shop/Chart.yaml": chart(),
        "shop/x.yaml": manifest(),
    }
    for renderer in Renderer:
        entry = ConfiguredApplication(path="shop", renderer=renderer.value)
        (application,) = found(files, Settings(applications=(entry,))).applications.values()
        assert application.renderer is renderer


def test_an_entry_without_values_keeps_the_variants_of_a_chart():
    files = {"shop/Chart.yaml": chart(), "shop/values-prod.yaml": "a: 1"}
    entry = ConfiguredApplication(path="shop", helm=ConfiguredHelm(namespace="web"))
    applications = found(files, Settings(applications=(entry,))).applications
    assert list(applications) == ["shop", "shop@prod"]
    assert {a.helm.namespace for a in applications.values() if a.helm} == {"web"}


def test_what_is_configured_plainly_is_found_where_discovery_does_not_look():
    settings = Settings(
        discovery=DiscoverySettings(exclude=("**",)),
        applications=(ConfiguredApplication(path="apps/shop/overlays/prod"),),
    )
    assert names(FILES, settings) == ["apps/shop/overlays/prod"]


def test_a_configured_application_that_is_nowhere_is_counted():
    settings = Settings(applications=(ConfiguredApplication(path="gone"),))
    assert "applications names it" in reasons(found(FILES, settings))["gone"]


def test_crds_are_found_by_content_and_unreadable_ones_where_they_are_configured():
    files = {
        "operator/crd.yaml": crd("example.com", "Widget"),
        "testdata/crd.yaml": crd("example.com", "Test"),
        "charts/x/Chart.yaml": chart("x"),
        "charts/x/crds/broken.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: [\n",
        "charts/x/templates/broken.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: [\n",
    }
    assert found(files).crds == ("charts/x/crds/broken.yaml", "operator/crd.yaml")
    settings = Settings(schemas=SchemaSettings(crds=("testdata/**",)))
    assert found(files, settings).crds == ("operator/crd.yaml", "testdata/crd.yaml")
