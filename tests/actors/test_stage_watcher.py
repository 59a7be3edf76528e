"""Who enters and who leaves a watched stage, whatever becomes of the webhooks."""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import UTC, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from klara_daemon.actors.elapsed import clocks
from klara_daemon.messages import StayChanged, WebhookAccepted
from klara_daemon.store import companies, stays, watches
from tests.actors.scene import (
    APPLIED,
    CALL,
    COMPANY,
    HIRED,
    INTERVIEW,
    MONDAY,
    OFFER,
    PHONE,
    STAGES,
    TOKEN,
    VAULT,
    WATCHED,
    Scene,
)

OTHER_OFFER = 1181301
OTHER_STAGE = 8063180


async def _told_by_webhook(scene: Scene, candidate_id: int, webhook_id: str = "1", *, to: int = CALL) -> None:
    await scene.webhook(candidate_id, to=to, webhook_id=webhook_id)
    await scene.deliver(WebhookAccepted)
    await scene.read()


async def _enters(scene: Scene, *, by_webhook: bool = True) -> int:
    candidate_id = scene.candidate(stage=APPLIED)
    scene.move(candidate_id, CALL)
    if by_webhook:
        await _told_by_webhook(scene, candidate_id)
    else:
        await scene.poll()
    return candidate_id


async def _reason(scene: Scene, candidate_id: int) -> str | None:
    return str(await scene.value("SELECT left_because FROM stays WHERE candidate_id = $1", candidate_id))


# Entering


@pytest.mark.parametrize("by_webhook", [True, False])
async def test_whoever_is_moved_in_begins_a_stay(watching: Scene, by_webhook: bool) -> None:
    candidate_id = await _enters(watching, by_webhook=by_webhook)

    [stay] = await watching.open_stays()
    assert (stay["candidate_id"], stay["offer_id"], stay["stage_id"]) == (candidate_id, OFFER, CALL)
    assert stay["placement_id"] == watching.recruitee.candidate(candidate_id).placement(OFFER).id
    assert (stay["entered_at"], stay["already_there"]) == (watching.clock(), False)
    assert await watching.waiting_messages() == [StayChanged.name]
    assert await watching.told(candidate_id) == ["stage_entered"]


async def test_a_webhook_and_a_poll_lead_to_the_same_stay(watching: Scene) -> None:
    await _enters(watching)
    watching.clock.advance(minutes=3)
    await watching.poll()

    assert len(await watching.rows("SELECT FROM stays")) == 1
    assert await watching.waiting_messages() == [StayChanged.name]


async def test_a_poll_and_a_late_webhook_lead_to_the_same_stay(watching: Scene) -> None:
    candidate_id = await _enters(watching, by_webhook=False)
    await watching.deliver(StayChanged)
    watching.clock.advance(hours=5)
    await _told_by_webhook(watching, candidate_id)

    assert len(await watching.rows("SELECT FROM stays")) == 1
    assert await watching.waiting_messages() == []


async def test_a_doubled_webhook_is_one(watching: Scene) -> None:
    candidate_id = await _enters(watching)
    assert await watching.webhook(candidate_id, at=MONDAY) is None
    assert WebhookAccepted.name not in await watching.waiting_messages()


async def test_a_doubled_message_changes_nothing(watching: Scene) -> None:
    candidate_id = await _enters(watching)
    async with watching.database.transaction() as tx:
        event_id = await watching.value("SELECT id FROM webhook_events")
        tx.send(WebhookAccepted(event_id=event_id))
        tx.send(WebhookAccepted(event_id=event_id))
    await watching.deliver(WebhookAccepted)
    await watching.read()

    assert len(await watching.rows("SELECT FROM stays")) == 1
    assert await watching.told(candidate_id) == ["stage_entered"]


async def test_webhooks_in_the_wrong_order_end_where_the_candidate_stands(watching: Scene) -> None:
    candidate_id = watching.candidate(stage=APPLIED)
    watching.move(candidate_id, CALL)
    watching.move(candidate_id, INTERVIEW)
    watching.move(candidate_id, CALL)
    for webhook_id, stage in (("3", CALL), ("2", INTERVIEW), ("1", CALL)):
        await _told_by_webhook(watching, candidate_id, webhook_id, to=stage)

    assert [stay["stage_id"] for stay in await watching.open_stays()] == [CALL]
    assert len(await watching.rows("SELECT FROM stays")) == 1


