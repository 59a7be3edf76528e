"""A database of the machine's own, into which another program may have written what the settings command refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import asyncpg
import pytest

from tests.machine.settings import CHECKS_TO_WRITE_PAST
from tests.servers.databases import _execute
from tests.servers.interfaces import PostgresServer


@pytest.fixture(scope="session")
def machine_database_url(postgres_server: PostgresServer, _template: str) -> Iterator[str]:
    """Migrated, and without some of the checks on settings; each example empties it."""
    name = f"klara_machine_{uuid4().hex[:12]}"
    asyncio.run(_execute(postgres_server, f"CREATE DATABASE {name} TEMPLATE {_template}"))
    asyncio.run(_without_checks(postgres_server.url(name)))
    yield postgres_server.url(name)
    asyncio.run(_execute(postgres_server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


async def _without_checks(url: str) -> None:
    connection = await asyncpg.connect(url, timeout=10, command_timeout=30)
    try:
        for table, check in CHECKS_TO_WRITE_PAST:
            await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {check}")
    finally:
        await connection.close()
