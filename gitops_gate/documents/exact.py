"""Reads one document exactly as `sigs.k8s.io/yaml` does, slowly.

Nodes become values in the order in which go-yaml decodes them, so that merges, duplicate keys and
its guard against alias bombs come out the same. The loader in front of it (`fast`) hands over every
document in which another reader could see something else.
"""

from __future__ import annotations

from math import isnan

from gitops_gate.documents.limits import Limits
from gitops_gate.documents.nodes import ALIAS, MAPPING, SCALAR, SEQUENCE, Node, compose
from gitops_gate.documents.problems import as_text
from gitops_gate.documents.scalars import (
    Scalar,
    UnreadableScalarError,
    json_key,
    json_value,
    resolve_plain,
    resolve_tagged,
)

_FREE_ALIASES = 100
_FREE_NODES = 1000
_ALIAS_SHARE = 0.99
"""go-yaml gives up when this much of a document comes from aliases."""

Key = str | tuple[type, Scalar]
"""A key as go-yaml tells it from others: `1`, `1.0` and `"1"` are three."""


def load_exactly(raw: bytes, *, strict: bool, limits: Limits, first_line: int) -> object:
    """The JSON-like value of one document, None when there is nothing but comments.

    Raises `ManifestError` for what Kubernetes would not read, or would read by chance.
    """
    text = as_text(raw, first_line)
    root = compose(text, limits)
    if root is None:
        return None
    try:
        return _Decoder(strict, limits).document(root)
    except _BadNodeError as bad:
        raise text.error(bad.message, bad.node.mark) from None


class _BadNodeError(Exception):
    """A node that cannot be decoded, and why."""

    def __init__(self, message: str, node: Node) -> None:
        super().__init__(message)
        self.message = message
        self.node = node


def scalar_value(node: Node) -> Scalar:
    """The value of a scalar node before its way through JSON."""
    if node.tag is None:
        return resolve_plain(node.text)
    return resolve_tagged(node.tag, node.text)


class _Decoder:
    """Decodes one document; counts as go-yaml does."""

    def __init__(self, strict: bool, limits: Limits) -> None:
        self._strict = strict
        self._limits = limits
        self._decoded = 1
        self._aliased = 0
        self._odd_keys = False
        self._open_aliases: list[Node] = []
        self._unfit: list[_BadNodeError] = []

    def document(self, root: Node) -> object:
        """The JSON-like value of the whole document."""
        value = self.value(root, 0)
        if self._unfit:
            _refuse_unfit(value)
        return value

    def value(self, node: Node, depth: int) -> object:
        """The JSON-like value of a node that is `depth` collections deep."""
        self._count(node)
        if node.kind == SCALAR:
            return self._json(node)
        if node.kind == ALIAS:
            value = self.value(self._enter(node), depth)
            self._open_aliases.pop()
            return value
        self._check_depth(node, depth)
        if node.kind == SEQUENCE:
            return [self.value(item, depth + 1) for item in node.children]
        entries: dict[Key, object] = {}
        self._fill(entries, node, depth + 1)
        return self._json_object(entries, node) if self._odd_keys else entries

    def _check_depth(self, node: Node, depth: int) -> None:
        if depth >= self._limits.max_depth:
            raise _BadNodeError(f"nested deeper than {self._limits.max_depth} levels", node)

    def _count(self, node: Node) -> None:
        self._decoded += 1
        if self._decoded > self._limits.max_nodes:
            raise _BadNodeError(f"more than {self._limits.max_nodes:,} values", node)
        if self._open_aliases:
            self._aliased += 1
            excess = (
                self._aliased > _FREE_ALIASES
                and self._decoded > _FREE_NODES
                and self._aliased / self._decoded > _ALIAS_SHARE
            )
            if excess or self._aliased > self._limits.max_aliases:
                raise _BadNodeError("aliases that expand to too much", self._open_aliases[0])

    def _enter(self, alias: Node) -> Node:
        if any(alias is already for already in self._open_aliases):
            raise _BadNodeError("an anchor whose value contains itself", alias)
        self._open_aliases.append(alias)
        return alias.target

    def _fill(self, entries: dict[Key, object], mapping: Node, depth: int) -> None:
        """Put the entries of a mapping into `entries`, merges at their place."""
        children = iter(mapping.children)
        for key_node, value_node in zip(children, children, strict=True):
            if key_node.merges:
                self._merge(entries, value_node, depth)
                continue
            key = self._key(key_node)
            value = self.value(value_node, depth)
            if self._strict and key in entries:
                raise _BadNodeError(f"key {_shown(key)} is there twice", key_node)
            entries[key] = value

    def _merge(self, entries: dict[Key, object], node: Node, depth: int) -> None:
        sources = node.children[::-1] if node.kind == SEQUENCE else [node]
        for source in sources:
            if source.target.kind != MAPPING:
                raise _BadNodeError("<< takes a mapping or a list of mappings", source)
            self._check_depth(source, depth)
            self._count(source)
            if source.kind == ALIAS:
                target = self._enter(source)
                self._count(target)
                self._fill(entries, target, depth + 1)
                self._open_aliases.pop()
            else:
                self._fill(entries, source, depth + 1)

    def _key(self, node: Node) -> Key:
        self._count(node)
        target = node.target
        if node.kind == ALIAS:
            self._open_aliases.append(node)
            self._count(target)
            self._open_aliases.pop()
        if target.kind != SCALAR:
            raise _BadNodeError("a mapping or a list cannot be a key", node)
        try:
            value = scalar_value(target)
        except UnreadableScalarError as error:
            raise _BadNodeError(f"a key that {error}", node) from None
        if isinstance(value, str):
            return value
        self._odd_keys = True
        if isinstance(value, float) and isnan(value):
            value = float("nan")  # no two of them are equal, however often one stands there
        return (type(value), value)

    def _json(self, node: Node) -> object:
        try:
            value = scalar_value(node)
        except UnreadableScalarError as error:
            raise _BadNodeError(f"{node.text[:40]!r} {error}", node) from None
        try:
            return json_value(value)
        except UnreadableScalarError as error:
            return self._later(f"{node.text[:40]!r} {error}", node)

    def _json_object(self, entries: dict[Key, object], node: Node) -> object:
        """The entries with their keys as JSON spells them.

        Two keys that only JSON makes equal (`1` and `"1"`) are refused: Kubernetes keeps one of
        them by chance.
        """
        result: dict[str, object] = {}
        for key, value in entries.items():
            try:
                name = key if isinstance(key, str) else json_key(key[1])
            except UnreadableScalarError as error:
                return self._later(f"a key that {error}", node)
            if name in result:
                return self._later(f"two keys that both become {_shown(name)}", node)
            result[name] = value
        return result

    def _later(self, message: str, node: Node) -> _BadNodeError:
        """Stands for a value that YAML has and JSON has not.

        It is an error unless a later duplicate key replaces it, as in Kubernetes' two steps.
        """
        self._unfit.append(_BadNodeError(message, node))
        return self._unfit[-1]


def _refuse_unfit(value: object) -> None:
    """Raise the first value that JSON does not have."""
    if isinstance(value, _BadNodeError):
        raise value
    if isinstance(value, dict):
        for member in value.values():
            _refuse_unfit(member)
    elif isinstance(value, list):
        for item in value:
            _refuse_unfit(item)


def _shown(key: Key) -> str:
    """A key for a message, cut to a readable length."""
    name = key if isinstance(key, str) else str(key[1])
    return f'"{name[:60]}…"' if len(name) > 60 else f'"{name}"'
