"""Which fields differ between two renders of the same files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gitops_gate.documents import load_document
from gitops_gate.findings import FieldPath
from gitops_gate.render.values import Manifest

MAXIMUM_FIELDS = 50
"""Fields named in one document; beyond it the whole document counts as different."""

Identity = tuple[str, str, str, str]


def differing_fields(
    first: Sequence[Manifest], second: Sequence[Manifest]
) -> Iterator[tuple[Manifest, Identity, FieldPath]]:
    """The manifest of the first render, its `(apiVersion, kind, namespace, name)`, and a path.

    The path is empty for a document that the other render has not, or that differs all over.
    Raises `ManifestError` for a document that differs and cannot be read.
    """
    if len(first) == len(second):
        pairs: list[tuple[Manifest, Manifest | None]] = list(zip(first, second, strict=True))
    else:
        pairs = list(_paired_by_identity(first, second))
    for one, other in pairs:
        if other is not None and one.text == other.text:
            continue
        value = load_document(one.text)
        fields = [()] if other is None else list(_differences(value, load_document(other.text)))
        for path in fields if len(fields) <= MAXIMUM_FIELDS else [()]:
            yield one, identity(value), path


def identity(value: object) -> Identity:
    """`(apiVersion, kind, namespace, name)` of a loaded document, "" for what is not there."""
    document = value if isinstance(value, dict) else {}
    metadata = document.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    parts = (
        document.get("apiVersion"),
        document.get("kind"),
        metadata.get("namespace"),
        metadata.get("name"),
    )
    return tuple(str(part) if part is not None else "" for part in parts)  # type: ignore[return-value]


def _paired_by_identity(
    first: Sequence[Manifest], second: Sequence[Manifest]
) -> Iterator[tuple[Manifest, Manifest | None]]:
    """Pairs of documents of the same resource; a document of the second alone has no place."""
    others: dict[Identity, list[Manifest]] = {}
    for manifest in second:
        others.setdefault(identity(load_document(manifest.text)), []).append(manifest)
    for manifest in first:
        same = others.get(identity(load_document(manifest.text)))
        yield manifest, same.pop(0) if same else None
    for left in others.values():
        for manifest in left:
            yield manifest, None


def _differences(one: Any, other: Any, path: FieldPath = ()) -> Iterator[FieldPath]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            if key in one and key in other:
                yield from _differences(one[key], other[key], (*path, key))
            else:
                yield (*path, key)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differences(left, right, (*path, index))
    elif type(one) is not type(other) or one != other:
        yield path
