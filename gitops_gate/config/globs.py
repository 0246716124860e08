"""Patterns of paths, as the configuration and waivers write them.

`*` stands for any text within a path segment, `?` for one character, `[abc]`, `[a-z]` and `[!abc]`
for one of, or none of, several. A segment `**` stands for zero or more whole segments, and a
pattern that ends with `/` means everything below it. Case counts, and a leading dot is nothing
special. The root of a repository is `.`, a path without segments, which `**` matches.

Matching takes time proportional to pattern and path, whatever a pattern from a hostile branch
looks like: each wildcard is extended only as far as the nearest match.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

_ANY_SEGMENTS = None
_Part = re.Pattern[str] | None


def matches(pattern: str, path: str) -> bool:
    """Whether a pattern matches a whole path, whose segments are separated by `/`."""
    return _match(_compile(pattern), [] if path == "." else path.split("/"))


def matches_any(patterns: Iterable[str], path: str) -> bool:
    """Whether one of the patterns matches the path."""
    return any(matches(pattern, path) for pattern in patterns)


def is_glob(text: str) -> bool:
    """Whether `text` can match more than one path."""
    return text.endswith("/") or any(character in text for character in "*?[")


def check_glob(pattern: str) -> None:
    """Raise `ValueError` for a pattern that cannot mean anything, saying why."""
    _check_segments(pattern, "a pattern")
    for segment in pattern.split("/"):
        _check_classes(segment)


def check_path(path: str) -> None:
    """Raise `ValueError` unless `path` can be a path in a repository, relative to its root."""
    _check_segments(path, "a path")


def _check_segments(text: str, what: str) -> None:
    if not text or any(ord(character) < 0x20 for character in text):
        raise ValueError(f"{what} must not be empty, and has no control characters")
    if "\\" in text:
        raise ValueError(f"{what} has / between its segments, and no backslashes")
    if text.startswith("/"):
        raise ValueError(f"{what} is relative to the root of the repository: leave out the first /")
    segments = text.removesuffix("/").split("/")
    if text != "." and any(segment in ("", ".", "..") for segment in segments):
        raise ValueError(f"{what} has no empty segments, no . and no ..")


def _check_classes(segment: str) -> None:
    """Refuse a `[` that no `]` closes: it would silently stand for itself."""
    start = segment.find("[")
    while start >= 0:
        first = start + 2 if segment[start + 1 : start + 2] == "!" else start + 1
        end = segment.find("]", first + 1)
        if end < 0:
            raise ValueError("a [ is never closed; write [[] for the character itself")
        start = segment.find("[", end + 1)


@lru_cache(maxsize=1024)
def _compile(pattern: str) -> tuple[_Part, ...]:
    """One expression per segment; None for `**`."""
    if pattern.endswith("/"):
        pattern += "**"
    if pattern == ".":
        return ()
    return tuple(
        _ANY_SEGMENTS if segment == "**" else re.compile(fnmatch.translate(segment))
        for segment in pattern.split("/")
    )


def _match(parts: Sequence[_Part], segments: Sequence[str]) -> bool:
    """Match segment by segment; after a failure, the last `**` takes one segment more."""
    part = at = 0
    retry_part, retry_at = -1, 0
    while at < len(segments):
        expression = parts[part] if part < len(parts) else None
        if part < len(parts) and expression is _ANY_SEGMENTS:
            retry_part, retry_at = part, at
            part += 1
        elif expression is not None and expression.match(segments[at]):
            part += 1
            at += 1
        elif retry_part >= 0:
            retry_at += 1
            part, at = retry_part + 1, retry_at
        else:
            return False
    return all(rest is _ANY_SEGMENTS for rest in parts[part:])
