"""Messages on their way out and in: the outbox, what was already processed, what was parked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from klara_daemon.store.database import Connection


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One message that waits to be sent."""

    seq: int
    id: UUID
    name: str
    body: str


@dataclass(frozen=True, slots=True)
class Parked:
    """One message that could not be handled, and why."""

    id: int
    queue: str
    message_id: UUID | None
    name: str
    body: str
    reason: str
    parked_at: datetime


async def take(conn: Connection, limit: int) -> list[OutboxRow]:
    """Lock the oldest messages that no other relay holds; they stay until `remove`."""
    rows = await conn.fetch(
        "SELECT seq, id, name, body FROM outbox ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED", limit
    )
    return [OutboxRow(*row.values()) for row in rows]


async def remove(conn: Connection, seqs: Sequence[int]) -> None:
    """Forget messages that the broker has confirmed."""
    await conn.execute("DELETE FROM outbox WHERE seq = ANY($1::bigint[])", seqs)


async def backlog(conn: Connection) -> tuple[int, float]:
    """How many messages wait to be sent, and for how many seconds the oldest has."""
    row = await conn.fetchrow(
        "SELECT count(*) AS waiting, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS age"
        " FROM outbox"
    )
    return (row["waiting"], row["age"]) if row else (0, 0.0)


async def fresh(conn: Connection, queue: str, ids: Sequence[UUID]) -> Collection[UUID]:
    """Enter messages as processed; the ids that were not so before come back."""
    rows = await conn.fetch(
        "INSERT INTO processed (queue, message_id) SELECT $1, id FROM unnest($2::uuid[]) id"
        " ON CONFLICT DO NOTHING RETURNING message_id",
        queue,
        ids,
    )
    return {row["message_id"] for row in rows}


async def park(conn: Connection, queue: str, message_id: UUID | None, name: str, body: str, reason: str) -> int:
    """Set a message aside for a person; its number comes back."""
    number: int = await conn.fetchval(
        "INSERT INTO parked (queue, message_id, name, body, reason) VALUES ($1, $2, $3, $4, $5) RETURNING id",
        queue,
        message_id,
        _storable(name[:200]),
        _storable(body[:100_000]),
        _storable(reason[:2_000]),
    )
    return number


def _storable(text: str) -> str:
    """Postgres holds every sign but this one."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


async def parked(conn: Connection) -> list[Parked]:
    """What is set aside and not settled, oldest first."""
    rows = await conn.fetch(
        "SELECT id, queue, message_id, name, body, reason, parked_at FROM parked WHERE settled_at IS NULL ORDER BY id"
    )
    return [Parked(*row.values()) for row in rows]


async def settle(conn: Connection, number: int, how: str) -> Parked | None:
    """Mark one as `replayed` or `dropped`; None when there is no such open one."""
    row = await conn.fetchrow(
        "UPDATE parked SET settled_at = now(), settled_how = $2 WHERE id = $1 AND settled_at IS NULL"
        " RETURNING id, queue, message_id, name, body, reason, parked_at",
        number,
        how,
    )
    return Parked(*row.values()) if row else None


async def send_again(conn: Connection, message_id: UUID, name: str, body: str) -> None:
    """Put a message into the outbox once more, under a new id."""
    await conn.execute("INSERT INTO outbox (id, name, body) VALUES ($1, $2, $3)", message_id, name, body)


async def forget_processed(conn: Connection, days: int) -> None:
    """Drop the memory of messages older than any redelivery can be."""
    await conn.execute("DELETE FROM processed WHERE at < now() - make_interval(days => $1)", days)
