"""Calls are handed out and claimed in turns among companies: thousands of one never hold up another's one."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from klara_daemon.store import dials, outreaches, pauses
from klara_daemon.store.database import Connection
from tests.actors.scene import MONDAY, Scene

GREAT, SMALL, THIRD = 1, 2, 3
AHEAD = 20


@pytest.fixture(name="conn")
async def _conn(scene: Scene) -> AsyncIterator[Connection]:
    """A connection that minds no references: these rows stand for themselves."""
    async with scene.database.connection() as connection:
        await connection.execute("SET session_replication_role = replica")
        yield connection


async def wait(conn: Connection, company_id: int, number: int, late_s: float = 0) -> None:
    """So many people of a company wait; the first was due at nine, each other a second later."""
    await conn.execute(
        "INSERT INTO outreaches (id, stay_id, company_id, candidate_id, placement_id, offer_id, stage_id, mode, state,"
        " opened_at, due_at) SELECT gen_random_uuid(), gen_random_uuid(), $1, n, n, 1, 1, 'interview', 'waiting',"
        " $2::timestamptz, $2::timestamptz + make_interval(secs => n) FROM generate_series(1, $3::int) n",
        company_id,
        MONDAY + timedelta(seconds=late_s),
        number,
    )


async def hand_out(conn: Connection, now_s: float = 9999) -> list[UUID]:
    """What is due is handed out, and the dialer has been told of it."""
    due = await outreaches.hand_out_due(conn, MONDAY + timedelta(seconds=now_s), 60, AHEAD)
    await dials.want(conn, due)
    return due


async def claimed(conn: Connection, number: int) -> list[int]:
    """The companies of the next calls, in turn; each is done with at once."""
    companies = []
    for _ in range(number):
        dial = await dials.claim(conn, 60)
        assert dial is not None
        companies.append(await conn.fetchval("SELECT company_id FROM outreaches WHERE id = $1", dial.outreach_id))
        await conn.execute("UPDATE outreaches SET state = 'held' WHERE id = $1", dial.outreach_id)
        await dials.done(conn, dial.outreach_id)
    return companies


async def test_some_of_each_company_are_handed_out_the_longest_due_first(conn: Connection) -> None:
    await wait(conn, GREAT, 500)
    await wait(conn, SMALL, 3, late_s=5000)
    due = await hand_out(conn)

    rows = await conn.fetch("SELECT company_id, due_at FROM outreaches WHERE id = ANY($1::uuid[])", due)
    assert Counter(row["company_id"] for row in rows) == {GREAT: AHEAD, SMALL: 3}
    greats = [row["due_at"] for row in rows if row["company_id"] == GREAT]
    assert max(greats) == MONDAY + timedelta(seconds=AHEAD)
    assert await hand_out(conn) == [], "nobody is handed out while as many wait for a line"


async def test_room_that_calls_leave_is_filled(conn: Connection) -> None:
    await wait(conn, GREAT, 500)
    await hand_out(conn)
    await claimed(conn, 7)
    assert len(await hand_out(conn)) == 7


async def test_what_was_handed_out_and_not_taken_is_handed_out_again(conn: Connection) -> None:
    await wait(conn, SMALL, 1)
    [first] = await outreaches.hand_out_due(conn, MONDAY + timedelta(hours=1), 60, AHEAD)
    assert await outreaches.hand_out_due(conn, MONDAY + timedelta(hours=1), 60, AHEAD) == []
    await conn.execute("UPDATE outreaches SET handed_until = now() - interval '1 s'")
    assert await outreaches.hand_out_due(conn, MONDAY + timedelta(hours=1), 60, AHEAD) == [first]


async def test_nobody_is_handed_out_before_their_time(conn: Connection) -> None:
    await wait(conn, SMALL, 5)
    assert len(await hand_out(conn, now_s=3)) == 3


@pytest.mark.parametrize("paused", [GREAT, pauses.EVERY_COMPANY])
async def test_nobody_of_a_paused_company_is_handed_out_or_claimed(conn: Connection, paused: int) -> None:
    await wait(conn, GREAT, 2)
    await hand_out(conn)
    await conn.execute("DELETE FROM dials WHERE turn = 1")
    await conn.execute("UPDATE outreaches SET handed_until = NULL")
    await pauses.pause(conn, paused, "anna", "the lift is on fire")
    assert await hand_out(conn) == []
    assert await dials.claim(conn, 60) is None

    await pauses.resume(conn, paused, "anna")
    assert len(await hand_out(conn)) == 1
    assert await claimed(conn, 2) == [GREAT, GREAT]


async def test_a_late_company_alternates_with_one_that_waits_in_thousands(conn: Connection) -> None:
    await wait(conn, GREAT, 5000)
    await hand_out(conn)
    assert await claimed(conn, 10) == [GREAT] * 10
    await hand_out(conn)
    await wait(conn, SMALL, 4, late_s=5000)
    await wait(conn, THIRD, 2, late_s=5000)
    await hand_out(conn)

    companies = await claimed(conn, 12)
    assert Counter(companies[:6]) == {GREAT: 2, SMALL: 2, THIRD: 2}
    assert Counter(companies[6:10]) == {GREAT: 2, SMALL: 2}
    assert companies[10:] == [GREAT, GREAT]


async def test_a_company_that_has_one_call_at_a_time_does_not_outpace_another(conn: Connection) -> None:
    await wait(conn, GREAT, 100)
    companies = []
    for _ in range(10):
        await wait(conn, SMALL, 1)
        await hand_out(conn)
        companies += await claimed(conn, 2)
    assert Counter(companies)[SMALL] == 10


async def test_calls_that_were_put_off_do_not_give_a_late_company_their_old_turn(conn: Connection) -> None:
    await wait(conn, THIRD, 1)
    await hand_out(conn)
    [put_off] = await conn.fetch("SELECT outreach_id FROM dials")
    await dials.later(conn, put_off["outreach_id"], 3600, "recruitee_disconnected")
    await wait(conn, GREAT, 500)
    for _ in range(3):
        await hand_out(conn)
        await claimed(conn, AHEAD)
    await hand_out(conn)
    await wait(conn, SMALL, 15, late_s=100)
    await hand_out(conn)
    assert Counter(await claimed(conn, 10)) == {GREAT: 5, SMALL: 5}


async def test_a_company_with_as_many_calls_as_it_has_set_is_passed_over(conn: Connection) -> None:
    await wait(conn, GREAT, 5)
    await wait(conn, SMALL, 1, late_s=100)
    await conn.execute(
        "INSERT INTO call_settings (company_id, max_attempts, attempts_per_day, weekdays, calls_at_once)"
        " VALUES ($1, 4, 2, '{mon}', 2)",
        GREAT,
    )
    await conn.execute(
        "INSERT INTO attempts (id, outreach_id, company_id, candidate_id, number, e164, caller, provider, state,"
        " claimed_at, placed_at) SELECT gen_random_uuid(), gen_random_uuid(), $1, 1, 1, '+49' || n, '+49', 'twilio',"
        " 'ringing', now(), now() FROM generate_series(1, 2) n",
        GREAT,
    )
    await hand_out(conn)
    assert await claimed(conn, 1) == [SMALL]
    assert await dials.claim(conn, 60) is None
    await conn.execute("DELETE FROM attempts WHERE id = (SELECT id FROM attempts LIMIT 1)")
    assert await claimed(conn, 1) == [GREAT]


async def test_dials_of_unknown_outreaches_are_none(conn: Connection) -> None:
    await dials.want(conn, [uuid4()])
    assert await dials.claim(conn, 60) is None
