"""The durable step: a batch of messages, one transaction, what goes out, the acknowledgement.

A handler reads rows and writes rows; it asks nobody outside. Seen twice, a message changes nothing. When a batch
fails, its messages are tried one by one, so that a poison message stands alone and is parked. During an outage the
batch is kept, unacknowledged and bounded, until the database is back.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar
from uuid import uuid4

import structlog

from klara_daemon import metrics
from klara_daemon.broker.carriage import Broker, BrokerLost, Delivery, Subscription
from klara_daemon.messages import Message, UnreadableMessage, decode
from klara_daemon.store import outbox
from klara_daemon.store.database import OUTAGE, Database, Transaction

BATCH = 64
WAIT_S = 1.0
COME_BACK_S = 1.0

log = structlog.get_logger()
M = TypeVar("M", bound=Message)
Handle = Callable[[Transaction, Sequence[M]], Awaitable[None]]


class Step(Generic[M]):
    """One queue and what to do with its messages."""

    def __init__(self, database: Database, queue: str, kind: type[M], handle: Handle[M]) -> None:
        self._database = database
        self.queue = queue
        self._kind = kind
        self._handle = handle

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        """Work off a batch; on return each message is either done or parked. Raises one of `OUTAGE`."""
        try:
            await self._work(deliveries)
        except OUTAGE:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a handler does, its messages are not lost
            if len(deliveries) > 1:
                for delivery in deliveries:
                    await self.take([delivery])
            else:
                await self._park(deliveries[0], error)

    async def _work(self, deliveries: Sequence[Delivery]) -> None:
        metrics.BATCH_MESSAGES.labels(self.queue).observe(len(deliveries))
        messages = {delivery.id or uuid4(): decode(self._kind, delivery.body) for delivery in deliveries}
        with metrics.STEP_SECONDS.labels(self.queue).time():
            async with self._database.transaction() as tx:
                fresh = await outbox.fresh(tx.conn, self.queue, list(messages))
                new = [message for id_, message in messages.items() if id_ in fresh]
                if new:
                    await self._handle(tx, new)
        metrics.MESSAGES_HANDLED.labels(self.queue, "done").inc(len(new))
        metrics.MESSAGES_HANDLED.labels(self.queue, "repeated").inc(len(deliveries) - len(new))

    async def _park(self, delivery: Delivery, error: Exception) -> None:
        reason = str(error) if isinstance(error, UnreadableMessage) else f"{type(error).__name__}: {error}"
        async with self._database.transaction() as tx:
            if delivery.id is not None and not await outbox.fresh(tx.conn, self.queue, [delivery.id]):
                return
            body = delivery.body.decode("utf-8", "replace")
            number = await outbox.park(tx.conn, self.queue, delivery.id, delivery.name or self._kind.name, body, reason)
        metrics.MESSAGES_HANDLED.labels(self.queue, "parked").inc()
        log.error("message_parked", queue=self.queue, message_id=delivery.id, parked=number, exc_info=error)


async def serve(step: Step[M], broker: Broker, progress: Callable[[], None], stop: asyncio.Event) -> None:
    """Run a step on its queue until `stop`; come back after every loss of the broker or the database."""
    while not stop.is_set():
        try:
            async with broker.subscribe(step.queue) as subscription:
                log.info("queue_opened", queue=step.queue)
                await _receive(step, subscription, progress, stop)
        except BrokerLost as error:
            progress()
            log.warning("broker_lost", queue=step.queue, cause=str(error))
            await sleep_unless(stop, COME_BACK_S)


async def _receive(
    step: Step[M], subscription: Subscription, progress: Callable[[], None], stop: asyncio.Event
) -> None:
    while not stop.is_set():
        progress()
        deliveries = await subscription.batch(BATCH, WAIT_S)
        if deliveries and await _through_outages(step, deliveries, progress, stop):
            await subscription.done()


async def _through_outages(
    step: Step[M], deliveries: Sequence[Delivery], progress: Callable[[], None], stop: asyncio.Event
) -> bool:
    """Work off a batch however long the database is away; False when `stop` came before it was back."""
    while not stop.is_set():
        progress()
        try:
            await step.take(deliveries)
        except OUTAGE as error:
            log.warning("database_lost", queue=step.queue, cause=type(error).__name__)
            await sleep_unless(stop, COME_BACK_S)
        else:
            return True
    return False


async def sleep_unless(stop: asyncio.Event, seconds: float) -> None:
    """Sleep, but not longer than until `stop`."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
