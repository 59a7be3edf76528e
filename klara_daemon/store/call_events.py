"""What the phone company tells about calls: each piece of news kept once, applied once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from klara_daemon.store.database import Connection


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One piece of news from the phone company."""

    id: int
    attempt_id: UUID
    ref: str
    kind: str
    call_status: str | None
    answered_by: str | None
    sip_code: int | None
    error_code: str | None
    waited_s: float
    """For how many seconds of real time it has been here."""


async def accept(
    conn: Connection,
    attempt_id: UUID,
    dedup_key: str,
    ref: str,
    kind: str,
    *,
    call_status: str | None = None,
    answered_by: str | None = None,
    sip_code: int | None = None,
    error_code: str | None = None,
) -> bool:
    """Store a piece of news; False when it was there already."""
    number = await conn.fetchval(
        "INSERT INTO call_events (attempt_id, dedup_key, ref, kind, call_status, answered_by, sip_code, error_code)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING id",
        attempt_id,
        dedup_key,
        ref,
        kind,
        call_status,
        answered_by,
        sip_code,
        error_code,
    )
    return number is not None


async def take(conn: Connection, attempt_ids: Sequence[UUID]) -> list[CallEvent]:
    """The news of these attempts that was not applied yet; it counts as applied from now on."""
    rows = await conn.fetch(
        "UPDATE call_events SET applied_at = now() WHERE attempt_id = ANY($1::uuid[]) AND applied_at IS NULL"
        " RETURNING id, attempt_id, ref, kind, call_status, answered_by, sip_code, error_code,"
        " extract(epoch FROM now() - received_at)::float8 AS waited_s",
        attempt_ids,
    )
    return sorted((CallEvent(*row.values()) for row in rows), key=lambda event: event.id)


async def put_back(conn: Connection, event_id: int) -> None:
    """A piece of news that cannot be applied yet: it counts as not applied, and is told of again."""
    await conn.execute("UPDATE call_events SET applied_at = NULL WHERE id = $1", event_id)


async def is_waiting(conn: Connection, attempt_id: UUID) -> bool:
    """Whether there is news of this attempt that was not applied yet."""
    waiting: bool = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM call_events WHERE attempt_id = $1 AND applied_at IS NULL)", attempt_id
    )
    return waiting


async def unheard(conn: Connection, for_s: float) -> list[UUID]:
    """Attempts whose news has waited for a while: the message that told of it was lost."""
    rows = await conn.fetch(
        "SELECT DISTINCT attempt_id FROM call_events WHERE applied_at IS NULL"
        " AND received_at < now() - make_interval(secs => $1) LIMIT 1000",
        for_s,
    )
    return [row["attempt_id"] for row in rows]
