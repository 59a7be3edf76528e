"""Outreaches: opened, planned, handed to a dialer, withdrawn, ended."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from klara_daemon.domain.dispositions import Outcome, OutreachState
from klara_daemon.store.database import About, Connection
from klara_daemon.store.stays import Stay


@dataclass(frozen=True, slots=True)
class Outreach:
    """One row of `outreaches`, as far as decisions need it."""

    id: UUID
    stay_id: UUID
    company_id: int
    candidate_id: int
    placement_id: int
    offer_id: int
    stage_id: int
    mode: str
    state: OutreachState
    opened_at: datetime
    due_at: datetime | None
    callback_at: datetime | None
    number: str | None
    withdraw_because: str | None
    outcome: Outcome | None
    held_because: str | None

    @property
    def about(self) -> About:
        """Whom the timeline's lines about it are about."""
        return About(self.company_id, self.candidate_id, self.offer_id, self.id)


_OUTREACH = (
    "id, stay_id, company_id, candidate_id, placement_id, offer_id, stage_id, mode, state, opened_at, due_at,"
    " callback_at, number, withdraw_because, outcome, held_because"
)


# From one company to the next by the index, however many wait in each.
_COMPANIES = (
    "hops AS (SELECT min(company_id) AS company_id FROM outreaches WHERE state IN ('{states}')"
    " UNION ALL SELECT (SELECT min(o.company_id) FROM outreaches o WHERE o.state IN ('{states}')"
    "    AND o.company_id > hops.company_id) FROM hops WHERE hops.company_id IS NOT NULL),"
    " companies AS MATERIALIZED (SELECT company_id FROM hops WHERE company_id IS NOT NULL)"
)


def _outreach(row: asyncpg.Record) -> Outreach:
    values: dict[str, Any] = dict(row)
    values["state"] = OutreachState(values["state"])
    values["outcome"] = Outcome(values["outcome"]) if values["outcome"] else None
    return Outreach(**values)


async def lock(conn: Connection, ids: Iterable[UUID]) -> list[Outreach]:
    """Lock these outreaches, in one order everywhere."""
    rows = await conn.fetch(
        f"SELECT {_OUTREACH} FROM outreaches WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE",
        sorted(set(ids)),
    )
    return [_outreach(row) for row in rows]


async def lock_of_stays(conn: Connection, stay_ids: Sequence[UUID]) -> dict[UUID, Outreach]:
    """Lock the outreaches of these stays; by stay."""
    rows = await conn.fetch(
        f"SELECT {_OUTREACH} FROM outreaches WHERE stay_id = ANY($1::uuid[]) ORDER BY id FOR UPDATE",
        stay_ids,
    )
    return {row["stay_id"]: _outreach(row) for row in rows}


async def lock_of_person(
    conn: Connection, company_id: int, candidate_ids: Collection[int], numbers: Collection[str]
) -> list[Outreach]:
    """Lock the outreaches of a company that have not ended: of these candidates, or calling one of these numbers."""
    rows = await conn.fetch(
        "SELECT id FROM outreaches WHERE company_id = $1 AND candidate_id = ANY($2::bigint[]) AND state <> 'ended'"
        " UNION SELECT outreach_id FROM attempts"
        "        WHERE company_id = $1 AND e164 = ANY($3::text[]) AND state <> 'ended'",
        company_id,
        list(candidate_ids),
        list(numbers),
    )
    locked = await lock(conn, [row["id"] for row in rows])
    return [outreach for outreach in locked if outreach.state is not OutreachState.ENDED]


async def lock_planned_otherwise(conn: Connection, company_id: int, basis: str, limit: int) -> list[Outreach]:
    """Lock waiting and held outreaches of a company whose plan rests on something else than `basis`.

    Two ranges of an index, so that the cost does not grow with the number of those whose plan stands.
    """
    rows = await conn.fetch(
        f"SELECT {_OUTREACH} FROM outreaches WHERE id IN ("
        " (SELECT id FROM outreaches WHERE company_id = $1 AND state IN ('waiting', 'held') AND planned_with < $2"
        "   ORDER BY planned_with LIMIT $3)"
        " UNION ALL"
        " (SELECT id FROM outreaches WHERE company_id = $1 AND state IN ('waiting', 'held') AND planned_with > $2"
        "   ORDER BY planned_with LIMIT $3) LIMIT $3)"
        " ORDER BY id FOR UPDATE",
        company_id,
        basis,
        limit,
    )
    return [found for row in rows if (found := _outreach(row)).state in (OutreachState.WAITING, OutreachState.HELD)]


