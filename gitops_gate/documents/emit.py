"""Writes a JSON-like value as YAML for people and for diffs: one value, one text.

Strings that any reader of YAML could take for something else are quoted, and characters that do not
show are escaped, so that a diff hides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from math import isfinite

from gitops_gate.documents.limits import DEFAULT_LIMITS
from gitops_gate.documents.scalars import resolve_plain
from gitops_gate.errors import ManifestError

_FIRST_KEYS = ("apiVersion", "kind", "metadata")
_LONGEST_SIMPLE_KEY = 1000
"""YAML wants the `:` within 1,024 characters of the start of a key."""
_REMEMBERED_LENGTH = 80

_HIDDEN = re.compile(
    "[^\t\n -~\u00a0-\u200a\u2010-\u2027\u202f-\u205f\u2070-\ud7ff\ue000-\ufefe\uff00-\uffef"
    "\ufffc\ufffd\U00010000-\U000e0000\U000e0100-\U0010ffff]"
)
"""Control and format characters, other line breaks, byte order marks, halves of surrogate pairs."""
_PLAIN = re.compile(r"(?:[\w./$(]|-(?=[\w-])(?!--))[^\n\t]*")
_NOT_PLAIN = re.compile(r": |:\Z| #| \Z|\A\.\.\.")
_CLOCK_OR_DATE = re.compile(r"[0-9][0-9:TtZz+ .-]*")
_ESCAPES = {
    "\0": "\\0", "\a": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f",
    "\r": "\\r", "\x1b": "\\e", '"': '\\"', "\\": "\\\\",
}  # fmt: skip
_TO_ESCAPE = re.compile(rf'["\\\t\n]|{_HIDDEN.pattern}')


def dump_yaml(value: object) -> str:
    """The value as one YAML document, ending in a line break.

    Keys are sorted, but for `apiVersion`, `kind` and `metadata` that come first. Text of several
    lines becomes a block scalar where one can hold it. Reading it again with `load_yaml` gives an
    equal value, as long as its integers have 64 bits and whole floats are below 2^53.

    Raises `ManifestError` for what is not JSON-like: other types, infinities, half surrogate pairs,
    more than 100 levels.
    """
    lines: list[str] = []
    _write(lines, value, "", "", 0)
    return "".join(lines)


def _write(lines: list[str], value: object, indent: str, lead: str, depth: int) -> None:
    """Append a value whose first line starts with `lead` and whose others start with `indent`."""
    if depth > DEFAULT_LIMITS.max_depth:
        raise ManifestError(f"nested deeper than {DEFAULT_LIMITS.max_depth} levels")
    if isinstance(value, Mapping) and value:
        for key in _ordered(value):
            name = _inline(key)
            if len(name) > _LONGEST_SIMPLE_KEY:
                lines.append(f"{lead}? {name}\n")
                lead, name = indent, ""
            _write_member(lines, f"{lead}{name}:", value[key], indent, depth + 1)
            lead = indent
    elif isinstance(value, list | tuple) and value:
        for item in value:
            _write(lines, item, indent + "  ", lead + "- ", depth + 1)
            lead = indent
    else:
        lines.append(f"{lead}{_scalar(value, indent or '  ')}\n")


def _write_member(lines: list[str], name: str, value: object, indent: str, depth: int) -> None:
    """Append the value of a key that has been written as `name`, at `indent`."""
    if isinstance(value, Mapping) and value:
        lines.append(f"{name}\n")
        _write(lines, value, indent + "  ", indent + "  ", depth)
    elif isinstance(value, list | tuple) and value:
        lines.append(f"{name}\n")
        _write(lines, value, indent, indent, depth)
    else:
        lines.append(f"{name} {_scalar(value, indent + '  ')}\n")


def _ordered(mapping: Mapping[str, object]) -> list[str]:
    try:
        rest = sorted(key for key in mapping if key not in _FIRST_KEYS)
        "".join(rest)
    except TypeError:
        raise ManifestError("a key that is not text") from None
    return [key for key in _FIRST_KEYS if key in mapping] + rest


def _scalar(value: object, indent: str) -> str:
    """A scalar or an empty collection; `indent` is where the lines of a block scalar start."""
    if isinstance(value, str):
        if "\n" in value and (block := _block(value, indent)) is not None:
            return block
        return _inline(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float) and isfinite(value):
        return repr(value)
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, list | tuple):
        return "[]"
    raise ManifestError(f"{type(value).__name__} is not a JSON-like value")


def _integer(value: int) -> str:
    try:
        return str(value)
    except ValueError:
        raise ManifestError("an integer of thousands of digits") from None


def _inline(text: str) -> str:
    """Text on one line: plain where nobody can misread it, quoted elsewhere."""
    return _remembered(text) if len(text) <= _REMEMBERED_LENGTH else _spell(text)


def _spell(text: str) -> str:
    if _HIDDEN.search(text):
        return _escaped(text)
    if _PLAIN.fullmatch(text) and not _NOT_PLAIN.search(text):
        clock_or_date = _CLOCK_OR_DATE.fullmatch(text) and (":" in text or text.count("-") > 1)
        if isinstance(resolve_plain(text), str) and not clock_or_date:
            return text
    if "\n" in text or "\t" in text or not ('"' in text or "\\" in text):
        return _escaped(text)
    return "'" + text.replace("'", "''") + "'"


_remembered = lru_cache(maxsize=20_000)(_spell)


def _escaped(text: str) -> str:
    """Text in double quotes, with nothing in it that does not show."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ManifestError("text with half of a surrogate pair") from None
    return '"' + _TO_ESCAPE.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    known = _ESCAPES.get(character)
    if known is not None:
        return known
    code = ord(character)
    return (
        f"\\x{code:02x}"
        if code < 0x100
        else f"\\u{code:04x}"
        if code < 0x10000
        else f"\\U{code:08x}"
    )


def _block(text: str, indent: str) -> str | None:
    """Text of several lines as a literal block scalar, or None when that could not hold it."""
    body = text.strip("\n")
    if not body or _HIDDEN.search(text):
        return None
    trailing = len(text) - len(text.rstrip("\n"))
    chomping = "-" if trailing == 0 else "" if trailing == 1 else "+"
    explicit = "2" if text.lstrip("\n")[0] in " \t" or text[0] == "\n" else ""
    lines = text.split("\n") if trailing == 0 else text[:-1].split("\n")
    return f"|{explicit}{chomping}\n" + "\n".join(indent + line if line else "" for line in lines)
