"""The two workers: `klara` takes batches through the durable step, `plain` one message a transaction.

Run as `python -m tests.bench.workers WHICH DATABASE_URL AMQP_URL MESSAGES`; prints seconds and CPU-seconds as JSON.
The seconds are those from the start of the worker, connecting included, to the last step; stopping is not a step.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import aio_pika
import asyncpg
from aio_pika.abc import AbstractIncomingMessage

from klara_daemon import log
from klara_daemon.actors import step as durable
from klara_daemon.actors.outbox_relay import OutboxRelay
from klara_daemon.actors.rounds import go_round
from klara_daemon.app import system_now
from klara_daemon.broker.rabbitmq import RabbitMQ
from klara_daemon.messages import encode
from klara_daemon.store.database import Database, Transaction
from tests.bench.wire import FROM, TO, TOPOLOGY, Step, Stepped

_DONE = "SELECT NOT EXISTS (SELECT FROM bench_rows WHERE steps = 0) AND NOT EXISTS (SELECT FROM outbox)"
PLAIN_AT_ONCE = 32
PLAIN_CONNECTIONS = 10


async def klara(database_url: str, amqp_url: str, _messages: int) -> float:
    """Inbox, update and outbox in one transaction a batch; a relay sends the outbox on. When it was done comes back."""
    database = await Database.open(database_url, system_now)
    broker = RabbitMQ(amqp_url, TOPOLOGY)
    stop = asyncio.Event()

    async def handle(tx: Transaction, steps: Sequence[Step]) -> None:
        rows = [step.row_id for step in steps]
        await tx.conn.execute("UPDATE bench_rows SET steps = steps + 1 WHERE id = ANY($1::bigint[])", rows)
        for row_id in rows:
            tx.send(Stepped(row_id=row_id))

    relay = OutboxRelay(database, broker)
    work = [
        durable.serve(durable.Step(database, FROM.name, Step, handle), broker, _no_progress, stop),
        go_round("relay", relay.relay_some, database.bells.ear("outbox"), 1.0, _no_progress, stop),
    ]
    tasks = [asyncio.create_task(one) for one in work]
    while not await _all_done(database):
        await asyncio.sleep(0.05)
    done_at = time.monotonic()
    stop.set()
    database.bells.ring_all()
    await asyncio.gather(*tasks)
    await broker.close()
    await database.close()
    return done_at


async def plain(database_url: str, amqp_url: str, messages: int) -> float:
    """As the tutorials of aio-pika and asyncpg have it: callback, transaction, publish, acknowledge."""
    pool = await asyncpg.create_pool(database_url, min_size=PLAIN_CONNECTIONS, max_size=PLAIN_CONNECTIONS)
    connection = await aio_pika.connect_robust(amqp_url)
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=PLAIN_AT_ONCE)
    exchange = await channel.get_exchange(TOPOLOGY.exchange)
    queue = await channel.get_queue(FROM.name)
    left = messages
    finished = asyncio.Event()

    async def on_message(message: AbstractIncomingMessage) -> None:
        nonlocal left
        async with message.process():
            step = Step.model_validate_json(message.body)
            message_id = UUID(str(message.headers["klara-id"]))
            async with pool.acquire() as conn, conn.transaction():
                await conn.execute("INSERT INTO processed (queue, message_id) VALUES ($1, $2)", FROM.name, message_id)
                await conn.execute("UPDATE bench_rows SET steps = steps + 1 WHERE id = $1", step.row_id)
            body = encode(Stepped(row_id=step.row_id)).encode()
            await exchange.publish(
                aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT), routing_key=TO.routing_key
            )
        left -= 1
        if not left:
            finished.set()

    await queue.consume(on_message)
    await finished.wait()
    done_at = time.monotonic()
    await connection.close()
    await pool.close()
    return done_at


async def _all_done(database: Database) -> bool:
    async with database.connection() as conn:
        return bool(await conn.fetchval(_DONE))


def _no_progress() -> None:
    pass


WORKERS: dict[str, Callable[[str, str, int], Awaitable[float]]] = {"klara": klara, "plain": plain}


async def main(which: str, database_url: str, amqp_url: str, messages: str) -> None:
    """Work off what waits in the queue, and say what it took."""
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    done_at = await WORKERS[which](database_url, amqp_url, int(messages))
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    sys.stdout.write(json.dumps({"seconds": done_at - began, "cpu_s": cpu_s}))


if __name__ == "__main__":
    log.configure("json", "warning")
    asyncio.run(main(*sys.argv[1:]))
