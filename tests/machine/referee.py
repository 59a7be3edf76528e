"""Judges each dial as it comes over the wire, by the product page's rules, from what the machine itself has done.

Its own simple code: what the daemon decides, plans and stores counts for nothing here. Where the page leaves the daemon
free to wait longer, so does the referee.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays
import phonenumbers
from phonenumbers.timezone import time_zones_for_number

from tests.machine.settings import DAYS, Settings

UNCOUNTED = frozenset({"invalid_number", "technical_failure", "not_placed"})
FAILURE_PAUSES = (5, 10, 20, 40, 60)
READING_LASTS_S = 30.0


@dataclass(slots=True)
class Dialled:
    """One request for a call, as it came over the wire at `at` (business time); `disposition` once it has ended."""

    attempt_id: str
    at: datetime
    to: str
    company_id: int
    candidate_id: int
    outreach_id: str
    is_live: bool = True
    disposition: str | None = None

    @property
    def counts(self) -> bool:
        """Whether it counts against the limits; what is not over yet does."""
        return self.disposition is None or self.disposition not in UNCOUNTED


@dataclass(frozen=True, slots=True)
class Standing:
    """Rule 10 as Recruitee last showed it: still in the stage, job open, seconds since each of the two was read."""

    in_stage: bool
    job_open: bool
    is_watched: bool
    age_s: float


@dataclass(frozen=True, slots=True)
class Dial:
    """A dial and all that there is to hold against it. `earlier` are all dials before, of every company, in order."""

    dialled: Dialled
    settings: Settings
    earlier: Sequence[Dialled]
    standing: Standing
    numbers: frozenset[str]
    entered_at: datetime
    callback_at: datetime | None = None
    opted_out: bool = False
    paused: bool = False
    trunk_limit: int = 100
    is_first: bool = False

    @property
    def at(self) -> datetime:
        """The moment of the dial."""
        return self.dialled.at

    @property
    def of_outreach(self) -> list[Dialled]:
        """The earlier dials of the same outreach."""
        return [one for one in self.earlier if one.outreach_id == self.dialled.outreach_id]

    @property
    def counted(self) -> list[Dialled]:
        """Those of them that count."""
        return [one for one in self.of_outreach if one.counts]

    @property
    def to_person(self) -> list[datetime]:
        """When this company called this candidate or this number before, as far as it counts."""
        mine = self.dialled
        return [one.at for one in self.earlier if one.counts and one.company_id == mine.company_id and self._same(one)]

    @property
    def callback_stands(self) -> bool:
        """Rule 8: asked for, and not used up by a counted attempt at or after that time."""
        return self.callback_at is not None and all(one.at < self.callback_at for one in self.counted)

    @property
    def to_anybody_like(self) -> list[datetime]:
        """The same, the candidate's other numbers included: what the daemon may count as well."""
        mine, numbers = self.dialled, self.numbers
        return [
            one.at
            for one in self.earlier
            if one.counts and one.company_id == mine.company_id and (self._same(one) or one.to in numbers)
        ]

    def _same(self, other: Dialled) -> bool:
        return self.dialled.to == other.to or self.dialled.candidate_id == other.candidate_id

    def live_with_person(self) -> bool:
        """Whether this number, or this person, is on the phone already."""
        mine = self.dialled
        return any(
            one.is_live
            and (one.to == mine.to or (one.company_id, one.candidate_id) == (mine.company_id, mine.candidate_id))
            for one in self.earlier
        )

    def live(self, company_id: int | None = None) -> int:
        """How many other calls are live, of one company or of all."""
        return sum(one.is_live and company_id in (None, one.company_id) for one in self.earlier)


def breaches(dial: Dial) -> list[str]:
    """Which rules this dial breaks."""
    if not dial.settings.allow_calls:
        return ["settings that allow no call"]
    return [
        *_of_calendar(dial.settings, dial.dialled.to, dial.at),
        *_of_numbers(dial),
        *_of_pause(dial),
        *_of_place(dial),
    ]


def allow_calls_to(settings: Settings, to: str, after: datetime) -> bool:
    """Whether this number may be called at some time within four weeks; looked at every five minutes of a window."""
    if not settings.allow_calls:
        return False
    times = (
        _instant(settings, _day(settings, after) + timedelta(days=nth), minute)
        for nth in range(28)
        for opens, closes in settings.windows
        for minute in range(opens, closes, 5)
    )
    return any(not any(_of_calendar(settings, to, at)) for at in times)


def _of_calendar(settings: Settings, to: str, at: datetime) -> Iterator[str]:
    """Rules 1 to 4."""
    here = at.astimezone(ZoneInfo(settings.time_zone))
    if here.weekday() == 6:
        yield "sunday"
    if DAYS[here.weekday()] not in settings.weekdays:
        yield "weekday"
    if settings.observe_public_holidays and here.date() in _holidays(settings.country, settings.subdivision):
        yield "holiday"
    if here.date() in settings.closed_days:
        yield "closed_day"
    if _window(settings, at) is None:
        yield "window"
    there = [at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for zone in _zones(to)]
    if any(clock.weekday() == 6 for clock in there):
        yield "sunday there"
    if len(set(there)) == 1 and there[0] != here.replace(tzinfo=None) and not 8 <= there[0].hour < 20:
        yield "callee_clock"


