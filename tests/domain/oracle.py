"""The calling rule once more, straight from the product page: slow, obvious, minute after minute, sharing no code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays
import phonenumbers
from phonenumbers.timezone import time_zones_for_number

from klara_daemon.domain.attempt_policy import PastAttempt, Situation
from klara_daemon.domain.calling_hours import CallingRules

MINUTE = timedelta(minutes=1)
UNCOUNTED = ("invalid_number", "technical_failure", "not_placed")
PERSON_SPOKE = ("partly_interviewed", "hung_up", "callback_requested")


def first_permitted(situation: Situation, now: datetime, horizon: timedelta) -> datetime | None:
    """The first instant from `now` on at which a call may start, tried minute by minute.

    Everything in the situation is whole minutes, but for when to look again at lines that are taken: that very instant
    is tried first, then the whole minutes after it.
    """
    start = now + until_the_lines_are_looked_at_again(situation)
    if permits(situation, start):
        return start
    whole = start.replace(second=0) + MINUTE
    return next((at for at in minutes(whole, now + horizon) if permits(situation, at)), None)


def is_held(situation: Situation) -> bool:
    """Whether somebody has to do something before anything goes on, whatever the hour."""
    failures = 0
    for attempt in in_order(situation):
        failures = failures + 1 if attempt.disposition == "technical_failure" else 0
    paused_for_good = situation.lines is not None and situation.lines.pause and situation.lines.pause.lasts is None
    return not situation.offer_is_open or failures >= 10 or bool(paused_for_good)


def until_the_lines_are_looked_at_again(situation: Situation) -> timedelta:
    """Rules 6 and 11 at the moment of a dial: the longest wait that any of them asks for.

    A slot matters where a line is free.
    """
    lines = situation.lines
    if lines is None:
        return timedelta(0)
    waits = [timedelta(0)]
    if lines.number_is_busy:
        waits.append(MINUTE)
    if lines.trunk_calls >= lines.trunk_limit:
        waits.append(timedelta(seconds=2))
    elif lines.slot_in > timedelta(seconds=5):
        waits.append(lines.slot_in)
    if lines.company_limit is not None and lines.company_calls >= lines.company_limit:
        waits.append(timedelta(seconds=2))
    if lines.pause is not None and lines.pause.lasts is not None:
        waits.append(lines.pause.lasts)
    return max(waits)


def permits(situation: Situation, at: datetime) -> bool:
    """Whether the rules of time allow a call to start at `at`."""
    if not permits_but_for_the_choice_of_window(situation, at):
        return False
    avoided = window_to_avoid(situation)
    return avoided is None or window_index(situation.rules, at) != avoided


def outcome(situation: Situation) -> str | None:
    """How the outreach has ended, if it has."""
    said = last_word(situation)
    if situation.left_because is not None and said != "completed":
        return "withdrawn"
    if said is not None:
        return said
    if situation.opted_out:
        return "refused"
    if situation.number is None:
        return "uncallable"
    if len(counted(situation)) < situation.rules.max_attempts + (1 if callback_stands(situation) else 0):
        return None
    return "unfinished" if any(past.disposition in PERSON_SPOKE for past in situation.attempts) else "exhausted"


def last_word(situation: Situation) -> str | None:
    """The outcome that the candidate's own words brought about, if they did."""
    hang_ups = 0
    for attempt in in_order(situation):
        hang_ups += attempt.disposition == "hung_up"
        if attempt.disposition in ("interviewed", "appointment_booked"):
            return "completed"
        if attempt.disposition in ("declined", "opted_out") or hang_ups == 2:
            return "refused"
        if attempt.disposition == "human_requested":
            return "human_requested"
    return None


def permits_but_for_the_choice_of_window(situation: Situation, at: datetime) -> bool:
    """All rules of time except that the next call goes into another window."""
    return (
        not_too_soon(situation, at)
        and calendar_permits(situation.rules, at)
        and callee_permits(situation, at)
        and fewer_than_per_day(situation, at)
        and called_seldom_enough(situation, at)
    )


def calendar_permits(rules: CallingRules, at: datetime) -> bool:
    """Rules 1 to 3 at the company."""
    today = at.astimezone(ZoneInfo(rules.time_zone)).date()
    if today.isoweekday() == 7 or today.isoweekday() not in rules.weekdays:
        return False
    if rules.observe_public_holidays and today in public_holidays(rules.country, rules.subdivision):
        return False
    return today not in rules.closed_days and window_index(rules, at) is not None


