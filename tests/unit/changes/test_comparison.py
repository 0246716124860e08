from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.changes import compare
from gitops_gate.changes.limits import MAX_DIFF, MAX_FIELDS, MAX_LINE, MAX_VALUE
from gitops_gate.changes.values import Operation
from gitops_gate.documents import load_yaml
from gitops_gate.render.values import VolatileField
from tests.unit.resources.made import deployment, from_value, from_yaml

WEB = {"name": "web", "image": "web:1"}


def changes(base, head, **options):
    return compare("shop", base, head, **options)


def only(base, head, **options):
    (change,) = changes([base] if base else [], [head] if head else [], **options)
    return change


def test_a_modified_resource_says_what_changes_and_how():
    change = only(deployment(WEB, replicas=2), deployment(WEB, replicas=5))
    assert (change.application, change.operation) == ("shop", Operation.MODIFIED)
    assert str(change.resource) == "Deployment shop/web"
    assert change.previous is None
    assert [(f.path, f.base, f.head) for f in change.fields] == [(("spec", "replicas"), 2, 5)]
    assert change.diff == (
        "@@ -4,7 +4,7 @@\n"
        "   name: web\n"
        "   namespace: shop\n"
        " spec:\n"
        "-  replicas: 2\n"
        "+  replicas: 5\n"
        "   template:\n"
        "     spec:\n"
        "       containers:\n"
    )


def test_an_added_and_a_removed_resource_are_shown_whole():
    added, removed = only(None, deployment(WEB)), only(deployment(WEB), None)
    assert (added.operation, removed.operation) == (Operation.ADDED, Operation.REMOVED)
    assert added.diff.startswith("@@ -0,0 +1,11 @@\n+apiVersion: apps/v1\n+kind: Deployment\n")
    assert removed.diff.startswith("@@ -1,11 +0,0 @@\n-apiVersion: apps/v1\n")
    assert added.fields == removed.fields == ()


def test_another_version_of_the_api_is_a_change_of_the_same_resource():
    old = deployment(WEB)
    new = from_value({**old.value, "apiVersion": "apps/v1beta1"})
    assert [field.path for field in only(old, new).fields] == [("apiVersion",)]


def test_a_kind_that_moves_to_another_group_is_one_modification_with_a_risk():
    text = "{{apiVersion: {0}, kind: Ingress, metadata: {{name: a}}}}"
    old, new = (from_yaml(text.format(a)) for a in ("extensions/v1beta1", "networking.k8s.io/v1"))
    change = only(old, new)
    assert change.risk == ("api-group-changed",)
    assert change.previous == old.reference


def config_map(name, value):
    return from_yaml(
        f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}, data: {{a: {value}}}}}"
    )


def user(name):
    volume = {"name": "settings", "configMap": {"name": name}}
    value = copy.deepcopy(deployment(WEB | {"envFrom": [{"configMapRef": {"name": name}}]}).value)
    value["spec"]["template"]["spec"]["volumes"] = [volume]
    return from_value(value)


def test_a_config_map_renamed_by_its_hash_is_one_modification_and_rolls_its_users():
    old, new = "a-4h2mbtbbt6", "a-8f2d5hh62d"
    found = changes([config_map(old, "b"), user(old)], [config_map(new, "c"), user(new)])
    renamed, rolled = found
    assert renamed.operation is rolled.operation is Operation.MODIFIED
    assert renamed.previous == config_map(old, "b").reference
    assert [field.path for field in renamed.fields] == [("data", "a"), ("metadata", "name")]
    assert rolled.risk == ("rollout",)
    assert {(field.path[-1], field.base, field.head) for field in rolled.fields} == {
        ("name", old, new)
    }


def test_values_of_secrets_are_shown_nowhere_and_their_change_is():
    def secret(password):
        return from_yaml(
            "{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {same: c2FtZXNhbWU=},"
            f" stringData: {{password: {password}}}}}"
        )

    change = only(secret("oldoldold"), secret("newnewnew"))
    shown = repr(change)
    for hidden in ("oldoldold", "newnewnew", "b2xkb2xkb2xk", "bmV3bmV3bmV3", "c2FtZXNhbWU="):
        assert hidden not in shown
    assert change.redacted == 2
    assert "-  password: (redacted, old value)\n+  password: (redacted, new value)\n" in change.diff
    assert [field.path for field in change.fields] == [("data", "password")]
    assert "oldoldold" not in repr(only(secret("oldoldold"), None))


def test_configured_fields_are_hidden_too():
    base, head = (deployment(WEB | {"env": [{"name": "T", "value": v}]}) for v in ("abc", "xyz"))
    change = only(base, head, redact=["spec.template.spec.containers.*.env.*.value"])
    assert "abc" not in repr(change)
    assert "xyz" not in repr(change)
    assert [(f.base, f.head) for f in change.fields] == [("(redacted 1)", "(redacted 2)")]


