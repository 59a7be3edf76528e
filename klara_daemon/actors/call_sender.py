"""Sends a claimed call to the phone company: at most once.

*Fence*, one transaction: the rule is asked again and the attempt becomes `placing`; from here on it is not sent again.
The request goes out once; its answer is committed. What is unclear is settled by asking (`call_reconciler`).
"""

from __future__ import annotations

import asyncio
from typing import assert_never
from uuid import UUID

import structlog

from klara_daemon import metrics
from klara_daemon.actors.call_endings import end_attempt
from klara_daemon.actors.elapsed import Clocks, clocks, elapsed_s
from klara_daemon.actors.gate import Gate, Passed
from klara_daemon.domain.dispositions import AttemptState, Disposition
from klara_daemon.store import callers, calls, outreaches, trunks
from klara_daemon.store.database import Database
from klara_daemon.telephony.dialling import DialsCalls
from klara_daemon.telephony.provider import Dial, NotSent, Objection, Rejected, RemoteCall, Uncertain

FENCE_S = 10.0
"""From before the fence until the request goes out; with `DIAL_S`, before anybody takes the answer for lost."""
DIAL_S = 20.0
READING_MAY_BE_S = 30.0
"""Rule 10: how old the reading of candidate and job may be when the request goes out."""
REFUSED_S = 300.0
"""After so long it is tried whether a refused account, or caller number, has been mended."""
LONGEST_WAIT_S = 300.0

log = structlog.get_logger()


