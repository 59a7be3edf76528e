"""What a change of the settings does to those who wait for a call, counted before it is made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from klara_daemon.domain.attempt_policy import Call, Decision, Hold, Never, Wait
from klara_daemon.domain.local_time import local_day


@dataclass(slots=True)
class Moves:
    """How many calls would move, by what becomes of them. Each is counted in `asked`, and in what applies to it."""

    asked: int = 0
    moved: int = 0
    to_today: int = 0
    held: int = 0
    freed: int = 0
    ended: int = 0

    def count(self, before: datetime | None, decision: Decision, now: datetime, zone: str) -> None:
        """One more outreach: due at `before` (aware; None: it is held), and what the changed settings say of it.

        `zone` is a known one; a call that comes on today's local date and would have come later comes today instead.
        """
        self.asked += 1
        match decision:
            case Never():
                self.ended += 1
            case Hold():
                self.held += before is not None
            case Call() | Wait():
                due_at = now if isinstance(decision, Call) else decision.at
                self._count_call(before, due_at, now, zone)
            case _:
                assert_never(decision)

    def _count_call(self, before: datetime | None, due_at: datetime, now: datetime, zone: str) -> None:
        self.freed += before is None
        is_moved = before is None or max(before, now) != due_at
        today = local_day(zone, now)
        self.moved += is_moved
        self.to_today += (
            is_moved and local_day(zone, due_at) == today and (not before or local_day(zone, before) > today)
        )
