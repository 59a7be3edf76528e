"""The daemon starts before what it needs is there: it waits, says so, and goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

from klara_daemon.demo.private_server import free_port
from klara_daemon.flow import Role
from klara_daemon.store.migrations import migrate
from tests.journey.forwarding import forwarding
from tests.journey.journey import journey
from tests.journey.verdict import judge
from tests.servers.interfaces import PostgresServer


async def test_a_daemon_that_starts_without_a_broker_waits_for_it(
    database_url: str, amqp_url: str, tmp_path: Path
) -> None:
    broker, port = urlsplit(amqp_url), free_port()
    login = broker.netloc.rpartition("@")[0]
    url = broker._replace(netloc=f"{login}@127.0.0.1:{port}").geturl()
    async with journey(database_url, url, tmp_path) as under_test:
        await under_test.town.set_up()
        under_test.start()
        await under_test.until_ready(503, "broker")
        async with forwarding(port, broker.port or 5672):
            await under_test.until_watching()
            await under_test.go()
            verdict = judge(await under_test.evidence())
            assert verdict.is_clean, str(verdict)


async def test_a_daemon_that_starts_before_the_migrations_waits_for_them(
    postgres_server: PostgresServer, database_url: str, amqp_url: str, tmp_path: Path
) -> None:
    name = f"klara_test_{uuid4().hex[:12]}"
    empty_url = postgres_server.url(name)
    admin = await asyncpg.connect(database_url)
    await admin.execute(f"CREATE DATABASE {name}")
    try:
        async with journey(empty_url, amqp_url, tmp_path, list(Role)) as under_test:
            under_test.start()
            await under_test.until_ready(503, "migrations missing")
            await asyncio.to_thread(migrate, empty_url)
            await under_test.town.set_up()
            await under_test.until_watching()
            await under_test.go()
            verdict = judge(await under_test.evidence())
            assert verdict.is_clean, str(verdict)
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()
