"""Calls of which too little is known, and those that are to be ended: what the reconciler looks for."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from klara_daemon.domain.dispositions import AttemptState
from klara_daemon.store.calls import COLUMNS, Attempt, attempt_of
from klara_daemon.store.database import Connection

_OF_A = ", ".join(f"a.{column.strip()}" for column in COLUMNS.split(","))


async def claim_hang_up(conn: Connection, again_s: float) -> Attempt | None:
    """A call that is to be ended and whose phone company was not asked for `again_s` seconds."""
    row = await conn.fetchrow(
        "WITH due AS MATERIALIZED (SELECT id FROM attempts"
        "   WHERE state NOT IN ('claimed', 'ended') AND hang_up_because IS NOT NULL AND provider_ref IS NOT NULL"
        "     AND (hung_up_at IS NULL OR hung_up_at < now() - make_interval(secs => $1))"
        "   LIMIT 1 FOR UPDATE SKIP LOCKED)"
        f" UPDATE attempts a SET hung_up_at = now() FROM due WHERE a.id = due.id RETURNING {_OF_A}",
        again_s,
    )
    return attempt_of(row) if row else None


async def orphaned_claims(conn: Connection, for_s: float) -> list[UUID]:
    """Attempts that were claimed a while ago and never sent: whoever claimed them is gone."""
    rows = await conn.fetch(
        "SELECT id FROM attempts WHERE state = 'claimed' AND state_since < now() - make_interval(secs => $1)", for_s
    )
    return [row["id"] for row in rows]


async def lost_dials(conn: Connection, for_s: float) -> list[UUID]:
    """Attempts whose request may be out and of whose answer nobody will hear: whoever sent it is gone."""
    rows = await conn.fetch(
        "UPDATE attempts SET state = 'unclear', state_since = now()"
        " WHERE state = 'placing' AND state_since < now() - make_interval(secs => $1) RETURNING id",
        for_s,
    )
    return [row["id"] for row in rows]


async def claim_look(conn: Connection, patience_s: Mapping[AttemptState, float], again_s: float) -> Attempt | None:
    """An open call without news for longer than its state's patience, not asked about for `again_s` seconds."""
    row = await conn.fetchrow(
        "WITH due AS MATERIALIZED (SELECT t.id FROM attempts t"
        "   JOIN unnest($1::text[], $2::float8[]) AS patience(state, seconds) ON patience.state = t.state"
        "   WHERE t.state <> 'ended' AND t.state_since < now() - make_interval(secs => patience.seconds)"
        "     AND (t.looked_at IS NULL OR t.looked_at < now() - make_interval(secs => $3))"
        "   ORDER BY t.state_since LIMIT 1 FOR UPDATE OF t SKIP LOCKED)"
        f" UPDATE attempts a SET looked_at = now() FROM due WHERE a.id = due.id RETURNING {_OF_A}",
        list(patience_s),
        list(patience_s.values()),
        again_s,
    )
    return attempt_of(row) if row else None


async def not_ringing(conn: Connection) -> list[Attempt]:
    """Calls that have been asked for and do not ring yet."""
    rows = await conn.fetch(
        f"SELECT {COLUMNS} FROM attempts WHERE state IN ('unclear', 'placed') AND hang_up_because IS NULL"
    )
    return [attempt_of(row) for row in rows]


async def withdrawn(conn: Connection) -> list[tuple[UUID, str]]:
    """Calls in which nobody speaks yet, whose reason has gone and which nobody has called off; and why."""
    rows = await conn.fetch(
        "SELECT a.id, o.withdraw_because FROM attempts a JOIN outreaches o ON o.id = a.outreach_id"
        " WHERE a.state IN ('placing', 'unclear', 'placed', 'ringing') AND a.hang_up_because IS NULL"
        "   AND o.withdraw_because IS NOT NULL"
    )
    return [(row["id"], row["withdraw_because"]) for row in rows]


async def taken_refs(conn: Connection, e164: str) -> frozenset[str]:
    """The phone company's ids of calls to a number that belong to known attempts."""
    rows = await conn.fetch("SELECT provider_ref FROM attempts WHERE e164 = $1 AND provider_ref IS NOT NULL", e164)
    return frozenset(row["provider_ref"] for row in rows)


async def seconds_since_placing(conn: Connection, attempt_id: UUID) -> float:
    """How long ago, by the database's clock, the request may have gone out."""
    seconds: float | None = await conn.fetchval(
        "SELECT extract(epoch FROM clock_timestamp() - placing_since)::float8 FROM attempts WHERE id = $1", attempt_id
    )
    return seconds or 0.0
