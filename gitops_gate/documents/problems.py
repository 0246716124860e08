"""Turns what libyaml stumbles over into a `ManifestError` in words that help to mend the file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from gitops_gate.errors import ManifestError

if TYPE_CHECKING:
    import yaml

_ODD_BREAK = re.compile(rb"\r(?!\n)|\xc2\x85|\xe2\x80[\xa8\xa9]")
"""Line breaks of YAML 1.1 that no editor and no Git client counts."""

_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class Mark(Protocol):
    """A place as libyaml gives it: 0-based, in characters."""

    index: int
    line: int
    column: int


class Text:
    """The UTF-8 bytes of one document, and where a place in it is to whoever opens the file."""

    __slots__ = ("_characters", "_odd_breaks", "first_line", "raw")

    def __init__(self, raw: bytes, first_line: int) -> None:
        self.raw = raw
        self.first_line = first_line
        self._characters: str | None = None
        self._odd_breaks = _ODD_BREAK.search(raw) is not None

    @property
    def characters(self) -> str:
        """The decoded document; libyaml's marks index into it."""
        if self._characters is None:
            self._characters = self.raw.decode("utf-8", "replace")
        return self._characters

    def replaced(self, characters: str) -> Text:
        """The same document in another spelling."""
        return Text(characters.encode(), self.first_line)

    def place(self, mark: Mark) -> tuple[int, int]:
        """The 1-based line, counted in the stream, and column of a mark."""
        if self._odd_breaks:
            before = self.characters[: mark.index]
            start = before.rfind("\n") + 1
            return self.first_line + before.count("\n"), len(before) - start + 1
        return self.first_line + mark.line, mark.column + 1

    def error(self, message: str, mark: Mark | None) -> ManifestError:
        """A `ManifestError` at `mark`, or at the first line when there is none."""
        line, column = self.place(mark) if mark is not None else (self.first_line, None)
        return ManifestError(message, line=line, column=column)

    def error_at(self, message: str, offset: int) -> ManifestError:
        """A `ManifestError` at a byte of the document."""
        start = self.raw.rfind(b"\n", 0, offset) + 1
        line = self.first_line + self.raw.count(b"\n", 0, offset)
        column = len(self.raw[start:offset].decode("utf-8", "replace")) + 1
        return ManifestError(message, line=line, column=column)


def as_text(raw: bytes, first_line: int) -> Text:
    """The document without its byte order mark, in UTF-8 whether it was that or UTF-16.

    Raises `ManifestError` for UTF-16 that is broken, and for a byte order mark in another place:
    it makes go-yaml skip a character of a later line.
    """
    if raw[:2] in _UTF16_MARKS:
        try:
            text = Text(raw.decode("utf-16").encode(), first_line)
        except UnicodeError:
            raise ManifestError("not YAML: broken UTF-16", line=first_line) from None
    else:
        text = Text(raw.removeprefix(_UTF8_MARK), first_line)
    if text.raw[:2] in _UTF16_MARKS:
        raise text.error_at("not YAML: bytes that are not UTF-8", 0)
    stray = text.raw.find(_UTF8_MARK)
    if stray >= 0:
        raise text.error_at(
            "a byte order mark inside the document, which Kubernetes may misread; "
            'in double quotes it can be written "\\uFEFF"',
            stray,
        )
    return text


_WORDS = {
    "block sequence entries are not allowed in this context": "a list item cannot stand here",
    "could not find expected ':'": "a key that is not followed by ':'",
    "did not find expected ',' or ']'": "a list in [ ] that lacks ',' or ']'",
    "did not find expected ',' or '}'": "a mapping in { } that lacks ',' or '}'",
    "did not find expected '-' indicator": "a list whose items are not aligned",
    "did not find expected <document start>": "something follows the end of the document",
    "did not find expected alphabetic or numeric character": "an anchor or alias without a name",
    "did not find expected comment or line break": "something stands where the line has to end",
    "did not find expected hexdecimal number": "an escape in double quotes lacks its digits",
    "did not find expected whitespace or line break": (
        "a tag that runs on, where YAML readers differ"
    ),
    "did not find expected key": "a mapping whose keys are not aligned, or a key is missing",
    "did not find expected node content": "a value is missing, or it cannot stand here",
    "exceeded maximum nesting depth": "nested too deeply",
    "found a tab character that violates indentation": "a tab is used to indent",
    "found a tab character where an indentation space is expected": "a tab is used to indent",
    "found an indentation indicator equal to 0": "a block scalar cannot be indented by 0",
    "found character that cannot start any token": "a value cannot start with this character",
    "found incompatible YAML document": "a %YAML directive of a version that Kubernetes refuses",
    "found invalid Unicode character escape code": "an escape names no Unicode character",
    "found undefined tag handle": "a tag whose prefix is not declared",
    "found unexpected ':'": "a ':' that has to be quoted inside [ ] or { }",
    "found unexpected document indicator": "a quoted string that is cut by a document separator",
    "found unexpected end of stream": "a quoted string that is not closed",
    "found unknown directive name": "a directive that YAML does not have",
    "found unknown escape character": "an escape that YAML does not have, in double quotes",
    "mapping keys are not allowed in this context": "a key cannot stand here",
    "mapping values are not allowed in this context": (
        "a second ':' that has to be quoted, or a line that is indented too far"
    ),
}


def as_manifest_error(problem: yaml.YAMLError, text: Text) -> ManifestError:
    """The `ManifestError` for what PyYAML's libyaml parser raised."""
    reason = getattr(problem, "reason", None)
    if reason is not None:
        what = (
            "a control character that YAML does not allow"
            if reason == "control characters are not allowed"
            else "bytes that are not UTF-8"
        )
        return text.error_at(f"not YAML: {what}", int(getattr(problem, "position", 0) or 0))
    known = _WORDS.get(str(getattr(problem, "problem", "")))
    mark = getattr(problem, "problem_mark", None) or getattr(problem, "context_mark", None)
    return text.error(f"not YAML: {known or 'the structure is broken here'}", mark)
