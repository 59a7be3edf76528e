"""What hypothesis draws the calling rule's cases from: every zone, near clock changes, year ends and leap days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import strategies as st

from klara_daemon.domain.attempt_policy import PastAttempt, Situation
from klara_daemon.domain.calling_hours import CallingRules, Window
from klara_daemon.domain.dispositions import Disposition

ZONES = sorted(available_timezones() - {"Factory", "localtime"})
# With clocks that do odd things: half hours, 30 minutes of summer time, a skipped day, the ends of the earth.
ODD_ZONES = (
    "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kiritimati",
    "Pacific/Pago_Pago", "Africa/Casablanca", "America/St_Johns", "Asia/Gaza", "Antarctica/Troll", "America/Havana",
)  # fmt: skip
# Whose clocks change on days other than Sundays: on those somebody may be called.
WEEKDAY_CHANGES = (
    "Africa/Cairo", "America/Godthab", "Antarctica/Casey", "Asia/Almaty", "Asia/Amman", "Asia/Beirut", "Asia/Damascus",
    "Asia/Gaza", "Asia/Jerusalem", "Asia/Pyongyang", "Asia/Tehran", "Pacific/Apia", "Pacific/Fakaofo",
)  # fmt: skip
NUMBERS_THERE = {"Africa/Cairo": "+20221234567", "Asia/Jerusalem": "+97221234567", "America/Godthab": "+299321234"}
PLACES = (("DE", "NW"), ("DE", "BY"), ("AT", "9"), ("CH", "ZH"), ("PL", None), ("FR", None), ("GB", "ENG"))
# Mobile in Germany; New York, Los Angeles, Auckland, Kathmandu; many zones (Russia, Australia); none (a satellite).
NUMBERS = (
    "+4915112345678", "+12125550123", "+12135550123", "+6493001234", "+97714123456", "+79161234567", "+61412345678",
    "+881612345678",
)  # fmt: skip
EDGES = (0, 30, 60, 90, 120, 150, 180, 8 * 60, 9 * 60, 12 * 60, 14 * 60, 18 * 60, 20 * 60, 23 * 60, 1439, 1440)

zones = st.sampled_from(ODD_ZONES) | st.sampled_from(ZONES)


@cache
def clock_changes(zone: str, year: int) -> tuple[datetime, ...]:
    """The minutes of a year at which the zone's offset changes."""
    found: list[datetime] = []
    days = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(367)]
    offsets = [_offset(zone, day) for day in days]
    for start, (before, after) in zip(days, pairwise(offsets), strict=False):
        if before != after:
            steps = (start + timedelta(minutes=minute) for minute in range(1, 1441))
            found.append(next(at for at in steps if _offset(zone, at) == after))
    return tuple(found)


def _offset(zone: str, at: datetime) -> timedelta | None:
    return at.astimezone(ZoneInfo(zone)).utcoffset()


@st.composite
def instants(draw: st.DrawFn, zone: str) -> datetime:
    """A whole minute within three days of something that happens to clocks and calendars, or anywhere."""
    year = draw(st.integers(2020, 2032))
    special = [datetime(year, 1, 1, tzinfo=UTC), datetime(year, 3, 1, tzinfo=UTC), datetime(year, 12, 25, tzinfo=UTC)]
    anywhere = datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=draw(st.integers(0, 364)))
    near = draw(st.sampled_from((*special, anywhere, *clock_changes(zone, year) * 3)))
    return near + timedelta(minutes=draw(st.integers(-3 * 1440, 3 * 1440)))


@st.composite
def windows(draw: st.DrawFn) -> tuple[Window, ...]:
    """One to three windows in order, some of them touching."""
    minutes = st.sampled_from(EDGES) | st.integers(0, 1440)
    found: list[Window] = []
    for opens, closes in draw(st.lists(st.tuples(minutes, minutes), min_size=1, max_size=3)):
        if opens < closes and all(closes <= other.opens or other.closes <= opens for other in found):
            found.append(Window(opens, closes))
    return tuple(sorted(found)) or (Window(9 * 60, 18 * 60),)