async def open_of_company(conn: Connection, company_id: int, after: UUID, limit: int) -> list[Outreach]:
    """Waiting and held outreaches of a company with ids past `after`, not locked, in the order of their ids."""
    rows = await conn.fetch(
        f"SELECT {_OUTREACH} FROM outreaches WHERE company_id = $1 AND state IN ('waiting', 'held') AND id > $2"
        " ORDER BY id LIMIT $3",
        company_id,
        after,
        limit,
    )
    return [_outreach(row) for row in rows]


async def is_any_open(conn: Connection, company_id: int, offer_id: int) -> bool:
    """Whether anybody waits, or is held, for a call about this offer."""
    found: bool = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM outreaches"
        "                WHERE company_id = $1 AND offer_id = $2 AND state IN ('waiting', 'held'))",
        company_id,
        offer_id,
    )
    return found


async def plan_anew(conn: Connection, company_id: int, offer_id: int) -> None:
    """Have everybody who waits for a call about this offer planned anew."""
    await conn.execute(
        "UPDATE outreaches SET planned_with = ''"
        " WHERE company_id = $1 AND offer_id = $2 AND state IN ('waiting', 'held')",
        company_id,
        offer_id,
    )


async def open_for(conn: Connection, stay: Stay, mode: str, now: datetime) -> Outreach | None:
    """Open the outreach of a stay: waiting, due at once, until it is planned; None when somebody else just did."""
    row = await conn.fetchrow(
        "INSERT INTO outreaches (id, stay_id, company_id, candidate_id, placement_id, offer_id, stage_id, mode, state,"
        " opened_at, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting', $9, $9)"
        " ON CONFLICT (stay_id) DO NOTHING"
        f" RETURNING {_OUTREACH}",
        uuid4(),
        stay.id,
        stay.company_id,
        stay.candidate_id,
        stay.placement_id,
        stay.offer_id,
        stay.stage_id,
        mode,
        now,
    )
    return _outreach(row) if row else None


