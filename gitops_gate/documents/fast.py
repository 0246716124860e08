"""Reads most documents fast: with `ryaml`, where it cannot see anything else than Kubernetes does.

`ryaml` (Rust's serde_yaml) scans with a port of libyaml and resolves scalars by YAML 1.2. So it and
the exact loader can only disagree on a line that holds one of a few things: a plain scalar that the
two resolve differently, a key that is not text, a tag, an anchor, `<<`, or a spelling that libyaml
and go-yaml scan differently. A quick look at the lines of a document finds them, without knowing
what a line is part of: a doubtful word inside a block scalar is doubtful as well. Lines repeat, so
those that were found harmless are remembered.

What `ryaml` refuses is read again by the exact loader, whose error is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from gitops_gate.documents.limits import Limits

NOT_READ: Final = object()
"""Returned when a document has to be read exactly."""

_MAX_BYTES = 1_000_000
_MAX_LINE = 8_192
_MAX_BRACKETS = 4_000
_MAX_REMEMBERED = 100_000
_MAX_REMEMBERED_LINE = 300
_SURE_DEPTH = 90
"""How deep a document can be that has no line `_INDENTED` and none that `_OPENS`."""

_NUMBER = (
    r"[-+]?(?:_*[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9_]+)?|\._*[0-9][0-9_]*(?:[eE][-+]?[0-9_]+)?"
    r"|_*0_*(?:[xX][0-9a-fA-F_]+|[oO][0-7_]+|[bB][01_]+)|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)"
)
"""Whatever go-yaml or serde_yaml may take for a number, and some text."""
_SAME_NUMBER = r"(?:0|-?[1-9][0-9]{0,17}|-?(?:0|[1-9][0-9]{0,5})\.[0-9]{0,5}[1-9][0-9]{0,5})"
"""Numbers that both read alike and that JSON leaves as they are."""
_WORD = (
    r"[yYnN]|[yY]es|YES|[nN]o|NO|[oO]n|ON|[oO]ff|OFF"
    r"|T(?:rue|RUE)|F(?:alse|ALSE)|N(?:ull|ULL)|<<"
)

_LINE = r"(?<=\n)[ \t]*+(?:-[ \t]++)*+"
_START = rf"[\n:](?:{_LINE}|(?<=:)[ \t]++)"
"""Where a node may start outside of flow collections. A set of characters comes first: `re` then
skips everything else, where it would try an alternative at each character."""
_END = r"(?=[ \t]*+(?:\n|:[ \t\n]|#(?<=[ \t]#)))"
_FIRST = r"(?=[-+._0-9yYnNoOtTfF~<!&*?:])"
"""What everything doubtful starts with, so that most nodes are dismissed at once."""
_FLOW_START = rf"(?:{_LINE}|(?<=[:,\[{{])[ \t]*+)"
_FLOW_END = r"(?=[ \t]*+(?:[\n,:\]}]|#(?<=[ \t]#)))"

_ODD_KEY = rf"(?:true|false|null|~|(?=[-+._0-9])(?:{_NUMBER}))[ \t]*+:(?=[ \t\n])"
_DOUBTFUL = re.compile(
    rf"{_START}{_FIRST}(?:"
    # a scalar of two minds, or a key that is not text
    rf"(?:{_WORD}|(?=[-+._0-9])(?!{_SAME_NUMBER}{_END})(?:{_NUMBER})){_END}"
    rf"|{_ODD_KEY}"
    # a tag, an anchor, an alias; a key that stands alone or is missing
    r"|!|[&*][0-9A-Za-z_-]|\?[ \t\n]|:[ \t\n])"
)
_MARKER = re.compile(r"\n(?:---|\.\.\.|%)")
"""A directive, the start or the end of a document."""
_INSIDE_WORD = (
    rf"(?:{_WORD}|(?=[-+._0-9])(?!{_SAME_NUMBER}{_FLOW_END})(?:{_NUMBER})){_FLOW_END}"
    r"|!|[&*][0-9A-Za-z_-]"
)
_DOUBTFUL_INSIDE = re.compile(rf"[\n:,\[{{?](?:(?<=\?)|{_FLOW_START}{_FIRST}(?:{_INSIDE_WORD}))")
"""The same inside of flow collections, and what ends a plain scalar there for go-yaml alone."""
_ODD_CHARACTER = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""Line breaks that editors do not count, and characters that readers refuse or skip."""
_SLASH_ESCAPE = re.compile(r"\\/")
"""An escape of libyaml alone."""

_PLAIN_ITEM = r"[A-Za-z0-9_./$(-](?:[^\[\]{},#:\"'\n]|:(?=[^\s,\[\]{}]))*+"
_ITEM = rf"[ \t]*+(?:\"[^\"\\\n]*+\"|'[^'\n]*+'|{_PLAIN_ITEM})[ \t]*+"
_KEY = r"[ \t]*+(?!(?:true|false|null)\b)[A-Za-z][A-Za-z0-9_./-]*+:[ \t]"
_LIST = rf"\[[ \t]*+(?:{_ITEM}(?:,{_ITEM})*+)?\]"
_MAPPING = rf"\{{[ \t]*+(?:{_KEY}{_ITEM}(?:,{_KEY}{_ITEM})*+)?\}}"
_FLOW = re.compile(rf"{_START}[\[{{]")
_NOT_SIMPLE = rf"(?=[\[{{])(?!(?:{_LIST}|{_MAPPING})[ \t]*+(?:\n|#(?<=[ \t]#)))"
_OPENING = re.compile(rf"{_START}{_NOT_SIMPLE}")
_DEEP = re.compile(r"\n[ \t]{41}|\n[ \t]*+(?:-[ \t]++){4}")