@st.composite
def window_near(draw: st.DrawFn, clock: datetime) -> tuple[Window, ...]:
    """A window that opens a little before or after this local time."""
    opens = (clock.hour * 60 + clock.minute + draw(st.integers(-90, 240))) % 1440
    return (Window(opens, min(opens + draw(st.integers(1, 120)), 1440)),)


@st.composite
def calling_rules(draw: st.DrawFn, zone: str, around: date) -> CallingRules:
    """Settings that the database would take."""
    country, subdivision = draw(st.sampled_from(PLACES))
    days = st.integers(-2, 12).map(lambda days: around + timedelta(days=days))
    return CallingRules(
        time_zone=zone,
        country=country,
        subdivision=subdivision,
        weekdays=draw(st.just(frozenset(range(1, 7))) | st.frozensets(st.integers(1, 6), min_size=1)),
        windows=draw(windows()),
        max_attempts=draw(st.integers(1, 8)),
        attempts_per_day=draw(st.integers(1, 3)),
        pause=timedelta(minutes=draw(st.sampled_from((0, 30, 180, 1440)) | st.integers(0, 10080))),
        first_call_delay=timedelta(minutes=draw(st.sampled_from((0, 3, 600)))),
        observe_public_holidays=draw(st.booleans()),
        closed_days=draw(st.frozensets(days, max_size=4) | st.just(frozenset(around + timedelta(n) for n in range(9)))),
    )


GO_ON = (Disposition.NO_ANSWER, Disposition.BUSY, Disposition.VOICEMAIL, Disposition.TECHNICAL_FAILURE)
dispositions = st.sampled_from(GO_ON) | st.sampled_from(GO_ON) | st.sampled_from(Disposition)


@st.composite
def situations(draw: st.DrawFn) -> tuple[Situation, datetime]:
    """A situation and the instant at which the rule is asked about it; all in whole minutes."""
    zone = draw(zones)
    now = draw(instants(zone))
    ago = st.integers(0, 300) | st.integers(0, 5 * 1440)
    attempts = [
        PastAttempt(now - timedelta(minutes=draw(ago)), draw(dispositions)) for _ in range(draw(st.integers(0, 5)))
    ]
    return Situation(
        rules=draw(calling_rules(zone, now.date())),
        number=draw(st.sampled_from((*NUMBERS[:1] * 4, *NUMBERS))),
        entered_at=draw(st.none() | ago.map(lambda minutes: now - timedelta(minutes=minutes))),
        attempts=tuple(attempts),
        callback_at=draw(st.none() | st.integers(-3000, 3000).map(lambda minutes: now + timedelta(minutes=minutes))),
    ), now


@st.composite
def at_clock_changes(draw: st.DrawFn) -> tuple[Situation, datetime]:
    """Nothing but windows, near a clock change on a weekday: at the company, and perhaps where the number is."""
    if draw(st.booleans()):
        zone = place = draw(st.sampled_from(WEEKDAY_CHANGES))
        number = "+881612345678"
    else:
        place, number = draw(st.sampled_from(sorted(NUMBERS_THERE.items())))
        zone = draw(zones)
    years = [year for year in range(2010, 2031) if clock_changes(place, year)]
    changes_at = draw(st.sampled_from(clock_changes(place, draw(st.sampled_from(years)))))
    rules = CallingRules(
        time_zone=zone,
        country="DE",
        subdivision=None,
        weekdays=draw(st.sampled_from((frozenset(range(1, 7)), frozenset({5, 6}), frozenset({1, 4})))),
        windows=draw(st.just((Window(0, 1440),)) | window_near(changes_at.astimezone(ZoneInfo(zone)))),
        observe_public_holidays=False,
    )
    now = changes_at + timedelta(minutes=draw(st.integers(-240, 120) | st.integers(-36 * 60, 6 * 60)))
    return Situation(rules, number, None), now
