"""Places the calls that are due: at most once each, and only through the one rule.

1. A `place_call` only marks the outreach as to be dialled.
2. Candidate and offer are read from Recruitee: is the placement still there?
3. *Claim*, one transaction: the trunk has a line, the rule says *call*, the attempt is committed with nothing sent.
4. *Fence*, one transaction: the attempt is `placing`; from here on it is never sent again.
5. The request goes out once; its answer is committed. What is unclear is settled by asking: `call_reconciler`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import monotonic
from uuid import UUID, uuid4

import structlog

from klara_daemon import metrics
from klara_daemon.actors.call_endings import end_attempt
from klara_daemon.actors.patience import PATIENCE, Patience
from klara_daemon.actors.recruitee_door import RecruiteeDoor
from klara_daemon.domain import back_off
from klara_daemon.domain.attempt_policy import Call, may_call
from klara_daemon.domain.dispositions import AttemptState, Disposition, OutreachState
from klara_daemon.messages import PlaceCall, PlanOutreach
from klara_daemon.recruitee.client import RecruiteeClient
from klara_daemon.recruitee.protocol import Candidate, Gone, Offer, Reconnect, RecruiteeError, Unavailable
from klara_daemon.store import calls, outreaches, settings, stays
from klara_daemon.store.database import Database, Transaction
from klara_daemon.store.outreaches import Outreach
from klara_daemon.telephony.provider import Dial, NotSent, Provider, Rejected, RemoteCall, Uncertain

READING_LASTS_S = 30.0
DIAL_S = 20.0
CLOCKS_MAY_DIFFER_S = 5.0
TRUNK_FULL_S = 2.0
SHUT_S = 60.0
CLOSED_S = 900.0


log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Reading:
    """Candidate and offer as read from Recruitee, and when (monotonic seconds)."""

    candidate: Candidate
    offer: Offer
    at: float

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
    def is_fresh(self) -> bool:
        """Whether a dial may rest on it."""
        return monotonic() - self.at <= READING_LASTS_S


@dataclass(frozen=True, slots=True)
class Later:
    """Not now: try again after so many seconds."""

    after_s: float
    because: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """One call is committed; it may be sent after `wait_s` seconds."""

    dial: Dial
    wait_s: float


class Dialer:
    """Any number may run, in any number of processes: the trunk's row is the limit they share."""

    def __init__(
        self,
        database: Database,
        recruitee: RecruiteeClient,
        door: RecruiteeDoor,
        provider: Provider,
        *,
        calls_at_once: int,
        calls_per_second: float,
        patience: Patience = PATIENCE,
    ) -> None:
        self._database = database
        self._recruitee = recruitee
        self._door = door
        self._provider = provider
        self._calls_at_once = calls_at_once
        self._calls_per_second = calls_per_second
        self._patience = patience

    async def on_place_call(self, tx: Transaction, messages: Sequence[PlaceCall]) -> None:
        """Mark outreaches as to be dialled."""
        await calls.want_dials(tx.conn, [message.outreach_id for message in messages])
        tx.ring("dials")

    async def dial_one(self) -> bool:
        """Carry the dial that is due, if one is, as far as it goes."""
        async with self._database.transaction() as tx:
            wanted = await calls.claim_dial(tx.conn, self._patience.dialling_s)
        if wanted is None:
            return False
        result = await self._prepare(wanted.outreach_id, wanted.tries)
        match result:
            case Later():
                log.info(
                    "dial_postponed", outreach_id=wanted.outreach_id, because=result.because, wait_s=result.after_s
                )
                async with self._database.transaction() as tx:
                    await calls.dial_later(tx.conn, wanted.outreach_id, result.after_s)
            case Claimed():
                await asyncio.sleep(result.wait_s)
                await self._send(wanted.outreach_id, result.dial)
            case None:
                pass
        return True

    async def _prepare(self, outreach_id: UUID, tries: int) -> Claimed | Later | None:
        async with self._database.connection() as conn:
            outreach = await outreaches.get(conn, outreach_id)
        if outreach is None or outreach.state is not OutreachState.WAITING:
            async with self._database.transaction() as tx:
                await calls.dial_done(tx.conn, outreach_id)
            return None
        reading = await self._read(outreach, tries)
        if isinstance(reading, Later):
            return reading
        if not reading.is_still_there(outreach):
            return await self._look_again(outreach)
        return await self._claim(outreach, reading)

    async def _read(self, outreach: Outreach, tries: int) -> Reading | Later:
        access = await self._door.access(outreach.company_id)
        if access is None or not await self._door.is_open(outreach.company_id):
            return Later(SHUT_S, "recruitee_disconnected")
        at = monotonic()
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
            return Later(asked or back_off.back_off_s(tries), f"recruitee: {error}")
        return Reading(candidate, offer, at)

    async def _look_again(self, outreach: Outreach) -> Later:
        """Not where we believe: the stage watcher reads for itself and withdraws; meanwhile nobody is called."""
        async with self._database.transaction() as tx:
            await stays.want_read(tx.conn, [(outreach.company_id, outreach.candidate_id)])
            tx.ring("reads")
        return Later(SHUT_S, "left_stage")

    async def _claim(self, outreach: Outreach, reading: Reading) -> Claimed | Later | None:
        """Ask the one rule with everything locked, and commit to the call if it says so."""
        async with self._database.transaction() as tx:
            lines, database_at = await calls.lock_trunk(tx.conn, self._provider.name)
            locked = await outreaches.lock(tx.conn, [outreach.id])
            if not locked or locked[0].state is not OutreachState.WAITING:
                await calls.dial_done(tx.conn, outreach.id)
                return None
            await self._keep(tx, outreach, reading)
            if later := self._obstacle(reading, lines, database_at):
                return later
            company = await settings.company(tx.conn, outreach.company_id)
            watched = await settings.watched_stage(tx.conn, outreach.company_id, outreach.offer_id, outreach.stage_id)
            if watched is None:
                return Later(SHUT_S, "no_longer_watched")
            rules = {outreach.company_id: company.rules} if company else {}
            situation = (await outreaches.situations(tx.conn, locked, rules)).get(outreach.id)
            speechless = await outreaches.without_questions(tx.conn, [outreach.id])
            if company is None or situation is None or speechless or not isinstance(may_call(situation, tx.now), Call):
                await calls.dial_done(tx.conn, outreach.id)
                tx.send(PlanOutreach(outreach_id=outreach.id))
                return None
            assert situation.number is not None
            if await calls.number_is_busy(tx.conn, situation.number):
                return Later(SHUT_S, "number_busy")
            return await self._commit_to(tx, outreach, situation.number, company.caller_number)

    def _obstacle(self, reading: Reading, lines: int, database_at: datetime) -> Later | None:
        apart = (datetime.now(UTC) - database_at).total_seconds()
        metrics.CLOCK_OFFSET_SECONDS.set(apart)
        if abs(apart) > CLOCKS_MAY_DIFFER_S:
            log.error("clocks_differ", seconds=apart)
            return Later(SHUT_S, "clocks_differ")
        if lines >= self._calls_at_once:
            return Later(TRUNK_FULL_S, "trunk_full")
        if not reading.is_fresh:
            return Later(0, "reading_too_old")
        if not reading.offer.is_open:
            return Later(CLOSED_S, "offer_closed")
        return None

    async def _keep(self, tx: Transaction, outreach: Outreach, reading: Reading) -> None:
        candidate, offer = reading.candidate, reading.offer
        await stays.keep_candidate(tx.conn, outreach.company_id, candidate.id, candidate.name, candidate.phones)
        await stays.keep_offer(
            tx.conn, outreach.company_id, offer.id, title=offer.title, status=offer.status, language=offer.language
        )

    async def _commit_to(self, tx: Transaction, outreach: Outreach, e164: str, caller: str) -> Claimed:
        attempt_id = uuid4()
        number = await calls.claim(
            tx.conn, attempt_id, outreach.id, e164=e164, caller=caller, provider=self._provider.name, now=tx.now
        )
        await calls.dial_done(tx.conn, outreach.id)
        wait_s = await calls.take_slot(tx.conn, self._provider.name, self._calls_per_second)
        tx.note("call_claimed", replace(outreach.about, attempt_id=attempt_id), number=number)
        return Claimed(Dial(str(attempt_id), to=e164, caller=caller), wait_s)

    # Sending: at most once

    async def _send(self, outreach_id: UUID, dial: Dial) -> None:
        attempt_id = UUID(dial.attempt_id)
        if not await self._fence(outreach_id, attempt_id):
            return
        try:
            async with asyncio.timeout(DIAL_S):
                call = await self._provider.dial(dial)
        except Rejected as error:
            invalid = error.invalid_number
            await self._ended(
                attempt_id, Disposition.INVALID_NUMBER if invalid else Disposition.TECHNICAL_FAILURE, "rejected", error
            )
        except NotSent as error:
            await self._ended(attempt_id, Disposition.NOT_PLACED, "not_sent", error)
        except (Uncertain, TimeoutError) as error:
            await self._unclear(attempt_id, error)
        else:
            await self._placed(attempt_id, call)

    async def _fence(self, outreach_id: UUID, attempt_id: UUID) -> bool:
        """Begin to place, unless time or the settings have gone on since the claim so that the rule forbids it."""
        async with self._database.transaction() as tx:
            locked = await outreaches.lock(tx.conn, [outreach_id])
            company = await settings.company(tx.conn, locked[0].company_id)
            rules = {locked[0].company_id: company.rules} if company else {}
            situation = (await outreaches.situations(tx.conn, locked, rules)).get(outreach_id)
            allowed = situation is not None and isinstance(may_call(situation, tx.now), Call)
            if (
                allowed
                and locked[0].withdraw_because is None
                and await calls.begin_placing(tx.conn, attempt_id, tx.now)
            ):
                return True
            for attempt in await calls.lock(tx.conn, [attempt_id]):
                if attempt.state is AttemptState.CLAIMED:
                    await end_attempt(tx, attempt, Disposition.NOT_PLACED)
        return False

    async def _placed(self, attempt_id: UUID, call: RemoteCall) -> None:
        metrics.DIALS.labels("placed").inc()
        async with self._database.transaction() as tx:
            (attempt,) = await calls.lock(tx.conn, [attempt_id])
            await calls.adopt(tx.conn, attempt_id, call.ref)
            if attempt.state in (AttemptState.PLACING, AttemptState.UNCLEAR):
                await calls.go_on(tx.conn, attempt_id, AttemptState.PLACED, call.status, tx.now)
            tx.note("call_placed", attempt.about, number=attempt.number)
        log.info("call_placed", attempt_id=attempt_id, outreach_id=attempt.outreach_id, attempt_number=attempt.number)

    async def _ended(self, attempt_id: UUID, disposition: Disposition, result: str, error: Exception) -> None:
        metrics.DIALS.labels(result).inc()
        log.warning("call_not_placed", attempt_id=attempt_id, disposition=disposition, cause=str(error))
        async with self._database.transaction() as tx:
            for attempt in await calls.lock(tx.conn, [attempt_id]):
                await end_attempt(tx, attempt, disposition, error_code=getattr(error, "code", None))

    async def _unclear(self, attempt_id: UUID, error: Exception) -> None:
        metrics.DIALS.labels("uncertain").inc()
        log.warning("call_unclear", attempt_id=attempt_id, cause=f"{type(error).__name__}: {error}")
        async with self._database.transaction() as tx:
            for attempt in await calls.lock(tx.conn, [attempt_id]):
                if attempt.state is AttemptState.PLACING:
                    await calls.go_on(tx.conn, attempt_id, AttemptState.UNCLEAR, None, tx.now)
