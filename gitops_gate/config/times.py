"""Moments, time zones and schedules as the configuration writes them.

A moment is written with its offset (`2026-12-20T00:00:00Z`), since a file is read by people in
many places. A schedule is a cron expression of five fields.
"""

from __future__ import annotations

import datetime
import re
from zoneinfo import ZoneInfo

_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}(:[0-9]{2})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def moment(text: str) -> datetime.datetime:
    """A moment with its offset, in UTC. Raises `ValueError` for anything else."""
    try:
        if not _MOMENT.fullmatch(text):
            raise ValueError
        return datetime.datetime.fromisoformat(text.upper()).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        message = "a moment is written with its offset, such as 2026-12-20T00:00:00Z"
        raise ValueError(message) from None


def check_timezone(name: str) -> None:
    """Raise `ValueError` unless `name` is an IANA time zone that is known here."""
    try:
        ZoneInfo(name)
    except (LookupError, OSError, ValueError):
        raise ValueError("a time zone is an IANA name, such as Europe/Berlin") from None


def check_schedule(expression: str) -> None:
    """Raise `ValueError` unless a cron expression has five fields and names any moment at all."""
    from cronsim import CronSim, CronSimError

    if len(expression.split()) != 5:
        raise ValueError("a schedule has five fields: minute, hour, day, month, day of the week")
    try:
        found = next(CronSim(expression, datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)), None)
    except CronSimError as error:
        raise ValueError(f"a schedule is a cron expression: {error}") from None
    if found is None:
        raise ValueError("a schedule names some moment; this one never comes")
