"""The webhooks that were accepted: ids and times only, each once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from klara_daemon.domain.stays import Place
from klara_daemon.store.database import Connection


@dataclass(frozen=True, slots=True)
class Accepted:
    """What an accepted webhook hints at. `created_at` is Recruitee's clock."""

    id: int
    company_id: int
    created_at: datetime
    candidate_id: int | None
    offer_id: int | None
    to_stage_id: int | None


async def accept(
    conn: Connection,
    company_id: int,
    webhook_id: str,
    created_at: datetime,
    event_type: str,
    event_subtype: str | None,
    candidate_id: int | None,
    offer_id: int | None,
    to_stage_id: int | None,
) -> int | None:
    """Store a webhook; its number comes back, or None when it was there already."""
    number: int | None = await conn.fetchval(
        "INSERT INTO webhook_events (company_id, webhook_id, created_at, event_type, event_subtype, candidate_id,"
        " offer_id, to_stage_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING id",
        company_id,
        webhook_id,
        created_at,
        event_type,
        event_subtype,
        candidate_id,
        offer_id,
        to_stage_id,
    )
    return number


async def accepted(conn: Connection, ids: list[int]) -> list[Accepted]:
    """The accepted webhooks of these numbers."""
    rows = await conn.fetch(
        "SELECT id, company_id, created_at, candidate_id, offer_id, to_stage_id FROM webhook_events"
        " WHERE id = ANY($1::bigint[]) ORDER BY id",
        ids,
    )
    return [Accepted(*row.values()) for row in rows]


async def was_moved(conn: Connection, company_id: int, candidate_id: int, place: Place, *, since: datetime) -> bool:
    """Whether Recruitee told that this candidate was moved into this stage at or after `since`."""
    moved: bool = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM webhook_events WHERE company_id = $1 AND candidate_id = $2 AND offer_id = $3"
        " AND to_stage_id = $4 AND created_at >= $5)",
        company_id,
        candidate_id,
        place.offer_id,
        place.stage_id,
        since,
    )
    return moved


async def company_is_known(conn: Connection, company_id: int) -> bool:
    """Whether a company has settings or secrets here; either may come first."""
    known: bool = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM companies WHERE company_id = $1)"
        " OR EXISTS (SELECT FROM company_secrets WHERE company_id = $1)",
        company_id,
    )
    return known
