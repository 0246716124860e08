"""GitHub's own OpenAPI description as referee: which operation is it, is it well formed?

The description is read from the npm package `@octokit/openapi` and parsed once a process. Only
schemas of operations that are used are made ready, when they are first used: that takes
milliseconds, where the whole would take seconds.

Requests are judged more strictly than GitHub judges them: a field or a query parameter that the
description does not name is a violation, since nothing would tell its author. Replies are judged
as described, `oneOf` read as `anyOf` (several of GitHub's own alternatives overlap). Answers that
every operation can give, and that the description leaves out (401, 403, 404, 422, 429, 5xx), must
be its `basic-error`. Where GitHub is known not to answer as it says, `DEVIATIONS` say so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

from tests.engines import node_package
from tests.forges.serving import Reply, Request

METHODS = ("get", "post", "put", "patch", "delete")
UNDECLARED = {
    301, 302, 307, 308, 401, 403, 404, 405, 409, 410, 413, 415, 422, 429, 500, 502, 503,
}  # fmt: skip
MANY_SEGMENTS = {"path", "ref", "branch", "basehead", "base", "head"}


DEVIATIONS = re.compile(
    r"reply(/\d+)?/head/(repo|user): null is not of type .*"  # the fork is gone
)
"""What is wrong by the description, and what GitHub answers all the same."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation of the description."""

    id: str
    method: str
    template: str
    node: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Match:
    """An operation with the decoded path parameters of one request."""

    operation: Operation
    parameters: Mapping[str, str]


@cache
def description(edition: str) -> Description:
    """The description of `api.github.com` or of a server, such as `ghes-3.19`."""
    folder = node_package("@octokit/openapi") / "generated"
    return Description(json.loads((folder / f"{edition}.json").read_bytes()))


