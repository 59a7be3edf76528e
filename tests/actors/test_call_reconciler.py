"""Calls of which too little is known are settled by asking the phone company, never by ringing again."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from klara_daemon.demo.telephone.api import Fault
from klara_daemon.demo.telephone.records import CallRecord
from klara_daemon.domain.dispositions import AttemptState, Disposition, Outcome, OutreachState
from klara_daemon.messages import CallProgressed, StayChanged
from klara_daemon.store.calls import Attempt
from klara_daemon.store.outreaches import Outreach
from klara_daemon.telephony.provider import CallStatus
from tests.actors.scene import BERLIN, INTERVIEW, PHONE_2, Scene
from tests.eventually import eventually

A, D = AttemptState, Disposition
NOON = datetime(2026, 9, 7, 12, 0, tzinfo=BERLIN)
ABSENT_S = 600.0


async def _dialled(scene: Scene, fault: tuple[Fault, bool] | None = None) -> Attempt:
    outreach = await scene.open_outreach()
    if fault is not None:
        scene.telephone.dial_faults.append(fault)
    return await scene.dial(outreach)


async def _unclear(scene: Scene, *, is_placed: bool) -> Attempt:
    attempt = await _dialled(scene, (Fault.ERROR_500, is_placed))
    assert attempt.state is A.UNCLEAR
    return attempt


async def _rings(scene: Scene) -> tuple[Outreach, Attempt]:
    attempt = await _dialled(scene)
    await scene.news(attempt, "ringing")
    return await scene.outreach(attempt.outreach_id), attempt


def _over(call: CallRecord, status: CallStatus) -> None:
    call.status, call.ended_at = status, call.created_at


# A lost answer


async def test_a_call_whose_answer_was_lost_is_found_and_adopted(watching: Scene) -> None:
    attempt = await _unclear(watching, is_placed=True)
    assert not await watching.reconciler.look_at_one(), "not at once: the list is behind"
    await watching.let_pass(31)
    assert await watching.reconciler.look_at_one()

    found = await watching.attempt(attempt.id)
    assert (found.state, found.provider_ref) == (A.PLACED, watching.telephone.calls[0].sid)
    assert len(watching.telephone.dials) == 1


async def test_a_call_that_is_over_by_the_time_it_is_found_ends_as_it_ended(watching: Scene) -> None:
    attempt = await _unclear(watching, is_placed=True)
    _over(watching.telephone.calls[0], CallStatus.BUSY)
    await watching.let_pass(31)
    await watching.reconciler.look_at_one()
    assert await watching.how_it_ended(attempt) == (A.ENDED, D.BUSY)

    await watching.deliver()
    assert (await watching.outreach(attempt.outreach_id)).due_at == watching.clock() + timedelta(minutes=15)


async def test_a_call_that_is_not_listed_for_ten_minutes_was_never_placed(watching: Scene) -> None:
    attempt = await _unclear(watching, is_placed=False)
    await watching.let_pass(ABSENT_S - 5)
    assert await watching.reconciler.look_at_one()
    assert (await watching.attempt(attempt.id)).state is A.UNCLEAR
    await watching.let_pass(40)
    await watching.reconciler.look_at_one()

    assert await watching.how_it_ended(attempt) == (A.ENDED, D.NOT_PLACED)
    await watching.deliver()
    again = await watching.dial(await watching.outreach(attempt.outreach_id))
    assert (again.number, again.state) == (2, A.PLACED)


async def test_a_call_that_comes_late_into_the_list_is_still_found(watching: Scene) -> None:
    watching.telephone.listed_after_s = 1e6
    attempt = await _unclear(watching, is_placed=True)
    await watching.let_pass(31)
    await watching.reconciler.look_at_one()
    assert (await watching.attempt(attempt.id)).state is A.UNCLEAR

    watching.telephone._listed_at[watching.telephone.calls[0].sid] = 0
    await watching.let_pass(31)
    await watching.reconciler.look_at_one()
    assert (await watching.attempt(attempt.id)).state is A.PLACED


@pytest.mark.parametrize("fault", [Fault.ERROR_500, Fault.TOO_MANY, Fault.RESET, Fault.NOT_JSON, Fault.CUT_OFF])
async def test_while_the_phone_company_cannot_be_asked_nothing_is_settled(watching: Scene, fault: Fault) -> None:
    attempt = await _unclear(watching, is_placed=False)
    await watching.let_pass(ABSENT_S + 60)
    watching.telephone.question_faults.extend([fault] * 3)
    assert await watching.reconciler.look_at_one()
    assert (await watching.attempt(attempt.id)).state is A.UNCLEAR
    assert not await watching.reconciler.look_at_one(), "asked again only after a while"

    watching.telephone.question_faults.clear()
    await watching.let_pass(31)
    await watching.reconciler.look_at_one()
    assert await watching.how_it_ended(attempt) == (A.ENDED, D.NOT_PLACED)


async def test_of_two_calls_that_it_may_be_none_is_taken(watching: Scene) -> None:
    attempt = await _unclear(watching, is_placed=True)
    call = watching.telephone.calls[0]
    twin = CallRecord("CA" + "f" * 32, call.to, call.caller, call.direction, call.created_at)
    watching.telephone.calls.append(twin)
    watching.telephone._listed_at[twin.sid] = 0
    await watching.let_pass(ABSENT_S / 2)
    await watching.reconciler.look_at_one()

    unclear = await watching.attempt(attempt.id)
    assert (unclear.state, unclear.provider_ref) == (A.UNCLEAR, None)


async def test_the_call_of_an_earlier_attempt_is_not_taken_for_this_one(watching: Scene) -> None:
    first = await _dialled(watching)
    await watching.news(first, "busy")
    await watching.deliver()
    outreach = await watching.outreach(first.outreach_id)
    watching.telephone.dial_faults.append((Fault.ERROR_500, False))
    second = await watching.dial(outreach)
    await watching.let_pass(31)
    await watching.reconciler.look_at_one()

    assert (await watching.attempt(second.id)).state is A.UNCLEAR


async def test_a_call_that_was_called_off_before_it_was_found_is_hung_up_on(watching: Scene) -> None:
    attempt = await _unclear(watching, is_placed=True)
    watching.move(attempt.candidate_id, INTERVIEW)
    await watching.poll()
    await watching.deliver()
    assert not await watching.reconciler.hang_up_one()
    await watching.let_pass(31)
    await watching.reconciler.look_at_one()
    assert await watching.reconciler.hang_up_one()
    await eventually(lambda: not watching.telephone.calls[0].is_live)


# News that never came


@pytest.mark.parametrize(
    ("status", "ended"), [(CallStatus.NO_ANSWER, D.NO_ANSWER), (CallStatus.BUSY, D.BUSY), (CallStatus.RINGING, None)]
)
async def test_lost_news_is_found_by_asking(watching: Scene, status: CallStatus, ended: Disposition | None) -> None:
    attempt = await _dialled(watching)
    watching.telephone.calls[0].status = status
    await watching.let_pass(59)
    assert not await watching.reconciler.look_at_one()
    await watching.let_pass(2)
    assert await watching.reconciler.look_at_one()

    expected = (A.ENDED, ended) if ended else (A.RINGING, None)
    assert await watching.how_it_ended(attempt) == expected


async def test_a_machine_of_which_no_callback_told_is_found_by_asking(watching: Scene) -> None:
    _, attempt = await _rings(watching)
    await watching.news(attempt, "in-progress")
    await watching.begin_conversation(attempt, phase="person", person_spoke=True)
    call = watching.telephone.calls[0]
    _over(call, CallStatus.COMPLETED)
    call.answered_by = "machine_start"
    await watching.let_pass(961)
    await watching.reconciler.look_at_one()

    assert await watching.how_it_ended(attempt) == (A.ENDED, D.VOICEMAIL)


@pytest.mark.parametrize(("person_left", "ended"), [(True, D.HUNG_UP), (False, D.TECHNICAL_FAILURE)])
async def test_a_talk_is_asked_about_only_when_it_lasts_longer_than_any_may(
    watching: Scene, person_left: bool, ended: Disposition
) -> None:
    _, attempt = await _rings(watching)
    await watching.news(attempt, "in-progress")
    await watching.begin_conversation(attempt, phase="asking", person_spoke=True, person_confirmed=True)
    await watching.let_pass(950)
    assert not await watching.reconciler.look_at_one()

    _over(watching.telephone.calls[0], CallStatus.COMPLETED)
    await watching.let_pass(11)
    if person_left:
        await watching.person_leaves(attempt)
    await watching.reconciler.look_at_one()
    assert await watching.how_it_ended(attempt) == (A.ENDED, ended)


async def test_a_call_that_the_phone_company_does_not_know_for_ten_minutes_is_a_failure(watching: Scene) -> None:
    attempt = await _dialled(watching)
    watching.telephone.calls.clear()
    for seconds in (61, ABSENT_S - 61 - 5):
        await watching.let_pass(seconds)
        assert await watching.reconciler.look_at_one()
        assert await watching.how_it_ended(attempt) == (A.PLACED, None)

    await watching.let_pass(40)
    await watching.reconciler.look_at_one()
    assert await watching.how_it_ended(attempt) == (A.ENDED, D.TECHNICAL_FAILURE)


async def test_news_whose_message_was_lost_is_applied(watching: Scene) -> None:
    attempt = await _dialled(watching)
    await watching.news(attempt, "busy", deliver=False)
    await watching.lose_messages()
    await watching.reconciler.sweep()
    assert await watching.waiting_messages() == []

    await watching.let_pass(11)
    await watching.reconciler.sweep()
    assert await watching.waiting_messages() == [CallProgressed.name]
    await watching.deliver(CallProgressed)
    assert await watching.how_it_ended(attempt) == (A.ENDED, D.BUSY)


async def test_many_reconcilers_ask_once(watching: Scene) -> None:
    await _dialled(watching)
    await watching.let_pass(61)
    looked = await asyncio.gather(*(watching.reconciler.look_at_one() for _ in range(4)))
    assert sorted(looked) == [False, False, False, True]


async def test_the_call_that_has_been_silent_for_longest_is_asked_about_first(watching: Scene) -> None:
    first = await _dialled(watching)
    await watching.let_pass(30)
    second = await watching.dial(await watching.open_outreach(PHONE_2))
    for call in watching.telephone.calls:
        call.status = CallStatus.RINGING
    await watching.let_pass(61)
    await watching.reconciler.look_at_one()

    assert [(await watching.attempt(one.id)).state for one in (first, second)] == [A.RINGING, A.PLACED]


# Calling off


async def test_a_call_that_waits_in_the_queue_for_a_minute_is_cancelled(watching: Scene) -> None:
    attempt = await _dialled(watching)
    await watching.let_pass(61)
    await watching.reconciler.look_at_one()
    assert (await watching.attempt(attempt.id)).hang_up_because == "queued_too_long"
    assert await watching.reconciler.hang_up_one()
    await eventually(lambda: watching.telephone.calls[0].status is CallStatus.CANCELED)
    await watching.let_pass(31)
    await watching.reconciler.hang_up_one()

    assert await watching.how_it_ended(attempt) == (A.ENDED, D.NOT_PLACED)
    await watching.deliver()
    assert (await watching.outreach(attempt.outreach_id)).state is OutreachState.WAITING


@pytest.mark.parametrize("unclear", [True, False])
async def test_a_call_that_does_not_ring_when_its_window_ends_is_cancelled(watching: Scene, unclear: bool) -> None:
    attempt = await (_unclear(watching, is_placed=True) if unclear else _dialled(watching))
    watching.clock.set(NOON - timedelta(seconds=1))
    await watching.reconciler.sweep()
    assert (await watching.attempt(attempt.id)).hang_up_because is None

    watching.clock.set(NOON)
    await watching.reconciler.sweep()
    assert (await watching.attempt(attempt.id)).hang_up_because == "window_ended"
    if unclear:
        await watching.let_pass(31)
        await watching.reconciler.look_at_one()
    assert await watching.reconciler.hang_up_one()
    await eventually(lambda: watching.telephone.calls[0].status is CallStatus.CANCELED)


async def test_a_call_that_is_not_known_everywhere_yet_when_its_window_ends_is_not_given_up(watching: Scene) -> None:
    watching.clock.set(NOON - timedelta(seconds=1))
    attempt = await _dialled(watching)
    watching.clock.set(NOON)
    await watching.reconciler.sweep()
    watching.telephone.question_faults.extend([Fault.NOT_FOUND] * 2)
    assert await watching.reconciler.hang_up_one()
    assert await watching.how_it_ended(attempt) == (A.PLACED, None), "it may ring: nobody is to call again"

    watching.telephone.question_faults.clear()
    await watching.let_pass(31)
    assert await watching.reconciler.hang_up_one(), "the cancelling is asked for again"
    await eventually(lambda: watching.telephone.calls[0].status is CallStatus.CANCELED)


@pytest.mark.parametrize("news", ["ringing", "in-progress"])
async def test_a_call_that_rings_when_its_window_ends_goes_on(watching: Scene, news: str) -> None:
    attempt = await _dialled(watching)
    await watching.news(attempt, news)
    watching.clock.set(NOON)
    await watching.reconciler.sweep()
    assert (await watching.attempt(attempt.id)).hang_up_because is None


@pytest.mark.parametrize("statement", ["DELETE FROM calling_windows", "DELETE FROM call_settings"])
async def test_a_call_is_cancelled_when_the_settings_go(watching: Scene, statement: str) -> None:
    attempt = await _dialled(watching)
    await watching.execute(f"SET session_replication_role = replica; {statement}")
    await watching.reconciler.sweep()
    assert (await watching.attempt(attempt.id)).hang_up_because == "window_ended"


@pytest.mark.parametrize("news", [None, "ringing", "in-progress"])
async def test_a_candidate_who_left_is_called_off_although_the_message_was_lost(
    watching: Scene, news: str | None
) -> None:
    attempt = await _dialled(watching)
    if news is not None:
        await watching.news(attempt, news)
    watching.move(attempt.candidate_id, INTERVIEW)
    await watching.poll()
    await watching.deliver(StayChanged)
    await watching.lose_messages()
    await watching.reconciler.sweep()

    expected = None if news == "in-progress" else "left_stage"
    assert (await watching.attempt(attempt.id)).hang_up_because == expected


async def test_who_leaves_while_it_rings_is_called_off_and_withdrawn(watching: Scene) -> None:
    outreach, attempt = await _rings(watching)
    watching.telephone.calls[0].status = CallStatus.RINGING
    watching.move(attempt.candidate_id, INTERVIEW)
    await watching.poll()
    await watching.deliver()
    assert await watching.reconciler.hang_up_one()
    assert not await watching.reconciler.hang_up_one()
    await eventually(lambda: not watching.telephone.calls[0].is_live)
    await watching.news(attempt, "canceled")
    await watching.deliver()

    assert await watching.how_it_ended(attempt) == (A.ENDED, D.CANCELLED)
    assert (await watching.outreach(outreach.id)).outcome is Outcome.WITHDRAWN


async def test_who_picks_up_in_the_moment_of_calling_off_is_not_cut_off(watching: Scene) -> None:
    _, attempt = await _rings(watching)
    watching.move(attempt.candidate_id, INTERVIEW)
    await watching.poll()
    await watching.deliver()
    watching.telephone.calls[0].status = CallStatus.IN_PROGRESS
    await watching.reconciler.hang_up_one()

    assert watching.telephone.calls[0].is_live


async def test_a_machine_is_hung_up_on_although_it_has_picked_up(watching: Scene) -> None:
    _, attempt = await _rings(watching)
    await watching.news(attempt, "in-progress")
    await watching.news(attempt, answered_by="machine_start")
    watching.telephone.calls[0].status = CallStatus.IN_PROGRESS
    assert await watching.reconciler.hang_up_one()
    await eventually(lambda: watching.telephone.calls[0].status is CallStatus.COMPLETED)


@pytest.mark.parametrize("fault", [Fault.ERROR_500, Fault.TOO_MANY, Fault.NOT_FOUND, Fault.RESET])
async def test_a_hang_up_that_is_unclear_is_asked_for_again(watching: Scene, fault: Fault) -> None:
    _, attempt = await _rings(watching)
    await watching.news(attempt, answered_by="machine_start")
    watching.telephone.question_faults.append(fault)
    assert await watching.reconciler.hang_up_one()
    assert not await watching.reconciler.hang_up_one()
    assert watching.telephone.calls[0].is_live

    await watching.let_pass(31)
    assert await watching.reconciler.hang_up_one()
    await eventually(lambda: not watching.telephone.calls[0].is_live)
