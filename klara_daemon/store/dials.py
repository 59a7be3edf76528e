"""Outreaches that a dialer was asked to call, and why a call was put off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from klara_daemon.store.database import Connection


@dataclass(frozen=True, slots=True)
class Dial:
    """An outreach that a dialer was asked to call."""

    outreach_id: UUID
    tries: int


async def want(conn: Connection, outreach_ids: Iterable[UUID]) -> None:
    """Have these outreaches called when it is their company's turn.

    A company's calls take one turn each, counted on from its last one that waits, or from the turn that is next now: so
    companies alternate, and one that comes late begins at the front (start-time fair queueing).
    """
    await conn.execute(
        "INSERT INTO dials (outreach_id, company_id, turn)"
        " SELECT id, company_id,"
        "   greatest((SELECT max(turn) FROM dials d WHERE d.company_id = o.company_id),"
        "            (SELECT turn FROM dials WHERE due_at <= now() ORDER BY turn LIMIT 1) - 1, 0)"
        "   + row_number() OVER (PARTITION BY company_id ORDER BY due_at, id)"
        "  FROM outreaches o WHERE id = ANY($1::uuid[]) ORDER BY id"
        " ON CONFLICT DO NOTHING",
        sorted(set(outreach_ids)),
    )


async def claim(conn: Connection, lease_s: float) -> Dial | None:
    """The dial whose turn it is, passing over companies that are paused, whose caller number is refused, or that have
    as many calls as they have set.

    It is offered again after `lease_s` unless it is done with.
    """
    row = await conn.fetchrow(
        "WITH due AS MATERIALIZED (SELECT outreach_id FROM dials w WHERE due_at <= now()"
        "    AND NOT EXISTS (SELECT FROM calling_pauses p WHERE p.company_id IN (0, w.company_id))"
        "    AND NOT EXISTS (SELECT FROM refused_callers r JOIN companies c ON c.caller_number = r.caller"
        "                     WHERE c.company_id = w.company_id AND r.refused_until > now())"
        "    AND NOT EXISTS (SELECT FROM call_settings s WHERE s.company_id = w.company_id AND s.calls_at_once <="
        "          (SELECT count(*) FROM attempts a WHERE a.company_id = w.company_id AND a.state <> 'ended'))"
        "  ORDER BY turn, due_at LIMIT 1 FOR UPDATE SKIP LOCKED)"
        " UPDATE dials d SET due_at = now() + make_interval(secs => $1), tries = tries + 1"
        "  FROM due WHERE d.outreach_id = due.outreach_id RETURNING d.outreach_id, d.tries",
        lease_s,
    )
    return Dial(*row.values()) if row else None


async def later(conn: Connection, outreach_id: UUID, after_s: float, because: str) -> bool:
    """Try this dial again after `after_s` seconds; True when the reason is not that of the last time."""
    before: str | None = await conn.fetchval("SELECT because FROM dials WHERE outreach_id = $1", outreach_id)
    await conn.execute(
        "UPDATE dials SET due_at = now() + make_interval(secs => $2), because = $3 WHERE outreach_id = $1",
        outreach_id,
        after_s,
        because,
    )
    return before != because


async def done(conn: Connection, outreach_id: UUID) -> None:
    """Nothing is left to be done for this dial."""
    await conn.execute("DELETE FROM dials WHERE outreach_id = $1", outreach_id)
