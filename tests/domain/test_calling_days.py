"""The windows of days to come: minute by minute against the oracle, and by name on days that are not like others."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings

from klara_daemon.domain.attempt_policy import Situation
from klara_daemon.domain.calling_days import CallingDay, calling_days, closed_days
from klara_daemon.domain.calling_hours import CallingRules, Window
from tests.domain import oracle
from tests.domain.situations import at_clock_changes, situations

MOBILE, NEW_YORK, SATELLITE = "+4915112345678", "+12125550123", "+881612345678"
MORNING_AND_AFTERNOON = (Window(9 * 60, 12 * 60), Window(14 * 60, 18 * 60))
ALL_DAY = (Window(0, 1440),)
EVERY_DAY = frozenset(range(1, 7))
RULES = CallingRules("Europe/Berlin", "DE", "NW", EVERY_DAY, MORNING_AND_AFTERNOON)
CAIRO = CallingRules("Africa/Cairo", "EG", None, EVERY_DAY, ALL_DAY, observe_public_holidays=False)
DAYS = 3


def days(rules: CallingRules, first: str, count: int = 1, number: str | None = MOBILE) -> tuple[CallingDay, ...]:
    """The days from the local noon of `first` on."""
    noon = datetime.fromisoformat(f"{first}T12:00").replace(tzinfo=ZoneInfo(rules.time_zone))
    return calling_days(Situation(rules, number, None), noon, count)


def told(day: CallingDay) -> list[str]:
    """The windows of a day in UTC, without the day where it is that of the local day."""
    prefix = f"{day.on}T"
    spans = [(f"{one.opens_at:%Y-%m-%dT%H:%M}", f"{one.closes_at:%Y-%m-%dT%H:%M}") for one in day.windows]
    return [f"{opens.removeprefix(prefix)}-{closes.removeprefix(prefix)}" for opens, closes in spans]


def examples(number: int) -> settings:
    return settings(max_examples=number, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def agree_with_the_oracle(situation: Situation, now: datetime) -> None:
    """Each minute that the oracle permits lies in a window of its day, and no other does."""
    found = calling_days(situation, now, DAYS)
    first = oracle.day_of(situation, now)
    assert [day.on for day in found] == [first + timedelta(days=nth) for nth in range(DAYS)]
    midnight = datetime(first.year, first.month, first.day, tzinfo=UTC)
    for at in oracle.minutes(midnight - timedelta(hours=16), midnight + timedelta(days=DAYS, hours=16)):
        here = [day.on for day in found for one in day.windows if one.opens_at <= at < one.closes_at]
        today = oracle.day_of(situation, at)
        permitted = oracle.calendar_permits(situation.rules, at) and oracle.callee_permits(situation, at)
        assert here == ([today] if permitted and first <= today <= found[-1].on else []), at
    for day in found:
        assert (day.says is None) == bool(day.windows)
        assert all(one.opens_at < one.closes_at for one in day.windows)
        assert all(one.closes_at < other.opens_at for one, other in pairwise(day.windows))


@examples(40)
@given(situations())
def test_the_windows_are_those_of_the_minute_by_minute_oracle(drawn: tuple[Situation, datetime]) -> None:
    agree_with_the_oracle(*drawn)


@examples(40)
@given(at_clock_changes())
def test_the_windows_are_those_of_the_oracle_when_clocks_change(drawn: tuple[Situation, datetime]) -> None:
    agree_with_the_oracle(*drawn)


def test_a_week_has_its_windows_in_utc_and_its_reasons() -> None:
    rules = replace(RULES, weekdays=frozenset({1, 2, 3, 4, 5}), closed_days=frozenset({date(2026, 12, 24)}))

    found = days(rules, "2026-12-23", 6)

    assert told(found[0]) == ["08:00-11:00", "13:00-17:00"]
    assert [(str(day.on), day.says) for day in found] == [
        ("2026-12-23", None),
        ("2026-12-24", "The company is closed on this day."),
        ("2026-12-25", "Public holiday: Christmas Day."),
        ("2026-12-26", "This is not one of the company's calling days."),
        ("2026-12-27", "Nobody is called on a Sunday."),
        ("2026-12-28", None),
    ]


def test_today_is_told_whole_also_when_some_of_it_is_over() -> None:
    late = datetime(2026, 11, 23, 16, 59, 59, 999_999, tzinfo=UTC)

    (today,) = calling_days(Situation(RULES, MOBILE, None), late, 1)

    assert told(today) == ["08:00-11:00", "13:00-17:00"]


def test_touching_windows_are_joined_within_a_day_and_not_across_midnight() -> None:
    rules = replace(RULES, windows=(Window(0, 600), Window(600, 1440)))

    monday, tuesday = days(rules, "2026-11-23", 2)

    assert told(monday) == ["2026-11-22T23:00-23:00"]
    assert told(tuesday) == ["2026-11-23T23:00-23:00"]


def test_an_hour_that_is_repeated_counts_twice_and_one_that_is_skipped_not() -> None:
    night = replace(CAIRO, windows=(Window(23 * 60, 24 * 60),))
    after_midnight = replace(CAIRO, windows=(Window(0, 2 * 60),))

    (repeated,) = days(night, "2026-10-29", 1, SATELLITE)
    (shortened,) = days(after_midnight, "2026-04-24", 1, SATELLITE)
    (skipped,) = days(replace(CAIRO, windows=(Window(0, 60),)), "2026-04-24", 1, SATELLITE)

    assert told(repeated) == ["20:00-22:00"]
    assert told(shortened) == ["2026-04-23T22:00-2026-04-23T23:00"]
    assert (skipped.windows, skipped.says) == ((), "Outside of the company's calling windows.")


def test_a_day_that_a_zone_skipped_has_no_windows() -> None:
    apia = replace(CAIRO, time_zone="Pacific/Apia")

    found = days(apia, "2011-12-29", 3, SATELLITE)

    assert [day.says for day in found] == [None, "The clocks skip this day.", None]


def test_the_candidates_own_clock_cuts_the_windows() -> None:
    (day,) = days(RULES, "2026-11-23", number=NEW_YORK)
    (morning,) = days(replace(RULES, windows=(Window(540, 720),)), "2026-11-23", number=NEW_YORK)

    assert told(day) == ["13:00-17:00"]
    assert morning.says == "Where the candidate is, it is before 08:00 or after 20:00."


def test_a_sunday_at_the_candidates_place_forbids() -> None:
    auckland = replace(RULES, time_zone="Pacific/Auckland")

    (monday,) = days(auckland, "2026-11-23", number=NEW_YORK)

    assert monday.says == "It is Sunday where the candidate is."


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        (replace(RULES, time_zone="Mars/Olympus"), "The company's time zone 'Mars/Olympus' is not known."),
        (replace(RULES, weekdays=frozenset(), windows=()), "No weekday is chosen. There is no calling window."),
    ],
)
def test_settings_that_allow_no_call_are_named_on_every_day(rules: CallingRules, says: str) -> None:
    late = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    first = date(2026, 11, 23) if "Mars" in rules.time_zone else date(2026, 11, 24)

    assert calling_days(Situation(rules, MOBILE, None), late, 2) == closed_days(first, 2, says)


def test_a_candidate_without_a_number_has_the_companys_windows() -> None:
    assert days(RULES, "2026-11-23", 10, None) == days(RULES, "2026-11-23", 10)
