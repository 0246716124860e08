"""The word that was probably meant, and the place where a field probably belongs."""

from __future__ import annotations

import difflib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gitops_gate.findings import FieldPath

_LONGEST_WORD = 80
SIMILARITY = 0.72
_DEEPEST_PLACE = 5
_FARTHEST_PLACE = 3


def nearest(word: str, candidates: Iterable[str], *, similarity: float = SIMILARITY) -> str | None:
    """The candidate that `word` is probably a misspelling of, if any; never `word` itself."""
    if not word or len(word) > _LONGEST_WORD:
        return None
    known = sorted(set(candidates) - {word})
    folded = _fold(word)
    for candidate in known:
        if _fold(candidate) == folded:
            return candidate
    by_folded = {_fold(candidate): candidate for candidate in reversed(known)}
    close = difflib.get_close_matches(folded, sorted(by_folded), n=1, cutoff=similarity)
    return by_folded[close[0]] if close else None


def place_of(field: str, path: FieldPath, schema: Mapping[str, Any]) -> FieldPath | None:
    """The object, elsewhere in the resource, that has a field of this name.

    Of several, the nearest to `path` (steps up and down) wins; None when that is a tie, too far
    away to be meant, or when there is none. Lists are not searched: which element would be meant
    is not known.
    """
    best: list[FieldPath] = []
    shortest = _FARTHEST_PLACE
    for place in _objects_with(field, schema):
        steps = _distance(place, path)
        if steps < shortest or (steps == shortest and not best):
            best, shortest = [place], steps
        elif steps == shortest:
            best.append(place)
    return best[0] if len(best) == 1 else None


def _objects_with(field: str, schema: Mapping[str, Any]) -> Iterator[FieldPath]:
    pending: deque[tuple[FieldPath, Mapping[str, Any]]] = deque([((), schema)])
    visited: set[str] = set()
    while pending:
        place, node = pending.popleft()
        reference = node.get("$ref")
        if isinstance(reference, str):
            if reference in visited:
                continue
            visited.add(reference)
            node = schema["$defs"][reference.rpartition("/")[2]]
        node = node.get("else", node)
        fields = node.get("properties", {})
        if field in fields:
            yield place
        if len(place) < _DEEPEST_PLACE:
            for name, child in fields.items():
                if isinstance(child, Mapping) and name not in ("metadata", "status"):
                    pending.append(((*place, name), child))


def _distance(one: FieldPath, other: FieldPath) -> int:
    shared = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        shared += 1
    return len(one) + len(other) - 2 * shared


def _fold(word: str) -> str:
    return word.lower().replace("-", "").replace("_", "")
