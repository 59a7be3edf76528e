"""Keeps, for each candidate, when the next call is due, and hands it to a dialer when it is.

1. A changed stay opens, withdraws or re-opens its outreach.
2. After each attempt, and whenever a call may not start, the one rule says what follows: a time, a hold, an end.
3. Changed settings plan every waiting outreach of the company anew.
4. What is due is handed out; what was handed out and not taken is handed out again. Nobody is forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never
from uuid import UUID

import structlog

from klara_daemon import metrics
from klara_daemon.domain.attempt_policy import Call, Decision, Hold, Never, RuleSays, Situation, Wait, may_call
from klara_daemon.domain.dispositions import Outcome, OutreachState
from klara_daemon.messages import CancelCall, OutreachEnded, PlaceCall, PlanOutreach, StayChanged
from klara_daemon.store import outreaches, settings, situations, stays, writebacks
from klara_daemon.store.database import Database, Transaction
from klara_daemon.store.outreaches import Outreach
from klara_daemon.store.settings import CompanySettings
from klara_daemon.store.stays import Stay

HAND_OUT_LEASE_S = 60.0
HAND_OUT_AT_ONCE = 100
PLAN_AT_ONCE = 500
FORGOTTEN_AFTER_S = 60.0

log = structlog.get_logger()

NO_RULES = ""
NO_SETTINGS = RuleSays("settings", "The company's settings are missing or incomplete.")
NO_QUESTIONS = RuleSays("questions", "There is nothing to ask: the stage is not watched, or its question set is empty.")


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
        busy = await outreaches.with_open_attempt(tx.conn, [outreach.id for outreach in locked])
        await self._plan(tx, [one for one in locked if one.state is not OutreachState.ENDED and one.id not in busy])

    async def hand_out_due(self) -> bool:
        """Hand out calls that are due."""
        async with self._database.transaction() as tx:
            due = await outreaches.hand_out_due(tx.conn, tx.now, HAND_OUT_LEASE_S, HAND_OUT_AT_ONCE)
            for outreach_id in due:
                tx.send(PlaceCall(outreach_id=outreach_id))
        return len(due) == HAND_OUT_AT_ONCE

    async def follow_settings(self) -> bool:
        """Plan anew what was planned with other settings, some at a time."""
        async with self._database.connection() as conn:
            company_ids = await outreaches.companies_with_open(conn)
        for company_id in company_ids:
            await self._replan(company_id)
        return False

    async def _replan(self, company_id: int) -> None:
        """One pass over a company; who is held for want of something other than rules is looked at each time."""
        stale: Sequence[Outreach] = ()
        after = UUID(int=0)
        while not after.int or len(stale) == PLAN_AT_ONCE:
            async with self._database.transaction() as tx:
                company = await settings.company(tx.conn, company_id)
                current = company.rules.fingerprint if company else NO_RULES
                stale = await outreaches.lock_planned_otherwise(tx.conn, company_id, current, PLAN_AT_ONCE, after)
                await self._plan(tx, stale)
            after = stale[-1].id if stale else UUID(int=1)

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
                await self._end(tx, outreach, Never(Outcome.WITHDRAWN, (RuleSays(because, because),)))
            case _:
                assert_never(outreach.state)

    async def _plan(self, tx: Transaction, locked: Sequence[Outreach]) -> None:
        """Ask the one rule about each outreach and act on its answer."""
        companies: dict[int, CompanySettings | None] = {}
        for outreach in locked:
            if outreach.company_id not in companies:
                companies[outreach.company_id] = await settings.company(tx.conn, outreach.company_id)
        rules = {company_id: company.rules for company_id, company in companies.items() if company}
        known = await situations.of(tx.conn, locked, rules)
        speechless = await outreaches.without_questions(tx.conn, [outreach.id for outreach in locked])
        for outreach in locked:
            situation = known.get(outreach.id)
            if situation is None:
                await self._act(tx, outreach, Hold((NO_SETTINGS,)), None)
                continue
            decision = may_call(situation, tx.now)
            if outreach.id in speechless and not isinstance(decision, Never):
                await self._act(tx, outreach, Hold((NO_QUESTIONS,)), None)
            else:
                await self._act(tx, outreach, decision, situation)

    async def _act(self, tx: Transaction, outreach: Outreach, decision: Decision, situation: Situation | None) -> None:
        number = situation.number if situation else None
        planned_with = situation.rules.fingerprint if situation else NO_RULES
        if outreach.withdraw_because and not (isinstance(decision, Never) and decision.outcome is Outcome.COMPLETED):
            because = outreach.withdraw_because
            decision = Never(Outcome.WITHDRAWN, (RuleSays(because, because),))
        if outreach.state is OutreachState.ENDED and not isinstance(decision, Never):
            await writebacks.forgive(tx.conn, outreach.id)
        match decision:
            case Call() | Wait():
                due_at = tx.now if isinstance(decision, Call) else decision.at
                await outreaches.plan(tx.conn, outreach.id, due_at, number, planned_with)
                tx.ring("due")
                if outreach.due_at != due_at or outreach.state is not OutreachState.WAITING:
                    _note(tx, outreach, "call_planned", decision.rules, due_at=due_at.isoformat())
            case Hold():
                await outreaches.plan(tx.conn, outreach.id, None, number, planned_with)
                if outreach.state is not OutreachState.HELD:
                    _note(tx, outreach, "outreach_held", decision.rules)
                    log.warning("outreach_held", outreach_id=outreach.id, rules=_codes(decision.rules))
            case Never():
                await self._end(tx, outreach, decision)
            case _:
                assert_never(decision)

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


def _codes(rules: Sequence[RuleSays]) -> str:
    return " ".join(rule.code for rule in rules)


def _note(tx: Transaction, outreach: Outreach, event: str, rules: Sequence[RuleSays] = (), **details: object) -> None:
    says = " ".join(rule.says for rule in rules)
    tx.note(event, outreach.about, rule=_codes(rules) or None, says=says, **details)
