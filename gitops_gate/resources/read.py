"""Rendered manifests -> resources: the way from bytes to values that every check looks at.

Comes after rendering and before everything that asks what a manifest means. Documents are read
as Kubernetes reads them (`gitops_gate.documents`), Lists become their items, the `sops` block of
an encrypted document is dropped. Identical documents are read once when a memo is given.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol

from gitops_gate.documents import expand_lists, load_document, without_sops
from gitops_gate.errors import ManifestError
from gitops_gate.resources.values import Origin, Resource, ResourceReference


class ManifestLike(Protocol):
    """What this room needs of a rendered document; `gitops_gate.render.values.Manifest` is one."""

    @property
    def text(self) -> bytes:
        """The document's bytes."""

    @property
    def origin(self) -> Origin:
        """Where it comes from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A document, or an item of a List, that is no resource. It becomes a finding of rule `yaml`.

    `line` and `column` are 1-based and count from the start of the rendered document.
    `reference` says what is known of the resource that it was meant to be.
    """

    message: str
    origin: Origin
    line: int = 1
    column: int = 1
    reference: ResourceReference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """All resources, in the order of the manifests, and what could not be read."""

    resources: tuple[Resource, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    value: Mapping[str, Any]
    prefix: tuple[str | int, ...]
    reference: ResourceReference


@dataclass(frozen=True, slots=True, kw_only=True)
class _Problem:
    message: str
    prefix: tuple[str | int, ...] = ()
    line: int = 1
    column: int = 1
    reference: ResourceReference | None = None


Parsed = tuple[_Item | _Problem, ...]
"""What one document holds, without its origin."""


class DocumentMemo(OrderedDict[bytes, Parsed]):
    """Remembers what was read from identical documents, within a budget of bytes.

    The oldest documents are forgotten first. Made and kept by the caller, for example one for
    each worker process.
    """

    def __init__(self, budget: int = 16 * 2**20) -> None:
        super().__init__()
        self._left = budget

    def __setitem__(self, text: bytes, parsed: Parsed) -> None:
        if text not in self:
            self._left -= len(text)
        super().__setitem__(text, parsed)
        while self._left < 0 and self:
            forgotten, _ = self.popitem(last=False)
            self._left += len(forgotten)


def read_resources(
    manifests: Iterable[ManifestLike], memo: MutableMapping[bytes, Parsed] | None = None
) -> ReadResult:
    """Read every manifest; what cannot be read is in the result and never raised.

    `memo` (a `DocumentMemo`, or any mapping) keeps what was read by the document's bytes. Values
    are shared between resources with identical documents and must not be changed.
    """
    resources: list[Resource] = []
    unreadable: list[Unreadable] = []
    for manifest in manifests:
        parsed = None if memo is None else memo.get(manifest.text)
        if parsed is None:
            parsed = parse(manifest.text)
            if memo is not None:
                memo[manifest.text] = parsed
        for part in parsed:
            origin = _origin(manifest.origin, part.prefix)
            if isinstance(part, _Item):
                resources.append(
                    Resource(
                        reference=part.reference,
                        value=part.value,
                        text=manifest.text,
                        origin=origin,
                    )
                )
            else:
                unreadable.append(_unreadable(part, origin))
    return ReadResult(resources=tuple(resources), unreadable=tuple(unreadable))


def _origin(origin: Origin, prefix: tuple[str | int, ...]) -> Origin:
    if not prefix:
        return origin
    return Origin(path=origin.path, line=origin.line, prefix=(*origin.prefix, *prefix))


def _unreadable(problem: _Problem, origin: Origin) -> Unreadable:
    return Unreadable(
        message=problem.message,
        origin=origin,
        line=problem.line,
        column=problem.column,
        reference=problem.reference,
    )


def parse(text: bytes) -> Parsed:
    """The resources in one document; empty for a document with nothing but comments."""
    try:
        document = load_document(text)
        parts = () if document is None else tuple(expand_lists(document))
    except ManifestError as error:
        problem = _Problem(message=error.message, line=error.line or 1, column=error.column or 1)
        return (problem,)
    return tuple(_item(value, prefix) for value, prefix in parts)


def _item(value: object, prefix: tuple[str | int, ...]) -> _Item | _Problem:
    if not isinstance(value, Mapping):
        kind = "null" if value is None else _TYPE_NAMES.get(type(value), type(value).__name__)
        return _Problem(
            message=f"expected a mapping with apiVersion and kind, found {kind}", prefix=prefix
        )
    reference, problem = _reference(value)
    if problem:
        return _Problem(message=problem, prefix=prefix, reference=reference)
    readable = without_sops(value)
    assert isinstance(readable, Mapping)
    return _Item(value=readable, prefix=prefix, reference=reference)


_TYPE_NAMES = {str: "text", bool: "a boolean", int: "a number", float: "a number", list: "a list"}


def _reference(value: Mapping[str, Any]) -> tuple[ResourceReference, str | None]:
    """The name of a resource as far as it is known, and what is wrong with it."""
    metadata = value.get("metadata")
    fields = metadata if isinstance(metadata, Mapping) else {}
    name = fields.get("name") or fields.get("generateName")
    reference = ResourceReference(
        api_version=_text(value.get("apiVersion")),
        kind=_text(value.get("kind")),
        namespace=_text(fields.get("namespace")),
        name=_text(name),
    )
    if not reference.api_version or not reference.kind:
        missing = "apiVersion" if not reference.api_version else "kind"
        return reference, _wrong(missing, value.get(missing))
    if metadata is not None and not isinstance(metadata, Mapping):
        return reference, "metadata must be a mapping"
    if not reference.name:
        return reference, _wrong("metadata.name", name)
    if not isinstance(fields.get("namespace"), str | None):
        return reference, _wrong("metadata.namespace", fields.get("namespace"))
    return reference, None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _wrong(field: str, value: object) -> str:
    if value is None or value == "":
        return f"{field} is missing"
    return f"{field} must be text, found {_TYPE_NAMES.get(type(value), 'a mapping')}"
