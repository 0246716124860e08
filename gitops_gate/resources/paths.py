"""Paths into JSON-like values: with indexes, as checks give them, and without, to compare by.

A path holds a name for each mapping and an index for each list on its way. Where it leaves the
value it is given, nothing is raised: paths come from policies, which may be wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gitops_gate.resources.merge_keys import PathElement, identify


def identified_path(
    value: Any, path: Sequence[PathElement], names: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """`path` with each index replaced by the identity of that item, as `[name=web]`.

    `names` are generated names and what they are without their hash, as `identify` takes them.
    An index that leads nowhere is kept, as `[7]`.
    """
    identified: list[str] = []
    for element in path:
        index = _index(value, element)
        if index is None:
            identified.append(f"[{element}]" if isinstance(element, int) else element)
            value = value.get(element) if isinstance(value, Mapping) else None
        else:
            identified.append(identify(identified, value, names)[index])
            value = value[index]
    return tuple(identified)


def locate(value: Any, identified: Sequence[str]) -> tuple[PathElement, ...] | None:
    """The path with indexes that `identified_path` turns into `identified`, if there is one."""
    path: list[PathElement] = []
    for depth, element in enumerate(identified):
        if isinstance(value, Mapping) and element in value:
            path.append(element)
            value = value[element]
        elif isinstance(value, list | tuple):
            identities = identify(identified[:depth], value)
            if element not in identities:
                return None
            index = identities.index(element)
            path.append(index)
            value = value[index]
        else:
            return None
    return tuple(path)


def replace_at(value: Any, path: Sequence[PathElement], replacement: Any) -> Any:
    """A copy of `value` with `replacement` at `path`; `value` itself where `path` leads nowhere."""
    if not path:
        return replacement
    element, rest = path[0], path[1:]
    index = _index(value, element)
    if index is not None:
        changed = replace_at(value[index], rest, replacement)
        return type(value)((*value[:index], changed, *value[index + 1 :]))
    if isinstance(value, Mapping) and element in value:
        return {**value, element: replace_at(value[element], rest, replacement)}
    return value


def _index(value: Any, element: PathElement) -> int | None:
    """`element` as an index of the list `value`; digits count, as policy engines may give them."""
    if not isinstance(value, list | tuple):
        return None
    if isinstance(element, str):
        if not (element.isascii() and element.isdigit() and len(element) < 10):
            return None
        element = int(element)
    return element if 0 <= element < len(value) else None
