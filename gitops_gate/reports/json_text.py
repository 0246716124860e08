"""JSON as text for all formats that are JSON: the same bytes for the same value, and lines to read.

The outer levels get a line for each member, everything within stays on that line, so that `grep`
and `diff` can be used on a report of thousands of findings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gitops_gate.reports.escaping import json_escaped


def json_text(value: Any, depth: int, deeper: Mapping[str, int] | None = None) -> str:
    """`value` as JSON, `depth` levels of it laid out, ending in a newline.

    `deeper` names members, and by how many more levels each of them is laid out. Characters that
    cannot be seen are escaped; a lone surrogate becomes U+FFFD. Raises `ValueError` for a number
    that JSON does not have.
    """
    text = _laid_out(value, depth, deeper or {}, "") + "\n"
    return text if text.isascii() else json_escaped(text)


def _laid_out(value: Any, depth: int, deeper: Mapping[str, int], indent: str) -> str:
    if depth <= 0 or not value or not isinstance(value, (dict, list)):
        return _compact(value)
    inner = f"{indent}  "
    if isinstance(value, dict):
        lines = [
            f"{_compact(key)}: " + _laid_out(member, depth - 1 + deeper.get(key, 0), deeper, inner)
            for key, member in value.items()
        ]
        first, last = "{", "}"
    else:
        lines = [_laid_out(element, depth - 1, deeper, inner) for element in value]
        first, last = "[", "]"
    body = f",\n{inner}".join(lines)
    return f"{first}\n{inner}{body}\n{indent}{last}"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)


def _plain(value: Any) -> Any:
    """Read-only mappings in changed values, as JSON has them."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")
