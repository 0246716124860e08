"""Resources for tests: from YAML as a person writes it, or from values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from textwrap import dedent
from typing import Any

from gitops_gate.documents import load_document
from gitops_gate.resources.values import Origin, Resource, ResourceReference


def from_yaml(text: str) -> Resource:
    """One resource from the YAML of one document."""
    value = load_document(dedent(text).encode())
    assert isinstance(value, dict)
    return from_value(value)


def from_value(value: Mapping[str, Any]) -> Resource:
    """One resource from its value; the text is the JSON of it."""
    metadata = value.get("metadata") or {}
    return Resource(
        reference=ResourceReference(
            api_version=value["apiVersion"],
            kind=value["kind"],
            namespace=metadata.get("namespace") or "",
            name=metadata.get("name", ""),
        ),
        value=value,
        text=json.dumps(value).encode(),
        origin=Origin(),
    )


def deployment(*containers: Mapping[str, Any], name: str = "web", **spec: Any) -> Resource:
    """A Deployment of the given containers."""
    template = {"spec": {"containers": list(containers)}}
    return from_value(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": "shop"},
            "spec": {"template": template, **spec},
        }
    )
