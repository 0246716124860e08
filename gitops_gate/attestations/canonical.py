"""JSON with one spelling: what is signed is written by it, and nothing else is read back.

Keys are sorted by code point, there is no white space, everything is ASCII, and numbers are whole
and within what every reader of JSON keeps exact (RFC 7493, section 2.2). So one value has one
spelling, and a file that was edited anywhere is not that spelling any more, or another value.
Text that is no Unicode, such as a path of other bytes (PEP 383), is kept as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, cast

from gitops_gate.attestations.failures import refuted, unchecked
from gitops_gate.errors import AttestationError
from gitops_gate.source.paths import shown

MAXIMUM_BYTES = 64 * 1024 * 1024
"""What one file of attestations may hold; a decision about a large repository stays far below."""

MAXIMUM_DEPTH = 100
"""How deeply values may be nested, as in documents."""

_GREATEST = 2**53 - 1


class _UnspellableError(Exception):
    """A value without a spelling, and the way to it from the inside out."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.way: list[str] = []

    def told(self) -> str:
        place = shown("".join(["$", *reversed(self.way[-20:])]))
        return f"{self.reason}, at {place[:300]}"


def canonical_json(value: object) -> bytes:
    """The one spelling of a value. Mappings and sequences of any kind become objects and arrays.

    Raises `AttestationError` for what has none: a fraction, a number beyond 2^53, a key that is no
    text, a value of another type, or nesting beyond `MAXIMUM_DEPTH`.
    """
    return spelled(plain(value))


def plain(value: object) -> Any:
    """The same value as dictionaries and lists. Raises as `canonical_json` does."""
    try:
        return _plain(value, 0)
    except _UnspellableError as fault:
        raise AttestationError(f"this cannot be attested: {fault.told()}") from None


def spelled(value: object) -> bytes:
    """The one spelling of what `plain` or `parsed_json` gave."""
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()


def parsed_json(data: bytes, where: str) -> Any:
    """The value of JSON text, as strictly as everybody should read it.

    Raises `AttestationError`, refuted, unless it is UTF-8 without a key that comes twice, without
    fractions and numbers beyond 2^53, and nested no deeper than `MAXIMUM_DEPTH`.
    """
    if len(data) > MAXIMUM_BYTES:
        raise unchecked(f"it holds {len(data)} bytes, and {MAXIMUM_BYTES} are read at most", where)
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_without_twice,
            parse_float=_no_fraction,
            parse_constant=_no_fraction,
        )
        return _plain(value, 0)
    except _UnspellableError as fault:
        raise refuted(f"this is no attestation: {fault.told()}", where) from None
    except (ValueError, RecursionError):
        raise refuted("this is no attestation: it is not JSON", where) from None


def _plain(value: object, depth: int) -> object:
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        if abs(value) > _GREATEST:
            raise _UnspellableError("a number is beyond 2^53")
        return int(value)
    if depth >= MAXIMUM_DEPTH:
        raise _UnspellableError(f"it is nested deeper than {MAXIMUM_DEPTH} levels")
    if kind is dict or isinstance(value, Mapping):
        return _plain_mapping(cast(Mapping[Any, Any], value), depth + 1)
    if isinstance(value, list | tuple):
        return _plain_list(value, depth + 1)
    raise _UnspellableError(f"a {kind.__name__} is neither text, a whole number nor made of such")


def _plain_list(value: Sequence[object], depth: int) -> list[object]:
    items: list[object] = []
    for number, item in enumerate(value):
        try:
            items.append(_plain(item, depth))
        except _UnspellableError as fault:
            fault.way.append(f"[{number}]")
            raise
    return items


def _plain_mapping(value: Mapping[Any, Any], depth: int) -> dict[str, object]:
    items: dict[str, object] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise _UnspellableError("a key is not text")
        try:
            items[str(key)] = _plain(item, depth)
        except _UnspellableError as fault:
            fault.way.append(f".{key}")
            raise
    return items


def _without_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _UnspellableError("a key comes twice")
    return value


def _no_fraction(_: str) -> NoReturn:
    raise _UnspellableError("a number is not whole")
