"""One step on real servers: a queue, a row a message, a message onward."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg

from klara_daemon.actors import step as durable
from klara_daemon.actors.outbox_relay import OutboxRelay
from klara_daemon.actors.rounds import go_round
from klara_daemon.app import system_now
from klara_daemon.broker.carriage import Outgoing
from klara_daemon.broker.rabbitmq import RabbitMQ
from klara_daemon.messages import encode
from klara_daemon.store.database import Database, Transaction
from tests.bench.wire import FROM, TABLE, TOPOLOGY, Step, Stepped

HEARTBEAT_S = 1
BeforeCommit = Callable[[], Awaitable[None]]


class House:
    """A database and a broker, what was handled, and the actors that the test starts."""

    def __init__(self, database: Database, broker: RabbitMQ) -> None:
        self.database = database
        self.broker = broker
        self.handled: list[int] = []
        self.before_commit: BeforeCommit | None = None
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def handle(self, tx: Transaction, steps: Sequence[Step]) -> None:
        """Step on each row, and send word of it."""
        rows = [step.row_id for step in steps]
        self.handled += rows
        await tx.conn.execute("UPDATE bench_rows SET steps = steps + 1 WHERE id = ANY($1::bigint[])", rows)
        for row_id in rows:
            tx.send(Stepped(row_id=row_id))
        if self.before_commit:
            await self.before_commit()

    def step(self) -> durable.Step[Step]:
        """The step itself."""
        return durable.Step(self.database, FROM.name, Step, self.handle)

    def start_consuming(self) -> asyncio.Task[None]:
        """An actor that takes messages."""
        return self._start(durable.serve(self.step(), self.broker, _no_progress, self._stop))

    def start_relaying(self) -> asyncio.Task[None]:
        """An actor that sends the outbox on."""
        relay = OutboxRelay(self.database, self.broker)
        return self._start(
            go_round("relay", relay.relay_some, self.database.bells.ear("outbox"), 0.2, _no_progress, self._stop)
        )

    async def send(self, rows: Sequence[int]) -> None:
        """Put a message for each of these rows into the queue."""
        messages = [Outgoing(uuid4(), Step.name, encode(Step(row_id=row)).encode()) for row in rows]
        assert len(await self.broker.publish(messages)) == len(messages)

    async def write(self, rows: Sequence[int]) -> None:
        """Have a message sent about each of these rows, by way of the outbox."""
        async with self.database.transaction() as tx:
            for row in rows:
                tx.send(Stepped(row_id=row))

    async def steps(self) -> list[int]:
        """How often each row was stepped on."""
        async with self.database.connection() as conn:
            return [row["steps"] for row in await conn.fetch("SELECT steps FROM bench_rows ORDER BY id")]

    async def unsent(self) -> int:
        """How many messages wait in the outbox."""
        async with self.database.connection() as conn:
            return int(await conn.fetchval("SELECT count(*) FROM outbox"))

    async def parked(self) -> list[str]:
        """Why messages were parked."""
        async with self.database.connection() as conn:
            return [row["reason"] for row in await conn.fetch("SELECT reason FROM parked ORDER BY id")]

    async def end(self) -> None:
        """Stop the actors; none of them may have ended by itself."""
        early = [task for task in self._tasks if task.done()]
        self._stop.set()
        self.database.bells.ring_all()
        for task in self._tasks:
            async with asyncio.timeout(30):
                await task
        await self.broker.close()
        await self.database.close()
        assert not early

    def _start(self, work: Awaitable[None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        assert isinstance(task, asyncio.Task)
        self._tasks.append(task)
        return task


@asynccontextmanager
async def house(database_url: str, amqp_url: str, rows: int = 0) -> AsyncIterator[House]:
    """A house with so many rows, numbered from 1."""
    conn = await asyncpg.connect(database_url)
    await conn.execute(TABLE)
    await conn.execute("INSERT INTO bench_rows SELECT n, 0 FROM generate_series(1, $1::bigint) n", rows)
    await conn.close()
    database = await Database.open(database_url, system_now)
    built = House(database, RabbitMQ(amqp_url, TOPOLOGY, heartbeat_s=HEARTBEAT_S))
    try:
        yield built
    finally:
        await built.end()


def _no_progress() -> None:
    pass
