"""A unified diff as HTML: which lines belong to each other, and which words of them differ.

The text stays what it was, sign and all, so that a copied diff is a diff. The view side by side is
put together from the same elements by the page's script: a removed and an added line of the class
`p` are two versions of one line, the first of a run with the first, the second with the second.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import takewhile

from markupsafe import Markup, escape

from gitops_gate.reports.escaping import block

Spans = tuple[tuple[int, int], ...]
"""Parts of a line, each from and to a column."""

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
_KEY = re.compile(r"\s*(?:- )?[^\s:]+:(?=\s|$)")
_MOST_COMPARED = 2_500
"""Pairs of tokens; two lines that differ in more are marked from the first to the last of them."""
_NEAR = 3
"""Marks that are at most so many characters apart become one."""


def diff_lines(diff: str) -> list[str]:
    """The lines of a diff, as they are shown."""
    return block(diff) if diff else []


def diff_html(lines: Sequence[str]) -> Markup:
    """The lines as `<ins>`, `<del>` and plain text, changed words in `<mark>`."""
    parts: list[str] = []
    removed: list[str] = []
    added: list[str] = []
    for line in lines:
        sign = line[:1]
        if sign == "-" and not added:
            removed.append(line)
        elif sign == "+":
            added.append(line)
        else:
            parts.extend(_run(removed, added))
            removed, added = ([line], []) if sign == "-" else ([], [])
            if sign == "@":
                parts.append(f"<i>{escape(line)}\n</i>")
            elif sign != "-":
                parts.append(f"{escape(line)}\n")
    parts.extend(_run(removed, added))
    return Markup("".join(parts))  # noqa: S704 - every line was escaped


def _run(removed: Sequence[str], added: Sequence[str]) -> Iterator[str]:
    """Removed lines and the added ones that follow them."""
    pairs = dict(_pairs(removed, added))
    partners = {head: base for base, head in pairs.items()}
    for place, line in enumerate(removed):
        other = pairs.get(place)
        spans = _changed(line[1:], added[other][1:])[0] if other is not None else ()
        yield _line("del", line, spans, other is not None)
    for place, line in enumerate(added):
        other = partners.get(place)
        spans = _changed(removed[other][1:], line[1:])[1] if other is not None else ()
        yield _line("ins", line, spans, other is not None)


def _line(tag: str, line: str, spans: Spans, paired: bool) -> str:
    return f"<{tag}{' class=p' if paired else ''}>{line[0]}{marked(line[1:], spans)}\n</{tag}>"


def marked(text: str, spans: Spans) -> Markup:
    """A text, escaped, with these parts in `<mark>`."""
    parts: list[str] = []
    done = 0
    for begin, end in spans:
        parts.append(f"{escape(text[done:begin])}<mark>{escape(text[begin:end])}</mark>")
        done = end
    parts.append(str(escape(text[done:])))
    return Markup("".join(parts))  # noqa: S704 - every part was escaped


def _pairs(removed: Sequence[str], added: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Places of lines that are two versions of one: by their keys, in order.

    Where there are as many of either, and keys do not tell otherwise, it goes by their places.
    """
    if len(removed) == len(added):
        yield from enumerate(range(len(added)))
        return
    places: dict[str, list[int]] = {}
    for place, line in enumerate(added):
        if key := _key(line):
            places.setdefault(key, []).append(place)
    next_place = 0
    for place, line in enumerate(removed):
        found = places.get(_key(line), [])
        index = bisect_left(found, next_place)
        if index < len(found):
            yield place, found[index]
            next_place = found[index] + 1


def _key(line: str) -> str:
    match = _KEY.match(line, 1)
    return match.group() if match else ""


@lru_cache(maxsize=4096)
def _changed(base: str, head: str) -> tuple[Spans, Spans]:
    """What differs between two versions of a line; nothing is marked where all does."""
    one, two = _TOKEN.findall(base), _TOKEN.findall(head)
    start = _common(one, two)
    end = _common(one[start:][::-1], two[start:][::-1])
    begun = len("".join(one[:start]))
    rest, other = one[start : len(one) - end], two[start : len(two) - end]
    if not "".join([*one[:start], *one[len(one) - end :]]).strip(" -\"'"):
        return (), ()
    if len(rest) * len(other) > _MOST_COMPARED:
        return ((begun, begun + len("".join(rest))),), ((begun, begun + len("".join(other))),)
    base_spans, head_spans = [], []
    for tag, a, b, c, d in SequenceMatcher(None, rest, other, autojunk=False).get_opcodes():
        if tag != "equal":
            base_spans.append(_span(rest, a, b, begun))
            head_spans.append(_span(other, c, d, begun))
    return _joined(base_spans), _joined(head_spans)


def changed_words(base: str, head: str) -> tuple[Markup, Markup]:
    """Two values, escaped, with what differs in `<mark>`."""
    one, two = _changed(base, head)
    return marked(base, one), marked(head, two)


def _common(one: Sequence[str], two: Sequence[str]) -> int:
    pairs = zip(one, two, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _span(tokens: Sequence[str], first: int, last: int, begun: int) -> tuple[int, int]:
    start = begun + len("".join(tokens[:first]))
    return start, start + len("".join(tokens[first:last]))


def _joined(spans: Sequence[tuple[int, int]]) -> Spans:
    made: list[tuple[int, int]] = []
    for begin, end in spans:
        if begin == end:
            continue
        if made and begin - made[-1][1] <= _NEAR:
            made[-1] = (made[-1][0], end)
        else:
            made.append((begin, end))
    return tuple(made)
