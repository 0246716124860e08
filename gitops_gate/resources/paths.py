"""Paths into JSON-like values: with indexes, as checks give them, and without, to compare by.

A path holds a name for each mapping and an index for each list on its way. Where it leaves the
value it is given, nothing is raised: paths come from policies, which may be wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gitops_gate.resources.merge_keys import PathElement, identify

IdentityMemo = dict[int, tuple[str, ...]]
"""Identities of the items of lists, by `id` of the list; valid as long as the lists live."""


def identified_path(
    value: Any,
    path: Sequence[PathElement],
    names: Mapping[str, str] | None = None,
    memo: IdentityMemo | None = None,
) -> tuple[str, ...]:
    """`path` with each index replaced by the identity of that item, as `[name=web]`.

    `names` are generated names and what they are without their hash, as `identify` takes them.
    An index that leads nowhere is kept, as `[7]`. With `memo`, many paths into one long list cost
    no more than one; it belongs to one set of `names`.
    """
    identified: list[str] = []
    for element in path:
        index = _index(value, element)
        if index is None:
            identified.append(f"[{element}]" if isinstance(element, int) else element)
            value = value.get(element) if isinstance(value, Mapping) else None
            continue
        identities = None if memo is None else memo.get(id(value))
        if identities is None:
            identities = identify(identified, value, names)
            if memo is not None:
                memo[id(value)] = identities
        identified.append(identities[index])
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
    return replace_all(value, {tuple(path): replacement})


def replace_all(value: Any, replacements: Mapping[tuple[PathElement, ...], Any]) -> Any:
    """A copy of `value` with the replacement at every path that leads somewhere in it."""
    if not replacements:
        return value
    if () in replacements:
        return replacements[()]
    deeper: dict[PathElement, dict[tuple[PathElement, ...], Any]] = {}
    for path, replacement in replacements.items():
        index = _index(value, path[0])
        deeper.setdefault(path[0] if index is None else index, {})[path[1:]] = replacement
    if isinstance(value, Mapping):
        changed = {
            name: replace_all(value[name], below) for name, below in deeper.items() if name in value
        }
        return {**value, **changed} if changed else value
    if isinstance(value, list | tuple):
        items = list(value)
        for position, below in deeper.items():
            if (index := _index(value, position)) is not None:
                items[index] = replace_all(value[index], below)
        return type(value)(items)
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
