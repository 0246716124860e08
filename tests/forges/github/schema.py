"""GitHub's own GraphQL schema as referee: what may be asked, what may be answered.

Built once a process from the npm package `@octokit/graphql-schema` (under a second). Scalars that
the schema only names are given GitHub's forms, so that a wrong time or commit id is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import graphql
from graphql import FieldNode, GraphQLScalarType, GraphQLSchema, OperationDefinitionNode
from graphql.language import ast

from tests.engines import node_package

FORMS = {
    "DateTime": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)"),
    "GitObjectID": re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?"),
    "BigInt": re.compile(r"\d+"),
    "URI": re.compile(r"\w[\w+.-]*:\S+|/\S*"),
    "GitTimestamp": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)"),
}


@cache
def schema() -> GraphQLSchema:
    """The schema. It is not judged itself: it is GitHub's, and defines one field twice."""
    text = (node_package("@octokit/graphql-schema") / "schema.graphql").read_text("utf-8")
    parsed = graphql.parse(text, no_location=True)
    built = graphql.build_ast_schema(parsed, assume_valid=True, assume_valid_sdl=True)
    for name, form in FORMS.items():
        scalar = built.type_map[name]
        assert isinstance(scalar, GraphQLScalarType)
        scalar.coerce_output_value = _formed(name, form)
    return built


def _formed(name: str, form: re.Pattern[str]) -> Any:
    def formed(value: Any) -> str:
        if not isinstance(value, str) or not form.fullmatch(value):
            raise graphql.GraphQLError(f"{value!r} is no {name}")
        return value

    return formed


@dataclass(frozen=True)
class Parsed:
    """A document: its operation, what the schema has against it, and what it costs."""

    document: ast.DocumentNode | None
    name: str
    errors: tuple[graphql.GraphQLError, ...]


@lru_cache(512)
def parsed(text: str, operation_name: str | None) -> Parsed:
    """A document against the schema. The name is `graphql/query/NAME` or the mutation's field."""
    try:
        document = graphql.parse(text)
    except graphql.GraphQLError as error:
        return Parsed(None, "graphql/unreadable", (error,))
    name = _name(operation_of(document, operation_name))
    return Parsed(document, name, tuple(graphql.validate(schema(), document)))


def operation_of(
    document: ast.DocumentNode, operation_name: str | None
) -> OperationDefinitionNode | None:
    """The operation of a document that is to be executed."""
    found = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    if operation_name is not None:
        found = [one for one in found if one.name and one.name.value == operation_name]
    return found[0] if found else None


def _name(operation: OperationDefinitionNode | None) -> str:
    if operation is None:
        return "graphql/unreadable"
    first = next((f for f in operation.selection_set.selections if isinstance(f, FieldNode)), None)
    field = first.name.value if first else "nothing"
    if operation.operation == ast.OperationType.MUTATION:
        return f"graphql/mutation/{field}"
    return f"graphql/query/{operation.name.value if operation.name else field}"


def cost(document: ast.DocumentNode, operation_name: str | None, variables: Any) -> tuple[int, int]:
    """Points and nodes, by GitHub's rule: a hundredth of the requests that connections take."""
    operation = operation_of(document, operation_name)
    fragments = {
        one.name.value: one
        for one in document.definitions
        if isinstance(one, ast.FragmentDefinitionNode)
    }
    if operation is None:
        return 1, 0
    pairs = list(_connections(operation.selection_set, fragments, variables, 1))
    requests, nodes = sum(times for times, _ in pairs), sum(size for _, size in pairs)
    return max(1, round(requests / 100)), nodes


def _connections(
    selection: ast.SelectionSetNode | None, fragments: Any, variables: Any, times: int
) -> Iterator[tuple[int, int]]:
    for one in selection.selections if selection else ():
        if isinstance(one, ast.FragmentSpreadNode):
            inner = fragments[one.name.value].selection_set
            yield from _connections(inner, fragments, variables, times)
        elif isinstance(one, ast.InlineFragmentNode):
            yield from _connections(one.selection_set, fragments, variables, times)
        elif isinstance(one, FieldNode):
            size = _size(one, variables)
            if size is not None:
                yield times, times * size
            yield from _connections(one.selection_set, fragments, variables, times * (size or 1))


def _size(field: FieldNode, variables: Any) -> int | None:
    for argument in field.arguments or ():
        if argument.name.value in {"first", "last"}:
            if isinstance(argument.value, ast.IntValueNode):
                return int(argument.value.value)
            if isinstance(argument.value, ast.VariableNode):
                found = (variables or {}).get(argument.value.name.value)
                return int(found) if found is not None else None
    return None
