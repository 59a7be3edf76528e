"""What is known at the end of a journey: by the daemon's rows, by the telephone network, by Recruitee."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from klara_daemon.domain.dispositions import AttemptState, Disposition, Outcome
from klara_daemon.store.database import Connection
from tests.journey.candidates import Person
from tests.journey.town import Town

#: What somebody has in hand, or has still to do, at any moment.
_UNDER_WAY = """
    SELECT 'attempt ' || id FROM attempts WHERE state <> 'ended'
    UNION ALL SELECT 'dial of ' || outreach_id FROM dials
    UNION ALL SELECT 'reading of ' || candidate_id FROM candidate_reads
    UNION ALL SELECT 'plan of ' || id FROM outreaches WHERE state = 'calling'
    UNION ALL SELECT 'note of ' || outreach_id FROM writebacks WHERE done_at IS NULL
    UNION ALL SELECT 'message ' || id FROM outbox
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A row of `attempts`; `placed_at` is business time."""

    id: str
    candidate_id: int
    number: int
    e164: str
    state: AttemptState
    disposition: Disposition | None
    ref: str | None
    placed_at: datetime


@dataclass(frozen=True, slots=True)
class Call:
    """A call as the telephone network saw it."""

    ref: str
    attempt_id: str | None
    to: str
    rang: bool = True


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that the verdict rests on.

    `interrupted` was under way when something was taken away; `left` is so in the end, and stays so.
    """

    people: Mapping[int, Person]
    entered_at: Mapping[int, datetime] = field(default_factory=dict)
    attempts: Sequence[Attempt] = ()
    outcomes: Mapping[int, Sequence[Outcome | None]] = field(default_factory=dict)
    calls: Sequence[Call] = ()
    dials: Sequence[str | None] = ()
    overlaps: Sequence[str] = ()
    problems: Sequence[str] = ()
    notes: Mapping[int, Sequence[str]] = field(default_factory=dict)
    moves: Mapping[int, Sequence[int]] = field(default_factory=dict)
    parked: Sequence[str] = ()
    interrupted: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()


async def under_way(conn: Connection) -> frozenset[str]:
    """What is being done or waits to be done at this moment."""
    return frozenset(str(row[0]) for row in await conn.fetch(_UNDER_WAY))


async def collect(town: Town, conn: Connection, *, interrupted: frozenset[str], left: frozenset[str]) -> Evidence:
    """Hear all witnesses."""
    rows = await conn.fetch(
        "SELECT id, candidate_id, number, e164, state, disposition, provider_ref,"
        " coalesce(placed_at, claimed_at) AS placed_at FROM attempts ORDER BY candidate_id, number"
    )
    outcomes: dict[int, list[Outcome | None]] = {}
    for row in await conn.fetch("SELECT candidate_id, outcome FROM outreaches ORDER BY opened_at"):
        outcomes.setdefault(row["candidate_id"], []).append(Outcome(row["outcome"]) if row["outcome"] else None)
    moves: dict[int, list[int]] = {}
    entered_at: dict[int, datetime] = {}
    for move in town.recruitee.moves:
        if move.by == "api":
            moves.setdefault(move.candidate_id, []).append(move.to_stage_id)
        else:
            entered_at[move.candidate_id] = move.moved_at
    telephone = town.telephone
    return Evidence(
        people=town.people,
        entered_at=entered_at,
        attempts=[_attempt(row) for row in rows],
        outcomes=outcomes,
        calls=[Call(call.sid, call.attempt_id, call.to, rang=call.rang_at is not None) for call in telephone.calls],
        dials=telephone.dials,
        overlaps=[f"{first.sid} and {second.sid} to {first.to}" for first, second in telephone.overlaps],
        problems=telephone.problems,
        notes={person: town.recruitee.notes_of(person) for person in town.people},
        moves=moves,
        parked=[f"{row['name']}: {row['reason']}" for row in await conn.fetch("SELECT name, reason FROM parked")],
        interrupted=interrupted,
        left=left,
    )


def _attempt(row: asyncpg.Record) -> Attempt:
    return Attempt(
        id=str(row["id"]),
        candidate_id=row["candidate_id"],
        number=row["number"],
        e164=row["e164"],
        state=AttemptState(row["state"]),
        disposition=Disposition(row["disposition"]) if row["disposition"] else None,
        ref=row["provider_ref"],
        placed_at=row["placed_at"],
    )