async def test_a_webhook_that_is_not_true_any_more_begins_nothing(watching: Scene) -> None:
    candidate_id = watching.candidate(stage=INTERVIEW)
    await _told_by_webhook(watching, candidate_id)

    assert await watching.rows("SELECT FROM stays") == []


async def test_a_webhook_about_nobody_prompts_a_look(watching: Scene) -> None:
    candidate_id = watching.candidate(stage=APPLIED)
    watching.move(candidate_id, CALL)
    assert not await watching.watcher.poll_one()
    await watching.webhook(None)
    await watching.deliver(WebhookAccepted)

    assert await watching.watcher.poll_one()
    await watching.read()
    assert [stay["candidate_id"] for stay in await watching.open_stays()] == [candidate_id]


async def test_who_leaves_and_returns_unseen_is_in_the_same_stay(watching: Scene) -> None:
    candidate_id = await _enters(watching)
    watching.move(candidate_id, INTERVIEW)
    watching.move(candidate_id, CALL)
    await _told_by_webhook(watching, candidate_id, "2", to=INTERVIEW)

    assert len(await watching.rows("SELECT FROM stays")) == 1


async def test_who_returns_after_leaving_was_seen_begins_a_new_stay(watching: Scene) -> None:
    candidate_id = await _enters(watching)
    watching.move(candidate_id, INTERVIEW)
    await watching.poll()
    watching.clock.advance(days=1)
    watching.move(candidate_id, CALL)
    await watching.poll()

    first, second = await watching.rows("SELECT left_at, already_there FROM stays ORDER BY entered_at")
    assert first["left_at"] is not None
    assert (second["left_at"], second["already_there"]) == (None, False)


async def test_one_candidate_in_two_watched_jobs_has_two_stays(scene: Scene) -> None:
    stages = [(stage + 100, name, category) for stage, name, category in STAGES]
    scene.recruitee.add_offer(COMPANY, OTHER_OFFER, "Köchin (m/w/d)", stages)
    await scene.configure(stages=[WATCHED, WATCHED | {"offer_id": OTHER_OFFER, "stage_id": CALL + 100}])
    await scene.watch()
    candidate_id = scene.candidate(stage=CALL)
    scene.recruitee.add_placement(candidate_id, OTHER_OFFER, CALL + 100)
    await scene.poll()

    assert {stay["offer_id"] for stay in await scene.open_stays()} == {OFFER, OTHER_OFFER}


async def test_an_outdated_reading_decides_nothing(watching: Scene) -> None:
    """One hand has read before the recruiter moved on, and writes after another has read the newer truth."""
    candidate_id = watching.candidate(stage=CALL)
    access = await watching.door.access(COMPANY)
    assert access is not None
    await watching.webhook(candidate_id)
    await watching.deliver(WebhookAccepted)
    async with watching.database.transaction() as tx:
        first = await stays.claim_read(tx.conn, 60)
    assert first is not None
    older = await watching.client.candidate(access, candidate_id)

    watching.move(candidate_id, INTERVIEW)
    await _told_by_webhook(watching, candidate_id, "2", to=INTERVIEW)
    await watching.watcher._settle(first, older, clocks())
    await watching.read()

    assert await watching.open_stays() == []


# Leaving


async def test_who_is_moved_on_leaves(watching: Scene) -> None:
    candidate_id = await _enters(watching)
    watching.move(candidate_id, INTERVIEW)
    await watching.poll()

    assert await _reason(watching, candidate_id) == "left_stage"
    assert await watching.waiting_messages() == [StayChanged.name] * 2
    assert (await watching.told(candidate_id))[-1] == "stage_left"


async def test_who_is_disqualified_leaves(watching: Scene) -> None:
    candidate_id = await _enters(watching)
    await watching.recruitee.disqualify(COMPANY, candidate_id, OFFER)
    await watching.poll()

    assert await _reason(watching, candidate_id) == "disqualified"


async def test_who_is_qualified_again_begins_a_new_stay(watching: Scene) -> None:
    candidate_id = await _enters(watching)
    await watching.recruitee.disqualify(COMPANY, candidate_id, OFFER)
    await watching.poll()
    await watching.recruitee.requalify(COMPANY, candidate_id, OFFER)
    await watching.poll()

    assert len(await watching.open_stays()) == 1


