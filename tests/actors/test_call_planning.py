"""What follows after each way in which a call can end: the product page's table, through the scheduler and its rows."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from klara_daemon.domain.dispositions import Disposition, Outcome, OutreachState
from klara_daemon.messages import OutreachEnded
from klara_daemon.store import opt_outs
from klara_daemon.store.outreaches import Outreach
from tests.actors.scene import (
    BERLIN,
    CALL,
    COMPANY,
    INTERVIEW,
    NUMBER,
    NUMBER_2,
    PHONE,
    PHONE_2,
    Scene,
)

D = Disposition
LATER_TODAY = datetime(2026, 9, 7, 14, 0, tzinfo=BERLIN)
"""After the pause of three hours, and in the other window than the first call of 09:03."""
FIRST_CALL = datetime(2026, 9, 7, 9, 3, tzinfo=BERLIN)
TOMORROW = datetime(2026, 9, 8, 9, 0, tzinfo=BERLIN)


async def _attempts_that_count(scene: Scene) -> int:
    return int(
        await scene.value(
            "SELECT count(*) FROM attempts"
            " WHERE disposition NOT IN ('invalid_number', 'technical_failure', 'not_placed')"
        )
    )


async def _ends(scene: Scene, outreach: Outreach, *dispositions: Disposition) -> Outreach:
    for disposition in dispositions:
        await scene.call_ends(outreach, disposition)
    return await scene.outreach(outreach.id)


@pytest.mark.parametrize(
    ("disposition", "outcome"),
    [
        (D.INTERVIEWED, Outcome.COMPLETED),
        (D.APPOINTMENT_BOOKED, Outcome.COMPLETED),
        (D.DECLINED, Outcome.REFUSED),
        (D.OPTED_OUT, Outcome.REFUSED),
        (D.HUMAN_REQUESTED, Outcome.HUMAN_REQUESTED),
        (D.WRONG_PERSON, Outcome.UNCALLABLE),
        (D.INVALID_NUMBER, Outcome.UNCALLABLE),
    ],
)
async def test_some_ends_are_the_last(watching: Scene, disposition: Disposition, outcome: Outcome) -> None:
    outreach = await _ends(watching, await watching.open_outreach(), disposition)

    assert (outreach.state, outreach.outcome, outreach.due_at) == (OutreachState.ENDED, outcome, None)
    assert await watching.waiting_messages() == [OutreachEnded.name]
    assert len(await watching.rows("SELECT FROM writebacks WHERE outreach_id = $1", outreach.id)) == 1
    [ended] = [line for line in await watching.lines(outreach.candidate_id) if line.event == "outreach_ended"]
    assert ended.details["outcome"] == outcome
    assert ended.rule


@pytest.mark.parametrize(
    ("disposition", "due_at", "counts"),
    [
        (D.PARTLY_INTERVIEWED, LATER_TODAY, 1),
        (D.HUNG_UP, LATER_TODAY, 1),
        (D.CALLBACK_REQUESTED, LATER_TODAY, 1),
        (D.VOICEMAIL, TOMORROW, 1),
        (D.NO_ANSWER, LATER_TODAY, 1),
        (D.BUSY, FIRST_CALL + timedelta(minutes=15), 1),
        (D.TECHNICAL_FAILURE, FIRST_CALL + timedelta(minutes=5), 0),
        (D.NOT_PLACED, FIRST_CALL + timedelta(minutes=5), 0),
        (D.CANCELLED, LATER_TODAY, 1),
    ],
)
async def test_after_the_others_there_is_another_call(
    watching: Scene, disposition: Disposition, due_at: datetime, counts: int
) -> None:
    outreach = await _ends(watching, await watching.open_outreach(), disposition)

    assert (outreach.state, outreach.due_at, outreach.number) == (OutreachState.WAITING, due_at, NUMBER)
    assert await _attempts_that_count(watching) == counts
    assert (await watching.last_rule(outreach.candidate_id, "call_planned") or "").startswith("pause")


@pytest.mark.parametrize(("disposition", "due_at"), [(D.WRONG_PERSON, LATER_TODAY), (D.INVALID_NUMBER, FIRST_CALL)])
async def test_after_a_wrong_number_comes_the_candidates_next(
    watching: Scene, disposition: Disposition, due_at: datetime
) -> None:
    outreach = await _ends(watching, await watching.open_outreach(PHONE, PHONE_2), disposition)
    assert (outreach.state, outreach.due_at, outreach.number) == (OutreachState.WAITING, due_at, NUMBER_2)

    outreach = await _ends(watching, outreach, disposition)
    assert outreach.outcome is Outcome.UNCALLABLE
    assert [row["e164"] for row in await watching.rows("SELECT e164 FROM attempts ORDER BY number")] == [
        NUMBER,
        NUMBER_2,
    ]


async def test_hanging_up_twice_is_a_refusal(watching: Scene) -> None:
    outreach = await _ends(watching, await watching.open_outreach(), D.HUNG_UP, D.HUNG_UP)
    assert outreach.outcome is Outcome.REFUSED
    assert await watching.last_rule(outreach.candidate_id, "outreach_ended") == "hung_up"


@pytest.mark.parametrize(
    ("dispositions", "outcome"),
    [
        ([D.NO_ANSWER, D.BUSY, D.VOICEMAIL, D.NO_ANSWER], Outcome.EXHAUSTED),
        ([D.NO_ANSWER, D.PARTLY_INTERVIEWED, D.VOICEMAIL, D.NO_ANSWER], Outcome.UNFINISHED),
        ([D.NO_ANSWER, D.NO_ANSWER, D.CALLBACK_REQUESTED, D.NO_ANSWER], Outcome.UNFINISHED),
        ([D.TECHNICAL_FAILURE, D.NO_ANSWER, D.NOT_PLACED, D.NO_ANSWER, D.BUSY, D.NO_ANSWER], Outcome.EXHAUSTED),
    ],
)
async def test_the_maximum_ends_it_and_says_whether_anybody_was_reached(
    watching: Scene, dispositions: list[Disposition], outcome: Outcome
) -> None:
    outreach = await watching.open_outreach()
    before = await _ends(watching, outreach, *dispositions[:-1])
    assert before.state is OutreachState.WAITING
    ended = await _ends(watching, outreach, dispositions[-1])

    assert ended.outcome is outcome
    assert await watching.last_rule(outreach.candidate_id, "outreach_ended") == "maximum"
    numbers = [row["number"] for row in await watching.rows("SELECT number FROM attempts ORDER BY number")]
    assert numbers == list(range(1, len(dispositions) + 1))


async def test_two_calls_a_day_and_then_the_next_day(watching: Scene) -> None:
    outreach = await _ends(watching, await watching.open_outreach(), D.NO_ANSWER, D.NO_ANSWER)
    assert outreach.due_at == TOMORROW


async def test_ten_technical_failures_in_a_row_are_for_a_person_to_look_at(watching: Scene) -> None:
    outreach = await _ends(watching, await watching.open_outreach(), *[D.TECHNICAL_FAILURE] * 9)
    assert outreach.state is OutreachState.WAITING
    outreach = await _ends(watching, outreach, D.TECHNICAL_FAILURE)

    assert outreach.state is OutreachState.HELD
    assert await watching.last_rule(outreach.candidate_id, "outreach_held") == "technical_failure"
    assert await watching.waiting_messages() == []


async def test_a_technical_failure_does_not_shorten_the_pause_after_the_call_before(watching: Scene) -> None:
    outreach = await _ends(watching, await watching.open_outreach(), D.NO_ANSWER)
    assert outreach.due_at == LATER_TODAY
    outreach = await _ends(watching, outreach, D.TECHNICAL_FAILURE)
    assert outreach.due_at == LATER_TODAY + timedelta(minutes=5)


async def test_a_callback_outranks_pause_and_daily_number(watching: Scene) -> None:
    await watching.configure(calling={"attempts_per_day": 1})
    outreach = await watching.open_outreach()
    attempt = await watching.dial(outreach)
    at = FIRST_CALL + timedelta(minutes=20)
    await watching.execute("UPDATE outreaches SET callback_at = $1", at)
    await watching.news(attempt, "completed")
    await watching.deliver()

    assert (await watching.outreach(outreach.id)).due_at == at
    assert (await watching.outreach_of(outreach.candidate_id)).state is OutreachState.WAITING


async def test_the_pause_is_the_companys(watching: Scene) -> None:
    windows = [{"from": "09:00", "to": "18:00"}]
    await watching.configure(calling={"pause_minutes": 60, "windows": windows, "attempts_per_day": 3})
    await watching.scheduler.follow_settings()
    outreach = await _ends(watching, await watching.open_outreach(), D.NO_ANSWER)

    assert outreach.due_at == FIRST_CALL + timedelta(minutes=60)


@pytest.mark.parametrize("same", ["person", "number"])
async def test_who_never_wants_to_be_called_again_is_not_for_any_job(watching: Scene, same: str) -> None:
    outreach = await watching.open_outreach()
    attempt = await watching.dial(outreach)
    async with watching.database.transaction() as tx:
        who = outreach.candidate_id if same == "person" else 1
        e164 = attempt.e164 if same == "number" else "+4915199999999"
        await opt_outs.said_in_call(tx.conn, COMPANY, who, e164=e164, attempt_id=attempt.id, at=tx.now)
    await watching.news(attempt, "completed")
    await watching.deliver()
    assert (await watching.outreach(outreach.id)).outcome is Outcome.REFUSED

    watching.move(outreach.candidate_id, INTERVIEW)
    await watching.poll()
    watching.clock.advance(days=30)
    watching.move(outreach.candidate_id, CALL)
    await watching.poll()
    await watching.deliver()
    later = await watching.outreach_of(outreach.candidate_id)
    assert later.id != outreach.id
    assert later.outcome is Outcome.REFUSED
    assert await watching.last_rule(outreach.candidate_id, "outreach_ended") == "opted_out"


async def test_an_opt_out_from_another_company_is_not_ours(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    async with watching.database.transaction() as tx:
        await tx.conn.execute(
            "INSERT INTO opt_outs (company_id, candidate_id, e164, at) VALUES ($1, $2, $3, $4)",
            COMPANY + 1,
            outreach.candidate_id,
            NUMBER,
            tx.now,
        )
    outreach = await _ends(watching, outreach, D.NO_ANSWER)

    assert outreach.state is OutreachState.WAITING


async def test_a_later_stay_begins_to_count_anew(watching: Scene) -> None:
    await watching.configure(calling={"max_attempts": 1})
    outreach = await _ends(watching, await watching.open_outreach(), D.NO_ANSWER)
    assert outreach.outcome is Outcome.EXHAUSTED
    watching.move(outreach.candidate_id, INTERVIEW)
    await watching.poll()
    watching.clock.set(TOMORROW)
    watching.move(outreach.candidate_id, CALL)
    await watching.poll()
    await watching.deliver()

    later = await watching.outreach_of(outreach.candidate_id)
    assert (later.state, later.due_at) == (OutreachState.WAITING, TOMORROW + timedelta(minutes=3))
