"""The normal form of a resource: two of them are equal when Kubernetes reads them as equal.

Digests, comparison and diffs all work on it. What it makes equal: the order of keys; null and
absence; `1` and `1.0`; quantities (`1000m` and `1`) where the field is one; empty and absent
labels, annotations, and data of ConfigMaps and Secrets; `stringData` and the `data` that it
becomes; the order of lists that have none (`gitops_gate.resources.shapes`). Nothing else:
`podSelector: {}` and `emptyDir: {}` mean something, and so does the order of arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitops_gate.resources.plain import plain, text_of
from gitops_gate.resources.shapes import form_of

__all__ = ["canonical", "canonical_text"]


def canonical(value: Mapping[str, Any]) -> dict[str, Any]:
    """The normal form of one resource. `value` is JSON-like and stays as it is.

    In the result a list whose order means nothing is a sorted tuple, every other list a list.
    """
    api_version, kind = value.get("apiVersion"), value.get("kind")
    if not isinstance(api_version, str) or not isinstance(kind, str):
        formed: dict[str, Any] = plain(dict(value))
        return formed
    group = api_version.rpartition("/")[0]
    normal: dict[str, Any] = form_of(group, kind)(dict(value))
    return normal


def canonical_text(value: Mapping[str, Any]) -> str:
    """The normal form as JSON text; equal texts mean equal resources."""
    return text_of(canonical(value))
