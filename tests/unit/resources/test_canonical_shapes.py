"""The table of forms against the API's own documents, version by version."""

from __future__ import annotations

import pytest

from gitops_gate.resources.canonical import canonical
from tests.unit.resources.openapi import Field, fields

VERSIONS = ["1.25", "1.31", "1.34", "1.37"]

NOT_DECLARED = {
    # nobody writes these into Git: controllers and kubelets do
    "CSINode",
    "ControllerRevision",
    "Endpoints",
    "EndpointSlice",
    "Node",
    "PodCertificateRequest",
    "ResourceSlice",
    "StorageVersion",
    "StorageVersionMigration",
    "DevicePoolStatusRequest",
    "ResourcePoolStatusRequest",
    "VolumeAttachment",
    # alpha and beta: a change of order alone is reported
    "PodGroup",
    "Workload",
}
ORDER_HAS_A_MEANING = {
    # merge keys, but an order that the API reference gives a meaning to
    ("initContainers",),
    ("webhooks",),
    ("variables",),
}


def _of(version: str, schema: str) -> list[Field]:
    return [f for f in fields(version) if f.schema == schema and f.kind not in NOT_DECLARED]


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_every_quantity_of_the_api_is_normalised(version):
    missed = [
        str(field)
        for field in _of(version, "quantity")
        if field.taken(canonical(field.holding("1000m"))) != "1"
    ]
    assert missed == []


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_every_list_with_merge_keys_is_compared_without_its_order(version):
    missed = []
    for field in _of(version, "map"):
        items = [dict.fromkeys(field.keys, text) for text in ("a", "b")]
        if canonical(field.holding(items)) != canonical(field.holding(items[::-1])):
            missed.append(field)
    unexplained = [str(f) for f in missed if (f.path[-1],) not in ORDER_HAS_A_MEANING]
    assert unexplained == []


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_every_set_of_the_api_is_compared_without_its_order(version):
    missed = [
        str(field)
        for field in _of(version, "set")
        if canonical(field.holding(["a", "b"])) != canonical(field.holding(["b", "a"]))
    ]
    assert missed == []