async def test_who_is_hired_for_this_job_leaves(watching: Scene) -> None:
    candidate_id = await _enters(watching)
    watching.move(candidate_id, HIRED)
    await watching.poll()

    assert await _reason(watching, candidate_id) == "hired"


async def test_who_is_hired_for_another_job_leaves(watching: Scene) -> None:
    candidate_id = await _enters(watching)
    watching.recruitee.add_offer(COMPANY, OTHER_OFFER, "Köchin", [(OTHER_STAGE, "Eingestellt", "hire")])
    watching.recruitee.add_placement(candidate_id, OTHER_OFFER, OTHER_STAGE)
    await _told_by_webhook(watching, candidate_id, "2", to=OTHER_STAGE)

    assert await _reason(watching, candidate_id) == "hired"


@pytest.mark.parametrize("shows_deleted", [True, False])
async def test_who_is_deleted_leaves(watching: Scene, shows_deleted: bool) -> None:
    candidate_id = await _enters(watching)
    watching.recruitee.habits.shows_deleted = shows_deleted
    watching.recruitee.delete(COMPANY, candidate_id)
    await watching.poll()

    assert await _reason(watching, candidate_id) == "deleted"


async def test_nobody_leaves_because_a_list_was_short(watching: Scene) -> None:
    people = [await _enters(watching, by_webhook=False) for _ in range(3)]
    watching.recruitee.habits.placements_listed = 1
    watching.recruitee.habits.candidates_a_page = 1
    watching.recruitee.habits.ignores_offset = True
    await watching.poll()

    assert [stay["candidate_id"] for stay in await watching.open_stays()] == people
    assert watching.recruitee.times_asked("GET /candidates/{candidate}") >= len(people) + 2


async def test_a_second_reading_of_the_same_changes_nothing(watching: Scene) -> None:
    candidate_id = await _enters(watching)
    watching.move(candidate_id, INTERVIEW)
    await watching.poll()
    left_at = watching.clock()
    watching.clock.advance(hours=1)
    await _told_by_webhook(watching, candidate_id, "2", to=INTERVIEW)

    assert [row["left_at"] for row in await watching.rows("SELECT left_at FROM stays")] == [left_at]


# Who was there already


async def test_who_was_there_before_is_noted_and_not_called(scene: Scene) -> None:
    candidate_id = scene.candidate()
    await scene.watch()
    await scene.deliver()

    [stay] = await scene.open_stays()
    assert stay["already_there"]
    assert await scene.rows("SELECT FROM outreaches") == []
    assert await scene.told(candidate_id) == ["stage_entered"]


async def _first_look_late(scene: Scene, *, minutes: int) -> list[MutableMapping[str, Any]]:
    """Somebody is moved in, without a webhook, while the company has no token yet; what the first look logs."""
    await scene.execute("UPDATE company_secrets SET recruitee_token = NULL")
    await scene.watcher.follow_settings()
    candidate_id = scene.candidate(stage=APPLIED)
    scene.move(candidate_id, CALL)
    await scene.poll()
    scene.clock.advance(minutes=minutes)
    async with scene.database.transaction() as tx:
        await companies.store_token(tx.conn, VAULT, COMPANY, TOKEN)
    with capture_logs() as logged:
        await scene.poll()
    await scene.deliver()
    return [line for line in logged if line["event"] == "first_look_late"]


async def test_a_first_look_that_comes_late_is_told_with_how_many_it_leaves_uncalled(scene: Scene) -> None:
    [line] = await _first_look_late(scene, minutes=30)

    assert (line["stage_id"], line["minutes"], line["people"], line["log_level"]) == (CALL, 30, 1, "warning")
    [stay] = await scene.open_stays()
    assert stay["already_there"], "nobody can know when they came"
    [told] = await scene.lines(stay["candidate_id"])
    assert told.details["named_at"] == MONDAY.astimezone(UTC).isoformat()

    async with scene.database.connection() as conn:
        [look] = await watches.late_first_looks(conn, scene.clock())
        assert (look.watch.stage_id, look.late, look.people) == (CALL, timedelta(minutes=30), 1)
        assert await watches.late_first_looks(conn, scene.clock() + timedelta(seconds=1)) == [], "told for a while"
    await scene.configure(call_those_already_there=True)
    async with scene.database.connection() as conn:
        assert await watches.late_first_looks(conn, MONDAY) == []
    await scene.watcher.follow_settings()
    await scene.deliver()
    assert (await scene.outreach_of(stay["candidate_id"])).state == "waiting"


