"""When nothing may land: freezes at a given moment, and when they end.

A fixed freeze lasts from its start until just before its end. A schedule starts one at every time
that its cron expression names, in the freeze's time zone, each lasting the duration in elapsed
time: where clocks are set back in between, the wall clock shows an hour less at its end. A start
that clocks skip happens when they have skipped it, and one that happens twice happens the first
time, as Debian's cron has it.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from gitops_gate.approvals.change import AffectedApplication
from gitops_gate.config.approval_settings import Freeze

if TYPE_CHECKING:
    from cronsim import CronSim

_LOOK_PAST = datetime.timedelta(hours=3)
"""More than clocks are ever set back: wall-clock order is that of time beyond it."""

_MOST_WINDOWS = 500
"""Windows in a row that are followed to find the end of a freeze."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveFreeze:
    """A freeze that holds at the moment, and the names of the applications it holds, sorted.

    `opens_at` is when none of the freezes holds these applications any more, in UTC; None where
    that is not in sight.
    """

    freeze: Freeze
    applications: tuple[str, ...]
    opens_at: datetime.datetime | None


def active_freezes(
    freezes: Iterable[Freeze], applications: Iterable[AffectedApplication], at: datetime.datetime
) -> tuple[ActiveFreeze, ...]:
    """The freezes that hold some of the applications at a moment with a time zone, by name."""
    every = tuple(freezes)
    affected = tuple(applications)
    found = []
    for freeze in every:
        held = [application for application in affected if holds(freeze, application)]
        if held and is_active(freeze, at):
            found.append(
                ActiveFreeze(
                    freeze=freeze,
                    applications=tuple(sorted({application.name for application in held})),
                    opens_at=opens_at(every, held, at),
                )
            )
    return tuple(sorted(found, key=lambda active: (active.freeze.name, repr(active.freeze))))


def holds(freeze: Freeze, application: AffectedApplication) -> bool:
    """Whether a freeze is about an application; one of an unknown environment is always held."""
    environment = application.environment
    return not freeze.environments or environment is None or environment in freeze.environments


def is_active(freeze: Freeze, at: datetime.datetime) -> bool:
    """Whether a freeze holds at a moment."""
    if freeze.schedule is None:
        return _has_begun(freeze, at) and (freeze.end is None or at < freeze.end)
    start = _latest_start(freeze, at)
    return start is not None and at < start + _duration(freeze)


def opens_at(
    freezes: Iterable[Freeze], applications: Iterable[AffectedApplication], at: datetime.datetime
) -> datetime.datetime | None:
    """The first moment from `at` on at which no freeze holds any of the applications, in UTC.

    None where that is not in sight.
    """
    affected = tuple(applications)
    concerned = [freeze for freeze in freezes if any(holds(freeze, one) for one in affected)]
    moment = at.astimezone(datetime.UTC)
    for _ in range(_MOST_WINDOWS):
        active = [freeze for freeze in concerned if is_active(freeze, moment)]
        if not active:
            return moment
        ends = [_end(freeze, moment) for freeze in active]
        known = [end for end in ends if end is not None]
        if len(known) < len(ends):
            return None
        moment = max(known).astimezone(datetime.UTC)
    return None


def _has_begun(freeze: Freeze, at: datetime.datetime) -> bool:
    return freeze.start is None or freeze.start <= at


def _duration(freeze: Freeze) -> datetime.timedelta:
    return datetime.timedelta(seconds=freeze.duration or 0)


def _end(freeze: Freeze, at: datetime.datetime) -> datetime.datetime | None:
    """When a freeze that is active at `at` ends, other windows of its schedule left aside."""
    if freeze.schedule is None:
        return freeze.end
    start = _latest_start(freeze, at)
    return None if start is None else start + _duration(freeze)


def _latest_start(freeze: Freeze, at: datetime.datetime) -> datetime.datetime | None:
    """The last start of a schedule that is not after `at`, in UTC.

    Going back begins a little after `at`, since wall clocks alone do not tell which of two equal
    times it is.
    """
    assert freeze.schedule is not None
    zone = ZoneInfo(freeze.timezone)
    later = (at + _LOOK_PAST).astimezone(zone)
    for start in _cron(freeze.schedule, later, reverse=True):
        moment = start.astimezone(datetime.UTC)
        if moment <= at:
            return moment
    return None


def _cron(
    schedule: str, moment: datetime.datetime, *, reverse: bool = False
) -> Iterator[datetime.datetime]:
    from cronsim import CronSim

    found: CronSim = CronSim(schedule, moment, reverse=reverse)
    return found
