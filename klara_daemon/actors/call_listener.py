"""Listens to what becomes of placed calls: the phone company's news, and reasons to hang up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import structlog

from klara_daemon.actors.call_endings import MACHINE, News, apply_news, end_attempt
from klara_daemon.domain.dialogue.machine import from_json
from klara_daemon.domain.dispositions import AttemptState, Disposition
from klara_daemon.messages import CallProgressed, CancelCall
from klara_daemon.store import call_events, calls, conversations
from klara_daemon.store.call_events import CallEvent
from klara_daemon.store.calls import Attempt
from klara_daemon.store.database import Transaction

log = structlog.get_logger()


class CallListener:
    """Turns news into states; asks nobody."""

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
            await self._machine_told(tx, attempt, event.answered_by)
        if event.call_status is not None:
            await apply_news(tx, attempt, News(event.call_status, event.sip_code, event.error_code))

    async def _machine_told(self, tx: Transaction, attempt: Attempt, answered_by: str) -> None:
        """Hang up on a mailbox or a fax, unless a person has spoken: machine detection errs, a voice does not."""
        conversation = await conversations.lock(tx.conn, attempt.id)
        if conversation is not None and from_json(conversation.state).person_confirmed:
            return
        await calls.machine_told(tx.conn, attempt.id, answered_by)
        if answered_by.startswith(("machine", "fax")):
            await calls.want_hang_up(tx.conn, attempt.id, MACHINE)
            tx.ring("hang_ups")
