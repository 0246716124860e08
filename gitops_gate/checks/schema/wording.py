"""How fields, values and lists of words read in a message.

Everything that is shown here may come from a hostile manifest: it is cleaned of what a terminal
would obey, put between quotes, and cut.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from gitops_gate.findings import FieldPath
from gitops_gate.tools import clean_text

MAXIMUM_SHOWN = 60
"""Characters of a key or a value that a message repeats."""

MAXIMUM_LISTED = 12
"""Words of an enumeration that a message repeats."""

_PLAIN_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*")

_TYPE_WORDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "an integer",
    "null": "null",
    "number": "a number",
    "object": "a mapping",
    "string": "a string",
}


def shown(text: str, *, limit: int = MAXIMUM_SHOWN) -> str:
    """Text of a manifest on one line, cleaned and cut."""
    line = clean_text(text[: 4 * limit], limit=8 * limit).replace("\n", " ").replace("\t", " ")
    return line if len(line) <= limit and len(text) <= 4 * limit else f"{line[:limit]}…"


def quoted(text: str, *, limit: int = MAXIMUM_SHOWN) -> str:
    """Text of a manifest between double quotes, with line breaks and quotes escaped."""
    cut = text[:limit]
    escaped = json.dumps(cut, ensure_ascii=False)[1:-1]
    mark = "…" if len(text) > limit else ""
    return f'"{clean_text(escaped, limit=8 * limit) if cut.strip() else escaped}{mark}"'


def field_text(path: FieldPath) -> str:
    """A field as people write it: `spec.containers[0].image`, `metadata.labels["a.b/c"]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part) and len(part) <= MAXIMUM_SHOWN:
            text += f".{part}" if text else part
        else:
            text += f"[{quoted(part)}]"
    return text or "the resource"


def listing(words: Sequence[str], *, last: str = "and") -> str:
    """`a, b and c`; what is beyond the limit is counted."""
    if len(words) > MAXIMUM_LISTED:
        return f"{', '.join(words[:MAXIMUM_LISTED])} {last} {len(words) - MAXIMUM_LISTED} more"
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def type_words(types: Sequence[str]) -> str:
    """`an integer or a string` for a list of JSON types; null is named only when it is alone."""
    kinds = sorted(set(types) - {"null"}) or ["null"]
    if "number" in kinds and "integer" in kinds:
        kinds.remove("integer")
    return listing([_TYPE_WORDS.get(kind, kind) for kind in kinds], last="or")


def value_text(value: object) -> str:
    """A value for "not …": `"abc"`, `3`, `true`, `null`, `a list`, `a mapping`."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    return shown(json.dumps(value))


def typed_value_text(value: object) -> str:
    """A value together with its type: `the string "3"`, `the integer 3`."""
    if isinstance(value, str):
        return f"the string {quoted(value)}"
    if isinstance(value, bool) or value is None:
        return value_text(value)
    if isinstance(value, int):
        return f"the integer {value_text(value)}"
    if isinstance(value, float):
        return f"the number {value_text(value)}"
    return value_text(value)


def type_of(value: object) -> str:
    """Only the type of a value, for one that must not be shown."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "a boolean"
    names = {str: "string", int: "integer", float: "number", list: "array", dict: "object"}
    return _TYPE_WORDS.get(names.get(type(value), ""), "another type")
