"""The way to Postgres: one pool, and transactions that carry outgoing messages and decisions with them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import asyncpg

from klara_daemon.errors import KlaraError
from klara_daemon.messages import Message, encode

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
else:
    Connection = asyncpg.Connection

ACQUIRE_S = 10.0
STATEMENT_S = 30.0

#: What a database looks like that cannot be worked with now, and can when somebody has seen to it; anything else is a
#: fault of ours or of the data.
OUTAGE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what asyncpg makes of a connection that was lost in the middle of an answer
    asyncpg.OperatorInterventionError,  # stopped, crashed, starting, dropped
    asyncpg.InsufficientResourcesError,  # too many connections, disk full
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ReadOnlySQLTransactionError,  # the other server has become the primary one
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    OSError,
    TimeoutError,
)


class UnusableAddress(KlaraError):
    """The driver can make nothing of the database's address: unlike an outage, no waiting mends it."""

    exit_status = 78  # EX_CONFIG


@contextmanager
def address_faults_in_words() -> Iterator[None]:
    """Turn the driver's word on an address that it cannot use, one of its `OUTAGE`s, into `UnusableAddress`."""
    try:
        yield
    except asyncpg.ClientConfigurationError as error:
        raise UnusableAddress(
            "The address of the database cannot be used.",
            means=f"{error}",  # names options and files, never the password
            remedy="Mend KLARA_DATABASE_URL, or the variable of libpq's (PGSSLMODE ...) that it is about.",
        ) from None


@dataclass(frozen=True, slots=True)
class About:
    """Whom and what a line of the timeline is about."""

    company_id: int
    candidate_id: int
    offer_id: int | None = None
    outreach_id: UUID | None = None
    attempt_id: UUID | None = None


class Transaction:
    """One open transaction: its connection, the business time at which it decides, and what it will send."""

    def __init__(self, conn: Connection, clock: Callable[[], datetime]) -> None:
        self.conn = conn
        self._clock = clock
        self.now = clock()
        self._outgoing: list[Message] = []
        self._timeline: list[tuple[Any, ...]] = []
        self.bells: set[str] = set()

    def catch_up(self) -> None:
        """Look at the clock again: locks may have been waited for."""
        self.now = self._clock()

    def send(self, message: Message) -> None:
        """Hand a message to the outbox; it goes out if and only if this transaction commits."""
        self._outgoing.append(message)

    def ring(self, bell: str) -> None:
        """Wake who waits for this bell, in every process, once this transaction has committed."""
        self.bells.add(bell)

    def note(self, event: str, about: About, *, rule: str | None = None, **details: object) -> None:
        """Write a line of the candidate's timeline: what was decided or done, and by which rule."""
        facts = json.dumps(details, default=str, ensure_ascii=False)
        self._timeline.append((*astuple(about), self.now, event, rule, facts))

    async def finish(self) -> None:
        """Write what was collected; the last thing before the commit."""
        if self._timeline:
            await self.conn.executemany(
                "INSERT INTO timeline (company_id, candidate_id, offer_id, outreach_id, attempt_id, at, event, rule,"
                " details) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb)",
                self._timeline,
            )
        if self._outgoing:
            await self.conn.execute(
                "INSERT INTO outbox (id, name, body) SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[])",
                [uuid4() for _ in self._outgoing],
                [message.name for message in self._outgoing],
                [encode(message) for message in self._outgoing],
            )
            self.bells.add("outbox")
        if elsewhere := sorted(self.bells - {"outbox"}):
            await self.conn.execute("SELECT pg_notify('klara_bell', bell) FROM unnest($1::text[]) bell", elsewhere)


class Bells:
    """Named bells of this process. Each who waits has an ear of its own, so that none hears for another."""

    def __init__(self) -> None:
        self._ears: dict[str, list[asyncio.Event]] = {}

    def ear(self, name: str) -> asyncio.Event:
        """An event that is set whenever this bell rings, also while nobody waits; whoever asked for it clears it."""
        ear = asyncio.Event()
        self._ears.setdefault(name, []).append(ear)
        return ear

    def ring(self, *names: str) -> None:
        """Ring the named bells."""
        for name in names:
            for ear in self._ears.get(name, ()):
                ear.set()

    def ring_all(self) -> None:
        """Ring every bell: something may have been missed."""
        self.ring(*self._ears)


class Database:
    """The pool, the business clock by which transactions decide, and the bells that ring after a commit."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], now: Callable[[], datetime]) -> None:
        self._pool = pool
        self.now = now
        self.bells = Bells()

    @classmethod
    async def open(cls, url: str, now: Callable[[], datetime], *, size: int = 10) -> Database:
        """Open the pool. Raises one of `OUTAGE` when Postgres is not to be reached."""
        pool = await asyncpg.create_pool(
            url,
            min_size=0,
            max_size=size,
            timeout=ACQUIRE_S,
            command_timeout=STATEMENT_S,
            max_inactive_connection_lifetime=120,
            server_settings={
                "application_name": "klara-daemon",
                "timezone": "UTC",
                "idle_in_transaction_session_timeout": "30s",
                "tcp_keepalives_idle": "30",
                "tcp_keepalives_interval": "10",
                "tcp_keepalives_count": "3",
            },
        )
        return cls(pool, now)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection outside of any transaction, for reading."""
        with address_faults_in_words():
            async with self._pool.acquire(timeout=ACQUIRE_S) as conn:
                yield conn

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction: committed on leaving, rolled back on an exception. Messages and bells go with the commit."""
        async with self.connection() as conn, conn.transaction():
            tx = Transaction(conn, self.now)
            yield tx
            await tx.finish()
        self.bells.ring(*tx.bells)

    async def close(self) -> None:
        """Close the pool; whatever still holds a connection after some seconds loses it."""
        try:
            async with asyncio.timeout(5):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()
