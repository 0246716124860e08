"""The fields in which two normal forms differ: named by merge key, never by a moving index.

A changed field is the smallest one that differs: a member that is there on one side only, a plain
value, a list of plain values as a whole (arguments, verbs). Items of lists of objects are matched
by identity (`gitops_gate.resources.merge_keys`), and an item without a counterpart is one change.
Where the order of matched items means something and differs, the change is at the list's path
with `[order]` behind it, and its values are the identities in their order. An integer in a path
stands for the same index on both sides, in lists that have an order and no keys.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gitops_gate.changes.values import ABSENT, FieldChange
from gitops_gate.findings import FieldPath
from gitops_gate.resources.merge_keys import identify, is_keyed, list_field
from gitops_gate.resources.plain import text_of

ORDER = "[order]"
"""Last element of the path of a change that is one of order alone."""

_List = list[Any] | tuple[Any, ...]


def differences(
    base: Mapping[str, Any], head: Mapping[str, Any], names: Mapping[str, str] | None = None
) -> tuple[FieldChange, ...]:
    """What differs between two normal forms, sorted by path.

    `names` are generated names with what they are without their hash: an item that refers to one
    is the same item when only the hash differs.
    """
    found = _walk((), base, head, names or {})
    return tuple(sorted(found, key=lambda change: path_order(change.path)))


def path_order(path: FieldPath) -> tuple[tuple[int, int, str], ...]:
    """A sort key for paths: names by text, indexes by number and before names."""
    return tuple(
        (0, element, "") if isinstance(element, int) else (1, 0, element) for element in path
    )


def _walk(path: FieldPath, base: Any, head: Any, names: Mapping[str, str]) -> Iterator[FieldChange]:
    if isinstance(base, dict) and isinstance(head, dict):
        yield from _members(path, base, head, names)
    elif isinstance(base, list | tuple) and isinstance(head, list | tuple):
        if text_of(base) != text_of(head):
            yield from _items(path, base, head, names)
    elif type(base) is not type(head) or base != head:
        yield FieldChange(path=path, base=base, head=head)


def _members(
    path: FieldPath, base: Mapping[str, Any], head: Mapping[str, Any], names: Mapping[str, str]
) -> Iterator[FieldChange]:
    for name in base.keys() | head.keys():
        deeper = (*path, name)
        if name not in head:
            yield FieldChange(path=deeper, base=base[name], head=ABSENT)
        elif name not in base:
            yield FieldChange(path=deeper, base=ABSENT, head=head[name])
        else:
            yield from _walk(deeper, base[name], head[name], names)


def _items(
    path: FieldPath, base: _List, head: _List, names: Mapping[str, str]
) -> Iterator[FieldChange]:
    both = (*base, *head)
    if not all(isinstance(item, dict) for item in both):
        yield FieldChange(path=path, base=base, head=head)
    elif isinstance(base, tuple) and isinstance(head, tuple):
        yield from _matched(path, base, head, names, ordered=False)
    elif is_keyed(list_field(path), both):
        yield from _matched(path, base, head, names, ordered=True)
    else:
        yield from _by_position(path, list(base), list(head), names)


def _by_position(
    path: FieldPath, base: list[Any], head: list[Any], names: Mapping[str, str]
) -> Iterator[FieldChange]:
    """Ordered items without keys: what the equal ends leave is matched by index if it can be."""
    before = _common(base, head)
    shorter = min(len(base), len(head)) - before
    after = min(_common(base[::-1], head[::-1]), shorter)
    middles = (base[before : len(base) - after], head[before : len(head) - after])
    if len(middles[0]) != len(middles[1]):
        yield from _matched(path, base, head, names, ordered=True)
        return
    for index, (one, other) in enumerate(zip(*middles, strict=True), start=before):
        yield from _walk((*path, index), one, other, names)


def _common(base: list[Any], head: list[Any]) -> int:
    count = 0
    for one, other in zip(base, head, strict=False):
        if text_of(one) != text_of(other):
            break
        count += 1
    return count


def _matched(
    path: FieldPath, base: _List, head: _List, names: Mapping[str, str], *, ordered: bool
) -> Iterator[FieldChange]:
    """Items with an identity: what is on one side only, what differs, and a different order."""
    base_ids, head_ids = _identities(path, base, head, names)
    base_items = dict(zip(base_ids, base, strict=True))
    head_items = dict(zip(head_ids, head, strict=True))
    yield from _members(path, base_items, head_items, names)
    if ordered:
        one = [identity for identity in base_ids if identity in head_items]
        other = [identity for identity in head_ids if identity in base_items]
        if one != other:
            yield FieldChange(path=(*path, ORDER), base=one, head=other)


def _identities(
    path: FieldPath, base: _List, head: _List, names: Mapping[str, str]
) -> tuple[Sequence[str], Sequence[str]]:
    """The identity of each item; of those that share one, equal items get the same number."""
    base_ids, head_ids = identify(path, base, names), identify(path, head, names)
    if not any("]#" in identity for identity in (*base_ids, *head_ids)):
        return base_ids, head_ids
    return _renumbered(base_ids, base, head), _renumbered(head_ids, head, base)


def _renumbered(identities: Sequence[str], items: _List, others: _List) -> Sequence[str]:
    """Number the items of each identity so that those the other side has too come first."""
    available: dict[str, int] = defaultdict(int)
    for item in others:
        available[text_of(item)] += 1
    groups: dict[str, list[tuple[bool, str, int]]] = defaultdict(list)
    for index, (identity, item) in enumerate(zip(identities, items, strict=True)):
        text = text_of(item)
        shared = available[text] > 0
        available[text] -= 1
        stem = identity.rpartition("]")[0]
        groups[stem].append((not shared, text, index))
    numbered = list(identities)
    for stem, members in groups.items():
        for count, (_, _, index) in enumerate(sorted(members), start=1):
            numbered[index] = f"{stem}]" if count == 1 else f"{stem}]#{count}"
    return numbered
