"""Candidates to be read, candidates as read, and their stays in watched stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from klara_daemon.domain.stays import CLOSED_OFFER, Place
from klara_daemon.store.database import Connection


@dataclass(frozen=True, slots=True)
class Read:
    """A candidate who is to be read. `wanted` tells whether a new reason came up while reading."""

    company_id: int
    candidate_id: int
    wanted: int
    tries: int


@dataclass(frozen=True, slots=True)
class Stay:
    """One stay of a placement in a watched stage; over when `left_because` says so."""

    id: UUID
    company_id: int
    candidate_id: int
    placement_id: int
    offer_id: int
    stage_id: int
    entered_at: datetime
    already_there: bool
    left_because: str | None

    @property
    def place(self) -> Place:
        """The stage itself."""
        return Place(self.offer_id, self.stage_id)


_STAY = "id, company_id, candidate_id, placement_id, offer_id, stage_id, entered_at, already_there, left_because"


async def want_read(conn: Connection, people: Sequence[tuple[int, int]]) -> None:
    """Have candidates (company, candidate) read at the next opportunity."""
    await conn.execute(
        "INSERT INTO candidate_reads AS r (company_id, candidate_id)"
        " SELECT DISTINCT * FROM unnest($1::bigint[], $2::bigint[]) AS w(company_id, candidate_id) ORDER BY 1, 2"
        " ON CONFLICT (company_id, candidate_id) DO UPDATE SET wanted = nextval('readings'),"
        "   due_at = least(r.due_at, CASE WHEN r.tries = 0 THEN now() ELSE r.due_at END)",
        [company for company, _ in people],
        [candidate for _, candidate in people],
    )


async def claim_read(conn: Connection, lease_s: float) -> Read | None:
    """The candidate who has waited longest to be read; offered again after `lease_s` unless `read_done`."""
    row = await conn.fetchrow(
        "WITH due AS MATERIALIZED (SELECT company_id, candidate_id FROM candidate_reads WHERE due_at <= now()"
        "                           ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)"
        " UPDATE candidate_reads r SET due_at = now() + make_interval(secs => $1), wanted = nextval('readings')"
        "  FROM due WHERE (r.company_id, r.candidate_id) = (due.company_id, due.candidate_id)"
        " RETURNING r.company_id, r.candidate_id, r.wanted, r.tries",
        lease_s,
    )
    return Read(*row.values()) if row else None


async def read_done(conn: Connection, read: Read) -> bool:
    """The reading counts. False when a reason came up since it was begun, or a newer one counts: it may be outdated.

    What came up meanwhile is due at once.
    """
    key = (read.company_id, read.candidate_id)
    counts: bool | None = await conn.fetchval(
        "DELETE FROM candidate_reads WHERE company_id = $1 AND candidate_id = $2 AND wanted = $3 RETURNING true",
        *key,
        read.wanted,
    )
    if not counts:
        await conn.execute(
            "UPDATE candidate_reads SET due_at = now(), tries = 0 WHERE company_id = $1 AND candidate_id = $2", *key
        )
    return bool(counts)


async def read_later(conn: Connection, read: Read, after_s: float) -> None:
    """The reading failed: try again after `after_s` seconds."""
    await conn.execute(
        "UPDATE candidate_reads SET tries = tries + 1, due_at = now() + make_interval(secs => $3)"
        " WHERE company_id = $1 AND candidate_id = $2",
        read.company_id,
        read.candidate_id,
        after_s,
    )


# By the database's clock; if that was set back, what it says will be read in the future is in nobody's way.
_IS_LATER = "(known.read_at <= excluded.read_at OR known.read_at > clock_timestamp())"


async def keep_candidate(
    conn: Connection, company_id: int, candidate_id: int, name: str, phones: Sequence[str], age_s: float = 0
) -> bool:
    """Keep name and numbers as read `age_s` seconds ago, unless a reading that was begun later is kept already.

    True when the numbers are news: others than before, or the first.
    """
    before: list[str] | None = await conn.fetchval(
        "SELECT phones FROM candidates WHERE company_id = $1 AND candidate_id = $2 FOR UPDATE", company_id, candidate_id
    )
    tag = await conn.execute(
        "INSERT INTO candidates AS known (company_id, candidate_id, name, phones, read_at)"
        " VALUES ($1, $2, $3, $4, clock_timestamp() - make_interval(secs => $5))"
        " ON CONFLICT (company_id, candidate_id) DO UPDATE SET name = excluded.name, phones = excluded.phones,"
        f" read_at = excluded.read_at WHERE {_IS_LATER}",
        company_id,
        candidate_id,
        name,
        list(phones),
        age_s,
    )
    return tag == "INSERT 0 1" and before != list(phones)


async def phones_of(conn: Connection, company_id: int, candidate_id: int) -> tuple[str, list[str]]:
    """Name and numbers as last read."""
    row = await conn.fetchrow(
        "SELECT name, phones FROM candidates WHERE company_id = $1 AND candidate_id = $2", company_id, candidate_id
    )
    return (row["name"], row["phones"]) if row else ("", [])


async def was_read(conn: Connection, company_id: int, candidate_id: int) -> bool:
    """Whether name and numbers of this candidate are known."""
    known: bool = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM candidates WHERE company_id = $1 AND candidate_id = $2)", company_id, candidate_id
    )
    return known


async def keep_offer(
    conn: Connection, company_id: int, offer_id: int, title: str, status: str, language: str | None, age_s: float = 0
) -> bool:
    """Keep what a job is called and how it stands, as read `age_s` seconds ago; False where a later reading is kept."""
    tag = await conn.execute(
        "INSERT INTO offers AS known (company_id, offer_id, title, status, language, read_at)"
        " VALUES ($1, $2, $3, $4, $5, clock_timestamp() - make_interval(secs => $6))"
        " ON CONFLICT (company_id, offer_id) DO UPDATE SET title = excluded.title, status = excluded.status,"
        f" language = excluded.language, read_at = excluded.read_at WHERE {_IS_LATER}",
        company_id,
        offer_id,
        title,
        status,
        language,
        age_s,
    )
    return tag == "INSERT 0 1"


async def offer_title(conn: Connection, company_id: int, offer_id: int) -> str | None:
    """What a job is called; None when it was never read."""
    title: str | None = await conn.fetchval(
        "SELECT title FROM offers WHERE company_id = $1 AND offer_id = $2", company_id, offer_id
    )
    return title


async def offer_is_open(conn: Connection, company_id: int, offer_id: int) -> bool:
    """Whether a job was open when it was last read; one that never was counts as open."""
    is_closed: bool = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM offers WHERE company_id = $1 AND offer_id = $2 AND status = ANY($3::text[]))",
        company_id,
        offer_id,
        list(CLOSED_OFFER),
    )
    return not is_closed


async def lock_person(conn: Connection, company_id: int, candidate_id: int) -> None:
    """Let nobody else decide about this person's stays until the transaction ends."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"stays:{company_id}:{candidate_id}")


