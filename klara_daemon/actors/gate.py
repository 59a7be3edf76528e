"""The one gate to the telephone: with everything locked, the one rule is asked whether this call may start now.

It is asked twice for each call: by the claim and, after the wait for a slot, by the fence. Both see the settings, the
history, the opt-outs, the pauses and the lines as they are at that moment.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from klara_daemon.domain.attempt_policy import Call, Decision, may_call, plan_call
from klara_daemon.store import lines, outreaches, settings, situations
from klara_daemon.store.database import Transaction
from klara_daemon.store.outreaches import Outreach
from klara_daemon.store.trunks import Trunk

_PAUSED_S = 30.0


@dataclass(frozen=True, slots=True)
class Passed:
    """The call may start: to this number, showing that one (both E.164)."""

    number: str
    caller: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The call may not start, and is to be planned anew: that says by which rule."""


@dataclass(frozen=True, slots=True)
class Busy:
    """All is well but for the lines (rules 6 and 11): ask again after so many seconds."""

    because: str
    again_s: float


@dataclass(frozen=True, slots=True)
class Gate:
    """The trunk that a process dials on, and how many calls at once it takes."""

    provider: str
    calls_at_once: int

    async def ask(
        self, tx: Transaction, outreach: Outreach, trunk: Trunk, attempt_id: UUID | None = None
    ) -> Passed | Refused | Busy:
        """May this locked outreach be called now? `attempt_id` is that of the call, once it is claimed."""
        company = await settings.company(tx.conn, outreach.company_id)
        rules = {outreach.company_id: company.rules} if company else {}
        situation = (await situations.of(tx.conn, [outreach], rules, tx.now)).get(outreach.id)
        has_questions = not await outreaches.without_questions(tx.conn, [outreach.id])
        if not isinstance(plan_call(situation, tx.now, has_questions=has_questions), Call):
            return Refused()
        assert company is not None and situation is not None  # noqa: PT018 - else nothing could be said on the phone
        assert situation.number is not None
        limits = lines.Limits(self.provider, self.calls_at_once, company.calls_at_once)
        stand = await lines.of(tx.conn, outreach, situation.number, trunk, limits, besides=attempt_id)
        decision = may_call(replace(situation, lines=stand), tx.now)
        if isinstance(decision, Call):
            return Passed(situation.number, company.caller_number)
        return _busy(decision, tx.now)


def _busy(decision: Decision, now: datetime) -> Busy:
    """The rules of the lines come first; the rest is what would follow once they let the call through."""
    first = decision.rules[0]
    return Busy(first.code, _PAUSED_S if first.until is None else (first.until - now).total_seconds())
