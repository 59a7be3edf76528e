"""What is watched outlives a dashboard that saves by deleting and inserting; looks are shared out."""

from __future__ import annotations

import asyncio

from klara_daemon.domain.stays import Place
from klara_daemon.store import watches
from klara_daemon.store.watches import Watch
from tests.actors.scene import CALL, COMPANY, INTERVIEW, MONDAY, OFFER, WATCHED, Scene


async def _follow(scene: Scene) -> list[Watch]:
    async with scene.database.connection() as conn:
        await watches.follow_settings(conn, scene.clock())
        return await watches.no_longer_watched(conn, 300)


async def _claim(scene: Scene) -> Watch | None:
    async with scene.database.connection() as conn:
        return await watches.claim_poll(conn, 180)


async def test_a_stage_is_watched_since_the_settings_name_it(scene: Scene) -> None:
    await _follow(scene)
    scene.clock.advance(days=1)
    await _follow(scene)
    async with scene.database.connection() as conn:
        [watch] = await watches.of_company(conn, COMPANY)
        assert await watches.is_watched(conn, COMPANY, Place(OFFER, CALL))
        assert not await watches.is_watched(conn, COMPANY, Place(OFFER, INTERVIEW))
    assert (watch.watched_at, watch.settled, watch.place) == (MONDAY, False, Place(OFFER, CALL))


async def test_it_is_forgotten_five_minutes_after_the_settings_have_ceased_to_name_it(scene: Scene) -> None:
    await _follow(scene)
    await scene.configure(stages=[])
    for _ in range(4):
        assert await _follow(scene) == []
        await scene.let_pass(75)
    [gone] = await _follow(scene)
    assert gone.stage_id == CALL
    assert await _follow(scene) == []


async def test_being_named_again_begins_the_five_minutes_anew(scene: Scene) -> None:
    await _follow(scene)
    for _ in range(3):
        await scene.configure(stages=[])
        assert await _follow(scene) == []
        await scene.let_pass(200)
        await scene.configure()
        assert await _follow(scene) == []
        await scene.let_pass(200)
    async with scene.database.connection() as conn:
        assert [watch.watched_at for watch in await watches.of_company(conn, COMPANY)] == [MONDAY]


async def test_stages_are_looked_at_in_turn_and_by_one_at_a_time(scene: Scene) -> None:
    await scene.configure(stages=[WATCHED, WATCHED | {"stage_id": INTERVIEW, "target": "none"}])
    await _follow(scene)
    claimed = await asyncio.gather(*(_claim(scene) for _ in range(4)))
    assert sorted(watch.stage_id for watch in claimed if watch) == [CALL, INTERVIEW]
    await scene.let_pass(181)
    assert await _claim(scene)
    assert await _claim(scene)
    assert await _claim(scene) is None


async def test_only_a_complete_look_settles_and_only_the_first(scene: Scene) -> None:
    await _follow(scene)
    watch = await _claim(scene)
    assert watch is not None
    async with scene.database.connection() as conn:
        await watches.polled(conn, watch, scene.clock(), "no answer")
        assert [fault for *_, fault in await watches.faults(conn)] == ["no answer"]
        assert not (await watches.of_company(conn, COMPANY))[0].settled
        await watches.polled(conn, watch, scene.clock(), None)
        scene.clock.advance(hours=1)
        await watches.polled(conn, watch, scene.clock(), "no answer")
        await watches.polled(conn, watch, scene.clock(), None)
        assert await watches.faults(conn) == []
    assert await scene.value("SELECT settled_at FROM stage_watches") == MONDAY


async def test_a_look_is_prompted_although_the_last_one_failed_but_not_at_once(scene: Scene) -> None:
    await scene.have_watched()
    async with scene.database.connection() as conn:
        [watch] = await watches.of_company(conn, COMPANY)
        await watches.polled(conn, watch, scene.clock(), "no answer")
        await watches.poll_soon(conn, COMPANY)
    assert await _claim(scene) is None
    await scene.let_pass(30)
    assert await _claim(scene)


async def test_a_prompted_look_does_not_come_before_recruitee_wants_it(scene: Scene) -> None:
    await scene.have_watched()
    async with scene.database.connection() as conn:
        [watch] = await watches.of_company(conn, COMPANY)
        await watches.polled(conn, watch, scene.clock(), "too many requests", 100)
        await watches.poll_soon(conn, COMPANY)
    await scene.let_pass(95)
    assert await _claim(scene) is None
    await scene.let_pass(5)
    assert await _claim(scene)


async def test_a_prompted_look_comes_at_once_but_not_ever_again(scene: Scene) -> None:
    await scene.have_watched()
    async with scene.database.connection() as conn:
        await watches.poll_soon(conn, COMPANY, not_within_s=10)
    assert await _claim(scene) is None
    async with scene.database.connection() as conn:
        await watches.poll_soon(conn, COMPANY)
    assert await _claim(scene)
    async with scene.database.connection() as conn:
        await watches.poll_soon(conn, COMPANY + 1)
    assert await _claim(scene) is None
