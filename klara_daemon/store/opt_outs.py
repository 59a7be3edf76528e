"""Who is not to be called again by a company (rule 9): said in a call or entered by hand; taken back, never deleted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from klara_daemon.store.database import Connection


@dataclass(frozen=True, slots=True)
class OptOut:
    """One row of `opt_outs`: whom it names (a candidate, a number in E.164, or both), since when (business time, UTC).

    `who` entered it and `why`. The last three are None while it stands.
    """

    id: int
    candidate_id: int | None
    e164: str | None
    at: datetime
    who: str
    why: str
    removed_at: datetime | None
    removed_by: str | None
    removed_why: str | None


_OPT_OUT = "id, candidate_id, e164, at, who, why, removed_at, removed_by, removed_why"


async def said_in_call(
    conn: Connection, company_id: int, candidate_id: int, e164: str, attempt_id: UUID, at: datetime
) -> None:
    """Neither this person nor this number is called by this company again: so they said on this call."""
    await conn.execute(
        "INSERT INTO opt_outs (company_id, candidate_id, e164, at, attempt_id) VALUES ($1, $2, $3, $4, $5)",
        company_id,
        candidate_id,
        e164,
        at,
        attempt_id,
    )


async def add(
    conn: Connection,
    company_id: int,
    candidate_id: int | None,
    numbers: Sequence[str],
    *,
    at: datetime,
    who: str,
    why: str,
) -> int:
    """Enter a candidate and these numbers (E.164), or one of the two alone; how many rows were new.

    One row a number, or one without. What is opted out already is not entered again.
    """
    tag = await conn.execute(
        "INSERT INTO opt_outs (company_id, candidate_id, e164, at, who, why)"
        " SELECT $1::bigint, $2::bigint, n.e164, $4, $5, $6 FROM unnest($3::text[]) AS n(e164)"
        "  WHERE ($2 IS NOT NULL AND NOT EXISTS"
        "         (SELECT FROM opt_outs x WHERE x.company_id = $1 AND x.candidate_id = $2 AND x.removed_at IS NULL))"
        "     OR (n.e164 IS NOT NULL AND NOT EXISTS"
        "         (SELECT FROM opt_outs x WHERE x.company_id = $1 AND x.e164 = n.e164 AND x.removed_at IS NULL))",
        company_id,
        candidate_id,
        list(numbers) or [None],
        at,
        who,
        why,
    )
    return int(tag.rpartition(" ")[2])


async def remove(
    conn: Connection,
    company_id: int,
    candidate_id: int | None,
    e164: str | None,
    *,
    at: datetime,
    who: str,
    why: str,
) -> list[OptOut]:
    """Take back what names this candidate, or this number; what was taken back."""
    rows = await conn.fetch(
        "UPDATE opt_outs SET removed_at = $4, removed_by = $5, removed_why = $6"
        " WHERE company_id = $1 AND (candidate_id = $2 OR e164 = $3) AND removed_at IS NULL"
        f" RETURNING {_OPT_OUT}",
        company_id,
        candidate_id,
        e164,
        at,
        who,
        why,
    )
    return [_opt_out(row) for row in rows]


async def standing(
    conn: Connection, company_id: int, candidate_ids: Collection[int], numbers: Collection[str]
) -> list[OptOut]:
    """What still forbids to call any of these candidates or numbers (E.164), oldest first."""
    rows = await conn.fetch(
        f"SELECT {_OPT_OUT} FROM opt_outs WHERE company_id = $1 AND removed_at IS NULL"
        "   AND (candidate_id = ANY($2::bigint[]) OR e164 = ANY($3::text[])) ORDER BY id",
        company_id,
        list(candidate_ids),
        list(numbers),
    )
    return [_opt_out(row) for row in rows]


async def of_company(conn: Connection, company_id: int, *, also_removed: bool) -> list[OptOut]:
    """The opt-outs of a company, oldest first."""
    rows = await conn.fetch(
        f"SELECT {_OPT_OUT} FROM opt_outs WHERE company_id = $1 AND (removed_at IS NULL OR $2) ORDER BY id",
        company_id,
        also_removed,
    )
    return [_opt_out(row) for row in rows]


def _opt_out(row: asyncpg.Record) -> OptOut:
    return OptOut(**dict(row))
