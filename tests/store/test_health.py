"""What an operator is told about the installation."""

from __future__ import annotations

import pytest

from klara_daemon.domain.dispositions import Disposition
from klara_daemon.store import health, trunks, unfinished, writebacks
from tests.actors.scene import CALLER, COMPANY, PHONE_2, Scene


async def test_this_machines_clock_is_that_of_a_database_beside_it(scene: Scene) -> None:
    async with scene.database.connection() as conn:
        assert abs(await health.clock_offset_s(conn)) < 5


async def test_companies_are_known_by_settings_or_secrets(scene: Scene) -> None:
    async with scene.database.connection() as conn:
        assert await health.known_companies(conn) == [COMPANY]
        await conn.execute("INSERT INTO company_secrets (company_id) VALUES (7)")
        assert await health.known_companies(conn) == [7, COMPANY]
        assert await health.caller_numbers(conn) == [CALLER]


async def test_who_is_held_is_told_with_the_latest_reason(watching: Scene) -> None:
    await watching.execute("DELETE FROM calling_windows")
    for phone in ("0151 23456701", PHONE_2):
        await watching.open_outreach(phone)
    async with watching.database.connection() as conn:
        [held] = await health.held(conn)
        assert (held.company_id, held.number) == (COMPANY, 2)
        assert held.says.startswith("The company's settings")
        await conn.execute("DELETE FROM timeline")
        assert (await health.held(conn))[0].says == ""


async def test_debts_that_cannot_be_settled_are_told_after_some_tries(watching: Scene) -> None:
    await watching.call_ends(await watching.open_outreach(), Disposition.DECLINED)
    owed = await watching.value("SELECT id FROM writebacks")
    async with watching.database.connection() as conn:
        for _ in range(3):
            await writebacks.later(conn, owed, 1, "Recruitee answered 422")
        assert await health.overdue_writebacks(conn, 4) == []
        assert await health.overdue_writebacks(conn, 3) == [(COMPANY, "Recruitee answered 422")]
        await writebacks.done(conn, owed, watching.clock())
        assert await health.overdue_writebacks(conn, 1) == []


async def test_a_paused_trunk_is_told_until_it_works_again(scene: Scene) -> None:
    async with scene.database.connection() as conn:
        await trunks.lock(conn, "twilio")
        await trunks.pause(conn, "twilio", "20003: Authenticate", 60)
        assert await trunks.paused(conn) == [("twilio", "20003: Authenticate")]
        assert (await trunks.look(conn, "twilio")).is_paused
        await conn.execute("UPDATE trunks SET paused_until = now()")
        assert not (await trunks.look(conn, "twilio")).is_paused
        assert (await trunks.look(conn, "twilio")).is_on_trial
        assert await trunks.paused(conn) == [("twilio", "20003: Authenticate")], "until a call has shown that it works"
        assert await trunks.resume(conn) == ["twilio"]
        assert await trunks.paused(conn) == []
        assert await trunks.resume(conn) == []


async def test_slots_follow_each_other_at_the_trunks_pace(scene: Scene) -> None:
    async with scene.database.transaction() as tx:
        unused = await trunks.look(tx.conn, "unused")
        assert (unused.open_calls, unused.is_paused, unused.is_on_trial, unused.slot_in_s) == (0, False, False, 0)
        await trunks.lock(tx.conn, "twilio")
        waits = [await trunks.take_slot(tx.conn, "twilio", 0.5) for _ in range(3)]
        assert waits[0] == 0
        assert 1.5 < waits[1] <= 2
        assert 3.5 < waits[2] <= 4
        assert 5.5 < (await trunks.look(tx.conn, "twilio")).slot_in_s <= 6
        await tx.conn.execute("UPDATE trunks SET next_call_at = now() - interval '1 hour'")
        assert await trunks.take_slot(tx.conn, "twilio", 0.5) == 0, "what was not used is not saved up"


_BUSY = {
    "a message": "INSERT INTO outbox (id, name, body) VALUES (gen_random_uuid(), 'n', 'b')",
    "a reading": "INSERT INTO candidate_reads (company_id, candidate_id) VALUES (1, 1)",
    "a dial": "INSERT INTO dials (outreach_id, company_id) SELECT id, company_id FROM outreaches",
    "a call": "UPDATE outreaches SET state = 'calling', due_at = NULL",
    "a debt": "INSERT INTO writebacks (id, outreach_id, company_id) SELECT gen_random_uuid(), id, 1 FROM outreaches",
    "a look": "UPDATE stage_watches SET settled_at = NULL",
}


@pytest.mark.parametrize("what", _BUSY)
async def test_somebody_has_something_to_do(watching: Scene, what: str) -> None:
    await watching.open_outreach()
    async with watching.database.connection() as conn:
        assert await unfinished.is_idle(conn)
        await conn.execute(_BUSY[what])
        assert not await unfinished.is_idle(conn)
        assert await unfinished.is_watching(conn) is (what != "a look")


async def test_nobody_watches_before_there_is_a_stage(scene: Scene) -> None:
    async with scene.database.connection() as conn:
        assert not await unfinished.is_watching(conn)
