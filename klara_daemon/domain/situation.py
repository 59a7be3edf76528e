"""What the calling rule knows about one outreach, and what follows from it without asking the time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from klara_daemon.domain import calling_hours
from klara_daemon.domain.calling_hours import CallingRules, Moment
from klara_daemon.domain.dispositions import Disposition
from klara_daemon.domain.phone_numbers import time_zones


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """An attempt of this outreach that has ended: when it was placed (aware UTC), how it ended, and at which number."""

    placed_at: datetime
    disposition: Disposition
    number: str | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the calling rule knows about one outreach. Attempts in any order; instants aware UTC."""

    rules: CallingRules
    number: str | None
    entered_at: datetime | None
    attempts: tuple[PastAttempt, ...] = ()
    callback_at: datetime | None = None
    opted_out: bool = False


class Case:
    """A situation, read: attempts in order, the callback that stands, the attempt that asks for a pause."""

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self.rules = situation.rules
        self.attempts = sorted(situation.attempts, key=lambda attempt: attempt.placed_at)
        self.counted = [attempt for attempt in self.attempts if attempt.disposition.counts]
        self.callback_at = self._callback_at()

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
