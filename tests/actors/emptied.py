"""One database for many tests, emptied before each.

A clone for each test costs between 0.3 and 1.5 s on two busy cores, emptying some milliseconds; these tests are many
and each of them leaves a few rows only. What it does not do: number anew what Postgres numbers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import asyncpg
import pytest

from tests.servers.databases import _execute
from tests.servers.interfaces import PostgresServer

_EMPTY = """
SELECT 'DELETE FROM ' || string_agg(quote_ident(tablename), '; DELETE FROM ')
  FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_migrations'
"""


@pytest.fixture(scope="session")
def _one_database(postgres_server: PostgresServer, _template: str) -> Iterator[str]:
    name = f"klara_emptied_{uuid4().hex[:12]}"
    asyncio.run(_execute(postgres_server, f"CREATE DATABASE {name} TEMPLATE {_template}"))
    yield postgres_server.url(name)
    asyncio.run(_execute(postgres_server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


@pytest.fixture
async def emptied_database_url(_one_database: str) -> str:
    """A migrated database in which nothing stands."""
    connection = await asyncpg.connect(_one_database, timeout=10, command_timeout=30)
    try:
        await connection.execute("SET lock_timeout = '5s'; SET session_replication_role = replica")
        await connection.execute(await connection.fetchval(_EMPTY))
    finally:
        await connection.close()
    return _one_database
