"""What the clocks of a zone show at an instant, and until when they run evenly: the arithmetic of every local rule.

A zone is read as stretches of constant offset. Within one stretch local time is plain addition, so that a repeated hour
is met twice and a skipped one never, without a special case anywhere.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

# Names that say "as this machine is set" or "not set".
_NO_PLACES = frozenset({"localtime", "Factory"})
# No zone of the tz database has changed its clocks twice within less than a week since 2000.
_SCAN_STEP = timedelta(days=3)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LocalTime:
    """One instant as a zone's clocks show it: `at` aware UTC, `wall` naive local, even until `steady_until` (UTC)."""

    at: datetime
    wall: datetime
    steady_until: datetime

    @property
    def today(self) -> date:
        """The local day."""
        return self.wall.date()

    @property
    def minute(self) -> int:
        """Whole minutes since local midnight, as the clock shows them."""
        return self.wall.hour * 60 + self.wall.minute

    def until(self, minute: int) -> datetime:
        """The next instant (UTC) at which today's clock shows `minute`; the next clock change if that comes first."""
        midnight = datetime.combine(self.wall.date(), time.min)
        return min(self.at + (midnight + timedelta(minutes=minute) - self.wall), self.steady_until)

    def until_tomorrow(self) -> datetime:
        """The instant (UTC) at which the local day ends; the next clock change if that comes first."""
        return self.until(24 * 60)


def is_known_zone(name: str) -> bool:
    """Whether `name` is exactly a zone of the tz database."""
    return name in _zone_names()


def local_time(zone: str, at: datetime) -> LocalTime:
    """What the clocks of a known zone show at `at` (aware)."""
    at = at.astimezone(UTC)
    starts, offsets = _stretches(zone, at.year)
    nth = bisect_right(starts, at) - 1
    return LocalTime(at, at.replace(tzinfo=None) + offsets[nth], starts[nth + 1])


def local_day(zone: str, at: datetime) -> date:
    """The local day in a known zone at `at` (aware)."""
    return local_time(zone, at).today


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones()) - _NO_PLACES


@lru_cache(maxsize=4096)
def _stretches(zone: str, year: int) -> tuple[tuple[datetime, ...], tuple[timedelta, ...]]:
    """The starts (UTC) of the stretches of constant offset in a UTC year, closed by the year's end; their offsets."""
    info = ZoneInfo(zone)
    at, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    starts, offsets = [at], [_offset(info, at)]
    while at < end:
        step_end = min(at + _SCAN_STEP, end)
        if _offset(info, step_end) != offsets[-1] and (change := _change(info, at, step_end)) < end:
            starts.append(change)
            offsets.append(_offset(info, change))
        at = step_end
    return (*starts, end), tuple(offsets)


def _change(info: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The second at which the offset changes between two instants that differ in it."""
    old = _offset(info, before)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
        before, after = (middle, after) if _offset(info, middle) == old else (before, middle)
    return after


def _offset(info: ZoneInfo, at: datetime) -> timedelta:
    offset = at.astimezone(info).utcoffset()
    assert offset is not None
    return offset
