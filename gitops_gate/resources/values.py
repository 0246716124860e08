"""What a resource is: one rendered YAML document, parsed, with its key and its origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class ResourceKey(NamedTuple):
    """What makes two resources the same object of a cluster; the version is not part of it."""

    group: str
    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ResourceReference:
    """How a report names a resource. `namespace` is "" where the manifest gives none."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @property
    def key(self) -> ResourceKey:
        """The identity that base and head are paired by."""
        group = self.api_version.rpartition("/")[0]
        return ResourceKey(group, self.kind, self.namespace, self.name)

    def __str__(self) -> str:
        """`Deployment shop/web`, as people write it."""
        return (
            f"{self.kind} {self.namespace}/{self.name}"
            if self.namespace
            else (f"{self.kind} {self.name}")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a rendered document comes from: a source file and its first line, when known.

    `prefix` is the path from the document's root to the resource: empty, or `("items", 3)` for
    an element of a List.
    """

    path: str | None = None
    line: int = 1
    prefix: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A manifest, parsed. `value` is JSON-like and must not be changed.

    `text` is the document's bytes as rendered (of the whole List, for an element of one).
    """

    reference: ResourceReference
    value: Mapping[str, Any]
    text: bytes = field(repr=False)
    origin: Origin

    @property
    def key(self) -> ResourceKey:
        """See `ResourceReference.key`."""
        return self.reference.key
