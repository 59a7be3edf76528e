"""Empties the broker's dead-letter queue into the parked messages: a net beneath, where nothing should land."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from klara_daemon.actors.step import COME_BACK_S, WAIT_S, sleep_unless
from klara_daemon.broker.carriage import Broker, BrokerLost
from klara_daemon.store import outbox
from klara_daemon.store.database import OUTAGE, Database

log = structlog.get_logger()


async def collect_dead_letters(
    database: Database, broker: Broker, queue: str, progress: Callable[[], None], stop: asyncio.Event
) -> None:
    """Park what the broker gave up on, until `stop`."""
    while not stop.is_set():
        progress()
        try:
            async with broker.subscribe(queue) as subscription:
                while not stop.is_set():
                    progress()
                    for letter in await subscription.batch(1, WAIT_S):
                        async with database.transaction() as tx:
                            body = letter.body.decode("utf-8", "replace")
                            await outbox.park(tx.conn, queue, letter.id, letter.name, body, "given up by the broker")
                        log.error("dead_letter_parked", message_id=letter.id, kind=letter.name)
                        await subscription.done()
        except (BrokerLost, *OUTAGE):
            await sleep_unless(stop, COME_BACK_S)
