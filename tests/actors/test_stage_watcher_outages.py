"""Recruitee answers badly or not at all: nobody is lost, nobody is withdrawn, and it comes back by itself."""

from __future__ import annotations

from typing import Any

import pytest

from klara_daemon.actors.recruitee_door import RecruiteeDoor
from klara_daemon.actors.stage_watcher import StageWatcher
from klara_daemon.demo.recruitee.faults import Failure
from klara_daemon.messages import StayChanged, WebhookAccepted
from klara_daemon.store import companies, watches
from klara_daemon.store.companies import ConnectionState
from klara_daemon.vault import Vault, new_key
from tests.actors.scene import APPLIED, CALL, COMPANY, INTERVIEW, OFFER, TOKEN, WATCHED, Scene

CANDIDATE, PLACEMENTS = r"GET .*/candidates/\d+$", "GET .*/placements"
FAILURES: list[Failure] = [401, 403, 422, 429, 500, 502, "html", "cut", "hang", "close", "other_shape"]


async def _connection(scene: Scene) -> ConnectionState:
    async with scene.database.connection() as conn:
        return (await companies.secrets(conn, scene.vault, COMPANY)).connection


async def _reads(scene: Scene) -> list[dict[str, Any]]:
    return await scene.rows(
        "SELECT tries, extract(epoch FROM due_at - now())::float8 AS wait_s FROM candidate_reads ORDER BY candidate_id"
    )


async def _faults(scene: Scene) -> list[str]:
    async with scene.database.connection() as conn:
        return [fault for _, _, _, fault in await watches.faults(conn)]


async def _standing_there(scene: Scene) -> int:
    candidate_id = scene.candidate(stage=APPLIED)
    scene.move(candidate_id, CALL)
    await scene.poll()
    await scene.deliver(StayChanged)
    return candidate_id


# Reading a candidate


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_candidate_who_cannot_be_read_is_read_later(watching: Scene, failure: Failure) -> None:
    candidate_id = watching.candidate(stage=APPLIED)
    watching.move(candidate_id, CALL)
    watching.recruitee.faults.fail_next(CANDIDATE, failure, times=None)
    await watching.webhook(candidate_id)
    await watching.deliver(WebhookAccepted)
    await watching.read()
    watching.recruitee.faults.mend()

    [read] = await _reads(watching)
    assert read["tries"] == 1
    assert 3 < read["wait_s"] <= 5
    assert await watching.rows("SELECT FROM stays") == []
    assert await _connection(watching) == ("reconnect" if failure == 401 else "connected")

    await watching.let_pass(5)
    await watching.read()
    assert [stay["candidate_id"] for stay in await watching.open_stays()] == [candidate_id]
    assert await _reads(watching) == []


@pytest.mark.parametrize("failure", [401, 422, 500, "html", "other_shape"])
async def test_nobody_leaves_because_they_could_not_be_read(watching: Scene, failure: Failure) -> None:
    candidate_id = await _standing_there(watching)
    before = await watching.outreach_of(candidate_id)
    watching.recruitee.faults.fail_next(CANDIDATE, failure, times=None)
    await watching.webhook(candidate_id, webhook_id="2")
    await watching.deliver()
    await watching.read()

    assert len(await watching.open_stays()) == 1
    assert await watching.outreach_of(candidate_id) == before


async def test_the_time_that_recruitee_asks_for_is_given(watching: Scene) -> None:
    candidate_id = watching.candidate()
    watching.recruitee.faults.fail_next(CANDIDATE, 429, retry_after="40")
    await watching.webhook(candidate_id)
    await watching.deliver(WebhookAccepted)
    await watching.read()

    [read] = await _reads(watching)
    assert 35 < read["wait_s"] <= 40


async def test_failures_are_waited_for_ever_longer_and_a_new_reason_does_not_hurry(watching: Scene) -> None:
    candidate_id = watching.candidate()
    watching.recruitee.faults.fail_next(CANDIDATE, 500, times=None)
    await watching.webhook(candidate_id)
    await watching.deliver(WebhookAccepted)
    waits = []
    for _ in range(4):
        await watching.read()
        [read] = await _reads(watching)
        waits.append(round(read["wait_s"]))
        await watching.let_pass(read["wait_s"] - 1)
        await watching.webhook(candidate_id, webhook_id=f"more {len(waits)}")
        await watching.deliver(WebhookAccepted)
        assert not await watching.watcher.read_one()
        await watching.let_pass(2)

    assert waits == [5, 10, 20, 40]


async def test_a_candidate_whom_a_dead_process_had_in_hand_is_read_by_another(watching: Scene) -> None:
    candidate_id = watching.candidate()
    await watching.webhook(candidate_id)
    await watching.deliver(WebhookAccepted)
    await watching.execute("UPDATE candidate_reads SET due_at = now() + make_interval(secs => 60)")
    assert not await watching.watcher.read_one()

    await watching.let_pass(60)
    await watching.read()
    assert len(await watching.open_stays()) == 1


