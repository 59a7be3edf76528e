"""What the gate sees at the moment of a dial and no plan could know: other jobs, the lines, the end of a window."""

from __future__ import annotations

from datetime import timedelta

import pytest

from klara_daemon.actors.dialer import Claimed
from klara_daemon.domain.dispositions import Disposition, OutreachState
from klara_daemon.store.outreaches import Outreach
from tests.actors.scene import CALL, COMPANY, NUMBER_2, OFFER, PHONE_2, STAGES, WATCHED, Scene
from tests.actors.test_call_scheduler import berlin

D = Disposition
OTHER_OFFER, OTHER_CALL = OFFER + 1, CALL + 1000


async def due(scene: Scene, *phones: str) -> Outreach:
    """Somebody whose call is due, and a dialer knows."""
    outreach = await scene.open_outreach(*phones)
    await scene.make_due(outreach)
    return outreach


async def dial_all(scene: Scene) -> int:
    """Every dial that is due now is carried as far as it goes; how many calls were placed."""
    before = len(scene.telephone.dials)
    while await scene.dialer.dial_one():
        pass
    await scene.deliver()
    return len(scene.telephone.dials) - before


async def all_end(scene: Scene, status: str) -> None:
    """Every call that is under way ends so."""
    for row in await scene.rows("SELECT id FROM attempts WHERE state <> 'ended'"):
        await scene.news(await scene.attempt(row["id"]), status)
    await scene.deliver()


async def in_a_second_job(scene: Scene, **calling: object) -> tuple[Outreach, Outreach]:
    """One candidate stands in the watched stages of two jobs."""
    stages = [(stage + 1000, name, category) for stage, name, category in STAGES]
    scene.recruitee.add_offer(COMPANY, OTHER_OFFER, "Pflegehilfskraft (m/w/d)", stages)
    other = {**WATCHED, "offer_id": OTHER_OFFER, "stage_id": OTHER_CALL}
    await scene.configure(calling=calling, stages=[WATCHED, other])
    await scene.have_watched()
    first = await scene.open_outreach()
    scene.recruitee.add_placement(first.candidate_id, OTHER_OFFER, OTHER_CALL)
    await scene.poll()
    await scene.deliver()
    rows = await scene.rows("SELECT id FROM outreaches WHERE offer_id = $1", OTHER_OFFER)
    return first, await scene.outreach(rows[0]["id"])


async def test_two_candidates_with_one_number_share_its_day(watching: Scene) -> None:
    await watching.configure(calling={"attempts_per_day": 1})
    first, second = await due(watching), await due(watching)
    assert await dial_all(watching) == 1
    await all_end(watching, "no-answer")
    await watching.let_pass(60)
    assert await dial_all(watching) == 0

    plans = [await watching.outreach(one.id) for one in (first, second)]
    assert [plan.state for plan in plans] == [OutreachState.WAITING] * 2
    assert all(plan.due_at and plan.due_at.date() == berlin(8, 9).date() for plan in plans)
    told = [await watching.last_rule(one.candidate_id, "call_planned") for one in (first, second)]
    assert any("number_per_day" in (rules or "") for rules in told)


async def test_a_number_is_called_no_more_often_in_thirty_days_than_set(watching: Scene) -> None:
    await watching.configure(calling={"max_per_30_days": 2, "max_attempts": 2})
    first = await watching.open_outreach()
    for _ in range(2):
        await watching.call_ends(first, D.NO_ANSWER)
    calls = [row["placed_at"] for row in await watching.rows("SELECT placed_at FROM attempts ORDER BY placed_at")]
    second = await watching.open_outreach()
    assert second.due_at is not None
    assert second.due_at >= calls[0] + timedelta(days=30)
    assert await watching.last_rule(second.candidate_id, "call_planned") == "pause number_per_30_days"


async def test_calls_that_do_not_count_leave_the_number_free(watching: Scene) -> None:
    await watching.configure(calling={"attempts_per_day": 1})
    await watching.call_ends(await watching.open_outreach(), D.TECHNICAL_FAILURE)
    second = await watching.open_outreach()
    assert second.due_at is not None
    assert second.due_at.date() == watching.clock().date()


