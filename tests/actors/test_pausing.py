"""A person pauses calling: whatever is due, handed out or claimed is not called, and goes on after the pause."""

from __future__ import annotations

import asyncio

import pytest

from klara_daemon.domain.dispositions import AttemptState, Disposition, OutreachState
from klara_daemon.store.outreaches import Outreach
from tests.actors.scene import COMPANY, MONDAY, PHONE_2, Scene
from tests.commands.command_line import give
from tests.eventually import eventually

WHOSE = [pytest.param((), id="every"), pytest.param(("--company", str(COMPANY)), id="one")]


async def _given(scene: Scene, *words: str) -> None:
    ended = await give("calling", *words, environment={"KLARA_DATABASE_URL": scene.database_url})
    assert ended.status == 0, ended


async def _dial_all(scene: Scene) -> None:
    while await scene.dialer.dial_one():
        pass


async def _claimed(scene: Scene) -> asyncio.Task[bool]:
    """A dial that has been claimed and waits for its slot on the trunk."""
    await scene.execute("INSERT INTO trunks (provider, next_call_at) VALUES ('twilio', now() + interval '2 s')")
    dialling = asyncio.create_task(scene.dialer.dial_one())
    await eventually(lambda: scene.value("SELECT count(*) FROM attempts WHERE state = 'claimed'"))
    return dialling


async def _not_called(scene: Scene, outreach: Outreach) -> None:
    assert scene.telephone.dials == []
    assert (await scene.outreach(outreach.id)).state is OutreachState.WAITING


@pytest.mark.parametrize("whose", WHOSE)
async def test_what_is_due_waits_out_a_pause(watching: Scene, whose: tuple[str, ...]) -> None:
    outreach = await watching.open_outreach()
    await _given(watching, "pause", *whose, "--why", "a test")
    watching.clock.advance(minutes=5)
    await watching.scheduler.hand_out_due()
    await watching.deliver()
    await _dial_all(watching)
    await _not_called(watching, outreach)

    await _given(watching, "resume", *whose)
    await watching.dial(outreach)
    assert len(watching.telephone.dials) == 1


@pytest.mark.parametrize("whose", WHOSE)
async def test_a_pause_between_plan_and_dial_places_no_call(watching: Scene, whose: tuple[str, ...]) -> None:
    outreach = await watching.open_outreach()
    await watching.make_due(outreach)
    await _given(watching, "pause", *whose, "--why", "a test")
    await _dial_all(watching)
    await _not_called(watching, outreach)

    await _given(watching, "resume", *whose)
    await _dial_all(watching)
    assert len(watching.telephone.dials) == 1


@pytest.mark.parametrize("whose", WHOSE)
async def test_a_pause_between_claim_and_fence_places_no_call(watching: Scene, whose: tuple[str, ...]) -> None:
    outreach = await watching.open_outreach()
    await watching.make_due(outreach)
    dialling = await _claimed(watching)
    await _given(watching, "pause", *whose, "--why", "a test")
    await dialling
    attempt = await watching.last_attempt(outreach)
    assert await watching.how_it_ended(attempt) == (AttemptState.ENDED, Disposition.NOT_PLACED)
    await watching.deliver()
    await _not_called(watching, outreach)

    await _given(watching, "resume", *whose)
    await watching.dial(outreach)
    assert len(watching.telephone.dials) == 1


async def test_a_pause_of_another_company_is_not_ours(watching: Scene) -> None:
    await watching.execute("INSERT INTO calling_pauses (company_id, who, why) VALUES (7, 'anna', 'a test')")
    await watching.dial(await watching.open_outreach())

    assert len(watching.telephone.dials) == 1


async def test_a_call_that_rings_goes_on_and_its_person_is_planned(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    attempt = await watching.dial(outreach)
    await watching.news(attempt, "ringing")
    await _given(watching, "pause", "--why", "a test")
    await watching.deliver()
    assert (await watching.attempt(attempt.id)).hang_up_because is None
    await watching.news(attempt, "no-answer")
    await watching.deliver()

    planned = await watching.outreach(outreach.id)
    assert planned.state is OutreachState.WAITING
    assert planned.due_at is not None
    assert planned.due_at > MONDAY


async def test_who_comes_while_calling_is_paused_is_called_afterwards(watching: Scene) -> None:
    await _given(watching, "pause", "--why", "a test")
    outreach = await watching.open_outreach(PHONE_2)
    await watching.make_due(outreach)
    await _dial_all(watching)
    await _not_called(watching, outreach)

    await _given(watching, "resume")
    await watching.dial(outreach)
    assert len(watching.telephone.dials) == 1