_SUSPECT = re.compile(
    rf"[\n:,\[{{?](?:(?<=\?)|(?<=\n)(?:---|\.\.\.|%)"
    rf"|{_FLOW_START}(?:{_FIRST}(?:{_INSIDE_WORD}|{_ODD_KEY}|:[ \t\n])|{_NOT_SIMPLE}))"
)
"""Found wherever one of the doubtful patterns, `_MARKER` or `_OPENING` is, in one go over the text:
outside of flow collections as well, a node may start and end where it may inside."""

_INDENTED = 1
"""May be nested deeply: this has to be measured afterwards."""
_OPENS = 2
"""May open a flow collection that is more than a simple one on its line."""
_INSIDE = 4
"""Doubtful if it stands inside such a collection."""
_DOUBTS = 8

_SEARCHED = (_SUSPECT, _DEEP, _ODD_CHARACTER, _SLASH_ESCAPE)

_harmless: set[str] = set()
_flagged: dict[str, int] = {}


def load_fast(raw: bytes, limits: Limits) -> object:
    """The JSON-like value of one document, or `NOT_READ` when it has to be read exactly."""
    if len(raw) > min(_MAX_BYTES, limits.max_nodes):
        return NOT_READ
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return NOT_READ
    flags = _look(set(text.split("\n")))
    if flags & _DOUBTS or (flags & _OPENS and flags & _INSIDE):
        return NOT_READ
    if flags & _OPENS and text.count("[") + text.count("{") > _MAX_BRACKETS:
        return NOT_READ
    value = _read(text)
    if flags & (_OPENS | _INDENTED) or limits.max_depth < _SURE_DEPTH:
        return value if _is_shallow(value, limits.max_depth) else NOT_READ
    return value


def _read(text: str) -> object:
    from ryaml._ryaml import loads

    try:
        return loads(text)
    except ValueError:
        return NOT_READ
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # Rust's, and no Exception to Python
            return NOT_READ
        raise


def _look(lines: set[str]) -> int:
    """What is to be said of these lines together."""
    flags = 0
    fresh = []
    for line in lines - _harmless:
        known = _flagged.get(line)
        if known is None:
            fresh.append(line)
        else:
            flags |= known
    return flags | _judge(fresh) if fresh else flags


def _judge(lines: list[str]) -> int:
    """Look at lines that are new; remember what was found."""
    if len(max(lines, key=len)) > _MAX_LINE:
        return _DOUBTS
    block = "\n" + "\n".join(lines) + "\n"
    suspects = {line for pattern in _SEARCHED for line in _lines_with(pattern, block)}
    if len(_harmless) + len(_flagged) + len(lines) > _MAX_REMEMBERED:
        _harmless.clear()
        _flagged.clear()
    if not suspects:
        _harmless.update(line for line in lines if len(line) <= _MAX_REMEMBERED_LINE)
        return 0
    result = 0
    for line in lines:
        flags = _flags(f"\n{line}\n") if line in suspects else 0
        result |= flags
        if len(line) <= _MAX_REMEMBERED_LINE:
            if flags:
                _flagged[line] = flags
            else:
                _harmless.add(line)
    return result


def _lines_with(pattern: re.Pattern[str], block: str) -> Iterator[str]:
    """The lines of `block` in which `pattern` is found; it may start with the break before them."""
    at = 0
    while match := pattern.search(block, at):
        found = match.start()
        start = found + 1 if block[found] == "\n" else block.rfind("\n", 0, found) + 1
        at = block.find("\n", start)
        yield block[start:at]


def _flags(line: str) -> int:
    """What is to be said of one line, given with a line break on both sides."""
    if any(pattern.search(line) for pattern in (_DOUBTFUL, _MARKER, _ODD_CHARACTER, _SLASH_ESCAPE)):
        return _DOUBTS
    flags = (_OPENS if _OPENING.search(line) else 0) | (_INDENTED if _DEEP.search(line) else 0)
    if _DOUBTFUL_INSIDE.search(line):
        flags |= _DOUBTS if _FLOW.search(line) else _INSIDE
    return flags


def _is_shallow(value: object, max_depth: int) -> bool:
    """Whether no collection is nested too deeply and every key is text."""
    level = [value]
    try:
        for _ in range(max_depth + 1):
            level = [item for item in level if type(item) is dict or type(item) is list]
            if not level:
                return True
            below: list[object] = []
            for collection in level:
                if type(collection) is dict:
                    "".join(collection)
                    below += collection.values()
                elif type(collection) is list:
                    below += collection
            level = below
    except TypeError:
        return False
    return False
