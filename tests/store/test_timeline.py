"""The timeline: written with the decision it tells of, read in order."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from klara_daemon.store import timeline
from klara_daemon.store.database import About
from tests.actors.scene import COMPANY, MONDAY, Scene


async def test_lines_come_in_the_order_in_which_they_were_decided(scene: Scene) -> None:
    outreach_id, attempt_id = uuid4(), uuid4()
    async with scene.database.transaction() as tx:
        tx.note("one", About(COMPANY, 1, 2, outreach_id, attempt_id), rule="pause", due_at=MONDAY, says="Grüße “”")
        tx.note("two", About(COMPANY, 1))
        tx.note("other", About(COMPANY, 2))
    scene.clock.advance(hours=-1)
    async with scene.database.transaction() as tx:
        tx.note("three", About(COMPANY, 1))
    async with scene.database.connection() as conn:
        first, second, third = await timeline.of_candidate(conn, COMPANY, 1)
        assert await timeline.of_candidate(conn, COMPANY + 1, 1) == []
        assert [line.event for line in await timeline.after(conn, first.id, 2)] == ["two", "other"]

    assert [first.event, second.event, third.event] == ["one", "two", "three"]
    assert (first.outreach_id, first.attempt_id, first.offer_id, first.rule) == (outreach_id, attempt_id, 2, "pause")
    assert first.details == {"due_at": str(MONDAY), "says": "Grüße “”"}
    assert (first.at, third.at) == (MONDAY, MONDAY - timedelta(hours=1))


async def test_what_was_not_committed_was_not_decided(scene: Scene) -> None:
    async def decide_and_fail() -> None:
        async with scene.database.transaction() as tx:
            tx.note("one", About(COMPANY, 1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await decide_and_fail()
    assert await scene.told(1) == []
