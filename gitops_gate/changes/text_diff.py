"""A unified diff of two texts, in time that does not grow faster than their length.

Lines that occur once on either side and in the same order are taken as fixed points first (the
"patience" way), which follows the structure of YAML better than the longest common subsequence;
only short gaps between them are compared in full, and a long gap without fixed points is shown as
replaced. So even two hostile texts are compared in a bounded time, and the diff is always true:
its context and removed lines are the base, its context and added lines the head.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

CONTEXT = 3
_FULL_COMPARISON = 10_000
"""Gaps with more pairs of lines than this are not compared line by line with each other."""
_EFFORT = 1_000_000
_EFFORT_PER_LINE = 20
"""Steps after which the gaps that are left are shown as replaced."""

Span = tuple[int, int, int, int]
"""Lines `base[a:b]` against `head[c:d]`, as `(a, b, c, d)`."""


def unified_diff(base: Sequence[str], head: Sequence[str], context: int = CONTEXT) -> list[str]:
    """The lines of a unified diff, with `@@` headers and without file names; none if equal."""
    lines: list[str] = []
    for hunk in _hunks(list(changed_spans(base, head)), context):
        lines.extend(_hunk_lines(hunk, base, head, context))
    return lines


def changed_spans(base: Sequence[str], head: Sequence[str]) -> Iterator[Span]:
    """What differs, in order; the lines between two spans are equal on both sides."""
    pending: list[Span] = [(0, len(base), 0, len(head))]
    found: list[Span] = []
    effort = _EFFORT + _EFFORT_PER_LINE * (len(base) + len(head))
    while pending:
        a, b, c, d = span = _trimmed(pending.pop(), base, head)
        pairs = (b - a) * (d - c)
        if not pairs or effort <= 0:
            found.append(span)
        elif anchors := _anchors(base[a:b], head[c:d]):
            effort -= b - a + d - c
            pending.extend(_gaps(span, anchors))
        elif pairs <= _FULL_COMPARISON:
            effort -= pairs
            found.extend(_compared(span, base, head))
        else:
            found.append(span)
    return _joined(sorted(span for span in found if span[0] < span[1] or span[2] < span[3]))


def _trimmed(span: Span, base: Sequence[str], head: Sequence[str]) -> Span:
    a, b, c, d = span
    while a < b and c < d and base[a] == head[c]:
        a, c = a + 1, c + 1
    while a < b and c < d and base[b - 1] == head[d - 1]:
        b, d = b - 1, d - 1
    return a, b, c, d


def _anchors(base: Sequence[str], head: Sequence[str]) -> list[tuple[int, int]]:
    """The longest run, in both orders, of lines that occur once on each side."""
    counts = Counter(base), Counter(head)
    places = {line: index for index, line in enumerate(base) if counts[0][line] == 1}
    unique = [
        (places[line], index)
        for index, line in enumerate(head)
        if line in places and counts[1][line] == 1
    ]
    return _increasing(unique)


def _increasing(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest subsequence of `pairs` (sorted by the second) that increases in the first."""
    tails: list[int] = []
    ends: list[int] = []
    previous: list[int] = []
    for index, (place, _) in enumerate(pairs):
        position = bisect_left(tails, place)
        previous.append(ends[position - 1] if position else -1)
        tails[position : position + 1] = [place]
        ends[position : position + 1] = [index]
    chain: list[tuple[int, int]] = []
    index = ends[-1] if ends else -1
    while index >= 0:
        chain.append(pairs[index])
        index = previous[index]
    return chain[::-1]


def _gaps(span: Span, anchors: Sequence[tuple[int, int]]) -> Iterator[Span]:
    a, b, c, d = span
    before = (a, c)
    for one, other in anchors:
        yield before[0], a + one, before[1], c + other
        before = (a + one + 1, c + other + 1)
    yield before[0], b, before[1], d


def _compared(span: Span, base: Sequence[str], head: Sequence[str]) -> Iterator[Span]:
    a, b, c, d = span
    matcher = SequenceMatcher(None, base[a:b], head[c:d], autojunk=False)
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag != "equal":
            yield a + i, a + j, c + k, c + m


def _joined(spans: Sequence[Span]) -> Iterator[Span]:
    """Spans that touch on both sides as one."""
    current: Span | None = None
    for span in spans:
        if current and current[1] == span[0] and current[3] == span[2]:
            current = (current[0], span[1], current[2], span[3])
        else:
            if current:
                yield current
            current = span
    if current:
        yield current


def _hunks(spans: Sequence[Span], context: int) -> Iterator[list[Span]]:
    """Groups of spans whose context overlaps."""
    group: list[Span] = []
    for span in spans:
        if group and span[0] - group[-1][1] > 2 * context:
            yield group
            group = []
        group.append(span)
    if group:
        yield group


def _hunk_lines(
    spans: Sequence[Span], base: Sequence[str], head: Sequence[str], context: int
) -> Iterator[str]:
    before = min(context, spans[0][0])
    after = min(context, len(base) - spans[-1][1])
    start, stop = spans[0][0] - before, spans[-1][1] + after
    head_start, head_stop = spans[0][2] - before, spans[-1][3] + after
    yield f"@@ -{_range(start, stop)} +{_range(head_start, head_stop)} @@"
    position = start
    for a, b, c, d in spans:
        yield from (f" {line}" for line in base[position:a])
        yield from (f"-{line}" for line in base[a:b])
        yield from (f"+{line}" for line in head[c:d])
        position = b
    yield from (f" {line}" for line in base[position:stop])


def _range(start: int, stop: int) -> str:
    """`start,length` as GNU diff writes it: one line without a length, none by the line before."""
    length = stop - start
    if length == 1:
        return str(start + 1)
    return f"{start + 1 if length else start},{length}"
