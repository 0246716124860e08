"""Facts of the files of one tree, read in batches and each blob at most once.

What is known already comes from memory or from the cache on disk, by blob id; the rest is read
through `Tree.blobs`, parsed, and remembered. An object that is missing or too large is a fact
about that file alone, and is not kept: the next run may find it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, cast

from gitops_gate.discovery.charts import read_chart
from gitops_gate.discovery.facts import (
    NOTHING,
    ChartFacts,
    Fact,
    Issue,
    ManifestFacts,
    Purpose,
    References,
)
from gitops_gate.discovery.kustomizations import read_kustomization, read_plugins
from gitops_gate.discovery.manifests import read_manifests
from gitops_gate.discovery.reading import LFS_POINTER
from gitops_gate.errors import SourceError
from gitops_gate.source.values import Entry, Tree

if TYPE_CHECKING:
    from gitops_gate.discovery.cache import FactCache
    from gitops_gate.discovery.listing import Listing

_OBJECT_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_FEW = 64
Key = tuple[str, str]


class FactReader:
    """Reads facts of one tree; `complete` tells whether every object could be read."""

    def __init__(self, listing: Listing, cache: FactCache | None = None) -> None:
        self._listing = listing
        self._tree: Tree = listing.tree
        self._cache = cache
        self._known: dict[Key, Fact] = {}
        self._fresh: dict[Key, Fact] = {}
        self.complete = True

    def prefetch(self, purpose: Purpose, paths: Iterable[str]) -> None:
        """Read the facts of many files at once; links are followed, folders are skipped."""
        wanted: dict[Key, Entry] = {}
        for path in paths:
            entry = self._entry(path)
            if entry is not None and (key := (purpose.value, entry.oid)) not in self._known:
                wanted[key] = entry
        if self._cache is not None and wanted:
            durable = [key for key in wanted if _OBJECT_ID.fullmatch(key[1])]
            self._known |= self._cache.facts(durable)
        parse = _PARSERS[purpose]
        unread = {key: entry for key, entry in wanted.items() if key not in self._known}
        contents = _contents(self._tree, list(unread.values()))
        for key, content in zip(unread, contents, strict=True):
            if isinstance(content, SourceError):
                self.complete = False
                self._known[key] = _unavailable(purpose, content)
                continue
            self._known[key] = fact = parse(content)
            if _OBJECT_ID.fullmatch(key[1]):
                self._fresh[key] = fact

    def save(self) -> None:
        """Hand what was parsed by this reader to the cache on disk."""
        if self._cache is not None and self._fresh:
            self._cache.store_facts(self._fresh)
            self._fresh = {}

    def kustomization(self, path: str) -> References:
        """The facts of a kustomization file."""
        return cast(References, self._fact(Purpose.KUSTOMIZATION, path))

    def plugins(self, path: str) -> References:
        """The facts of a file that configures plug-ins."""
        return cast(References, self._fact(Purpose.PLUGIN, path))

    def chart(self, path: str) -> ChartFacts:
        """The facts of a `Chart.yaml` or `requirements.yaml`."""
        return cast(ChartFacts, self._fact(Purpose.CHART, path))

    def manifests(self, path: str) -> ManifestFacts:
        """The facts of a YAML or JSON file."""
        return cast(ManifestFacts, self._fact(Purpose.MANIFEST, path))

    def is_pointer(self, path: str) -> bool:
        """Whether a file of any kind is a Git LFS pointer."""
        return cast(ManifestFacts, self._fact(Purpose.CONTENT, path)).pointer

    def _fact(self, purpose: Purpose, path: str) -> Fact:
        entry = self._entry(path)
        if entry is None:
            return _unavailable(purpose, SourceError("the link leads to no file"))
        key = (purpose.value, entry.oid)
        if key not in self._known:
            self.prefetch(purpose, [path])
        return self._known[key]

    def _entry(self, path: str) -> Entry | None:
        """The entry of the regular file that a path stands for."""
        if not self._listing.is_file(path):
            place = self._listing.resolve(path)
            if place.outside or not self._listing.is_file(place.path):
                return None
            path = place.path
        return self._tree.entries[path]


def _contents(tree: Tree, entries: Sequence[Entry]) -> Iterator[bytes | SourceError]:
    """The content of each entry; what cannot be read is an answer like any other."""
    done = 0
    while done < len(entries):
        try:
            for content in tree.blobs.read_many(entries[done:]):
                done += 1
                yield content
        except SourceError:
            for entry in entries[done : done + _FEW]:
                done += 1
                yield _content(tree, entry)


def _content(tree: Tree, entry: Entry) -> bytes | SourceError:
    try:
        return tree.blobs.read(entry)
    except SourceError as error:
        return error


def _unavailable(purpose: Purpose, error: SourceError) -> Fact:
    """What is known of a file whose content cannot be had."""
    if purpose in (Purpose.KUSTOMIZATION, Purpose.PLUGIN):
        remedy = error.remedy or "let the repository have the object"
        return References(
            (), (Issue("render/kustomization", error.message, 0, remedy),), opaque=True
        )
    if purpose is Purpose.CHART:
        return ChartFacts()
    return ManifestFacts(problem=error.message) if purpose is Purpose.MANIFEST else NOTHING


def _pointer(data: bytes) -> Fact:
    return ManifestFacts(pointer=True) if data.startswith(LFS_POINTER) else NOTHING


_PARSERS: dict[Purpose, Callable[[bytes], Fact]] = {
    Purpose.KUSTOMIZATION: read_kustomization,
    Purpose.PLUGIN: read_plugins,
    Purpose.CHART: read_chart,
    Purpose.MANIFEST: read_manifests,
    Purpose.CONTENT: _pointer,
}