async def test_a_companys_own_limit_of_calls_at_once(watching: Scene) -> None:
    await watching.configure(calling={"calls_at_once": 2})
    for nth in range(4):
        await due(watching, f"0151 234567{nth:02}")
    assert await dial_all(watching) == 2
    await all_end(watching, "busy")
    await watching.let_pass(5)
    assert await dial_all(watching) == 2


async def test_a_full_trunk_defers_and_says_so_until_the_window_ends_and_then_it_is_planned_anew(
    watching: Scene,
) -> None:
    first, second = await due(watching), await due(watching, PHONE_2)
    only_line = watching.another_dialer(calls_at_once=1)
    watching.clock.set(berlin(7, 11, 59))
    await only_line.dial_one()
    assert not await only_line.dial_one()
    assert (await watching.outreach(second.id)).state is OutreachState.WAITING

    watching.clock.set(berlin(7, 12, 3))
    await all_end(watching, "no-answer")
    await watching.let_pass(5)
    while await only_line.dial_one():
        pass
    await watching.deliver()
    assert len(watching.telephone.dials) == 1, "a line that frees three minutes too late places no call"
    waiting = await watching.outreach(first.id if watching.telephone.dials == [NUMBER_2] else second.id)
    assert waiting.due_at == berlin(7, 14, 0)


async def test_a_number_that_was_corrected_between_claim_and_fence_is_not_called(watching: Scene) -> None:
    outreach = await due(watching)
    claimed = await watching.dialer._prepare(outreach.id, 0)
    async with watching.database.transaction() as tx:
        await tx.conn.execute("UPDATE candidates SET phones = $1", [PHONE_2])
    assert isinstance(claimed, Claimed)
    await watching.dialer._sender.send(outreach.id, claimed.attempt_id, claimed.read_at)
    assert watching.telephone.dials == []
    await watching.deliver()
    assert (await watching.outreach(outreach.id)).state is OutreachState.WAITING


@pytest.mark.parametrize("moment", ["before the claim", "before the fence"])
@pytest.mark.parametrize("change", ["weekday", "window", "pause", "zone", "stage"])
async def test_what_changes_between_plan_and_dial_places_no_call(watching: Scene, moment: str, change: str) -> None:
    outreach = await due(watching)
    claimed = await watching.dialer._prepare(outreach.id, 0) if moment == "before the fence" else None
    await CHANGES[change](watching, outreach)
    if isinstance(claimed, Claimed):
        await watching.dialer._sender.send(outreach.id, claimed.attempt_id, claimed.read_at)
    assert await dial_all(watching) == 0
    assert watching.telephone.dials == []


async def _leaves(scene: Scene, outreach: Outreach) -> None:
    scene.move(outreach.candidate_id, CALL - 1)
    await scene.poll()
    await scene.deliver()


CHANGES = {
    "weekday": lambda scene, _: scene.configure(calling={"weekdays": ["tue"]}),
    "window": lambda scene, _: scene.configure(calling={"windows": [{"from": "20:00", "to": "21:00"}]}),
    "pause": lambda scene, _: scene.execute("INSERT INTO calling_pauses VALUES (0, now(), 'anna', 'stop')"),
    "zone": lambda scene, _: scene.configure(company={"time_zone": "America/New_York"}),
    "stage": _leaves,
}


async def test_one_candidate_in_two_jobs_is_one_person(scene: Scene) -> None:
    first, second = await in_a_second_job(scene, attempts_per_day=1)
    await scene.make_due(first)
    await scene.make_due(second)
    assert await dial_all(scene) == 1, "the same person is on the phone"
    assert first.candidate_id == second.candidate_id
    await all_end(scene, "busy")
    await scene.let_pass(60)
    assert await dial_all(scene) == 0
    assert {(await scene.outreach(one.id)).due_at for one in (first, second)} == {berlin(8, 9)}
