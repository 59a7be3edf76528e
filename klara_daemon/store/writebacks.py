"""What is owed to Recruitee about outreaches that have ended: a note, then a move, each once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from klara_daemon.domain.dispositions import Outcome
from klara_daemon.domain.stays import Place
from klara_daemon.store.database import About, Connection


@dataclass(frozen=True, slots=True)
class Writeback:
    """One debt, with what is needed to settle it. `id` stands in the note."""

    id: UUID
    outreach_id: UUID
    company_id: int
    candidate_id: int
    placement_id: int
    offer_id: int
    stage_id: int
    outcome: Outcome
    tries: int
    note_id: int | None
    move: str
    lease: UUID

    @property
    def place(self) -> Place:
        """The watched stage."""
        return Place(self.offer_id, self.stage_id)

    @property
    def about(self) -> About:
        """Whom the timeline's lines about it are about."""
        return About(self.company_id, self.candidate_id, self.offer_id, self.outreach_id)


async def owe(conn: Connection, outreach_id: UUID, company_id: int) -> None:
    """Note that Recruitee is to be told how this outreach ended."""
    await conn.execute(
        "INSERT INTO writebacks (id, outreach_id, company_id) VALUES ($1, $2, $3)", uuid4(), outreach_id, company_id
    )


async def forgive(conn: Connection, outreach_id: UUID) -> None:
    """The outreach goes on after all: what is still owed about its end is owed no more."""
    await conn.execute("DELETE FROM writebacks WHERE outreach_id = $1 AND done_at IS NULL", outreach_id)


async def claim(conn: Connection, lease_s: float) -> Writeback | None:
    """The debt that has waited longest; offered again after `lease_s` unless it is settled."""
    row = await conn.fetchrow(
        "WITH due AS MATERIALIZED (SELECT id FROM writebacks WHERE due_at <= now() AND done_at IS NULL"
        "              ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED),"
        " claimed AS (UPDATE writebacks w SET due_at = now() + make_interval(secs => $1), lease = $2 FROM due"
        "              WHERE w.id = due.id RETURNING w.*)"
        " SELECT w.id, w.outreach_id, w.company_id, o.candidate_id, o.placement_id, o.offer_id, o.stage_id, o.outcome,"
        "        w.tries, w.note_id, w.move, w.lease FROM claimed w JOIN outreaches o ON o.id = w.outreach_id",
        lease_s,
        uuid4(),
    )
    return Writeback(**{**dict(row), "outcome": Outcome(row["outcome"])}) if row else None


async def renew(conn: Connection, writeback_id: UUID, lease: UUID, lease_s: float) -> bool:
    """Hold the debt for as long again; False when somebody else has taken it in hand."""
    ours: bool | None = await conn.fetchval(
        "UPDATE writebacks SET due_at = now() + make_interval(secs => $3)"
        " WHERE id = $1 AND lease = $2 AND done_at IS NULL RETURNING true",
        writeback_id,
        lease,
        lease_s,
    )
    return bool(ours)


async def noted(conn: Connection, writeback_id: UUID, note_id: int) -> None:
    """The note stands in Recruitee."""
    await conn.execute("UPDATE writebacks SET note_id = $2 WHERE id = $1", writeback_id, note_id)


async def moved(conn: Connection, writeback_id: UUID, move: str, stage_id: int | None) -> None:
    """What became of the move: `moved`, `not_wanted` or `not_possible`."""
    await conn.execute("UPDATE writebacks SET move = $2, moved_to = $3 WHERE id = $1", writeback_id, move, stage_id)


async def done(conn: Connection, writeback_id: UUID, now: datetime) -> None:
    """Nothing is owed any more."""
    await conn.execute("UPDATE writebacks SET done_at = $2, fault = NULL WHERE id = $1", writeback_id, now)


async def later(conn: Connection, writeback_id: UUID, after_s: float, fault: str) -> None:
    """It could not be settled: try again after `after_s` seconds."""
    await conn.execute(
        "UPDATE writebacks SET tries = tries + 1, due_at = now() + make_interval(secs => $2), fault = $3 WHERE id = $1",
        writeback_id,
        after_s,
        fault[:500],
    )
