"""Whoever takes work takes no more than was asked for, whatever Postgres believes about the size of a table.

A `LIMIT 1 FOR UPDATE SKIP LOCKED` in a joined subquery may be run once for each row of the other side: then all of them
are marked as taken and one is returned. It happens to tables that were small when they were last analysed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import pytest

from klara_daemon.actors.patience import PATIENCE
from klara_daemon.store import dials, outreaches, silent_calls, stays, watches, writebacks
from klara_daemon.store.database import Connection
from tests.actors.scene import MONDAY, Scene

SEVEN = 7
WATCHES: Final = (
    "INSERT INTO stage_watches (company_id, offer_id, stage_id, watched_at)"
    " SELECT 1, 1, n, now() FROM generate_series($1::int, $2) n"
)
DEBTS: Final = (
    "INSERT INTO writebacks (id, outreach_id, company_id)"
    " SELECT gen_random_uuid(), id, 1 FROM outreaches WHERE candidate_id BETWEEN $1 AND $2"
)
OUTREACHES: Final = (
    "INSERT INTO outreaches (id, stay_id, company_id, candidate_id, placement_id, offer_id, stage_id, mode, state,"
    " opened_at, due_at) SELECT gen_random_uuid(), gen_random_uuid(), 1, n, n, 1, 1, 'interview', 'waiting',"
    " '2026-09-07', '2026-09-07' FROM generate_series($1::int, $2) n"
)
ENDED: Final = (
    "INSERT INTO outreaches (id, stay_id, company_id, candidate_id, placement_id, offer_id, stage_id, mode, state,"
    " opened_at, ended_at, outcome) SELECT gen_random_uuid(), gen_random_uuid(), 1, n, n, 1, 1, 'interview', 'ended',"
    " '2026-09-07', '2026-09-07', 'refused' FROM generate_series($1::int, $2) n"
)
ATTEMPTS: Final = (
    "INSERT INTO attempts (id, outreach_id, company_id, candidate_id, number, e164, caller, provider, provider_ref,"
    " state, state_since, claimed_at, placed_at, hang_up_because)"
    " SELECT gen_random_uuid(), gen_random_uuid(), 1, 1, 1, '+49' || n, '+49', 'twilio', 'CA' || n,"
    " 'placed', now() - interval '1 hour', now(), now(), 'machine' FROM generate_series($1::int, $2) n"
)


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of work: how it comes into its table, how one piece is taken, how many were."""

    table: str
    adding: tuple[str, ...]
    take: Callable[[Connection], Awaitable[object]]
    taken: str


WORK: Final = {
    "looks at stages": Work(
        "stage_watches",
        (WATCHES,),
        lambda conn: watches.claim_poll(conn, 180),
        "SELECT count(*) FROM stage_watches WHERE poll_due_at > now() + interval '60 s'",
    ),
    "readings": Work(
        "candidate_reads",
        ("INSERT INTO candidate_reads (company_id, candidate_id) SELECT 1, n FROM generate_series($1::int, $2) n",),
        lambda conn: stays.claim_read(conn, 60),
        "SELECT count(*) FROM candidate_reads WHERE due_at > now() + interval '30 s'",
    ),
    "due calls": Work(
        "outreaches",
        (OUTREACHES,),
        lambda conn: outreaches.hand_out_due(conn, MONDAY, 60, 1),
        "SELECT count(*) FROM outreaches WHERE handed_until IS NOT NULL",
    ),
    "dials": Work(
        "dials",
        ("INSERT INTO dials (outreach_id, company_id) SELECT gen_random_uuid(), 1 FROM generate_series($1::int, $2)",),
        lambda conn: dials.claim(conn, 90),
        "SELECT count(*) FROM dials WHERE tries > 0",
    ),
    "debts": Work(
        "writebacks",
        (ENDED, DEBTS),
        lambda conn: writebacks.claim(conn, 120),
        "SELECT count(*) FROM writebacks WHERE lease IS NOT NULL",
    ),
    "calls to be ended": Work(
        "attempts",
        (ATTEMPTS,),
        lambda conn: silent_calls.claim_hang_up(conn, 30),
        "SELECT count(*) FROM attempts WHERE hung_up_at IS NOT NULL",
    ),
    "silent calls": Work(
        "attempts",
        (ATTEMPTS,),
        lambda conn: silent_calls.claim_look(conn, PATIENCE.silent_s, 30),
        "SELECT count(*) FROM attempts WHERE looked_at IS NOT NULL",
    ),
}


@pytest.mark.parametrize("kind", WORK)
@pytest.mark.parametrize("believed", [0, 1])
async def test_one_is_taken_of_many_in_a_table_that_is_believed_to_be_small(
    scene: Scene, kind: str, believed: int
) -> None:
    work = WORK[kind]
    async with scene.database.connection() as conn:
        await conn.execute("SET session_replication_role = replica")
        for statement in work.adding:
            await conn.execute(statement, 1, believed)
        await conn.execute(f"VACUUM ANALYZE {work.table}")
        for statement in work.adding:
            await conn.execute(statement, believed + 1, SEVEN)
        for nth in range(1, SEVEN + 1):
            assert await work.take(conn)
            assert await conn.fetchval(work.taken) == nth
        assert not await work.take(conn)