async def open_stays(conn: Connection, company_id: int, candidate_id: int) -> list[Stay]:
    """The stays of a candidate that are not over."""
    rows = await conn.fetch(
        f"SELECT {_STAY} FROM stays WHERE company_id = $1 AND candidate_id = $2 AND left_at IS NULL",
        company_id,
        candidate_id,
    )
    return [Stay(*row.values()) for row in rows]


async def people_in_stage(conn: Connection, company_id: int, offer_id: int, stage_id: int) -> set[int]:
    """The candidates whom we believe to stand in a stage."""
    rows = await conn.fetch(
        "SELECT candidate_id FROM stays WHERE company_id = $1 AND offer_id = $2 AND stage_id = $3 AND left_at IS NULL",
        company_id,
        offer_id,
        stage_id,
    )
    return {row["candidate_id"] for row in rows}


async def uncallable_in_stage(
    conn: Connection, company_id: int, offer_id: int, stage_id: int, after_s: float
) -> set[int]:
    """Who stands in a stage without a number to call and was not read for `after_s` seconds."""
    rows = await conn.fetch(
        "SELECT s.candidate_id FROM stays s JOIN outreaches o ON o.stay_id = s.id"
        "  JOIN candidates c ON (c.company_id, c.candidate_id) = (s.company_id, s.candidate_id)"
        " WHERE s.company_id = $1 AND s.offer_id = $2 AND s.stage_id = $3 AND s.left_at IS NULL"
        "   AND o.outcome = 'uncallable' AND c.read_at < now() - make_interval(secs => $4)",
        company_id,
        offer_id,
        stage_id,
        after_s,
    )
    return {row["candidate_id"] for row in rows}


