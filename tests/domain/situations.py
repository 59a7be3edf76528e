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
from klara_daemon.domain.lines import Lines, Pause
from klara_daemon.domain.stays import Leaving

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
ORDINARY_WINDOWS = (
    (Window(540, 1080),),
    (Window(0, 1440),),
    (Window(540, 720), Window(840, 1080)),
    (Window(540, 720), Window(720, 1080)),
)
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
        max_attempts=draw(st.sampled_from((8, 8, 4, 3, 2, 1))),
        attempts_per_day=draw(st.integers(1, 3)),
        pause=timedelta(minutes=draw(st.sampled_from((0, 30, 180, 1440)) | st.integers(0, 10080))),
        first_call_delay=timedelta(minutes=draw(st.sampled_from((0, 3, 600)))),
        observe_public_holidays=draw(st.booleans()),
        closed_days=draw(st.frozensets(days, max_size=4) | st.just(frozenset(around + timedelta(n) for n in range(9)))),
        max_per_30_days=draw(st.sampled_from((10, 10, 1, 2, 3, 100))),
    )


GO_ON = (Disposition.NO_ANSWER, Disposition.BUSY, Disposition.VOICEMAIL, Disposition.TECHNICAL_FAILURE)
dispositions = st.sampled_from(GO_ON * 8 + tuple(Disposition))


whole_minutes = st.integers(0, 300).map(lambda minutes: timedelta(minutes=minutes))


@st.composite
def pasts(draw: st.DrawFn, now: datetime) -> tuple[PastAttempt, ...]:
    """Up to five attempts of the last days; now and then failures after them, as many as hold an outreach and more."""
    ago = st.integers(0, 300) | st.integers(0, 5 * 1440)
    found = [
        PastAttempt(now - timedelta(minutes=draw(ago)), draw(dispositions)) for _ in range(draw(st.integers(0, 5)))
    ]
    failures = draw(st.sampled_from((0,) * 9 + (9, 10, 11)))
    last = max((past.placed_at for past in found), default=now)
    at = (last + timedelta(minutes=nth) for nth in range(1, failures + 1))
    return (*found, *(PastAttempt(each, Disposition.TECHNICAL_FAILURE) for each in at))


@st.composite
def calls_elsewhere(draw: st.DrawFn, now: datetime) -> tuple[datetime, ...]:
    """When other jobs' calls went to the same person: today, these days, or about to be 30 days ago."""
    today, lately = st.integers(0, 600), st.integers(0, 5 * 1440)
    a_month_ago = st.integers(-2 * 1440, 3 * 1440).map(lambda minutes: 30 * 1440 - minutes)
    found = draw(st.just([]) | st.lists(today | lately | a_month_ago | a_month_ago, max_size=4))
    return tuple(now - timedelta(minutes=minutes) for minutes in found)


@st.composite
def lines(draw: st.DrawFn) -> Lines:
    """Telephone lines with every obstacle, and mostly without."""
    return Lines(
        trunk_calls=draw(st.integers(0, 2)),
        trunk_limit=draw(st.sampled_from((2, 2, 3, 0))),
        company_calls=draw(st.integers(0, 2)),
        company_limit=draw(st.none() | st.integers(1, 3)),
        slot_in=draw(st.sampled_from((timedelta(0), timedelta(seconds=5))) | whole_minutes),
        number_is_busy=draw(st.sampled_from((False, False, True))),
        pause=draw(st.none() | st.builds(Pause, st.just("Somebody paused calling."), st.none() | whole_minutes)),
    )


@st.composite
def situations(draw: st.DrawFn) -> tuple[Situation, datetime]:
    """A situation and the instant at which the rule is asked about it; all in whole minutes."""
    zone = draw(zones)
    now = draw(instants(zone))
    return Situation(
        rules=draw(calling_rules(zone, now.date())),
        number=draw(st.sampled_from((*NUMBERS[:1] * 4, *NUMBERS))),
        entered_at=draw(st.none() | whole_minutes.map(lambda ago: now - ago)),
        attempts=draw(pasts(now)),
        callback_at=draw(st.none() | st.integers(-3000, 3000).map(lambda minutes: now + timedelta(minutes=minutes))),
        called_elsewhere=draw(calls_elsewhere(now)),
        left_because=draw(st.sampled_from((None,) * 40 + tuple(Leaving))),
        offer_is_open=draw(st.sampled_from((True,) * 15 + (False,))),
        lines=draw(st.none() | st.none() | lines()),
    ), now


@st.composite
def working_days(draw: st.DrawFn) -> tuple[Situation, datetime]:
    """An applicant for several jobs at an ordinary company, in working hours: what limits, pauses and wishes decide."""
    now = datetime(2026, 11, 23, 7, 0, tzinfo=UTC) + timedelta(minutes=draw(st.integers(0, 3 * 1440)))
    rules = CallingRules(
        time_zone="Europe/Berlin",
        country="DE",
        subdivision="NW",
        weekdays=frozenset(range(1, 7)),
        windows=draw(st.sampled_from(ORDINARY_WINDOWS)),
        max_attempts=draw(st.sampled_from((8, 8, 4, 2))),
        attempts_per_day=draw(st.integers(1, 3)),
        pause=timedelta(minutes=draw(st.sampled_from((0, 30, 180)))),
        max_per_30_days=draw(st.sampled_from((10, 10, 5, 3, 2, 1))),
    )
    since = st.integers(0, 600) | st.integers(0, 2 * 1440)
    going_on = st.sampled_from((*GO_ON, Disposition.CALLBACK_REQUESTED, Disposition.PARTLY_INTERVIEWED))
    past = draw(st.lists(st.tuples(since, going_on), max_size=4))
    return Situation(
        rules,
        NUMBERS[0],
        entered_at=None,
        attempts=tuple(PastAttempt(now - timedelta(minutes=minutes), disposition) for minutes, disposition in past),
        callback_at=draw(st.none() | st.integers(-600, 600).map(lambda minutes: now + timedelta(minutes=minutes))),
        called_elsewhere=draw(calls_elsewhere(now)),
        lines=draw(st.none() | lines()),
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
