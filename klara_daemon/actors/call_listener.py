"""Listens to what becomes of placed calls: the phone company's news, and reasons to hang up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import structlog

from klara_daemon.actors.call_endings import News, apply_news, end_attempt, machine_told
from klara_daemon.actors.patience import PATIENCE, Patience
from klara_daemon.domain.dispositions import AttemptState, Disposition
from klara_daemon.messages import CallProgressed, CancelCall
from klara_daemon.store import call_events, calls
from klara_daemon.store.call_events import CallEvent
from klara_daemon.store.calls import Attempt
from klara_daemon.store.database import Transaction

log = structlog.get_logger()


class CallListener:
    """Turns news into states; asks nobody."""

    def __init__(self, patience: Patience = PATIENCE) -> None:
        self._patience = patience

    async def on_call_progressed(self, tx: Transaction, messages: Sequence[CallProgressed]) -> None:
        """Apply the news that came in for these attempts, in the order in which it came."""
        known = await calls.lock(tx.conn, [message.attempt_id for message in messages])
        for event in await call_events.take(tx.conn, [attempt.id for attempt in known]):
            await calls.adopt(tx.conn, event.attempt_id, event.ref)
            (attempt,) = await calls.lock(tx.conn, [event.attempt_id])
            if attempt.provider_ref == event.ref:
                await self._apply(tx, attempt, event)
            else:
                log.warning("news_of_another_call", attempt_id=attempt.id)

    async def on_cancel_call(self, tx: Transaction, messages: Sequence[CancelCall]) -> None:
        """End calls whose reason has gone; one in which both already speak goes on."""
        because = {message.attempt_id: message.because for message in messages}
        for attempt in await calls.lock(tx.conn, because):
            match attempt.state:
                case AttemptState.CLAIMED:
                    await end_attempt(tx, attempt, Disposition.NOT_PLACED)
                case AttemptState.PLACING | AttemptState.UNCLEAR | AttemptState.PLACED | AttemptState.RINGING:
                    await calls.want_hang_up(tx.conn, attempt.id, because[attempt.id])
                    tx.ring("hang_ups")
                case AttemptState.TALKING | AttemptState.ENDED:
                    pass
                case _:
                    assert_never(attempt.state)

    async def _apply(self, tx: Transaction, attempt: Attempt, event: CallEvent) -> None:
        if event.answered_by is not None:
            await machine_told(tx, attempt, event.answered_by)
        if event.call_status is not None:
            news = News(event.call_status, event.sip_code, event.error_code)
            # That the call has ended and that the person has left are told in any order.
            if not await apply_news(tx, attempt, news, can_wait=event.waited_s < self._patience.parting_s):
                log.info("end_of_talk_not_explained", attempt_id=attempt.id)
                await call_events.put_back(tx.conn, event.id)