def _of_numbers(dial: Dial) -> Iterator[str]:
    """Rules 5, 6 and 11."""
    settings, counted = dial.settings, dial.counted
    if len(counted) >= settings.max_attempts + dial.callback_stands:
        yield f"maximum: {len(counted)} counted before"
    today = _day(settings, dial.at)
    if not dial.callback_stands:
        if sum(_day(settings, one.at) == today for one in counted) >= settings.attempts_per_day:
            yield "per_day"
        if sum(_day(settings, at) == today for at in dial.to_person) >= settings.attempts_per_day:
            yield "number_per_day"
    if sum(at > dial.at - timedelta(days=30) for at in dial.to_person) >= settings.max_per_30_days:
        yield "number_per_30_days"
    if dial.live_with_person():
        yield "number_busy"
    if dial.live() >= dial.trunk_limit:
        yield "trunk_full"
    if settings.calls_at_once is not None and dial.live(dial.dialled.company_id) >= settings.calls_at_once:
        yield "company_full"
    if any(one.attempt_id == dial.dialled.attempt_id for one in dial.earlier):
        yield "dialled twice"


def _of_pause(dial: Dial) -> Iterator[str]:
    """Rules 7 and 8."""
    settings, past = dial.settings, dial.of_outreach
    if dial.is_first and dial.at < dial.entered_at + timedelta(minutes=settings.first_call_delay_minutes):
        yield "pause: the candidate has only just entered"
    failures = next((nth for nth, one in enumerate(reversed(past)) if not _failed(one)), len(past))
    if failures and dial.at < past[-1].at + timedelta(minutes=FAILURE_PAUSES[min(failures, 5) - 1]):
        yield f"pause: after {failures} failures"
    if dial.callback_stands:
        assert dial.callback_at is not None
        if dial.at < dial.callback_at:
            yield "callback: too early"
    elif dial.counted:
        yield from _after_counted(dial, dial.counted[-1])


def _after_counted(dial: Dial, last: Dialled) -> Iterator[str]:
    settings = dial.settings
    match last.disposition:
        case "voicemail":
            if _day(settings, dial.at) <= _day(settings, last.at):
                yield "pause: on the day of a voicemail"
        case "busy":
            if dial.at < last.at + timedelta(minutes=15):
                yield "pause: 15 minutes after busy"
        case _:
            if dial.at < last.at + timedelta(minutes=settings.pause_minutes):
                yield "pause: too soon"
            same = _window(settings, last.at)
            if same is not None and _window(settings, dial.at) == same and _another_window_was_possible(dial, last):
                yield "pause: in the same window"


def _another_window_was_possible(dial: Dial, last: Dialled) -> bool:
    """Whether within 7 days of the last attempt another window was permitted; looked at only every half hour."""
    settings = dial.settings
    earliest = last.at + timedelta(minutes=settings.pause_minutes)
    first = _day(settings, last.at)
    for day in (first + timedelta(days=nth) for nth in range(8)):
        for opens, closes in settings.windows:
            for minute in range(opens, closes, 30):
                at = _instant(settings, day, minute)
                if at < earliest or at >= last.at + timedelta(days=7) or _window(settings, at) is None:
                    continue
                if _window(settings, at) != _window(settings, last.at) and _was_possible(dial, at):
                    return True
    return False


def _was_possible(dial: Dial, at: datetime) -> bool:
    settings = dial.settings
    if any(_of_calendar(settings, dial.dialled.to, at)):
        return False
    on_that_day = sum(_day(settings, one) == _day(settings, at) for one in dial.to_anybody_like)
    within_30_days = sum(at - timedelta(days=30) < one for one in dial.to_anybody_like)
    return on_that_day < settings.attempts_per_day and within_30_days < settings.max_per_30_days


def _of_place(dial: Dial) -> Iterator[str]:
    """Rules 9 to 11."""
    if dial.opted_out:
        yield "opted_out"
    if dial.paused:
        yield "paused"
    if not dial.standing.is_watched:
        yield "no longer watched"
    if not dial.standing.in_stage:
        yield "left_stage"
    if not dial.standing.job_open:
        yield "offer_closed"
    if dial.standing.age_s > READING_LASTS_S:
        yield f"read {dial.standing.age_s:.0f} s ago"
    if dial.dialled.to not in dial.numbers:
        yield "not a number of this candidate"


def _failed(one: Dialled) -> bool:
    return one.disposition in ("technical_failure", "not_placed")


def _window(settings: Settings, at: datetime) -> int | None:
    here = at.astimezone(ZoneInfo(settings.time_zone))
    minute = here.hour * 60 + here.minute
    return next((nth for nth, (opens, closes) in enumerate(settings.windows) if opens <= minute < closes), None)


def _day(settings: Settings, at: datetime) -> date:
    return at.astimezone(ZoneInfo(settings.time_zone)).date()


def _instant(settings: Settings, day: date, minute: int) -> datetime:
    local = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=ZoneInfo(settings.time_zone))
    return local.astimezone(UTC)


@lru_cache
def _zones(number: str) -> tuple[str, ...]:
    return tuple(zone for zone in time_zones_for_number(phonenumbers.parse(number)) if zone != "Etc/Unknown")


@lru_cache
def _holidays(country: str, subdivision: str | None) -> holidays.HolidayBase:
    return holidays.country_holidays(country, subdiv=subdivision)