class CallSender:
    """Holds no state: the attempt's row says what may still be done."""

    def __init__(self, database: Database, provider: DialsCalls, gate: Gate) -> None:
        self._database = database
        self._provider = provider
        self._gate = gate

    async def send(self, outreach_id: UUID, attempt_id: UUID, read_at: Clocks) -> None:
        """Send the claimed call, unless the rule, or somebody, forbids it by now; it rests on what was read then.

        A process may be stopped, or its machine sleep, before the fence or behind it; by the time it wakes up, the
        candidate may have left, or others may have settled that the call was never placed, and placed the next.
        """
        begun = clocks()
        dial = await self._fence(outreach_id, attempt_id)
        if dial is None:
            return
        if elapsed_s(begun) > FENCE_S or elapsed_s(read_at) > READING_MAY_BE_S:
            late = NotSent("too long after the fence, or after the candidate was read")
            await self._ended(attempt_id, Disposition.NOT_PLACED, "too_late", late)
            return
        try:
            async with asyncio.timeout(DIAL_S):
                call = await self._provider.dial(dial)
        except Rejected as error:
            await self._rejected(attempt_id, dial, error)
        except NotSent as error:
            await self._wait(error)
            await self._ended(attempt_id, Disposition.NOT_PLACED, "not_sent", error)
        except (Uncertain, TimeoutError) as error:
            await self._unclear(attempt_id, error)
        else:
            await self._placed(attempt_id, call)

    async def _fence(self, outreach_id: UUID, attempt_id: UUID) -> Dial | None:
        """Begin to place, unless something has changed since the claim so that the rule forbids it."""
        async with self._database.transaction() as tx:
            (outreach,) = await outreaches.lock(tx.conn, [outreach_id])
            tx.catch_up()
            trunk = await trunks.look(tx.conn, self._gate.provider)
            answer = await self._gate.ask(tx, outreach, trunk, attempt_id)
            for attempt in await calls.lock(tx.conn, [attempt_id]):
                is_same = isinstance(answer, Passed) and (answer.number, answer.caller) == (
                    attempt.e164,
                    attempt.caller,
                )
                if is_same and await calls.begin_placing(tx.conn, attempt_id, tx.now):
                    return Dial(str(attempt_id), to=attempt.e164, caller=attempt.caller)
                if attempt.state is AttemptState.CLAIMED:
                    await end_attempt(tx, attempt, Disposition.NOT_PLACED)
        return None

    async def _placed(self, attempt_id: UUID, call: RemoteCall) -> None:
        metrics.DIALS.labels("placed").inc()
        async with self._database.transaction() as tx:
            (attempt,) = await calls.lock(tx.conn, [attempt_id])
            await calls.adopt(tx.conn, attempt_id, call.ref)
            if attempt.state in (AttemptState.PLACING, AttemptState.UNCLEAR):
                await calls.go_on(tx.conn, attempt_id, AttemptState.PLACED, call.status, tx.now)
            tx.note("call_placed", attempt.about, number=attempt.number)
            if attempt.hang_up_because is not None:
                tx.ring("hang_ups")
            if await callers.accepted(tx.conn, attempt.caller):
                tx.ring("dials")
        log.info("call_placed", attempt_id=attempt_id, outreach_id=attempt.outreach_id, attempt_number=attempt.number)
        if attempt.state is AttemptState.ENDED:
            await self._call_off(attempt_id, call)

    async def _call_off(self, attempt_id: UUID, call: RemoteCall) -> None:
        """The answer came after the attempt was given up: whatever rings now is nobody's."""
        try:
            await self._provider.cancel(call.ref)
        except Uncertain as error:
            log.warning("hang_up_unclear", attempt_id=attempt_id, cause=str(error))  # and who answers is hung up on

    async def _rejected(self, attempt_id: UUID, dial: Dial, error: Rejected) -> None:
        """Act on what the phone company has against the call. What a setting of ours causes costs nobody a try."""
        match error.objection:
            case Objection.NUMBER:
                disposition = Disposition.INVALID_NUMBER
            case Objection.REQUEST:
                disposition = Disposition.TECHNICAL_FAILURE
            case Objection.PERMISSION:
                # Others may be called, so nothing is paused; the pause of rule 7 spaces the tries.
                log.error("call_not_permitted", attempt_id=attempt_id, code=error.code, cause=str(error))
                disposition = Disposition.NOT_PLACED
            case Objection.CALLER:
                await self._caller_refused(dial.caller, error)
                disposition = Disposition.NOT_PLACED
            case Objection.ACCOUNT:
                await self._account_refused(error)
                disposition = Disposition.NOT_PLACED
            case _:
                assert_never(error.objection)
        await self._ended(attempt_id, disposition, "rejected", error)

    async def _wait(self, error: NotSent) -> None:
        """Spare everybody else the same answer: the phone company was asked for too many calls at once."""
        if error.retry_after_s is None:
            return
        wait_s = min(error.retry_after_s, LONGEST_WAIT_S)
        async with self._database.transaction() as tx:
            await trunks.wait(tx.conn, self._provider.name, wait_s)
        log.warning("trunk_waits", provider=self._provider.name, wait_s=wait_s)

    async def _account_refused(self, error: Rejected) -> None:
        async with self._database.transaction() as tx:
            is_news = await trunks.pause(tx.conn, self._provider.name, str(error), REFUSED_S)
        level = log.error if is_news else log.info
        level("trunk_paused", provider=self._provider.name, cause=str(error))

    async def _caller_refused(self, caller: str, error: Rejected) -> None:
        """Only the companies that show this number wait; the try after the pause finds out whether it is mended."""
        async with self._database.transaction() as tx:
            is_news = await callers.refused(tx.conn, caller, str(error), REFUSED_S)
        level = log.error if is_news else log.info
        level("caller_refused", code=error.code, cause=str(error))

    async def _ended(self, attempt_id: UUID, disposition: Disposition, result: str, error: Exception) -> None:
        metrics.DIALS.labels(result).inc()
        log.warning("call_not_placed", attempt_id=attempt_id, disposition=disposition, cause=str(error))
        async with self._database.transaction() as tx:
            for attempt in await calls.lock(tx.conn, [attempt_id]):
                if attempt.state is not AttemptState.ENDED:
                    await end_attempt(tx, attempt, disposition, error_code=getattr(error, "code", None))

    async def _unclear(self, attempt_id: UUID, error: Exception) -> None:
        metrics.DIALS.labels("uncertain").inc()
        log.warning("call_unclear", attempt_id=attempt_id, cause=f"{type(error).__name__}: {error}")
        async with self._database.transaction() as tx:
            for attempt in await calls.lock(tx.conn, [attempt_id]):
                if attempt.state is AttemptState.PLACING:
                    await calls.go_on(tx.conn, attempt_id, AttemptState.UNCLEAR, None, tx.now)
