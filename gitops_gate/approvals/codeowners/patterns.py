"""Patterns of CODEOWNERS, whatever their dialect, in the form in which they are matched.

A pattern is a row of segments, as a path is. How a dialect spells them is for
`gitops_gate.approvals.codeowners.github` and `.gitlab` to know.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class Ends(StrEnum):
    """Which paths a pattern matches once its segments are used up."""

    HERE = "here"
    HERE_OR_BELOW = "here or below"
    BELOW = "below"


@dataclass(frozen=True, slots=True)
class Wildcard:
    """A segment that can match several texts.

    `pieces` are what stands before, between and after its stars, as texts; where one of them is
    more than a text, as `regular` expressions. `literal` is a text that everything matched
    contains, "" if there is none.
    """

    pieces: tuple[str, ...]
    literal: str
    regular: bool = False

    def matches(self, text: str) -> bool:
        """Whether the segment matches all of a text, in time proportional to both."""
        if self.regular:
            return _compiled(self.pieces).match(text) is not None
        first, *middle, last = self.pieces
        at, end = len(first), len(text) - len(last)
        if at > end or not text.startswith(first) or not text.endswith(last):
            return False
        for piece in middle:
            found = text.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True


ANY_DEPTH = None
"""Stands for zero or more segments."""

Segment = str | Wildcard | None


@dataclass(frozen=True, slots=True)
class Pattern:
    """What an entry matches; no `segments` and `ends` of `HERE`: nothing."""

    segments: tuple[Segment, ...]
    ends: Ends


NOTHING = Pattern((), Ends.HERE)

STAR = object()
"""A token for any text within a segment, also none."""
ONE = object()
"""A token for one character within a segment."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A token for one of some characters, as a regular expression."""

    expression: str


Token = str | Choice | object


def segment_of(tokens: Sequence[Token]) -> Segment:
    """The segment that a row of tokens stands for; texts are single characters or longer."""
    if all(isinstance(token, str) for token in tokens):
        return "".join(str(token) for token in tokens)
    regular = any(token is ONE or isinstance(token, Choice) for token in tokens)
    pieces: list[str] = [""]
    runs: list[str] = [""]
    for token in tokens:
        if token is STAR:
            pieces.append("")
            runs.append("")
        elif isinstance(token, str):
            pieces[-1] += re.escape(token) if regular else token
            runs[-1] += token
        else:
            pieces[-1] += token.expression if isinstance(token, Choice) else "."
            runs.append("")
    return Wildcard(tuple(pieces), max(runs, key=len), regular)


@lru_cache(maxsize=16_384)
def _compiled(pieces: Sequence[str]) -> re.Pattern[str]:
    """Pieces with any text between them. The first fit of each piece is as good as any other.

    Atomic groups keep it so: nothing is tried twice, whoever wrote the pattern.
    """
    if len(pieces) == 1:
        return re.compile(rf"(?s:{pieces[0]})\Z")
    middle = "".join(f"(?>.*?{piece})" for piece in pieces[1:-1] if piece)
    return re.compile(rf"(?s:{pieces[0]}{middle}.*{pieces[-1]})\Z")
