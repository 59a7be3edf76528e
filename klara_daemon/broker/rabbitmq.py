"""RabbitMQ by aio-pika: durable topic exchange, quorum queues, confirms, acknowledgement after the work.

Plain connections, not robust ones: whoever meets a broken line gets `BrokerLost`, lets go of everything and comes
again, so that there is one way to recover and it is always the same (docs/architecture.md names the traps).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import cast
from uuid import UUID, uuid4

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.abc import FieldTable
from aiormq.channel import Channel as UnderlyingChannel
from pamqp.commands import Basic
from yarl import URL

from klara_daemon.broker.carriage import BrokerLost, Outgoing, Queue, Topology
from klara_daemon.broker.line import ANSWER_S, CONNECT_S, DEDUP_HEADER, line_breaks_as_broker_lost
from klara_daemon.broker.subscription import RabbitMQSubscription

PUBLISH_S = 10.0
HEARTBEAT_S = 10
DELIVERY_LIMIT = 20
PERSISTENT = 2


class RabbitMQ:
    """One connection for sending and one for receiving, made when needed and made again when lost."""

    def __init__(self, url: str, topology: Topology, *, heartbeat_s: int = HEARTBEAT_S) -> None:
        self._url = URL(url).update_query(heartbeat=heartbeat_s)
        self._topology = topology
        self._connections: dict[str, AbstractConnection] = {}
        self._connecting = asyncio.Lock()
        self._sending: AbstractChannel | None = None

    async def prepare(self) -> None:
        """Have a line to publish on. Raises `BrokerLost`."""
        with line_breaks_as_broker_lost("connecting"):
            await self._sending_channel()

    async def publish(self, outgoing: Sequence[Outgoing]) -> Collection[UUID]:
        """Send all at once, each mandatory and confirmed; the ids of those confirmed come back."""
        with line_breaks_as_broker_lost("publishing"):
            channel = await self._sending_channel()
        results = await asyncio.gather(
            *(self._publish_one(channel, message) for message in outgoing), return_exceptions=True
        )
        confirmed = {message.id for message, result in zip(outgoing, results, strict=True) if result is True}
        if outgoing and not confirmed:
            raise BrokerLost(f"none of {len(outgoing)} messages was confirmed: {results[0]!r}")
        return confirmed

    async def _publish_one(self, channel: UnderlyingChannel, message: Outgoing) -> bool:
        with line_breaks_as_broker_lost("publishing"):
            # aiormq tells a returned message by its message_id: a fresh one per try; our own id is in the header.
            properties = Basic.Properties(
                content_type="application/json",
                delivery_mode=PERSISTENT,
                message_id=uuid4().hex,
                message_type=message.name,
                headers={DEDUP_HEADER: str(message.id)},
            )
            answer = await channel.basic_publish(
                message.body,
                exchange=self._topology.exchange,
                routing_key=message.name,
                properties=properties,
                mandatory=True,
                timeout=PUBLISH_S,
                wait=False,
            )
        return isinstance(answer, Basic.Ack)

    @asynccontextmanager
    async def subscribe(self, queue: str) -> AsyncIterator[RabbitMQSubscription]:
        """Receive from one queue on a channel of its own; leaving stops the consumer before it closes the channel."""
        with line_breaks_as_broker_lost(f"subscribing to {queue}"):
            connection = await self._connection("receiving")
            await self._declare(connection, [wanted for wanted in self._topology.queues if wanted.name == queue])
            channel = await _opened(connection.channel(publisher_confirms=False))
            subscription = RabbitMQSubscription(await channel.get_underlay_channel(), queue)
        try:
            await subscription.start()
            yield subscription
        finally:
            with contextlib.suppress(BrokerLost), line_breaks_as_broker_lost("unsubscribing"):
                await subscription.stop()
                async with asyncio.timeout(ANSWER_S):
                    await channel.close()

    async def depths(self) -> dict[str, int]:
        """How many messages wait in each queue, asked on a throw-away channel. Raises `BrokerLost`."""
        names = [*(queue.name for queue in self._topology.queues), self._topology.dead_queue]
        with line_breaks_as_broker_lost("asking for depths"):
            channel = await _opened((await self._connection("receiving")).channel())
            async with asyncio.timeout(ANSWER_S), channel:
                queues = [await channel.declare_queue(name, passive=True) for name in names]
        return {queue.name: queue.declaration_result.message_count or 0 for queue in queues}

    async def close(self) -> None:
        """Let go of both connections."""
        connections, self._connections, self._sending = self._connections, {}, None
        for connection in connections.values():
            with contextlib.suppress(BrokerLost), line_breaks_as_broker_lost("closing"):
                async with asyncio.timeout(ANSWER_S):
                    await connection.close()

    async def _sending_channel(self) -> UnderlyingChannel:
        connection = await self._connection("sending")
        if self._sending is None or self._sending.is_closed:
            self._sending = await _opened(connection.channel(publisher_confirms=True, on_return_raises=True))
        return cast(UnderlyingChannel, await self._sending.get_underlay_channel())

    async def _connection(self, purpose: str) -> AbstractConnection:
        async with asyncio.timeout(CONNECT_S), self._connecting:
            connection = self._connections.get(purpose)
            if connection is None or _is_dead(connection):
                connection = await aio_pika.connect(self._url, client_properties={"connection_name": purpose})
                await self._declare_or_close(connection)
                self._connections[purpose] = connection
            return connection

    async def _declare_or_close(self, connection: AbstractConnection) -> None:
        declared = False
        try:
            await self._declare(connection, self._topology.queues)
            declared = True
        finally:
            if not declared:
                await connection.close()

    async def _declare(self, connection: AbstractConnection, queues: Sequence[Queue]) -> None:
        """Make exchanges and queues, with the same arguments everywhere, on a channel that is thrown away."""
        topology = self._topology
        async with asyncio.timeout(CONNECT_S), await _opened(connection.channel()) as channel:
            exchange = await channel.declare_exchange(topology.exchange, aio_pika.ExchangeType.TOPIC, durable=True)
            dead = await channel.declare_exchange(topology.dead_exchange, aio_pika.ExchangeType.FANOUT, durable=True)
            net = await channel.declare_queue(
                topology.dead_queue, durable=True, arguments={"x-queue-type": "quorum", "x-delivery-limit": 1000}
            )
            await net.bind(dead)
            for wanted in queues:
                arguments: FieldTable = {
                    "x-queue-type": "quorum",
                    "x-delivery-limit": DELIVERY_LIMIT,
                    "x-dead-letter-exchange": topology.dead_exchange,
                }
                queue = await channel.declare_queue(wanted.name, durable=True, arguments=arguments)
                await queue.bind(exchange, wanted.routing_key)


def _is_dead(connection: AbstractConnection) -> bool:
    """Whether it is of no use any more; after heartbeat loss aio-pika's own `is_closed` goes on saying no."""
    return connection.is_closed or connection.transport is None or connection.transport.connection.is_closed


async def _opened(channel: AbstractChannel) -> AbstractChannel:
    async with asyncio.timeout(ANSWER_S):
        await channel.initialize()
    return channel
