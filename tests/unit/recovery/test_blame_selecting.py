"""How a question names a resource and a field."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.errors import ConfigurationError
from gitops_gate.recovery.blame_claims import claimed_changes
from gitops_gate.recovery.blame_selecting import (
    parse_field,
    parse_resource,
    stable_path,
    value_at,
)
from gitops_gate.reports.wording import path_text
from gitops_gate.resources.canonical import canonical
from gitops_gate.resources.values import ResourceReference

WEB = ResourceReference(api_version="apps/v1", kind="Deployment", namespace="shop", name="web")


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("Deployment/web", True),
        ("deployment/shop/web", True),
        ("deployment.apps/web", True),
        ("deployment.extensions/web", False),
        ("Deployment/other/web", False),
        ("Deployment/api", False),
        ("StatefulSet/web", False),
    ],
)
def test_a_resource_is_named_by_kind_and_name(text: str, matches: bool) -> None:
    assert parse_resource(text).matches(WEB) is matches


@pytest.mark.parametrize("text", ["web", "Deployment/", "/web", "a/b/c/d", "", "Deployment//web"])
def test_what_names_no_resource_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="KIND/NAME"):
        parse_resource(text)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("spec.replicas", ("spec", "replicas")),
        ("spec.containers[name=web].image", ("spec", "containers", "[name=web]", "image")),
        ("spec.containers[0].image", ("spec", "containers", 0, "image")),
        ("spec.containers.0.image", ("spec", "containers", "0", "image")),
        (
            'metadata.annotations["example.com/x"]',
            ("metadata", "annotations", "example.com/x"),
        ),
        (r"metadata.annotations.example\.com/x", ("metadata", "annotations", "example.com/x")),
        ("args[=--level=5]", ("args", "[=--level=5]")),
        ('tolerations[{"key":"a[0]"}]#2.effect', ("tolerations", '[{"key":"a[0]"}]#2', "effect")),
    ],
)
def test_a_field_is_written_as_reports_write_it_or_with_indexes(text: str, path: Any) -> None:
    assert parse_field(text) == path


@pytest.mark.parametrize("text", ["", ".", "spec.", "spec..x", "a[", 'a["x', "a]"])
def test_what_is_no_field_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="not a field"):
        parse_field(text)


@given(st.lists(st.one_of(st.text(min_size=1), st.integers(0, 99)), min_size=1, max_size=4))
def test_the_path_of_any_field_in_a_report_can_be_asked_for(path: list[str | int]) -> None:
    names = [p for p in path if not (isinstance(p, str) and p.startswith("[") and p.endswith("]"))]
    if names:
        assert parse_field(path_text(tuple(names))) == tuple(names)


def pod(*containers: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "spec": {"template": {"spec": {"containers": list(containers)}}},
    }


def test_an_index_is_the_one_of_the_manifest_and_becomes_what_identifies_the_item() -> None:
    value = pod({"name": "web", "image": "w"}, {"name": "aide", "image": "a"})
    path = stable_path(value, canonical(value), parse_field("containers[0].image"))
    assert path == ("spec", "template", "spec", "containers", "[name=web]", "image")
    moved = pod({"name": "aide", "image": "a"}, {"name": "web", "image": "new"})
    assert value_at(canonical(moved), path) == "new"


def test_an_index_stays_one_where_order_counts_and_nothing_identifies_the_items() -> None:
    value = pod({"name": "web", "args": ["--one", "--two"]})
    path = stable_path(value, canonical(value), parse_field("containers[name=web].args[1]"))
    assert path[-2:] == ("args", 1)
    assert value_at(canonical(value), path) == "--two"


def test_a_field_that_is_not_there_is_absent() -> None:
    value = canonical(pod({"name": "web"}))
    for field in ("spec.x", "spec.template.spec.containers[name=no].image", "spec.template[7]"):
        assert value_at(value, parse_field(field)) is None


@pytest.mark.parametrize(
    ("message", "claimed"),
    [
        ("Scale the shop up (#12)", ("#12",)),
        ("Merge pull request #12 from shop/scale\n\nScale the shop up", ("#12",)),
        ("Merge branch 'scale' into 'main'\n\nScale\n\nSee merge request shop/web!7\n", ("!7",)),
        ("Scale (#12)\n\nSee merge request !7", ("#12", "!7")),
        ("Mend what #12 broke", ()),
        ("Scale\n\nas in (#12)", ()),
        ("Scale (#0)", ()),
    ],
)
def test_a_message_claims_what_the_forges_write_into_it(
    message: str, claimed: tuple[str, ...]
) -> None:
    assert claimed_changes(message) == claimed
