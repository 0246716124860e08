"""Where a field stands in the text of its document: computed only for what is shown to someone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gitops_gate.documents.extents import key_text
from gitops_gate.documents.limits import DEFAULT_LIMITS
from gitops_gate.documents.nodes import MAPPING, SEQUENCE, Node, compose
from gitops_gate.documents.problems import as_text
from gitops_gate.errors import ManifestError


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file: 1-based line and column, in characters.

    `exact` is False when the field itself is not there, and its nearest ancestor is pointed at.
    """

    line: int
    column: int
    exact: bool


def locate(
    text: bytes, field: tuple[str | int, ...], *, first_line: int = 1, key: bool = False
) -> Position:
    """The place of the value at `field`, or of its key, in one document.

    `field` is a path into the JSON-like value: keys, and indexes into lists. What comes from an
    alias or a merge is where its anchor stands. Lines count from `first_line`. Never raises: a
    document that cannot be read is pointed at as a whole.
    """
    try:
        source = as_text(text, first_line)
        node = compose(source, DEFAULT_LIMITS)
        if node is None:
            return Position(first_line, 1, exact=False)
        node = node.target
        shown, exact = node, True
        for segment in field:
            step = _step(node, segment)
            if step is None:
                exact = False
                break
            shown, node = step[0 if key else 1].target, step[1].target
        line, column = source.place(shown.mark)
    except (ManifestError, RecursionError):
        return Position(first_line, 1, exact=False)
    return Position(line, column, exact)


def _step(node: Node, segment: str | int) -> tuple[Node, Node] | None:
    """The key and value under `segment`; an item of a list is its own key."""
    if node.kind == MAPPING:
        return _last(_entries(node, str(segment)))
    if node.kind == SEQUENCE and isinstance(segment, int) and 0 <= segment < len(node.children):
        item = node.children[segment]
        return item, item
    return None


def _last(entries: Iterator[tuple[Node, Node]]) -> tuple[Node, Node] | None:
    found = None
    for entry in entries:
        found = entry
    return found


def _entries(mapping: Node, name: str) -> Iterator[tuple[Node, Node]]:
    """The entries of that name, merged ones too, in the order in which they override."""
    for key, value in zip(mapping.children[::2], mapping.children[1::2], strict=True):
        if key.merges:
            for source in value.children[::-1] if value.kind == SEQUENCE else [value]:
                if source.target.kind == MAPPING:
                    yield from _entries(source.target, name)
        elif key_text(key) == name:
            yield key, value
