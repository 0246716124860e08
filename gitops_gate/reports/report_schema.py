"""The published schema of the JSON report, and its form for reports that strangers made.

The tree of approvals has a schema of its own (`gitops_gate.approvals.tree`), which is included
here under `$defs`, each of its parts as `approvals_<name>`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitops_gate.approvals.tree import approvals_schema

if TYPE_CHECKING:
    from jsonschema_rs import Validator

_NULL = {"type": "null"}
_LOCAL = "#/$defs/"
_PREFIX = "approvals_"


@functools.cache
def report_schema() -> dict[str, Any]:
    """The JSON Schema of a report, as `gitops-gate schema report` prints it."""
    text = Path(__file__).with_name("schema").joinpath("report.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    tree: dict[str, Any] = _renamed(approvals_schema())
    parts: dict[str, Any] = tree.pop("$defs")
    del tree["$schema"], tree["$id"], tree["title"]
    schema["$defs"]["approvals"] = tree
    schema["$defs"] |= {f"{_PREFIX}{name}": part for name, part in parts.items()}
    return schema


def _renamed(schema: Any) -> Any:
    """The schema of approvals with references to where its parts are in the report's."""
    if isinstance(schema, list):
        return [_renamed(member) for member in schema]
    if not isinstance(schema, dict):
        return schema
    renamed = {key: _renamed(member) for key, member in schema.items()}
    if "$ref" in renamed:
        renamed["$ref"] = renamed["$ref"].replace(_LOCAL, f"{_LOCAL}{_PREFIX}")
    return renamed


@functools.cache
def open_validator() -> Validator:
    """What checks a report and lets keys pass that a later version may have added."""
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(_open(report_schema()))


def _open(schema: Any) -> Any:
    """The published schema, for keys that a later version may have added.

    "This or null" is put as a condition, so that a problem is found at its own place.
    """
    if isinstance(schema, list):
        return [_open(member) for member in schema]
    if not isinstance(schema, dict):
        return schema
    opened = {
        key: _open(member)
        for key, member in schema.items()
        if not (key == "additionalProperties" and member is False)
    }
    if schema.get("oneOf", ())[1:] == [_NULL]:
        opened |= {"if": _NULL, "else": opened.pop("oneOf")[0]}
    return opened


def known_approvals(value: Mapping[str, Any]) -> dict[str, Any]:
    """A valid tree of approvals in the order of its schema, without keys that it does not know."""
    known: dict[str, Any] = _known(value, report_schema()["$defs"]["approvals"])
    return known


def _known(value: Any, schema: Mapping[str, Any]) -> Any:
    if "$ref" in schema:
        return _known(value, report_schema()["$defs"][schema["$ref"].removeprefix(_LOCAL)])
    if value is not None and "oneOf" in schema:
        return _known(value, schema["oneOf"][0])
    if isinstance(value, Mapping):
        members = schema["properties"]
        return {key: _known(value[key], part) for key, part in members.items() if key in value}
    if isinstance(value, list):
        return [_known(member, schema["items"]) for member in value]
    return int(value) if isinstance(value, float) else value
