"""Two renders of one input show which fields are not decided by it."""

from __future__ import annotations

from gitops_gate.render import Manifest
from gitops_gate.render.differences import differing_fields, identity
from gitops_gate.resources.values import Origin
from tests.unit.render.applications import config_map


def fields(first: list[str], second: list[str]) -> list[tuple[str, tuple[str | int, ...]]]:
    one, other = (
        [Manifest(text=text.encode(), origin=Origin()) for text in texts]
        for texts in (first, second)
    )
    return [(which[3], path) for _, which, path in differing_fields(one, other)]


def test_equal_renders_have_no_such_field() -> None:
    assert fields([config_map("a", x="1")], [config_map("a", x="1")]) == []


def test_texts_that_mean_the_same_are_equal() -> None:
    assert fields(["a: 1\n"], ["a:   1\n"]) == []


def test_a_differing_value_is_named_by_its_path() -> None:
    first = "kind: A\nmetadata: {name: web}\nspec: {list: [{v: 1}, {v: 2}], t: true}\n"
    second = "kind: A\nmetadata: {name: web}\nspec: {list: [{v: 1}, {v: 3}], t: 1}\n"
    assert fields([first], [second]) == [("web", ("spec", "list", 1, "v")), ("web", ("spec", "t"))]


def test_a_field_that_only_one_render_has_is_one() -> None:
    assert fields([config_map("a", x="1")], [config_map("a", x="1", z="2")]) == [
        ("a", ("data", "z"))
    ]


def test_a_list_of_another_length_differs_as_a_whole() -> None:
    assert fields(["l: [1]\n"], ["l: [1, 2]\n"]) == [("", ("l",))]


def test_a_random_name_is_a_field_of_the_first_render() -> None:
    assert fields([config_map("a1")], [config_map("a2")]) == [("a1", ("metadata", "name"))]


def test_a_resource_that_only_one_render_has_differs_as_a_whole() -> None:
    assert fields([config_map("a"), config_map("b")], [config_map("b")]) == [("a", ())]
    assert fields([config_map("b")], [config_map("a"), config_map("b")]) == [("a", ())]


def test_a_resource_that_differs_all_over_is_named_once() -> None:
    first = config_map("a", **{f"k{n}": "1" for n in range(60)})
    second = config_map("a", **{f"k{n}": "2" for n in range(60)})
    assert fields([first], [second]) == [("a", ())]


def test_anything_has_an_identity() -> None:
    assert identity(None) == ("", "", "", "")
    assert identity({"metadata": [], "kind": 3}) == ("", "3", "", "")
