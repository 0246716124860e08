"""Helm's names of templates lead to files of the repository."""

from __future__ import annotations

import pytest

from gitops_gate.render.template_paths import TemplatePaths

FILES = frozenset(
    {
        "charts/shop/Chart.yaml",
        "charts/shop/templates/web.yaml",
        "charts/shop/templates/sub/deep.yaml",
        "charts/shop/crds/crd.yaml",
        "charts/shop/charts/cache/templates/svc.yaml",
        "charts/shop/charts/cache/charts/log/templates/log.yaml",
        "charts/shop/charts/postgres/templates/pg.yaml",
        "charts/shop/charts/queue-1.2.3.tgz",
    }
)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("shop/templates/web.yaml", "charts/shop/templates/web.yaml"),
        ("another-name/templates/web.yaml", "charts/shop/templates/web.yaml"),
        ("shop/templates/sub/deep.yaml", "charts/shop/templates/sub/deep.yaml"),
        ("shop/crds/crd.yaml", "charts/shop/crds/crd.yaml"),
        ("shop/charts/cache/templates/svc.yaml", "charts/shop/charts/cache/templates/svc.yaml"),
        (
            "shop/charts/cache/charts/log/templates/log.yaml",
            "charts/shop/charts/cache/charts/log/templates/log.yaml",
        ),
        ("shop/charts/queue/templates/q.yaml", "charts/shop/charts/queue-1.2.3.tgz"),
        ("shop/charts/alias/templates/pg.yaml", "charts/shop/charts/postgres/templates/pg.yaml"),
        ("shop/charts/alias/templates/unknown.yaml", "charts/shop/Chart.yaml"),
        ("shop/templates/unknown.yaml", "charts/shop/Chart.yaml"),
        ("../../etc/passwd", "charts/shop/Chart.yaml"),
        ("", "charts/shop/Chart.yaml"),
    ],
)
def test_a_template_leads_to_its_file_or_the_nearest_one(name: str, path: str) -> None:
    assert TemplatePaths("charts/shop", FILES).find(name) == path


def test_a_chart_at_the_root_has_no_folder_before_its_files() -> None:
    paths = TemplatePaths(".", frozenset({"Chart.yaml", "templates/a.yaml"}))
    assert paths.find("x/templates/a.yaml") == "templates/a.yaml"
    assert paths.find("x/templates/b.yaml") == "Chart.yaml"


def test_without_a_chart_file_there_may_be_no_place() -> None:
    assert TemplatePaths("app", frozenset()).find("x/templates/a.yaml") is None
