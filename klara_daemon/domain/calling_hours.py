"""When the company's settings allow a call to start: weekdays, holidays, closed days, windows, in its own zone.

Each rule is a function that says why no call may start at a moment and until when that surely stays so, or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from itertools import pairwise

import holidays

from klara_daemon.domain.local_time import LocalTime, is_known_zone, local_time

_SUNDAY = 7
_MIDNIGHT = 24 * 60
_ANY_YEAR = 2026
_CALLEE_OPENS, _CALLEE_CLOSES = 8 * 60, 20 * 60


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

    @property
    def fingerprint(self) -> str:
        """The same text for equal rules, in every process: what was planned with other rules is planned anew."""
        values = (getattr(self, field.name) for field in fields(self))
        plain = [sorted(value) if isinstance(value, frozenset) else value for value in values]
        return sha256(repr(plain).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class RuleSays:
    """One rule's word: its stable code, a sentence for people, and until when it forbids (aware UTC), if it ends."""

    code: str
    says: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant as the company's clock shows it (`here`) and as those of the candidate's possible places do."""

    here: LocalTime
    there: tuple[LocalTime, ...] = ()

    @property
    def at(self) -> datetime:
        """The instant, aware UTC."""
        return self.here.at


def moment(rules: CallingRules, callee_zones: tuple[str, ...], at: datetime) -> Moment:
    """The instant `at` (aware UTC) as the calling rule looks at it. The zones are known ones."""
    return Moment(local_time(rules.time_zone, at), tuple(local_time(zone, at) for zone in callee_zones))


@lru_cache(maxsize=4096)
def obstacles(rules: CallingRules) -> tuple[RuleSays, ...]:
    """What in the settings allows no call at all or cannot be understood; looked for first, so nothing fails open."""
    found = []
    if not is_known_zone(rules.time_zone):
        found.append(RuleSays("time_zone", f"The company's time zone {rules.time_zone!r} is not known."))
    if not rules.weekdays & set(range(1, _SUNDAY)):
        found.append(RuleSays("weekday", "No weekday is chosen."))
    if not rules.windows:
        found.append(RuleSays("window", "There is no calling window."))
    elif not _are_in_order(rules.windows):
        found.append(RuleSays("window", "The calling windows end before they begin, overlap or leave the day."))
    if rules.observe_public_holidays and _holidays(rules.country, rules.subdivision, _ANY_YEAR) is None:
        place = "-".join(filter(None, (rules.country, rules.subdivision)))
        found.append(RuleSays("holiday", f"The public holidays of {place!r} are not known."))
    if rules.max_attempts < 1:
        found.append(RuleSays("maximum", "The maximum number of attempts allows no call."))
    if rules.attempts_per_day < 1:
        found.append(RuleSays("per_day", "The number of attempts a day allows no call."))
    if rules.max_per_30_days < 1:
        found.append(RuleSays("number_per_30_days", "The number of calls in 30 days allows no call."))
    if min(rules.pause, rules.first_call_delay) < timedelta(0):
        found.append(RuleSays("pause", "The pause between calls is negative."))
    return tuple(found)


def weekday(rules: CallingRules, moment: Moment) -> RuleSays | None:
    """Rule 1, `weekday`: the local day at the company is one of the chosen weekdays."""
    if moment.here.wall.isoweekday() in rules.weekdays:
        return None
    return RuleSays("weekday", "This is not one of the company's calling days.", moment.here.until_tomorrow())


def sunday(_rules: CallingRules, moment: Moment) -> RuleSays | None:
    """Rule 1, `sunday`: no Sunday at the company, whatever its weekdays say."""
    if moment.here.wall.isoweekday() != _SUNDAY:
        return None
    return RuleSays("sunday", "Nobody is called on a Sunday.", moment.here.until_tomorrow())


def sunday_there(_rules: CallingRules, moment: Moment) -> RuleSays | None:
    """Rule 1, `sunday`: no Sunday at the candidate's place either.

    Where the number may be in several places, it is a Sunday in none of them: of all rules this one never errs.
    """
    sundays = [clock for clock in moment.there if clock.wall.isoweekday() == _SUNDAY]
    if not sundays:
        return None
    says = "It is Sunday where the candidate is" + ("." if len(sundays) == len(moment.there) else ", or may be.")
    return RuleSays("sunday", says, min(clock.until_tomorrow() for clock in sundays))


def holiday(rules: CallingRules, moment: Moment) -> RuleSays | None:
    """Rule 2, `holiday`: no public holiday at the company's country and subdivision."""
    if not rules.observe_public_holidays:
        return None
    today = moment.here.today
    named = _holidays(rules.country, rules.subdivision, today.year)
    if named is not None and today not in named:
        return None
    says = "The company's public holidays are not known." if named is None else f"Public holiday: {named[today]}."
    return RuleSays("holiday", says, moment.here.until_tomorrow())


