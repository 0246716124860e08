"""The files of one side of an application, read once and only when a finding asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gitops_gate.discovery.listing import Listing
from gitops_gate.documents import RawDocument, expand_lists, load_document, split_stream
from gitops_gate.errors import GitOpsGateError
from gitops_gate.evaluation.places.traced import Place, Traced, traced
from gitops_gate.evaluation.values import Side
from gitops_gate.render.charts import ARCHIVES, archive_files

INSIDE = "!"
"""Stands between the path of an archive and the path of a file inside of it."""

_LARGEST = 4_000_000
"""Bytes of a file that is still followed; what is larger was not written by hand."""

_UNPACKED = 64_000_000
"""Bytes of all files in packed charts together that are kept."""

_BYTES = 12_000_000
"""Bytes of documents that are traced for a side; a place costs some microseconds a byte."""

_ENTRIES = 3_000_000
"""Entries of kustomizations that are gone through for all resources of a side together."""


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """A document of a file: its bytes, the line that it starts on, and its value."""

    path: str
    text: bytes
    line: int
    value: Mapping[str, Any]


class Sources:
    """Reads files of a side's tree; whatever cannot be read is as if it were not there."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.listing = Listing(side.tree)
        self._raw: dict[str, bytes | None] = {}
        self._documents: dict[str, tuple[SourceDocument, ...]] = {}
        self._traced: dict[tuple[str, int], Traced | None] = {}
        self.patches: dict[Place, tuple[Traced, ...]] = {}
        self._packed: dict[str, bytes] | None = None
        self._left = _ENTRIES
        self._bytes = _BYTES

    def spend(self, entries: int) -> bool:
        """Whether so many more entries of kustomizations may be gone through for this side."""
        self._left -= entries
        return self._left >= 0

    def file(self, path: str) -> str | None:
        """The path of the file that a path leads to, links followed; None if there is none."""
        if INSIDE in path and path in self.packed():
            return path
        place = self.listing.resolve(path)
        return place.path if not place.outside and self.listing.is_file(place.path) else None

    def read(self, path: str) -> bytes | None:
        """The bytes of a file, None when it cannot be read or is too large."""
        if INSIDE in path and path in self.packed():
            return self.packed()[path]
        if path not in self._raw:
            try:
                content = self.side.tree.read(path)
            except (GitOpsGateError, KeyError):
                content = None
            fits = content is not None and len(content) <= _LARGEST
            self._raw[path] = content if fits else None
        return self._raw[path]

    def packed(self) -> Mapping[str, bytes]:
        """The files inside of packed charts, by `archive!path`, in sorted order, up to a size."""
        if self._packed is None:
            found: dict[str, bytes] = {}
            room = _UNPACKED
            for path in sorted(self.side.closure.files):
                raw = self.read(path) if path.endswith(ARCHIVES) else None
                for file in archive_files(path, raw) if raw is not None else ():
                    size = _LARGEST + 1 if file.content is None else len(file.content)
                    if file.content is not None and size <= min(_LARGEST, room):
                        room -= size
                        found[f"{path}{INSIDE}{file.inner}"] = file.content
            self._packed = dict(sorted(found.items()))
        return self._packed

    def documents(self, path: str) -> tuple[SourceDocument, ...]:
        """The documents of a file that are mappings."""
        if path not in self._documents:
            found = []
            for raw in streamed(self.read(path) or b""):
                try:
                    value = load_document(raw.text)
                except GitOpsGateError:
                    continue
                if isinstance(value, dict):
                    found.append(SourceDocument(path, raw.text, raw.line, value))
            self._documents[path] = tuple(found)
        return self._documents[path]

    def traced(self, path: str) -> Traced | None:
        """The first document of a file, to be looked at and not changed."""
        key = (path, 0)
        if key not in self._traced:
            raw = next(iter(streamed(self.read(path) or b"")), None)
            self._traced[key] = self.follow(raw, path) if raw else None
        return self._traced[key]

    def document(self, source: SourceDocument) -> Traced | None:
        """One document, to be looked at and not changed."""
        key = (source.path, source.line)
        if key not in self._traced:
            raw = RawDocument(source.text, source.line)
            self._traced[key] = self.follow(raw, source.path)
        return self._traced[key]

    def follow(self, raw: RawDocument, path: str) -> Traced | None:
        """One document of a file, traced, as long as that is affordable."""
        self._bytes -= len(raw.text)
        return traced(raw.text, path, raw.line) if self._bytes >= 0 else None


def streamed(data: bytes) -> tuple[RawDocument, ...]:
    """The documents of a stream; none for one that Kubernetes would not read."""
    try:
        return split_stream(data)
    except GitOpsGateError:
        return ()


def resources_of(value: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], tuple[str | int, ...]]]:
    """The resources in a document, those of a List one by one, with their paths in it."""
    try:
        parts = expand_lists(dict(value))
    except GitOpsGateError:
        return []
    return [(part, path) for part, path in parts if isinstance(part, Mapping)]
