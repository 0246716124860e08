r"""CODEOWNERS as GitHub reads it.

Page: docs.github.com, "About code owners". Patterns are mostly those of gitignore; the exceptions
are that `!` does not negate, `[ ]` are no ranges (GitHub's own check says: "both `[` and `]` must
be escaped with a `\`") and `\#` does not escape. The last line that matches counts, and one
without owners takes a path away from everybody. A line with a mistake is skipped; GitHub lists
those at `GET /repos/{owner}/{repo}/codeowners/errors`, with the kinds "Invalid pattern" and
"Invalid owner" among others.

Where the page is silent, `github.com/hmarr/codeowners` is followed, except that a `#` within a
pattern spoils the line for us and begins a comment there, which would silently take a path away
from its owners.
"""

from __future__ import annotations

import re

from gitops_gate.approvals.codeowners.patterns import (
    ANY_DEPTH,
    ONE,
    STAR,
    Ends,
    Pattern,
    Segment,
    Token,
    segment_of,
)
from gitops_gate.approvals.codeowners.values import Owner, OwnerKind, OwnersEntry, OwnersProblem

MAXIMUM_BYTES = 3 * 1024 * 1024
"""Files must be under 3 MB; a larger one is not loaded ("CODEOWNERS file size")."""

_SPACE = " \t\r\f\v"
_BLANK = re.compile(r"[ \t\r\f\v]")
_PATTERN = re.compile(r"(?:\\.|[^\\ \t\r\f\v])*", re.DOTALL)
_USER = re.compile(r"@[A-Za-z0-9_-]{1,100}\Z")
_TEAM = re.compile(r"@[A-Za-z0-9_-]{1,100}/[A-Za-z0-9_.-]{1,255}\Z")
_EMAIL = re.compile(r"[A-Za-z0-9._%+'-]{1,100}@[A-Za-z0-9.-]{1,200}\.[A-Za-z]{2,63}\Z")


class _InvalidError(ValueError):
    """A line that GitHub skips, and why."""


def parse_lines(text: str) -> tuple[list[OwnersEntry], list[OwnersProblem]]:
    """The entries and what is wrong with other lines."""
    entries: list[OwnersEntry] = []
    problems: list[OwnersProblem] = []
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip(_SPACE)
        if not line or line.startswith("#"):
            continue
        try:
            entry = _entry(number, line)
        except _InvalidError as error:
            problems.append(OwnersProblem(line=number, reason=str(error), text=line))
            continue
        entries.append(entry)
        if not entry.owners and _owner(entry.pattern):
            reason = "an owner without a pattern before it is itself taken for a pattern"
            problems.append(OwnersProblem(line=number, reason=reason, text=line, skipped=False))
    return entries, problems


def _entry(number: int, line: str) -> OwnersEntry:
    found = _PATTERN.match(line)
    pattern = found.group() if found else ""
    rest = line[len(pattern) :]
    if rest and not _BLANK.match(rest):
        raise _InvalidError("a \\ at the end of a line escapes nothing")
    compiled = compile_pattern(pattern)
    owners: dict[tuple[str, str], Owner] = {}
    for word in rest.partition("#")[0].split():
        owner = _owner(word)
        if owner is None:
            raise _InvalidError(f"{word} is no owner: write @user, @org/team or an e-mail address")
        owners.setdefault(owner.identity, owner)
    return OwnersEntry(
        line=number,
        pattern=pattern,
        compiled=compiled,
        owners=tuple(owners.values()),
        rank=number,
    )


def _owner(word: str) -> Owner | None:
    if _USER.match(word):
        return Owner(kind=OwnerKind.USER, name=word[1:])
    if _TEAM.match(word):
        return Owner(kind=OwnerKind.TEAM, name=word[1:])
    if _EMAIL.match(word):
        return Owner(kind=OwnerKind.EMAIL, name=word.lower())
    return None


def compile_pattern(pattern: str) -> Pattern:
    """What a pattern matches. Raises `ValueError` for one that GitHub does not take.

    A `/` at the start or in the middle ties it to the root; otherwise it matches at any depth. A
    directory's name stands for everything below it, but not where it ends with `/*`.
    """
    if pattern.startswith("!"):
        raise _InvalidError("a pattern cannot be negated with !")
    if "***" in pattern:
        raise _InvalidError("a pattern has at most two * in a row")
    rows = _tokens(pattern)
    if not rows[0]:
        rows = rows[1:]
    elif len(rows) == 1 or (len(rows) == 2 and not rows[1]):
        rows = [[STAR, STAR], *rows]
    ends = Ends.HERE_OR_BELOW
    if not rows[-1]:
        rows, ends = rows[:-1], Ends.BELOW
    if not all(rows) or not rows:
        raise _InvalidError("the pattern has an empty part, and matches no file")
    while rows and rows[-1] == [STAR, STAR]:
        rows, ends = rows[:-1], Ends.BELOW
    if rows and rows[-1] == [STAR] and ends is Ends.HERE_OR_BELOW:
        ends = Ends.HERE
    return Pattern(tuple(_segment(row) for row in rows), ends)


def _segment(row: list[Token]) -> Segment:
    return ANY_DEPTH if row == [STAR, STAR] else segment_of(row)


def _tokens(pattern: str) -> list[list[Token]]:
    """The tokens of each part between slashes. Raises `_InvalidError` for what GitHub refuses."""
    rows: list[list[Token]] = [[]]
    escaped = False
    for character in pattern:
        if character == "#":
            raise _InvalidError("a # cannot be part of a pattern, not even after a \\")
        if not character.isprintable() and not 0xDC80 <= ord(character) <= 0xDCFF:
            raise _InvalidError("the pattern has a character that cannot be seen")
        if escaped:
            rows[-1].append(character)
            escaped = False
        elif character == "\\":
            escaped = True
        elif character in "[]":
            raise _InvalidError("there are no ranges: write \\[ and \\] for the characters")
        elif character == "/":
            rows.append([])
        else:
            rows[-1].append({"*": STAR, "?": ONE}.get(character, character))
    if escaped:
        raise _InvalidError("a \\ at the end of a pattern escapes nothing")
    return rows
