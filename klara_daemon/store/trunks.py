"""The lines to the phone companies, shared by every dialer: whoever locks the row claims the next call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from klara_daemon.store.database import Connection


@dataclass(frozen=True, slots=True)
class Trunk:
    """How a trunk stands. `slot_in_s` until the next call may go out; the offset is our clock minus the database's."""

    open_calls: int
    is_paused: bool
    slot_in_s: float
    clock_offset_s: float


_TRUNK = (
    "SELECT (SELECT count(*) FROM attempts a WHERE a.provider = t.provider AND a.state <> 'ended') AS open_calls,"
    " coalesce(paused_until > clock_timestamp(), false) AS is_paused,"
    " greatest(0, extract(epoch FROM next_call_at - clock_timestamp()))::float8 AS slot_in_s,"
    " clock_timestamp() AS database_at FROM trunks t WHERE provider = $1"
)


def _trunk(row: asyncpg.Record | None) -> Trunk:
    if row is None:
        return Trunk(0, is_paused=False, slot_in_s=0, clock_offset_s=0)
    offset_s = (datetime.now(UTC) - row["database_at"]).total_seconds()
    return Trunk(row["open_calls"], row["is_paused"], row["slot_in_s"], offset_s)


async def look(conn: Connection, provider: str) -> Trunk:
    """How the trunk stands, not locked; one that was never used is free."""
    return _trunk(await conn.fetchrow(_TRUNK, provider))


async def lock(conn: Connection, provider: str) -> Trunk:
    """Let nobody else claim a call on this trunk until the transaction ends."""
    await conn.execute("INSERT INTO trunks (provider) VALUES ($1) ON CONFLICT DO NOTHING", provider)
    await conn.execute("SELECT FROM trunks WHERE provider = $1 FOR UPDATE", provider)
    return _trunk(await conn.fetchrow(_TRUNK, provider))


async def take_slot(conn: Connection, provider: str, calls_per_second: float) -> float:
    """Take the trunk's next slot; the seconds until it come back."""
    wait_s: float = await conn.fetchval(
        "UPDATE trunks SET next_call_at = greatest(next_call_at, clock_timestamp()) + make_interval(secs => $2)"
        " WHERE provider = $1 RETURNING"
        " greatest(0, extract(epoch FROM next_call_at - make_interval(secs => $2) - clock_timestamp()))::float8",
        provider,
        1 / calls_per_second,
    )
    return wait_s


async def pause(conn: Connection, provider: str, because: str, for_s: float) -> None:
    """Place no call on this trunk for a while; then a single one finds out whether it goes on."""
    await conn.execute(
        "UPDATE trunks SET paused_because = $2, paused_until = clock_timestamp() + make_interval(secs => $3)"
        " WHERE provider = $1",
        provider,
        because[:500],
        for_s,
    )


async def paused(conn: Connection) -> list[tuple[str, str]]:
    """Trunks that are paused, and why."""
    rows = await conn.fetch(
        "SELECT provider, coalesce(paused_because, '') AS because FROM trunks WHERE paused_until > clock_timestamp()"
    )
    return [(row["provider"], row["because"]) for row in rows]
