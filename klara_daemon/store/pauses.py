"""Who is not to be called at all for now: one company, or every one. A flag for people, obeyed before each dial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from klara_daemon.store.database import Connection

EVERY_COMPANY = 0


@dataclass(frozen=True, slots=True)
class CallingPause:
    """One row of `calling_pauses`. `company_id` is `EVERY_COMPANY` for all of them; `paused_at` aware UTC."""

    company_id: int
    paused_at: datetime
    who: str
    why: str


async def pause(conn: Connection, company_id: int, who: str, why: str) -> bool:
    """Call nobody of this company until `resume`; False when it was paused before, and by whom and why stays."""
    async with conn.transaction():
        await conn.execute("SELECT set_config('klara.who', $1, true)", who)
        tag = await conn.execute(
            "INSERT INTO calling_pauses (company_id, who, why) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            company_id,
            who,
            why,
        )
    return tag == "INSERT 0 1"


async def resume(conn: Connection, company_id: int, who: str) -> bool:
    """Call again; False when nobody had paused it."""
    async with conn.transaction():
        await conn.execute("SELECT set_config('klara.who', $1, true)", who)
        tag = await conn.execute("DELETE FROM calling_pauses WHERE company_id = $1", company_id)
        await conn.execute("SELECT pg_notify('klara_bell', bell) FROM unnest('{due,dials}'::text[]) bell")
    return tag == "DELETE 1"


async def pauses(conn: Connection) -> Sequence[CallingPause]:
    """Every pause there is."""
    rows = await conn.fetch("SELECT company_id, paused_at, who, why FROM calling_pauses ORDER BY company_id")
    return [CallingPause(*row.values()) for row in rows]


async def reason(conn: Connection, company_id: int) -> str | None:
    """Why nobody of this company is called for now; None when it is not paused."""
    row = await conn.fetchrow(
        "SELECT company_id, why FROM calling_pauses WHERE company_id IN (0, $1) ORDER BY company_id LIMIT 1",
        company_id,
    )
    if row is None:
        return None
    whose = "every company" if row["company_id"] == EVERY_COMPANY else "this company"
    return f"Calling is paused for {whose}: {row['why']}"
