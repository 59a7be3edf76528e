"""A call is placed only through the one rule, from a fresh reading, within the limits that all dialers share."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pytest

from klara_daemon.actors import dialer as dialling_module
from klara_daemon.actors.patience import Patience
from klara_daemon.demo.recruitee.faults import Failure
from klara_daemon.domain.dispositions import AttemptState, Disposition, Outcome, OutreachState
from klara_daemon.messages import PlaceCall, PlanOutreach, StayChanged
from klara_daemon.store import trunks as trunks_module
from klara_daemon.store.outreaches import Outreach
from tests.actors.scene import (
    BERLIN,
    CALLER,
    COMPANY,
    HIRED,
    INTERVIEW,
    NUMBER,
    OFFER,
    PHONE,
    PHONE_2,
    PHONE_3,
    Scene,
)
from tests.eventually import eventually

CANDIDATE = r"GET .*/candidates/\d+$"
NOON = datetime(2026, 9, 7, 12, 0, tzinfo=BERLIN)


async def _due(scene: Scene, *phones: str) -> Outreach:
    outreach = await scene.open_outreach(*phones)
    await scene.make_due(outreach)
    return outreach


async def _wait_s(scene: Scene, outreach: Outreach) -> float:
    return float(
        await scene.value(
            "SELECT extract(epoch FROM due_at - now())::float8 FROM dials WHERE outreach_id = $1", outreach.id
        )
    )


async def _nobody_was_called(scene: Scene, outreach: Outreach) -> None:
    assert scene.telephone.dials == []
    assert await scene.rows("SELECT FROM attempts") == []
    assert (await scene.outreach(outreach.id)).state is OutreachState.WAITING


async def _let_trunk_wait(scene: Scene, seconds: float) -> None:
    """The trunk's next slot comes only after so long."""
    await scene.execute(
        "INSERT INTO trunks (provider, next_call_at) VALUES ('twilio', clock_timestamp() + make_interval(secs => $1))"
        " ON CONFLICT (provider) DO UPDATE SET next_call_at = excluded.next_call_at",
        seconds,
    )


async def _between_claim_and_fence(scene: Scene) -> asyncio.Task[bool]:
    """A dial that has been claimed and waits for its slot on the trunk."""
    await _let_trunk_wait(scene, 0.4)
    dialling = asyncio.create_task(scene.dialer.dial_one())
    await eventually(lambda: scene.value("SELECT count(*) FROM attempts WHERE state = 'claimed'"))
    return dialling


# One call


async def test_a_due_call_is_placed_once_and_everything_is_noted(watching: Scene) -> None:
    outreach = await _due(watching)
    assert await watching.dialer.dial_one()
    assert not await watching.dialer.dial_one()

    attempt = await watching.last_attempt(outreach)
    [call] = watching.telephone.calls
    assert (attempt.number, attempt.e164, attempt.caller, attempt.state) == (1, NUMBER, CALLER, AttemptState.PLACED)
    assert (call.attempt_id, call.sid, call.to, call.caller) == (
        str(attempt.id),
        attempt.provider_ref,
        NUMBER,
        CALLER,
    )
    assert attempt.placed_at == watching.clock()
    assert (await watching.outreach(outreach.id)).state is OutreachState.CALLING
    assert await watching.rows("SELECT FROM dials") == []
    assert (await watching.told(outreach.candidate_id))[-2:] == ["call_claimed", "call_placed"]


async def test_candidate_and_job_are_kept_as_just_read(watching: Scene) -> None:
    outreach = await _due(watching)
    watching.recruitee.candidate(outreach.candidate_id).name = "Erika Neu-Name"
    watching.recruitee.edit_phones(COMPANY, outreach.candidate_id, [PHONE_2])
    await watching.dialer.dial_one()

    assert watching.telephone.calls[0].to == "+4915123456702"
    assert await watching.value("SELECT name FROM candidates") == "Erika Neu-Name"
    assert await watching.value("SELECT title FROM offers") == "Pflegefachkraft (m/w/d)"


async def test_a_doubled_message_places_one_call(watching: Scene) -> None:
    outreach = await _due(watching)
    async with watching.database.transaction() as tx:
        await watching.dialer.on_place_call(tx, [PlaceCall(outreach_id=outreach.id)] * 3)
    assert await watching.dialer.dial_one()
    async with watching.database.transaction() as tx:
        await watching.dialer.on_place_call(tx, [PlaceCall(outreach_id=outreach.id)])
    await watching.dialer.dial_one()

    assert len(watching.telephone.dials) == 1
    assert await watching.rows("SELECT FROM dials") == []


