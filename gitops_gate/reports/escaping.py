"""Text from a repository, made safe to show: one function for each place that it can stand in.

Names, messages and diffs are whatever somebody wrote into a repository: terminal escapes, bytes
that are no UTF-8, right-to-left overrides, Markdown, HTML, mentions. Nothing of it is dropped;
what a reader could not see, or what would do something, is spelled out. HTML itself is escaped by
Jinja2 (`gitops_gate.reports.html`), which sees text only after `visible`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
    "\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e0fff]"
)
"""Control, format and bidirectional characters, lone surrogates, characters that have no shape."""

_BREAK = "\u2060"
"""WORD JOINER: no width, no line break, and no part of any word that a forge looks for."""

_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>|~&$^]")
"""Characters that can begin or end Markdown, HTML or an entity, wherever they stand."""
_LINE_START = re.compile(r"^(\d+)([.)])(?=\s|$)|^([#+\-=:/!@%])")
_REFERENCES = (
    (re.compile(r"(?i)(?<=[a-z0-9+.-])(?=://)"), ""),
    (re.compile(r"(?i)(?<=mailto)(?=:)|(?<=xmpp)(?=:)|(?<=www)(?=\.)|(?<=\bGH)(?=-\d)"), ""),
    (re.compile(r"[@#!$%^~&](?=[\w\"'&{\[/])"), r"\g<0>"),
    (re.compile(r":(?=[\w+-]+:)"), r"\g<0>"),
)
"""Where a forge would make a link, a notification or a picture of plain text."""
_CODE_SAFE = re.compile(r"[^\s`|\\](?:[^\n`|\\]*[^\s`|\\])?")


def visible(text: str) -> str:
    r"""The text with everything that is not seen as itself spelled out, as in `\x1b` or `\u202e`.

    Line breaks and tabs stay. Bytes of a name that are not UTF-8 (`surrogateescape`) become
    `\xNN` again. The result can be encoded as UTF-8.
    """
    if text.isascii() and text.isprintable():
        return text
    return _INVISIBLE.sub(_spelled, text.replace("\r\n", "\n"))


def one_line(text: str, limit: int | None = None) -> str:
    """`visible` on one line; longer than `limit` characters, its end is replaced by `…`."""
    shown = visible(text if limit is None else text[: limit + 1])
    if not shown.isprintable():
        shown = shown.replace("\n", "\\n").replace("\t", "\\t")
    if limit is not None and len(shown) > limit:
        return f"{shown[: limit - 1]}…"
    return shown


def block(text: str) -> list[str]:
    """The lines of a longer text, each `visible`, tabs as four spaces; blank ends left out."""
    return visible(text).replace("\t", "    ").strip("\n").split("\n")


def markdown(text: str, limit: int | None = None) -> str:
    """Text as plain words in Markdown, in a table's cell as well: it links and calls nothing."""
    shown = one_line(text, limit)
    for pattern, before in _REFERENCES:
        shown = pattern.sub(before + _BREAK, shown)
    shown = _MARKDOWN.sub(_entity, shown)
    return _LINE_START.sub(_start, shown)


def markdown_code(text: str, limit: int | None = None) -> str:
    """Text as code in Markdown, in a table's cell as well."""
    shown = one_line(text, limit)
    if _CODE_SAFE.fullmatch(shown):
        return f"`{shown}`"
    return f"<code>{markdown(shown)}</code>"


def markdown_sentence(text: str, limit: int | None = None) -> str:
    """A message as `markdown`, its lines joined by spaces."""
    return markdown(" ".join(text.split()), limit)


def fenced(lines: Sequence[str], language: str = "") -> list[str]:
    """Lines as a code block, between fences that are longer than any run of backticks in it.

    A line that begins with `/` is moved by one space, since a forge may take it for a command.
    """
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    shown = [f" {line}" if line.startswith("/") else line for line in lines]
    return [f"{fence}{language}", *shown, fence]


def json_escaped(text: str) -> str:
    r"""JSON text whose invisible characters are `\uNNNN`, and lone surrogates U+FFFD."""
    return _INVISIBLE.sub(_json_escape, text)


def _json_escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return match.group()
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def _spelled(match: re.Match[str]) -> str:
    code = ord(match.group())
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _entity(match: re.Match[str]) -> str:
    return f"&#{ord(match.group())};"


def _start(match: re.Match[str]) -> str:
    digits, point, sign = match.groups()
    return f"{digits}&#{ord(point)};" if point else f"&#{ord(sign)};"
