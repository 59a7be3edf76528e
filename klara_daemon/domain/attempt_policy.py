"""The one rule of when a call may start, and what follows when an attempt has ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from klara_daemon.domain.calling_hours import CallingRules
from klara_daemon.domain.dispositions import Disposition, Outcome


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """An attempt of this outreach that has ended: when it was placed (aware UTC) and how it ended."""

    placed_at: datetime
    disposition: Disposition


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the calling rule knows about one outreach. Attempts in any order; instants aware UTC."""

    rules: CallingRules
    number: str | None
    entered_at: datetime | None
    attempts: tuple[PastAttempt, ...] = ()
    callback_at: datetime | None = None
    opted_out: bool = False


@dataclass(frozen=True, slots=True)
class RuleSays:
    """One rule's word: its stable code, a sentence for people, and until when it forbids (aware UTC), if it ends."""

    code: str
    says: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A call may start now."""

    rules: tuple[RuleSays, ...] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """No call now; `at` (aware UTC) is the earliest permitted instant."""

    at: datetime
    rules: tuple[RuleSays, ...]


@dataclass(frozen=True, slots=True)
class Hold:
    """No call until somebody changes the settings (or looks at ten technical failures in a row)."""

    rules: tuple[RuleSays, ...]


@dataclass(frozen=True, slots=True)
class Never:
    """No further call in this outreach: what the candidate or the number of attempts caused."""

    outcome: Outcome
    rules: tuple[RuleSays, ...]


Decision = Call | Wait | Hold | Never


def may_call(situation: Situation, now: datetime) -> Decision:
    """Whether a call may start at `now` (aware UTC), and if not, when, or why never."""
    raise NotImplementedError
