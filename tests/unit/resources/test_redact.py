from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.resources.masking import mask, secret_values
from gitops_gate.resources.redact import NEW, OLD, REDACTED, hidden_paths, redact, redact_pair
from tests.unit.resources.made import from_value, from_yaml

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def secret(**data: str):
    metadata = {"name": "a"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


def test_values_of_a_secret_are_hidden_and_their_names_are_not():
    value = secret(password="aHVudGVyMg==") | {"stringData": {"token": "hunter3"}}
    value["metadata"] = {"name": "a", "annotations": {LAST_APPLIED: '{"data": 1}', "b": "c"}}
    shown = redact(value)
    assert shown["data"] == {"password": REDACTED}
    assert shown["stringData"] == {"token": REDACTED}
    assert shown["metadata"]["annotations"] == {LAST_APPLIED: REDACTED, "b": "c"}
    assert value["data"] == {"password": "aHVudGVyMg=="}


def test_a_change_stays_visible():
    shown = redact_pair(secret(a="b2xk", b="c2FtZQ=="), secret(a="bmV3", b="c2FtZQ==", c="eA=="))
    assert shown.base["data"] == {"a": OLD, "b": REDACTED}
    assert shown.head["data"] == {"a": NEW, "b": REDACTED, "c": REDACTED}
    assert shown.hidden == 3


@pytest.mark.parametrize("odd", ["hunter2", 7, ["hunter2"], {"a": {"b": ["hunter2"]}}, {"": "x"}])
def test_data_of_the_wrong_shape_is_hidden_all_the_same(odd):
    for api in ("v1", "example.com/v1"):
        value = {"apiVersion": api, "kind": "Secret", "data": odd, "stringData": odd}
        assert "hunter2" not in repr(redact(value))
        assert "7" not in repr(redact(value)["data"])
    other = {**value, "data": "other"}
    assert redact_pair(value, other).head["data"] in (NEW, REDACTED)


def test_a_misspelt_field_of_a_secret_is_hidden_too():
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "stringDatas": {"p": "hunter2"},
    }
    assert ("stringDatas", "p") in hidden_paths(secret)
    assert all(path[0] not in {"kind", "type", "apiVersion"} for path in hidden_paths(secret))


def test_a_config_map_is_shown():
    value = secret(a="b") | {"kind": "ConfigMap"}
    assert redact(value) == value
    assert redact_pair(value, None).hidden == 0


@pytest.mark.parametrize(
    ("pattern", "hidden"),
    [
        ("spec.token", [("spec", "token")]),
        ("spec.*.token", [("spec", "db", "token")]),
        (
            "spec.**.token",
            [("spec", "token"), ("spec", "db", "token"), ("spec", "list", 0, "token")],
        ),
        ("spec.list.0.token", [("spec", "list", 0, "token")]),
        ("spec.list.*.tok*", [("spec", "list", 0, "token")]),
        ("spec.db", [("spec", "db")]),
        (r"spec.dotted\.name", [("spec", "dotted.name")]),
        ("spec.**", [("spec", "db"), ("spec", "dotted.name"), ("spec", "list"), ("spec", "token")]),
        ("absent.token", []),
        ("", []),
    ],
)
def test_field_patterns_choose_what_else_is_hidden(pattern, hidden):
    spec = {"token": 1, "db": {"token": "x"}, "list": [{"token": "y"}], "dotted.name": "z"}
    value = {"apiVersion": "example.com/v1", "kind": "Thing", "spec": spec}
    assert sorted(hidden_paths(value, [pattern]), key=str) == sorted(hidden, key=str)


def test_several_values_in_one_list_keep_apart():
    def thing(*tokens: str):
        users = [{"name": f"u{index}", "token": token} for index, token in enumerate(tokens)]
        return {"apiVersion": "example.com/v1", "kind": "Thing", "users": users}

    shown = redact_pair(thing("a", "b"), thing("a", "c"), ["users.*.token"])
    assert [user["token"] for user in shown.base["users"]] == ["(redacted 1)", "(redacted 2)"]
    assert [user["token"] for user in shown.head["users"]] == ["(redacted 1)", "(redacted 3)"]


LETTERS = st.text('abcdefghijklmnop:/ \n"\\{}é', min_size=8, max_size=30)


@given(LETTERS, LETTERS)
def test_nothing_of_a_secret_value_is_left_in_what_is_shown(one, other):
    old = secret(a=base64.b64encode(one.encode()).decode()) | {"stringData": {"b": one}}
    new = secret(a=base64.b64encode(other.encode()).decode()) | {"stringData": {"b": other}}
    text = json.dumps(redact_pair(old, new)[:2], ensure_ascii=False)
    for value in (*old["data"].values(), *new["data"].values()):
        assert value not in text
    differ = one != other
    assert (OLD in text) is differ
    assert (NEW in text) is differ


def test_messages_lose_the_value_in_every_form():
    resource = from_value(secret(password="aHVudGVyMmhvcnNl") | {"stringData": {"t": 'a"b\\cdefg'}})
    secrets = secret_values(resource)
    for quoted in ("hunter2horse", "aHVudGVyMmhvcnNl", 'a"b\\cdefg', json.dumps('a"b\\cdefg')):
        assert mask(f"invalid value: {quoted}!", secrets).replace('"', "") == (
            f"invalid value: {REDACTED}!"
        )


def test_lines_of_a_long_secret_are_masked_one_by_one():
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\n-----END KEY-----\n"
    secrets = secret_values(from_value(secret() | {"stringData": {"tls.key": key}}))
    assert mask("line 2: MIIEvQIBADANBgkq is odd", secrets) == f"line 2: {REDACTED} is odd"


def test_short_and_common_values_do_not_spoil_messages():
    values = {"a": "1", "b": "true", "c": "tls", "d": "port", "e": "https"}
    secrets = secret_values(from_value(secret() | {"stringData": values}))
    assert mask("port 1 of https transport is true", secrets) == (
        f"{REDACTED} 1 of https transport is true"
    )


def test_values_of_configured_fields_are_masked_too():
    thing = from_yaml(
        "{apiVersion: a/v1, kind: T, metadata: {name: a}, spec: {pin: 123456, q: [abcd]}}"
    )
    assert mask("123456 and abcd", secret_values(thing, ["spec.*"])) == "(redacted) and (redacted)"
    assert secret_values(thing) == frozenset()


@given(st.text(max_size=40), st.frozensets(st.text("abc-", max_size=8), max_size=6))
def test_masking_never_raises_and_keeps_what_is_not_secret(text, secrets):
    masked = mask(text, secrets)
    if not any(len(one) > 3 and one in text for one in secrets):
        assert masked == text