def volatile(resource, *field):
    reference = resource.reference
    return VolatileField(
        resource=(reference.api_version, reference.kind, reference.namespace, reference.name),
        field=field,
    )


IMAGE = ("spec", "template", "spec", "containers")


def test_a_volatile_field_is_compared_with_nothing():
    log = {"name": "log", "image": "log"}
    base, head = deployment(WEB | {"image": "r1"}), deployment(log, WEB | {"image": "r2"})
    at_base, at_head = volatile(base, *IMAGE, 0, "image"), volatile(head, *IMAGE, 1, "image")
    for sides in (((at_base,), (at_head,)), ((at_base,), ()), ((), (at_head,))):
        change = only(base, head, volatile=sides)
        assert [field.path[-1] for field in change.fields] == ["[name=log]"]
        assert "r1" not in change.diff
    same = deployment(WEB | {"image": "r3"})
    assert changes([base], [same], volatile=((at_base,), ())) == ()


def test_a_volatile_field_that_appears_is_a_change():
    base, head = deployment({"name": "web"}), deployment(WEB)
    change = only(base, head, volatile=((), (volatile(head, *IMAGE, 0, "image"),)))
    assert [(f.path[-1], f.base, f.head) for f in change.fields] == [("image", None, "(volatile)")]


def test_long_texts_are_compared_by_line():
    lines = [f"setting-{number} = {number}" for number in range(50)]
    changed = [*lines[:25], "setting-25 = other", *lines[26:]]
    base, head = (
        from_value(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "a"},
                "data": {"app.ini": "\n".join(text) + "\n"},
            }
        )
        for text in (lines, changed)
    )
    diff = only(base, head).diff.splitlines()
    assert len(diff) == 9
    assert [line for line in diff if line[0] in "-+"] == [
        "-    setting-25 = 25",
        "+    setting-25 = other",
    ]


