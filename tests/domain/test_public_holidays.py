"""Rule 2, `holiday`: German states, Austria, cantons, the Netherlands, Poland, France, Spain, the United Kingdom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from klara_daemon.domain.attempt_policy import Situation, Wait, may_call
from klara_daemon.domain.calling_hours import CallingRules, Window, holiday, moment
from tests.domain.cases import SATELLITE, codes
from tests.domain.feasts import GERMANY, WELL_KNOWN, WHOLE, WORKED_ON, Feast, easter, well_known, whole_year

YEARS = range(2026, 2031)
DAY = timedelta(days=1)
SUNDAY = 7
ZONES = {
    "DE": "Europe/Berlin",
    "AT": "Europe/Vienna",
    "CH": "Europe/Zurich",
    "NL": "Europe/Amsterdam",
    "PL": "Europe/Warsaw",
    "FR": "Europe/Paris",
    "ES": "Europe/Madrid",
    "GB": "Europe/London",
}


def rules_of(country: str, part: str | None) -> CallingRules:
    """A company that would call at any hour of any day."""
    return CallingRules(ZONES[country], country, part, frozenset(range(1, 8)), (Window(0, 1440),))


@cache
def closed_on(country: str, part: str | None, year: int) -> frozenset[date]:
    """The days of a year, but for Sundays, that the rule says are public holidays."""
    rules = rules_of(country, part)
    noons = (datetime(year, 1, 1, 12, tzinfo=UTC) + n * DAY for n in range(366))
    days = {noon.date() for noon in noons if noon.year == year and holiday(rules, moment(rules, (), noon))}
    return frozenset(but_sundays(days))


def but_sundays(days: Iterable[date]) -> set[date]:
    """Sundays are nobody's calling days anyway."""
    return {day for day in days if day.isoweekday() != SUNDAY}


@pytest.mark.parametrize(
    ("year", "expected"),
    [
        (1818, "03-22"),
        (1943, "04-25"),
        (2000, "04-23"),
        (2024, "03-31"),
        (2026, "04-05"),
        (2027, "03-28"),
        (2038, "04-25"),
    ],
)
def test_easter_is_when_it_was_and_will_be(year: int, expected: str) -> None:
    assert easter(year) == date.fromisoformat(f"{year}-{expected}")


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize(("country", "part"), WHOLE)
def test_the_holidays_of_a_whole_year_are_those_that_people_know(country: str, part: str | None, year: int) -> None:
    assert closed_on(country, part, year) == but_sundays(whole_year(country, part, year))


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize(("country", "part"), WELL_KNOWN)
def test_well_known_holidays_are_known(country: str, part: str | None, year: int) -> None:
    assert but_sundays(well_known(country, part, year)) <= closed_on(country, part, year)


@pytest.mark.parametrize(("country", "part", "feast"), WORKED_ON)
def test_a_feast_of_the_neighbours_is_a_working_day(country: str, part: str | None, feast: Feast) -> None:
    for year in YEARS:
        assert feast(year).isoweekday() == SUNDAY or feast(year) not in closed_on(country, part, year)


def test_the_kings_birthday_is_kept_on_saturday_where_it_falls_on_a_sunday() -> None:
    assert date(2031, 4, 27).isoweekday() == SUNDAY
    assert date(2031, 4, 26) in closed_on("NL", None, 2031)


@pytest.mark.parametrize(("country", "part"), [*WHOLE, *WELL_KNOWN])
def test_no_call_starts_on_a_holiday_from_its_first_second_to_its_last(country: str, part: str | None) -> None:
    somebody = Situation(rules_of(country, part), SATELLITE, None)
    zone = ZoneInfo(ZONES[country])
    for day in sorted({day for year in YEARS for day in well_known(country, part, year)}):
        for clock in (time(0, 0), time(12, 0), time(23, 59, 59, 999_999)):
            decision = may_call(somebody, datetime.combine(day, clock, zone))
            assert isinstance(decision, Wait)
            assert codes(decision)[0] in ("holiday", "sunday")
            assert decision.at.astimezone(zone).date() > day


def test_a_company_that_does_not_observe_holidays_calls_on_them_but_on_no_sunday() -> None:
    rules = replace(rules_of("DE", "NW"), observe_public_holidays=False)
    for day in {feast(year) for feast in GERMANY for year in YEARS}:
        decision = may_call(
            Situation(rules, SATELLITE, None), datetime.combine(day, time(12), ZoneInfo(rules.time_zone))
        )
        assert isinstance(decision, Wait) == (day.isoweekday() == SUNDAY)
