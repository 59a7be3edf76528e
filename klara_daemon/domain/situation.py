"""What the calling rule knows about one outreach, and what follows from it without asking the time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from klara_daemon.domain import calling_hours
from klara_daemon.domain.calling_hours import CallingRules, Moment
from klara_daemon.domain.dispositions import Disposition
from klara_daemon.domain.lines import Lines
from klara_daemon.domain.local_time import local_day
from klara_daemon.domain.phone_numbers import time_zones
from klara_daemon.domain.stays import Leaving


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """An attempt of this outreach that has ended: when it was placed (aware UTC), how it ended, and at which number."""

    placed_at: datetime
    disposition: Disposition
    number: str | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the calling rule knows about one outreach. Attempts in any order; instants aware UTC.

    `called_elsewhere` are the counted calls of other outreaches of the company to this person, recognised by number or
    by candidate, as far back as rule 6 looks. `left_because`: the placement is no longer to be called, and why.
    `lines` is given when somebody asks to dial now; a plan for later is made without.
    """

    rules: CallingRules
    number: str | None
    entered_at: datetime | None
    attempts: tuple[PastAttempt, ...] = ()
    callback_at: datetime | None = None
    opted_out: bool = False
    called_elsewhere: tuple[datetime, ...] = ()
    left_because: Leaving | None = None
    offer_is_open: bool = True
    lines: Lines | None = None


class Case:
    """A situation, read: attempts in order, the callback that stands, the attempt that asks for a pause."""

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self.rules = situation.rules
        self.attempts = sorted(situation.attempts, key=lambda attempt: attempt.placed_at)
        self.counted = [attempt for attempt in self.attempts if attempt.disposition.counts]
        self.callback_at = self._callback_at()

    @cached_property
    def called_on(self) -> Counter[date]:
        """Rule 5: how many counted attempts of this outreach fell on each local date."""
        return Counter(local_day(self.rules.time_zone, attempt.placed_at) for attempt in self.counted)

    @cached_property
    def person_called_at(self) -> list[datetime]:
        """Rule 6: when this person was called, over all jobs of the company; in order."""
        return sorted([*self.situation.called_elsewhere, *(attempt.placed_at for attempt in self.counted)])

    @cached_property
    def person_called_on(self) -> Counter[date]:
        """Rule 6: how often this person was called on each local date, over all jobs of the company."""
        return Counter(local_day(self.rules.time_zone, at) for at in self.person_called_at)

    @cached_property
    def paused_by(self) -> PastAttempt | None:
        """Rule 7: the last counted attempt, unless a callback outranks the pause after it (rule 8)."""
        return self.counted[-1] if self.counted and self.callback_at is None else None

    @cached_property
    def callee_zones(self) -> tuple[str, ...]:
        """The zones in which the number may be; none where that is the company's own and adds nothing."""
        zones = time_zones(self.situation.number) if self.situation.number else ()
        return () if zones == (self.rules.time_zone,) else zones

    def moment(self, at: datetime) -> Moment:
        """The instant `at` (aware UTC) as the rules look at it."""
        return calling_hours.moment(self.rules, self.callee_zones, at)

    def last_in_a_row(self, *dispositions: Disposition) -> int:
        """How many attempts at the end of the list ended in one of these dispositions."""
        others = (nth for nth, past in enumerate(reversed(self.attempts)) if past.disposition not in dispositions)
        return next(others, len(self.attempts))

    def pause_ends_at(self) -> datetime | None:
        """Rule 7: when the pause after the last counted attempt ends, as far as it is a matter of minutes."""
        if self.paused_by is None or self.paused_by.disposition is Disposition.VOICEMAIL:
            return None
        pause = timedelta(minutes=15) if self.paused_by.disposition is Disposition.BUSY else self.rules.pause
        return self.paused_by.placed_at + pause

    def _callback_at(self) -> datetime | None:
        """Rule 8: the time that the candidate asked for, unless a counted attempt at or after it used it up."""
        callback_at = self.situation.callback_at
        if callback_at is None or any(attempt.placed_at >= callback_at for attempt in self.counted):
            return None
        return callback_at
