"""Who is the same person within a company: known by candidate and by each number, whatever the job."""

from __future__ import annotations

from collections.abc import Collection

from klara_daemon.domain.phone_numbers import callable_numbers
from klara_daemon.store.database import Connection

_TAIL = 6


async def numbers_of(conn: Connection, company_id: int, candidate_id: int, country: str) -> tuple[str, ...]:
    """The numbers (E.164) known of a candidate, national ones as those of `country`; none of one never read."""
    phones = await conn.fetchval(
        "SELECT phones FROM candidates WHERE company_id = $1 AND candidate_id = $2", company_id, candidate_id
    )
    return callable_numbers(phones or (), country)


async def candidates_with(conn: Connection, company_id: int, numbers: Collection[str], country: str) -> list[int]:
    """The candidates of a company of whom any of these numbers (E.164) is known.

    What recruiters typed is kept as they typed it. The last digits of a number stand in it one after another, unless
    they are digits of another script; so only a few texts have to be read, however many candidates there are.
    """
    rows = await conn.fetch(
        "SELECT candidate_id, phones FROM candidates c WHERE company_id = $1 AND EXISTS"
        " (SELECT FROM unnest(c.phones) phone WHERE octet_length(phone) <> length(phone)"
        "     OR regexp_replace(phone, '[^0-9]', '', 'g') ~ ANY($2::text[])) ORDER BY candidate_id",
        company_id,
        [number.removeprefix("+")[-_TAIL:] for number in numbers],
    )
    wanted = set(numbers)
    return [row["candidate_id"] for row in rows if not wanted.isdisjoint(callable_numbers(row["phones"], country))]
