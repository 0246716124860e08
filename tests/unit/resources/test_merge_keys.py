from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.resources.merge_keys import identify
from gitops_gate.resources.paths import identified_path, locate, replace_at


@pytest.mark.parametrize(
    ("field", "item", "identity"),
    [
        ("containers", {"name": "web", "image": "a"}, "[name=web]"),
        ("ports", {"containerPort": 80}, "[containerPort=80,protocol=TCP]"),
        ("ports", {"containerPort": 53, "protocol": "UDP"}, "[containerPort=53,protocol=UDP]"),
        ("ports", {"port": 443, "name": "https"}, "[port=443,protocol=TCP]"),
        ("ports", {"name": "http"}, "[name=http]"),
        ("volumeMounts", {"name": "data", "mountPath": "/data"}, "[mountPath=/data]"),
        ("volumeDevices", {"name": "data", "devicePath": "/dev/x"}, "[devicePath=/dev/x]"),
        ("hostAliases", {"ip": "10.0.0.1", "hostnames": ["a"]}, "[ip=10.0.0.1]"),
        ("conditions", {"type": "Ready", "status": "True"}, "[type=Ready]"),
        ("rules", {"host": "a.example.com", "http": {}}, "[host=a.example.com]"),
        ("rules", {"http": {"paths": []}}, "[host=]"),
        ("rules", {"verbs": ["get"]}, '[{"verbs":["get"]}]'),
        ("paths", {"path": "/", "pathType": "Prefix"}, "[path=/,pathType=Prefix]"),
        ("tolerations", {"key": "a", "name": "b"}, '[{"key":"a","name":"b"}]'),
        ("subjects", {"kind": "User", "name": "ann"}, "[kind=User,name=ann]"),
        ("matchExpressions", {"key": "a", "operator": "Exists"}, "[key=a,operator=Exists]"),
        ("volumeClaimTemplates", {"metadata": {"name": "data"}}, "[metadata.name=data]"),
        ("anything", {"name": "x", "value": 1}, "[name=x]"),
        ("anything", {"value": 1, "other": None}, '[{"value":1}]'),
        ("args", "--verbose", "[=--verbose]"),
        ("args", 1, "[=1]"),
        ("args", True, "[=true]"),
        ("args", None, "[=null]"),
        ("lists", [1, 2], "[[1,2]]"),
    ],
)
def test_items_are_known_by_the_key_that_kubernetes_merges_by(field, item, identity):
    assert identify(("spec", field), [item]) == (identity,)


def test_long_content_is_known_by_its_hash():
    (identity,) = identify(("spec", "rules"), [{"verbs": ["get"] * 50}])
    assert identity.startswith("[sha256=")
    assert len(identity) < 30


def test_equal_items_are_counted():
    assert identify(("args",), ["a", "b", "a"]) == ("[=a]", "[=b]", "[=a]#2")


def test_an_item_in_front_does_not_rename_the_others():
    items = [{"name": "web"}, {"name": "log"}]
    assert identify(("containers",), [{"name": "new"}, *items])[1:] == identify(
        ("containers",), items
    )


def test_generated_names_do_not_rename_the_item_that_refers_to_them():
    names = {"settings-abc": "settings"}
    one = identify(("envFrom",), [{"configMapRef": {"name": "settings-abc"}}], names)
    other = identify(("envFrom",), [{"configMapRef": {"name": "settings"}}])
    assert one == other


POD: dict[str, Any] = {
    "spec": {
        "containers": [
            {"name": "log"},
            {"name": "web", "ports": [{"containerPort": 80}], "args": ["-a", "-b"]},
        ]
    }
}


@pytest.mark.parametrize(
    ("path", "identified"),
    [
        (("spec", "containers", 1), ("spec", "containers", "[name=web]")),
        (
            ("spec", "containers", 1, "ports", 0, "hostPort"),
            (
                *("spec", "containers", "[name=web]"),
                *("ports", "[containerPort=80,protocol=TCP]", "hostPort"),
            ),
        ),
        (
            ("spec", "containers", 1, "args", 1),
            ("spec", "containers", "[name=web]", "args", "[=-b]"),
        ),
        (("spec", "containers", "1"), ("spec", "containers", "[name=web]")),
        (("spec", "containers", 7, "image"), ("spec", "containers", "[7]", "image")),
        (("spec", 0), ("spec", "[0]")),
        (("nowhere", "at", 3), ("nowhere", "at", "[3]")),
        ((), ()),
    ],
)
def test_a_path_loses_its_indexes(path, identified):
    assert identified_path(POD, path) == identified


def test_an_identified_path_leads_back_to_the_item():
    path = ("spec", "containers", 1, "args", 0)
    assert locate(POD, identified_path(POD, path)) == path
    assert locate(POD, ("spec", "containers", "[name=other]")) is None
    assert locate(POD, ("spec", "containers", "[name=web]", "args", "[=-a]", "deeper")) is None


def test_a_value_is_replaced_in_a_copy():
    copy = replace_at(POD, ("spec", "containers", 1, "name"), "x")
    assert copy["spec"]["containers"][1]["name"] == "x"
    assert POD["spec"]["containers"][1]["name"] == "web"
    assert replace_at(POD, ("spec", "absent", 1), "x") == POD


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["name", "a", "ports", "items"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON, st.lists(st.integers(-2, 3) | st.text(max_size=4), max_size=5))
def test_no_path_into_no_value_raises(value, path):
    assert len(identified_path(value, path)) == len(path)
    replace_at(value, path, 0)


@given(st.lists(JSON, max_size=6), st.randoms())
def test_identities_do_not_depend_on_the_order(items, random):
    before = identify(("items",), items)
    shuffled = list(items)
    random.shuffle(shuffled)
    assert sorted(before) == sorted(identify(("items",), shuffled))
    assert len(set(before)) == len(before) or any("#" in identity for identity in before)


def test_a_memo_makes_many_paths_into_one_list_quick():
    value = {"containers": [{"name": f"c{number}"} for number in range(20_000)]}
    memo: dict = {}
    paths = [("containers", number, "image") for number in range(20_000)]
    identified = [identified_path(value, path, memo=memo) for path in paths]
    assert identified[-1] == ("containers", "[name=c19999]", "image")
    assert len(set(identified)) == 20_000
