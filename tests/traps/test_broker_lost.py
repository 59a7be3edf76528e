"""The broker freezes, dies, or loses what it was told, under actors that publish and consume."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import uuid4

import aio_pika
import pytest

from klara_daemon.broker.carriage import BrokerLost, Outgoing
from tests.bench.wire import FROM, TO
from tests.eventually import eventually
from tests.proxy import line_to
from tests.servers.interfaces import AmqpServer, PrivateAmqpServer
from tests.traps.house import house

DETECTED_WITHIN_S = 30.0


async def test_a_frozen_broker_ends_neither_the_publishing_nor_the_consuming_actor(
    database_url: str, private_amqp_server: PrivateAmqpServer
) -> None:
    """P1: heartbeat loss raises a CancelledError that nobody asked for; unguarded, the actor dies in silence."""
    async with house(database_url, private_amqp_server.fresh_url(), rows=40) as home:
        home.start_consuming()
        home.start_relaying()
        await home.send(range(1, 11))
        await eventually(lambda: len(home.handled) >= 10)
        await eventually(lambda: _is_left(home.unsent, 0))
        private_amqp_server.freeze()
        await home.write(range(100, 110))
        await asyncio.sleep(8)  # longer than it takes to miss the heartbeats
        private_amqp_server.thaw()
        await eventually(lambda: _is_left(home.unsent, 0), within=DETECTED_WITHIN_S)
        await _send_when_possible(home.send, range(11, 41))
        await eventually(lambda: _all_once(home.steps), within=DETECTED_WITHIN_S)
        await eventually(lambda: _is_left(home.unsent, 0), within=DETECTED_WITHIN_S)


async def test_a_killed_broker_does_not_cancel_the_step_that_is_under_way(
    database_url: str, private_amqp_server: PrivateAmqpServer
) -> None:
    """P2: aio-pika cancels running callbacks when the line breaks; ours hold no work."""
    async with house(database_url, private_amqp_server.fresh_url(), rows=1) as home:
        reached, go_on = asyncio.Event(), asyncio.Event()

        async def wait_in_the_middle() -> None:
            reached.set()
            await go_on.wait()

        home.before_commit = wait_in_the_middle
        home.start_consuming()
        await home.send([1])
        await reached.wait()
        private_amqp_server.stop(kill=True)
        await asyncio.sleep(1)
        home.before_commit = None
        go_on.set()
        await eventually(lambda: _all_once(home.steps), within=10)
        private_amqp_server.start()
        await asyncio.sleep(3)  # it is delivered again, for it was never acknowledged
        assert await home.steps() == [1]
        assert home.handled == [1]


async def test_an_acknowledgement_that_got_lost_does_not_do_it_twice(
    database_url: str, amqp_server: AmqpServer
) -> None:
    """P3: `ack()` returns although the broker never hears of it."""
    async with (
        line_to(amqp_server.fresh_url()) as (amqp_url, line),
        house(database_url, amqp_url, rows=20) as home,
    ):
        await home.send(range(1, 21))
        reached = asyncio.Event()

        async def go_dead() -> None:
            line.go_dead()
            reached.set()

        home.before_commit = go_dead
        home.start_consuming()
        await reached.wait()
        home.before_commit = None
        await eventually(lambda: _all_once(home.steps))
        await asyncio.sleep(0.5)  # the acknowledgement is on its way into nothing
        line.cut()
        line.revive()
        await eventually(lambda: _all_once(home.steps), within=DETECTED_WITHIN_S)
        await asyncio.sleep(1)
        assert await home.steps() == [1] * 20
        assert len(home.handled) == 20


async def test_an_unroutable_message_is_not_taken_for_sent(database_url: str, amqp_url: str) -> None:
    """P5 and P6: by default the broker's return looks like success."""
    async with house(database_url, amqp_url) as home:
        nowhere, somewhere = _outgoing("klara.nowhere"), _outgoing(TO.routing_key)
        confirmed = await home.broker.publish([nowhere, somewhere, nowhere])
        assert set(confirmed) == {somewhere.id}
        with pytest.raises(BrokerLost, match="none of 1"):
            await home.broker.publish([nowhere])


