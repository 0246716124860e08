"""Schemas of Kubernetes' own kinds, made to say what the API server does.

The OpenAPI document of Kubernetes is nearly a JSON Schema of what the server accepts. Where the
two differ, the server is followed:

- `null` counts as absent (encoding/json leaves the field at its zero value): it is accepted
  everywhere but for required fields, where it is as wrong as leaving the field out.
- Integers must fit the width of their Go type; quantities, times and base64 must parse.
- An int-or-string is one of two types, not "exactly one of two schemas".
- `status` is discarded when a manifest is applied, but decoded first: its types count, its
  required fields do not.
- `apiVersion` and `kind` of embedded objects (the claims of a StatefulSet) are not compared.
- A `spec` that is absent is an empty one, and lacks its required fields.
- Some fields that the document calls required never were; newer documents say so themselves.
- A strict server refuses unknown fields wherever the type has fields at all.

A schema is self-contained: the types it needs are under `$defs`, so that the embedded engine and
kubeconform read the very same document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitops_gate.checks.schema.builtin_values import ALLOWED_VALUES
from gitops_gate.checks.schema.catalogue import Catalogue, KindKey
from gitops_gate.checks.schema.formats import BASE64, DATE_TIME, INTEGER_BOUNDS, QUANTITY

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

_REFERENCE = "#/$defs/"
_RELAXED = "@status"

_WHOLE_TYPES: Mapping[str, Schema] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {
        "type": ["string", "number", "null"],
        "pattern": QUANTITY.pattern,
    },
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
        "type": ["integer", "string", "null"],
        "minimum": INTEGER_BOUNDS["int32"][0],
        "maximum": INTEGER_BOUNDS["int32"][1],
    },
}

# Required on paper only: the server fills these in, or takes the zero value. Newer OpenAPI
# documents call most of them optional, without a change of what the server does.
_NEVER_REQUIRED = frozenset(
    {
        ("io.k8s.api.apps.v1.ControllerRevision", "revision"),
        ("io.k8s.api.apps.v1.StatefulSetSpec", "serviceName"),
        ("io.k8s.api.core.v1.LimitRangeSpec", "limits"),
        ("io.k8s.api.discovery.v1.EndpointSlice", "endpoints"),
        ("io.k8s.api.networking.v1.NetworkPolicySpec", "podSelector"),
        ("io.k8s.api.rbac.v1.RoleRef", "apiGroup"),
        ("io.k8s.api.scheduling.v1.PriorityClass", "value"),
        ("io.k8s.api.storage.v1.CSIDriver", "spec"),
    }
)


def kind_schema(catalogue: Catalogue, key: KindKey, *, strict: bool) -> Schema:
    """The self-contained schema of a kind that `catalogue.kinds` has."""
    root = catalogue.kinds[key]
    adapter = _Adapter(catalogue, strict=strict)
    schema: Schema = {"$schema": DIALECT, **adapter.adapt_type(root)}
    given = catalogue.definitions[root].get("properties", {})
    if "$ref" in given.get("status", {}):
        name = _name(given["status"]["$ref"])
        schema["properties"]["status"] = adapter.reference(name + _RELAXED)
    if adapter.has_required_fields(given.get("spec", {})):
        schema["properties"]["spec"]["type"] = ["object"]
        schema["required"] = sorted({*schema.get("required", ()), "spec"})
    schema["$defs"] = adapter.closure()
    return schema


def object_meta_definitions(catalogue: Catalogue, *, strict: bool) -> Schema:
    """`$defs` for a schema that refers to `OBJECT_META`: that type and what it needs."""
    adapter = _Adapter(catalogue, strict=strict)
    adapter.reference(OBJECT_META)
    return adapter.closure()


class _Adapter:
    """Adapts types on demand and remembers which others they refer to."""

    def __init__(self, catalogue: Catalogue, *, strict: bool) -> None:
        self._definitions = catalogue.definitions
        self._strict = strict
        self._wanted: list[str] = []
        self._done: dict[str, Schema] = {}

    def reference(self, name: str) -> Schema:
        """A `$ref` to a type, which `closure` will then hold."""
        self._wanted.append(name)
        return {"$ref": _REFERENCE + name}

    def closure(self) -> dict[str, Schema]:
        """Every type referred to so far, and those that they refer to, in a stable order."""
        while self._wanted:
            name = self._wanted.pop()
            if name not in self._done:
                self._done[name] = {}
                self._done[name] = self.adapt_type(name)
        return dict(sorted(self._done.items()))

    def adapt_type(self, name: str) -> Schema:
        """One type; a name that ends in `@status` is the type without its required fields."""
        plain = name.removesuffix(_RELAXED)
        relaxed = plain != name
        if plain in _WHOLE_TYPES:
            return dict(_WHOLE_TYPES[plain])
        return _nullable(self._adapt(self._definitions[plain], plain, relaxed=relaxed))

    def has_required_fields(self, node: Mapping[str, Any]) -> bool:
        """Whether a reference leads to a type of which an empty object would not do."""
        if "$ref" not in node:
            return False
        name = _name(node["$ref"])
        required = self._definitions[name].get("required", ())
        return any((name, field) not in _NEVER_REQUIRED for field in required)

    def _adapt(self, node: Mapping[str, Any], owner: str, *, relaxed: bool) -> Schema:
        """A node of a type; `owner` is the type whose fields it holds, if it holds any."""
        if "$ref" in node:
            name = _name(node["$ref"])
            return self.reference(name + _RELAXED if relaxed else name)
        schema: Schema = {}
        if "type" in node:
            schema["type"] = node["type"]
        _add_format(schema, node.get("format"))
        for keyword in ("items", "additionalProperties"):
            if isinstance(node.get(keyword), Mapping):
                schema[keyword] = self._adapt_member(node[keyword], relaxed=relaxed)
        if "properties" in node:
            self._adapt_fields(schema, node, owner, relaxed=relaxed)
        return schema

    def _adapt_member(self, node: Mapping[str, Any], *, relaxed: bool) -> Schema:
        """An element of a list or map: null is its zero value, which may lack required fields."""
        member = self._adapt(node, "", relaxed=relaxed)
        if (
            "$ref" in node
            and not relaxed
            and self._definitions[_name(node["$ref"])].get("required")
        ):
            return member | {"type": self._without_null(node)}
        return _nullable(member)

    def _adapt_fields(
        self, schema: Schema, node: Mapping[str, Any], owner: str, *, relaxed: bool
    ) -> None:
        required = [
            name
            for name in node.get("required", ())
            if not relaxed and (owner, name) not in _NEVER_REQUIRED
        ]
        fields: dict[str, Schema] = {}
        for name, given in node["properties"].items():
            field = self._adapt(given, "", relaxed=relaxed)
            if name in required:
                field["type"] = self._without_null(given)
            else:
                field = _nullable(field)
            values = ALLOWED_VALUES.get((owner, name))
            if values is not None and not relaxed:
                _restrict(field, values)
            fields[name] = field
        schema["properties"] = fields
        if required:
            schema["required"] = required
        if self._strict and "additionalProperties" not in schema:
            schema["additionalProperties"] = False

    def _without_null(self, node: Mapping[str, Any]) -> list[str]:
        """The types of a required field, found through its reference."""
        if "$ref" in node:
            name = _name(node["$ref"])
            node = _WHOLE_TYPES.get(name) or self._definitions[name]
        types = node.get("type", ("object", "array", "string", "number", "boolean"))
        return [one for one in ([types] if isinstance(types, str) else types) if one != "null"]


def _add_format(schema: Schema, name: str | None) -> None:
    if name in INTEGER_BOUNDS:
        schema["minimum"], schema["maximum"] = INTEGER_BOUNDS[name]
    elif name == "byte":
        schema["pattern"] = BASE64.pattern
    elif name == "date-time":
        schema["pattern"] = DATE_TIME.pattern


def _restrict(field: Schema, values: tuple[str, ...]) -> None:
    """Allow only `values`; an element of a list that is null would be the empty string."""
    if "items" in field:
        field["items"] = field["items"] | {"type": ["string"], "enum": [*values]}
    else:
        field["enum"] = [*values, None]


def _nullable(schema: Schema) -> Schema:
    types = schema.get("type")
    if types is None:
        return schema
    listed = [types] if isinstance(types, str) else types
    return schema | {"type": [*(one for one in listed if one != "null"), "null"]}


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]