async def test_one_who_cannot_be_read_does_not_hold_up_the_next(watching: Scene) -> None:
    first, second = watching.candidate(), watching.candidate()
    watching.recruitee.faults.fail_next(rf"GET .*/candidates/{first}$", 500, times=None)
    for candidate_id in (first, second):
        await watching.webhook(candidate_id, webhook_id=str(candidate_id))
    await watching.deliver(WebhookAccepted)
    await watching.read()

    assert [stay["candidate_id"] for stay in await watching.open_stays()] == [second]


# The token


async def test_a_refused_token_is_noted_and_work_is_kept_until_it_is_taken_again(watching: Scene) -> None:
    candidate_id = await _standing_there(watching)
    watching.recruitee.faults.fail_next("GET", 401, times=None)
    watching.move(candidate_id, INTERVIEW)
    await watching.webhook(candidate_id, webhook_id="2")
    await watching.deliver()
    await watching.poll()
    assert await _connection(watching) is ConnectionState.RECONNECT
    assert len(await watching.open_stays()) == 1

    watching.recruitee.faults.mend()
    await watching.let_pass(900)
    await watching.poll()
    assert await _connection(watching) is ConnectionState.CONNECTED
    assert await watching.open_stays() == []


async def test_a_role_that_is_too_small_for_one_thing_does_not_disconnect_the_company(watching: Scene) -> None:
    watching.recruitee.faults.fail_next(PLACEMENTS, 403)
    await watching.poll()

    assert await _connection(watching) is ConnectionState.CONNECTED
    assert "403" in (await _faults(watching))[0]


@pytest.mark.parametrize("readable", [True, False])
async def test_without_a_token_nothing_is_asked_and_nothing_is_lost(scene: Scene, readable: bool) -> None:
    if readable:
        await scene.execute("DELETE FROM company_secrets")
    else:
        scene.watcher = StageWatcher(
            scene.database, scene.client, RecruiteeDoor(scene.database, Vault([new_key()])), poll_every_s=180
        )
    candidate_id = scene.candidate()
    await scene.watcher.follow_settings()
    scene.clock.advance(minutes=1)
    await scene.webhook(candidate_id)
    await scene.deliver(WebhookAccepted)
    await scene.poll()
    assert scene.recruitee.asked == []
    assert len(await _reads(scene)) == 1

    async with scene.database.transaction() as tx:
        await companies.store_token(tx.conn, scene.vault, COMPANY, TOKEN)
    scene.watcher = StageWatcher(scene.database, scene.client, scene.door, poll_every_s=180)
    await scene.let_pass(900)
    await scene.read()
    assert [stay["candidate_id"] for stay in await scene.open_stays()] == [candidate_id]


# Looking at a stage


@pytest.mark.parametrize("failure", [401, 403, 404, 422, 500, "html", "cut", "other_shape"])
async def test_a_stage_that_cannot_be_looked_at_is_told_and_withdraws_nobody(watching: Scene, failure: Failure) -> None:
    await _standing_there(watching)
    polled_before = await watching.value("SELECT settled_at FROM stage_watches")
    watching.recruitee.faults.fail_next(PLACEMENTS, failure, times=None)
    await watching.poll()
    watching.recruitee.faults.mend()

    assert len(await watching.open_stays()) == 1
    assert len(await _faults(watching)) == 1
    assert not await watching.watcher.poll_one(), "not before its time"

    await watching.let_pass(180)
    await watching.poll()
    assert await _faults(watching) == []
    assert await watching.value("SELECT settled_at FROM stage_watches") == polled_before


@pytest.mark.parametrize(("retry_after", "wait_s"), [("600", 600), ("20", 180), (None, 180)])
async def test_a_stage_is_not_looked_at_before_recruitee_wants_it(
    watching: Scene, retry_after: str | None, wait_s: int
) -> None:
    watching.recruitee.faults.fail_next(PLACEMENTS, 429, retry_after=retry_after)
    await watching.poll()
    await watching.let_pass(wait_s - 5)
    assert not await watching.watcher.poll_one()

    await watching.let_pass(10)
    assert await watching.watcher.poll_one()


async def test_a_stage_that_does_not_exist_is_told_to_the_operator(scene: Scene) -> None:
    await scene.configure(stages=[WATCHED, WATCHED | {"stage_id": 4711}])
    await scene.watch()

    async with scene.database.connection() as conn:
        [(company_id, offer_id, stage_id, fault)] = await watches.faults(conn)
    assert (company_id, offer_id, stage_id) == (COMPANY, OFFER, 4711)
    assert fault == "offer 1181300 has no stage 4711"


async def test_a_stage_is_watched_although_the_pipeline_template_has_gone(watching: Scene) -> None:
    watching.recruitee.companies[COMPANY].offers[OFFER].template = "gone"
    await _standing_there(watching)

    assert len(await watching.open_stays()) == 1


async def test_a_stage_that_cannot_be_looked_at_does_not_hold_up_the_next(scene: Scene) -> None:
    await scene.configure(stages=[WATCHED, WATCHED | {"stage_id": INTERVIEW, "target": "none"}])
    scene.recruitee.faults.fail_next("GET .*/placements", 500)
    await scene.watch()

    settled = await scene.rows("SELECT settled_at IS NOT NULL AS settled FROM stage_watches")
    assert sorted(row["settled"] for row in settled) == [False, True]
