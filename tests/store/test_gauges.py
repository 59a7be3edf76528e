"""What the operator watches, and what must never be: each broken promise is seen, and a sound house shows none."""

from __future__ import annotations

from datetime import timedelta

import pytest

from klara_daemon.domain.dispositions import Disposition
from klara_daemon.messages import StayChanged
from klara_daemon.store import gauges
from klara_daemon.store.gauges import Gauges
from tests.actors.scene import PHONE_2, Scene


async def _count(scene: Scene) -> Gauges:
    async with scene.database.connection() as conn:
        return await gauges.count(conn, scene.clock())


async def test_an_empty_house_has_nothing(scene: Scene) -> None:
    assert await _count(scene) == Gauges(
        outbox_rows=0,
        outbox_oldest_s=0.0,
        parked=0,
        overdue=0,
        unclear=0,
        to_reconnect=0,
        held_for_a_person=0,
        outreaches={},
        violations={
            "calling_without_call": 0,
            "stay_without_outreach": 0,
            "ended_without_writeback": 0,
            "ended_while_calling": 0,
        },
    )


async def test_everything_is_counted(watching: Scene) -> None:
    await watching.dial(await watching.open_outreach())
    waiting = await watching.open_outreach(PHONE_2)
    await watching.execute("UPDATE attempts SET state = 'unclear' WHERE state = 'placing'")
    await watching.execute("UPDATE company_secrets SET connection = 'reconnect'")
    await watching.execute("INSERT INTO parked (queue, name, body, reason) VALUES ('q', 'n', 'b', 'r')")
    async with watching.database.transaction() as tx:
        tx.send(StayChanged(stay_id=waiting.stay_id))
    await watching.execute("UPDATE outbox SET created_at = created_at - interval '100 s'")
    watching.clock.advance(hours=1)

    seen = await _count(watching)
    assert (seen.parked, seen.overdue, seen.to_reconnect, seen.outbox_rows) == (1, 1, 1, 1)
    assert 100 <= seen.outbox_oldest_s < 130
    assert seen.outreaches == {"calling": 1, "waiting": 1}
    assert not any(seen.violations.values())


@pytest.mark.parametrize(
    ("invariant", "statement"),
    [
        ("calling_without_call", "UPDATE outreaches SET state = 'calling', due_at = NULL"),
        ("stay_without_outreach", "DELETE FROM outreaches"),
        (
            "ended_without_writeback",
            "UPDATE outreaches SET state = 'ended', outcome = 'refused', ended_at = '2026-09-07 07:03:00+00'",
        ),
    ],
)
async def test_a_broken_promise_is_seen_once_things_have_had_time_to_settle(
    watching: Scene, invariant: str, statement: str
) -> None:
    await watching.open_outreach()
    await watching.execute(statement)
    watching.clock.advance(minutes=11)
    violations = (await _count(watching)).violations
    assert violations.pop(invariant) == 1
    assert not any(violations.values())


async def test_an_outreach_that_ended_while_its_call_goes_on_is_seen(watching: Scene) -> None:
    await watching.dial(await watching.open_outreach())
    await watching.execute(
        "UPDATE outreaches SET state = 'ended', outcome = 'withdrawn', ended_at = $1", watching.clock()
    )
    assert (await _count(watching)).violations["ended_while_calling"] == 1


async def test_a_whole_story_breaks_no_promise(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    for disposition in (Disposition.NO_ANSWER, Disposition.BUSY, Disposition.TECHNICAL_FAILURE, Disposition.DECLINED):
        await watching.call_ends(outreach, disposition)
        await watching.let_pass(1000)
        watching.clock.advance(minutes=11)
        assert not any((await _count(watching)).violations.values())
    assert watching.clock() - outreach.opened_at > timedelta(minutes=40)
