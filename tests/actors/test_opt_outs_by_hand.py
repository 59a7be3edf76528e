"""Somebody enters an opt-out: the person is called no more, for any job, at once; and again once it is taken back."""

from __future__ import annotations

import asyncio

import pytest

from klara_daemon.domain.dispositions import AttemptState, Disposition, Outcome, OutreachState
from klara_daemon.messages import CancelCall, PlanOutreach
from klara_daemon.store.outreaches import Outreach
from tests.actors.scene import COMPANY, NUMBER, PHONE, PHONE_2, Scene
from tests.commands.command_line import Ended, give
from tests.eventually import eventually

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


async def _given(scene: Scene, *words: str) -> Ended:
    command = ("optout", words[0], "--company", str(COMPANY), "--why", "wrote an e-mail", "--who", "anna", *words[1:])
    ended = await give(*command, environment={"KLARA_DATABASE_URL": scene.database_url})
    assert ended.status == 0, ended
    return ended


def _by(how: str, outreach: Outreach) -> tuple[str, str]:
    return ("--candidate", str(outreach.candidate_id)) if how == "candidate" else ("--number", PHONE)


async def _claimed(scene: Scene) -> asyncio.Task[bool]:
    """A dial that has been claimed and waits for its slot on the trunk."""
    await scene.execute("INSERT INTO trunks (provider, next_call_at) VALUES ('twilio', now() + interval '2 s')")
    dialling = asyncio.create_task(scene.dialer.dial_one())
    await eventually(lambda: scene.value("SELECT count(*) FROM attempts WHERE state = 'claimed'"))
    return dialling


@pytest.mark.parametrize("how", ["candidate", "number"])
async def test_who_waits_is_refused_at_once_by_the_rule(watching: Scene, how: str) -> None:
    outreach = await watching.open_outreach()
    await _given(watching, "add", *_by(how, outreach))
    assert await watching.waiting_messages() == [PlanOutreach.name]
    await watching.deliver()

    assert (await watching.outreach(outreach.id)).outcome is Outcome.REFUSED
    assert await watching.last_rule(outreach.candidate_id, "outreach_ended") == "opted_out"
    [line] = [line for line in await watching.lines(outreach.candidate_id) if line.event == "opted_out"]
    assert line.details == {"who": "anna", "says": "wrote an e-mail"}


async def test_who_is_held_is_refused_too(watching: Scene) -> None:
    await watching.execute("DELETE FROM questions")
    outreach = await watching.open_outreach()
    assert outreach.state is OutreachState.HELD
    await _given(watching, "add", *_by("candidate", outreach))
    await watching.deliver()

    assert (await watching.outreach(outreach.id)).outcome is Outcome.REFUSED


@pytest.mark.parametrize("how", ["candidate", "number"])
async def test_the_same_person_is_not_called_for_another_job_under_another_id(watching: Scene, how: str) -> None:
    one = await watching.open_outreach(PHONE)
    same = await watching.open_outreach(PHONE_2, "+49 (0)151 / 234 567-01")
    other = await watching.open_outreach(PHONE_2)
    told = (await _given(watching, "add", *_by(how, one))).printed
    await watching.deliver()

    assert (await watching.outreach(one.id)).outcome is Outcome.REFUSED
    assert (await watching.outreach(same.id)).outcome is Outcome.REFUSED
    assert (await watching.outreach(other.id)).state is OutreachState.WAITING
    assert "opted_out" in await watching.told(same.candidate_id)
    assert "opted_out" not in await watching.told(other.candidate_id)
    assert str(same.candidate_id) in told
    assert "Planned calls that are taken back: 2." in told


@pytest.mark.parametrize("planned_anew", [True, False])
async def test_an_opt_out_between_plan_and_dial_places_no_call(watching: Scene, planned_anew: bool) -> None:
    outreach = await watching.open_outreach()
    await watching.make_due(outreach)
    await _given(watching, "add", "--number", NUMBER)
    if not planned_anew:
        await watching.lose_messages()
    await watching.deliver()
    while await watching.dialer.dial_one():
        pass
    await watching.deliver()

    assert watching.telephone.dials == []
    assert (await watching.outreach(outreach.id)).outcome is Outcome.REFUSED


