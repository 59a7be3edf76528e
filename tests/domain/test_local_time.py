"""The clocks of every zone, against the library that reads the tz database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klara_daemon.domain.local_time import is_known_zone, local_day, local_time
from tests.domain.situations import ZONES, clock_changes, instants, zones

SECOND = timedelta(seconds=1)


@settings(deadline=None)
@given(st.data())
def test_a_clock_shows_what_the_tz_database_says_and_runs_evenly_until_it_says(data: st.DataObject) -> None:
    zone = data.draw(zones)
    at = data.draw(instants(zone)) + timedelta(microseconds=data.draw(st.integers(0, 59_999_999)))
    clock = local_time(zone, at)
    assert clock.wall == wall(zone, at)
    assert local_day(zone, at) == clock.wall.date()
    assert clock.minute == clock.wall.hour * 60 + clock.wall.minute
    assert at < clock.steady_until
    last = clock.steady_until - SECOND
    assert wall(zone, last) - clock.wall == last - at


def test_no_clock_change_of_any_zone_is_missed() -> None:
    for zone in ZONES:
        for changes_at in clock_changes(zone, 2026):
            for at in (changes_at - SECOND, changes_at):
                assert local_time(zone, at).wall == wall(zone, at)
            assert local_time(zone, changes_at - SECOND).steady_until == changes_at


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kathmandu", "US/Eastern", "UTC", "Asia/Katmandu"])
def test_names_of_the_tz_database_are_known(zone: str) -> None:
    assert is_known_zone(zone)


@pytest.mark.parametrize(
    "zone", ["", "localtime", "Factory", "Europe", "europe/berlin", "Foo5", "../x", "/etc", "CEST\0"]
)
def test_other_names_are_not(zone: str) -> None:
    assert not is_known_zone(zone)


def test_an_instant_may_come_in_any_zone() -> None:
    at = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    assert local_time("Europe/Berlin", at.astimezone(ZoneInfo("America/New_York"))) == local_time("Europe/Berlin", at)


def test_the_end_of_a_day_that_a_clock_change_lengthens_comes_later() -> None:
    at = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)  # 00:30 in Berlin, before the clocks go back
    first = local_time("Europe/Berlin", at).until_tomorrow()
    assert first == datetime(2026, 10, 25, 1, 0, tzinfo=UTC)
    assert local_time("Europe/Berlin", first).until_tomorrow() == datetime(2026, 10, 25, 23, 0, tzinfo=UTC)


def wall(zone: str, at: datetime) -> datetime:
    """The local time, by the library."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
