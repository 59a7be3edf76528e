"""A database per test: a clone of one that was migrated once, which takes some 30 ms."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from uuid import uuid4

import asyncpg

from klara_daemon.store.migrations import migrate
from tests.servers.interfaces import PostgresServer

_WITHIN_S = 30.0


@contextmanager
def migrated_template(server: PostgresServer) -> Iterator[str]:
    """The name of a migrated database to clone; dropped in the end."""
    name = f"klara_template_{uuid4().hex[:12]}"
    asyncio.run(_execute(server, f"CREATE DATABASE {name}"))
    try:
        migrate(server.url(name))
        yield name
    finally:
        asyncio.run(_execute(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


@asynccontextmanager
async def cloned(server: PostgresServer, template: str) -> AsyncIterator[str]:
    """The URL of a database like the template; dropped in the end, whoever is still connected."""
    name = f"klara_test_{uuid4().hex[:12]}"
    await _execute(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield server.url(name)
    finally:
        await _execute(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@asynccontextmanager
async def empty(server: PostgresServer) -> AsyncIterator[str]:
    """The URL of a database that holds nothing; dropped in the end."""
    async with cloned(server, "template0") as url:
        yield url


async def _execute(server: PostgresServer, statement: str) -> None:
    async with asyncio.timeout(_WITHIN_S):
        connection = await asyncpg.connect(server.url())
        try:
            await connection.execute(statement)
        finally:
            await connection.close()