async def test_of_a_first_look_in_time_nothing_is_told(scene: Scene) -> None:
    assert await _first_look_late(scene, minutes=5) == []
    [stay] = await scene.open_stays()
    [told] = await scene.lines(stay["candidate_id"])
    assert "named_at" not in told.details


async def test_who_was_moved_after_watching_began_is_called_however_late_the_first_look(scene: Scene) -> None:
    await scene.watcher.follow_settings()
    scene.clock.advance(minutes=1)
    candidate_id = scene.candidate(stage=APPLIED)
    scene.move(candidate_id, CALL)
    await _told_by_webhook(scene, candidate_id)
    await scene.poll()
    await scene.deliver()

    assert [stay["already_there"] for stay in await scene.open_stays()] == [False]
    assert (await scene.outreach_of(candidate_id)).state == "waiting"


async def test_a_webhook_after_the_first_look_tells_that_somebody_was_not_there_before(scene: Scene) -> None:
    await scene.watcher.follow_settings()
    scene.clock.advance(minutes=1)
    candidate_id, moved_at = scene.candidate(), scene.clock()
    scene.clock.advance(minutes=1)
    await scene.poll()
    assert [stay["already_there"] for stay in await scene.open_stays()] == [True]

    await scene.webhook(candidate_id, at=moved_at)
    await scene.deliver()
    await scene.read()
    await scene.deliver()

    assert [stay["already_there"] for stay in await scene.open_stays()] == [False]
    assert (await scene.outreach_of(candidate_id)).state == "waiting"


async def test_a_webhook_of_a_move_before_watching_began_calls_nobody(scene: Scene) -> None:
    candidate_id = scene.candidate()
    await scene.watch()
    await scene.webhook(candidate_id, at=scene.clock() - timedelta(minutes=1))
    await scene.deliver()
    await scene.read()
    await scene.deliver()

    assert [stay["already_there"] for stay in await scene.open_stays()] == [True]
    assert await scene.rows("SELECT FROM outreaches") == []


async def test_those_who_were_there_are_called_where_the_stage_says_so(scene: Scene) -> None:
    await scene.configure(call_those_already_there=True)
    candidate_id = scene.candidate()
    await scene.watch()
    await scene.deliver()

    outreach = await scene.outreach_of(candidate_id)
    assert (outreach.state, outreach.outcome) == ("waiting", None)


async def test_those_who_were_there_are_not_uncallable_only_because_nobody_has_read_them_yet(scene: Scene) -> None:
    """The message overtakes the reading; the number comes with the reading."""
    await scene.configure(call_those_already_there=True)
    candidate_id = scene.candidate()
    await scene.watcher.follow_settings()
    await scene.watcher.poll_one()
    await scene.deliver()
    await scene.watcher.follow_settings()
    await scene.deliver()
    await scene.read()
    await scene.deliver()

    outreach = await scene.outreach_of(candidate_id)
    assert (outreach.state, outreach.number, outreach.outcome) == ("waiting", "+4915123456701", None)
    assert await scene.rows("SELECT FROM writebacks") == []


async def test_calling_those_who_were_there_can_be_switched_on_later(scene: Scene) -> None:
    candidate_id = scene.candidate()
    await scene.watch()
    await scene.deliver()
    await scene.configure(call_those_already_there=True)
    await scene.watcher.follow_settings()
    await scene.deliver()

    assert (await scene.outreach_of(candidate_id)).state == "waiting"
    await scene.watcher.follow_settings()
    assert await scene.waiting_messages() == []


async def test_a_look_that_failed_settles_nothing(scene: Scene) -> None:
    candidate_id = scene.candidate()
    scene.recruitee.faults.fail_next("GET .*/placements", 500)
    await scene.watcher.follow_settings()
    await scene.poll()
    assert await scene.value("SELECT settled_at FROM stage_watches") is None

    await scene.poll()
    assert [(stay["candidate_id"], stay["already_there"]) for stay in await scene.open_stays()] == [
        (candidate_id, True)
    ]


async def test_the_disqualified_who_stand_there_are_not_in_a_stay(scene: Scene) -> None:
    candidate_id = scene.candidate()
    await scene.recruitee.disqualify(COMPANY, candidate_id, OFFER)
    await scene.watch()

    assert await scene.rows("SELECT FROM stays") == []


