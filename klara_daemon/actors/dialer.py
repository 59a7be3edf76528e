"""Brings the calls that are due to the telephone: only through the one rule, with a free line, on a fresh reading.

1. A `place_call` only marks the outreach as to be dialled.
2. Candidate and offer are read from Recruitee: is the placement still there?
3. *Claim*, one transaction: the gate lets it pass, the attempt is committed with nothing sent.
4. `call_sender` takes it from there: fence, one request, its answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never
from uuid import UUID, uuid4

import structlog

from klara_daemon import metrics
from klara_daemon.actors.call_sender import CallSender
from klara_daemon.actors.elapsed import Clocks, clocks, elapsed_s
from klara_daemon.actors.gate import Busy, Gate, Passed, Refused
from klara_daemon.actors.patience import PATIENCE, Patience
from klara_daemon.actors.readings import keep_candidate, keep_offer
from klara_daemon.actors.recruitee_door import RecruiteeDoor
from klara_daemon.domain import back_off
from klara_daemon.domain.dispositions import OutreachState
from klara_daemon.messages import PlaceCall, PlanOutreach
from klara_daemon.recruitee.client import RecruiteeClient
from klara_daemon.recruitee.protocol import Candidate, Gone, Offer, Reconnect, RecruiteeError, Unavailable
from klara_daemon.store import calls, dials, outreaches, settings, stays, trunks
from klara_daemon.store.database import Database, Transaction
from klara_daemon.store.outreaches import Outreach
from klara_daemon.store.trunks import Trunk
from klara_daemon.telephony.dialling import DialsCalls

READING_LASTS_S = 25.0
CLOCKS_MAY_DIFFER_S = 5.0
SHUT_S = 60.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Reading:
    """Candidate and offer as read from Recruitee, and when that was begun."""

    candidate: Candidate
    offer: Offer
    at: Clocks

    def is_still_there(self, outreach: Outreach) -> bool:
        """Rule `left_stage`: in the watched stage, qualified, hired nowhere."""
        placements = self.candidate.placements
        return (
            not self.candidate.deleted
            and not any(placement.hired for placement in placements)
            and any(
                placement.id == outreach.placement_id
                and placement.stage_id == outreach.stage_id
                and not placement.disqualified
                for placement in placements
            )
        )

    @property
    def age_s(self) -> float:
        """How long ago it was begun, in seconds."""
        return elapsed_s(self.at)

    @property
    def is_fresh(self) -> bool:
        """Whether a dial may rest on it: with the wait for a slot it is at most 30 seconds old when the phone rings."""
        return self.age_s <= READING_LASTS_S


@dataclass(frozen=True, slots=True)
class Later:
    """Not now: try again after so many seconds."""

    after_s: float
    because: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """One call is committed, on what was read at `read_at`; it may be sent after `wait_s` seconds."""

    attempt_id: UUID
    wait_s: float
    read_at: Clocks


@dataclass(frozen=True, slots=True)
class Done:
    """There is nothing to dial: the outreach has gone on without us, or the scheduler is to plan it anew."""


class Dialer:
    """Any number may run, in any number of processes: the trunk's row is the limit they share."""

    def __init__(
        self,
        database: Database,
        recruitee: RecruiteeClient,
        door: RecruiteeDoor,
        provider: DialsCalls,
        *,
        calls_at_once: int,
        calls_per_second: float,
        patience: Patience = PATIENCE,
    ) -> None:
        self._database = database
        self._recruitee = recruitee
        self._door = door
        self._gate = Gate(provider.name, calls_at_once)
        self._sender = CallSender(database, provider, self._gate)
        self._calls_per_second = calls_per_second
        self._patience = patience

    async def on_place_call(self, tx: Transaction, messages: Sequence[PlaceCall]) -> None:
        """Mark outreaches as to be dialled."""
        await dials.want(tx.conn, [message.outreach_id for message in messages])
        tx.ring("dials")

    async def dial_one(self) -> bool:
        """Carry the dial that is due, if one is and a line is free, as far as it goes."""
        async with self._database.transaction() as tx:
            trunk = await trunks.look(tx.conn, self._gate.provider)
            metrics.CLOCK_OFFSET_SECONDS.set(trunk.clock_offset_s)
            wanted = None if self._is_full(trunk) else await dials.claim(tx.conn, self._patience.dialling_s)
        if wanted is None:
            return False
        result = await self._prepare(wanted.outreach_id, wanted.tries)
        match result:
            case Later():
                await self._postpone(wanted.outreach_id, result)
            case Claimed():
                await asyncio.sleep(result.wait_s)
                await self._sender.send(wanted.outreach_id, result.attempt_id, result.read_at)
            case Done():
                pass
            case _:
                assert_never(result)
        return True

    def _is_full(self, trunk: Trunk) -> bool:
        """Whether looking further is in vain: nothing needs to be read for a call that no line is free for."""
        return trunk.is_paused or trunk.open_calls >= trunk.takes(self._gate.calls_at_once)

    async def _postpone(self, outreach_id: UUID, later: Later) -> None:
        """Try again later; the timeline says why, once for each reason."""
        log.info("dial_postponed", outreach_id=outreach_id, because=later.because, wait_s=later.after_s)
        async with self._database.transaction() as tx:
            is_news = await dials.later(tx.conn, outreach_id, later.after_s, later.because)
            outreach = await outreaches.get(tx.conn, outreach_id)
            if is_news and outreach is not None:
                tx.note("dial_postponed", outreach.about, rule=later.because)

    async def _prepare(self, outreach_id: UUID, tries: int) -> Claimed | Later | Done:
        async with self._database.connection() as conn:
            outreach = await outreaches.get(conn, outreach_id)
        if outreach is None or outreach.state is not OutreachState.WAITING:
            async with self._database.transaction() as tx:
                await dials.done(tx.conn, outreach_id)
            return Done()
        reading = await self._read(outreach, tries)
        if isinstance(reading, Later):
            return reading
        if not reading.is_still_there(outreach):
            return await self._look_again(outreach)
        return await self._claim(outreach, reading)

    async def _read(self, outreach: Outreach, tries: int) -> Reading | Later:
        access = await self._door.open_access(outreach.company_id)
        if access is None:
            return Later(SHUT_S, "recruitee_disconnected")
        at = clocks()
        try:
            candidate = await self._recruitee.candidate(access, outreach.candidate_id)
            offer = await self._recruitee.offer(access, outreach.offer_id)
        except Gone:
            return await self._look_again(outreach)
        except Reconnect as error:
            await self._door.refused(access, error)
            return Later(SHUT_S, "recruitee_refused")
        except RecruiteeError as error:
            asked = error.retry_after_s if isinstance(error, Unavailable) else None
            log.warning("candidate_not_read", outreach_id=outreach.id, cause=str(error))
            return Later(asked or back_off.back_off_s(tries), "recruitee_unavailable")
        return Reading(candidate, offer, at)

    async def _look_again(self, outreach: Outreach) -> Later:
        """Not where we believe: the stage watcher reads for itself and withdraws; meanwhile nobody is called."""
        async with self._database.transaction() as tx:
            await stays.want_read(tx.conn, [(outreach.company_id, outreach.candidate_id)])
            tx.ring("reads")
        return Later(SHUT_S, "left_stage")

    async def _claim(self, outreach: Outreach, reading: Reading) -> Claimed | Later | Done:
        """Ask the one rule with everything locked, and commit to the call if it says so."""
        await self._keep(outreach, reading)
        async with self._database.transaction() as tx:
            trunk = await trunks.lock(tx.conn, self._gate.provider)
            if later := _obstacle(trunk, reading):
                return later
            locked = await outreaches.lock(tx.conn, [outreach.id])
            if not locked or locked[0].state is not OutreachState.WAITING:
                await dials.done(tx.conn, outreach.id)
                return Done()
            tx.catch_up()
            place = outreach.company_id, outreach.offer_id, outreach.stage_id
            if await settings.watched_stage(tx.conn, *place) is None:
                return Later(SHUT_S, "no_longer_watched")
            match await self._gate.ask(tx, locked[0], trunk):
                case Passed() as passed:
                    return await self._commit_to(tx, outreach, passed, reading)
                case Busy(because, again_s):
                    return Later(again_s, because)
                case Refused():
                    await dials.done(tx.conn, outreach.id)
                    tx.send(PlanOutreach(outreach_id=outreach.id))
                    return Done()

    async def _keep(self, outreach: Outreach, reading: Reading) -> None:
        """Keep what was read before anything is locked: it may concern many."""
        async with self._database.transaction() as tx:
            going_on = await stays.open_stays(tx.conn, outreach.company_id, outreach.candidate_id)
            await keep_candidate(tx, outreach.company_id, reading.candidate, going_on, reading.age_s)
            await keep_offer(tx, outreach.company_id, reading.offer, reading.age_s)

    async def _commit_to(self, tx: Transaction, outreach: Outreach, passed: Passed, reading: Reading) -> Claimed:
        attempt_id, trunk = uuid4(), self._gate.provider
        number = await calls.claim(
            tx.conn, attempt_id, outreach.id, e164=passed.number, caller=passed.caller, provider=trunk, now=tx.now
        )
        await dials.done(tx.conn, outreach.id)
        wait_s = await trunks.take_slot(tx.conn, trunk, self._calls_per_second)
        tx.note("call_claimed", replace(outreach.about, attempt_id=attempt_id), number=number)
        return Claimed(attempt_id, wait_s, reading.at)


def _obstacle(trunk: Trunk, reading: Reading) -> Later | None:
    """What forbids to ask the rule at all: a clock that may be wrong, a reading that is too old."""
    if abs(trunk.clock_offset_s) > CLOCKS_MAY_DIFFER_S:
        log.error("clocks_differ", seconds=trunk.clock_offset_s)
        return Later(SHUT_S, "clocks_differ")
    return None if reading.is_fresh else Later(0, "reading_too_old")