async def test_a_message_about_nobody_places_nothing(watching: Scene) -> None:
    outreach = await watching.open_outreach("n/a")
    async with watching.database.transaction() as tx:
        other = PlaceCall(outreach_id=outreach.stay_id)
        await watching.dialer.on_place_call(tx, [other, PlaceCall(outreach_id=outreach.id)])
    while await watching.dialer.dial_one():
        pass

    assert watching.telephone.dials == []
    assert await watching.rows("SELECT FROM dials") == []


# The rule, asked again


async def test_a_call_that_is_not_due_any_more_is_planned_and_not_placed(watching: Scene) -> None:
    outreach = await _due(watching)
    watching.clock.set(NOON)
    await watching.dialer.dial_one()
    await _nobody_was_called(watching, outreach)
    assert await watching.waiting_messages() == [PlanOutreach.name]

    await watching.deliver()
    assert (await watching.outreach(outreach.id)).due_at == NOON + timedelta(hours=2)


async def test_changed_settings_hold_before_they_are_planned_with(watching: Scene) -> None:
    outreach = await _due(watching)
    await watching.configure(calling={"weekdays": ["tue"]})
    await watching.dialer.dial_one()
    await _nobody_was_called(watching, outreach)


async def test_without_settings_nobody_is_called(watching: Scene) -> None:
    outreach = await _due(watching)
    await watching.execute("DELETE FROM calling_windows")
    await watching.dialer.dial_one()
    await _nobody_was_called(watching, outreach)


async def test_without_questions_nobody_is_called(watching: Scene) -> None:
    outreach = await _due(watching)
    await watching.execute("DELETE FROM questions")
    await watching.dialer.dial_one()
    await _nobody_was_called(watching, outreach)
    await watching.deliver()
    assert (await watching.outreach(outreach.id)).state is OutreachState.HELD

    await watching.configure()
    await watching.scheduler.follow_settings()
    assert (await watching.outreach(outreach.id)).state is OutreachState.WAITING


async def test_while_a_dashboard_saves_nobody_is_called(watching: Scene) -> None:
    outreach = await _due(watching)
    await watching.execute("DELETE FROM watched_stages")
    await watching.dialer.dial_one()
    await _nobody_was_called(watching, outreach)
    await watching.configure()
    await watching.let_pass(60)
    await watching.dialer.dial_one()

    assert len(watching.telephone.dials) == 1


async def test_a_window_that_closes_between_claim_and_fence_stops_the_call(watching: Scene) -> None:
    outreach = await _due(watching)
    dialling = await _between_claim_and_fence(watching)
    watching.clock.set(NOON)
    await dialling

    assert watching.telephone.dials == []
    attempt = await watching.last_attempt(outreach)
    assert await watching.how_it_ended(attempt) == (AttemptState.ENDED, Disposition.NOT_PLACED)
    await watching.deliver()
    assert (await watching.outreach(outreach.id)).due_at == NOON + timedelta(hours=2)


@pytest.mark.parametrize("cancel_is_told", [True, False])
async def test_who_leaves_between_claim_and_fence_is_not_called(watching: Scene, cancel_is_told: bool) -> None:
    outreach = await _due(watching)
    dialling = await _between_claim_and_fence(watching)
    watching.move(outreach.candidate_id, INTERVIEW)
    await watching.poll()
    await watching.deliver(*(() if cancel_is_told else (StayChanged,)))
    await dialling
    await watching.deliver()

    assert watching.telephone.dials == []
    attempt = await watching.last_attempt(outreach)
    assert await watching.how_it_ended(attempt) == (AttemptState.ENDED, Disposition.NOT_PLACED)
    assert (await watching.outreach(outreach.id)).outcome is Outcome.WITHDRAWN


# Still there


async def test_who_is_not_in_the_stage_any_more_is_not_called_but_read(watching: Scene) -> None:
    outreach = await _due(watching)
    watching.move(outreach.candidate_id, INTERVIEW)
    await watching.dialer.dial_one()
    await _nobody_was_called(watching, outreach)
    await watching.read()
    await watching.deliver()

    assert (await watching.outreach(outreach.id)).outcome is Outcome.WITHDRAWN


async def _disqualify(scene: Scene, candidate_id: int) -> None:
    await scene.recruitee.disqualify(COMPANY, candidate_id, OFFER)


async def _hire_elsewhere(scene: Scene, candidate_id: int) -> None:
    scene.recruitee.add_offer(COMPANY, OFFER + 1, "Köchin", [(HIRED + 100, "Eingestellt", "hire")])
    scene.recruitee.add_placement(candidate_id, OFFER + 1, HIRED + 100)


