"""Patterns of CODEOWNERS, whatever their dialect, in the form in which they are matched.

A pattern is a row of segments, as a path is. How a dialect spells them is for
`gitops_gate.approvals.codeowners.github` and `.gitlab` to know.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Ends(StrEnum):
    """Which paths a pattern matches once its segments are used up."""

    HERE = "here"
    HERE_OR_BELOW = "here or below"
    BELOW = "below"


@dataclass(frozen=True, slots=True)
class Wildcard:
    """A segment that can match several texts.

    `expression` is a regular expression for all of a segment; it takes time in proportion to
    pattern and text. `literal` is a text that everything matched contains, "" if there is none.
    """

    expression: str
    literal: str


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
    """A token for one of some characters, as a regular expression; None for none at all."""

    expression: str


Token = str | Choice | object


def segment_of(tokens: Sequence[Token]) -> Segment:
    """The segment that a row of tokens stands for; texts are single characters or longer."""
    if all(isinstance(token, str) for token in tokens):
        return "".join(str(token) for token in tokens)
    pieces: list[str] = [""]
    runs: list[str] = [""]
    for token in tokens:
        if token is STAR:
            pieces.append("")
            runs.append("")
        elif isinstance(token, str):
            pieces[-1] += re.escape(token)
            runs[-1] += token
        else:
            pieces[-1] += token.expression if isinstance(token, Choice) else "."
            runs.append("")
    return Wildcard(_expression(pieces), max(runs, key=len))


def _expression(pieces: Sequence[str]) -> str:
    """Pieces with any text between them. The first fit of each piece is as good as any other.

    Atomic groups keep it so: nothing is tried twice, whoever wrote the pattern.
    """
    if len(pieces) == 1:
        return rf"(?s:{pieces[0]})\Z"
    middle = "".join(f"(?>.*?{piece})" for piece in pieces[1:-1] if piece)
    return rf"(?s:{pieces[0]}{middle}.*{pieces[-1]})\Z"
