"""The earliest instant that a list of rules permits, found exactly and without stepping through time.

Each rule that forbids a moment names an instant before which it surely forbids (`until`). The search goes there and
asks all rules anew: it cannot overshoot, and a new rule needs to know nothing of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from klara_daemon.domain.calling_hours import Moment, RuleSays
from klara_daemon.domain.situation import Case

HourRule = Callable[[Case, Moment], RuleSays | None]


@dataclass(frozen=True, slots=True)
class Earliest:
    """The earliest permitted instant (aware UTC; None: not before the end), and the rules met on the way to it."""

    at: datetime | None
    rules: tuple[RuleSays, ...]


def earliest(case: Case, rules: Sequence[HourRule], start: datetime, end: datetime) -> Earliest:
    """The earliest instant in [`start`, `end`) (aware UTC) at which none of the rules forbids."""
    met: dict[tuple[str, str], RuleSays] = {}
    at = start
    while at < end:
        moment = case.moment(at)
        says = next((says for rule in rules if (says := rule(case, moment))), None)
        if says is None:
            return Earliest(at, tuple(met.values()))
        assert says.until is not None
        assert says.until > at
        met[says.code, says.says] = says
        at = says.until
    return Earliest(None, tuple(met.values()))
