"""YAML for discovery: the documents of a stream as plain values, and fields as Go finds them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gitops_gate.documents import load_document, split_stream
from gitops_gate.errors import ManifestError

LFS_POINTER = b"version https://git-lfs.github.com/spec/"
"""How a Git LFS pointer starts (git-lfs, `docs/spec.md`)."""


_WORD = re.compile(r"[^\s'\"]+")
_MAXIMUM_SEARCHES = 50


class AmbiguousKeyError(ValueError):
    """A mapping has two keys that Go's JSON decoder takes for the same field."""


def documents(data: bytes) -> Iterator[object]:
    """Every document of a stream. Raises `ManifestError` at the first that cannot be read.

    Of keys that are given twice the last counts, as for Kustomize and for Argo CD: discovery must
    not overlook what they would deploy. That it is wrong is found when it is rendered.
    """
    for raw in split_stream(data):
        yield load_document(raw.text, strict=False, first_line=raw.line)


def each_document(
    data: bytes, look: Callable[[bytes], object | None]
) -> Iterator[object | ManifestError]:
    """Every document of a stream, with the error in the place of one that cannot be read.

    Where `look` finds out enough from a document's bytes, what it gives stands for the document.
    """
    try:
        stream = split_stream(data)
    except ManifestError as error:
        yield error
        return
    for raw in stream:
        seen = look(raw.text)
        if seen is not None:
            yield seen
            continue
        try:
            yield load_document(raw.text, strict=False, first_line=raw.line)
        except ManifestError as error:
            yield error


def first_document(data: bytes) -> object:
    """The first document of a stream, the only one that Kustomize and Helm look at.

    None for an empty stream. Raises `ManifestError`.
    """
    return next(documents(data), None)


def lenient_documents(text: str) -> list[object] | None:
    """The documents of a text inside a document, or None when it is no YAML."""
    try:
        return list(documents(text.encode("utf-8", "surrogatepass")))
    except ManifestError:
        return None


def fields(value: object) -> dict[str, Any]:
    """A mapping with its keys in lower case; empty for anything else.

    Kustomize decodes its own files with Go's `encoding/json`, which takes `Resources` for
    `resources`. Raises `AmbiguousKeyError` when two keys become one.
    """
    if not isinstance(value, Mapping):
        return {}
    folded: dict[str, Any] = {}
    for key, item in value.items():
        name = str(key).casefold()
        if name in folded:
            raise AmbiguousKeyError(name)
        folded[name] = item
    return folded


def texts(value: object) -> list[str]:
    """The texts of a list, leaving out what is none and what is empty."""
    if not isinstance(value, list | tuple):
        return []
    return [item for item in value if isinstance(item, str) and item]


def items(value: object) -> list[Any]:
    """A list as it is; empty for anything else."""
    return list(value) if isinstance(value, list | tuple) else []


def text(value: object) -> str:
    """A text as it is; "" for anything else."""
    return value if isinstance(value, str) else ""


class Lines:
    """Finds the line on which a text first stands in a file, without searching it each time."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._words: dict[str, int] | None = None
        self._searches = _MAXIMUM_SEARCHES

    def of(self, needle: str) -> int:
        """The 1-based line; 0 when the text does not stand there as such."""
        if self._words is None:
            self._words = {}
            for number, line in enumerate(self._source.split("\n"), 1):
                for word in _WORD.findall(line):
                    self._words.setdefault(word, number)
        if needle in self._words or not needle or not self._searches:
            return self._words.get(needle, 0)
        self._searches -= 1
        at = self._source.find(needle)
        return self._source.count("\n", 0, at) + 1 if at >= 0 else 0
