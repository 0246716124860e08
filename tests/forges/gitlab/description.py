"""The referee: holds requests and replies against `openapi.yaml`.

GitLab drops parameters that it does not know and says nothing, so a typing error in a client would
never show; here it is a violation. A violation is recorded whether GitLab would have minded or not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml
from openapi_schema_validator import OAS31Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.forges.serving import Reply

FILE = Path(__file__).with_name("openapi.yaml")
_DOCUMENT = "gitlab:/openapi"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One described operation."""

    id: str
    method: str
    template: str
    pattern: re.Pattern[str]
    parameters: tuple[Mapping[str, Any], ...]
    body: Mapping[str, Any] | None
    body_required: bool
    responses: Mapping[str, Any]
    documentation: str | None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as it is described: path and query parameters with their types, and the body."""

    operation: Operation
    path: Mapping[str, Any]
    query: Mapping[str, Any]
    body: Mapping[str, Any]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Description:
    """The description, loaded."""

    document: Mapping[str, Any]
    operations: tuple[Operation, ...]
    registry: Registry[Any]

    def find(self, method: str, raw_path: str) -> Operation | None:
        """The operation of a method and a still encoded path below `/api/v4`."""
        return next(
            (o for o in self.operations if o.method == method and o.pattern.fullmatch(raw_path)),
            None,
        )

    def read(
        self, operation: Operation, raw_path: str, query: tuple[tuple[str, str], ...],
        headers: Mapping[str, str], body: bytes,
    ) -> Asked:  # fmt: skip
        """Take a request apart, and say what the description does not allow in it."""
        problems: list[str] = []
        match = operation.pattern.fullmatch(raw_path)
        assert match is not None
        path = {name: unquote(value) for name, value in match.groupdict().items()}
        described = {(p["in"], p["name"]): p["schema"] for p in operation.parameters}
        typed_path = {
            name: self._typed(value, described["path", name], f"path parameter {name}", problems)
            for name, value in path.items()
        }
        typed_query = self._query(query, described, problems)
        return Asked(
            operation=operation,
            path=typed_path,
            query=typed_query,
            body=self._body(operation, headers, body, problems),
            problems=tuple(problems),
        )

    def check_reply(self, operation: Operation, reply: Reply) -> list[str]:
        """What the description does not allow in a reply; a moved project may redirect anywhere."""
        if reply.status == 301:
            return []
        described = operation.responses.get(str(reply.status))
        if described is None and reply.status >= 400:
            described = operation.responses.get("default")
        if described is None:
            return [f"status {reply.status} is not described"]
        content = self._resolve(described).get("content")
        if content is None:
            return [f"status {reply.status} has no body"] if reply.body else []
        media = (reply.header("content-type") or "").partition(";")[0]
        if media not in content:
            return [f"status {reply.status} as {media or 'nothing'} is not described"]
        if media != "application/json":
            return []
        return [
            f"reply {problem}" for problem in self._problems(reply.json(), content[media]["schema"])
        ]

    def _resolve(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in node:
            return node
        found: Any = self.document
        for part in node["$ref"].removeprefix(f"{_DOCUMENT}#/").split("/"):
            found = found[part]
        return self._resolve(found)

    def _query(
        self, query: tuple[tuple[str, str], ...], described: Mapping[tuple[str, str], Any],
        problems: list[str],
    ) -> dict[str, Any]:  # fmt: skip
        values: dict[str, Any] = {}
        for name in dict.fromkeys(name for name, _ in query):
            came = [value for key, value in query if key == name]
            schema = described.get(("query", name))
            place = f"query parameter {name}"
            if schema is None:
                problems.append(f"{place} is not described")
            elif schema.get("type") == "array":
                values[name] = self._typed(came, schema, place, problems)
            elif len(came) > 1:
                problems.append(f"{place} came {len(came)} times")
            else:
                values[name] = self._typed(came[0], schema, place, problems)
        return values

    def _typed(
        self, value: str | list[str], schema: Mapping[str, Any], place: str, problems: list[str]
    ) -> Any:
        if isinstance(value, list):
            typed: Any = [_coerced(item, schema["items"]) for item in value]
        else:
            typed = _coerced(value, self._resolve(schema))
        problems.extend(f"{place} {problem}" for problem in self._problems(typed, schema))
        return typed

    def _body(
        self, operation: Operation, headers: Mapping[str, str], body: bytes, problems: list[str]
    ) -> dict[str, Any]:
        if not body:
            if operation.body_required:
                problems.append("body is missing")
            return {}
        if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            problems.append(f"body is {headers.get('content-type')!r}, not JSON")
            return {}
        try:
            value = json.loads(body)
        except ValueError as error:
            problems.append(f"body is no JSON: {error}")
            return {}
        schema = operation.body
        if schema is None:
            if value not in ({}, None):
                problems.append("body is not described")
            return {}
        optional = not operation.body_required and value == {}
        if not optional:
            problems.extend(f"body {problem}" for problem in self._problems(value, schema))
        return value if isinstance(value, dict) else {}

    def _problems(self, value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
        validator = OAS31Validator(schema, registry=self.registry)
        for error in validator.iter_errors(value):
            yield f"at {error.json_path}: {_deepest(error)}"[:600]


def _deepest(error: Any) -> str:
    """The message of the branch that came closest, where one of several had to hold."""
    if not error.context:
        return str(error.message)
    best = max(error.context, key=lambda inner: len(inner.absolute_path))
    return f"{error.message[:200]}, because at {best.json_path}: {_deepest(best)}"


def _coerced(text: str, schema: Mapping[str, Any]) -> Any:
    kind = schema.get("type")
    if kind == "integer" and re.fullmatch(r"-?\d{1,18}", text):
        return int(text)
    if kind == "boolean" and text.lower() in {"true", "false", "1", "0"}:
        return text.lower() in {"true", "1"}
    return text


@cache
def load() -> Description:
    """The description in `openapi.yaml`."""
    document = _qualified(yaml.load(FILE.read_text("utf-8"), yaml.CSafeLoader))
    resource = Resource.from_contents(document, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource(_DOCUMENT, resource)
    bare = Description(document, (), registry)
    operations = [
        _operation(bare, template, item, method, item[method])
        for template, item in document["paths"].items()
        for method in ("get", "post", "put", "delete")
        if method in item
    ]
    operations.sort(key=lambda o: (o.template.count("{"), o.template))
    return Description(document, tuple(operations), registry)


def _qualified(node: Any) -> Any:
    """The same with references that mean the whole document, wherever they are looked up from."""
    if isinstance(node, dict):
        return {
            key: _DOCUMENT + value if key == "$ref" else _qualified(value)
            for key, value in node.items()
        }
    return [_qualified(item) for item in node] if isinstance(node, list) else node


def _operation(
    description: Description, template: str, item: Mapping[str, Any], method: str,
    node: Mapping[str, Any],
) -> Operation:  # fmt: skip
    resolve = description._resolve
    parameters = [resolve(p) for p in (*item.get("parameters", ()), *node.get("parameters", ()))]
    request = node.get("requestBody")
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/?]+)", re.escape(template).replace("\\_", "_"))
    return Operation(
        id=node["operationId"],
        method=method.upper(),
        template=template,
        pattern=re.compile(pattern),
        parameters=tuple(parameters),
        body=request["content"]["application/json"]["schema"] if request else None,
        body_required=bool(request and request.get("required")),
        responses=node["responses"],
        documentation=node.get("externalDocs", {}).get("url"),
    )
