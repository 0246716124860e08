"""The part of the normal form that holds for every value, whatever field it is in.

A member that is null is absent, and `1.0` is `1`, as JSON numbers are. The rest of the normal
form, which depends on the field, is in `gitops_gate.resources.shapes`.
"""

from __future__ import annotations

import json
from typing import Any

_ENCODE = json.JSONEncoder(
    ensure_ascii=True, sort_keys=True, separators=(",", ":"), check_circular=False
).encode


_SMALL = 2**63
"""Larger whole numbers stay floats: no integer is read that large."""


def plain(value: Any) -> Any:
    """`value` without null members and with whole numbers as integers.

    Lists stay lists and tuples stay tuples: a tuple is a list whose order means nothing.
    """
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if kind is dict:
        return {key: plain(member) for key, member in value.items() if member is not None}
    if kind is list:
        return [plain(item) for item in value]
    if kind is float:
        return int(value) if abs(value) < _SMALL and value.is_integer() else value
    if kind is tuple:
        return tuple(plain(item) for item in value)
    if hasattr(value, "items"):
        return plain(dict(value))
    return value


def text_of(value: Any) -> str:
    """`value` as JSON text that is the same for equal values: sorted keys, ASCII, no spaces.

    Unlike Python's `==`, the texts of `true` and `1` differ.
    """
    return _ENCODE(value)
