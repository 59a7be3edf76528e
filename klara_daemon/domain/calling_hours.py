"""When the company's settings allow a call to start: weekdays, holidays, closed days, windows, in its own zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """One stretch of a day in which calls may start, in minutes after local midnight; end excluded, 1440 is 24:00."""

    opens: int
    closes: int


@dataclass(frozen=True, slots=True)
class CallingRules:
    """What a company's call settings say, in the form in which the calling rule reads them.

    `time_zone` is an IANA name; `weekdays` are ISO numbers (1 Monday to 6 Saturday); `windows` are sorted and do not
    overlap; `country` and `subdivision` are ISO 3166 codes for public holidays.
    """

    time_zone: str
    country: str
    subdivision: str | None
    weekdays: frozenset[int]
    windows: tuple[Window, ...]
    max_attempts: int = 4
    attempts_per_day: int = 2
    pause: timedelta = timedelta(minutes=180)
    first_call_delay: timedelta = timedelta(minutes=3)
    max_per_30_days: int = 10
    observe_public_holidays: bool = True
    closed_days: frozenset[date] = frozenset()
