"""Numbers that companies call from and that the phone company does not let them show: whoever shows one waits a while.

The number concerns its company alone, so the trunk goes on. A company that names another number is not held up at all.
"""

from __future__ import annotations

from dataclasses import dataclass

from klara_daemon.store.database import Connection


@dataclass(frozen=True, slots=True)
class RefusedCaller:
    """A company's caller number (E.164) that is refused: why, and until when (seconds) nobody shows it."""

    company_id: int
    caller: str
    because: str
    paused_s: float


async def refused(conn: Connection, caller: str, because: str, for_s: float) -> bool:
    """Show this number to nobody for `for_s` seconds; True when it was not refused before."""
    is_news: bool = await conn.fetchval(
        "INSERT INTO refused_callers (caller, because, refused_until)"
        " VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))"
        " ON CONFLICT (caller) DO UPDATE SET because = EXCLUDED.because, refused_until = EXCLUDED.refused_until"
        " RETURNING xmax = 0",
        caller,
        because[:500],
        for_s,
    )
    return is_news


async def accepted(conn: Connection, caller: str) -> bool:
    """A call that shows this number was placed; True when it had been refused until then."""
    return await conn.execute("DELETE FROM refused_callers WHERE caller = $1", caller) == "DELETE 1"


_REFUSED = (
    "SELECT c.company_id, r.caller, r.because,"
    " greatest(0, extract(epoch FROM r.refused_until - clock_timestamp()))::float8 AS paused_s"
    "  FROM refused_callers r JOIN companies c ON c.caller_number = r.caller"
)


async def of_company(conn: Connection, company_id: int) -> RefusedCaller | None:
    """The number that this company calls from, if nobody shows it for now."""
    row = await conn.fetchrow(f"{_REFUSED} WHERE c.company_id = $1 AND r.refused_until > clock_timestamp()", company_id)
    return RefusedCaller(*row.values()) if row else None


async def of_companies(conn: Connection) -> list[RefusedCaller]:
    """Every number that a company calls from and that was refused the last time."""
    return [RefusedCaller(*row.values()) for row in await conn.fetch(f"{_REFUSED} ORDER BY c.company_id")]
