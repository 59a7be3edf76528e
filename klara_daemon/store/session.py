"""One connection for one command, and what goes wrong with it in words for the person who gave the command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg

from klara_daemon.errors import KlaraError
from klara_daemon.store.database import OUTAGE, Connection, Transaction, address_faults_in_words

CONNECT_S = 10.0
STATEMENT_S = 30.0
CHECK_URL = "Check KLARA_DATABASE_URL."


class DatabaseFailed(KlaraError):
    """The database could not be reached or used."""


@asynccontextmanager
async def session(database_url: str) -> AsyncIterator[Connection]:
    """A connection of its own. Whatever the database does to the body comes out as `DatabaseFailed`.

    Raises `UnusableAddress` when there is no sense in asking at all.
    """
    try:
        conn = await _connect(database_url)
        try:
            yield conn
        finally:
            await conn.close(timeout=CONNECT_S)
    except (asyncpg.PostgresError, *OUTAGE) as error:
        raise _explained(error) from error


@asynccontextmanager
async def transaction(database_url: str) -> AsyncIterator[Transaction]:
    """One transaction of a command, with its messages and lines of the timeline, at the time of this machine."""
    async with session(database_url) as conn, conn.transaction():
        tx = Transaction(conn, lambda: datetime.now(UTC))
        yield tx
        await tx.finish()


async def _connect(database_url: str) -> Connection:
    try:
        with address_faults_in_words():
            return await asyncpg.connect(database_url, timeout=CONNECT_S, command_timeout=STATEMENT_S)
    except ValueError as error:
        raise DatabaseFailed("The address of the database cannot be understood.", remedy=CHECK_URL) from error


def _explained(error: Exception) -> DatabaseFailed:
    said = str(error.args[0]) if error.args else type(error).__name__
    match error:
        case asyncpg.InvalidAuthorizationSpecificationError() | asyncpg.InvalidCatalogNameError():
            return DatabaseFailed(f"Postgres lets nobody in so: {said}.", remedy=CHECK_URL)
        case asyncpg.UndefinedTableError() | asyncpg.UndefinedColumnError() | asyncpg.UndefinedFunctionError():
            return DatabaseFailed(
                f"The tables are not those of this version: {said}.", remedy="Run `klara-daemon migrate`."
            )
        case asyncpg.InsufficientPrivilegeError():
            return DatabaseFailed(
                f"The database role may not do this: {said}.", remedy=f"{CHECK_URL} The daemon's own role is needed."
            )
        case _ if isinstance(error, OUTAGE):
            return DatabaseFailed(
                f"The database cannot be reached: {said}.",
                means="Nothing was changed, unless the connection broke at the very end.",
                remedy=f"Try again when it is there. {CHECK_URL}",
            )
        case _:
            return DatabaseFailed(f"The database refused: {said}.", means="Nothing was changed.")
