from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.resources.canonical import canonical, canonical_text
from tests.unit.resources.made import deployment, from_yaml


def same(one, other) -> bool:
    return canonical_text(from_yaml(one).value) == canonical_text(from_yaml(other).value)


def container(**fields):
    return deployment({"name": "web", **fields}).value


def config_map(rest: str) -> str:
    return f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a}}{rest}}}"


@pytest.mark.parametrize("rest", ["", ", data: {}", ", data: null", ", binaryData: {}"])
def test_empty_data_of_a_config_map_is_no_data(rest):
    assert same(config_map(rest), config_map(""))


@pytest.mark.parametrize("name", ["labels", "annotations"])
def test_empty_labels_and_annotations_are_none(name):
    one = f"{{apiVersion: example.com/v1, kind: Thing, metadata: {{name: a, {name}: {{}}}}}}"
    assert same(one, "{apiVersion: example.com/v1, kind: Thing, metadata: {name: a}}")


def test_empty_labels_of_a_pod_template_are_none_too():
    one, other = deployment({"name": "web"}).value, deployment({"name": "web"}).value
    one["spec"]["template"]["metadata"] = {"labels": {}, "name": "x"}
    other["spec"]["template"]["metadata"] = {"name": "x"}
    assert canonical_text(one) == canonical_text(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("podSelector: {}", ""),
        ("podSelector: {matchLabels: {}}", "podSelector: {}"),
        ("ingress: []", ""),
        ("ingress: [{}]", "ingress: []"),
    ],
)
def test_empty_and_absent_mean_different_things_elsewhere(one, other):
    text = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {%s}"
    assert not same(text % one, text % other)


def test_an_empty_dir_stays():
    text = canonical_text(
        from_yaml(
            "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {volumes: "
            "[{name: tmp, emptyDir: {}}]}}"
        ).value
    )
    assert '"emptyDir":{}' in text


def test_null_is_absence_and_whole_numbers_are_integers():
    assert same(
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, namespace: null},"
        " spec: {replicas: 2.0, paused: null}}",
        "{kind: Deployment, spec: {replicas: 2}, apiVersion: apps/v1, metadata: {name: a}}",
    )


@pytest.mark.parametrize(("one", "other"), [(1, True), (0, False), (1, "1"), (0, None), ("", None)])
def test_values_that_are_only_alike_in_python_differ(one, other):
    def thing(value):
        metadata = {"name": "a"}
        return {"apiVersion": "a/v1", "kind": "Thing", "metadata": metadata, "spec": [value]}

    assert canonical_text(thing(one)) != canonical_text(thing(other))


def test_quantities_are_equal_where_the_field_is_one():
    limits = {"limits": {"cpu": "1000m", "memory": "1024Mi", "example.com/gpu": 1}}
    written = {"limits": {"cpu": 1, "memory": "1Gi", "example.com/gpu": "1"}}
    assert canonical_text(container(resources=limits)) == canonical_text(
        container(resources=written)
    )


@pytest.mark.parametrize("field", ["args", "command"])
def test_a_text_that_looks_like_a_quantity_is_a_text(field):
    one, other = container(**{field: ["1000m"]}), container(**{field: ["1"]})
    assert canonical_text(one) != canonical_text(other)


def test_annotations_and_custom_resources_hold_no_quantities():
    text = "{{apiVersion: example.com/v1, kind: {0}, metadata: {{name: a}}, spec: {{{1}}}}}"
    for kind in ("Deployment", "Thing"):
        one = text.format(kind, "resources: {limits: {cpu: 1000m}}")
        other = text.format(kind, "resources: {limits: {cpu: '1'}}")
        assert not same(one, other)
    annotated = "{{apiVersion: v1, kind: Pod, metadata: {{name: a, annotations: {{a: '{0}'}}}}}}"
    assert not same(annotated.format("1000m"), annotated.format("1"))


def test_string_data_of_a_secret_is_written_over_its_data():
    assert same(
        "{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {a: b2xk, b: Yg==},"
        " stringData: {a: new}}",
        "{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {a: bmV3, b: Yg==}}",
    )


def test_line_breaks_in_base64_do_not_count():
    assert same(
        '{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {a: "bm\\nV3\\n"}}',
        "{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {a: bmV3}}",
    )


@pytest.mark.parametrize("field", ["args", "command"])
def test_the_order_of_arguments_counts(field):
    one, other = container(**{field: ["a", "b"]}), container(**{field: ["b", "a"]})
    assert canonical_text(one) != canonical_text(other)


def test_init_containers_run_in_their_order():
    def pod(names: str) -> str:
        spec = f"{{initContainers: {names}}}"
        return f"{{apiVersion: v1, kind: Pod, metadata: {{name: a}}, spec: {spec}}}"

    assert not same(pod("[{name: a}, {name: b}]"), pod("[{name: b}, {name: a}]"))


@pytest.mark.parametrize(
    ("env", "order_counts"),
    [
        ([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}], False),
        ([{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)"}], True),
        ([{"name": "A", "value": "1"}, {"name": "A", "value": "2"}], True),
    ],
)
def test_the_order_of_variables_counts_where_one_refers_to_another(env, order_counts):
    one, other = container(env=env), container(env=env[::-1])
    assert (canonical_text(one) != canonical_text(other)) is order_counts


def test_the_order_of_lists_in_custom_resources_counts():
    text = "{{apiVersion: example.com/v1, kind: Task, metadata: {{name: a}}, steps: {0}}}"
    one, other = "[{name: a}, {name: b}]", "[{name: b}, {name: a}]"
    assert not same(text.format(one), text.format(other))


@pytest.mark.parametrize(
    "value",
    [
        {"apiVersion": "v1", "kind": "Secret", "data": ["a"], "stringData": {"a": 1}},
        {"apiVersion": "v1", "kind": "Secret", "data": "x", "stringData": {"a": "b"}},
        {"apiVersion": "v1", "kind": "Secret", "data": {"a": 1}, "stringData": {"a": 2}},
        {"apiVersion": "v1", "kind": "Secret", "data": {"a": "no base64!"}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": 3, "spec": {"containers": {"name": "x"}}},
        {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [1, None, [], "x"]}},
        {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": {}, "env": "x"}]}},
        {"apiVersion": "v1", "kind": "LimitRange", "spec": {"limits": [{"max": {"cpu": True}}]}},
        {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": None}, "binaryData": {"a": 5}},
        {"apiVersion": 1, "kind": None},
        {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "spec": {"rules": [{"http": 1}]}},
    ],
)
def test_values_of_the_wrong_type_are_survived(value):
    before = copy.deepcopy(value)
    canonical_text(value)
    assert value == before


TREE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "value", "data", "labels"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(TREE, st.sampled_from(["Secret", "ConfigMap", "Pod", "Service", "Thing"]))
def test_the_normal_form_is_normal(tree, kind):
    value = {"apiVersion": "v1", "kind": kind, "metadata": tree, "spec": tree, "data": tree}
    before = copy.deepcopy(value)
    once = canonical(value)
    assert canonical_text(listed(once)) == canonical_text(value)
    assert value == before


def listed(value):
    """The normal form as it would be read from a file again."""
    if isinstance(value, dict):
        return {key: listed(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [listed(item) for item in value]
    return value
