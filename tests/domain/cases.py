"""People to ask the calling rule about, told in local times, and what it answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from klara_daemon.domain.attempt_policy import Decision, PastAttempt, Situation, Wait
from klara_daemon.domain.calling_hours import CallingRules, Window
from klara_daemon.domain.dispositions import Disposition

MOBILE = "+4915112345678"
NEW_YORK = "+12125550123"
SATELLITE = "+881612345678"
MINUTE = timedelta(minutes=1)
OFFICE = (Window(9 * 60, 18 * 60),)
MORNING_AND_AFTERNOON = (Window(9 * 60, 12 * 60), Window(14 * 60, 18 * 60))
RULES = CallingRules("Europe/Berlin", "DE", "NW", frozenset(range(1, 7)), OFFICE)


def local(text: str, zone: str = "Europe/Berlin") -> datetime:
    """An instant, given as a local time."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def case(*past: tuple[str, Disposition], rules: CallingRules = RULES, **others: object) -> Situation:
    """A candidate with a German mobile number and attempts at local times in the company's zone."""
    attempts = tuple(PastAttempt(local(at, rules.time_zone), disposition) for at, disposition in past)
    whole = Situation(rules=rules, number=MOBILE, entered_at=None, attempts=attempts)
    return replace(whole, **others)  # type: ignore[arg-type]


def codes(decision: Decision) -> list[str]:
    """The codes of the rules that decided."""
    return [rule.code for rule in decision.rules]


def waits_until(decision: Decision, zone: str = "Europe/Berlin") -> str:
    """The local time until which the rule says to wait."""
    assert isinstance(decision, Wait), decision
    return decision.at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