# What is watched


async def test_a_stage_that_is_watched_no_more_ends_its_stays_after_five_minutes(watching: Scene) -> None:
    candidate_id = await _enters(watching)
    await watching.deliver(StayChanged)
    await watching.configure(stages=[])
    await watching.watcher.follow_settings()
    await watching.let_pass(299)
    await watching.watcher.follow_settings()
    assert len(await watching.open_stays()) == 1

    await watching.let_pass(2)
    await watching.watcher.follow_settings()
    await watching.deliver()

    assert await _reason(watching, candidate_id) == "no_longer_watched"
    assert (await watching.outreach_of(candidate_id)).outcome == "withdrawn"


async def test_a_stage_that_is_watched_again_within_five_minutes_was_watched_all_the_time(watching: Scene) -> None:
    candidate_id = await _enters(watching)
    await watching.deliver(StayChanged)
    before = await watching.outreach_of(candidate_id)
    await watching.configure(stages=[])
    await watching.watcher.follow_settings()
    await watching.let_pass(200)
    await watching.configure()
    await watching.watcher.follow_settings()
    await watching.let_pass(200)
    await watching.watcher.follow_settings()
    await watching.poll()
    await watching.deliver()

    assert await watching.outreach_of(candidate_id) == before
    assert len(await watching.rows("SELECT FROM stays")) == 1


async def test_who_enters_while_a_dashboard_saves_is_called(watching: Scene) -> None:
    await watching.configure(stages=[])
    await watching.watcher.follow_settings()
    candidate_id = await _enters(watching)
    await watching.deliver()
    await watching.configure()
    await watching.watcher.follow_settings()
    await watching.scheduler.find_forgotten()
    await watching.deliver()

    assert (await watching.outreach_of(candidate_id)).state == "waiting"


async def test_watching_anew_after_an_end_begins_with_who_is_there(watching: Scene) -> None:
    await _enters(watching)
    await watching.configure(stages=[])
    await watching.watcher.follow_settings()
    await watching.let_pass(301)
    await watching.watcher.follow_settings()
    await watching.configure()
    watching.clock.advance(days=1)
    await watching.watch()

    assert [stay["already_there"] for stay in await watching.open_stays()] == [True]


async def test_nobody_is_read_for_a_stage_in_its_last_five_minutes(watching: Scene) -> None:
    await watching.configure(stages=[])
    await watching.watcher.follow_settings()
    await watching.let_pass(200)
    assert not await watching.watcher.poll_one()


# Numbers


async def test_a_corrected_number_is_found_and_re_opens(watching: Scene) -> None:
    outreach = await watching.open_outreach("n/a")
    assert (outreach.state, outreach.outcome) == ("ended", "uncallable")

    watching.recruitee.edit_phones(COMPANY, outreach.candidate_id, [PHONE])
    await watching.let_pass(3600)
    await watching.poll()
    await watching.deliver()

    again = await watching.outreach(outreach.id)
    assert (again.state, again.outcome, again.number) == ("waiting", None, "+4915123456701")


async def test_an_uncallable_candidate_is_not_read_at_every_look(watching: Scene) -> None:
    await watching.open_outreach("n/a")
    asked = watching.recruitee.times_asked("GET /candidates/{candidate}")
    await watching.poll()
    assert watching.recruitee.times_asked("GET /candidates/{candidate}") == asked


async def test_a_number_that_was_corrected_after_leaving_opens_nothing(watching: Scene) -> None:
    outreach = await watching.open_outreach("n/a")
    watching.move(outreach.candidate_id, INTERVIEW)
    watching.recruitee.edit_phones(COMPANY, outreach.candidate_id, [PHONE])
    await watching.let_pass(3600)
    await watching.poll()
    await watching.deliver()

    assert (await watching.outreach(outreach.id)).outcome == "uncallable"


async def test_names_are_kept_as_they_are_written(watching: Scene) -> None:
    for name in ("Łukasz Żółkiewski", "محمد علي", "Ø", "", "x" * 5000, "Zeile\nzwei"):
        candidate_id = watching.candidate(name=name)
        await _told_by_webhook(watching, candidate_id, f"of {candidate_id}")
        assert await watching.value("SELECT name FROM candidates WHERE candidate_id = $1", candidate_id) == name