def thing(spec):
    return from_value(
        {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"}, "spec": spec}
    )


def test_what_does_not_fit_is_counted():
    base, head = thing({}), thing({f"a{number}": number for number in range(MAX_FIELDS + 5)})
    change = only(base, head)
    assert len(change.fields) == MAX_FIELDS
    assert change.omitted == 5
    large = only(thing({"a": 1}), thing({"a": "x\n" * MAX_DIFF}))
    assert large.fields[0].head == f"(left out: {2 * MAX_DIFF:,} characters)"
    assert len(large.diff) <= MAX_DIFF
    assert large.omitted > 1


def test_a_long_line_is_cut_around_what_differs():
    before = "x" * 3 * MAX_LINE
    base, head = thing({"a": before + "old" + before}), thing({"a": before + "new" + before})
    change = only(base, head)
    removed, added = (line for line in change.diff.splitlines() if line[0] in "-+")
    assert "old" in removed
    assert "new" in added
    assert len(removed) < MAX_LINE
    assert change.omitted == 2
    assert len(change.fields[0].base) < MAX_VALUE


def test_changes_are_sorted_by_resource():
    names = ["c", "a", "b"]
    found = changes([], [config_map(name, 1) for name in names])
    assert [change.resource.name for change in found] == sorted(names)


SCALARS = st.integers(-5, 5) | st.booleans() | st.text("ab1", max_size=4)
QUANTITIES = {"1": "1000m", "1Gi": "1024Mi", "2": "2000m", "500m": "0.5"}
CONTAINER = st.fixed_dictionaries(
    {"name": st.sampled_from(["web", "log", "aux", "new"]), "image": st.text("abc:", min_size=1)},
    optional={
        "args": st.lists(st.text("ab-", max_size=3), max_size=3),
        "env": st.lists(
            st.fixed_dictionaries({"name": st.sampled_from("ABCD"), "value": st.text("xy")}),
            max_size=3,
            unique_by=lambda item: item["name"],
        ),
        "ports": st.lists(
            st.fixed_dictionaries({"containerPort": st.integers(1, 4)}),
            max_size=3,
            unique_by=lambda item: item["containerPort"],
        ),
        "resources": st.fixed_dictionaries(
            {
                "limits": st.dictionaries(
                    st.sampled_from(["cpu", "memory"]), st.sampled_from(list(QUANTITIES))
                )
            }
        ),
    },
)


@st.composite
def workloads(draw):
    containers = draw(st.lists(CONTAINER, max_size=3, unique_by=lambda item: item["name"]))
    rest = draw(st.dictionaries(st.sampled_from(["replicas", "paused", "x"]), SCALARS, max_size=3))
    resource = deployment(*containers, **rest)
    labels = draw(st.dictionaries(st.sampled_from("abc"), st.text("xy", max_size=2), max_size=2))
    value = dict(resource.value)
    value["metadata"] = {**value["metadata"], "labels": labels}
    return from_value(value)


def rewritten(value: Any, random: random.Random, field: str = "") -> Any:
    """The same meaning, written differently."""
    if isinstance(value, dict):
        members = [(key, rewritten(member, random, key)) for key, member in value.items()]
        members += [(key, None) for key in ("absent", "unset") if random.random() < 0.3]
        random.shuffle(members)
        rewritten_members = dict(members)
        if rewritten_members.get("labels") == {} and random.random() < 0.5:
            del rewritten_members["labels"]
        return rewritten_members
    if isinstance(value, list):
        items = [rewritten(item, random) for item in value]
        if field in {"containers", "env", "ports"}:
            random.shuffle(items)
        return items
    if field in {"cpu", "memory"}:
        return QUANTITIES[value] if random.random() < 0.5 else value
    if type(value) is int and random.random() < 0.5:
        return float(value)
    return value


@given(workloads(), st.randoms(use_true_random=False))
def test_the_same_meaning_is_no_change_however_it_is_written(resource, random):
    other = from_value(rewritten(resource.value, random))
    assert changes([resource], [other]) == ()
    assert changes([other], [resource]) == ()


def leaves(value, path=()):
    if isinstance(value, dict):
        for key, member in value.items():
            yield from leaves(member, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path


@given(workloads(), st.data())
def test_a_changed_value_is_exactly_one_changed_field(resource, data):
    keys = {"name", "containerPort", "apiVersion", "kind", "namespace"}
    candidates = [path for path in leaves(resource.value) if path[-1] not in keys]
    if not candidates:
        return
    path = data.draw(st.sampled_from(candidates))
    value = json.loads(json.dumps(resource.value))
    parent = value
    for element in path[:-1]:
        parent = parent[element]
    parent[path[-1]] = "7" if path[-2:-1] == ("limits",) else "changed"
    change = only(resource, from_value(value))
    (field,) = change.fields
    names = [element for element in path if isinstance(element, str)]
    assert [str(e) for e in field.path if not str(e).startswith("[")] == names
    assert change.diff.count("\n-") >= 1
    assert change.diff.count("\n+") >= 1


@given(workloads(), workloads())
def test_the_reverse_change_is_the_reverse(base, head):
    forth, back = changes([base], [head]), changes([head], [base])
    assert len(forth) == len(back)
    for one, other in zip(forth, back, strict=True):
        assert [(f.path, f.base, f.head) for f in one.fields] == [
            (f.path, f.head, f.base) for f in other.fields
        ]
        assert one.fields != ()


JSON = st.recursive(
    st.none() | SCALARS | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["name", "a", "ports", "key"]), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(JSON, JSON)
def test_whatever_differs_is_seen(base, head):
    found = changes([thing(base)], [thing(head)])
    if found:
        assert found[0].fields
        assert found[0].diff
    assert changes([thing(base)], [thing(copy.deepcopy(base))]) == ()


@given(JSON, JSON)
def test_the_diff_leads_from_one_yaml_to_the_other(base, head):
    for change in changes([thing([base] * 2)], [thing([head] * 2)]):
        whole = only(None, thing([head] * 2)).diff
        added = [line[1:] for line in whole.splitlines() if line.startswith("+")]
        assert load_yaml("\n".join(added) + "\n")
        kept = [line[1:] for line in change.diff.splitlines() if line.startswith((" ", "+"))]
        assert all(line in added for line in kept)


@pytest.mark.parametrize("kind", ["Secret", "ConfigMap", "Role", "Ingress", "Pod", "Service"])
@given(base=JSON, head=JSON)
def test_no_content_raises(kind, base, head):
    resources = [
        from_value(
            {
                "apiVersion": "v1",
                "kind": kind,
                "metadata": {"name": "a"},
                "spec": value,
                "data": value,
            }
        )
        for value in (base, head)
    ]
    changes(resources[:1], resources[1:])


def secret_with(count, mark):
    data = {f"key-{number}": f"{mark}{number}" for number in range(count)}
    metadata = {"name": "a"}
    return from_value(
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
    )


@pytest.mark.slow
def test_large_resources_take_time_in_proportion():
    base, head = secret_with(20_000, "old"), secret_with(20_000, "new")
    change = only(base, head)
    assert change.redacted == 20_000
    assert change.omitted > 19_000
    many = [{"name": f"c{number % 7}", "image": str(number)} for number in range(20_000)]
    change = only(deployment(*many), deployment(*many[::-1], {"name": "x"}))
    assert [field.path[-1] for field in change.fields] == ["[name=x]"]
