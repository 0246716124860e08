"""Which line of the sources a finding points at."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gitops_gate.config.settings import Settings
from gitops_gate.discovery import discover
from gitops_gate.documents import load_document
from gitops_gate.evaluation.places import Places
from gitops_gate.evaluation.selection import side_of
from gitops_gate.findings import FieldPath, Location
from gitops_gate.render.values import Manifest
from gitops_gate.resources.read import read_resources
from gitops_gate.resources.values import Origin, Resource
from tests.unit.discovery.trees import kustomization, tree_of

WEB = """\
# a comment
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  template:
    spec:
      containers:
        - name: first
          image: one
        - name: second
          image: two
"""
PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
        - name: second
          image: patched
"""


def places_of(files: Mapping[str, str], name: str) -> Places:
    tree = tree_of(files)
    side = side_of(name, discover(tree, Settings()), tree)
    assert side is not None
    return Places(side)


def resource(text: str, path: str | None = None, line: int = 1) -> Resource:
    origin = Origin(path=path, line=line)
    read = read_resources([Manifest(text=text.encode(), origin=origin)])
    assert not read.unreadable
    return read.resources[0]


def image(index: int) -> FieldPath:
    return ("spec", "template", "spec", "containers", index, "image")


def at(location: Location | None) -> tuple[str, int, bool]:
    assert location is not None
    return location.path, location.line, location.exact


def test_a_document_of_a_directory_has_its_own_line() -> None:
    places = places_of({"apps/web.yaml": WEB}, "apps")
    web = resource(WEB, "apps/web.yaml")
    assert at(places.of(web, image(1))) == ("apps/web.yaml", 14, True)
    assert at(places.of(web, ("spec", "replicas"))) == ("apps/web.yaml", 7, True)


def test_a_field_that_is_not_there_has_the_nearest_line() -> None:
    places = places_of({"apps/web.yaml": WEB}, "apps")
    path, line, exact = at(places.of(resource(WEB, "apps/web.yaml"), ("spec", "strategy", "type")))
    assert (path, exact) == ("apps/web.yaml", False)
    assert line in (6, 7)


def test_a_later_document_of_a_stream_counts_from_the_start_of_the_file() -> None:
    stream = "a: b\n---\n" + WEB
    places = places_of({"apps/web.yaml": stream}, "apps")
    assert at(places.of(resource(WEB, "apps/web.yaml", 3), image(0))) == ("apps/web.yaml", 14, True)


@pytest.fixture
def overlay() -> Places:
    return places_of(
        {
            "base/kustomization.yaml": kustomization("web.yaml"),
            "base/web.yaml": WEB,
            "prod/kustomization.yaml": kustomization("../base", patches=[{"path": "scale.yaml"}]),
            "prod/scale.yaml": PATCH,
        },
        "prod",
    )


RENDERED = WEB.replace("two", "patched")


def test_what_a_patch_sets_is_in_the_patch(overlay: Places) -> None:
    assert at(overlay.of(resource(RENDERED), image(1))) == ("prod/scale.yaml", 10, True)


def test_what_no_patch_sets_is_in_the_base(overlay: Places) -> None:
    web = resource(RENDERED)
    assert at(overlay.of(web, image(0))) == ("base/web.yaml", 12, True)
    assert at(overlay.of(web, ("spec", "replicas"))) == ("base/web.yaml", 7, True)


def test_what_a_transformer_set_is_near(overlay: Places) -> None:
    changed = resource(RENDERED.replace("replicas: 2", "replicas: 9"))
    path, line, exact = at(overlay.of(changed, ("spec", "replicas")))
    assert (path, line, exact) == ("base/web.yaml", 7, False)


def test_a_name_with_a_prefix_is_found(overlay: Places) -> None:
    renamed = resource(RENDERED.replace("name: web", "name: prod-web-v2"))
    assert at(overlay.of(renamed, image(0)))[0] == "base/web.yaml"


def test_a_resource_that_no_source_has_has_no_place(overlay: Places) -> None:
    assert (
        overlay.of(resource(WEB.replace("kind: Deployment", "kind: DaemonSet")), image(0)) is None
    )
    assert overlay.of(None, ()) is None


def test_an_excerpt_is_one_clean_line() -> None:
    files = {"apps/web.yaml": WEB.replace("one", '"one\x1b[31m"') + "# " + "x" * 500 + "\n"}
    places = places_of(files, "apps")
    shown = places.excerpt(Location(path="apps/web.yaml", line=12))
    assert shown is not None
    assert "\x1b" not in shown
    assert shown.startswith("          image: ")
    long = places.excerpt(Location(path="apps/web.yaml", line=15))
    assert long is not None
    assert len(long) <= 160
    assert places.excerpt(Location(path="apps/web.yaml", line=999)) is None
    assert places.excerpt(Location(path="nope.yaml", line=1)) is None
    assert places.excerpt(Location(path="apps/web.yaml", line=0)) is None


def test_sources_that_cannot_be_read_point_nowhere() -> None:
    places = places_of(
        {"shop/kustomization.yaml": kustomization("web.yaml"), "shop/web.yaml": "a: [\n"}, "shop"
    )
    assert places.of(resource(WEB), image(0)) is None
    assert load_document(b"a: b") == {"a": "b"}
