"""One database for many tests, emptied before each, and furnished with the settings of a company.

A clone for each test costs between 0.3 and 1.5 s on two busy cores, emptying some milliseconds; these tests are many
and each of them leaves a few rows only. What it does not do: number anew what Postgres numbers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import asyncpg
import pytest

from klara_daemon.store.database import Database
from tests.actors.scene import MONDAY, store_settings_and_token
from tests.servers.databases import _execute
from tests.servers.interfaces import PostgresServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from klara_daemon.store.database import Connection

_EMPTY: Final = (
    "SELECT string_agg(format('DELETE FROM %I', tablename), ';')"
    " FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_migrations'"
)
_FURNITURE: Final = (
    "companies", "call_settings", "calling_windows", "question_sets", "questions", "watched_stages", "company_secrets"
)  # fmt: skip
_KEEP: Final = ";".join(f"CREATE TABLE furniture.{table} AS TABLE {table}" for table in _FURNITURE)
_FURNISH: Final = ";".join(f"INSERT INTO {table} SELECT * FROM furniture.{table}" for table in _FURNITURE)  # noqa: S608


@pytest.fixture(scope="session")
def _one_database(postgres_server: PostgresServer, _template: str) -> Iterator[str]:
    name = f"klara_emptied_{uuid4().hex[:12]}"
    asyncio.run(_execute(postgres_server, f"CREATE DATABASE {name} TEMPLATE {_template}"))
    asyncio.run(_keep_furniture(postgres_server.url(name)))
    yield postgres_server.url(name)
    asyncio.run(_execute(postgres_server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


@pytest.fixture
async def emptied_database_url(_one_database: str) -> str:
    """A migrated database in which nothing stands."""
    async with _behind_the_triggers(_one_database) as conn:
        await conn.execute(await conn.fetchval(_EMPTY))
    return _one_database


@pytest.fixture
async def furnished_database_url(_one_database: str) -> str:
    """The same with the settings and the token of a company, as `store_settings_and_token` has stored them."""
    async with _behind_the_triggers(_one_database) as conn:
        await conn.execute(f"{await conn.fetchval(_EMPTY)};{_FURNISH}")
    return _one_database


async def _keep_furniture(url: str) -> None:
    database = await Database.open(url, lambda: MONDAY)
    try:
        await store_settings_and_token(database)
        async with database.connection() as conn:
            await conn.execute(f"CREATE SCHEMA furniture; {_KEEP}")
    finally:
        await database.close()


@asynccontextmanager
async def _behind_the_triggers(url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(url, timeout=10, command_timeout=30)
    try:
        await connection.execute("SET lock_timeout = '5s'; SET session_replication_role = replica")
        yield connection
    finally:
        await connection.close()
