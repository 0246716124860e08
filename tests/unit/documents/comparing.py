"""Equality of JSON-like values that tells 1 from 1.0 and from True."""

from __future__ import annotations


def same(left: object, right: object) -> bool:
    """Whether two values are equal and of equal types, all the way down."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right
