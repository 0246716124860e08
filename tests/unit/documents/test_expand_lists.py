"""Lists of resources are taken apart as kubectl and Kustomize do."""

from __future__ import annotations

import pytest

from gitops_gate.documents import expand_lists
from gitops_gate.errors import ManifestError

ROLE = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "a"}}
SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "b"}}


@pytest.mark.parametrize("value", [ROLE, None, "text", [ROLE], {"items": [ROLE]}])
def test_what_is_no_list_is_alone(value: object) -> None:
    assert expand_lists(value) == ((value, ()),)


def test_the_items_of_a_list_have_their_paths() -> None:
    value = {"apiVersion": "v1", "kind": "List", "items": [ROLE, SERVICE]}

    assert expand_lists(value) == ((ROLE, ("items", 0)), (SERVICE, ("items", 1)))


def test_lists_in_lists_are_taken_apart_in_order() -> None:
    inner = {"apiVersion": "v1", "kind": "List", "items": [SERVICE]}
    value = {"apiVersion": "v1", "kind": "List", "items": [inner, ROLE]}

    assert expand_lists(value) == ((SERVICE, ("items", 0, "items", 0)), (ROLE, ("items", 1)))


def test_items_of_a_typed_list_inherit_its_kind_when_they_have_none() -> None:
    value = {
        "apiVersion": "v1",
        "kind": "ConfigMapList",
        "items": [{"metadata": {"name": "a"}}, {"kind": "Secret"}],
    }

    assert expand_lists(value) == (
        ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}, ("items", 0)),
        ({"kind": "Secret"}, ("items", 1)),
    )


@pytest.mark.parametrize("items", [[], None])
def test_an_empty_list_stands_for_nothing(items: object) -> None:
    assert expand_lists({"apiVersion": "v1", "kind": "RoleList", "items": items}) == ()


def test_a_custom_resource_whose_kind_ends_in_list_is_no_list() -> None:
    value = {"apiVersion": "example.com/v1", "kind": "AllowList", "spec": {"items": [ROLE]}}

    assert expand_lists(value) == ((value, ()),)


def test_nothing_hides_as_an_item_of_another_kind() -> None:
    value = {"apiVersion": "example.com/v1", "kind": "Innocent", "items": [ROLE]}

    assert expand_lists(value) == ((ROLE, ("items", 0)),)


@pytest.mark.parametrize("items", [["10.0.0.0/8"], [], {"a": 1}, [ROLE, "x"]])
def test_another_kind_with_items_that_are_no_objects_stays_whole(items: object) -> None:
    value = {"apiVersion": "example.com/v1", "kind": "AddressSet", "items": items}

    assert expand_lists(value) == ((value, ()),)


def test_a_list_that_holds_something_else_is_an_error() -> None:
    inner = {"apiVersion": "v1", "kind": "List", "items": [ROLE, None]}

    with pytest.raises(ManifestError, match=r"items\.0\.items of a List"):
        expand_lists({"apiVersion": "v1", "kind": "List", "items": [inner]})
