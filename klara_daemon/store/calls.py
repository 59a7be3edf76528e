"""Attempts, the dials that lead to them, what the phone company tells about them, and the trunks they go over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class Dial:
    """An outreach that a dialer was asked to call."""

    outreach_id: UUID
    tries: int


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One piece of news from the phone company."""

    id: int
    attempt_id: UUID
    ref: str
    kind: str
    call_status: str | None
    answered_by: str | None
    sip_code: int | None
    error_code: str | None


_ATTEMPT = (
    "id, outreach_id, company_id, candidate_id, number, e164, caller, provider, provider_ref, state, placed_at,"
    " placing_since, call_status, answered_by, sip_code, error_code, hang_up_because, ringing_at"
)


_OF_A = ", ".join(f"a.{column.strip()}" for column in _ATTEMPT.split(","))


def _attempt(row: asyncpg.Record) -> Attempt:
    values: dict[str, Any] = dict(row)
    values["state"] = AttemptState(values["state"])
    return Attempt(**values)


# Dials


async def want_dials(conn: Connection, outreach_ids: Iterable[UUID]) -> None:
    """Have these outreaches called at the next opportunity."""
    await conn.execute(
        "INSERT INTO dials (outreach_id) SELECT id FROM outreaches WHERE id = ANY($1::uuid[]) ORDER BY id"
        " ON CONFLICT DO NOTHING",
        sorted(set(outreach_ids)),
    )


async def claim_dial(conn: Connection, lease_s: float) -> Dial | None:
    """The dial that has waited longest; offered again after `lease_s` unless it is done with."""
    row = await conn.fetchrow(
        "UPDATE dials d SET due_at = now() + make_interval(secs => $1), tries = tries + 1"
        "  FROM (SELECT outreach_id FROM dials WHERE due_at <= now()"
        "         ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED) due"
        " WHERE d.outreach_id = due.outreach_id RETURNING d.outreach_id, d.tries",
        lease_s,
    )
    return Dial(*row.values()) if row else None


async def dial_later(conn: Connection, outreach_id: UUID, after_s: float, because: str) -> bool:
    """Try this dial again after `after_s` seconds; True when the reason is not that of the last time."""
    before: str | None = await conn.fetchval("SELECT because FROM dials WHERE outreach_id = $1", outreach_id)
    await conn.execute(
        "UPDATE dials SET due_at = now() + make_interval(secs => $2), because = $3 WHERE outreach_id = $1",
        outreach_id,
        after_s,
        because,
    )
    return before != because


async def dial_done(conn: Connection, outreach_id: UUID) -> None:
    """Nothing is left to be done for this dial."""
    await conn.execute("DELETE FROM dials WHERE outreach_id = $1", outreach_id)


# Attempts


async def number_is_busy(conn: Connection, e164: str) -> bool:
    """Whether another attempt to this number is live."""
    busy: bool = await conn.fetchval("SELECT EXISTS (SELECT FROM attempts WHERE e164 = $1 AND state <> 'ended')", e164)
    return busy


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
        f"SELECT {_ATTEMPT} FROM attempts WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE",
        sorted(set(ids)),
    )
    return [_attempt(row) for row in rows]


async def get(conn: Connection, attempt_id: UUID) -> Attempt | None:
    """One attempt, not locked."""
    row = await conn.fetchrow(f"SELECT {_ATTEMPT} FROM attempts WHERE id = $1", attempt_id)
    return _attempt(row) if row else None


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


async def claim_hang_up(conn: Connection, again_s: float) -> Attempt | None:
    """A call that is to be ended and whose phone company was not asked for `again_s` seconds."""
    row = await conn.fetchrow(
        "UPDATE attempts a SET hung_up_at = now() FROM (SELECT id FROM attempts"
        "   WHERE state NOT IN ('claimed', 'ended') AND hang_up_because IS NOT NULL AND provider_ref IS NOT NULL"
        "     AND (hung_up_at IS NULL OR hung_up_at < now() - make_interval(secs => $1))"
        "   LIMIT 1 FOR UPDATE SKIP LOCKED) due"
        f" WHERE a.id = due.id RETURNING {_OF_A}",
        again_s,
    )
    return _attempt(row) if row else None


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
        "UPDATE attempts a SET looked_at = now() FROM (SELECT t.id FROM attempts t"
        "   JOIN unnest($1::text[], $2::float8[]) AS patience(state, seconds) ON patience.state = t.state"
        "   WHERE t.state <> 'ended' AND t.state_since < now() - make_interval(secs => patience.seconds)"
        "     AND (t.looked_at IS NULL OR t.looked_at < now() - make_interval(secs => $3))"
        "   ORDER BY t.state_since LIMIT 1 FOR UPDATE OF t SKIP LOCKED) due"
        f" WHERE a.id = due.id RETURNING {_OF_A}",
        list(patience_s),
        list(patience_s.values()),
        again_s,
    )
    return _attempt(row) if row else None


async def not_ringing(conn: Connection) -> list[Attempt]:
    """Calls that have been asked for and do not ring yet."""
    rows = await conn.fetch(
        f"SELECT {_ATTEMPT} FROM attempts WHERE state IN ('unclear', 'placed') AND hang_up_because IS NULL"
    )
    return [_attempt(row) for row in rows]


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


# Events


async def accept_event(
    conn: Connection,
    attempt_id: UUID,
    dedup_key: str,
    ref: str,
    kind: str,
    *,
    call_status: str | None = None,
    answered_by: str | None = None,
    sip_code: int | None = None,
    error_code: str | None = None,
) -> bool:
    """Store a piece of news; False when it was there already."""
    number = await conn.fetchval(
        "INSERT INTO call_events (attempt_id, dedup_key, ref, kind, call_status, answered_by, sip_code, error_code)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING id",
        attempt_id,
        dedup_key,
        ref,
        kind,
        call_status,
        answered_by,
        sip_code,
        error_code,
    )
    return number is not None


async def take_events(conn: Connection, attempt_ids: Sequence[UUID]) -> list[CallEvent]:
    """The news of these attempts that was not applied yet; it counts as applied from now on."""
    rows = await conn.fetch(
        "UPDATE call_events SET applied_at = now() WHERE attempt_id = ANY($1::uuid[]) AND applied_at IS NULL"
        " RETURNING id, attempt_id, ref, kind, call_status, answered_by, sip_code, error_code",
        attempt_ids,
    )
    return sorted((CallEvent(*row.values()) for row in rows), key=lambda event: event.id)


async def unheard(conn: Connection, for_s: float) -> list[UUID]:
    """Attempts whose news has waited for a while: the message that told of it was lost."""
    rows = await conn.fetch(
        "SELECT DISTINCT attempt_id FROM call_events WHERE applied_at IS NULL"
        " AND received_at < now() - make_interval(secs => $1) LIMIT 1000",
        for_s,
    )
    return [row["attempt_id"] for row in rows]
