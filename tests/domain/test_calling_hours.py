"""What a company's settings say about hours: which of them cannot be used, and when its doors are open."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from subprocess import run
from sys import executable

import pytest

from klara_daemon.domain.calling_hours import CALENDAR, CallingRules, Window, is_open, moment, obstacles, window_at
from klara_daemon.domain.local_time import local_time

RULES = CallingRules(
    time_zone="Europe/Berlin",
    country="DE",
    subdivision="NW",
    weekdays=frozenset(range(1, 7)),
    windows=(Window(9 * 60, 12 * 60), Window(14 * 60, 18 * 60)),
    closed_days=frozenset({date(2026, 12, 24), date(2026, 12, 31)}),
)
OTHERWISE = {
    "time_zone": "Europe/Vienna",
    "country": "AT",
    "subdivision": None,
    "weekdays": frozenset({1}),
    "windows": (Window(9 * 60, 12 * 60),),
    "max_attempts": 5,
    "attempts_per_day": 1,
    "pause": timedelta(minutes=181),
    "first_call_delay": timedelta(minutes=4),
    "max_per_30_days": 9,
    "observe_public_holidays": False,
    "closed_days": frozenset({date(2026, 12, 24)}),
}


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-23T07:59:59Z", False),
        ("2026-11-23T08:00:00Z", True),
        ("2026-11-23T10:59:59Z", True),
        ("2026-11-23T11:00:00Z", False),
        ("2026-11-22T09:00:00Z", False),
        ("2026-12-24T09:00:00Z", False),
        ("2026-12-25T09:00:00Z", False),
    ],
)
def test_a_company_is_open_in_its_windows_on_its_days(at: str, expected: bool) -> None:
    assert is_open(RULES, datetime.fromisoformat(at)) is expected


def test_settings_that_cannot_be_understood_are_closed() -> None:
    monday = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    assert not is_open(replace(RULES, time_zone="Europe/Atlantis"), monday)
    assert not is_open(replace(RULES, windows=(Window(0, 1440), Window(540, 1080))), monday)


def test_unknown_holidays_are_closed_to_whoever_asks_the_calendar_alone() -> None:
    rules = replace(RULES, subdivision="QQ")
    monday = moment(rules, (), datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
    assert [says.code for rule in CALENDAR if (says := rule(rules, monday))] == ["holiday"]


def test_each_obstacle_is_named_by_its_rule() -> None:
    rules = replace(RULES, time_zone="?", weekdays=frozenset({7}), windows=(), country="QQ", attempts_per_day=0)
    assert [says.code for says in obstacles(rules)] == ["time_zone", "weekday", "window", "holiday", "per_day"]
    assert obstacles(RULES) == ()


def test_a_window_is_found_by_its_place_in_the_list() -> None:
    def place(hour: int) -> int | None:
        return window_at(RULES, local_time("Europe/Berlin", datetime(2026, 11, 23, hour, tzinfo=UTC)))

    assert [place(hour) for hour in (7, 8, 11, 13, 17)] == [None, 0, None, 1, None]


def test_the_fingerprint_tells_any_two_settings_apart() -> None:
    assert set(OTHERWISE) == {field.name for field in fields(CallingRules)}
    changed = [replace(RULES, **{name: value}) for name, value in OTHERWISE.items()]  # type: ignore[arg-type]
    assert len({rules.fingerprint for rules in (RULES, *changed)}) == len(OTHERWISE) + 1
    assert replace(RULES).fingerprint == RULES.fingerprint


def test_the_fingerprint_is_the_same_in_every_process() -> None:
    program = (
        "from datetime import date\n"
        "from klara_daemon.domain.calling_hours import CallingRules\n"
        "days = frozenset(date(2026, 12, day) for day in range(1, 20))\n"
        "print(CallingRules('UTC', 'DE', None, frozenset({1, 2, 3}), (), closed_days=days).fingerprint)\n"
    )
    seeds = ("1", "2", "3")
    here = Path(__file__).parents[2]
    told = {
        run([executable, "-c", program], cwd=here, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in seeds
    }
    assert len(told) == 1
