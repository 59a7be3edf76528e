"""Settles calls of which too little is known, by asking the phone company; never by ringing again.

1. A claim that nobody sent is given up: nothing rang.
2. A request whose answer was lost is looked for; only after ten minutes without a trace was it never placed.
3. A call without news is asked about; one that the phone company still queues after a minute is called off, and one
   that it does not know has failed only after those ten minutes: what it tells of calls lags behind.
4. A call that does not ring when its window ends is called off, and so is one whose candidate has left.
5. Whoever is to be hung up on is hung up on.
"""

from __future__ import annotations

import structlog

from klara_daemon import metrics
from klara_daemon.actors.call_endings import MACHINE, News, apply_news, end_attempt, machine_told
from klara_daemon.actors.patience import PATIENCE, Patience
from klara_daemon.domain.calling_hours import is_open
from klara_daemon.domain.dispositions import AttemptState, Disposition
from klara_daemon.messages import CallProgressed
from klara_daemon.store import call_events, calls, settings, silent_calls
from klara_daemon.store.calls import Attempt
from klara_daemon.store.database import Database
from klara_daemon.telephony.provider import Absent, CallStatus, Dial, Found, Provider, RemoteCall, Uncertain, Unknown

log = structlog.get_logger()


class CallReconciler:
    """Runs beside the dialer, any number of times."""

    def __init__(self, database: Database, provider: Provider, patience: Patience = PATIENCE) -> None:
        self._database = database
        self._provider = provider
        self._patience = patience

    async def sweep(self) -> bool:
        """Give up orphaned claims, note lost requests, call off what may not ring any more, repeat lost news."""
        async with self._database.transaction() as tx:
            for attempt in await calls.lock(
                tx.conn, await silent_calls.orphaned_claims(tx.conn, self._patience.claimed_s)
            ):
                if attempt.state is AttemptState.CLAIMED:
                    await end_attempt(tx, attempt, Disposition.NOT_PLACED)
            lost = await silent_calls.lost_dials(tx.conn, self._patience.placing_s)
            for attempt_id in lost:
                log.warning("dial_answer_lost", attempt_id=attempt_id)
            for attempt_id in await call_events.unheard(tx.conn, self._patience.news_s):
                tx.send(CallProgressed(attempt_id=attempt_id))
        await self._call_off()
        return False

    async def look_at_one(self) -> bool:
        """Ask about the call that has been silent for longest, if one has been for too long."""
        async with self._database.transaction() as tx:
            attempt = await silent_calls.claim_look(tx.conn, self._patience.silent_s, self._patience.ask_again_s)
        if attempt is None:
            return False
        if attempt.provider_ref is None:
            await self._find(attempt)
        else:
            await self._fetch(attempt, attempt.provider_ref)
        return True

    async def hang_up_one(self) -> bool:
        """Have the phone company end a call that we want to end."""
        async with self._database.transaction() as tx:
            attempt = await silent_calls.claim_hang_up(tx.conn, self._patience.ask_again_s)
        if attempt is None or attempt.provider_ref is None:
            return False
        try:
            await self._end(attempt, attempt.provider_ref)
        except Uncertain as error:
            log.warning("hang_up_unclear", attempt_id=attempt.id, cause=str(error))
            return True
        log.info("call_hung_up", attempt_id=attempt.id, because=attempt.hang_up_because)
        if attempt.state is AttemptState.PLACED:
            # Twilio sends no callback for a call that is cancelled while still queued.
            await self._fetch(attempt, attempt.provider_ref)
        return True

    async def _end(self, attempt: Attempt, ref: str) -> None:
        """End a call with a machine; call off any other, so that whoever has just picked up is not cut off."""
        if attempt.hang_up_because == MACHINE:
            await self._provider.hangup(ref)
        else:
            await self._provider.cancel(ref)

    async def _call_off(self) -> None:
        async with self._database.transaction() as tx:
            for attempt_id, because in await silent_calls.withdrawn(tx.conn):
                await calls.want_hang_up(tx.conn, attempt_id, because)
                tx.ring("hang_ups")
            for attempt in await silent_calls.not_ringing(tx.conn):
                company = await settings.company(tx.conn, attempt.company_id)
                if company is None or not is_open(company.rules, tx.now):
                    await calls.want_hang_up(tx.conn, attempt.id, "window_ended")
                    tx.ring("hang_ups")

    async def _find(self, attempt: Attempt) -> None:
        if attempt.placing_since is None:
            return
        async with self._database.connection() as conn:
            taken = await silent_calls.taken_refs(conn, attempt.e164)
            age_s = await silent_calls.seconds_since_placing(conn, attempt.id)
        dial = Dial(str(attempt.id), to=attempt.e164, caller=attempt.caller)
        match await self._provider.find(dial, attempt.placing_since, taken):
            case Found(call):
                await self._settle(attempt, call)
            case Absent() if age_s > self._patience.absent_s:
                await self._never_placed(attempt)
            case Absent():
                log.info("call_not_listed_yet", attempt_id=attempt.id, seconds=round(age_s))
            case Unknown(reason):
                log.warning("call_not_found_out", attempt_id=attempt.id, cause=reason)

    async def _fetch(self, attempt: Attempt, ref: str) -> None:
        try:
            call = await self._provider.fetch(ref)
        except Uncertain as error:
            log.warning("call_not_found_out", attempt_id=attempt.id, cause=str(error))
            return
        if call is not None:
            await self._settle(attempt, call)
        else:
            await self._not_known(attempt)

    async def _not_known(self, attempt: Attempt) -> None:
        """The phone company took the call and does not know it: as long as that may be lag, it may ring."""
        async with self._database.transaction() as tx:
            (locked,) = await calls.lock(tx.conn, [attempt.id])
            age_s = await silent_calls.seconds_since_placing(tx.conn, attempt.id)
            if age_s <= self._patience.absent_s:
                log.info("call_not_known_yet", attempt_id=attempt.id, seconds=round(age_s))
            elif locked.state is not AttemptState.ENDED:
                log.error("call_unknown_to_provider", attempt_id=attempt.id)
                await end_attempt(tx, locked, Disposition.TECHNICAL_FAILURE)

    async def _settle(self, attempt: Attempt, call: RemoteCall) -> None:
        async with self._database.transaction() as tx:
            (locked,) = await calls.lock(tx.conn, [attempt.id])
            await calls.adopt(tx.conn, locked.id, call.ref)
            if call.answered_by is not None:
                await machine_told(tx, locked, call.answered_by)
                (locked,) = await calls.lock(tx.conn, [attempt.id])
            await apply_news(tx, locked, News(call.status, call.sip_code))
            if locked.state is AttemptState.PLACED and call.status in (CallStatus.QUEUED, CallStatus.INITIATED):
                await calls.want_hang_up(tx.conn, locked.id, "queued_too_long")
                tx.ring("hang_ups")

    async def _never_placed(self, attempt: Attempt) -> None:
        async with self._database.transaction() as tx:
            (locked,) = await calls.lock(tx.conn, [attempt.id])
            if locked.state is AttemptState.UNCLEAR:
                metrics.DIALS.labels("never_placed").inc()
                await end_attempt(tx, locked, Disposition.NOT_PLACED)
