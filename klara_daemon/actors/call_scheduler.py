"""Keeps, for each candidate, when the next call is due, and hands it to a dialer when it is.

1. A changed stay opens, withdraws or re-opens its outreach.
2. After each attempt, and whenever a call may not start, the one rule says what follows: a time, a hold, an end.
3. Changed settings plan every waiting outreach of the company anew.
4. What is due is handed out; what was handed out and not taken is handed out again. Nobody is forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import assert_never

import structlog

from klara_daemon import metrics
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
from klara_daemon.domain.attempt_rules import withdrawn
from klara_daemon.domain.dispositions import Outcome, OutreachState
from klara_daemon.domain.stays import Leaving
from klara_daemon.messages import CancelCall, OutreachEnded, PlaceCall, PlanOutreach, StayChanged
from klara_daemon.store import calls, outreaches, settings, situations, stays, writebacks
from klara_daemon.store.database import Database, Transaction
from klara_daemon.store.outreaches import Outreach, Plan
from klara_daemon.store.settings import CompanySettings
from klara_daemon.store.stays import Stay

HAND_OUT_LEASE_S = 60.0
HAND_OUT_AHEAD = 100
PLAN_AT_ONCE = 500
FORGOTTEN_AFTER_S = 60.0
OFFER_CLOSED = "offer_closed"

log = structlog.get_logger()


class CallScheduler:
    """Any number may run; each outreach is decided about under its row's lock."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def on_stay_changed(self, tx: Transaction, messages: Sequence[StayChanged]) -> None:
        """Bring the outreaches of changed stays into line with them."""
        changed = await stays.stays(tx.conn, [message.stay_id for message in messages])
        known = await outreaches.lock_of_stays(tx.conn, [stay.id for stay in changed])
        to_plan = []
        for stay in changed:
            outreach = known.get(stay.id)
            if outreach is None:
                opened = await self._open(tx, stay)
                to_plan += [opened] if opened else []
            elif stay.left_because is not None:
                await self._withdraw(tx, outreach, stay.left_because)
            elif outreach.outcome is Outcome.UNCALLABLE:
                to_plan.append(outreach)
        await self._plan(tx, to_plan)

    async def on_plan_outreach(self, tx: Transaction, messages: Sequence[PlanOutreach]) -> None:
        """Find what follows for outreaches whose attempt ended or whose call may not start now."""
        locked = await outreaches.lock(tx.conn, [message.outreach_id for message in messages])
        busy = await calls.open_of(tx.conn, [outreach.id for outreach in locked])
        await self._plan(tx, [one for one in locked if one.state is not OutreachState.ENDED and one.id not in busy])

    async def hand_out_due(self) -> bool:
        """Hand out calls that are due: some of each company, so that none waits behind another's thousands."""
        async with self._database.transaction() as tx:
            due = await outreaches.hand_out_due(tx.conn, tx.now, HAND_OUT_LEASE_S, HAND_OUT_AHEAD)
            for outreach_id in due:
                tx.send(PlaceCall(outreach_id=outreach_id))
        return False

    async def follow_settings(self) -> bool:
        """Plan anew what was planned with other settings, some at a time."""
        async with self._database.connection() as conn:
            company_ids = await outreaches.companies_with_open(conn)
        for company_id in company_ids:
            while await self._replan_some(company_id) == PLAN_AT_ONCE:
                pass
        return False

    async def _replan_some(self, company_id: int) -> int:
        async with self._database.transaction() as tx:
            company = await settings.company(tx.conn, company_id)
            basis = await settings.plan_basis(tx.conn, company, company_id)
            stale = await outreaches.lock_planned_otherwise(tx.conn, company_id, basis, PLAN_AT_ONCE)
            await self._plan(tx, stale)
        return len(stale)

    async def find_forgotten(self) -> bool:
        """Find whom a lost message would have forgotten, and send it again."""
        async with self._database.transaction() as tx:
            for stay_id in await stays.without_outreach(tx.conn):
                tx.send(StayChanged(stay_id=stay_id))
            for outreach_id in await outreaches.calling_without_call(tx.conn, FORGOTTEN_AFTER_S):
                tx.send(PlanOutreach(outreach_id=outreach_id))
        return False

    async def _open(self, tx: Transaction, stay: Stay) -> Outreach | None:
        watched = await settings.watched_stage(tx.conn, stay.company_id, stay.offer_id, stay.stage_id)
        if stay.left_because is not None or watched is None:
            return None
        if stay.already_there and not watched.call_those_already_there:
            return None
        if not await stays.was_read(tx.conn, stay.company_id, stay.candidate_id):
            return None  # on a list of the stage, but with a number that nobody knows yet
        outreach = await outreaches.open_for(tx.conn, stay, watched.mode, tx.now)
        if outreach is None:
            return None
        _note(tx, outreach, "outreach_opened", mode=watched.mode)
        return outreach

    async def _withdraw(self, tx: Transaction, outreach: Outreach, because: str) -> None:
        """End at once, or with the call that is under way: one in which both already speak is not cut off."""
        match outreach.state:
            case OutreachState.ENDED:
                return
            case OutreachState.CALLING:
                if attempt_id := await outreaches.withdraw_after_call(tx.conn, outreach.id, because):
                    tx.send(CancelCall(attempt_id=attempt_id, because=because))
                else:
                    await self._plan(tx, [replace(outreach, withdraw_because=because)])
            case OutreachState.WAITING | OutreachState.HELD:
                await self._end(tx, outreach, _withdrawn(because))
            case _:
                assert_never(outreach.state)

    async def _plan(self, tx: Transaction, locked: Sequence[Outreach]) -> None:
        """Ask the one rule about each outreach and act on its answer."""
        if not locked:
            return
        companies: dict[int, CompanySettings | None] = {}
        bases: dict[int, str] = {}
        for company_id in {outreach.company_id for outreach in locked}:
            company = companies[company_id] = await settings.company(tx.conn, company_id)
            bases[company_id] = await settings.plan_basis(tx.conn, company, company_id)
        rules = {company_id: company.rules for company_id, company in companies.items() if company}
        known = await situations.of(tx.conn, locked, rules, tx.now)
        speechless = await outreaches.without_questions(tx.conn, [outreach.id for outreach in locked])
        plans = []
        for outreach in locked:
            situation = known.get(outreach.id)
            decision = _decide(outreach, situation, tx.now, is_speechless=outreach.id in speechless)
            if isinstance(decision, Never):
                await self._end(tx, outreach, decision)
                continue
            if outreach.state is OutreachState.ENDED:
                await writebacks.forgive(tx.conn, outreach.id)
            number = situation.number if situation else None
            plans.append(_planned(tx, outreach, decision, number, bases[outreach.company_id]))
        await outreaches.plan(tx.conn, plans)

    async def _end(self, tx: Transaction, outreach: Outreach, decision: Never) -> None:
        if outreach.state is OutreachState.ENDED:
            return
        await outreaches.end(tx.conn, outreach.id, decision.outcome, tx.now)
        metrics.OUTREACHES_ENDED.labels(decision.outcome).inc()
        _note(tx, outreach, "outreach_ended", decision.rules, outcome=decision.outcome)
        log.info("outreach_ended", outreach_id=outreach.id, outcome=decision.outcome, rules=_codes(decision.rules))
        if decision.outcome is not Outcome.WITHDRAWN or await outreaches.was_called(tx.conn, outreach.id):
            await writebacks.owe(tx.conn, outreach.id, outreach.company_id)
            tx.send(OutreachEnded(outreach_id=outreach.id))


