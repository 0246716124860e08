"""What must not be quoted of an application's sources, when its renderer complains about them.

A renderer that fails quotes what it could not read, a patch or a literal, and there is no rendered
Secret yet whose values could be masked. So the values come from the sources: from documents that
are Secrets, from generators of Secrets, and from patches inside a kustomization that may be for
one. Used by `defects` for failures only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gitops_gate.evaluation.places import Places
from gitops_gate.resources.masking import hidden_texts

_PATCH_KEYS = ("patches", "patchesJson6902")
_SPEAKS_OF_SECRETS = ("Secret", "stringData", "/data", "data:")


def source_secrets(places: Places, patterns: Sequence[str] = ()) -> frozenset[str]:
    """The texts in the sources of one side that no message may quote."""
    found: set[str] = set()
    for value in places.documents():
        found |= hidden_texts(value, patterns, _generated(value))
    return frozenset(found)


def _generated(document: Mapping[str, Any]) -> Iterator[str]:
    """Values that a kustomization holds for Secrets, in generators and in patches."""
    for generator in _items(document, "secretGenerator"):
        for literal in generator.get("literals") or ():
            yield str(literal)
            yield str(literal).partition("=")[2]
    for key in _PATCH_KEYS:
        for patch in _items(document, key):
            text = patch.get("patch")
            if isinstance(text, str) and _may_be_for_a_secret(text, patch.get("target")):
                yield from _values(text)
    merges = document.get("patchesStrategicMerge")
    for text in merges if isinstance(merges, list) else ():
        if isinstance(text, str) and "\n" in text and _may_be_for_a_secret(text, None):
            yield from _values(text)


def _items(document: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    value = document.get(key)
    for item in value if isinstance(value, list) else ():
        if isinstance(item, Mapping):
            yield item


def _may_be_for_a_secret(text: str, target: Any) -> bool:
    kind = target.get("kind") if isinstance(target, Mapping) else None
    if isinstance(kind, str) and kind.isalpha() and kind != "Secret":
        return False
    return any(word in text for word in _SPEAKS_OF_SECRETS)


def _values(text: str) -> Iterator[str]:
    """What stands behind the keys of a text that nobody could parse, line by line."""
    for line in text.splitlines():
        key, colon, value = line.strip().removeprefix("- ").partition(": ")
        if not colon:
            yield key
        elif key not in ("op", "path", "kind", "apiVersion", "name", "namespace"):
            yield value.strip().strip("\"'")
