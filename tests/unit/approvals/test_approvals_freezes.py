"""When nothing may land, and when it may again."""

from __future__ import annotations

import datetime
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitops_gate.approvals.freezes import active_freezes, is_active, opens_at
from gitops_gate.config.approval_settings import Freeze
from tests.unit.approvals.making import production

HOUR = 3600.0


def utc(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


def fixed(name: str, start: str, end: str) -> Freeze:
    return Freeze(name=name, start=utc(start), end=utc(end))


def cron(schedule: str, hours: float, timezone: str = "UTC", name: str = "cron") -> Freeze:
    return Freeze(name=name, schedule=schedule, duration=hours * HOUR, timezone=timezone)


YEAR_END = fixed("year end", "2026-12-20", "2027-01-04")
WEEKEND = cron("0 18 * * FRI", 62, "Europe/Berlin", "weekend")
SHOP = [production()]


class TestFixed:
    """From the start on, until just before the end."""

    @pytest.mark.parametrize(
        ("at", "active"),
        [
            ("2026-12-19T23:59:59", False),
            ("2026-12-20T00:00:00", True),
            ("2027-01-03T23:59:59", True),
            ("2027-01-04T00:00:00", False),
        ],
    )
    def test_bounds(self, at: str, active: bool) -> None:
        assert is_active(YEAR_END, utc(at)) is active
        berlin = utc(at).astimezone(ZoneInfo("Asia/Tokyo"))
        assert is_active(YEAR_END, berlin) is active

    def test_without_a_start_or_an_end(self) -> None:
        at = utc("2026-12-25")
        assert is_active(replace(YEAR_END, start=None), at)
        assert is_active(replace(YEAR_END, end=None), at)
        assert opens_at([replace(YEAR_END, end=None)], SHOP, at) is None


class TestSchedules:
    """From each time that the expression names on, as long as the duration."""

    @pytest.mark.parametrize(
        ("at", "active"),
        [
            ("2026-11-06T16:59:59", False),
            ("2026-11-06T17:00:00", True),  # Friday, 18:00 in Berlin
            ("2026-11-06T17:00:30", True),
            ("2026-11-09T06:59:59", True),
            ("2026-11-09T07:00:00", False),  # Monday, 08:00
            ("2026-11-11T12:00:00", False),
        ],
    )
    def test_a_weekend(self, at: str, active: bool) -> None:
        assert is_active(WEEKEND, utc(at)) is active

    @pytest.mark.parametrize(
        ("at", "end"),
        [
            ("2026-03-28T12:00", "2026-03-30T07:00"),  # clocks skip an hour: 09:00 in Berlin
            ("2026-10-24T12:00", "2026-10-26T06:00"),  # clocks are set back: 07:00
        ],
    )
    def test_the_duration_is_elapsed_time(self, at: str, end: str) -> None:
        assert opens_at([WEEKEND], SHOP, utc(at)) == utc(end)

    def test_a_start_that_clocks_skip_is_when_they_have_skipped_it(self) -> None:
        nightly = cron("30 2 * * *", 0.25, "Europe/Berlin")
        assert not is_active(nightly, utc("2026-03-29T00:59:59"))
        assert is_active(nightly, utc("2026-03-29T01:00:00"))  # 03:00 in Berlin
        assert not is_active(nightly, utc("2026-03-29T01:15:00"))

    @pytest.mark.parametrize(
        ("at", "active"),
        [
            ("2026-10-25T00:29:59", False),
            ("2026-10-25T00:30:00", True),  # 02:30, the first time
            ("2026-10-25T01:10:00", True),  # 02:10, the second time
            ("2026-10-25T01:29:59", True),
            ("2026-10-25T01:30:00", False),  # 02:30, the second time
        ],
    )
    def test_a_start_that_happens_twice_is_the_first(self, at: str, active: bool) -> None:
        assert is_active(cron("30 2 * * *", 1, "Europe/Berlin"), utc(at)) is active

    def test_that_has_not_begun_in_fifty_years(self) -> None:
        leap_monday = cron("0 0 29 2 *", 24)
        assert is_active(leap_monday, utc("2028-02-29T12:00"))
        assert not is_active(leap_monday, utc("2027-03-01T00:00"))

    @settings(max_examples=60, deadline=None)
    @given(
        schedule=st.sampled_from(
            [
                "0 18 * * FRI",
                "30 2 * * *",
                "*/20 * * * *",
                "15 */6 * * *",
                "0 0 1 * *",
                "45 1 * * 0",
            ]
        ),
        timezone=st.sampled_from(
            ["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"]
        ),
        minutes=st.integers(0, 366 * 24 * 60),
        hours=st.sampled_from([0.1, 0.5, 1.0, 3.0, 30.0]),
    )
    def test_agrees_with_going_forward_from_long_ago(
        self, schedule: str, timezone: str, minutes: int, hours: float
    ) -> None:
        from cronsim import CronSim

        at = utc("2026-01-01") + datetime.timedelta(minutes=minutes)
        freeze = cron(schedule, hours, timezone)
        begin = (at - datetime.timedelta(hours=hours, days=3)).astimezone(ZoneInfo(timezone))
        active = False
        for start in CronSim(schedule, begin):
            moment = start.astimezone(datetime.UTC)
            if moment > at + datetime.timedelta(hours=4):
                break
            active |= moment <= at < moment + datetime.timedelta(hours=hours)
        assert is_active(freeze, at) is active


class TestOpensAgain:
    """The first moment at which nothing holds the applications any more."""

    def test_when_it_is_open(self) -> None:
        at = utc("2026-11-11T12:00")
        assert opens_at([YEAR_END, WEEKEND], SHOP, at) == at
        assert opens_at([], SHOP, at.astimezone(ZoneInfo("Europe/Berlin"))) == at

    def test_after_one(self) -> None:
        assert opens_at([WEEKEND], SHOP, utc("2026-11-07")) == utc("2026-11-09T07:00")

    def test_after_several_that_touch(self) -> None:
        ends_on_friday = fixed("audit", "2026-11-02", "2026-11-06T17:00")
        assert opens_at([ends_on_friday, WEEKEND], SHOP, utc("2026-11-03")) == utc(
            "2026-11-09T07:00"
        )
        ends_before = replace(ends_on_friday, end=utc("2026-11-06T16:59"))
        assert opens_at([ends_before, WEEKEND], SHOP, utc("2026-11-03")) == utc("2026-11-06T16:59")

    def test_after_windows_that_overlap(self) -> None:
        workdays = cron("0 0 * * MON-FRI", 25)
        assert opens_at([workdays], SHOP, utc("2026-11-03")) == utc("2026-11-07T01:00")

    def test_never(self) -> None:
        assert opens_at([cron("0 * * * *", 2)], SHOP, utc("2026-11-03")) is None

    def test_only_freezes_of_the_applications_matter(self) -> None:
        staging = replace(YEAR_END, environments=("staging",))
        at = utc("2026-12-25")
        assert opens_at([staging], SHOP, at) == at
        assert opens_at([replace(YEAR_END, environments=("production",))], SHOP, at) == YEAR_END.end


class TestActive:
    """Which freezes hold which applications."""

    AT = utc("2026-12-26T12:00")

    def test_all_environments_by_default(self) -> None:
        staging = production("a", environment="staging")
        (found,) = active_freezes([YEAR_END], [production(), staging, production()], self.AT)
        assert found.applications == ("a", "shop")
        assert found.freeze is YEAR_END
        assert found.opens_at == YEAR_END.end

    def test_the_named_environments(self) -> None:
        frozen = replace(YEAR_END, environments=("production",))
        staging = production("a", environment="staging")
        unknown = production("u", environment=None)
        (found,) = active_freezes([frozen], [production(), staging, unknown], self.AT)
        assert found.applications == ("shop", "u")
        assert active_freezes([frozen], [staging], self.AT) == ()

    def test_nothing_is_held_where_nothing_is_affected(self) -> None:
        assert active_freezes([YEAR_END], [], self.AT) == ()

    def test_before_and_after(self) -> None:
        assert active_freezes([YEAR_END], SHOP, utc("2026-12-19")) == ()

    def test_several_by_name_each_with_the_end_of_all(self) -> None:
        found = active_freezes([YEAR_END, WEEKEND], SHOP, self.AT)
        assert [active.freeze.name for active in found] == ["weekend", "year end"]
        assert {active.opens_at for active in found} == {utc("2027-01-04T07:00")}
