from __future__ import annotations

import pytest

from gitops_gate.resources.digests import (
    VOLATILE,
    application_digest,
    resource_digest,
    without_volatile,
)
from tests.unit.resources.made import deployment, from_yaml

WEB = deployment({"name": "web", "image": "web:1", "resources": {"limits": {"cpu": "1000m"}}})
SAME = deployment({"resources": {"limits": {"cpu": 1}}, "image": "web:1", "name": "web"})
OTHER = deployment({"name": "web", "image": "web:2"})
MAP = from_yaml("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: b}}")


def test_two_revisions_that_mean_the_same_have_the_same_digest():
    assert application_digest([WEB, MAP]) == application_digest([MAP, SAME])
    assert application_digest([WEB]).startswith("sha256:")


@pytest.mark.parametrize("resources", [[], [WEB], [WEB, WEB, MAP], [OTHER, MAP]])
def test_every_difference_in_meaning_is_one_in_the_digest(resources):
    assert application_digest(resources) != application_digest([WEB, MAP])


def test_a_volatile_field_does_not_count_but_its_presence_does():
    field = ("spec", "template", "spec", "containers", 0, "image")
    reference = ("apps/v1", "Deployment", "shop", "web")
    without = deployment({"name": "web"})
    assert resource_digest(OTHER, [field]) == resource_digest(
        deployment({"name": "web", "image": "web:3"}), [field]
    )
    assert application_digest([OTHER], {(reference, field)}) != application_digest([OTHER])
    assert application_digest([without], {(reference, field)}) == application_digest([without])


def test_a_memo_changes_no_digest():
    memo: dict = {}
    field = ("spec", "template", "spec", "containers", 0, "image")
    volatile = {(("apps/v1", "Deployment", "shop", "web"), field)}
    for resources in ([WEB, MAP], [MAP, WEB, WEB], [OTHER]):
        assert application_digest(resources, (), memo) == application_digest(resources)
        assert application_digest(resources, volatile, memo) == application_digest(
            resources, volatile
        )
    assert len(memo) == 3


def test_of_a_resource_that_is_volatile_as_a_whole_is_left_which_one_it_is():
    text = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {b: %s}}, data: {k: %s}}"
    one, other = from_yaml(text % ("x", "x")), from_yaml(text % ("y", "y"))
    assert resource_digest(one, [()]) == resource_digest(other, [()])
    assert without_volatile(one.value, [()]) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a"},
        "data": VOLATILE,
    }