def callee_permits(situation: Situation, at: datetime) -> bool:
    """Rules 1 and 4 at the candidate's place."""
    there = [at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for zone in zones_of(situation.number)]
    here = at.astimezone(ZoneInfo(situation.rules.time_zone)).replace(tzinfo=None)
    if any(clock.isoweekday() == 7 for clock in there):
        return False
    if len(set(there)) == 1 and there[0] != here:
        return 8 <= there[0].hour < 20
    return True


def fewer_than_per_day(situation: Situation, at: datetime) -> bool:
    """Rule 5."""
    if callback_stands(situation):
        return True
    today = [past for past in counted(situation) if day_of(situation, past.placed_at) == day_of(situation, at)]
    return len(today) < situation.rules.attempts_per_day


def called_seldom_enough(situation: Situation, at: datetime) -> bool:
    """Rule 6, over all jobs: no more on one local day than the settings say, and so many in any 30 times 24 hours."""
    calls = [*situation.called_elsewhere, *(past.placed_at for past in counted(situation))]
    if sum(1 for call in calls if call > at - timedelta(hours=30 * 24)) >= situation.rules.max_per_30_days:
        return False
    if callback_stands(situation):
        return True
    return (
        sum(1 for call in calls if day_of(situation, call) == day_of(situation, at)) < situation.rules.attempts_per_day
    )


def not_too_soon(situation: Situation, at: datetime) -> bool:
    """Rules 7 and 8, but for the choice of window."""
    past = in_order(situation)
    if not past and situation.entered_at and at < situation.entered_at + situation.rules.first_call_delay:
        return False
    failures = 0
    while failures < len(past) and past[-1 - failures].disposition in ("technical_failure", "not_placed"):
        failures += 1
    if failures and at < past[-1].placed_at + [0, 5, 10, 20, 40, 60][min(failures, 5)] * MINUTE:
        return False
    if callback_stands(situation):
        assert situation.callback_at is not None
        return at >= situation.callback_at
    if not counted(situation):
        return True
    last = counted(situation)[-1]
    if last.disposition == "voicemail":
        return day_of(situation, at) > day_of(situation, last.placed_at)
    return at >= last.placed_at + (15 * MINUTE if last.disposition == "busy" else situation.rules.pause)


@lru_cache(maxsize=8)
def window_to_avoid(situation: Situation) -> int | None:
    """Rule 7: the window of the last counted attempt, where another one is permitted within seven days."""
    if callback_stands(situation) or not counted(situation) or len(situation.rules.windows) < 2:
        return None
    last = counted(situation)[-1]
    index = window_index(situation.rules, last.placed_at)
    if last.disposition in ("busy", "voicemail") or index is None:
        return None
    # Failures after that attempt have their own pause, which has nothing to do with the choice.
    before = replace(situation, entered_at=None, attempts=tuple(counted(situation)), lines=None)
    for at in minutes(last.placed_at, last.placed_at + timedelta(days=7)):
        if window_index(situation.rules, at) != index and permits_but_for_the_choice_of_window(before, at):
            return index
    return None


def callback_stands(situation: Situation) -> bool:
    """Rule 8: a counted attempt placed at or after that time uses it up."""
    asked_for = situation.callback_at
    return asked_for is not None and all(past.placed_at < asked_for for past in counted(situation))


def window_index(rules: CallingRules, at: datetime) -> int | None:
    """The place in the list of the window in which the company's clock is."""
    local = at.astimezone(ZoneInfo(rules.time_zone))
    for index, window in enumerate(rules.windows):
        if window.opens <= local.hour * 60 + local.minute < window.closes:
            return index
    return None


def in_order(situation: Situation) -> list[PastAttempt]:
    """The attempts as they were placed."""
    return sorted(situation.attempts, key=lambda past: past.placed_at)


def counted(situation: Situation) -> list[PastAttempt]:
    """The attempts that count."""
    return [past for past in in_order(situation) if past.disposition not in UNCOUNTED]


def day_of(situation: Situation, at: datetime) -> date:
    """The company's local day."""
    return at.astimezone(ZoneInfo(situation.rules.time_zone)).date()


def minutes(start: datetime, end: datetime) -> Iterator[datetime]:
    """Each minute, in UTC."""
    at = start.astimezone(UTC)
    while at < end:
        yield at
        at += MINUTE


@lru_cache
def zones_of(number: str | None) -> tuple[str, ...]:
    """Where the number may be."""
    assert number is not None
    return tuple(zone for zone in time_zones_for_number(phonenumbers.parse(number)) if zone != "Etc/Unknown")


@lru_cache
def public_holidays(country: str, subdivision: str | None) -> holidays.HolidayBase:
    """The library's calendar, which fills itself."""
    return holidays.country_holidays(country, subdiv=subdivision)
