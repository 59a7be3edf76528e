"""Whose doing the end of a line is: kept with the conversation, since the news of the call's end does not say.

A process that is killed and a database that is away can keep nothing. So it is the person's leaving that has to be
known; a talk of which neither is known was cut off by a fault.
"""

from __future__ import annotations

from uuid import UUID

from klara_daemon.messages import CallProgressed
from klara_daemon.store import call_events, conversations
from klara_daemon.store.database import Transaction


async def person_left(tx: Transaction, attempt_id: UUID, line: int) -> None:
    """The person closed this line (from 0) of a locked attempt; news of the call's end may have waited to hear it."""
    if await conversations.person_left(tx.conn, attempt_id, line) and await call_events.is_waiting(tx.conn, attempt_id):
        tx.send(CallProgressed(attempt_id=attempt_id))