@pytest.mark.parametrize("cancel_is_told", [True, False])
async def test_an_opt_out_between_claim_and_fence_places_no_call(watching: Scene, cancel_is_told: bool) -> None:
    outreach = await watching.open_outreach()
    await watching.make_due(outreach)
    dialling = await _claimed(watching)
    await _given(watching, "add", "--number", NUMBER)
    assert await watching.waiting_messages() == [CancelCall.name]
    if cancel_is_told:
        await watching.deliver()
    await dialling
    await watching.deliver()

    assert watching.telephone.dials == []
    attempt = await watching.last_attempt(outreach)
    assert await watching.how_it_ended(attempt) == (AttemptState.ENDED, Disposition.NOT_PLACED)
    assert (await watching.outreach(outreach.id)).outcome is Outcome.REFUSED


@pytest.mark.parametrize("news", [None, "ringing"])
async def test_a_call_that_rings_is_called_off(watching: Scene, news: str | None) -> None:
    outreach = await watching.open_outreach()
    attempt = await watching.dial(outreach)
    if news:
        await watching.news(attempt, news)
    told = (await _given(watching, "add", *_by("candidate", outreach))).printed
    await watching.deliver()
    assert (await watching.attempt(attempt.id)).hang_up_because == "opted_out"
    assert "Calls that are hung up: 1." in told
    await watching.news(attempt, "canceled")
    await watching.deliver()

    assert (await watching.outreach(outreach.id)).outcome is Outcome.REFUSED


async def test_a_call_in_which_both_speak_goes_on_and_is_the_last(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    attempt = await watching.dial(outreach)
    await watching.news(attempt, "in-progress")
    told = (await _given(watching, "add", *_by("candidate", outreach))).printed
    assert await watching.waiting_messages() == []
    assert (await watching.attempt(attempt.id)).hang_up_because is None
    assert "Calls in which both speak, which go on: 1." in told
    await watching.news(attempt, "completed")
    await watching.deliver()

    assert (await watching.outreach(outreach.id)).outcome is Outcome.REFUSED


async def test_a_number_that_rings_and_is_the_candidates_no_more_is_hung_up(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    attempt = await watching.dial(outreach)
    await watching.execute("UPDATE candidates SET phones = $1", [PHONE_2])
    await _given(watching, "add", "--number", NUMBER)
    await watching.deliver()
    assert (await watching.attempt(attempt.id)).hang_up_because == "opted_out"
    await watching.news(attempt, "canceled")
    await watching.deliver()

    assert (await watching.outreach(outreach.id)).state is OutreachState.WAITING, "at the other number"


async def test_an_opt_out_waits_for_a_dialer_that_is_just_committing(watching: Scene) -> None:
    """Nobody slips through between the rule that was asked and the call that was committed to."""
    outreach = await watching.open_outreach()
    async with watching.database.transaction() as tx:
        await tx.conn.execute("SELECT FROM outreaches WHERE id = $1 FOR UPDATE", outreach.id)
        adding = asyncio.create_task(_given(watching, "add", "--number", NUMBER))
        await eventually(lambda: watching.value(WAITING))
        await tx.conn.execute(
            "INSERT INTO attempts (id, outreach_id, company_id, candidate_id, number, e164, caller, provider, state,"
            " claimed_at) SELECT gen_random_uuid(), id, company_id, candidate_id, 1, $2, $2, 'twilio', 'claimed', $3"
            " FROM outreaches WHERE id = $1",
            outreach.id,
            NUMBER,
            tx.now,
        )
    await adding

    assert await watching.waiting_messages() == [CancelCall.name]


@pytest.mark.parametrize("how", ["candidate", "number"])
async def test_who_is_no_longer_opted_out_is_called_again(watching: Scene, how: str) -> None:
    ended = await watching.open_outreach(PHONE)
    await _given(watching, "add", *_by(how, ended))
    await watching.deliver()
    await _given(watching, "remove", *_by(how, ended))
    await watching.deliver()
    assert (await watching.outreach(ended.id)).outcome is Outcome.REFUSED, "what has ended stays ended"
    assert (await watching.told(ended.candidate_id))[-1] == "opt_out_removed"

    later = await watching.open_outreach(PHONE)
    await watching.dial(later)
    assert len(watching.telephone.dials) == 1


async def test_an_opt_out_that_was_taken_back_before_anybody_acted_changes_nothing(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    await _given(watching, "add", *_by("candidate", outreach))
    await _given(watching, "remove", *_by("candidate", outreach))
    await watching.deliver()

    assert (await watching.outreach(outreach.id)).state is OutreachState.WAITING
