"""The one rule of when a call may start, and what follows when an attempt has ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from klara_daemon.domain import attempt_rules, calling_hours, lines
from klara_daemon.domain.calling_hours import RuleSays
from klara_daemon.domain.dispositions import Disposition, Outcome
from klara_daemon.domain.earliest import earliest
from klara_daemon.domain.situation import Case, PastAttempt, Situation

__all__ = [
    "NO_QUESTIONS",
    "NO_SETTINGS",
    "Call",
    "Decision",
    "Hold",
    "Never",
    "PastAttempt",
    "RuleSays",
    "Situation",
    "Wait",
    "may_call",
    "next_number",
    "plan_call",
]

HORIZON = timedelta(days=400)

NO_SETTINGS = RuleSays("settings", "The company's settings are missing or incomplete.")
NO_QUESTIONS = RuleSays("questions", "There is nothing to ask: the stage is not watched, or its question set is empty.")


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
    case = Case(situation)
    if ends := [end for rule in attempt_rules.ENDS if (end := rule(case))]:
        return Never(ends[0].outcome, tuple(end.says for end in ends))
    now = now.astimezone(UTC)
    busy = _lines_say(situation, now)
    holds = (
        *calling_hours.obstacles(situation.rules),
        *(says for rule in attempt_rules.HOLDS if (says := rule(case))),
        *(says for says in busy if says.until is None),
    )
    return Hold(holds) if holds else _plan(case, now, busy)


def plan_call(situation: Situation | None, now: datetime, *, has_questions: bool) -> Decision:
    """What follows for an outreach at `now`; without settings, or anything to ask, nothing can be said on the phone."""
    if situation is None:
        return Hold((NO_SETTINGS,))
    decision = may_call(situation, now)
    return decision if has_questions or isinstance(decision, Never) else Hold((NO_QUESTIONS,))


def next_number(numbers: Sequence[str], attempts: Iterable[PastAttempt]) -> str | None:
    """The first of the candidate's numbers (E.164, in order) that has not proved wrong; None when none is left.

    An attempt that does not say its number was made to the one that was next at its time.
    """
    spent: set[str | None] = set()
    left = list(numbers)
    for attempt in sorted(attempts, key=lambda attempt: attempt.placed_at):
        if attempt.disposition in (Disposition.INVALID_NUMBER, Disposition.WRONG_PERSON):
            spent.add(attempt.number or next(iter(left), None))
            left = [number for number in numbers if number not in spent]
    return next(iter(left), None)


def _lines_say(situation: Situation, now: datetime) -> list[RuleSays]:
    """What stands in the way of a dial at this moment."""
    if situation.lines is None:
        return []
    return [says for rule in lines.RULES if (says := rule(situation.lines, now))]


def _plan(case: Case, now: datetime, busy: Iterable[RuleSays]) -> Decision:
    """Call, or the earliest permitted instant: at or after every delay, where no rule of the hour forbids.

    A callback is among the rules after its time too: what keeps it waiting is what moves it, and that is to be said.
    """
    known = (*busy, *(says for rule in attempt_rules.DELAYS if (says := rule(case))))
    delays = [says for says in known if says.until and (says.until > now or says.code == "callback")]
    start = max([now, *(says.until for says in delays if says.until)])
    found = earliest(case, attempt_rules.hour_rules(case), start, start + HORIZON)
    if found.at is None:
        return Hold(tuple(RuleSays(says.code, says.says) for says in (*delays, *found.rules)))
    return Call(_reasons(case)) if found.at == now else Wait(found.at, (*delays, *found.rules))


def _reasons(case: Case) -> tuple[RuleSays, ...]:
    """What speaks for a call now: the callback that it is."""
    callback = attempt_rules.callback(case)
    return (callback,) if callback else ()
