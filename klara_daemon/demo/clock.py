"""The demo's own clock: it starts on a Monday morning in Berlin, runs with real time, and can jump ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import monotonic
from zoneinfo import ZoneInfo

#: A Monday without a holiday near it, so that the story is the same on every day it is told.
MONDAY_MORNING = datetime(2026, 9, 7, 9, 0, tzinfo=ZoneInfo("Europe/Berlin"))


class DemoClock:
    """A business clock for a story in which tomorrow comes within seconds."""

    def __init__(self, begins_at: datetime = MONDAY_MORNING) -> None:
        self._begins_at = begins_at.astimezone(UTC)
        self._started = monotonic()
        self._jumped = timedelta()

    def now(self) -> datetime:
        """The story's time, aware UTC."""
        return self._begins_at + timedelta(seconds=monotonic() - self._started) + self._jumped

    def jump_to(self, at: datetime) -> None:
        """Go ahead to `at`; never back."""
        self._jumped += max(timedelta(), at - self.now())
