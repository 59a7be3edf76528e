"""What an operator is told about the installation, read from the tables."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from klara_daemon.store.database import Connection


@dataclass(frozen=True, slots=True)
class HeldOutreaches:
    """How many outreaches of a company are held, and what the rule says about one of them."""

    company_id: int
    number: int
    says: str


async def clock_offset_s(conn: Connection) -> float:
    """The clock of this machine minus the database's, in seconds."""
    database_at: datetime = await conn.fetchval("SELECT clock_timestamp()")
    return (datetime.now(UTC) - database_at).total_seconds()


async def companies_without_settings(conn: Connection) -> list[int]:
    """Companies that have secrets here and lack settings, or call settings, or any window: they call nobody."""
    rows = await conn.fetch(
        "SELECT company_id FROM company_secrets UNION SELECT company_id FROM companies"
        " EXCEPT (SELECT company_id FROM call_settings JOIN companies USING (company_id)"
        "          WHERE EXISTS (SELECT FROM calling_windows w WHERE w.company_id = call_settings.company_id))"
        " ORDER BY 1"
    )
    return [row["company_id"] for row in rows]


async def known_companies(conn: Connection) -> list[int]:
    """Companies that have settings or secrets."""
    rows = await conn.fetch(
        "SELECT company_id FROM companies UNION SELECT company_id FROM company_secrets ORDER BY company_id"
    )
    return [row["company_id"] for row in rows]


async def caller_numbers(conn: Connection) -> list[str]:
    """The numbers (E.164) that companies call from."""
    rows = await conn.fetch("SELECT DISTINCT caller_number FROM companies ORDER BY 1")
    return [row["caller_number"] for row in rows]


async def held(conn: Connection) -> list[HeldOutreaches]:
    """Outreaches that wait for a person, by company: not those whose job is closed, which is nothing to be mended."""
    rows = await conn.fetch(
        "SELECT o.company_id, count(*) AS number, coalesce(max((SELECT t.details ->> 'says' FROM timeline t"
        "   WHERE t.outreach_id = o.id AND t.event = 'outreach_held' ORDER BY t.id DESC LIMIT 1)), '') AS says"
        "  FROM outreaches o WHERE o.state = 'held' AND o.held_because IS DISTINCT FROM 'offer_closed'"
        " GROUP BY o.company_id ORDER BY o.company_id"
    )
    return [HeldOutreaches(*row.values()) for row in rows]


async def refused(conn: Connection, codes: Collection[str]) -> list[tuple[int, str, int]]:
    """Companies, one of these error codes, and how many of their candidates the phone company last refused with it."""
    rows = await conn.fetch(
        "SELECT o.company_id, a.error_code, count(*)::int AS number FROM outreaches o CROSS JOIN LATERAL"
        "  (SELECT disposition, error_code FROM attempts WHERE outreach_id = o.id ORDER BY number DESC LIMIT 1) a"
        " WHERE o.state IN ('waiting', 'held') AND a.disposition = 'not_placed' AND a.error_code = ANY($1::text[])"
        " GROUP BY 1, 2 ORDER BY 1, 2",
        list(codes),
    )
    return [(row["company_id"], row["error_code"], row["number"]) for row in rows]


async def overdue_writebacks(conn: Connection, tries: int) -> list[tuple[int, str]]:
    """Companies to whose Recruitee something could not be written after so many tries, and why."""
    rows = await conn.fetch(
        "SELECT company_id, max(fault) AS fault FROM writebacks WHERE done_at IS NULL AND tries >= $1"
        " GROUP BY company_id ORDER BY company_id",
        tries,
    )
    return [(row["company_id"], row["fault"]) for row in rows]
