"""Outreaches are opened, planned, handed out, withdrawn and found again."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from klara_daemon.domain.dispositions import AttemptState, Disposition, Outcome, OutreachState
from klara_daemon.messages import CancelCall, OutreachEnded, PlaceCall, PlanOutreach, StayChanged
from klara_daemon.store import calls
from klara_daemon.store.outreaches import Outreach
from tests.actors.scene import (
    BERLIN,
    CALL,
    COMPANY,
    INTERVIEW,
    MONDAY,
    NUMBER,
    NUMBER_2,
    OFFER,
    PHONE,
    PHONE_2,
    PHONE_3,
    Scene,
)


def berlin(day: int, hour: int, minute: int = 0) -> datetime:
    """A time in the September of the scene; the 7th is its Monday."""
    return datetime(2026, 9, day, hour, minute, tzinfo=BERLIN)


async def _leaves(scene: Scene, outreach: Outreach) -> None:
    scene.move(outreach.candidate_id, INTERVIEW)
    await scene.poll()
    await scene.deliver(StayChanged)


async def _ends(scene: Scene, outreach: Outreach, disposition: Disposition) -> None:
    attempt = await scene.last_attempt(outreach)
    async with scene.database.transaction() as tx:
        await calls.end(tx.conn, attempt.id, disposition, tx.now)


# Opening


async def test_a_stay_opens_one_outreach_and_plans_its_first_call(watching: Scene) -> None:
    outreach = await watching.open_outreach()

    assert (outreach.state, outreach.mode, outreach.number) == (OutreachState.WAITING, "interview", NUMBER)
    assert outreach.due_at == MONDAY + timedelta(minutes=3)
    assert await watching.told(outreach.candidate_id) == ["stage_entered", "outreach_opened", "call_planned"]
    assert await watching.last_rule(outreach.candidate_id, "call_planned") == "pause"


async def test_a_doubled_message_opens_nothing_more(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    stay_changed = StayChanged(stay_id=outreach.stay_id)
    async with watching.database.transaction() as tx:
        await watching.scheduler.on_stay_changed(tx, [stay_changed, stay_changed])
    async with watching.database.transaction() as tx:
        await watching.scheduler.on_stay_changed(tx, [stay_changed])

    assert len(await watching.rows("SELECT FROM outreaches")) == 1
    assert await watching.told(outreach.candidate_id) == ["stage_entered", "outreach_opened", "call_planned"]


async def test_a_batch_opens_everybody(watching: Scene) -> None:
    people = [watching.candidate(f"0151 234567{nth:02}") for nth in range(12)]
    await watching.poll()
    stays = [StayChanged(stay_id=stay["id"]) for stay in await watching.open_stays()]
    async with watching.database.transaction() as tx:
        await watching.scheduler.on_stay_changed(tx, [*stays, *stays[:3]])

    assert await watching.value("SELECT count(*) FROM outreaches WHERE state = 'waiting'") == len(people)


async def test_messages_about_nothing_change_nothing(watching: Scene) -> None:
    async with watching.database.transaction() as tx:
        await watching.scheduler.on_stay_changed(tx, [StayChanged(stay_id=uuid4())])
        await watching.scheduler.on_plan_outreach(tx, [PlanOutreach(outreach_id=uuid4())])

    assert await watching.rows("SELECT FROM outreaches") == []


async def test_who_has_left_before_the_message_came_is_not_called(watching: Scene) -> None:
    candidate_id = watching.candidate()
    await watching.poll()
    watching.move(candidate_id, INTERVIEW)
    await watching.poll()
    await watching.deliver()

    assert await watching.rows("SELECT FROM outreaches") == []


@pytest.mark.parametrize("phones", [[], ["n/a"], ["", "   "], ["0900 1234567"], ["12"]])
async def test_without_a_number_that_can_be_called_the_recruiter_is_told(watching: Scene, phones: list[str]) -> None:
    candidate_id = watching.candidate(*(phones or ["-"]))
    watching.recruitee.edit_phones(COMPANY, candidate_id, phones)
    await watching.poll()
    await watching.deliver(StayChanged)

    outreach = await watching.outreach_of(candidate_id)
    assert outreach.outcome is Outcome.UNCALLABLE
    assert await watching.last_rule(candidate_id, "outreach_ended") == "no_number"
    assert await watching.waiting_messages() == [OutreachEnded.name]


async def test_the_first_of_three_numbers_is_called_first(watching: Scene) -> None:
    outreach = await watching.open_outreach("n/a", PHONE_2, PHONE, PHONE_3)
    assert outreach.number == NUMBER_2


async def test_later_in_the_day_the_call_waits_for_the_window(watching: Scene) -> None:
    watching.clock.set(berlin(7, 11, 58))
    outreach = await watching.open_outreach()
    assert outreach.due_at == berlin(7, 14)


async def test_on_a_saturday_evening_the_call_waits_until_monday(watching: Scene) -> None:
    watching.clock.set(berlin(12, 17, 59))
    outreach = await watching.open_outreach()
    assert outreach.due_at == berlin(14, 9)


async def test_the_delay_of_the_first_call_is_the_companys(watching: Scene) -> None:
    await watching.configure(calling={"first_call_delay_minutes": 45})
    assert (await watching.open_outreach()).due_at == MONDAY + timedelta(minutes=45)


# Withdrawing


async def test_who_leaves_while_waiting_is_not_called_and_recruitee_hears_nothing(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    await watching.make_due(outreach)
    await _leaves(watching, outreach)

    assert (await watching.outreach(outreach.id)).outcome is Outcome.WITHDRAWN
    assert await watching.last_rule(outreach.candidate_id, "outreach_ended") == "left_stage"
    assert await watching.rows("SELECT FROM dials") == []
    assert await watching.rows("SELECT FROM writebacks") == []
    assert await watching.waiting_messages() == []


async def test_who_leaves_after_a_call_is_withdrawn_with_a_note(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    await watching.call_ends(outreach, Disposition.NO_ANSWER)
    await _leaves(watching, outreach)

    assert (await watching.outreach(outreach.id)).outcome is Outcome.WITHDRAWN
    assert len(await watching.rows("SELECT FROM writebacks")) == 1


async def test_who_leaves_while_held_is_withdrawn(watching: Scene) -> None:
    await watching.execute("DELETE FROM calling_windows")
    outreach = await watching.open_outreach()
    assert outreach.state is OutreachState.HELD
    await _leaves(watching, outreach)

    assert (await watching.outreach(outreach.id)).outcome is Outcome.WITHDRAWN


async def test_who_leaves_while_the_phone_rings_is_called_off(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    attempt = await watching.dial(outreach)
    await watching.news(attempt, "ringing")
    await _leaves(watching, outreach)

    [cancel] = await watching.deliver(CancelCall)
    assert isinstance(cancel, CancelCall)
    assert (cancel.attempt_id, cancel.because) == (attempt.id, "left_stage")
    assert (await watching.outreach(outreach.id)).state is OutreachState.CALLING

    await watching.news(attempt, "canceled")
    await watching.deliver()
    assert await watching.how_it_ended(attempt) == (AttemptState.ENDED, Disposition.CANCELLED)
    assert (await watching.outreach(outreach.id)).outcome is Outcome.WITHDRAWN


async def test_two_who_already_speak_are_not_cut_off(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    attempt = await watching.dial(outreach)
    await watching.news(attempt, "in-progress")
    await _leaves(watching, outreach)
    await watching.deliver()

    talking = await watching.attempt(attempt.id)
    assert (talking.state, talking.hang_up_because) == (AttemptState.TALKING, None)
    assert (await watching.outreach(outreach.id)).state is OutreachState.CALLING


@pytest.mark.parametrize(
    ("disposition", "outcome"),
    [
        (Disposition.INTERVIEWED, Outcome.COMPLETED),
        (Disposition.PARTLY_INTERVIEWED, Outcome.WITHDRAWN),
        (Disposition.NO_ANSWER, Outcome.WITHDRAWN),
        (Disposition.BUSY, Outcome.WITHDRAWN),
    ],
)
@pytest.mark.parametrize("left_first", [True, False])
async def test_a_call_that_was_under_way_when_the_candidate_left_is_the_last(
    watching: Scene, disposition: Disposition, outcome: Outcome, left_first: bool
) -> None:
    """An interview that was given counts, also where the message of its end comes after that of the leaving."""
    outreach = await watching.open_outreach()
    await watching.news(await watching.dial(outreach), "in-progress")
    if left_first:
        await _leaves(watching, outreach)
    await _ends(watching, outreach, disposition)
    if not left_first:
        await _leaves(watching, outreach)
    async with watching.database.transaction() as tx:
        await watching.scheduler.on_plan_outreach(tx, [PlanOutreach(outreach_id=outreach.id)])

    assert (await watching.outreach(outreach.id)).outcome is outcome
    assert len(await watching.rows("SELECT FROM writebacks")) == 1


async def test_an_end_is_final(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    await watching.call_ends(outreach, Disposition.DECLINED)
    ended = await watching.rows("SELECT * FROM outreaches")
    await _leaves(watching, outreach)
    async with watching.database.transaction() as tx:
        await watching.scheduler.on_plan_outreach(tx, [PlanOutreach(outreach_id=outreach.id)])

    assert await watching.rows("SELECT * FROM outreaches") == ended
    assert len(await watching.rows("SELECT FROM writebacks")) == 1


# Settings


async def test_changed_settings_plan_those_who_wait_anew(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    await watching.configure(calling={"windows": [{"from": "10:30", "to": "11:00"}]})
    assert not await watching.scheduler.follow_settings()

    assert (await watching.outreach(outreach.id)).due_at == berlin(7, 10, 30)
    assert (await watching.told(outreach.candidate_id)).count("call_planned") == 2


async def test_settings_that_did_not_change_plan_nobody_anew(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    await watching.make_due(outreach)
    before = await watching.rows("SELECT * FROM outreaches")
    await watching.configure(company={"name": "Anders genannt"})
    await watching.scheduler.follow_settings()

    assert await watching.rows("SELECT * FROM outreaches") == before


async def test_a_lower_maximum_ends_those_who_have_reached_it(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    await watching.call_ends(outreach, Disposition.NO_ANSWER)
    await watching.configure(calling={"max_attempts": 1})
    await watching.scheduler.follow_settings()

    assert (await watching.outreach(outreach.id)).outcome is Outcome.EXHAUSTED


async def test_without_settings_everybody_is_held_and_goes_on_when_they_come(watching: Scene) -> None:
    first = await watching.open_outreach()
    await watching.execute("DELETE FROM calling_windows")
    await watching.scheduler.follow_settings()
    second = await watching.open_outreach(PHONE_2)
    for outreach in (first, second):
        held = await watching.outreach(outreach.id)
        assert (held.state, held.due_at) == (OutreachState.HELD, None)
        assert await watching.last_rule(outreach.candidate_id, "outreach_held") == "settings"

    await watching.configure()
    await watching.scheduler.follow_settings()
    for outreach in (first, second):
        assert (await watching.outreach(outreach.id)).due_at == MONDAY + timedelta(minutes=3)


async def test_settings_that_allow_no_call_hold_and_never_fail_open(watching: Scene) -> None:
    days = [f"{berlin(7, 0) + timedelta(days=day):%Y-%m-%d}" for day in range(420)]
    await watching.configure(calling={"closed_days": days})
    outreach = await watching.open_outreach()

    assert outreach.state is OutreachState.HELD
    assert "closed_day" in (await watching.last_rule(outreach.candidate_id, "outreach_held") or "")
    watching.clock.advance(days=1)
    assert not await watching.scheduler.hand_out_due()
    assert await watching.waiting_messages() == []


async def test_being_held_is_told_once(watching: Scene) -> None:
    await watching.execute("DELETE FROM calling_windows")
    outreach = await watching.open_outreach()
    async with watching.database.transaction() as tx:
        await watching.scheduler.on_plan_outreach(tx, [PlanOutreach(outreach_id=outreach.id)])

    assert (await watching.told(outreach.candidate_id)).count("outreach_held") == 1


# Handing out


async def test_a_call_is_handed_out_when_it_is_due_and_not_before(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    watching.clock.set(berlin(7, 9, 2))
    await watching.scheduler.hand_out_due()
    assert await watching.waiting_messages() == []

    watching.clock.set(berlin(7, 9, 3))
    await watching.scheduler.hand_out_due()
    [message] = await watching.deliver()
    assert message == PlaceCall(outreach_id=outreach.id)


async def test_what_was_handed_out_and_not_taken_is_handed_out_again(watching: Scene) -> None:
    await watching.open_outreach()
    watching.clock.advance(minutes=3)
    await watching.scheduler.hand_out_due()
    await watching.lose_messages()
    await watching.scheduler.hand_out_due()
    assert await watching.waiting_messages() == []

    await watching.let_pass(61)
    await watching.scheduler.hand_out_due()
    assert await watching.waiting_messages() == [PlaceCall.name]


async def test_a_hundred_of_a_company_are_handed_out_ahead(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    await watching.execute(
        "INSERT INTO stays SELECT gen_random_uuid(), company_id, candidate_id, n, offer_id, stage_id, entered_at, false"
        " FROM stays, generate_series(1, 100) n"
    )
    await watching.execute(
        "INSERT INTO outreaches (id, stay_id, company_id, candidate_id, placement_id, offer_id, stage_id, mode, state,"
        " opened_at, due_at) SELECT gen_random_uuid(), s.id, s.company_id, s.candidate_id, s.placement_id, s.offer_id,"
        " s.stage_id, 'interview', 'waiting', s.entered_at, $1 FROM stays s WHERE s.id <> $2",
        berlin(7, 9, 2),
        outreach.stay_id,
    )
    watching.clock.set(berlin(7, 9, 3))

    await watching.scheduler.hand_out_due()
    assert await watching.waiting_messages() == [PlaceCall.name] * 100
    await watching.deliver(PlaceCall)
    await watching.scheduler.hand_out_due()
    assert await watching.waiting_messages() == [], "as many wait for a dialer as may"
    await watching.execute("DELETE FROM dials WHERE outreach_id IN (SELECT outreach_id FROM dials LIMIT 3)")
    await watching.execute(
        "UPDATE outreaches SET state = 'held' WHERE id NOT IN (SELECT outreach_id FROM dials)"
        " AND handed_until IS NOT NULL"
    )
    await watching.scheduler.hand_out_due()
    assert await watching.waiting_messages() == [PlaceCall.name]


# Nobody is forgotten


async def test_a_stay_whose_message_was_lost_is_found(watching: Scene) -> None:
    candidate_id = watching.candidate()
    await watching.poll()
    await watching.lose_messages()
    await watching.scheduler.find_forgotten()
    await watching.deliver()

    assert (await watching.outreach_of(candidate_id)).state is OutreachState.WAITING
    await watching.scheduler.find_forgotten()
    assert await watching.waiting_messages() == []


@pytest.mark.parametrize("called", [False, True])
async def test_a_leaving_whose_message_was_lost_is_found(watching: Scene, called: bool) -> None:
    outreach = await watching.open_outreach()
    if called:
        await watching.news(await watching.dial(outreach), "ringing")
    watching.move(outreach.candidate_id, INTERVIEW)
    await watching.poll()
    await watching.lose_messages()
    await watching.scheduler.find_forgotten()
    await watching.deliver()

    left = await watching.outreach(outreach.id)
    assert left.withdraw_because == "left_stage" if called else left.outcome is Outcome.WITHDRAWN
    await watching.scheduler.find_forgotten()
    assert await watching.waiting_messages() == []


async def test_an_ended_call_whose_message_was_lost_is_planned(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    await watching.news(await watching.dial(outreach), "busy")
    await watching.lose_messages()
    await watching.scheduler.find_forgotten()
    assert await watching.waiting_messages() == [], "the message may still be on its way"

    await watching.let_pass(61)
    await watching.scheduler.find_forgotten()
    await watching.deliver()
    assert (await watching.outreach(outreach.id)).state is OutreachState.WAITING


async def test_a_plan_does_not_touch_an_outreach_whose_call_is_under_way(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    await watching.dial(outreach)
    async with watching.database.transaction() as tx:
        await watching.scheduler.on_plan_outreach(tx, [PlanOutreach(outreach_id=outreach.id)])

    assert (await watching.outreach(outreach.id)).state is OutreachState.CALLING


# A number that comes later


async def test_an_outreach_that_is_opened_again_is_called_and_owes_only_its_second_end(watching: Scene) -> None:
    outreach = await watching.open_outreach("n/a")
    watching.recruitee.edit_phones(COMPANY, outreach.candidate_id, [PHONE])
    await watching.let_pass(3600)
    await watching.poll()
    await watching.deliver()

    again = await watching.outreach(outreach.id)
    assert (again.state, again.due_at) == (OutreachState.WAITING, berlin(7, 9, 3))
    assert not await watching.writeback.write_one(), "what it ended with does not hold any more"
    await watching.call_ends(outreach, Disposition.DECLINED)
    assert [row["outreach_id"] for row in await watching.rows("SELECT * FROM writebacks")] == [outreach.id]


async def test_two_debts_of_which_one_fell_away_do_not_stop_each_other(watching: Scene) -> None:
    first = await watching.open_outreach("n/a")
    second = await watching.open_outreach("n/a")
    watching.recruitee.edit_phones(COMPANY, first.candidate_id, [PHONE])
    await watching.let_pass(3600)
    await watching.poll()
    await watching.deliver()
    while await watching.writeback.write_one():
        pass

    assert len(watching.recruitee.notes_of(second.candidate_id)) == 1
    assert watching.recruitee.notes_of(first.candidate_id) == []


async def test_a_later_stay_has_an_outreach_of_its_own(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    await watching.call_ends(outreach, Disposition.NO_ANSWER)
    await _leaves(watching, outreach)
    watching.clock.set(berlin(8, 10))
    watching.move(outreach.candidate_id, CALL)
    await watching.poll()
    await watching.deliver()

    later = await watching.outreach_of(outreach.candidate_id)
    assert later.id != outreach.id
    assert (later.state, later.due_at) == (OutreachState.WAITING, berlin(8, 10, 3))
    assert (await watching.outreach(outreach.id)).outcome is Outcome.WITHDRAWN
    assert (later.offer_id, later.stage_id) == (OFFER, CALL)
