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
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2"
    "\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    "\ufeff\uffa0\ufff0-\ufffc\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Control, format and bidirectional characters, lone surrogates, characters that have no shape."""

_BREAK = "\u2060"
"""WORD JOINER: no width, no line break, and no part of any word that a forge looks for."""

_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>|~&^]")
"""Characters that can begin or end Markdown, HTML or an entity, wherever they stand."""
_MONEY = re.compile(r"\$+")
_LINE_START = re.compile(r"^(\d+)([.)])(?=\s|$)|^([#+\-=:/!@%;])")
_REFERENCES = (
    # URLs, and what becomes a link without "://".
    (re.compile(r":(?=//)"), r"\g<0>"),
    (re.compile(r"(?i)(?<=mailto)(?=:)|(?<=xmpp)(?=:)|(?<=www)(?=\.)"), ""),
    # Keys of issue trackers and advisories: GH-1, JIRA-12, CVE-2024-1, GHSA-….
    (re.compile(r"\b[A-Z][A-Z0-9_]+(?=-\d)|(?i:\bGH)(?=-\d)|(?i:\bGHSA)(?=-)"), r"\g<0>"),
    # Commit ids, in pieces that are too short for one.
    (re.compile(r"[0-9A-Fa-f]{6}(?=[0-9A-Fa-f])"), r"\g<0>"),
    # People, e-mail addresses, and everything that GitLab marks with a sign before a name.
    (re.compile(r"@|[#!%^~&*](?=[\w\"'&{\[/])"), r"\g<0>"),
    # Shortcodes of emoji; `[vulnerability:1]`, `[[_TOC_]]`, `[TOC]`, `{+ added +}`.
    (re.compile(r":(?=[\w+-]+:)"), r"\g<0>"),
    (re.compile(r"\[(?=\[|[+-]|\w+:|_?TOC)|\{(?=[+-])"), r"\g<0>"),
)
"""Where a forge would make a link, a notification, a list or a picture of plain text."""
_SIGN_FIRST = re.compile(r"[^\w\s+\-@]")
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
    shown = _LINE_START.sub(_start, _MARKDOWN.sub(_entity, shown))
    return _MONEY.sub(_apart, shown)


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

    A line that begins with a sign that no diff begins with is moved by one space: forges look for
    commands (`/approve`) and `::include` at the start of any line, and we for our own marker.
    """
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    shown = [f" {line}" if _SIGN_FIRST.match(line) else line for line in lines]
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


def _apart(match: re.Match[str]) -> str:
    """Dollars as GitHub wants them where they begin no formula: in an element of their own."""
    return f"<span>{'&#36;' * len(match.group())}</span>"


def _start(match: re.Match[str]) -> str:
    digits, point, sign = match.groups()
    return f"{digits}&#{ord(point)};" if point else f"&#{ord(sign)};"