async def test_what_cannot_be_routed_stays_and_holds_up_nobody(database_url: str, amqp_url: str) -> None:
    async with house(database_url, amqp_url) as home:
        async with home.database.connection() as conn:
            await conn.execute("INSERT INTO outbox (id, name, body) VALUES (gen_random_uuid(), 'nowhere', '{}')")
        home.start_relaying()
        await home.write([1, 2, 3])
        await eventually(lambda: _depth_is(home.broker.depths, 3))
        await eventually(lambda: _is_left(home.unsent, 1))


async def test_a_consumer_whose_queue_was_deleted_comes_back(database_url: str, amqp_url: str) -> None:
    async with house(database_url, amqp_url, rows=2) as home:
        home.start_consuming()
        await home.send([1])
        await eventually(lambda: home.handled == [1])
        await _delete_queue(amqp_url)
        await _send_when_possible(home.send, [2])
        await eventually(lambda: home.handled[-1] == 2, within=DETECTED_WITHIN_S)


async def test_messages_that_are_none_are_parked_with_the_reason(database_url: str, amqp_url: str) -> None:
    async with house(database_url, amqp_url, rows=3) as home:
        await home.send([1])
        for body in (b"\xff\x00 not json", b"[]", b'{"v": 99, "row_id": 2}', b'{"v": 1}'):
            await home.broker.publish([_outgoing("bench_step", body)])
        await home.send([3])
        home.start_consuming()
        await eventually(lambda: _is_number(home.parked, 4))
        await eventually(lambda: _steps_are(home.steps, [1, 0, 1]))
        assert "version 99; this daemon reads version 1" in (await home.parked())[2]


async def test_a_message_that_fails_stands_alone(database_url: str, amqp_url: str) -> None:
    async with house(database_url, amqp_url, rows=50) as home:
        await home.send([*range(1, 26), 2**62, *range(26, 51)])

        async def refuse_the_odd_one() -> None:
            if 2**62 in home.handled:
                home.handled.remove(2**62)
                raise RuntimeError("no such row")

        home.before_commit = refuse_the_odd_one
        home.start_consuming()
        await eventually(lambda: _is_number(home.parked, 1), within=20)
        await eventually(lambda: _all_once(home.steps), within=20)
        assert await home.parked() == ["RuntimeError: no such row"]


def _outgoing(name: str, body: bytes = b"{}") -> Outgoing:
    return Outgoing(uuid4(), name, body)


async def _is_left(unsent: Callable[[], Awaitable[int]], number: int) -> bool:
    return await unsent() == number


async def _all_once(steps: Callable[[], Awaitable[list[int]]]) -> bool:
    return set(await steps()) == {1}


async def _steps_are(steps: Callable[[], Awaitable[list[int]]], expected: list[int]) -> bool:
    return await steps() == expected


async def _is_number(parked: Callable[[], Awaitable[list[str]]], number: int) -> bool:
    return len(await parked()) == number


async def _depth_is(depths: Callable[[], Awaitable[dict[str, int]]], number: int) -> bool:
    return (await depths())[TO.name] == number


async def _send_when_possible(send: Callable[[Sequence[int]], Awaitable[None]], rows: Sequence[int]) -> None:
    """The broker may need a moment; what was not confirmed did not arrive, or does no harm by arriving twice."""

    async def sent() -> bool:
        try:
            await send(rows)
        except BrokerLost:
            return False
        return True

    await eventually(sent, within=DETECTED_WITHIN_S)


async def _delete_queue(amqp_url: str) -> None:
    connection = await aio_pika.connect(amqp_url)
    async with connection, connection.channel() as channel:
        await channel.queue_delete(FROM.name)
