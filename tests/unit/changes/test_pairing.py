from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.changes.pairing import pair
from tests.unit.resources.made import from_value


def thing(name="a", *, namespace="", kind="Thing", api="example.com/v1", **rest):
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return from_value({"apiVersion": api, "kind": kind, "metadata": metadata, **rest})


def config_map(name, value):
    return thing(name, kind="ConfigMap", api="v1", namespace="shop", data={"a": value})


OLD, NEW = config_map("a-4h2mbtbbt6", "b"), config_map("a-8f2d5hh62d", "c")


def names(base, head):
    """Pairs as `(base, head)`, each as `namespace/name` or None."""

    def shown(side):
        return side and f"{side.reference.namespace}/{side.reference.name}"

    return [(shown(paired.base), shown(paired.head)) for paired in pair(base, head)]


def test_resources_are_paired_by_key_and_sorted():
    base, head = [thing("b"), thing("a"), thing("gone")], [thing("a"), thing("b"), thing("new")]
    assert names(base, head) == [("/a", "/a"), ("/b", "/b"), ("/gone", None), (None, "/new")]


def test_another_version_of_the_same_group_is_the_same_resource():
    base, head = [thing(api="example.com/v1beta1")], [thing(api="example.com/v1")]
    assert names(base, head) == [("/a", "/a")]


def test_another_group_is_another_resource():
    assert len(names([thing(api="one.example.com/v1")], [thing(api="other.example.com/v1")])) == 2


def test_a_kind_that_moved_to_another_group_is_the_same_resource():
    base = [thing(kind="Ingress", api="extensions/v1beta1")]
    head = [thing(kind="Ingress", api="networking.k8s.io/v1")]
    assert names(base, head) == [("/a", "/a")]
    assert names(head, base) == [("/a", "/a")]


def test_a_config_map_renamed_by_its_hash_is_one_pair():
    assert names([OLD], [NEW]) == [("shop/a-4h2mbtbbt6", "shop/a-8f2d5hh62d")]


def test_a_hash_that_appears_or_disappears_is_one_pair_too():
    assert names([config_map("a", "b")], [NEW]) == [("shop/a", "shop/a-8f2d5hh62d")]


def test_a_false_hash_is_a_name_like_any_other():
    base, head = [config_map("a-4h2mbtbbt6", "x")], [config_map("a-8f2d5hh62d", "y")]
    assert names(base, head) == [("shop/a-4h2mbtbbt6", None), (None, "shop/a-8f2d5hh62d")]


def test_a_namespace_that_was_left_open_is_filled_in():
    assert names([thing()], [thing(namespace="shop")]) == [("/a", "shop/a")]
    assert names([thing(namespace="shop")], [thing()]) == [("shop/a", "/a")]


def test_a_move_between_two_namespaces_is_a_removal_and_an_addition():
    base, head = [thing(namespace="one")], [thing(namespace="other")]
    assert names(base, head) == [("one/a", None), (None, "other/a")]


def test_nothing_is_guessed_where_several_would_fit():
    base, head = [thing()], [thing(namespace="one"), thing(namespace="other")]
    assert names(base, head) == [("/a", None), (None, "one/a"), (None, "other/a")]


def test_resources_that_share_a_key_are_kept_and_equal_ones_paired_first():
    base = [thing(spec=1), thing(spec=2)]
    head = [thing(spec=3), thing(spec=2), thing(spec=4)]
    pairs = [
        (p.base and p.base.value["spec"], p.head and p.head.value["spec"]) for p in pair(base, head)
    ]
    assert sorted(pairs, key=str) == [(1, 3), (2, 2), (None, 4)]


RESOURCES = st.lists(
    st.builds(
        thing,
        st.sampled_from("ab"),
        namespace=st.sampled_from(["", "x", "y"]),
        spec=st.integers(0, 2),
    )
    | st.sampled_from([OLD, NEW]),
    max_size=6,
)


@given(RESOURCES, RESOURCES, st.integers())
def test_every_resource_is_in_one_pair_whatever_the_order(base, head, seed):
    pairs = pair(base, head)
    sides = [p.base for p in pairs if p.base], [p.head for p in pairs if p.head]
    for side, given_side in zip(sides, (base, head), strict=True):
        assert sorted(r.text for r in side) == sorted(r.text for r in given_side)
    shuffled = (
        random.Random(seed).sample(base, len(base)),
        random.Random(seed).sample(head, len(head)),
    )
    again = pair(*shuffled)
    assert sorted(map(_texts, pairs)) == sorted(map(_texts, again))


def _texts(paired):
    return (paired.base.text if paired.base else b"", paired.head.text if paired.head else b"")