async def enter(
    conn: Connection,
    company_id: int,
    candidate_id: int,
    placement_id: int,
    place: Place,
    now: datetime,
    *,
    already_there: bool,
) -> UUID:
    """Begin a stay."""
    stay_id = uuid4()
    await conn.execute(
        "INSERT INTO stays (id, company_id, candidate_id, placement_id, offer_id, stage_id, entered_at, already_there)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        stay_id,
        company_id,
        candidate_id,
        placement_id,
        place.offer_id,
        place.stage_id,
        now,
        already_there,
    )
    return stay_id


async def entered_after_all(conn: Connection, stay_id: UUID, now: datetime) -> None:
    """Recruitee told that the candidate was moved here while the stage was watched: the stay is a new one."""
    await conn.execute("UPDATE stays SET already_there = false, entered_at = $2 WHERE id = $1", stay_id, now)


async def leave(conn: Connection, stay_id: UUID, now: datetime, because: str) -> None:
    """End a stay."""
    await conn.execute(
        "UPDATE stays SET left_at = $2, left_because = $3 WHERE id = $1 AND left_at IS NULL", stay_id, now, because
    )


async def leave_stage(conn: Connection, company_id: int, offer_id: int, stage_id: int, now: datetime) -> list[UUID]:
    """End every stay in a stage that is watched no more."""
    rows = await conn.fetch(
        "UPDATE stays SET left_at = $4, left_because = 'no_longer_watched'"
        " WHERE company_id = $1 AND offer_id = $2 AND stage_id = $3 AND left_at IS NULL RETURNING id",
        company_id,
        offer_id,
        stage_id,
        now,
    )
    return [row["id"] for row in rows]


async def uncalled_but_wanted(conn: Connection) -> list[UUID]:
    """Stays of those who were already there, in stages that by now ask for them to be called."""
    rows = await conn.fetch(
        "SELECT s.id FROM stays s JOIN watched_stages w USING (company_id, offer_id, stage_id)"
        " LEFT JOIN outreaches o ON o.stay_id = s.id"
        " WHERE s.left_at IS NULL AND s.already_there AND w.call_those_already_there AND o.id IS NULL LIMIT 1000"
    )
    return [row["id"] for row in rows]


async def stays(conn: Connection, ids: Sequence[UUID]) -> list[Stay]:
    """These stays, in the order of their ids."""
    rows = await conn.fetch(f"SELECT {_STAY} FROM stays WHERE id = ANY($1::uuid[]) ORDER BY id", ids)
    return [Stay(*row.values()) for row in rows]


async def without_outreach(conn: Connection) -> list[UUID]:
    """Stays that should have an outreach and have none, or whose outreach should have ended: nobody is forgotten."""
    rows = await conn.fetch(
        "(SELECT s.id FROM stays s WHERE s.left_at IS NULL AND NOT s.already_there"
        "    AND NOT EXISTS (SELECT FROM outreaches o WHERE o.stay_id = s.id)"
        "    AND EXISTS (SELECT FROM watched_stages w WHERE (w.company_id, w.offer_id, w.stage_id)"
        "                                                 = (s.company_id, s.offer_id, s.stage_id)) LIMIT 1000)"
        " UNION ALL"
        " (SELECT s.id FROM outreaches o JOIN stays s ON s.id = o.stay_id"
        "   WHERE o.state <> 'ended' AND o.withdraw_because IS NULL AND s.left_at IS NOT NULL LIMIT 1000)"
    )
    return [row["id"] for row in rows]
