"""Why a candidate is called now, later or never, for whoever asks: the calling rule's answer in plain JSON values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, assert_never

from klara_daemon.domain.attempt_policy import (
    Call,
    Decision,
    Hold,
    Never,
    RuleSays,
    Situation,
    Wait,
    plan_call,
)
from klara_daemon.domain.calling_days import CallingDay
from klara_daemon.domain.dispositions import Outcome

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LOOK_AGAIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an outreach. `situation` None: its company has no settings; `outcome`: it has ended so.

    `is_calling`: a call of it is under way. `has_questions` is false where there is nothing to ask.
    """

    situation: Situation | None
    outcome: Outcome | None = None
    is_calling: bool = False
    has_questions: bool = True


def decision_about(known: Known, now: datetime) -> Decision:
    """What follows for an outreach at `now` (aware UTC)."""
    decision = plan_call(known.situation, now, has_questions=known.has_questions)
    if known.outcome is not None:
        return Never(known.outcome, _why_ended(known.outcome, decision))
    if known.is_calling:
        look_again = now + _LOOK_AGAIN
        says = "A call is under way: what follows is decided when it ends."
        return Wait(look_again, (RuleSays("calling", says, look_again),))
    return decision


def _why_ended(outcome: Outcome, decision: Decision) -> tuple[RuleSays, ...]:
    """The rules that ended it, as far as they still say the same."""
    if isinstance(decision, Never) and decision.outcome is outcome:
        return decision.rules
    return (RuleSays("ended", f"The outreach has ended: {outcome.replace('_', ' ')}."),)


def answer(decision: Decision, now: datetime) -> dict[str, Any]:
    """A decision that was made at `now`: what, when (UTC), and the word of each rule; an end with its outcome."""
    rules = [{"code": rule.code, "says": rule.says, "until": utc(rule.until)} for rule in decision.rules]
    match decision:
        case Call():
            return {"decision": "call", "at": utc(now), "rules": rules}
        case Wait(at):
            return {"decision": "wait", "at": utc(at), "rules": rules}
        case Hold():
            return {"decision": "hold", "at": None, "rules": rules}
        case Never(outcome):
            return {"decision": "never", "at": None, "outcome": outcome.value, "rules": rules}
        case _:
            assert_never(decision)


def days_told(days: Iterable[CallingDay]) -> list[dict[str, Any]]:
    """Days and their windows (UTC); of a day without any, why there is none."""
    return [
        {
            "on": day.on.isoformat(),
            "weekday": _WEEKDAYS[day.on.weekday()],
            "windows": [{"from": utc(one.opens_at), "to": utc(one.closes_at)} for one in day.windows],
            "says": day.says,
        }
        for day in days
    ]


def utc(at: datetime | None) -> str | None:
    """An instant (aware) in UTC, as in `2026-11-23T08:00:00Z`; microseconds only where there are any."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
