"""A schema of a CustomResourceDefinition, made to say what the API server does with it.

The server reads `openAPIV3Schema` as a structural schema: it prunes nulls, fills in defaults,
drops (and, asked to be strict, refuses) fields that the schema does not name, and only then
validates. JSON Schema knows none of this, so it is written out:

- A field that is null counts as absent unless it is `nullable`; a required one is then missing,
  unless it has a default. Elements of lists are not pruned.
- Fields with a default are never missing.
- An object takes no unknown fields, whether it names any or none, unless it has
  `additionalProperties` or `x-kubernetes-preserve-unknown-fields`. Branches of `allOf`, `anyOf`,
  `oneOf` and `not` only restrict values, so nothing is closed in them.
- Integers must fit 64 bits, whatever their format says: so the server reads them.
- `x-kubernetes-int-or-string`, `x-kubernetes-embedded-resource` and `x-kubernetes-list-type: set`
  mean what the server makes of them; formats become patterns (see `formats`).
- Rules in CEL (`x-kubernetes-validations`) and unique keys of `x-kubernetes-list-type: map` are
  not evaluated.

Such schemas come from whoever proposes a change: depth and size are capped, no reference is
followed, and whatever has an unexpected shape is a `SchemaError`.

Source: apiextensions-apiserver, `pkg/apiserver/schema` (pruning, defaulting, validation).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gitops_gate.checks.schema.builtin import OBJECT_META, Schema
from gitops_gate.checks.schema.formats import INTEGER_BOUNDS, by_name
from gitops_gate.errors import SchemaError

MAXIMUM_DEPTH = 100
"""Schemas within schemas; far beyond what published definitions nest."""

MAXIMUM_NODES = 200_000
"""Schemas in one schema; an API server keeps definitions below 1.5 MB, which is far less."""

MAXIMUM_PATTERN_COST = 5_000_000
"""Of all patterns of a schema together: about 100 bytes each once they are compiled."""

PRESENT: Schema = {"not": {"type": "null"}}
"""What is asked of a required field below a junctor: null would have been pruned."""

_INT_OR_STRING = ({"type": "integer"}, {"type": "string"})
_COPIED = (
    "enum",
    "maximum",
    "maxItems",
    "maxLength",
    "maxProperties",
    "minimum",
    "minItems",
    "minLength",
    "minProperties",
    "multipleOf",
    "pattern",
    "uniqueItems",
)
_REPETITION = re.compile(r"\{(?:[0-9]{0,6},)?([0-9]{1,6})\}")
_JUNCTORS = ("allOf", "anyOf", "oneOf")
_META_REFERENCE = {"$ref": f"#/$defs/{OBJECT_META}"}


def convert_root(
    schema: object, *, strict: bool, prunes: bool = True, keeps_status: bool = True
) -> Schema:
    """The JSON Schema of a whole custom resource, without the `$defs` that its metadata needs.

    `prunes` is false where the server keeps unknown fields (`preserveUnknownFields`), and for
    schemas that say for themselves which objects are closed. With `keeps_status` false, `status`
    is discarded before validation. Raises `SchemaError` for a schema that no server would take.
    """
    converter = _Converter(strict=strict, prunes=prunes)
    root = converter.convert(_mapping(schema, "the schema"), "", depth=0)
    fields = root.setdefault("properties", {})
    restricted = fields.get("metadata")
    fields["apiVersion"] = fields["kind"] = {"type": "string"}
    fields["metadata"] = dict(_META_REFERENCE)
    if isinstance(restricted, Mapping) and restricted.get("properties"):
        fields["metadata"]["properties"] = restricted["properties"]
    if not keeps_status and "status" in fields:
        fields["status"] = True
    return root | {"type": "object"}


class _Converter:
    """Converts nodes, counting them; a node is addressed by its path from the root."""

    def __init__(self, *, strict: bool, prunes: bool) -> None:
        self._strict = strict
        self._prunes = prunes
        self._nodes = 0
        self._patterns: dict[str, int] = {}

    def convert(
        self,
        node: Mapping[str, Any],
        path: str,
        *,
        depth: int,
        holder: Mapping[str, Any] | None = None,
    ) -> Schema:
        """One node; below a junctor, `holder` is the structural node that it restricts."""
        self._nodes += 1
        if depth > MAXIMUM_DEPTH or self._nodes > MAXIMUM_NODES:
            raise SchemaError("the schema is nested too deeply or is too large")
        if "$ref" in node:
            raise SchemaError(f"{path or 'the schema'}: $ref is not allowed")
        schema: Schema = {}
        types = _types(node, path)
        if types:
            schema["type"] = types
        _copy_value_validations(schema, node, types, path)
        self._count_pattern(schema.get("pattern"))
        self._convert_members(schema, node, path, depth, holder)
        self._convert_junctors(schema, node, path, depth, node if holder is None else holder)
        if self._prunes and holder is None and self._closes(node, types):
            schema["additionalProperties"] = False
        if node.get("x-kubernetes-embedded-resource") is True:
            _embed_resource(schema)
        if node.get("nullable") is True:
            return _accept_null(schema, among_values=False)
        return schema

    def _count_pattern(self, pattern: object) -> None:
        if isinstance(pattern, str) and pattern not in self._patterns:
            self._patterns[pattern] = _pattern_cost(pattern)
            if sum(self._patterns.values()) > MAXIMUM_PATTERN_COST:
                raise SchemaError("the patterns of the schema are too large together")

    def _closes(self, node: Mapping[str, Any], types: list[str]) -> bool:
        is_object = "object" in types or "properties" in node
        is_open = "additionalProperties" in node or _preserves(node)
        return self._strict and is_object and not is_open

    def _convert_members(
        self,
        schema: Schema,
        node: Mapping[str, Any],
        path: str,
        depth: int,
        holder: Mapping[str, Any] | None,
    ) -> None:
        fields = _mapping(node.get("properties", {}), f"{path}.properties")
        structural = fields if holder is None else _fields(holder)
        required = _required(node, structural, path)
        if required:
            schema["required"] = required
        if "properties" in node:
            schema["properties"] = {
                str(name): self._member(
                    field, f"{path}.{name}", depth, _below(holder, name), name in required
                )
                for name, field in fields.items()
            }
        if holder is not None:
            _refuse_pruned_nulls(schema, required, structural)
        extra = node.get("additionalProperties")
        if isinstance(extra, Mapping):
            schema["additionalProperties"] = self._member(
                extra, f"{path}.*", depth, _below(holder, "*"), False
            )
        elif extra is False and (self._strict or self._prunes):
            schema["additionalProperties"] = False
        if "items" in node:
            schema["items"] = self._items(node, path, depth, holder)

    def _member(
        self,
        member: object,
        path: str,
        depth: int,
        holder: Mapping[str, Any] | None,
        required: bool,
    ) -> Schema | bool:
        """A field of an object; null stands for its absence, or for its default."""
        if isinstance(member, bool):
            return member
        node = _mapping(member, path)
        schema = self.convert(node, path, depth=depth + 1, holder=holder)
        keeps_null = node.get("nullable") is True
        if keeps_null or (required and node.get("default") is None):
            return schema
        return _accept_null(schema)

    def _items(
        self, node: Mapping[str, Any], path: str, depth: int, holder: Mapping[str, Any] | None
    ) -> Schema | bool:
        if isinstance(node["items"], bool):
            return node["items"]
        items = _mapping(node["items"], f"{path}[]")
        if _preserves(node) and "x-kubernetes-preserve-unknown-fields" not in items:
            items = {**items, "x-kubernetes-preserve-unknown-fields": True}
        below = None if holder is None else _mapping(holder.get("items", {}), f"{path}[]")
        schema = self.convert(items, f"{path}[]", depth=depth + 1, holder=below)
        is_defaulted = items.get("default") is not None and items.get("nullable") is not True
        return _accept_null(schema) if is_defaulted else schema

    def _convert_junctors(
        self,
        schema: Schema,
        node: Mapping[str, Any],
        path: str,
        depth: int,
        holder: Mapping[str, Any],
    ) -> None:
        for keyword in _JUNCTORS:
            branches = _list(node.get(keyword, []), f"{path} {keyword}")
            kept = [
                self.convert(
                    _mapping(one, f"{path} {keyword}"), path, depth=depth + 1, holder=holder
                )
                for one in _without_int_or_string(node, keyword, branches)
            ]
            if kept:
                schema.setdefault(keyword, []).extend(kept)
        if "not" in node:
            excluded = _mapping(node["not"], f"{path} not")
            schema["not"] = self.convert(excluded, path, depth=depth + 1, holder=holder)


def _fields(node: Mapping[str, Any]) -> Mapping[str, Any]:
    fields = node.get("properties")
    return fields if isinstance(fields, Mapping) else {}


def _below(holder: Mapping[str, Any] | None, name: str) -> Mapping[str, Any] | None:
    """The structural node of a field; an empty one where a branch invents the field."""
    if holder is None:
        return None
    field = _fields(holder).get(name, holder.get("additionalProperties"))
    return field if isinstance(field, Mapping) else {}


def _refuse_pruned_nulls(
    schema: Schema, required: list[str], structural: Mapping[str, Any]
) -> None:
    """Below a junctor, a required field that is null and not nullable has been pruned."""
    for name in required:
        field = structural.get(name)
        if isinstance(field, Mapping) and field.get("nullable") is not True:
            fields = schema.setdefault("properties", {})
            given = fields.get(name)
            fields[name] = {"allOf": [given, PRESENT]} if given else PRESENT


def _pattern_cost(pattern: str) -> int:
    """A bound on the states that a pattern compiles to; classes of Unicode have hundreds each."""
    repeated = 1
    for bound in _REPETITION.findall(pattern):
        repeated = min(repeated * max(int(bound), 1), 1000)
    return len(pattern) * repeated * (100 if "\\p" in pattern or "\\P" in pattern else 1)


def _types(node: Mapping[str, Any], path: str) -> list[str]:
    if node.get("x-kubernetes-int-or-string") is True or node.get("format") == "int-or-string":
        return ["integer", "string"]
    types = node.get("type", [])
    listed = [types] if isinstance(types, str) else _list(types, f"{path} type")
    if not all(isinstance(one, str) for one in listed):
        raise SchemaError(f"{path or 'the schema'}: type must be a string")
    return [one for one in listed if one]


def _required(node: Mapping[str, Any], fields: Mapping[str, Any], path: str) -> list[str]:
    """The required fields that no default fills in."""
    required = []
    for name in _list(node.get("required", []), f"{path} required"):
        if not isinstance(name, str):
            raise SchemaError(f"{path or 'the schema'}: required must be a list of strings")
        field = fields.get(name)
        if not isinstance(field, Mapping) or field.get("default") is None:
            required.append(name)
    return list(dict.fromkeys(required))


def _copy_value_validations(
    schema: Schema, node: Mapping[str, Any], types: list[str], path: str
) -> None:
    schema.update({keyword: node[keyword] for keyword in _COPIED if keyword in node})
    for limit, exclusive in (("maximum", "exclusiveMaximum"), ("minimum", "exclusiveMinimum")):
        bound = node.get(exclusive)
        if bound is True and limit in schema:
            schema[exclusive] = schema.pop(limit)
        elif bound is not None and not isinstance(bound, bool):
            schema[exclusive] = bound
    if node.get("x-kubernetes-list-type") == "set":
        schema["uniqueItems"] = True
    name = node.get("format")
    is_text = "string" in types or not types
    if isinstance(name, str) and is_text and (known := by_name(name)):
        if "pattern" in schema:
            schema.setdefault("allOf", []).append({"pattern": known.pattern})
        schema.setdefault("pattern", known.pattern)
    if "integer" in types:
        lowest, highest = INTEGER_BOUNDS["int64"]
        schema.setdefault("minimum", lowest)
        schema.setdefault("maximum", highest)
    if isinstance(schema.get("enum"), list) and not schema["enum"]:
        raise SchemaError(f"{path or 'the schema'}: enum must not be empty")


def _without_int_or_string(node: Mapping[str, Any], keyword: str, branches: list[Any]) -> list[Any]:
    """The branches, less those by which an int-or-string repeats its types."""
    if node.get("x-kubernetes-int-or-string") is not True:
        return branches
    if keyword == "anyOf" and tuple(branches) == _INT_OR_STRING:
        return []
    if keyword == "allOf" and branches and branches[0] == {"anyOf": list(_INT_OR_STRING)}:
        return branches[1:]
    return branches


def _embed_resource(schema: Schema) -> None:
    fields = schema.setdefault("properties", {})
    fields["apiVersion"] = fields["kind"] = {"type": "string", "minLength": 1}
    fields["metadata"] = dict(_META_REFERENCE)
    required = schema.get("required", [])
    schema["required"] = list(dict.fromkeys([*required, "apiVersion", "kind"]))


def _accept_null(schema: Schema, *, among_values: bool = True) -> Schema:
    """The same schema, and null as well; unless `among_values`, an enumeration must name it."""
    if any(keyword in schema for keyword in (*_JUNCTORS, "not", "if")):
        return {"if": {"type": "null"}, "then": True, "else": schema}
    widened = dict(schema)
    if "type" in widened:
        widened["type"] = [*(one for one in widened["type"] if one != "null"), "null"]
    if among_values and isinstance(widened.get("enum"), list) and None not in widened["enum"]:
        widened["enum"] = [*widened["enum"], None]
    return widened


def _preserves(node: Mapping[str, Any]) -> bool:
    return node.get("x-kubernetes-preserve-unknown-fields") is True


def _mapping(value: object, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise SchemaError(f"{path or 'the schema'} must be a mapping")
    return value


def _list(value: object, path: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise SchemaError(f"{path or 'the schema'} must be a list")
    return value
