"""Remembers by content, within a budget, so that memory stays flat however many documents come.

What many applications render is the same again and again; what was found out about a document
once holds for every identical one. Keys are, or hold, the documents' bytes.
"""

from __future__ import annotations

from typing import Any

BUDGET = 64 * 2**20


class BoundedMemory(dict[Any, Any]):
    """A mapping that forgets everything once its keys hold more than `budget` bytes."""

    def __init__(self, budget: int = BUDGET) -> None:
        super().__init__()
        self._budget = budget
        self._held = 0

    def __setitem__(self, key: Any, value: Any) -> None:
        self._held += _size(key)
        if self._held > self._budget:
            self.clear()
            self._held = _size(key)
        super().__setitem__(key, value)


def _size(key: Any) -> int:
    """The bytes of documents in a key, and something for every entry."""
    if isinstance(key, bytes):
        return len(key) + 64
    if isinstance(key, tuple):
        return sum(map(_size, key)) + 64
    return 8