async def without_questions(conn: Connection, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these are interviews with nothing to ask: the stage is not watched, or its question set is empty."""
    rows = await conn.fetch(
        "SELECT o.id FROM outreaches o LEFT JOIN watched_stages w USING (company_id, offer_id, stage_id)"
        " WHERE o.id = ANY($1::uuid[]) AND o.mode = 'interview' AND NOT EXISTS"
        " (SELECT FROM questions q WHERE (q.company_id, q.question_set) = (w.company_id, w.question_set))",
        ids,
    )
    return {row["id"] for row in rows}


@dataclass(frozen=True, slots=True)
class Plan:
    """When an outreach's next call is due (`due_at`, business time) and at which number (E.164), or what holds it.

    `rests_on`: the basis in the settings on which it was made (`settings.plan_basis`).
    """

    outreach_id: UUID
    due_at: datetime | None
    number: str | None
    rests_on: str
    held_because: str | None = None


async def plan(conn: Connection, plans: Sequence[Plan]) -> None:
    """Wait until each plan's `due_at` for the next call, or be held where there is none."""
    await conn.execute(
        "UPDATE outreaches o SET state = CASE WHEN p.due_at IS NULL THEN 'held' ELSE 'waiting' END, due_at = p.due_at,"
        " number = p.number, planned_with = p.rests_on, held_because = p.held_because, handed_until = NULL,"
        " outcome = NULL, ended_at = NULL"
        "  FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[])"
        "    AS p(id, due_at, number, rests_on, held_because) WHERE o.id = p.id",
        [one.outreach_id for one in plans],
        [one.due_at for one in plans],
        [one.number for one in plans],
        [one.rests_on for one in plans],
        [one.held_because for one in plans],
    )


async def end(conn: Connection, outreach_id: UUID, outcome: Outcome, now: datetime) -> None:
    """Nobody will call any more."""
    await conn.execute(
        "UPDATE outreaches SET state = 'ended', outcome = $2, ended_at = $3, due_at = NULL, held_because = NULL"
        " WHERE id = $1",
        outreach_id,
        outcome,
        now,
    )
    await conn.execute("DELETE FROM dials WHERE outreach_id = $1", outreach_id)


async def withdraw_after_call(conn: Connection, outreach_id: UUID, because: str) -> UUID | None:
    """Note that the outreach is to end with the call that is under way; that call's attempt comes back."""
    await conn.execute("UPDATE outreaches SET withdraw_because = $2 WHERE id = $1", outreach_id, because)
    attempt_id: UUID | None = await conn.fetchval(
        "SELECT id FROM attempts WHERE outreach_id = $1 AND state <> 'ended'", outreach_id
    )
    return attempt_id


async def hand_out_due(conn: Connection, now: datetime, lease_s: float, ahead: int) -> list[UUID]:
    """Outreaches whose call is due, to be handed to a dialer; offered again after `lease_s` unless it goes on.

    Each company, unless its calls are paused, has up to `ahead` calls handed out at a time: however many candidates
    one has, the others' calls come through. One step of the index for each company that has anybody waiting.
    """
    rows = await conn.fetch(
        "WITH RECURSIVE"
        f" {_COMPANIES.format(states='waiting')},"
        " due AS MATERIALIZED (SELECT o.id FROM companies c CROSS JOIN LATERAL"
        "   (SELECT id FROM outreaches WHERE company_id = c.company_id AND state = 'waiting' AND due_at <= $1"
        "       AND (handed_until IS NULL OR handed_until < now())"
        "       AND NOT EXISTS (SELECT FROM dials d WHERE d.outreach_id = outreaches.id)"
        "     ORDER BY due_at"
        "     LIMIT greatest(0, $3 - (SELECT count(*) FROM dials d WHERE d.company_id = c.company_id))"
        "     FOR UPDATE SKIP LOCKED) o"
        "   WHERE NOT EXISTS (SELECT FROM calling_pauses p WHERE p.company_id IN (0, c.company_id)))"
        " UPDATE outreaches o SET handed_until = now() + make_interval(secs => $2)"
        "  FROM due WHERE o.id = due.id RETURNING o.id",
        now,
        lease_s,
        ahead,
    )
    return [row["id"] for row in rows]


async def next_due_at(conn: Connection) -> datetime | None:
    """When the next call is due (business time)."""
    due_at: datetime | None = await conn.fetchval("SELECT min(due_at) FROM outreaches WHERE state = 'waiting'")
    return due_at


async def calling_without_call(conn: Connection, for_s: float) -> list[UUID]:
    """Outreaches whose call has ended for a while and which nobody has planned since."""
    rows = await conn.fetch(
        "SELECT o.id FROM outreaches o WHERE o.state = 'calling' AND NOT EXISTS"
        " (SELECT FROM attempts a WHERE a.outreach_id = o.id"
        "     AND (a.state <> 'ended' OR a.state_since > now() - make_interval(secs => $1))) LIMIT 1000",
        for_s,
    )
    return [row["id"] for row in rows]


async def was_called(conn: Connection, outreach_id: UUID) -> bool:
    """Whether there was any attempt."""
    called: bool = await conn.fetchval("SELECT EXISTS (SELECT FROM attempts WHERE outreach_id = $1)", outreach_id)
    return called


async def companies_with_open(conn: Connection) -> list[int]:
    """Companies that have waiting or held outreaches."""
    hops = _COMPANIES.format(states="waiting', 'held")
    rows = await conn.fetch(f"WITH RECURSIVE {hops} SELECT company_id FROM companies")
    return [row["company_id"] for row in rows]


async def get(conn: Connection, outreach_id: UUID) -> Outreach | None:
    """One outreach, not locked."""
    row = await conn.fetchrow(f"SELECT {_OUTREACH} FROM outreaches WHERE id = $1", outreach_id)
    return _outreach(row) if row else None


async def language_of_number(conn: Connection, caller_number: str) -> str | None:
    """The language of the company that calls from this number."""
    language: str | None = await conn.fetchval(
        "SELECT language FROM companies WHERE caller_number = $1 ORDER BY company_id LIMIT 1", caller_number
    )
    return language


async def due_of_candidate(conn: Connection, company_id: int, candidate_id: int) -> datetime | None:
    """When the next call to a candidate is due (business time)."""
    due_at: datetime | None = await conn.fetchval(
        "SELECT min(due_at) FROM outreaches WHERE company_id = $1 AND candidate_id = $2 AND state = 'waiting'",
        company_id,
        candidate_id,
    )
    return due_at


async def to_explain(conn: Connection, company_id: int, candidate_id: int) -> list[Outreach]:
    """The open outreaches of a candidate, oldest first; where there is none, the one that ended last, if any."""
    rows = await conn.fetch(
        f"SELECT {_OUTREACH} FROM outreaches WHERE company_id = $1 AND candidate_id = $2"
        " ORDER BY state = 'ended', ended_at DESC, opened_at, id",
        company_id,
        candidate_id,
    )
    found = [_outreach(row) for row in rows]
    return [one for one in found if one.state is not OutreachState.ENDED] or found[:1]


async def outcomes(conn: Connection, company_id: int) -> dict[int, Outcome]:
    """How the outreaches of a company's candidates ended; the latest of each candidate."""
    rows = await conn.fetch(
        "SELECT candidate_id, outcome FROM outreaches WHERE company_id = $1 AND state = 'ended' ORDER BY ended_at",
        company_id,
    )
    return {row["candidate_id"]: Outcome(row["outcome"]) for row in rows}
