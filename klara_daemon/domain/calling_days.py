"""The windows of days to come: when on each local day the calendar (rules 1 to 4) allows a call, as exact instants.

The time of the days is gone through from one instant at which something may change to the next, so a repeated hour is
met twice and a skipped one never.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from klara_daemon.domain import calling_hours
from klara_daemon.domain.attempt_rules import calendar
from klara_daemon.domain.calling_hours import RuleSays
from klara_daemon.domain.local_time import is_known_zone, local_day
from klara_daemon.domain.situation import Case, Situation

_DAY = timedelta(days=1)
# No zone is further than that from UTC.
_FURTHEST = timedelta(hours=16)
_SKIPPED = "The clocks skip this day."


@dataclass(frozen=True, slots=True)
class OpenWindow:
    """A stretch of time in which calls may start: from `opens_at` on, before `closes_at` (aware UTC)."""

    opens_at: datetime
    closes_at: datetime


@dataclass(frozen=True, slots=True)
class CallingDay:
    """One local day of the company and its windows, touching ones joined; where there is none, `says` tells why."""

    on: date
    windows: tuple[OpenWindow, ...]
    says: str | None = None


def calling_days(situation: Situation, now: datetime, count: int) -> tuple[CallingDay, ...]:
    """So many local days, from the one of `now` (aware) on, each whole. A zone that is not known counts as UTC."""
    rules = situation.rules
    first = local_day(rules.time_zone if is_known_zone(rules.time_zone) else "UTC", now)
    if says := calling_hours.obstacles(rules):
        return closed_days(first, count, " ".join(obstacle.says for obstacle in says))
    found = {first + nth * _DAY: _Gathered() for nth in range(count)}
    start = datetime.combine(first, time.min, UTC) - _FURTHEST
    for stretch in _stretches(Case(situation), start, start + count * _DAY + 2 * _FURTHEST):
        if stretch.today in found:
            found[stretch.today].add(stretch)
    return tuple(CallingDay(on, tuple(day.windows), day.says()) for on, day in found.items())


def closed_days(first: date, count: int, says: str) -> tuple[CallingDay, ...]:
    """So many days on which the same speaks against every call."""
    return tuple(CallingDay(first + nth * _DAY, (), says) for nth in range(count))


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A stretch of time of which the calendar says the same: nothing against a call, or what forbids it."""

    today: date
    start: datetime
    end: datetime
    forbids: RuleSays | None


@dataclass(slots=True)
class _Gathered:
    """What is found on one day, in order."""

    windows: list[OpenWindow] = field(default_factory=list)
    forbid: list[RuleSays] = field(default_factory=list)

    def add(self, stretch: _Stretch) -> None:
        if stretch.forbids is not None:
            self.forbid.append(stretch.forbids)
        elif self.windows and self.windows[-1].closes_at == stretch.start:
            self.windows[-1] = OpenWindow(self.windows[-1].opens_at, stretch.end)
        else:
            self.windows.append(OpenWindow(stretch.start, stretch.end))

    def says(self) -> str | None:
        """Why there is no window. That the hour lies outside of them is a reason only where there is no other."""
        if self.windows:
            return None
        reasons = [says for says in self.forbid if says.code != "window"] or self.forbid
        return " ".join(dict.fromkeys(reason.says for reason in reasons)) or _SKIPPED


def _stretches(case: Case, start: datetime, end: datetime) -> Iterator[_Stretch]:
    """All time from `start` to `end`. What is permitted lies within its day; what is forbidden may outlast it."""
    at = start
    while at < end:
        moment = case.moment(at)
        forbids = calendar(case, moment)
        until = forbids.until if forbids else calling_hours.open_until(case.rules, moment)
        assert until is not None
        outside = calling_hours.window(case.rules, moment) if forbids else None
        # Outside of the company's windows, the candidate's night or Sunday forbids nothing more.
        tells = outside if outside and outside.until and outside.until >= until else forbids
        yield _Stretch(moment.here.today, at, until, tells)
        at = until
