"""Many patterns against many paths: a tree of segments, walked once for each path.

Ten thousand patterns against ten thousand paths are a hundred million questions. Patterns that
start alike share a branch here; a literal segment is looked up; and a segment with wildcards is
asked only about texts that contain the longest literal text in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from gitops_gate.approvals.codeowners.patterns import ANY_DEPTH, NOTHING, Ends, Segment, Wildcard
from gitops_gate.approvals.codeowners.values import OwnersEntry

_Wild = tuple[Wildcard, "_Node"]


class _Node:
    """What is left of all patterns that start with the same segments."""

    __slots__ = ("branches", "deep", "ends", "is_deep", "literals", "wild", "wild_by_literal")

    def __init__(self, *, is_deep: bool = False) -> None:
        self.branches: dict[Wildcard, _Node] = {}
        self.deep: _Node | None = None
        self.ends: dict[Ends, list[OwnersEntry]] = {}
        self.is_deep = is_deep
        self.literals: dict[str, _Node] = {}
        self.wild: list[_Wild] = []
        self.wild_by_literal: dict[int, dict[str, list[_Wild]]] = {}

    def child(self, segment: Segment) -> _Node:
        """The node after one more segment, made if it is new."""
        if isinstance(segment, str):
            return self.literals.setdefault(segment, _Node())
        if segment is ANY_DEPTH:
            self.deep = self.deep or _Node(is_deep=True)
            return self.deep
        if segment not in self.branches:
            self.branches[segment] = node = _Node()
            wild = (segment, node)
            if segment.literal:
                by_text = self.wild_by_literal.setdefault(len(segment.literal), {})
                by_text.setdefault(segment.literal, []).append(wild)
            else:
                self.wild.append(wild)
        return self.branches[segment]

    def after(self, segment: str) -> Iterator[_Node]:
        """The nodes that one more segment of a path leads to."""
        if self.is_deep:
            yield self
        if (literal := self.literals.get(segment)) is not None:
            yield literal
        for wildcard, node in self.wild:
            if wildcard.matches(segment):
                yield node
        for length, by_text in self.wild_by_literal.items():
            for text in _contained(segment, length, by_text):
                for wildcard, node in by_text[text]:
                    if wildcard.matches(segment):
                        yield node


def _contained(segment: str, length: int, texts: Mapping[str, object]) -> list[str]:
    """Those of the texts, all of one length, that are in a segment: in the cheaper of two ways."""
    places = len(segment) - length + 1
    if len(texts) < places:
        return [text for text in texts if text in segment]
    parts = {segment[at : at + length] for at in range(places)}
    return [part for part in parts if part in texts]


class EntryIndex:
    """The entries of a file, to be asked which of them match a path.

    With `winners`, of several entries of one section that match the very same paths only the one
    that counts is kept: enough to decide, and not to explain.
    """

    def __init__(self, entries: Iterable[OwnersEntry], *, winners: bool) -> None:
        self._root = _Node()
        for entry in entries:
            if entry.compiled != NOTHING:
                self._add(entry, winners=winners)

    def _add(self, entry: OwnersEntry, *, winners: bool) -> None:
        node = self._root
        for segment in entry.compiled.segments:
            node = node.child(segment)
        known = node.ends.setdefault(entry.compiled.ends, [])
        if winners:
            same = (entry.section, entry.exclusion)
            for at, other in enumerate(known):
                if (other.section, other.exclusion) == same:
                    known[at] = max(entry, other, key=lambda one: one.rank)
                    return
        known.append(entry)

    def matching(self, path: str) -> list[OwnersEntry]:
        """The entries whose pattern matches the path, in no order."""
        active = _with_deep([self._root])
        found: list[OwnersEntry] = []
        seen: set[int] = set()
        for segment in path.split("/"):
            _collect(active, (Ends.HERE_OR_BELOW, Ends.BELOW), seen, found)
            active = _with_deep(node for one in active for node in one.after(segment))
            if not active:
                return found
        _collect(active, (Ends.HERE, Ends.HERE_OR_BELOW), seen, found)
        return found


def _with_deep(nodes: Iterable[_Node]) -> list[_Node]:
    """Each node once, and what it leads to without any further segment."""
    active: dict[int, _Node] = {}
    for node in nodes:
        active[id(node)] = node
        while node.deep is not None:
            node = node.deep  # noqa: PLW2901 - down the row of nodes
            active[id(node)] = node
    return list(active.values())


def _collect(
    nodes: Iterable[_Node], ends: tuple[Ends, ...], seen: set[int], found: list[OwnersEntry]
) -> None:
    for node in nodes:
        if not node.ends:
            continue
        for end in ends:
            for entry in node.ends.get(end, ()):
                if id(entry) not in seen:
                    seen.add(id(entry))
                    found.append(entry)