def closed_day(rules: CallingRules, moment: Moment) -> RuleSays | None:
    """Rule 2, `closed_day`: no day on which the company is closed."""
    if moment.here.today not in rules.closed_days:
        return None
    return RuleSays("closed_day", "The company is closed on this day.", moment.here.until_tomorrow())


def window(rules: CallingRules, moment: Moment) -> RuleSays | None:
    """Rule 3, `window`: the local time lies in a calling window, start included, end excluded."""
    minute = moment.here.minute
    if window_at(rules, moment.here) is not None:
        return None
    opens = next((later.opens for later in rules.windows if later.opens > minute), _MIDNIGHT)
    return RuleSays("window", "Outside of the company's calling windows.", moment.here.until(opens))


def callee_clock(_rules: CallingRules, moment: Moment) -> RuleSays | None:
    """Rule 4, `callee_clock`: 08:00-20:00 where the candidate is, if that place is known and has another time."""
    shown = {clock.wall for clock in moment.there}
    if len(shown) != 1 or moment.here.wall in shown:
        return None
    there = moment.there[0]
    if _CALLEE_OPENS <= there.minute < _CALLEE_CLOSES:
        return None
    opens = there.until(_CALLEE_OPENS if there.minute < _CALLEE_OPENS else _MIDNIGHT)
    until = min(opens, moment.here.steady_until, *(clock.steady_until for clock in moment.there))
    return RuleSays("callee_clock", "Where the candidate is, it is before 08:00 or after 20:00.", until)


CALENDAR = (sunday, weekday, sunday_there, holiday, closed_day, window, callee_clock)


def open_until(rules: CallingRules, moment: Moment) -> datetime:
    """Until when (UTC) a moment that no rule of the calendar forbids stays permitted: surely, perhaps longer."""
    within = window_at(rules, moment.here)
    assert within is not None
    edges = (_CALLEE_OPENS, _CALLEE_CLOSES, _MIDNIGHT)
    there = (clock.until(next(edge for edge in edges if edge > clock.minute)) for clock in moment.there)
    return min([moment.here.until(rules.windows[within].closes), *there])


def is_open(rules: CallingRules, at: datetime) -> bool:
    """Whether the company's own calendar and clock allow a call at `at` (aware UTC): rules 1 to 3, without the callee.

    A call that does not ring by the end of its window is called off (rule 3), also when the settings moved that end.
    """
    if obstacles(rules):
        return False
    now = moment(rules, (), at)
    return not any(rule(rules, now) for rule in CALENDAR)


def window_at(rules: CallingRules, here: LocalTime) -> int | None:
    """The place in the list of the calling window that the company's clock is in, if in any."""
    minute = here.minute
    return next((nth for nth, each in enumerate(rules.windows) if each.opens <= minute < each.closes), None)


def _are_in_order(windows: tuple[Window, ...]) -> bool:
    within = all(0 <= each.opens < each.closes <= _MIDNIGHT for each in windows)
    return within and all(earlier.closes <= later.opens for earlier, later in pairwise(windows))


@lru_cache(maxsize=1024)
def _holidays(country: str, subdivision: str | None, year: int) -> dict[date, str] | None:
    """The public holidays of a year with their names; None where country or subdivision is not known."""
    try:
        return dict(holidays.country_holidays(country, subdiv=subdivision, years=year, language="en_US"))
    except NotImplementedError:
        return None
