"""The nearest place for a resource that could not be followed: a document that resembles it.

The document of that kind and a like name which sets the field to the rendered value, the one
nearest to the application first. It is a guess, and never called exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gitops_gate.documents import locate
from gitops_gate.evaluation.places.sources import SourceDocument
from gitops_gate.findings import FieldPath, Location
from gitops_gate.resources.values import Resource


def nearest(
    resource: Resource, field: FieldPath, documents: Iterable[SourceDocument], application: str
) -> Location | None:
    """The best of the documents that may have become the resource, None where none may."""
    best: tuple[tuple[int, int, int], SourceDocument, FieldPath] | None = None
    reference = resource.reference
    for document in documents:
        if document.value.get("kind") != reference.kind:
            continue
        if not _may_be(document.value, reference.name, reference.namespace):
            continue
        matched, equal = _follow(resource.value, document.value, field)
        score = (int(equal), len(matched), _shared_segments(document.path, application))
        if best is None or score > best[0]:
            best = (score, document, matched)
    if best is None:
        return None
    _, document, matched = best
    place = locate(document.text, matched, first_line=document.line)
    return Location(path=document.path, line=place.line, column=place.column, exact=False)


def _may_be(value: Mapping[str, Any], name: str, namespace: str) -> bool:
    """Whether a source document can be what became `name`: affixes and hashes may be added."""
    metadata = value.get("metadata")
    if not isinstance(metadata, Mapping):
        return False
    own, own_namespace = metadata.get("name"), metadata.get("namespace")
    if not isinstance(own, str) or not own:
        return False
    return own in name and (not own_namespace or not namespace or own_namespace == namespace)


def _follow(rendered: Any, source: Any, field: FieldPath) -> tuple[FieldPath, bool]:
    """How far a rendered field's path exists in a source document, and whether values agree.

    Items of a list are found by their name, since a patch has not the positions of the result.
    """
    path: list[str | int] = []
    for element in field:
        if isinstance(rendered, Mapping) and isinstance(source, Mapping) and element in source:
            rendered, source = rendered.get(element), source[element]
            path.append(element)
            continue
        if not isinstance(element, int) or not isinstance(rendered, list):
            break
        position = _position(rendered, source, element)
        if position is None or not isinstance(source, list):
            break
        rendered, source = rendered[element], source[position]
        path.append(position)
    complete = len(path) == len(field)
    return tuple(path), complete and (rendered == source or not field)


def _position(rendered: list[Any], source: Any, index: int) -> int | None:
    if not isinstance(source, list) or not 0 <= index < len(rendered):
        return None
    wanted = rendered[index]
    for position, item in enumerate(source):
        if item == wanted:
            return position
    for key in ("name", "containerPort", "port", "mountPath", "host", "key", "ip"):
        if not isinstance(wanted, Mapping) or key not in wanted:
            continue
        for position, item in enumerate(source):
            if isinstance(item, Mapping) and item.get(key) == wanted[key]:
                return position
    return None


def _shared_segments(path: str, other: str) -> int:
    count = 0
    for one, two in zip(path.split("/"), other.split("/"), strict=False):
        if one != two:
            break
        count += 1
    return count
