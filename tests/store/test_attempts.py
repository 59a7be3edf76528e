"""What the database refuses, whatever the code believes: calls that must never be made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import pytest

from klara_daemon.domain.dispositions import AttemptState as A
from klara_daemon.domain.dispositions import Disposition
from klara_daemon.domain.states import ATTEMPT_TRANSITIONS
from klara_daemon.store.database import Connection
from tests.actors.scene import BERLIN, CALL, CALLER, COMPANY, MONDAY, NUMBER, NUMBER_2, OFFER, Scene

SUNDAY = datetime(2026, 9, 13, 10, 0, tzinfo=BERLIN)


@pytest.fixture
async def conn(scene: Scene) -> AsyncIterator[Connection]:
    """A connection on which each statement stands alone."""
    async with scene.database.connection() as connection:
        yield connection


async def _outreach(conn: Connection, *, company_id: int = COMPANY, callback_at: datetime | None = None) -> UUID:
    stay_id, outreach_id = uuid4(), uuid4()
    await conn.execute(
        "INSERT INTO stays VALUES ($1, $2, 1, $3, $4, $5, $6, false)",
        stay_id,
        company_id,
        stay_id.int % 2**62,
        OFFER,
        CALL,
        MONDAY,
    )
    await conn.execute(
        "INSERT INTO outreaches (id, stay_id, company_id, candidate_id, placement_id, offer_id, stage_id, mode, state,"
        " opened_at, callback_at) VALUES ($1, $2, $3, 1, 1, $4, $5, 'interview', 'calling', $6, $7)",
        outreach_id,
        stay_id,
        company_id,
        OFFER,
        CALL,
        MONDAY,
        callback_at,
    )
    return outreach_id


async def _claim(
    conn: Connection, outreach_id: UUID, number: int = 1, e164: str = NUMBER, at: datetime = MONDAY
) -> UUID:
    attempt_id = uuid4()
    await conn.execute(
        "INSERT INTO attempts (id, outreach_id, company_id, candidate_id, number, e164, caller, provider, state,"
        " claimed_at) SELECT $1, id, company_id, candidate_id, $3, $4, $5, 'twilio', 'claimed', $6"
        "  FROM outreaches WHERE id = $2",
        attempt_id,
        outreach_id,
        number,
        e164,
        CALLER,
        at,
    )
    return attempt_id


async def _set(conn: Connection, attempt_id: UUID, state: str, at: datetime = MONDAY) -> None:
    await conn.execute("UPDATE attempts SET state = $2, placed_at = $3 WHERE id = $1", attempt_id, state, at)


async def _end(conn: Connection, attempt_id: UUID, disposition: Disposition = Disposition.NO_ANSWER) -> None:
    await conn.execute(
        "UPDATE attempts SET state = 'ended', disposition = $2, ended_at = $3 WHERE id = $1",
        attempt_id,
        disposition,
        MONDAY,
    )


async def test_an_attempt_is_claimed_placed_and_ended(conn: Connection) -> None:
    attempt_id = await _claim(conn, await _outreach(conn))
    for state in ("placing", "placed", "ringing", "talking"):
        await _set(conn, attempt_id, state)
    await _end(conn, attempt_id)

    assert await conn.fetchval("SELECT state FROM attempts") == "ended"


@pytest.mark.parametrize(
    "at",
    [
        SUNDAY,
        datetime(2026, 9, 12, 22, 0, tzinfo=UTC),
        datetime(2026, 9, 13, 21, 59, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    ],
)
async def test_nothing_is_claimed_or_placed_on_a_sunday_in_the_companys_zone(conn: Connection, at: datetime) -> None:
    outreach_id = await _outreach(conn)
    with pytest.raises(asyncpg.CheckViolationError, match="Sunday"):
        await _claim(conn, outreach_id, at=at)

    attempt_id = await _claim(conn, outreach_id)
    with pytest.raises(asyncpg.CheckViolationError, match="Sunday"):
        await _set(conn, attempt_id, "placing", at)


@pytest.mark.parametrize("at", [datetime(2026, 9, 12, 21, 59, tzinfo=UTC), datetime(2026, 9, 13, 22, 0, tzinfo=UTC)])
async def test_the_minute_before_and_after_a_sunday_is_none(conn: Connection, at: datetime) -> None:
    await _claim(conn, await _outreach(conn), at=at)


async def test_a_call_that_lasts_into_sunday_is_not_refused(conn: Connection) -> None:
    attempt_id = await _claim(conn, await _outreach(conn))
    await _set(conn, attempt_id, "placing")
    await conn.execute("UPDATE attempts SET state = 'talking', answered_at = $2 WHERE id = $1", attempt_id, SUNDAY)
    await _end(conn, attempt_id)


async def test_the_zone_is_the_companys(scene: Scene, conn: Connection) -> None:
    await scene.configure(company={"time_zone": "Pacific/Auckland", "country": "NZ", "subdivision": None})
    outreach_id = await _outreach(conn)
    with pytest.raises(asyncpg.CheckViolationError, match="Sunday"):
        await _claim(conn, outreach_id, at=datetime(2026, 9, 12, 13, 0, tzinfo=UTC))
    await _claim(conn, outreach_id, at=datetime(2026, 9, 13, 13, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    "statement", ["DELETE FROM call_settings", "DELETE FROM calling_windows; DELETE FROM companies"]
)
async def test_without_settings_nothing_is_claimed(scene: Scene, conn: Connection, statement: str) -> None:
    outreach_id = await _outreach(conn)
    await conn.execute("SET session_replication_role = replica")
    await conn.execute(statement)
    await conn.execute("SET session_replication_role = origin")
    with pytest.raises(asyncpg.CheckViolationError, match="calls nobody"):
        await _claim(conn, outreach_id)


async def test_more_than_the_maximum_is_refused(conn: Connection) -> None:
    outreach_id = await _outreach(conn)
    for number in range(1, 5):
        await _end(conn, await _claim(conn, outreach_id, number))
    with pytest.raises(asyncpg.CheckViolationError, match="maximum of 4"):
        await _claim(conn, outreach_id, 5)


async def test_what_does_not_count_is_not_counted(conn: Connection) -> None:
    outreach_id = await _outreach(conn)
    uncounted = [Disposition.INVALID_NUMBER, Disposition.TECHNICAL_FAILURE, Disposition.NOT_PLACED]
    for number, disposition in enumerate([Disposition.BUSY] * 3 + uncounted * 3, start=1):
        await _end(conn, await _claim(conn, outreach_id, number), disposition)
    await _end(conn, await _claim(conn, outreach_id, 13))
    with pytest.raises(asyncpg.CheckViolationError, match="maximum"):
        await _claim(conn, outreach_id, 14)


async def test_a_maximum_that_was_lowered_between_claim_and_fence_stops_the_call(
    scene: Scene, conn: Connection
) -> None:
    outreach_id = await _outreach(conn)
    await _end(conn, await _claim(conn, outreach_id))
    second = await _claim(conn, outreach_id, 2)
    await scene.configure(calling={"max_attempts": 1})
    with pytest.raises(asyncpg.CheckViolationError, match="maximum of 1"):
        await _set(conn, second, "placing")
    await _end(conn, second, Disposition.NOT_PLACED)


async def test_a_callback_may_be_the_one_above_the_maximum(conn: Connection) -> None:
    outreach_id = await _outreach(conn, callback_at=MONDAY)
    for number in range(1, 6):
        await _end(conn, await _claim(conn, outreach_id, number))
    with pytest.raises(asyncpg.CheckViolationError, match="maximum of 5"):
        await _claim(conn, outreach_id, 6)


@pytest.mark.parametrize("state", [state for state in A if state is not A.ENDED])
async def test_a_second_open_attempt_is_refused(conn: Connection, state: A) -> None:
    outreach_id = await _outreach(conn)
    first = await _claim(conn, outreach_id)
    if state is not A.CLAIMED:
        await _set(conn, first, "placing")
        await _set(conn, first, state)
    with pytest.raises(asyncpg.UniqueViolationError, match="one_open_attempt"):
        await _claim(conn, outreach_id, 2, NUMBER_2)


async def test_a_second_live_call_to_one_number_is_refused_also_for_another_company(conn: Connection) -> None:
    first = await _claim(conn, await _outreach(conn))
    another = await _outreach(conn)
    with pytest.raises(asyncpg.UniqueViolationError, match="one_live_call_to_a_number"):
        await _claim(conn, another)
    await _end(conn, first)
    await _claim(conn, another)


async def test_a_number_of_an_attempt_is_given_once(conn: Connection) -> None:
    outreach_id = await _outreach(conn)
    await _end(conn, await _claim(conn, outreach_id))
    with pytest.raises(asyncpg.UniqueViolationError):
        await _claim(conn, outreach_id, 1)


async def test_one_call_of_the_phone_company_belongs_to_one_attempt(conn: Connection) -> None:
    first, second = await _claim(conn, await _outreach(conn)), await _claim(conn, await _outreach(conn), e164=NUMBER_2)
    await conn.execute("UPDATE attempts SET provider_ref = 'CA1' WHERE id = $1", first)
    with pytest.raises(asyncpg.UniqueViolationError):
        await conn.execute("UPDATE attempts SET provider_ref = 'CA1' WHERE id = $1", second)


@pytest.mark.parametrize("before", list(A))
async def test_what_was_sent_is_never_sent_again_and_what_ended_never_goes_on(conn: Connection, before: A) -> None:
    attempt_id = await _claim(conn, await _outreach(conn))
    if before is not A.CLAIMED:
        await _set(conn, attempt_id, "placing")
    if before is A.ENDED:
        await _end(conn, attempt_id)
    elif before is not A.CLAIMED:
        await _set(conn, attempt_id, before)

    possible = set()
    for after in A:
        undo = conn.transaction()
        await undo.start()
        try:
            await conn.execute(
                "UPDATE attempts SET state = $2, placed_at = $3, disposition = $4, ended_at = $5 WHERE id = $1",
                attempt_id,
                after,
                MONDAY,
                *(("busy", MONDAY) if after is A.ENDED else (None, None)),
            )
            possible.add(after)
        except asyncpg.CheckViolationError as error:
            assert "never sent again" in str(error) or "cannot go on" in str(error)  # noqa: PT017
        finally:
            await undo.rollback()

    sent = {A.CLAIMED: {A.CLAIMED, A.PLACING}, A.PLACING: {A.PLACING}}.get(before, set())
    never = {A.CLAIMED, A.PLACING} - sent if before is not A.ENDED else set(A) - {A.ENDED}
    assert possible == set(A) - never
    assert ATTEMPT_TRANSITIONS[before] <= possible, "the database allows what the states allow"


@pytest.mark.parametrize(
    "broken",
    [
        "state = 'ended'",
        "disposition = 'busy'",
        "ended_at = now()",
        "state = 'placing', placed_at = NULL",
        "state = 'dialled'",
        "number = 0",
    ],
)
async def test_a_row_that_contradicts_itself_is_refused(conn: Connection, broken: str) -> None:
    attempt_id = await _claim(conn, await _outreach(conn))
    with pytest.raises(asyncpg.CheckViolationError):
        await conn.execute(f"UPDATE attempts SET {broken} WHERE id = $1", attempt_id)  # noqa: S608


async def test_the_refusals_hold_when_two_claim_at_once(scene: Scene) -> None:
    async with scene.database.connection() as one, scene.database.connection() as two:
        outreach_id = await _outreach(one)
        transaction = one.transaction()
        await transaction.start()
        await _claim(one, outreach_id)
        await two.execute("SET lock_timeout = '50ms'")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await _claim(two, outreach_id, 2)
        await transaction.commit()
        await two.execute("RESET lock_timeout")
        with pytest.raises(asyncpg.UniqueViolationError):
            await _claim(two, outreach_id, 2)
