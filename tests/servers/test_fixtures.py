"""The fixtures that all other tests stand on."""

from __future__ import annotations

import asyncio
import os
import signal

import aiormq
import asyncpg
import pytest

from klara_daemon.demo.private_server import free_port
from klara_daemon.flow import FLOW
from klara_daemon.store.migrations import pending
from tests.eventually import eventually
from tests.servers.given import GivenPostgres, GivenRabbitMQ
from tests.servers.interfaces import PostgresServer, PrivateAmqpServer, PrivatePostgresServer, Unavailable


async def _publishes(url: str, queue: str) -> int:
    """Publish one message to a durable queue; how many lie there now."""
    connection = await aiormq.connect(url)
    try:
        channel = await connection.channel()
        await channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
        await channel.basic_publish(b"x", routing_key=queue, properties=aiormq.spec.Basic.Properties(delivery_mode=2))
        return (await channel.queue_declare(queue, passive=True)).message_count or 0
    finally:
        await connection.close()


@pytest.mark.parametrize("time", ["first", "second"])
async def test_each_test_has_a_migrated_database_of_its_own(pool: asyncpg.Pool[asyncpg.Record], time: str) -> None:
    async with pool.acquire() as conn:
        assert await pending(conn) == []
        await conn.execute("CREATE TABLE only_one_test_sees_this (a int)")


@pytest.mark.parametrize("time", ["first", "second"])
async def test_each_test_has_a_virtual_host_of_its_own(amqp_url: str, time: str) -> None:
    assert await _publishes(amqp_url, FLOW[0].queue) == 1


async def test_a_private_rabbitmq_keeps_its_messages_when_killed(private_amqp_server: PrivateAmqpServer) -> None:
    url = private_amqp_server.fresh_url()
    assert await _publishes(url, "kept") == 1
    private_amqp_server.restart(kill=True)
    assert await _publishes(url, "kept") == 2


async def test_a_frozen_rabbitmq_says_nothing_until_it_is_thawed(private_amqp_server: PrivateAmqpServer) -> None:
    url = private_amqp_server.fresh_url()
    private_amqp_server.freeze()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await _publishes(url, "frozen")
    private_amqp_server.thaw()
    assert await _publishes(url, "frozen") == 1


def test_a_rabbitmq_that_a_test_has_killed_is_alive_for_the_next(private_amqp_server: PrivateAmqpServer) -> None:
    os.kill(private_amqp_server.pid, signal.SIGKILL)
    private_amqp_server.restore()
    assert private_amqp_server.version


async def test_a_private_postgres_keeps_what_was_committed_when_killed(
    private_postgres_server: PrivatePostgresServer, private_database_url: str
) -> None:
    connection = await asyncpg.connect(private_database_url)
    await connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    private_postgres_server.stop("kill")
    with pytest.raises(ConnectionError):
        await asyncpg.connect(private_database_url)
    private_postgres_server.start()
    connection.terminate()
    again = await asyncpg.connect(private_database_url)
    assert await again.fetchval("SELECT one FROM kept") == 1
    await again.close()


async def test_a_frozen_postgres_says_nothing_until_it_is_thawed(
    private_postgres_server: PrivatePostgresServer, private_database_url: str
) -> None:
    connection = await asyncpg.connect(private_database_url)
    private_postgres_server.freeze()
    with pytest.raises(TimeoutError):
        await connection.fetchval("SELECT 1", timeout=0.5)
    private_postgres_server.thaw()
    connection.terminate()
    again = await asyncpg.connect(private_database_url)
    assert await again.fetchval("SELECT 1") == 1
    await again.close()


async def test_eventually_waits_for_what_is_to_come() -> None:
    looks = iter([0, 0, 7])
    assert await eventually(lambda: next(looks), within=5) == 7


async def test_eventually_says_what_it_waited_for() -> None:
    async def nothing_comes() -> list[int]:
        return []

    with pytest.raises(AssertionError, match=r"(?s)not within 0\.1 s: .*nothing_comes.*last seen: \[\]"):
        await eventually(nothing_comes, within=0.1)


def test_a_broker_that_the_environment_names_is_emptied_of_what_is_ours(amqp_url: str) -> None:
    queue = FLOW[0].queue
    assert asyncio.run(_publishes(amqp_url, queue)) == 1
    assert GivenRabbitMQ(amqp_url).fresh_url() == amqp_url
    assert asyncio.run(_publishes(amqp_url, queue)) == 1


def test_a_server_that_the_environment_names_and_that_does_not_answer_is_named() -> None:
    nobody = f"127.0.0.1:{free_port()}"
    with pytest.raises(Unavailable, match="KLARA_TEST_DATABASE_URL names a server that does not answer"):
        GivenPostgres(f"postgresql://postgres@{nobody}/postgres")
    with pytest.raises(Unavailable, match="KLARA_TEST_AMQP_URL names a server that does not answer"):
        GivenRabbitMQ(f"amqp://guest:guest@{nobody}/%2F")


def test_a_postgres_that_the_environment_names_is_asked_for_other_databases_of_its_own(
    postgres_server: PostgresServer,
) -> None:
    given = GivenPostgres(postgres_server.url("postgres"))
    assert given.version == postgres_server.version
    assert given.url("other") == postgres_server.url("other")
