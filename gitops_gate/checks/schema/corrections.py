"""The text that would mend a value, where one is beyond doubt.

A value that was read loses how it was written: `0777` is 511, `yes` is true, `1.10` is 1.1. A
number or boolean is therefore only put between quotes when the manifest contains it just so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gitops_gate.checks.schema.formats import QUANTITY
from gitops_gate.checks.schema.nearest import nearest

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?")
_BOOLEANS = {"true": "true", "false": "false", "yes": "true", "no": "false"}


def correction(error: ValidationError, text: bytes) -> str | None:
    """The replacement for a value, as YAML; `text` is the manifest the value was read from."""
    name = type(error.kind).__name__
    value = error.instance
    if name == "Type":
        return _other_type(value, error.kind.types, text)  # type: ignore[attr-defined]
    if name == "Enum" and isinstance(value, str):
        options = error.kind.options  # type: ignore[attr-defined]
        return nearest(value, (option for option in options if isinstance(option, str)))
    if name == "Pattern" and error.kind.pattern == QUANTITY.pattern:  # type: ignore[attr-defined]
        joined = "".join(value.split()) if isinstance(value, str) else ""
        return joined if re.search(QUANTITY.pattern, joined) else None
    return None


def _other_type(value: object, types: list[str], text: bytes) -> str | None:
    wanted = set(types) - {"null"}
    if isinstance(value, str):
        stripped = value.strip()
        if wanted == {"integer"} and _INTEGER.fullmatch(stripped):
            return stripped
        if wanted == {"number"} and _NUMBER.fullmatch(stripped):
            return stripped
        if wanted == {"boolean"}:
            return _BOOLEANS.get(stripped.lower())
        return None
    if wanted == {"string"} and isinstance(value, (bool, int, float)):
        written = str(value).lower()
        return f'"{written}"' if _is_written(written, text) else None
    return None


def _is_written(word: str, text: bytes) -> bool:
    pattern = rb"(?<![\w.+-])" + re.escape(word.encode()) + rb"(?![\w.])"
    return re.search(pattern, text) is not None
