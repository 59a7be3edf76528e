"""Postgres and the line to it fail in the middle of things."""

from __future__ import annotations

import asyncio
import signal
import sys
from random import Random
from uuid import UUID

import asyncpg
import pytest

from klara_daemon.app import system_now
from klara_daemon.broker.carriage import Delivery
from klara_daemon.broker.rabbitmq import RabbitMQ
from klara_daemon.messages import encode
from klara_daemon.store import listening
from klara_daemon.store.database import OUTAGE, Bells, Database
from tests.bench.steps import prepare
from tests.bench.wire import TO, TOPOLOGY, Step
from tests.eventually import eventually
from tests.proxy import line_to
from tests.servers.interfaces import PrivatePostgresServer
from tests.traps.house import House, house

MESSAGES = 600


async def test_a_step_whose_commit_is_unknown_is_done_once(database_url: str, amqp_url: str) -> None:
    """P12: the line is cut right after COMMIT went out; the client gets an error although the rows are there."""
    async with line_to(database_url) as (cut_url, line), house(database_url, amqp_url, rows=3) as home:
        fragile = await Database.open(cut_url, system_now)
        home.database, whole = fragile, home.database
        deliveries = [_delivery(row) for row in (1, 2, 3)]
        line.cut_after = b"COMMIT"
        with pytest.raises(OUTAGE):
            await home.step().take(deliveries)
        home.database = whole
        assert await home.steps() == [1, 1, 1]
        home.database = fragile
        await home.step().take(deliveries)
        await fragile.close()
        home.database = whole
        assert await home.steps() == [1, 1, 1]
        assert await home.unsent() == 3


async def test_a_step_waits_for_a_database_that_is_restarted_and_does_it_once(
    private_postgres_server: PrivatePostgresServer, private_database_url: str, amqp_url: str
) -> None:
    async with house(private_database_url, amqp_url, rows=60) as home:
        home.start_consuming()
        home.start_relaying()
        await home.send(range(1, 31))
        await eventually(lambda: len(home.handled) >= 30)
        private_postgres_server.stop("immediate")
        await home.send(range(31, 61))
        await asyncio.sleep(2)
        private_postgres_server.start()
        await eventually(lambda: _all_once(home), within=30)
        await eventually(lambda: _nothing_unsent(home), within=30)
        assert await home.parked() == []


async def test_a_listener_that_went_deaf_hears_again(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """P13: a half-open line raises nothing, closes nothing, delivers nothing."""
    monkeypatch.setattr(listening, "SIGN_OF_LIFE_EVERY_S", 0.5)
    monkeypatch.setattr(listening, "SIGN_OF_LIFE_WITHIN_S", 0.5)
    bells, stop = Bells(), asyncio.Event()
    async with line_to(database_url) as (url, line):
        hearing = asyncio.create_task(listening.listen(url, bells, lambda: None, stop))
        await _ring_until_heard(database_url, bells)
        line.go_dead()
        await asyncio.sleep(0.2)
        heard = bells.ear("due")
        await _ring(database_url)  # into the void
        await eventually(lambda: line.connections >= 2, within=10)
        line.revive()
        await eventually(heard.is_set, saying="after a new beginning every bell rings")
        await _ring_until_heard(database_url, bells)
        stop.set()
        await hearing


async def test_a_message_whose_relay_died_after_the_commit_is_sent(database_url: str, amqp_url: str) -> None:
    """P14: a relay that waits only for being woken leaves for ever what was committed before a crash."""
    async with house(database_url, amqp_url) as home:
        await home.write(range(1, 501))  # nobody hears the bell, and nobody will ever ring it again
        home.start_relaying()
        await eventually(lambda: _nothing_unsent(home))
        assert (await home.broker.depths())[TO.name] == 500


async def test_a_worker_killed_again_and_again_does_each_thing_once(database_url: str, amqp_url: str) -> None:
    """SIGKILL at random moments: between commit and publish, between publish and delete, before the acknowledgement."""
    await prepare(database_url, amqp_url, MESSAGES)
    random = Random(7)  # noqa: S311 - the same moments in every run
    command = [sys.executable, "-m", "tests.bench.workers", "klara", database_url, amqp_url, str(MESSAGES)]
    for _ in range(6):
        worker = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
        try:
            async with asyncio.timeout(1.2 + random.random()):
                await worker.wait()
        except TimeoutError:
            worker.send_signal(signal.SIGKILL)
            await worker.wait()
    worker = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    async with asyncio.timeout(60):
        assert await worker.wait() == 0
    conn = await asyncpg.connect(database_url)
    counts = {row["steps"]: row["n"] for row in await conn.fetch("SELECT steps, count(*) n FROM bench_rows GROUP BY 1")}
    await conn.close()
    broker = RabbitMQ(amqp_url, TOPOLOGY)
    arrived = (await broker.depths())[TO.name]
    await broker.close()
    lost, duplicated = counts.get(0, 0), sum(n for steps, n in counts.items() if steps > 1)
    assert (lost, duplicated) == (0, 0)
    assert arrived >= MESSAGES


def _delivery(row: int) -> Delivery:
    return Delivery(UUID(int=row), Step.name, encode(Step(row_id=row)).encode())


async def _all_once(home: House) -> bool:
    return set(await home.steps()) == {1}


async def _nothing_unsent(home: House) -> bool:
    return await home.unsent() == 0


async def _ring(database_url: str) -> None:
    conn = await asyncpg.connect(database_url)
    await conn.execute("SELECT pg_notify('klara_bell', 'due')")
    await conn.close()


async def _ring_until_heard(database_url: str, bells: Bells) -> None:
    ear = bells.ear("due")

    async def heard() -> bool:
        await _ring(database_url)
        return ear.is_set()

    await eventually(heard, within=15)
