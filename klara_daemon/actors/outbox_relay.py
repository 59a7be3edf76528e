"""Publishes what the outbox holds, whoever wrote it, and forgets a row only after the broker has confirmed it.

A confirmation that did not come leaves the row, and it is sent again: receivers know doubles by the row's id.
"""

from __future__ import annotations

import structlog

from klara_daemon.broker.carriage import Broker, BrokerLost, Outgoing
from klara_daemon.store import outbox
from klara_daemon.store.database import Database

AT_ONCE = 200
SWEEP_S = 1.0

log = structlog.get_logger()


class OutboxRelay:
    """Any number may run, in any number of processes: rows that one holds are skipped by the others."""

    def __init__(self, database: Database, broker: Broker) -> None:
        self._database = database
        self._broker = broker

    async def relay_some(self) -> bool:
        """Send one batch; True when there may be more and the broker took it."""
        try:
            await self._broker.prepare()
        except BrokerLost as error:
            log.warning("outbox_not_relayed", cause=str(error))
            return False
        async with self._database.transaction() as tx:
            rows = await outbox.take(tx.conn, AT_ONCE)
            if not rows:
                return False
            try:
                confirmed = await self._broker.publish([Outgoing(row.id, row.name, row.body.encode()) for row in rows])
            except BrokerLost as error:
                log.warning("outbox_not_relayed", waiting=len(rows), cause=str(error))
                return False
            await outbox.remove(tx.conn, [row.seq for row in rows if row.id in confirmed])
        if len(confirmed) < len(rows):
            log.error("messages_not_confirmed", kinds=sorted({row.name for row in rows if row.id not in confirmed}))
        return len(rows) == AT_ONCE and len(confirmed) == len(rows)
