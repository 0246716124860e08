"""The paths of one tree, and where a path leads when links are followed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from gitops_gate.discovery.references import ancestors, inside
from gitops_gate.errors import SourceError, UnsafePathError
from gitops_gate.source.links import resolve_target
from gitops_gate.source.values import Entry, Mode, Tree


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads: to something that may or may not exist, through these links.

    `outside` is set when a link leaves the repository or goes round in circles.
    """

    path: str
    links: tuple[str, ...] = ()
    outside: bool = False


@dataclass(frozen=True)
class Listing:
    """A tree with an index over its paths; built once for each tree that is looked at."""

    tree: Tree

    @property
    def entries(self) -> Mapping[str, Entry]:
        """The entries of the tree."""
        return self.tree.entries

    @cached_property
    def links(self) -> frozenset[str]:
        """The symbolic links."""
        return frozenset(p for p, entry in self.entries.items() if entry.mode is Mode.LINK)

    @cached_property
    def submodules(self) -> frozenset[str]:
        """The submodules."""
        return frozenset(p for p, entry in self.entries.items() if entry.mode is Mode.SUBMODULE)

    @cached_property
    def _ordered(self) -> list[str]:
        return sorted(self.entries)

    def is_file(self, path: str) -> bool:
        """Whether a path is a regular file, without following links."""
        entry = self.entries.get(path)
        return entry is not None and entry.mode in (Mode.FILE, Mode.EXECUTABLE)

    def below(self, directory: str) -> Iterator[str]:
        """Every entry below a directory, in sorted order."""
        if directory == ".":
            yield from self._ordered
            return
        start = directory + "/"
        for position in range(bisect_left(self._ordered, start), len(self._ordered)):
            path = self._ordered[position]
            if not path.startswith(start):
                return
            yield path

    def is_folder(self, directory: str) -> bool:
        """Whether something lies below a directory."""
        return next(self.below(directory), None) is not None

    def resolve(self, path: str) -> Place:
        """Follow the links of a path; segments that do not exist are taken as they are."""
        if not self.links or self.is_file(path):
            return Place(path)
        try:
            resolved = resolve_target(self.tree, path)
        except UnsafePathError:
            return Place(path, self._links_of(path), outside=True)
        except SourceError:
            return Place(path, self._links_of(path), outside=True)
        return Place(resolved.path, resolved.links)

    def submodule_of(self, path: str) -> str | None:
        """The submodule that a path is, or lies in."""
        if not self.submodules:
            return None
        return next((p for p in (path, *ancestors(path)) if p in self.submodules), None)

    def named(self, directory: str, names: tuple[str, ...]) -> list[str]:
        """The entries with one of these names in a directory, submodules left out."""
        paths = (inside(directory, name) for name in names)
        return [p for p in paths if p in self.entries and p not in self.submodules]

    def _links_of(self, path: str) -> tuple[str, ...]:
        return tuple(p for p in (path, *ancestors(path)) if p in self.links)
