"""The lines to the phone companies, shared by every dialer: whoever locks the row claims the next call.

A trunk that is paused for a while is then tried with a single call, until one has shown that it works again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from klara_daemon.store.database import Connection

_ON_TRIAL = 1


@dataclass(frozen=True, slots=True)
class Trunk:
    """How a trunk stands. `slot_in_s` until the next call may go out; the offset is our clock minus the database's.

    `paused_s`: how much longer it is paused, or 0. `is_on_trial`: it was paused, and a single call is tried.
    """

    open_calls: int
    paused_s: float
    paused_because: str
    is_on_trial: bool
    slot_in_s: float
    clock_offset_s: float

    @property
    def is_paused(self) -> bool:
        """Whether no call may be placed now."""
        return self.paused_s > 0

    def takes(self, calls_at_once: int) -> int:
        """How many calls at once it takes now, of so many that it takes at its best: on trial a single one."""
        return min(calls_at_once, _ON_TRIAL) if self.is_on_trial else calls_at_once


_TRUNK = (
    "SELECT (SELECT count(*) FROM attempts a WHERE a.provider = t.provider AND a.state <> 'ended') AS open_calls,"
    " greatest(0, extract(epoch FROM greatest(paused_until, wait_until, '-infinity') - clock_timestamp()))::float8"
    "   AS paused_s,"
    " CASE WHEN paused_until IS NULL THEN 'the phone company asks to wait' ELSE coalesce(paused_because, '') END"
    "   AS paused_because,"
    " paused_until IS NOT NULL AND paused_until <= clock_timestamp() AS is_on_trial,"
    " greatest(0, extract(epoch FROM next_call_at - clock_timestamp()))::float8 AS slot_in_s,"
    " clock_timestamp() AS database_at FROM trunks t WHERE provider = $1"
)


def _trunk(row: asyncpg.Record | None) -> Trunk:
    if row is None:
        return Trunk(0, 0, "", is_on_trial=False, slot_in_s=0, clock_offset_s=0)
    offset_s = (datetime.now(UTC) - row["database_at"]).total_seconds()
    return Trunk(
        open_calls=row["open_calls"],
        paused_s=row["paused_s"],
        paused_because=row["paused_because"],
        is_on_trial=row["is_on_trial"],
        slot_in_s=row["slot_in_s"],
        clock_offset_s=offset_s,
    )


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


async def pause(conn: Connection, provider: str, because: str, for_s: float) -> bool:
    """Place no call on this trunk for a while, then try a single one; True when it was neither paused nor on trial."""
    before: bool | None = await conn.fetchval(
        "SELECT paused_until IS NOT NULL FROM trunks WHERE provider = $1 FOR UPDATE", provider
    )
    await conn.execute(
        "UPDATE trunks SET paused_because = $2, paused_until = clock_timestamp() + make_interval(secs => $3)"
        " WHERE provider = $1",
        provider,
        because[:500],
        for_s,
    )
    return before is False


async def wait(conn: Connection, provider: str, for_s: float) -> None:
    """Place no call on this trunk for a while, and then go on as before: it was asked too much at once."""
    await conn.execute(
        "UPDATE trunks SET wait_until = greatest(wait_until, clock_timestamp() + make_interval(secs => $2))"
        " WHERE provider = $1",
        provider,
        for_s,
    )


async def resume(conn: Connection, provider: str | None = None) -> list[str]:
    """End the pause or trial of this trunk, or of all: what failed before counts no more. Their names come back."""
    rows = await conn.fetch(
        "UPDATE trunks SET paused_until = NULL, paused_because = NULL, counted_since = clock_timestamp()"
        " WHERE paused_until IS NOT NULL AND ($1::text IS NULL OR provider = $1) RETURNING provider",
        provider,
    )
    return [row["provider"] for row in rows]


async def paused(conn: Connection) -> list[tuple[str, str]]:
    """Trunks that are paused or on trial, and why."""
    rows = await conn.fetch(
        "SELECT provider, coalesce(paused_because, '') AS because FROM trunks WHERE paused_until IS NOT NULL"
    )
    return [(row["provider"], row["because"]) for row in rows]


async def known(conn: Connection) -> list[str]:
    """Every trunk on which a call was ever placed."""
    return [row["provider"] for row in await conn.fetch("SELECT provider FROM trunks ORDER BY provider")]


async def lately(conn: Connection, provider: str, within_s: float) -> tuple[int, int]:
    """How many calls on this trunk ended lately (since it last resumed), and how many of them failed technically."""
    row = await conn.fetchrow(
        "SELECT count(*), count(*) FILTER (WHERE disposition = 'technical_failure') FROM attempts"
        " WHERE provider = $1 AND state = 'ended' AND disposition <> 'not_placed'"
        "   AND state_since > greatest(now() - make_interval(secs => $2),"
        "                              (SELECT counted_since FROM trunks WHERE provider = $1))",
        provider,
        within_s,
    )
    return (row[0], row[1]) if row else (0, 0)


async def trial(conn: Connection, provider: str) -> bool | None:
    """What the call came to that was tried after the pause: it worked, it failed; None while it is not known."""
    worked: bool | None = await conn.fetchval(
        "SELECT bool_or(a.disposition IS DISTINCT FROM 'technical_failure') FROM trunks t CROSS JOIN LATERAL"
        "  (SELECT disposition, placing_since FROM attempts"
        "    WHERE provider = t.provider AND state IN ('ringing', 'talking')"
        "    UNION ALL"
        "   SELECT disposition, placing_since FROM attempts WHERE provider = t.provider AND state = 'ended'"
        "      AND state_since > t.paused_until AND disposition <> 'not_placed') a"
        " WHERE t.provider = $1 AND a.placing_since > t.paused_until",
        provider,
    )
    return worked
