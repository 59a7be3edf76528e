"""What the queues are at a real broker: asked of the broker itself, not of the code that declares them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import uuid4

import aiormq
import pytest
from aiormq.abc import AbstractChannel, DeliveredMessage

from klara_daemon.actors.dead_letters import collect_dead_letters
from klara_daemon.app import TOPOLOGY, system_now
from klara_daemon.broker.carriage import Outgoing
from klara_daemon.broker.rabbitmq import RabbitMQ
from klara_daemon.broker.subscription import PREFETCH
from klara_daemon.store.database import Database
from tests.eventually import eventually

WORK: Final[dict[str, Any]] = {"x-queue-type": "quorum", "x-delivery-limit": 20, "x-dead-letter-exchange": "klara.dead"}
NET: Final[dict[str, Any]] = {"x-queue-type": "quorum", "x-delivery-limit": 1000}
OTHERWISE: Final[dict[str, Any]] = {
    "x-queue-type": "classic", "x-delivery-limit": 7, "x-dead-letter-exchange": "elsewhere"
}  # fmt: skip
QUEUE: Final = TOPOLOGY.queues[0]
COUNTED: Final = 50


@asynccontextmanager
async def broker(amqp_url: str) -> AsyncIterator[RabbitMQ]:
    """The daemon's way to the broker, which has made its queues there."""
    made = RabbitMQ(amqp_url, TOPOLOGY)
    await made.prepare()
    try:
        yield made
    finally:
        await made.close()


@asynccontextmanager
async def channel(amqp_url: str) -> AsyncIterator[AbstractChannel]:
    """A channel of somebody else's."""
    connection = await aiormq.connect(amqp_url)
    try:
        yield await connection.channel()
    finally:
        await connection.close()


async def declare(amqp_url: str, name: str, arguments: dict[str, Any]) -> None:
    """Declare a queue that there is: the broker refuses whoever believes it to be another."""
    async with asyncio.timeout(10), channel(amqp_url) as line:
        await line.queue_declare(name, durable=True, arguments=arguments)


async def test_each_queue_is_one_that_survives_and_loses_nothing_and_the_broker_takes_no_other_for_it(
    amqp_url: str,
) -> None:
    queues = {**{queue.name: WORK for queue in TOPOLOGY.queues}, TOPOLOGY.dead_queue: NET}
    async with broker(amqp_url):
        for name, arguments in queues.items():
            await declare(amqp_url, name, arguments)
        for differs, otherwise in OTHERWISE.items():
            with pytest.raises(aiormq.exceptions.ChannelPreconditionFailed, match=f"inequivalent arg '{differs}'"):
                await declare(amqp_url, QUEUE.name, {**WORK, differs: otherwise})


async def test_a_slow_consumer_has_no_more_in_hand_than_it_asked_for(amqp_url: str) -> None:
    async with broker(amqp_url) as made:
        await made.publish([_message() for _ in range(PREFETCH + COUNTED)])
        async with made.subscribe(QUEUE.name) as subscription:

            async def is_left() -> bool:
                return (await made.depths())[QUEUE.name] == COUNTED

            await eventually(is_left, saying=f"all but {COUNTED} of the messages are in the consumer's hand")
            assert len(await subscription.batch(PREFETCH + COUNTED, 5)) == PREFETCH
            assert await subscription.batch(1, 0.5) == (), "nothing more before it has acknowledged"
            await subscription.done()
            assert len(await subscription.batch(PREFETCH + COUNTED, 5)) > 0


@pytest.mark.parametrize("way", ["rejected", "given back too often"])
async def test_what_the_broker_gives_up_on_ends_among_the_parked_messages(
    amqp_url: str, database_url: str, way: str
) -> None:
    database, stop, message = await Database.open(database_url, system_now), asyncio.Event(), _message()
    async with broker(amqp_url) as made:
        collecting = asyncio.create_task(collect_dead_letters(database, made, TOPOLOGY.dead_queue, lambda: None, stop))
        await made.publish([message])
        given_back = await _give_up(amqp_url, requeue=way != "rejected")

        async def parked() -> list[tuple[str, str]]:
            async with database.connection() as conn:
                return [(row["queue"], row["body"]) for row in await conn.fetch("SELECT queue, body FROM parked")]

        await eventually(parked, within=15)
        assert await parked() == [(TOPOLOGY.dead_queue, message.body.decode())]
        assert (await made.depths())[QUEUE.name] == 0
        assert given_back == (1 if way == "rejected" else WORK["x-delivery-limit"] + 1)
        stop.set()
        await collecting
    await database.close()


async def _give_up(amqp_url: str, *, requeue: bool) -> int:
    """Somebody rejects whatever comes, and asks for it again or not; how often it came."""
    times = 0
    async with channel(amqp_url) as line:

        async def reject(message: DeliveredMessage) -> None:
            nonlocal times
            times += 1
            await line.basic_reject(message.delivery_tag or 0, requeue=requeue)

        await line.basic_consume(QUEUE.name, reject)

        async def is_gone() -> bool:
            return times > 0 and (await line.queue_declare(QUEUE.name, passive=True)).message_count == 0

        await eventually(lambda: times > (WORK["x-delivery-limit"] if requeue else 0))
        await eventually(is_gone)
    return times


def _message() -> Outgoing:
    return Outgoing(uuid4(), QUEUE.routing_key, b'{"v": 1}')
