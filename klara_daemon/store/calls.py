"""Attempts: one outbound call each, from the claim to its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from klara_daemon.domain.dispositions import AttemptState, Disposition
from klara_daemon.store.database import About, Connection


@dataclass(frozen=True, slots=True)
class Attempt:
    """One row of `attempts`, as far as decisions need it."""

    id: UUID
    outreach_id: UUID
    company_id: int
    candidate_id: int
    number: int
    e164: str
    caller: str
    provider: str
    provider_ref: str | None
    state: AttemptState
    placed_at: datetime | None
    placing_since: datetime | None
    call_status: str | None
    answered_by: str | None
    sip_code: int | None
    error_code: str | None
    hang_up_because: str | None
    ringing_at: datetime | None

    @property
    def about(self) -> About:
        """Whom the timeline's lines about it are about."""
        return About(self.company_id, self.candidate_id, outreach_id=self.outreach_id, attempt_id=self.id)


#: Of `attempts`, in the order of `Attempt`.
COLUMNS = (
    "id, outreach_id, company_id, candidate_id, number, e164, caller, provider, provider_ref, state, placed_at,"
    " placing_since, call_status, answered_by, sip_code, error_code, hang_up_because, ringing_at"
)


def attempt_of(row: asyncpg.Record) -> Attempt:
    """The attempt in a row that holds `COLUMNS`."""
    values: dict[str, Any] = dict(row)
    values["state"] = AttemptState(values["state"])
    return Attempt(**values)


async def claim(
    conn: Connection,
    attempt_id: UUID,
    outreach_id: UUID,
    *,
    e164: str,
    caller: str,
    provider: str,
    now: datetime,
) -> int:
    """Commit to one call, with nothing sent yet; its number (from 1) comes back."""
    number: int = await conn.fetchval(
        "INSERT INTO attempts (id, outreach_id, company_id, candidate_id, number, e164, caller, provider, state,"
        " claimed_at) SELECT $1, o.id, o.company_id, o.candidate_id,"
        "        1 + coalesce((SELECT max(number) FROM attempts WHERE outreach_id = o.id), 0),"
        "        $3, $4, $5, 'claimed', $6"
        "   FROM outreaches o WHERE o.id = $2 RETURNING number",
        attempt_id,
        outreach_id,
        e164,
        caller,
        provider,
        now,
    )
    await conn.execute("UPDATE outreaches SET state = 'calling', due_at = NULL WHERE id = $1", outreach_id)
    return number


async def begin_placing(conn: Connection, attempt_id: UUID, now: datetime) -> datetime | None:
    """The fence: from here on the request may be out. The database's time; None when it is not ours to send."""
    since: datetime | None = await conn.fetchval(
        "UPDATE attempts SET state = 'placing', placed_at = $2, placing_since = clock_timestamp(), state_since = now()"
        " WHERE id = $1 AND state = 'claimed' AND hang_up_because IS NULL RETURNING placing_since",
        attempt_id,
        now,
    )
    return since


async def lock(conn: Connection, ids: Iterable[UUID]) -> list[Attempt]:
    """Lock these attempts, in one order everywhere."""
    rows = await conn.fetch(
        f"SELECT {COLUMNS} FROM attempts WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE",
        sorted(set(ids)),
    )
    return [attempt_of(row) for row in rows]


async def get(conn: Connection, attempt_id: UUID) -> Attempt | None:
    """One attempt, not locked."""
    row = await conn.fetchrow(f"SELECT {COLUMNS} FROM attempts WHERE id = $1", attempt_id)
    return attempt_of(row) if row else None


async def under_way(conn: Connection, company_id: int | None = None) -> list[Attempt]:
    """The calls of a company, or of all, that have been committed to and are not over; not locked."""
    rows = await conn.fetch(
        f"SELECT {COLUMNS} FROM attempts WHERE state <> 'ended' AND ($1::bigint IS NULL OR company_id = $1)"
        " ORDER BY company_id, claimed_at, id",
        company_id,
    )
    return [attempt_of(row) for row in rows]


async def open_of(conn: Connection, outreach_ids: Iterable[UUID]) -> dict[UUID, Attempt]:
    """The call of each of these outreaches that is not over, if there is one; by outreach, not locked."""
    rows = await conn.fetch(
        f"SELECT {COLUMNS} FROM attempts WHERE outreach_id = ANY($1::uuid[]) AND state <> 'ended'", list(outreach_ids)
    )
    return {row["outreach_id"]: attempt_of(row) for row in rows}


async def adopt(conn: Connection, attempt_id: UUID, ref: str) -> None:
    """Keep the phone company's id for the call; the first one told stays."""
    await conn.execute(
        "UPDATE attempts SET provider_ref = $2 WHERE id = $1 AND provider_ref IS NULL"
        " AND NOT EXISTS (SELECT FROM attempts WHERE provider_ref = $2)",
        attempt_id,
        ref,
    )


async def go_on(
    conn: Connection, attempt_id: UUID, state: AttemptState, call_status: str | None, now: datetime
) -> None:
    """Bring an attempt to a later state that is not its end."""
    await conn.execute(
        "UPDATE attempts SET state = $2, state_since = now(), call_status = coalesce($3, call_status),"
        " ringing_at = CASE WHEN $2 = 'ringing' THEN $4 ELSE ringing_at END,"
        " answered_at = CASE WHEN $2 = 'talking' THEN coalesce(answered_at, $4) ELSE answered_at END"
        " WHERE id = $1 AND state <> 'ended'",
        attempt_id,
        state,
        call_status,
        now,
    )


async def machine_told(conn: Connection, attempt_id: UUID, answered_by: str) -> None:
    """Keep who answered, as the phone company's machine detection believes."""
    await conn.execute("UPDATE attempts SET answered_by = $2 WHERE id = $1", attempt_id, answered_by)


async def end(
    conn: Connection,
    attempt_id: UUID,
    disposition: Disposition,
    now: datetime,
    *,
    call_status: str | None = None,
    sip_code: int | None = None,
    error_code: str | None = None,
) -> None:
    """The attempt is over."""
    await conn.execute(
        "UPDATE attempts SET state = 'ended', state_since = now(), disposition = $2, ended_at = $3,"
        " call_status = coalesce($4, call_status), sip_code = coalesce($5, sip_code),"
        " error_code = coalesce($6, error_code) WHERE id = $1 AND state <> 'ended'",
        attempt_id,
        disposition,
        now,
        call_status,
        sip_code,
        error_code,
    )


async def want_hang_up(conn: Connection, attempt_id: UUID, because: str) -> None:
    """Have the phone company end this call; the first reason stays."""
    await conn.execute(
        "UPDATE attempts SET hang_up_because = $2 WHERE id = $1 AND hang_up_because IS NULL AND state <> 'ended'",
        attempt_id,
        because,
    )
