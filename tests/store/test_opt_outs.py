"""Opt-outs: each person and number once, taken back without being forgotten, one company's apart from another's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from klara_daemon.store import opt_outs
from klara_daemon.store.database import Connection
from klara_daemon.store.opt_outs import OptOut
from tests.actors.scene import COMPANY, MONDAY, NUMBER, NUMBER_2, NUMBER_3, Scene

LATER = MONDAY + timedelta(days=1)


@pytest.fixture
async def conn(scene: Scene) -> AsyncIterator[Connection]:
    async with scene.database.connection() as conn:
        yield conn


async def add(
    conn: Connection, candidate_id: int | None, *numbers: str, company_id: int = COMPANY, why: str = "asked"
) -> int:
    return await opt_outs.add(conn, company_id, candidate_id, numbers, at=MONDAY, who="anna", why=why)


async def remove(conn: Connection, candidate_id: int | None, e164: str | None = None) -> list[OptOut]:
    return await opt_outs.remove(conn, COMPANY, candidate_id, e164, at=LATER, who="ben", why="changed their mind")


async def stand(conn: Connection) -> list[tuple[int | None, str | None]]:
    found = await opt_outs.of_company(conn, COMPANY, also_removed=False)
    return [(one.candidate_id, one.e164) for one in found]


async def test_a_candidate_is_kept_with_each_number_or_with_none(conn: Connection) -> None:
    assert await add(conn, 1, NUMBER, NUMBER_2) == 2
    assert await add(conn, 2) == 1
    assert await add(conn, None, NUMBER_3) == 1

    assert await stand(conn) == [(1, NUMBER), (1, NUMBER_2), (2, None), (None, NUMBER_3)]
    [first, *_] = await opt_outs.of_company(conn, COMPANY, also_removed=False)
    assert (first.at, first.who, first.why, first.removed_at) == (MONDAY, "anna", "asked", None)


async def test_what_is_opted_out_is_not_entered_again(conn: Connection) -> None:
    await add(conn, 1, NUMBER)

    assert await add(conn, 1, NUMBER, why="again") == 0
    assert await add(conn, 1) == 0
    assert await add(conn, None, NUMBER) == 0
    assert await stand(conn) == [(1, NUMBER)]


async def test_what_is_new_of_a_person_is_entered(conn: Connection) -> None:
    await add(conn, None, NUMBER)

    assert await add(conn, 1, NUMBER) == 1, "the candidate is new"
    assert await add(conn, 1, NUMBER, NUMBER_2) == 1, "the second number is new"
    assert await stand(conn) == [(None, NUMBER), (1, NUMBER), (1, NUMBER_2)]


async def test_another_company_is_another_matter(conn: Connection) -> None:
    await add(conn, 1, NUMBER, company_id=7)

    assert await stand(conn) == []
    assert await opt_outs.standing(conn, COMPANY, [1], [NUMBER]) == []
    assert await remove(conn, 1) == []
    assert await add(conn, 1, NUMBER) == 1


async def test_what_is_taken_back_stays_in_the_list_of_all(conn: Connection) -> None:
    await add(conn, 1, NUMBER)
    await add(conn, None, NUMBER_2)
    [removed] = await remove(conn, 1)

    assert (removed.candidate_id, removed.e164) == (1, NUMBER)
    assert (removed.removed_at, removed.removed_by, removed.removed_why) == (LATER, "ben", "changed their mind")
    assert await stand(conn) == [(None, NUMBER_2)]
    assert await opt_outs.of_company(conn, COMPANY, also_removed=True) == [
        removed,
        *await opt_outs.of_company(conn, COMPANY, also_removed=False),
    ]
    assert await remove(conn, 1) == [], "once"
    assert await add(conn, 1, NUMBER) == 1, "and may be entered again"


async def test_taking_back_a_number_takes_back_every_row_that_names_it(conn: Connection) -> None:
    await add(conn, 1, NUMBER, NUMBER_2)
    await add(conn, 2, NUMBER)

    assert {one.candidate_id for one in await remove(conn, None, NUMBER)} == {1, 2}
    assert await stand(conn) == [(1, NUMBER_2)]


async def test_what_still_stands_is_found_by_candidate_and_by_number(conn: Connection) -> None:
    await add(conn, 1)
    await add(conn, None, NUMBER)
    await add(conn, 3, NUMBER_3)

    found = await opt_outs.standing(conn, COMPANY, [1, 2], [NUMBER, NUMBER_2])
    assert [(one.candidate_id, one.e164) for one in found] == [(1, None), (None, NUMBER)]


async def test_who_says_it_in_a_call_is_named_as_such(scene: Scene) -> None:
    await scene.have_watched()
    attempt = await scene.dial(await scene.open_outreach())
    async with scene.database.connection() as conn:
        await opt_outs.said_in_call(conn, COMPANY, attempt.candidate_id, NUMBER, attempt.id, MONDAY)
        [one] = await opt_outs.of_company(conn, COMPANY, also_removed=False)

    assert (one.candidate_id, one.e164, one.who, one.why) == (
        attempt.candidate_id,
        NUMBER,
        "the candidate",
        "said so in a call",
    )


async def test_a_removal_is_whole_or_none(conn: Connection) -> None:
    await add(conn, 1)
    with pytest.raises(asyncpg.CheckViolationError):
        await conn.execute("UPDATE opt_outs SET removed_at = now()")
