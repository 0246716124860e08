"""What the API's own document says of its fields, for holding our table of forms against it.

Read from the schemas that ship with the package (`kubernetes_validate`), which keep the API's
`x-kubernetes-*` extensions.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
PROPS = "JSONSchemaProps"


@dataclass(frozen=True)
class Field:
    """A field somewhere below a kind: how to get there, and its schema."""

    api_version: str
    kind: str
    path: tuple[str, ...]  # names, "[]" for an item, "{}" for any member
    schema: str  # "quantity" or the list type: "map", "set"
    keys: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.api_version} {self.kind} {'.'.join(self.path)}"

    def holding(self, leaf: Any) -> dict[str, Any]:
        """The smallest object of the kind with `leaf` at the path."""
        for element in reversed(self.path):
            leaf = [leaf] if element == "[]" else {"any" if element == "{}" else element: leaf}
        return {"apiVersion": self.api_version, "kind": self.kind, **leaf}

    def taken(self, value: Any) -> Any:
        """What is at the path in the normal form of `holding(...)`."""
        for element in self.path:
            value = value[0] if element == "[]" else value["any" if element == "{}" else element]
        return value


@cache
def fields(version: str) -> tuple[Field, ...]:
    """Every quantity and every list with merge keys or set semantics, by kind."""
    spec = importlib.util.find_spec("kubernetes_validate")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "kubernetes-json-schema" / f"v{version}.0-local"
    definitions = json.loads((folder / "_definitions.json").read_text("utf-8"))["$defs"]
    found = []
    for schema in definitions.values():
        for served in schema.get("x-kubernetes-group-version-kind", ()):
            if served["kind"].endswith(("List", "Options", "Event", "Status", "Review")):
                continue
            api_version = "/".join(part for part in (served["group"], served["version"]) if part)
            for path, node in _walk(schema, definitions, (), ()):
                kind = _kind_of(node)
                if kind:
                    keys = tuple(node.get("x-kubernetes-list-map-keys", ()))
                    found.append(Field(api_version, served["kind"], path, kind, keys))
    return tuple(found)


def _kind_of(node: dict[str, Any]) -> str | None:
    if node.get("$ref", "").endswith(QUANTITY):
        return "quantity"
    kind = node.get("x-kubernetes-list-type")
    return kind if kind in ("map", "set") else None


def _walk(
    node: dict[str, Any], definitions: Any, path: tuple[str, ...], seen: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    yield path, node
    if reference := node.get("$ref"):
        name = reference.rpartition("/")[2]
        if name in seen or name.endswith((QUANTITY, PROPS)):
            return
        yield from _walk(definitions[name], definitions, path, (*seen, name))
        return
    for name, member in node.get("properties", {}).items():
        if name != "status":  # written by controllers
            yield from _walk(member, definitions, (*path, name), seen)
    if isinstance(items := node.get("items"), dict):
        yield from _walk(items, definitions, (*path, "[]"), seen)
    if isinstance(members := node.get("additionalProperties"), dict):
        yield from _walk(members, definitions, (*path, "{}"), seen)
