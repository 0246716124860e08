"""Where the scalars of a document start and end: for whoever replaces one of them in its text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gitops_gate.documents.exact import scalar_value
from gitops_gate.documents.limits import DEFAULT_LIMITS
from gitops_gate.documents.nodes import MAPPING, SCALAR, SEQUENCE, Node, compose
from gitops_gate.documents.problems import Text, as_text
from gitops_gate.documents.scalars import UnreadableScalarError, json_key
from gitops_gate.errors import ManifestError

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """A scalar in the text of its document: the value at `path`, or (`key`) that field's name.

    Lines and columns are 1-based, in characters; `end_column` is the one behind its last.
    """

    path: Path
    key: bool
    line: int
    column: int
    end_line: int
    end_column: int


def extents_on(text: bytes, line: int, *, first_line: int = 1) -> tuple[Extent, ...]:
    """The scalars that start on a line, in their order; see `extents_of`."""
    return tuple(
        extent for extent in extents_of(text, first_line=first_line) if extent.line == line
    )


def extents_of(text: bytes, *, first_line: int = 1) -> tuple[Extent, ...]:
    """All scalars of a document, in their order; lines count from `first_line`.

    What an alias stands for is where its anchor is. Empty for a document that cannot be read.
    """
    try:
        source = as_text(text, first_line)
        root = compose(source, DEFAULT_LIMITS)
        return () if root is None else tuple(_extents(source, root, ()))
    except (ManifestError, RecursionError):
        return ()


def _extents(source: Text, node: Node, path: Path) -> Iterator[Extent]:
    if node.kind == SCALAR:
        yield _extent(source, node, path, key=False)
    elif node.kind == SEQUENCE:
        for index, item in enumerate(node.children):
            yield from _extents(source, item, (*path, index))
    elif node.kind == MAPPING:
        for key, value in zip(node.children[::2], node.children[1::2], strict=True):
            name = key_text(key)
            if name is None or key.merges:
                continue
            if key.kind == SCALAR:
                yield _extent(source, key, (*path, name), key=True)
            yield from _extents(source, value, (*path, name))


def _extent(source: Text, node: Node, path: Path, *, key: bool) -> Extent:
    line, column = source.place(node.mark)
    end_line, end_column = source.place(node.end)
    return Extent(
        path=path, key=key, line=line, column=column, end_line=end_line, end_column=end_column
    )


def key_text(key: Node) -> str | None:
    """The name of a field as JSON spells it, or None for a key that is none."""
    target = key.target
    if target.kind != SCALAR:
        return None
    try:
        return json_key(scalar_value(target))
    except UnreadableScalarError:
        return None
