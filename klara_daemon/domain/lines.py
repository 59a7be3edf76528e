"""Rule 11 of the calling rule, and of rule 6 what is asked at the moment of a dial: how the telephone lines stand.

These rules decide about now alone. Each says when to look again, which is not when a line will be free: nobody knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from klara_daemon.domain.calling_hours import RuleSays

_LOOK_AGAIN = timedelta(seconds=2)
_NUMBER_BUSY = timedelta(minutes=1)
_SLOT_MAY_BE_AHEAD = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Pause:
    """Calling is paused: why, and for how much longer, where that is known."""

    says: str
    lasts: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Lines:
    """How the lines stand, this call not counted: calls under way and their limits, the wait for a slot, a pause.

    `company_limit` None: the company has no limit of its own. `number_is_busy`: this person is on the phone with us.
    """

    trunk_calls: int
    trunk_limit: int
    company_calls: int = 0
    company_limit: int | None = None
    slot_in: timedelta = timedelta(0)
    number_is_busy: bool = False
    pause: Pause | None = None


def paused(lines: Lines, now: datetime) -> RuleSays | None:
    """Rule 11, `paused`: somebody, or the phone company's failures, paused calling."""
    if lines.pause is None:
        return None
    return RuleSays("paused", lines.pause.says, None if lines.pause.lasts is None else now + lines.pause.lasts)


def trunk_full(lines: Lines, now: datetime) -> RuleSays | None:
    """Rule 11, `trunk_full`: fewer calls at once than the trunk takes, and a slot within seconds."""
    if lines.trunk_calls >= lines.trunk_limit:
        return RuleSays("trunk_full", "Every line is in use.", now + _LOOK_AGAIN)
    if lines.slot_in > _SLOT_MAY_BE_AHEAD:
        return RuleSays("trunk_full", "As many calls a second as the trunk takes.", now + lines.slot_in)
    return None


def company_full(lines: Lines, now: datetime) -> RuleSays | None:
    """Rule 11, `company_full`: fewer calls at once than the company has set."""
    if lines.company_limit is None or lines.company_calls < lines.company_limit:
        return None
    return RuleSays("company_full", "The company has as many calls at once as it has set.", now + _LOOK_AGAIN)


def number_busy(lines: Lines, now: datetime) -> RuleSays | None:
    """Rule 6, `number_busy`: no other call to this number, or to this person, is under way."""
    if not lines.number_is_busy:
        return None
    return RuleSays("number_busy", "This person is being called already.", now + _NUMBER_BUSY)


RULES: tuple[Callable[[Lines, datetime], RuleSays | None], ...] = (paused, number_busy, trunk_full, company_full)
