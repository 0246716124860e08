"""Values that know where they were written: what a rendered field is followed through.

A `Traced` tree is a document whose every value has the place in a source file that gave it. What
Kustomize or Helm does to a document is done to such a tree as well, so that in the end each value
still says where it came from. Nothing is believed: `find` compares with what was really rendered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gitops_gate.documents.exact import scalar_value
from gitops_gate.documents.extents import key_text
from gitops_gate.documents.limits import DEFAULT_LIMITS
from gitops_gate.documents.nodes import MAPPING, SCALAR, Node, compose
from gitops_gate.documents.problems import Text, as_text
from gitops_gate.documents.scalars import UnreadableScalarError, json_value
from gitops_gate.errors import ManifestError
from gitops_gate.findings import FieldPath

_MAXIMUM_VALUES = 200_000
"""Values that one document may have, aliases expanded, to be followed at all."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a source file; line and column are 1-based, 0 where they are not known."""

    path: str
    line: int = 0
    column: int = 0


class Traced:
    """A value and the place that gave it.

    `value` is a scalar, a dict of `Traced` by key, or a list of them. `key` is where the name of
    the field stands, if it has one. `sure` is false where something that is not understood may
    have had a hand in it.
    """

    __slots__ = ("key", "place", "sure", "value")

    def __init__(
        self, value: Any, place: Place, *, key: Place | None = None, sure: bool = True
    ) -> None:
        self.value = value
        self.place = place
        self.key = key
        self.sure = sure

    @property
    def fields(self) -> dict[str, Traced]:
        """The fields of a mapping; an empty dict, not part of the tree, for anything else."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> list[Traced]:
        """The items of a list; an empty list, not part of the tree, for anything else."""
        return self.value if isinstance(self.value, list) else []

    @property
    def text(self) -> str:
        """The value if it is text, else ""."""
        return self.value if isinstance(self.value, str) else ""

    def get(self, *names: str) -> Traced | None:
        """The value behind a path of fields, None where there is none."""
        node: Traced | None = self
        for name in names:
            node = node.fields.get(name) if node is not None else None
        return node

    def text_of(self, *names: str) -> str:
        """The text behind a path of fields, else ""."""
        found = self.get(*names)
        return found.text if found is not None else ""

    def copied(self, *, sure: bool = True) -> Traced:
        """The same tree, to be changed on its own; without `sure`, none of it is sure."""
        value: Any = self.value
        if isinstance(value, dict):
            value = {name: member.copied(sure=sure) for name, member in value.items()}
        elif isinstance(value, list):
            value = [item.copied(sure=sure) for item in value]
        return Traced(value, self.place, key=self.key, sure=self.sure and sure)


Spot = tuple[int, int]
"""A 1-based line and column of a document."""
Where = Callable[[Spot, Spot | None], tuple[Place, bool]]
"""From where a node starts, and where a scalar ends, to its place, and whether that is sure."""


def traced(raw: bytes, path: str, first_line: int = 1, where: Where | None = None) -> Traced | None:
    """One document as a traced tree; None when there is none, or when it cannot be followed.

    `where` says what stands where in a document that was made from other files.
    """

    def here(start: Spot, _: Spot | None) -> tuple[Place, bool]:
        return Place(path, *start), True

    try:
        text = as_text(raw, first_line)
        root = compose(text, DEFAULT_LIMITS)
        return None if root is None else _Builder(text, where or here).build(root)
    except (ManifestError, UnreadableScalarError, RecursionError):
        return None


class _Builder:
    """Turns the nodes of one document into traced values; what an alias stands for is copied."""

    def __init__(self, text: Text, where: Where) -> None:
        self._text = text
        self._where = where
        self._left = _MAXIMUM_VALUES
        self._depth = 0

    def build(self, node: Node) -> Traced:
        self._left -= 1
        if self._left < 0 or self._depth > DEFAULT_LIMITS.max_depth:
            raise ManifestError("too much to be followed")
        target = node.target
        place, sure = self._place(target)
        if target.kind == SCALAR:
            return Traced(json_value(scalar_value(target)), place, sure=sure)
        self._depth += 1
        if target.kind == MAPPING:
            fields: dict[str, Traced] = {}
            self._fill(fields, target)
            self._depth -= 1
            return Traced(fields, place)
        items = [self.build(item) for item in target.children]
        self._depth -= 1
        return Traced(items, place)

    def _place(self, node: Node) -> tuple[Place, bool]:
        end = self._text.place(node.end) if node.kind == SCALAR else None
        return self._where(self._text.place(node.mark), end)

    def _fill(self, fields: dict[str, Traced], mapping: Node) -> None:
        for key, value in zip(mapping.children[::2], mapping.children[1::2], strict=True):
            if key.merges:
                target = value.target
                sources = target.children if target.kind != MAPPING else [target]
                for source in reversed(sources):
                    for name, member in self.build(source).fields.items():
                        fields.setdefault(name, member)
                continue
            name_of_key = key_text(key)
            if name_of_key is None:
                raise ManifestError("a key that is no text")
            member = self.build(value)
            member.key = self._place(key)[0]
            fields[name_of_key] = member


def plain(node: Traced) -> Any:
    """The JSON-like value of a traced tree."""
    if isinstance(node.value, dict):
        return {name: plain(member) for name, member in node.value.items()}
    if isinstance(node.value, list):
        return [plain(item) for item in node.value]
    return node.value


@dataclass(frozen=True, slots=True)
class Found:
    """Where a rendered field was found: the deepest node that is there on the way to it.

    `exact`: it is the field itself, its value is the rendered one, and nothing unknown is behind.
    """

    node: Traced
    depth: int
    exact: bool


def find(rendered: Any, root: Traced, field: FieldPath) -> Found:
    """Follow a field of a rendered resource into the traced tree that should have become it.

    Items of lists are found by what they are, since their order may differ.
    """
    node, depth, sure = root, 0, root.sure
    for element in field:
        step = _step(rendered, node, element)
        if step is None:
            return Found(node, depth, exact=False)
        rendered, node = step
        depth += 1
        sure = sure and node.sure
    return Found(node, depth, exact=sure and _agrees(rendered, node))


def _step(rendered: Any, node: Traced, element: str | int) -> tuple[Any, Traced] | None:
    if isinstance(rendered, Mapping) and element in rendered and str(element) in node.fields:
        return rendered[element], node.fields[str(element)]
    if not isinstance(element, int) or not isinstance(rendered, list):
        return None
    if not 0 <= element < len(rendered):
        return None
    item = _item(rendered, node.items, element)
    return None if item is None else (rendered[element], item)


def _agrees(rendered: Any, node: Traced) -> bool:
    """Whether a scalar is the rendered one; a mapping or list only has to be one, too."""
    if isinstance(rendered, Mapping):
        return isinstance(node.value, dict)
    if isinstance(rendered, list):
        return isinstance(node.value, list)
    return type(rendered) is type(node.value) and rendered == node.value


_KEYS = ("name", "containerPort", "port", "mountPath", "devicePath", "host", "key", "ip", "type")


def _item(rendered: list[Any], items: list[Traced], index: int) -> Traced | None:
    """The one item that became the rendered one: equal to it, or of the same name."""
    wanted = rendered[index]
    if isinstance(wanted, Mapping):
        for key in _KEYS:
            if key not in wanted:
                continue
            named = [item for item in items if _value_of(item, key) == wanted[key]]
            alike = [one for one in rendered if _same_key(one, wanted, key)]
            if len(named) == len(alike) and named:
                return named[next(n for n, one in enumerate(alike) if one is wanted)]
            if len(named) == 1:
                return named[0]
            break
    equal = [item for item in items if plain(item) == wanted]
    same = [position for position, one in enumerate(rendered) if one == wanted]
    if len(equal) == len(same) and equal:
        return equal[same.index(index)]
    if len(items) == len(rendered) and isinstance(items[index].value, dict) is isinstance(
        wanted, Mapping
    ):
        return items[index].copied(sure=_no_keys(items))
    return None


def _no_keys(items: list[Traced]) -> bool:
    """Whether items can only be told apart by their position, which then is what they are."""
    return not any(key in item.fields for item in items for key in _KEYS)


def _value_of(item: Traced, key: str) -> Any:
    found = item.fields.get(key)
    return None if found is None else found.value


def _same_key(one: Any, other: Mapping[str, Any], key: str) -> bool:
    return isinstance(one, Mapping) and one.get(key) == other[key]


def walk(node: Traced) -> Iterator[Traced]:
    """The node and everything below it."""
    yield node
    members = node.fields.values() if isinstance(node.value, dict) else node.items
    for member in members:
        yield from walk(member)