async def _delete(scene: Scene, candidate_id: int) -> None:
    scene.recruitee.delete(COMPANY, candidate_id)


async def _delete_visibly(scene: Scene, candidate_id: int) -> None:
    scene.recruitee.habits.shows_deleted = True
    scene.recruitee.delete(COMPANY, candidate_id)


@pytest.mark.parametrize("happens", [_disqualify, _hire_elsewhere, _delete, _delete_visibly])
async def test_who_was_rejected_hired_or_deleted_unseen_is_not_called(watching: Scene, happens: object) -> None:
    assert callable(happens)
    outreach = await _due(watching)
    await happens(watching, outreach.candidate_id)
    await watching.dialer.dial_one()
    await _nobody_was_called(watching, outreach)
    await watching.read()
    await watching.deliver()

    assert (await watching.outreach(outreach.id)).outcome is Outcome.WITHDRAWN


@pytest.mark.parametrize("status", ["closed", "archived"])
async def test_a_closed_job_holds_its_calls(watching: Scene, status: str) -> None:
    outreach = await _due(watching)
    watching.recruitee.edit_offer(COMPANY, OFFER, status=status)
    await watching.dialer.dial_one()
    await watching.deliver()
    assert watching.telephone.dials == []
    held = await watching.outreach(outreach.id)
    assert (held.state, held.held_because) == (OutreachState.HELD, "offer_closed")
    await watching.poll()
    await watching.scheduler.follow_settings()
    assert (await watching.outreach(outreach.id)).state is OutreachState.HELD

    watching.recruitee.edit_offer(COMPANY, OFFER, status="published")
    await watching.poll()
    await watching.scheduler.follow_settings()
    await watching.dial(outreach)
    assert len(watching.telephone.dials) == 1


