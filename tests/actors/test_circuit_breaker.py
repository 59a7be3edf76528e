"""A trunk on which calls fail is paused, tried with a single call, and opened again: told once, obeyed by everybody."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from klara_daemon import metrics
from klara_daemon.actors.circuit_breaker import CircuitBreaker
from klara_daemon.domain.dispositions import Disposition
from klara_daemon.store import trunks
from klara_daemon.store.calls import Attempt
from klara_daemon.store.trunks import Trunk
from tests.actors.scene import Scene
from tests.eventually import eventually

D = Disposition


async def calls_ended(scene: Scene, *dispositions: Disposition, ago_s: float = 10) -> None:
    """So many calls on the trunk ended so long ago."""
    async with scene.database.connection() as conn, conn.transaction():
        await conn.execute("SET LOCAL session_replication_role = replica")
        await conn.execute("INSERT INTO trunks VALUES ('twilio') ON CONFLICT DO NOTHING")
        await conn.execute("UPDATE trunks SET counted_since = least(counted_since, now() - interval '1 hour')")
        await conn.executemany(
            "INSERT INTO attempts (id, outreach_id, company_id, candidate_id, number, e164, caller, provider, state,"
            " claimed_at, placed_at, ended_at, placing_since, state_since, disposition) VALUES (gen_random_uuid(),"
            " gen_random_uuid(), 1, 1, 1, '+49', '+49', 'twilio', 'ended', now(), now(), now(),"
            " now() - make_interval(secs => $1 + 5), now() - make_interval(secs => $1), $2)",
            [(ago_s, disposition) for disposition in dispositions],
        )


async def look(scene: Scene) -> Trunk:
    """The breaker looks; how the trunk stands then."""
    await CircuitBreaker(scene.database).look()
    async with scene.database.connection() as conn:
        return await trunks.look(conn, "twilio")


async def pause_ends(scene: Scene) -> None:
    """The five minutes are over."""
    await scene.execute("UPDATE trunks SET paused_until = now() - interval '1 ms'")


@pytest.mark.parametrize(
    ("dispositions", "is_paused"),
    [
        ([D.TECHNICAL_FAILURE] * 5 + [D.NO_ANSWER] * 5, True),
        ([D.TECHNICAL_FAILURE] * 10, True),
        ([D.TECHNICAL_FAILURE] * 9, False),
        ([D.TECHNICAL_FAILURE] * 5 + [D.NO_ANSWER] * 6, False),
        ([D.TECHNICAL_FAILURE] * 5 + [D.INTERVIEWED] * 4 + [D.NOT_PLACED] * 6, False),
        ([D.BUSY] * 20, False),
    ],
)
async def test_at_least_half_of_ten_or_more(scene: Scene, dispositions: list[Disposition], is_paused: bool) -> None:
    await calls_ended(scene, *dispositions)
    trunk = await look(scene)
    assert trunk.is_paused is is_paused
    assert (295 < trunk.paused_s <= 300) is is_paused


async def test_failures_of_more_than_five_minutes_ago_do_not_count(scene: Scene) -> None:
    await calls_ended(scene, *[D.TECHNICAL_FAILURE] * 20, ago_s=301)
    assert not (await look(scene)).is_paused


async def test_it_is_said_once_by_however_many_processes(scene: Scene) -> None:
    await calls_ended(scene, *[D.TECHNICAL_FAILURE] * 12)
    with capture_logs() as logs:
        await asyncio.gather(*(look(scene) for _ in range(4)))
    assert [line["event"] for line in logs] == ["trunk_paused"]
    assert (logs[0]["calls"], logs[0]["failed"], logs[0]["log_level"]) == (12, 12, "error")
    assert metrics.TRUNKS_PAUSED._value.get() == 1


async def test_a_paused_trunk_places_no_call_and_costs_nobody_an_attempt(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    await watching.make_due(outreach)
    await calls_ended(watching, *[D.TECHNICAL_FAILURE] * 10)
    await look(watching)
    assert not await watching.dialer.dial_one()
    assert watching.telephone.dials == []
    assert await watching.rows("SELECT FROM attempts WHERE outreach_id = $1", outreach.id) == []


async def test_a_call_that_was_claimed_before_the_pause_is_not_placed(
    watching: Scene,
) -> None:
    outreach = await watching.open_outreach()
    await watching.make_due(outreach)
    await watching.execute("INSERT INTO trunks VALUES ('twilio', clock_timestamp() + interval '1 s')")
    dialling = asyncio.create_task(watching.dialer.dial_one())
    await eventually(lambda: watching.rows("SELECT FROM attempts WHERE state = 'claimed'"))
    await calls_ended(watching, *[D.TECHNICAL_FAILURE] * 10)
    await look(watching)
    await dialling
    assert watching.telephone.dials == []


async def tried(scene: Scene) -> Attempt:
    """The pause is over, two calls are due, and one of them is tried."""
    people = [await scene.open_outreach(f"0151 234567{nth:02}") for nth in range(2)]
    for outreach in people:
        await scene.make_due(outreach)
    await calls_ended(scene, *[D.TECHNICAL_FAILURE] * 10)
    await look(scene)
    await pause_ends(scene)
    await asyncio.gather(*(scene.another_dialer().dial_one() for _ in range(4)))
    assert len(scene.telephone.dials) == 1, "a single call"
    assert not await scene.dialer.dial_one()
    return await scene.attempt(await scene.value("SELECT id FROM attempts WHERE state <> 'ended'"))


@pytest.mark.parametrize("status", ["ringing", "busy", "completed"])
async def test_a_call_that_works_opens_the_trunk(watching: Scene, status: str) -> None:
    attempt = await tried(watching)
    assert (await look(watching)).is_on_trial, "nothing is known yet"
    await watching.begin_conversation(attempt)
    await watching.person_leaves(attempt)
    await watching.news(attempt, status)
    trunk = await look(watching)
    assert not trunk.is_on_trial
    assert not trunk.is_paused
    assert metrics.TRUNKS_PAUSED._value.get() == 0
    assert not (await look(watching)).is_paused, "what failed before counts no more"
    await watching.let_pass(2)
    assert await watching.dialer.dial_one()
    assert len(watching.telephone.dials) == 2


async def test_a_call_that_fails_pauses_it_again_and_nothing_is_said(watching: Scene) -> None:
    attempt = await tried(watching)
    await watching.news(attempt, "failed")
    with capture_logs() as logs:
        trunk = await look(watching)
    assert 295 < trunk.paused_s <= 300
    assert [(line["event"], line["log_level"]) for line in logs] == [("trunk_still_fails", "info")]
    await pause_ends(watching)
    assert (await look(watching)).is_on_trial, "the next trial is a new one"
