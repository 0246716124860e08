"""How a normal form is written for people: as YAML, in an order that does not depend on the source.

`apiVersion`, `kind` and `metadata` come first, a `name` or `key` before its neighbours, everything
else by the alphabet. Lists without an order are in that of the normal form. Texts of several lines
are block scalars, so that a diff compares them by line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitops_gate.documents import dump_yaml

_FIRST = {name: rank for rank, name in enumerate(("apiVersion", "kind", "metadata", "name", "key"))}


def yaml_lines(value: Mapping[str, Any] | None) -> list[str]:
    """The lines of the YAML of one resource; none for an absent one."""
    return [] if value is None else dump_yaml(in_order(value)).split("\n")[:-1]


def in_order(value: Any) -> Any:
    """`value` with its members in reading order and with lists instead of tuples."""
    if isinstance(value, dict):
        return {name: in_order(value[name]) for name in sorted(value, key=_rank)}
    if isinstance(value, list | tuple):
        return [in_order(item) for item in value]
    return value


def _rank(name: str) -> tuple[int, str]:
    return _FIRST.get(name, len(_FIRST)), name
