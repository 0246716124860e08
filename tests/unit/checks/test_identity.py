"""Which findings a change introduces, for each kind of result that a rule can give."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops_gate.checks.identity import fingerprint, identity, introduced
from gitops_gate.checks.interface import Defect
from gitops_gate.findings import Severity
from gitops_gate.resources.hash_names import plain_names
from tests.unit.resources.made import deployment, from_yaml

WEB, LOG, NEW = (
    {"name": "web", "image": "web"},
    {"name": "log", "image": "log"},
    {"name": "new", "image": "new"},
)
IMAGES = ("spec", "template", "spec", "containers")


def unpinned(resource, kind):
    """What a rule on images says of every container, in one of the three kinds of result."""
    found = []
    for index, container in enumerate(resource.value["spec"]["template"]["spec"]["containers"]):
        named = f"container {container['name']} is not pinned"
        path = (*IMAGES, index, "image")
        message, field = {
            "text": (named, ()),
            "object with field": ("image is not pinned", path),
            "object without field": ("an image is not pinned", ()),
            "field of the list": ("image is not pinned", IMAGES),
        }[kind]
        found.append(sighting(resource, message, field))
    return found


def sighting(resource, message, field=(), rule="images/pinned", names=None):
    defect = Defect(rule=rule, severity=Severity.ERROR, message=message, field=field)
    return identity(resource, defect, names), message


KINDS = ["text", "object with field", "object without field", "field of the list"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_container_inserted_in_front_introduces_its_own_finding_alone(kind):
    base, head = deployment(WEB, LOG), deployment(NEW, WEB, LOG)
    new = introduced(unpinned(base, kind), unpinned(head, kind))
    assert sum(new) == 1
    if kind in {"text", "object with field"}:
        assert new == (True, False, False)


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_violator_in_one_resource_is_introduced(kind):
    base, head = deployment(WEB), deployment(WEB, LOG)
    assert introduced(unpinned(base, kind), unpinned(head, kind)) == (False, True)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_the_same_on_both_sides_is_not_introduced(kind):
    side = deployment(WEB, LOG)
    reordered = deployment(LOG, WEB)
    assert introduced(unpinned(side, kind), unpinned(reordered, kind)) == (False, False)


@pytest.mark.parametrize("kind", KINDS)
def test_everything_is_introduced_without_a_base(kind):
    assert introduced([], unpinned(deployment(WEB, LOG), kind)) == (True, True)


def test_one_violator_replaced_by_another_is_introduced():
    base, head = deployment(WEB), deployment(NEW)
    kind = "object with field"
    assert introduced(unpinned(base, kind), unpinned(head, kind)) == (True,)


def test_of_two_messages_at_one_field_the_new_one_is_introduced():
    resource, field = deployment(WEB), ("spec", "replicas")
    base = [sighting(resource, "too few", field)]
    head = [sighting(resource, "not odd", field), sighting(resource, "too few", field)]
    assert introduced(base, head) == (True, False)


def test_another_message_at_the_same_field_is_the_same_finding():
    resource, field = deployment(WEB), ("spec", "replicas")
    base = [sighting(resource, "2 is less than 3", field)]
    assert introduced(base, [sighting(resource, "1 is less than 3", field)]) == (False,)


def test_another_rule_or_resource_is_another_finding():
    one, other = deployment(WEB), deployment(WEB, name="other")
    assert introduced([sighting(one, "a")], [sighting(one, "a", rule="other/rule")]) == (True,)
    assert introduced([sighting(one, "a")], [sighting(other, "a")]) == (True,)


def test_a_defect_of_no_resource_has_an_identity():
    assert introduced([sighting(None, "a")], [sighting(None, "a"), sighting(None, "b")]) == (
        False,
        True,
    )


OLD_MAP = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a-4h2mbtbbt6}, data: {a: b}}"
NEW_MAP = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a-8f2d5hh62d}, data: {a: c}}"


def test_a_new_hash_suffix_introduces_nothing():
    base, head = from_yaml(OLD_MAP), from_yaml(NEW_MAP)
    names = plain_names([base, head])
    assert len(names) == 2
    assert introduced([sighting(base, "a")], [sighting(head, "a")]) == (False,)
    users = [
        deployment(
            {"name": "web", "envFrom": [{"configMapRef": {"name": resource.reference.name}}]}
        )
        for resource in (base, head)
    ]
    field = (*IMAGES, 0, "envFrom", 0, "configMapRef")
    before, after = ([sighting(user, "a", field, names=names)] for user in users)
    assert introduced(before, after) == (False,)
    told = [[sighting(None, f"{side.reference.name} is odd", names=names)] for side in (base, head)]
    assert introduced(*told) == (False,)


def test_the_fingerprint_is_the_same_in_every_run():
    found = identity(deployment(WEB), Defect(rule="a/b", severity=Severity.ERROR, message="m"))
    assert fingerprint("shop", found) == fingerprint("shop", tuple(found))
    assert fingerprint("shop", found) == (
        "7443ee27d67bfafdfd7bd520b2075f6bbf791f861541af1c75b728f8ecf14dbe"
    )


def test_the_fingerprint_tells_applications_and_findings_apart():
    prints = {
        fingerprint("shop", sighting(deployment(WEB), "a")[0]),
        fingerprint("cart", sighting(deployment(WEB), "a")[0]),
        fingerprint(None, sighting(deployment(WEB), "a")[0]),
        fingerprint("shop", sighting(deployment(WEB), "\udcff")[0]),
        fingerprint("shop", sighting(deployment(WEB), "a", ("a",))[0]),
    }
    assert len(prints) == 5
    assert all(len(found) == 64 for found in prints)


SIGHTINGS = st.lists(
    st.tuples(st.tuples(st.sampled_from("abc")), st.sampled_from("xy")), max_size=8
)


@given(SIGHTINGS, SIGHTINGS)
def test_as_many_are_introduced_as_the_head_has_more(base, head):
    new = introduced(base, head)
    for name in "abc":
        before = sum(found == (name,) for found, _ in base)
        after = sum(found == (name,) for found, _ in head)
        marked = sum(
            is_new for is_new, (found, _) in zip(new, head, strict=True) if found == (name,)
        )
        assert marked == max(0, after - before)
