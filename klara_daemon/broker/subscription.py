"""One RabbitMQ consumer: deliveries are put aside by the callback and worked on elsewhere, batch by batch."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from uuid import UUID

from aiormq.abc import AbstractChannel, DeliveredMessage

from klara_daemon.broker.carriage import BrokerLost, Delivery
from klara_daemon.broker.line import ANSWER_S, DEDUP_HEADER, line_breaks_as_broker_lost

PREFETCH = 128


class RabbitMQSubscription:
    """A consumer on a channel of its own. A batch holds the oldest deliveries, so one acknowledgement covers it."""

    def __init__(self, channel: AbstractChannel, queue: str) -> None:
        self._channel = channel
        self._queue = queue
        self._waiting: deque[DeliveredMessage] = deque()
        self._news = asyncio.Event()
        self._cancelled_by_broker = False
        self._last_tag: int | None = None
        self._tag: str | None = None

    async def start(self) -> None:
        """Begin to receive."""
        with line_breaks_as_broker_lost(f"subscribing to {self._queue}"):
            self._channel.closing.add_done_callback(lambda _: self._news.set())
            self._channel.on_consumer_cancel_callbacks.add(self._on_cancelled_by_broker)
            await self._channel.basic_qos(prefetch_count=PREFETCH, timeout=ANSWER_S)
            answer = await self._channel.basic_consume(self._queue, self._put_aside, timeout=ANSWER_S)
            self._tag = answer.consumer_tag

    async def batch(self, limit: int, wait_s: float) -> Sequence[Delivery]:
        """Up to `limit` of the messages that are there; none after `wait_s` without any. Raises `BrokerLost`."""
        if not self._waiting and not self._broken:
            await self._wait_for_news(wait_s)
        if self._broken:
            raise BrokerLost(f"receiving from {self._queue}: the channel was closed or the consumer cancelled")
        taken = [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]
        self._last_tag = taken[-1].delivery_tag if taken else self._last_tag
        return tuple(_delivery(message) for message in taken)

    async def _wait_for_news(self, wait_s: float) -> None:
        self._news.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._news.wait()

    async def done(self) -> None:
        """Acknowledge everything up to the end of the last batch."""
        with line_breaks_as_broker_lost(f"acknowledging to {self._queue}"):
            if self._last_tag is not None:
                async with asyncio.timeout(ANSWER_S):
                    await self._channel.basic_ack(self._last_tag, multiple=True)

    async def stop(self) -> None:
        """Stop receiving; what was not done goes back when the channel closes."""
        if not self._channel.is_closed and self._tag is not None:
            await self._channel.basic_cancel(self._tag, timeout=ANSWER_S)

    @property
    def _broken(self) -> bool:
        return self._cancelled_by_broker or self._channel.is_closed

    async def _put_aside(self, message: DeliveredMessage) -> None:
        self._waiting.append(message)
        self._news.set()

    def _on_cancelled_by_broker(self, _: object) -> None:
        self._cancelled_by_broker = True
        self._news.set()


def _delivery(message: DeliveredMessage) -> Delivery:
    properties = message.header.properties
    return Delivery(_uuid((properties.headers or {}).get(DEDUP_HEADER)), properties.message_type or "", message.body)


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
