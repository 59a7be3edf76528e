"""The calling rule in every zone of the tz database, around each clock change of a year."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from klara_daemon.domain.attempt_policy import Call, Situation, Wait, may_call
from klara_daemon.domain.calling_hours import CallingRules, Window
from tests.domain import oracle
from tests.domain.cases import MINUTE, SATELLITE
from tests.domain.situations import ZONES, clock_changes

YEAR = 2026
# Where nothing changes, the turn of the year is as good a moment as any.
TURN_OF_THE_YEAR = datetime(YEAR + 1, 1, 1, tzinfo=UTC)
AROUND = (
    -2880, -1441, -1440, -1439, -720, -121, -120, -90, -61, -60, -59, -31, -30, -29, -1, 0, 1, 29, 30, 31, 59, 60, 61,
    90, 119, 120, 121, 720, 1439, 1440, 1441, 2880,
)  # fmt: skip


def around(clock: datetime) -> Window:
    """The window from an hour before this local time to two after it, as far as the day goes."""
    minute = clock.hour * 60 + clock.minute
    return Window(max(minute - 60, 0), min(minute + 120, 1440))


@pytest.mark.parametrize("all_day", [True, False])
def test_around_every_clock_change_calls_start_when_the_oracle_says(all_day: bool) -> None:
    for zone in ZONES:
        for changes_at in clock_changes(zone, YEAR) or (TURN_OF_THE_YEAR,):
            window = Window(0, 1440) if all_day else around(changes_at.astimezone(ZoneInfo(zone)))
            rules = CallingRules(zone, "DE", None, frozenset(range(1, 8)), (window,), observe_public_holidays=False)
            agrees_around(Situation(rules, SATELLITE, None), [changes_at + minutes * MINUTE for minutes in AROUND])


def agrees_around(situation: Situation, instants: list[datetime]) -> None:
    """Compare with the oracle at each of these instants, and the instant to wait for with those before it."""
    permitted = {at: oracle.permits(situation, at) for at in instants}
    for now in instants:
        decision = may_call(situation, now)
        assert isinstance(decision, Call if permitted[now] else Wait), (situation.rules, now)
        if isinstance(decision, Wait):
            assert oracle.permits(situation, decision.at)
            assert not oracle.permits(situation, decision.at - MINUTE)
            assert not any(permitted[at] for at in instants if now <= at < decision.at), (situation.rules, now)


def test_both_clock_changes_of_each_zone_that_has_them_are_visited() -> None:
    changes = {zone: clock_changes(zone, YEAR) for zone in ZONES}
    assert len(changes["Europe/Berlin"]) == len(changes["America/New_York"]) == 2
    assert sum(len(each) >= 2 for each in changes.values()) > 100
    for zone, each in changes.items():
        offsets = [at.astimezone(ZoneInfo(zone)).utcoffset() for at in each]
        assert all(before != after for before, after in pairwise(offsets))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/St_Johns", "Pacific/Auckland"])
@pytest.mark.parametrize("year", [2026, 2028])
def test_each_day_of_a_year_opens_at_its_hour_or_not_at_all(year: int, zone: str) -> None:
    rules = CallingRules(zone, "DE", "NW", frozenset(range(1, 8)), (Window(9 * 60, 18 * 60),))
    for day in (date(year - 1, 12, 31) + timedelta(days=n) for n in range(370)):
        midnight, nine = (datetime.combine(day, time(hour), ZoneInfo(zone)) for hour in (0, 9))
        decision = may_call(Situation(rules, SATELLITE, None), midnight)
        assert isinstance(decision, Wait)
        assert (decision.at == nine) == oracle.calendar_permits(rules, nine), day
