"""Lines of styled spans: wrapped by the width of characters, painted or plain.

The terminal report is built from these rather than from Rich's renderables, which lay out every
span anew and take seconds for ten thousand findings. Widths and colours are still Rich's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

Span = tuple[str, str]
"""A piece of text, already safe to show, and the name of its style ("" for none)."""
Line = tuple[Span, ...]

STYLES: Mapping[str, str] = {
    "allow": "bold green",
    "deny": "bold red",
    "pending": "bold yellow",
    "indeterminate": "bold magenta",
    "advisory": "bold blue",
    "error": "bold red",
    "warning": "bold yellow",
    "rule": "bold",
    "name": "cyan",
    "place": "blue",
    "label": "dim",
    "dim": "dim",
    "strong": "bold",
    "caret": "red",
    "added": "green",
    "removed": "red",
    "modified": "yellow",
    "risk": "bold red",
    "hunk": "cyan",
}

_WORDS = re.compile(r"\s+|[^\s]+")


def width_of(text: str) -> int:
    """How many columns a text takes in a terminal."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def wrapped(
    spans: Iterable[Span], width: int, *, first: Sequence[Span] = (), indent: int = 0
) -> Iterator[Line]:
    """Words set into lines of `width` columns, the first after `first`, the others indented.

    A word that is wider than a line stays whole, so that a path can still be copied.
    """
    line: list[Span] = list(first)
    used = sum(width_of(text) for text, _ in line)
    started = False
    space = ""
    for word, style in _words(spans):
        if word.isspace():
            space = " " if started else ""
            continue
        size = width_of(word)
        if started and used + len(space) + size > width and space:
            yield tuple(line)
            line, used, space = [(" " * indent, "")], indent, ""
        line.append((space + word, style))
        used += len(space) + size
        space, started = "", True
    if started or line:
        yield tuple(line)


def aligned(left: Sequence[Span], right: Span, width: int, indent: int) -> Iterator[Line]:
    """`right` at the right edge, behind `left` where it fits, else on a line of its own."""
    used = sum(width_of(text) for text, _ in left)
    gap = width - used - width_of(right[0])
    if not right[0]:
        yield tuple(left)
    elif gap >= 2:
        yield (*left, (" " * gap, ""), right)
    else:
        yield tuple(left)
        yield ((" " * indent, ""), right)


def paint(lines: Iterable[Line], *, color: bool) -> str:
    """The lines as text, ending in a newline; with terminal colours or without any."""
    if not color:
        return "".join(f"{''.join(text for text, _ in line).rstrip()}\n" for line in lines)
    return "".join(f"{''.join(_painted(*span) for span in line)}\n" for line in lines)


def _painted(text: str, style: str) -> str:
    start = _start_of(style) if style and text else ""
    return f"{start}{text}\x1b[0m" if start else text


@lru_cache(maxsize=64)
def _start_of(style: str) -> str:
    """The escape sequence that turns a style on, as Rich writes it for sixteen colours."""
    from rich.color import ColorSystem
    from rich.style import Style

    parsed = Style.parse(STYLES[style])
    return parsed.render("\0", color_system=ColorSystem.STANDARD).partition("\0")[0]


def _words(spans: Iterable[Span]) -> Iterator[Span]:
    for text, style in spans:
        for word in _WORDS.findall(text):
            yield word, style
