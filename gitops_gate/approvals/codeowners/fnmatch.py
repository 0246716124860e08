r"""Patterns as Ruby's `File.fnmatch` reads them, with `FNM_PATHNAME` and `FNM_DOTMATCH`.

GitLab matches with it (docs.gitlab.com, user/project/codeowners/advanced, "Pattern matching").
What differs from other globs: `**` means any depth only before a `/`, and is a `*` elsewhere, so
that `/docs/**` matches direct children only; braces are plain characters; `[` without its `]`
matches nothing; `[]` never matches, `[!]` and `[^]` match any character; a `/` in brackets does
not end a segment, an escaped `/` does; a `\` at the end is nothing.
"""

from __future__ import annotations

import re

from gitops_gate.approvals.codeowners.patterns import (
    ANY_DEPTH,
    NOTHING,
    ONE,
    STAR,
    Choice,
    Ends,
    Pattern,
    Segment,
    Token,
    segment_of,
)

_NEVER = r"(?!)"


def compile_fnmatch(pattern: str) -> Pattern:
    """The pattern without the `/` at its start; paths are without theirs as well."""
    segments: list[Segment] = []
    at = 0
    while True:
        while pattern.startswith("**/", at):
            if not segments or segments[-1] is not ANY_DEPTH:
                segments.append(ANY_DEPTH)
            at += 3
        row, at, more = _row(pattern, at)
        if row is None:
            return NOTHING
        segments.append(segment_of(row))
        if not more:
            return Pattern(tuple(segments), Ends.HERE)


def _row(pattern: str, at: int) -> tuple[list[Token] | None, int, bool]:
    """The tokens up to the next `/`, where to go on, and whether there was one.

    None for a segment that can never match, nor can anything around it.
    """
    row: list[Token] = []
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character == "\\":
            if at == len(pattern):
                break
            character, at = pattern[at], at + 1
            if character != "/":
                row.append(character)
                continue
        elif character == "[":
            choice, at = _choice(pattern, at)
            if choice is None:
                return None, at, False
            row.append(choice)
            continue
        if character == "/":
            return row, at, True
        if character != "*":
            row.append(ONE if character == "?" else character)
        elif not row or row[-1] is not STAR:
            row.append(STAR)
    return row, at, False


def _choice(pattern: str, at: int) -> tuple[Choice | None, int]:
    """What stands in brackets after the `[`, and where the text goes on after the `]`."""
    negated = pattern[at : at + 1] in ("!", "^") and at < len(pattern)
    at += negated
    members: list[str] = []
    while at < len(pattern):
        if pattern[at] == "]":
            return Choice(_choice_expression(members, negated=negated)), at + 1
        first, at = _member(pattern, at)
        last = first
        if pattern.startswith("-", at) and pattern[at + 1 : at + 2] not in ("]", ""):
            last, at = _member(pattern, at + 1)
        if not first or not last:
            break
        # Either end of a range matches by itself, even where the range is the wrong way round.
        members += [re.escape(first), re.escape(last)]
        if first < last:
            members.append(f"{re.escape(first)}-{re.escape(last)}")
    return None, at


def _member(pattern: str, at: int) -> tuple[str, int]:
    if pattern[at : at + 1] == "\\":
        at += 1
    return pattern[at : at + 1], at + 1


def _choice_expression(members: list[str], *, negated: bool) -> str:
    if not members:
        return "." if negated else _NEVER
    return f"[{'^' if negated else ''}{''.join(members)}]"
