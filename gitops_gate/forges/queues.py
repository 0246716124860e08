"""What a merge queue says of itself: the change requests that wait, each with its commit.

A queue builds a commit for each that waits, on top of the one before it. Which commit is built on
which, and whether it is the merge of what is named here, is for Git to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A change request in a queue, and the commit that would land with it and all before it."""

    number: int
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue at one moment: `tip` is where its branch is, None where the forge gives none."""

    tip: str | None
    waiting: tuple[Waiting, ...]


class ReadsQueue(Protocol):
    """Reads a branch's merge queue."""

    def queue(self, branch: str) -> Queue:
        """The queue of a branch, given by its short name. Raises `ForgeError`."""
