"""Which line of the sources a finding points at."""

from __future__ import annotations

import time
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


def test_a_place_is_only_exact_where_everything_on_the_way_is_known(overlay: Places) -> None:
    renamed = overlay.of(resource(RENDERED.replace("name: web", "name: other-web")), image(1))
    assert renamed is not None
    assert not renamed.exact


DEPLOYED = WEB.replace("image: one", "image: one:5")
SET_BY_FIELDS = {
    "base/kustomization.yaml": kustomization("web.yaml"),
    "base/web.yaml": WEB,
    "prod/kustomization.yaml": """\
resources: [../base]
images:
  - name: one
    newTag: "5"
replicas:
  - {name: web, count: 7}
commonLabels:
  team: shop
patches:
  - target: {kind: Deployment, name: w.*}
    patch: |-
      - op: add
        path: /spec/paused
        value: true
configMapGenerator:
  - name: settings
    envs: [settings.env]
    literals:
      - mode=fast
""",
    "prod/settings.env": "# size\nSIZE=3\n",
}


def test_what_a_field_of_a_kustomization_sets_is_on_its_line() -> None:
    places = places_of(SET_BY_FIELDS, "prod")
    text = DEPLOYED.replace("replicas: 2", "replicas: 7\n  paused: true").replace(
        "  name: web\n", "  name: web\n  labels: {team: shop}\n", 1
    )
    web = resource(text)
    kustomization_file = "prod/kustomization.yaml"
    assert at(places.of(web, image(0))) == (kustomization_file, 4, True)
    assert at(places.of(web, ("spec", "replicas"))) == (kustomization_file, 6, True)
    assert at(places.of(web, ("metadata", "labels", "team"))) == (kustomization_file, 8, True)
    assert at(places.of(web, ("spec", "paused"))) == (kustomization_file, 14, True)
    assert at(places.of(web, image(1))) == ("base/web.yaml", 14, True)


def test_what_a_generator_reads_is_on_the_line_that_it_reads() -> None:
    places = places_of(SET_BY_FIELDS, "prod")
    settings = resource(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"
        'data: {SIZE: "3", mode: fast}\n'
    )
    assert at(places.of(settings, ("data", "SIZE"))) == ("prod/settings.env", 2, True)
    assert at(places.of(settings, ("data", "mode"))) == ("prod/kustomization.yaml", 19, True)


def test_a_misspelt_name_is_pointed_at_rather_than_its_value() -> None:
    text = WEB.replace("  replicas: 2\n", "  replica:\n    - 2\n")
    places = places_of({"apps/web.yaml": text}, "apps")
    web = resource(text, "apps/web.yaml")
    assert at(places.of(web, ("spec", "replica"), name=True)) == ("apps/web.yaml", 7, True)
    assert at(places.of(web, ("spec", "replica"))) == ("apps/web.yaml", 8, True)


HOSTILE = {
    "a selector that takes for ever": {
        "prod/kustomization.yaml": "resources: [web.yaml]\npatches:\n"
        "- {target: {name: '(w+)+x'}, path: p.yaml}\n",
        "prod/p.yaml": "- {op: replace, path: /spec/replicas, value: 2}\n",
    },
    "a base by very many ways": {
        "prod/kustomization.yaml": "resources: [web.yaml, ../b0, ../b0]\n",
        **{
            f"b{level}/kustomization.yaml": f"resources: [../b{level + 1}, ../b{level + 1}]\n"
            for level in range(12)
        },
        "b12/kustomization.yaml": "resources: []\n",
    },
    "a bomb of aliases": {
        "prod/kustomization.yaml": "resources: [web.yaml]\npatches: [{path: p.yaml}]\n",
        "prod/p.yaml": "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n"
            for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        ),
    },
    "very many entries": {
        "prod/kustomization.yaml": "resources: [web.yaml]\nimages:\n"
        + "- {name: x, newTag: y}\n" * 4_000
        + "patches:\n"
        + "- {path: p.yaml}\n" * 4_000,
        "prod/p.yaml": "kind: Deployment\napiVersion: apps/v1\nmetadata: {name: web}\n",
    },
    "patches that are no patches": {
        "prod/kustomization.yaml": "resources: [web.yaml]\npatches: [5, {patch: [1]}, {path: {}}]\n"
        "images: x\nreplicas: [1]\nnamespace: 5\nnamePrefix: [x]\ncommonLabels: [1]\n"
        "labels: [{pairs: 7}]\nconfigMapGenerator: [{name: web, files: [5]}]\n"
        "replacements: [{source: 1, targets: [{select: 5, fieldPaths: [[]]}]}]\n",
    },
}


@pytest.mark.parametrize("files", HOSTILE.values(), ids=HOSTILE)
def test_hostile_kustomizations_are_followed_soon_or_not_at_all(files: dict[str, str]) -> None:
    places = places_of({"prod/web.yaml": WEB, **files}, "prod")
    started = time.process_time()
    found = places.of(resource(WEB), ("spec", "replicas"))
    assert time.process_time() - started < 10
    assert found is not None
    assert found.path in ("prod/web.yaml", "prod/p.yaml")


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
