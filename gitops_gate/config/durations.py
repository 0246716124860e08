"""Durations as the configuration writes them: `60s`, `2m`, `1m30s`, `62h`, `2d12h`."""

from __future__ import annotations

import re

MAXIMUM = 3600.0
"""Seconds that the duration of something that a run waits for may have."""

LONG_MAXIMUM = 366 * 24 * 3600.0
"""Seconds that the duration of a freeze may have. A day is 24 hours, whatever clocks do."""

_FORM = re.compile(
    r"(?=[0-9])(?:([0-9]{1,6})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6})s)?"
)


def seconds(text: str) -> float:
    """The seconds of a duration. Raises `ValueError` when it is none, is zero or over an hour."""
    total = _total(text)
    if not 0 < total <= MAXIMUM:
        raise ValueError("a duration is at least 1s and at most 1h")
    return total


def long_seconds(text: str) -> float:
    """The same for a freeze: from a minute to 366 days."""
    total = _total(text)
    if not 60 <= total <= LONG_MAXIMUM:
        raise ValueError("the duration of a freeze is at least 1m and at most 366d")
    return total


def _total(text: str) -> float:
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError("a duration is a number with a unit, such as 60s or 2m")
    days, hours, minutes, rest = (int(part or 0) for part in found.groups())
    return float(days * 86_400 + hours * 3600 + minutes * 60 + rest)