async def test_a_job_that_closes_holds_its_calls_before_they_are_due(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    watching.recruitee.edit_offer(COMPANY, OFFER, status="closed")
    await watching.poll()
    await watching.scheduler.follow_settings()
    assert (await watching.outreach(outreach.id)).held_because == "offer_closed"


async def test_what_was_read_since_outlives_the_dialers_reading(
    watching: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    outreach = await _due(watching)
    read = watching.dialer._read

    async def read_and_then_the_watcher_reads(*asked: Any) -> Any:
        reading = await read(*asked)
        watching.recruitee.edit_offer(COMPANY, OFFER, status="closed")
        watching.recruitee.edit_phones(COMPANY, outreach.candidate_id, [PHONE_2])
        await watching.execute("INSERT INTO candidate_reads VALUES ($1, $2)", COMPANY, outreach.candidate_id)
        await watching.poll()
        return reading

    monkeypatch.setattr(watching.dialer, "_read", read_and_then_the_watcher_reads)
    await watching.dialer.dial_one()
    await watching.deliver()

    assert watching.telephone.dials == []
    assert (await watching.outreach(outreach.id)).held_because == "offer_closed"
    assert await watching.value("SELECT phones FROM candidates") == [PHONE_2]


async def test_no_call_rests_on_an_old_reading(watching: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    outreach = await _due(watching)
    with monkeypatch.context() as patch:
        patch.setattr(dialling_module, "READING_LASTS_S", -1.0)
        for _ in range(3):
            assert await watching.dialer.dial_one()
    await _nobody_was_called(watching, outreach)
    asked = watching.recruitee.times_asked("GET /candidates/{candidate}")
    await watching.dialer.dial_one()

    assert watching.recruitee.times_asked("GET /candidates/{candidate}") == asked + 1
    assert len(watching.telephone.dials) == 1


@pytest.mark.parametrize("failure", [401, 403, 422, 429, 500, "html", "cut", "hang", "close", "other_shape"])
@pytest.mark.parametrize("path", [CANDIDATE, "GET .*/offers/"])
async def test_without_a_reading_there_is_no_call(watching: Scene, failure: Failure, path: str) -> None:
    outreach = await _due(watching)
    watching.recruitee.faults.fail_next(path, failure, times=None)
    await watching.dialer.dial_one()
    watching.recruitee.faults.mend()
    await _nobody_was_called(watching, outreach)
    assert not await watching.dialer.dial_one(), "not at once"

    await watching.let_pass(60)
    if failure == 401:
        await watching.dialer.dial_one()
        await _nobody_was_called(watching, outreach)
        await watching.poll()
        await watching.let_pass(60)
    await watching.dialer.dial_one()
    assert len(watching.telephone.dials) == 1


async def test_recruitees_wish_to_wait_is_heard(watching: Scene) -> None:
    outreach = await _due(watching)
    watching.recruitee.faults.fail_next(CANDIDATE, 429, retry_after="77")
    await watching.dialer.dial_one()
    assert 70 < await _wait_s(watching, outreach) <= 77


@pytest.mark.parametrize("how", ["no token", "refused before"])
async def test_a_company_that_must_reconnect_calls_nobody(watching: Scene, how: str) -> None:
    outreach = await _due(watching)
    statement = "DELETE FROM company_secrets" if how == "no token" else "UPDATE company_secrets SET connection = $1"
    await watching.execute(statement, *(() if how == "no token" else ("reconnect",)))
    asked = len(watching.recruitee.asked)
    await watching.dialer.dial_one()

    await _nobody_was_called(watching, outreach)
    assert len(watching.recruitee.asked) == asked
    assert 50 < await _wait_s(watching, outreach) <= 60


# Limits


async def test_two_lines_carry_two_calls_however_many_processes_dial(watching: Scene) -> None:
    people = [await _due(watching, f"0151 234567{nth:02}") for nth in range(10, 16)]
    async with AsyncExitStack() as processes:
        databases = [await processes.enter_async_context(watching.another_database()) for _ in range(4)]
        dialers = [watching.another_dialer(calls_at_once=2, database=database) for database in databases * 2]
        await asyncio.gather(*(dialer.dial_one() for dialer in dialers))
    assert len(watching.telephone.dials) == 2
    assert len(await watching.rows("SELECT FROM dials WHERE due_at > now()")) == 4

    first = await watching.value("SELECT id FROM attempts LIMIT 1")
    await watching.news(await watching.attempt(first), "busy")
    await watching.let_pass(2)
    two_lines = watching.another_dialer(calls_at_once=2)
    while await two_lines.dial_one():
        pass
    assert len(watching.telephone.dials) == 3
    states = {(await watching.outreach(outreach.id)).state for outreach in people}
    assert states == {OutreachState.WAITING, OutreachState.CALLING}


async def test_calls_leave_one_after_another(watching: Scene) -> None:
    for phone in (PHONE, PHONE_2, PHONE_3):
        await _due(watching, phone)
    dialers = [watching.another_dialer(calls_per_second=5) for _ in range(3)]
    await asyncio.gather(*(dialer.dial_one() for dialer in dialers))

    times = sorted(call.created_at for call in watching.telephone.calls)
    assert len(times) == 3
    assert times[2] - times[0] >= timedelta(seconds=0.35)


async def test_a_number_that_is_being_called_is_not_called_for_another_job(watching: Scene) -> None:
    first, second = await _due(watching), await _due(watching)
    await watching.dialer.dial_one()
    await watching.dialer.dial_one()
    assert len(watching.telephone.dials) == 1
    assert {(await watching.outreach(one.id)).state for one in (first, second)} == {
        OutreachState.CALLING,
        OutreachState.WAITING,
    }

    attempt = await watching.attempt(await watching.value("SELECT id FROM attempts"))
    await watching.news(attempt, "no-answer")
    await watching.let_pass(60)
    await watching.dialer.dial_one()
    assert len(watching.telephone.dials) == 2


async def test_many_dialers_at_one_outreach_place_one_call(watching: Scene) -> None:
    outreach = await _due(watching)
    watching.patience = Patience(dialling_s=0)
    async with watching.another_database() as other:
        dialers = [watching.another_dialer(database=database) for database in [watching.database, other] * 4]
        await asyncio.gather(*(dialer.dial_one() for dialer in dialers))

    assert len(watching.telephone.dials) == 1
    assert len(await watching.rows("SELECT FROM attempts")) == 1
    assert (await watching.outreach(outreach.id)).state is OutreachState.CALLING


async def test_a_dial_that_a_dead_process_had_in_hand_is_placed_by_another(watching: Scene) -> None:
    await _due(watching)
    await watching.execute("UPDATE dials SET due_at = now() + make_interval(secs => 90)")
    assert not await watching.dialer.dial_one()
    await watching.let_pass(90)
    await watching.dialer.dial_one()

    assert len(watching.telephone.dials) == 1


@pytest.mark.parametrize("apart_s", [6, -6])
async def test_a_machine_whose_clock_differs_from_the_databases_calls_nobody(
    watching: Scene, monkeypatch: pytest.MonkeyPatch, apart_s: int
) -> None:
    class WrongClock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(seconds=apart_s)

    outreach = await _due(watching)
    with monkeypatch.context() as patch:
        patch.setattr(trunks_module, "datetime", WrongClock)
        await watching.dialer.dial_one()
    await _nobody_was_called(watching, outreach)

    await watching.let_pass(60)
    await watching.dialer.dial_one()
    assert len(watching.telephone.dials) == 1