class Description:
    """An OpenAPI 3.0 description, ready to find operations and to judge with."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._converted: dict[tuple[str, bool], Any] = {}
        self._validators: dict[tuple[str, str], Any] = {}
        self.operations = {
            node["operationId"]: Operation(
                id=node["operationId"], method=method.upper(), template=path, node=node
            )
            for path, item in root["paths"].items()
            for method, node in item.items()
            if method in METHODS
        }
        self._patterns = [
            (operation, re.compile(_pattern(operation.template, many=many)))
            for many in (False, True)
            for operation in sorted(self.operations.values(), key=_literals, reverse=True)
            if not many or MANY_SEGMENTS & set(re.findall(r"{(\w+)}", operation.template))
        ]

    def find(self, method: str, raw_path: str) -> Match | None:
        """The operation of a path, given without the base path and the query."""
        for operation, pattern in self._patterns:
            if operation.method == method and (found := pattern.fullmatch(raw_path)):
                parameters = {name: unquote(value) for name, value in found.groupdict().items()}
                return Match(operation=operation, parameters=parameters)
        return None

    def judge_request(self, match: Match, request: Request) -> Iterator[tuple[str, str]]:
        """What is wrong with a request: places and reasons."""
        declared = {
            (parameter["in"], parameter["name"]): parameter
            for parameter in map(self._resolved, match.operation.node.get("parameters", []))
        }
        for name, value in match.parameters.items():
            if parameter := declared.get(("path", name)):
                yield from self._parameter(f"path {name}", parameter, value)
        for name, value in request.query:
            if parameter := declared.get(("query", name)):
                yield from self._parameter(f"query {name}", parameter, value)
            else:
                yield f"query {name}", "the description knows no such parameter"
        given = {name for name, _ in request.query}
        for (kind, name), parameter in declared.items():
            if kind == "query" and parameter.get("required") and name not in given:
                yield f"query {name}", "is required"
        yield from self._judge_body(match.operation, request)

    def judge_reply(self, operation: Operation, reply: Reply) -> Iterator[tuple[str, str]]:
        """What is wrong with a reply: places and reasons."""
        declared = operation.node["responses"].get(str(reply.status))
        if declared is None and reply.status not in UNDECLARED:
            yield "status", f"{reply.status} is not among {sorted(operation.node['responses'])}"
            return
        contents = self._resolved(declared or {}).get("content", {})
        if "application/json" not in contents:
            if reply.status >= 300:
                schema = {"$ref": "#/components/schemas/basic-error"}
                yield from self._judge(f"{operation.id} error", schema, reply, "reply")
            elif reply.body and not contents:
                yield "reply", f"{reply.status} has no body"
            return
        schema = contents["application/json"]["schema"]
        for place, reason in self._judge(f"{operation.id} {reply.status}", schema, reply, "reply"):
            if not DEVIATIONS.fullmatch(f"{place}: {reason}"):
                yield place, reason

    def _judge_body(self, operation: Operation, request: Request) -> Iterator[tuple[str, str]]:
        declared = self._resolved(operation.node.get("requestBody", {}))
        if not declared:
            if request.body not in {b"", b"{}"} and request.method != "DELETE":
                yield "body", "the operation takes none"
            return
        schema = declared["content"].get("application/json", {}).get("schema")
        if schema is None:
            return
        if not request.body:
            if declared.get("required"):
                yield "body", "is required"
            return
        yield from self._judge(f"{operation.id} request", schema, request, "body", strict=True)

    def _judge(
        self, key: str, schema: Any, message: Request | Reply, place: str, *, strict: bool = False
    ) -> Iterator[tuple[str, str]]:
        try:
            value = message.json()
        except ValueError as error:
            yield place, f"is not JSON: {error}"
            return
        for found in self._validator(key, schema, strict=strict).iter_errors(value):
            where = "/".join(str(step) for step in found.instance_path)
            yield f"{place}/{where}".rstrip("/"), _shortened(found.message)

    def _parameter(self, place: str, parameter: Any, value: str) -> Iterator[tuple[str, str]]:
        schema = self._resolved(parameter["schema"])
        typed: Any = value
        if schema.get("type") == "integer" and re.fullmatch(r"-?\d+", value):
            typed = int(value)
        elif schema.get("type") == "boolean" and value in {"true", "false"}:
            typed = value == "true"
        elif schema.get("type") == "array":
            typed = value.split(",")
        for error in self._validator(f"parameter {json.dumps(schema)}", schema).iter_errors(typed):
            yield place, _shortened(error.message)

    def _validator(self, key: str, schema: Any, *, strict: bool = False) -> Any:
        kind = "request" if strict else "reply"
        if (key, kind) not in self._validators:
            needed: dict[str, Any] = {}
            whole = dict(self._converted_schema(schema, needed, strict=strict))
            definitions = {}
            while needed:
                name, _ = needed.popitem()
                if name not in definitions:
                    definitions[name] = self._component(name, needed, strict=strict)
            whole["$defs"] = definitions
            self._validators[key, kind] = jsonschema_rs.Draft202012Validator(
                whole, validate_formats=True
            )
        return self._validators[key, kind]

    def _component(self, name: str, needed: dict[str, Any], *, strict: bool) -> Any:
        if (name, strict) not in self._converted:
            within: dict[str, Any] = {}
            schema = self._root["components"]["schemas"][name]
            self._converted[name, strict] = (
                self._converted_schema(schema, within, strict=strict),
                tuple(within),
            )
        converted, uses = self._converted[name, strict]
        needed.update(dict.fromkeys(uses))
        return converted

    def _converted_schema(
        self, schema: Any, needed: dict[str, Any], *, strict: bool, part: bool = False
    ) -> Any:
        """OpenAPI 3.0 as JSON Schema 2020-12; `part` for a schema that is one of several."""
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            needed[name] = None
            return {"$ref": f"#/$defs/{name}"}
        out: dict[str, Any] = {}
        for key, value in schema.items():
            if key in {"allOf", "anyOf", "oneOf"}:
                parts = [
                    self._converted_schema(one, needed, strict=strict, part=True) for one in value
                ]
                out.setdefault("anyOf" if key == "oneOf" else key, []).extend(parts)
            elif key == "properties":
                out[key] = {
                    name: self._converted_schema(one, needed, strict=strict)
                    for name, one in value.items()
                }
            elif key in {"items", "additionalProperties", "not"}:
                out[key] = self._converted_schema(value, needed, strict=strict)
            elif key in KEPT:
                out[key] = value
        if strict and not part and "properties" in out and "additionalProperties" not in out:
            out["unevaluatedProperties"] = False
        return _nullable(out) if schema.get("nullable") else out

    def _resolved(self, node: Any) -> Any:
        while "$ref" in node:
            found: Any = self._root
            for step in node["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            node = found
        return node


KEPT = {
    "type", "enum", "format", "pattern", "required", "minimum", "maximum", "minLength",
    "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties",
}  # fmt: skip


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if "type" in schema and not {"anyOf", "allOf"} & set(schema):
        out = {**schema, "type": [schema["type"], "null"]}
        if "enum" in schema:
            out["enum"] = [*schema["enum"], None]
        return out
    return {"anyOf": [schema, {"type": "null"}]}


def _literals(operation: Operation) -> int:
    return sum(1 for part in operation.template.split("/") if part and "{" not in part)


def _pattern(template: str, *, many: bool) -> str:
    def group(found: re.Match[str]) -> str:
        name = found[1]
        inner = ".+" if many and name in MANY_SEGMENTS else "[^/]+"
        return f"(?P<{name}>{inner})"

    parts = re.split(r"({\w+})", template)
    return "".join(re.sub(r"{(\w+)}", group, p) if p[:1] == "{" else re.escape(p) for p in parts)


def _shortened(message: str) -> str:
    return message if len(message) < 400 else f"{message[:200]} … {message[-200:]}"
