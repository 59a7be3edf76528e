"""The daemon's own view of what is watched, and when each stage is to be looked at next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from klara_daemon.domain.stays import FIRST_LOOK_IN_TIME, Place
from klara_daemon.store.database import Connection

AFTER_FAULT_S = 30.0


@dataclass(frozen=True, slots=True)
class Watch:
    """One watched stage. `settled` once everybody who was there at the beginning is known."""

    company_id: int
    offer_id: int
    stage_id: int
    watched_at: datetime
    settled: bool

    @property
    def place(self) -> Place:
        """The stage itself."""
        return Place(self.offer_id, self.stage_id)


_WATCH = "company_id, offer_id, stage_id, watched_at, settled_at IS NOT NULL AS settled"


async def follow_settings(conn: Connection, now: datetime) -> None:
    """Begin to watch what the settings name, note since when the rest is named no more; a return undoes the note."""
    await conn.execute(
        "INSERT INTO stage_watches (company_id, offer_id, stage_id, watched_at)"
        " SELECT company_id, offer_id, stage_id, $1 FROM watched_stages ON CONFLICT DO NOTHING",
        now,
    )
    await conn.execute(
        "UPDATE stage_watches w SET unwatched_since = CASE WHEN named THEN NULL ELSE now() END"
        "  FROM (SELECT w.company_id, w.offer_id, w.stage_id, s.stage_id IS NOT NULL AS named"
        "          FROM stage_watches w LEFT JOIN watched_stages s USING (company_id, offer_id, stage_id)) seen"
        " WHERE (w.company_id, w.offer_id, w.stage_id) = (seen.company_id, seen.offer_id, seen.stage_id)"
        "   AND named = (w.unwatched_since IS NOT NULL)"
    )


async def no_longer_watched(conn: Connection, after_s: float) -> list[Watch]:
    """Forget watches that the settings have not named for `after_s` seconds; they come back."""
    rows = await conn.fetch(
        f"DELETE FROM stage_watches WHERE unwatched_since < now() - make_interval(secs => $1) RETURNING {_WATCH}",
        after_s,
    )
    return [Watch(*row.values()) for row in rows]


async def claim_poll(conn: Connection, every_s: float) -> Watch | None:
    """The stage that has waited longest for a look, its next look put `every_s` seconds ahead."""
    row = await conn.fetchrow(
        "WITH due AS MATERIALIZED (SELECT company_id, offer_id, stage_id FROM stage_watches"
        "                           WHERE poll_due_at <= now() AND unwatched_since IS NULL"
        "                           ORDER BY poll_due_at LIMIT 1 FOR UPDATE SKIP LOCKED)"
        " UPDATE stage_watches w SET poll_due_at = now() + make_interval(secs => $1)"
        "  FROM due WHERE (w.company_id, w.offer_id, w.stage_id) = (due.company_id, due.offer_id, due.stage_id)"
        " RETURNING w.company_id, w.offer_id, w.stage_id, w.watched_at, w.settled_at IS NOT NULL AS settled",
        every_s,
    )
    return Watch(*row.values()) if row else None


async def poll_soon(conn: Connection, company_id: int, *, not_within_s: float = 0) -> None:
    """Look at all stages of a company at the next opportunity; at none of them twice within so many seconds.

    A stage that could not be read the last time is given some rest, and what Recruitee asked for.
    """
    await conn.execute(
        "UPDATE stage_watches SET poll_due_at = least(poll_due_at, greatest(now(), wait_until,"
        "   polled_at + make_interval(secs => $2),"
        "   CASE WHEN fault IS NOT NULL THEN polled_at + make_interval(secs => $3) END))"
        " WHERE company_id = $1",
        company_id,
        not_within_s,
        AFTER_FAULT_S,
    )


async def polled(
    conn: Connection, watch: Watch, now: datetime, fault: str | None, not_again_for_s: float | None = None
) -> None:
    """Note how a look went; the first complete one settles who was there at the beginning."""
    await conn.execute(
        "UPDATE stage_watches SET polled_at = now(), fault = $5,"
        "       wait_until = now() + make_interval(secs => $6),"
        "       poll_due_at = greatest(poll_due_at, now() + make_interval(secs => $6)),"
        "       settled_at = CASE WHEN $5::text IS NULL THEN coalesce(settled_at, $4) ELSE settled_at END"
        " WHERE (company_id, offer_id, stage_id) = ($1, $2, $3)",
        watch.company_id,
        watch.offer_id,
        watch.stage_id,
        now,
        fault,
        not_again_for_s or 0.0,
    )


async def of_company(conn: Connection, company_id: int) -> list[Watch]:
    """What is watched for a company right now, the five minutes of grace included."""
    rows = await conn.fetch(
        f"SELECT {_WATCH} FROM stage_watches WHERE company_id = $1",
        company_id,
    )
    return [Watch(*row.values()) for row in rows]


async def is_watched(conn: Connection, company_id: int, place: Place) -> bool:
    """Whether a stage is watched, or was until less than five minutes ago."""
    watched: bool = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM stage_watches WHERE (company_id, offer_id, stage_id) = ($1, $2, $3))",
        company_id,
        place.offer_id,
        place.stage_id,
    )
    return watched


@dataclass(frozen=True, slots=True)
class LateFirstLook:
    """A stage that could first be looked at `late` after the settings named it: whoever stood there then, and still
    does, counts as already there, although some may have been moved in meanwhile; so many they are.
    """

    watch: Watch
    late: timedelta
    people: int


async def late_first_looks(conn: Connection, settled_since: datetime) -> list[LateFirstLook]:
    """First looks since then (business) that did not come in time and after which somebody is not called."""
    rows = await conn.fetch(
        f"SELECT {_WATCH}, settled_at - watched_at AS late, people FROM stage_watches w"
        " JOIN watched_stages c USING (company_id, offer_id, stage_id) CROSS JOIN LATERAL"
        "  (SELECT count(*) AS people FROM stays s WHERE s.left_at IS NULL AND s.already_there"
        "      AND (s.company_id, s.offer_id, s.stage_id) = (w.company_id, w.offer_id, w.stage_id)) there"
        " WHERE NOT c.call_those_already_there AND settled_at >= $1 AND settled_at - watched_at > $2"
        "   AND people > 0 ORDER BY company_id, offer_id, stage_id",
        settled_since,
        FIRST_LOOK_IN_TIME,
    )
    return [LateFirstLook(Watch(*list(row.values())[:5]), row["late"], row["people"]) for row in rows]


async def faults(conn: Connection) -> list[tuple[int, int, int, str]]:
    """Watched stages that could not be looked at: company, offer, stage, why."""
    rows = await conn.fetch(
        "SELECT company_id, offer_id, stage_id, fault FROM stage_watches WHERE fault IS NOT NULL ORDER BY 1, 2, 3"
    )
    return [(row["company_id"], row["offer_id"], row["stage_id"], row["fault"]) for row in rows]