def _decide(outreach: Outreach, situation: Situation | None, now: datetime, *, is_speechless: bool) -> Decision:
    """What the one rule says; whose reason for calling has gone needs no settings to be let go."""
    if situation is None and outreach.withdraw_because:
        return _withdrawn(outreach.withdraw_because)
    return plan_call(situation, now, has_questions=not is_speechless)


def _withdrawn(because: str) -> Never:
    end = withdrawn(Leaving(because))
    return Never(end.outcome, (end.says,))


def _planned(tx: Transaction, outreach: Outreach, decision: Call | Wait | Hold, number: str | None, basis: str) -> Plan:
    """The plan that follows from a decision; the timeline tells of it where it is news."""
    match decision:
        case Call() | Wait():
            due_at = tx.now if isinstance(decision, Call) else decision.at
            tx.ring("due")
            if outreach.due_at != due_at or outreach.state is not OutreachState.WAITING:
                _note(tx, outreach, "call_planned", decision.rules, due_at=due_at.isoformat())
            return Plan(outreach.id, due_at, number, basis)
        case Hold():
            codes = _codes(decision.rules)
            if outreach.held_because != codes:
                _note(tx, outreach, "outreach_held", decision.rules)
                level = log.info if codes == OFFER_CLOSED else log.warning
                level("outreach_held", outreach_id=outreach.id, rules=codes)
            return Plan(outreach.id, None, number, basis, held_because=codes)
        case _:
            assert_never(decision)


def _codes(rules: Sequence[RuleSays]) -> str:
    return " ".join(rule.code for rule in rules)


def _note(tx: Transaction, outreach: Outreach, event: str, rules: Sequence[RuleSays] = (), **details: object) -> None:
    says = " ".join(rule.says for rule in rules)
    tx.note(event, outreach.about, rule=_codes(rules) or None, says=says, **details)
