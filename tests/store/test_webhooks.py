"""Accepted webhooks: each once, and what they prove."""

from __future__ import annotations

from datetime import timedelta

import pytest

from klara_daemon.domain.stays import Place
from klara_daemon.store import webhooks
from tests.actors.scene import CALL, COMPANY, INTERVIEW, MONDAY, OFFER, Scene

PLACE = Place(OFFER, CALL)


async def test_a_webhook_is_known_by_company_id_and_time(scene: Scene) -> None:
    first = await scene.webhook(1, webhook_id="7", at=MONDAY)
    assert await scene.webhook(2, webhook_id="7", at=MONDAY) is None
    assert await scene.webhook(1, webhook_id="7", at=MONDAY + timedelta(microseconds=1))
    assert await scene.webhook(1, webhook_id="8", at=MONDAY)
    assert first is not None
    async with scene.database.connection() as conn:
        [told] = await webhooks.accepted(conn, [first, -1])
    assert (told.company_id, told.candidate_id, told.offer_id, told.to_stage_id) == (COMPANY, 1, OFFER, CALL)


@pytest.mark.parametrize(
    ("candidate_id", "place", "since", "proves"),
    [
        (1, PLACE, timedelta(0), True),
        (1, PLACE, timedelta(hours=-1), True),
        (1, PLACE, timedelta(seconds=1), False),
        (2, PLACE, timedelta(0), False),
        (1, Place(OFFER, INTERVIEW), timedelta(0), False),
        (1, Place(OFFER + 1, CALL), timedelta(0), False),
    ],
)
async def test_only_a_webhook_about_just_this_move_proves_it(
    scene: Scene, candidate_id: int, place: Place, since: timedelta, proves: bool
) -> None:
    await scene.webhook(1, at=MONDAY)
    async with scene.database.connection() as conn:
        assert await webhooks.was_moved(conn, COMPANY, candidate_id, place, since=MONDAY + since) is proves
        assert not await webhooks.was_moved(conn, COMPANY + 1, candidate_id, place, since=MONDAY + since)


async def test_a_company_is_known_by_settings_or_secrets(scene: Scene) -> None:
    async with scene.database.connection() as conn:
        assert await webhooks.company_is_known(conn, COMPANY)
        assert not await webhooks.company_is_known(conn, COMPANY + 1)
        await conn.execute("DELETE FROM company_secrets")
        assert await webhooks.company_is_known(conn, COMPANY)
