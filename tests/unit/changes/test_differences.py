from __future__ import annotations

import pytest

from gitops_gate.changes.differences import differences
from gitops_gate.resources.canonical import canonical
from tests.unit.resources.made import deployment, from_yaml

WEB = {"name": "web", "image": "web:1", "args": ["-a", "-b"]}
POD = ("spec", "template", "spec")


def changed(base, head, names=None):
    found = differences(canonical(base.value), canonical(head.value), names)
    return [(change.path, change.base, change.head) for change in found]


def test_a_changed_value_is_named_by_the_merge_keys_on_its_way():
    log = {"name": "log", "image": "log"}
    base, head = deployment(WEB), deployment(log, WEB | {"image": "web:2"})
    assert changed(base, head) == [
        ((*POD, "containers", "[name=log]"), None, log),
        ((*POD, "containers", "[name=web]", "image"), "web:1", "web:2"),
    ]


def test_a_list_of_plain_values_changes_as_a_whole():
    head = deployment(WEB | {"args": ["-b", "-a"]})
    assert changed(deployment(WEB), head) == [
        ((*POD, "containers", "[name=web]", "args"), ["-a", "-b"], ["-b", "-a"])
    ]


def test_an_added_mapping_is_one_change():
    head = deployment(WEB, strategy={"type": "Recreate"})
    assert changed(deployment(WEB), head) == [(("spec", "strategy"), None, {"type": "Recreate"})]


def test_order_alone_is_a_change_where_it_means_something():
    def pod(names):
        items = ", ".join(f"{{name: {name}}}" for name in names)
        spec = f"{{initContainers: [{items}]}}"
        return from_yaml(f"{{apiVersion: v1, kind: Pod, metadata: {{name: a}}, spec: {spec}}}")

    assert changed(pod("ab"), pod("ba")) == [
        (("spec", "initContainers", "[order]"), ["[name=a]", "[name=b]"], ["[name=b]", "[name=a]"])
    ]
    assert changed(pod("ab"), pod("axb")) == [
        (("spec", "initContainers", "[name=x]"), None, {"name": "x"})
    ]


def thing(spec):
    return from_yaml(
        f"{{apiVersion: a.example.com/v1, kind: T, metadata: {{name: a}}, spec: {spec}}}"
    )


@pytest.mark.parametrize(
    ("base", "head", "expected"),
    [
        ("{a: 1}", "{a: true}", [(("spec", "a"), 1, True)]),
        ("{a: {b: 1}}", "{a: [1]}", [(("spec", "a"), {"b": 1}, [1])]),
        ("{a: [{b: 1}, {b: 2}]}", "{a: [{b: 1}, {b: 3}]}", [(("spec", "a", 1, "b"), 2, 3)]),
        ("{a: [{b: 1}]}", "{a: [{b: 2}, {b: 1}]}", [(("spec", "a", '[{"b":2}]'), None, {"b": 2})]),
        (
            "{a: [{b: 1}, {b: 1}]}",
            "{a: [{b: 1}]}",
            [(("spec", "a", '[{"b":1}]#2'), {"b": 1}, None)],
        ),
        (
            "{a: [{name: x, b: 1}, 5]}",
            "{a: [{name: x, b: 2}, 5]}",
            [(("spec", "a"), [{"name": "x", "b": 1}, 5], [{"name": "x", "b": 2}, 5])],
        ),
        ("{a: {}}", "{}", [(("spec", "a"), {}, None)]),
        ("{a: []}", "{a: [{b: 1}]}", [(("spec", "a", '[{"b":1}]'), None, {"b": 1})]),
    ],
)
def test_what_has_no_keys_is_still_found(base, head, expected):
    assert changed(thing(base), thing(head)) == expected


def test_of_several_items_with_one_key_the_changed_one_is_found():
    base = thing("{a: [{name: x, v: 1}, {name: x, v: 2}]}")
    head = thing("{a: [{name: x, v: 3}, {name: x, v: 2}]}")
    ((path, one, other),) = changed(base, head)
    assert path[-1] == "v"
    assert (one, other) == (1, 3)


def test_a_generated_name_in_a_reference_is_one_change():
    def user(name):
        return deployment(
            WEB | {"envFrom": [{"configMapRef": {"name": "z"}}, {"configMapRef": {"name": name}}]}
        )

    names = {"a-1": "a", "a-2": "a"}
    assert changed(user("a-1"), user("a-2"), names) == [
        ((*POD, "containers", "[name=web]", "envFrom", 1, "configMapRef", "name"), "a-1", "a-2")
    ]
