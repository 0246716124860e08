"""Durations as the configuration writes them: `60s`, `2m`, `1m30s`."""

from __future__ import annotations

import re

MAXIMUM = 3600.0
"""Seconds that any duration of the configuration may have."""

_FORM = re.compile(r"(?=[0-9])(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6})s)?")


def seconds(text: str) -> float:
    """The seconds of a duration. Raises `ValueError` when it is none, is zero or over an hour."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError("a duration is a number with a unit, such as 60s or 2m")
    hours, minutes, rest = (int(part or 0) for part in found.groups())
    total = float(hours * 3600 + minutes * 60 + rest)
    if not 0 < total <= MAXIMUM:
        raise ValueError("a duration is at least 1s and at most 1h")
    return total
