"""Who is to be read, and what is kept of a reading."""

from __future__ import annotations

import asyncio

from klara_daemon.domain.stays import Place
from klara_daemon.store import stays
from klara_daemon.store.stays import Read
from tests.actors.scene import CALL, COMPANY, MONDAY, OFFER, Scene

PLACE = Place(OFFER, CALL)


async def _want(scene: Scene, *people: int) -> None:
    async with scene.database.connection() as conn:
        await stays.want_read(conn, [(COMPANY, person) for person in people])


async def _claim(scene: Scene) -> Read:
    async with scene.database.connection() as conn:
        read = await stays.claim_read(conn, 60)
    assert read is not None
    return read


async def _done(scene: Scene, read: Read) -> bool:
    async with scene.database.connection() as conn:
        return await stays.read_done(conn, read)


async def test_many_reasons_are_one_reading(scene: Scene) -> None:
    await _want(scene, 1, 2, 1)
    await _want(scene, 2, 1)
    claimed = {(await _claim(scene)).candidate_id for _ in range(2)}
    assert claimed == {1, 2}
    async with scene.database.connection() as conn:
        assert await stays.claim_read(conn, 60) is None
        await stays.want_read(conn, [])


async def test_of_many_readers_each_takes_another_candidate(scene: Scene) -> None:
    await _want(scene, *range(1, 9))
    claimed = await asyncio.gather(*(_claim(scene) for _ in range(8)))
    assert sorted(read.candidate_id for read in claimed) == list(range(1, 9))


async def test_a_reason_that_comes_while_somebody_reads_makes_the_reading_outdated(scene: Scene) -> None:
    await _want(scene, 1)
    first = await _claim(scene)
    await _want(scene, 1)
    assert not await _done(scene, first)
    second = await _claim(scene)
    assert await _done(scene, second)
    assert await scene.rows("SELECT FROM candidate_reads") == []


async def test_of_two_who_read_the_same_only_the_later_counts(scene: Scene) -> None:
    await _want(scene, 1)
    first = await _claim(scene)
    await scene.let_pass(61)
    second = await _claim(scene)
    assert not await _done(scene, first)
    third = await _claim(scene)
    assert not await _done(scene, second)
    assert await _done(scene, third)


async def test_a_reading_from_before_a_settled_one_never_counts(scene: Scene) -> None:
    await _want(scene, 1)
    oldest = await _claim(scene)
    await scene.let_pass(61)
    assert await _done(scene, await _claim(scene))
    await _want(scene, 1)
    assert not await _done(scene, oldest)
    assert await _done(scene, await _claim(scene))


async def test_who_failed_waits_whatever_the_reason(scene: Scene) -> None:
    await _want(scene, 1)
    read = await _claim(scene)
    async with scene.database.connection() as conn:
        await stays.read_later(conn, read, 40)
        await stays.want_read(conn, [(COMPANY, 1)])
        assert await stays.claim_read(conn, 60) is None
    await scene.let_pass(41)
    assert (await _claim(scene)).tries == 1


async def test_numbers_are_news_when_they_are_others_or_the_first(scene: Scene) -> None:
    async with scene.database.connection() as conn:
        news = [
            await stays.keep_candidate(conn, COMPANY, 1, name, phones)
            for name, phones in [("A", []), ("B", []), ("B", ["1"]), ("B", ["1"]), ("B", ["1", "2"]), ("B", ["2", "1"])]
        ]
        assert await stays.phones_of(conn, COMPANY, 1) == ("B", ["2", "1"])
        assert await stays.phones_of(conn, COMPANY + 1, 1) == ("", [])
    assert news == [True, False, True, False, True, True]


async def test_a_reading_that_was_begun_later_stays(scene: Scene) -> None:
    async with scene.database.connection() as conn:
        assert await stays.keep_candidate(conn, COMPANY, 1, "B", ["2"], age_s=5)
        assert not await stays.keep_candidate(conn, COMPANY, 1, "A", ["1"], age_s=9)
        assert await stays.phones_of(conn, COMPANY, 1) == ("B", ["2"])
        assert await stays.keep_candidate(conn, COMPANY, 1, "C", ["3"], age_s=1)


async def test_a_clock_that_was_set_back_keeps_nothing_from_being_read(scene: Scene) -> None:
    async with scene.database.connection() as conn:
        await stays.keep_candidate(conn, COMPANY, 1, "A", ["1"], age_s=-3600)
        assert await stays.keep_candidate(conn, COMPANY, 1, "B", ["2"], age_s=5)


async def test_a_stay_ends_once(scene: Scene) -> None:
    async with scene.database.connection() as conn:
        stay_id = await stays.enter(conn, COMPANY, 1, 2, PLACE, MONDAY, already_there=False)
        await stays.leave(conn, stay_id, MONDAY, "left_stage")
        await stays.leave(conn, stay_id, MONDAY, "hired")
        assert await stays.leave_stage(conn, COMPANY, OFFER, CALL, MONDAY) == []
        [stay] = await stays.stays(conn, [stay_id])
    assert stay.left_because == "left_stage"


async def test_companies_do_not_see_each_others_people(scene: Scene) -> None:
    async with scene.database.connection() as conn:
        await stays.enter(conn, COMPANY, 1, 2, PLACE, MONDAY, already_there=False)
        await stays.enter(conn, COMPANY + 1, 1, 2, PLACE, MONDAY, already_there=False)
        assert len(await stays.open_stays(conn, COMPANY, 1)) == 1
        assert await stays.people_in_stage(conn, COMPANY, OFFER, CALL) == {1}
        assert len(await stays.leave_stage(conn, COMPANY, OFFER, CALL, MONDAY)) == 1
        assert await stays.people_in_stage(conn, COMPANY + 1, OFFER, CALL) == {1}
