"""How an outreach ended stands in Recruitee: one note, then one move, however often anything is tried again."""

from __future__ import annotations

import asyncio

import pytest

from klara_daemon.demo.recruitee.faults import Failure
from klara_daemon.domain.dialogue.turns import Question, QuestionKind
from klara_daemon.domain.dispositions import Disposition, Outcome
from klara_daemon.messages import OutreachEnded
from klara_daemon.store import companies, conversations
from klara_daemon.store.outreaches import Outreach
from tests.actors.scene import APPLIED, CALL, COMPANY, HIRED, INTERVIEW, OFFER, PHONE_2, QUESTIONS, Scene
from tests.eventually import eventually

D = Disposition
NOTES, ADD_NOTE = "GET .*/notes", "POST .*/notes"
CANDIDATE, THE_OFFER, MOVE = r"GET .*/candidates/\d+$", "GET .*/offers/", "PATCH .*/change_stage"
LOST_ANSWERS: list[Failure] = [500, "cut", "hang", "close", "other_shape"]
"""What may come although the request was carried out."""
FAILURES: list[Failure] = [401, 403, 422, 429, 500, "hang"]


async def _ended(scene: Scene, *dispositions: Disposition, answers: bool = True) -> Outreach:
    """An outreach whose calls ended so; where the last was an interview, with answers."""
    outreach = await scene.open_outreach()
    for disposition in dispositions[:-1]:
        await scene.call_ends(outreach, disposition)
    if answers and dispositions[-1] is D.INTERVIEWED:
        attempt = await scene.dial(outreach)
        for nth, (question, heard, meaning) in enumerate(
            [(QUESTIONS[0], "Sieben <b>Jahre</b> & mehr", "7"), (QUESTIONS[1], "Ab dem ersten Oktober", None)]
        ):
            asked = Question(question["key"], question["text"], QuestionKind(question["kind"]))
            async with scene.database.transaction() as tx:
                await conversations.keep_answer(
                    tx.conn, outreach.id, attempt.id, nth, asked, heard=heard, meaning=meaning, at=tx.now
                )
        await scene.news(attempt, "in-progress")
        scene.clock.advance(seconds=95)
        await scene.begin_conversation(attempt, phase="ended", disposition="interviewed", complete=True)
        await scene.news(attempt, "completed")
        await scene.deliver()
    else:
        await scene.call_ends(outreach, dispositions[-1])
        await scene.deliver()
    return await scene.outreach(outreach.id)


async def _settle(scene: Scene) -> None:
    """Let every hand do what it can, until nothing is owed."""
    for _ in range(12):
        while await scene.writeback.write_one():
            pass
        if not await scene.value("SELECT count(*) FROM writebacks WHERE done_at IS NULL"):
            return
        await scene.poll()
        await scene.let_pass(900)
    raise AssertionError(str(await scene.rows("SELECT * FROM writebacks")))


async def _move_of(scene: Scene) -> tuple[str, int | None]:
    [row] = await scene.rows("SELECT move, moved_to FROM writebacks")
    return row["move"], row["moved_to"]


async def _why_no_move(scene: Scene, outreach: Outreach) -> str | None:
    assert await _move_of(scene) == ("not_possible", None)
    return await scene.last_rule(outreach.candidate_id, "move_not_made")


async def _marker(scene: Scene) -> str:
    writeback_id = await scene.value("SELECT id FROM writebacks")
    return f"Klara-Ref: {writeback_id}"


def _written(scene: Scene) -> list[str]:
    """The requests that change something, in their order."""
    return [one.endpoint.split("/")[-1] for one in scene.recruitee.asked if not one.endpoint.startswith("GET")]


def _stage(scene: Scene, outreach: Outreach) -> int:
    return scene.recruitee.stage_of(outreach.candidate_id, OFFER)


def _notes(scene: Scene, outreach: Outreach) -> list[str]:
    return scene.recruitee.notes_of(outreach.candidate_id)


# As it should be


async def test_a_completed_interview_is_noted_and_the_candidate_moved_on(watching: Scene) -> None:
    outreach = await _ended(watching, D.NO_ANSWER, D.INTERVIEWED)
    assert await watching.writeback.write_one()
    assert not await watching.writeback.write_one()

    [note] = _notes(watching, outreach)
    assert _stage(watching, outreach) == INTERVIEW
    assert _written(watching) == ["notes", "change_stage"]
    for told in (QUESTIONS[0]["text"], "Sieben <b>Jahre</b> & mehr", QUESTIONS[1]["text"], "Ab dem ersten Oktober"):
        assert told in note
    assert "14:00" in note, "in the company's time"
    assert "1 min 35 s" in note
    assert "+49" not in note
    assert "15123456701" not in note
    assert note.splitlines()[-1] == await _marker(watching)
    assert (await watching.told(outreach.candidate_id))[-2:] == ["note_written", "candidate_moved"]
    assert await _move_of(watching) == ("moved", INTERVIEW)


async def test_the_message_wakes_and_the_row_is_owed(watching: Scene) -> None:
    await _ended(watching, D.DECLINED)
    async with watching.database.transaction() as tx:
        await watching.writeback.on_outreach_ended(tx, [])
        assert tx.bells == {"writebacks"}
    assert isinstance(watching.sent[-1], OutreachEnded)


@pytest.mark.parametrize(
    ("dispositions", "outcome"),
    [
        ([D.DECLINED], Outcome.REFUSED),
        ([D.HUNG_UP, D.HUNG_UP], Outcome.REFUSED),
        ([D.OPTED_OUT], Outcome.REFUSED),
        ([D.HUMAN_REQUESTED], Outcome.HUMAN_REQUESTED),
        ([D.INVALID_NUMBER], Outcome.UNCALLABLE),
        ([D.WRONG_PERSON], Outcome.UNCALLABLE),
        ([D.NO_ANSWER] * 4, Outcome.EXHAUSTED),
        ([D.PARTLY_INTERVIEWED] * 4, Outcome.UNFINISHED),
    ],
)
async def test_every_other_outcome_is_noted_and_moves_nobody(
    watching: Scene, dispositions: list[Disposition], outcome: Outcome
) -> None:
    outreach = await _ended(watching, *dispositions)
    assert outreach.outcome is outcome
    await _settle(watching)

    assert len(_notes(watching, outreach)) == 1
    assert _stage(watching, outreach) == CALL
    assert _written(watching) == ["notes"]
    assert await _move_of(watching) == ("not_wanted", None)
    assert "move_not_made" not in await watching.told(outreach.candidate_id)


async def test_who_was_reached_moves_on_where_the_stage_says_so(watching: Scene) -> None:
    await watching.configure(move_when="reached")
    outreach = await _ended(watching, *[D.PARTLY_INTERVIEWED] * 4)
    await _settle(watching)
    assert _stage(watching, outreach) == INTERVIEW


async def test_who_was_never_reached_does_not_move_on_even_then(watching: Scene) -> None:
    await watching.configure(move_when="reached")
    outreach = await _ended(watching, *[D.NO_ANSWER] * 4)
    await _settle(watching)
    assert _stage(watching, outreach) == CALL


@pytest.mark.parametrize(("target", "stage"), [("none", CALL), (APPLIED, APPLIED), (INTERVIEW, INTERVIEW)])
async def test_the_target_is_what_the_settings_say(watching: Scene, target: str | int, stage: int) -> None:
    await watching.configure(target=target)
    outreach = await _ended(watching, D.INTERVIEWED)
    await _settle(watching)
    assert _stage(watching, outreach) == stage
    assert len(_notes(watching, outreach)) == 1


async def test_withdrawn_before_any_call_writes_nothing(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    watching.move(outreach.candidate_id, INTERVIEW)
    await watching.poll()
    await watching.deliver()
    assert not await watching.writeback.write_one()
    assert _notes(watching, outreach) == []


async def test_withdrawn_after_a_call_is_noted(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    await watching.call_ends(outreach, D.NO_ANSWER)
    watching.move(outreach.candidate_id, INTERVIEW)
    await watching.poll()
    await watching.deliver()
    await _settle(watching)
    assert len(_notes(watching, outreach)) == 1
    assert _stage(watching, outreach) == INTERVIEW


# Once


@pytest.mark.parametrize(
    ("failure", "after_effect"), [*((failure, False) for failure in FAILURES), *((lost, True) for lost in LOST_ANSWERS)]
)
@pytest.mark.parametrize("path", [ADD_NOTE, MOVE])
async def test_note_and_move_are_made_once_whatever_the_answer(
    watching: Scene, path: str, failure: Failure, after_effect: bool
) -> None:
    outreach = await _ended(watching, D.INTERVIEWED, answers=False)
    watching.recruitee.faults.fail_next(path, failure, after_effect=after_effect)
    await _settle(watching)

    assert len(_notes(watching, outreach)) == 1
    assert [(move.to_stage_id, move.by) for move in watching.recruitee.moves if move.by == "api"] == [
        (INTERVIEW, "api")
    ]
    assert _written(watching)[0] == "notes"
    assert await _move_of(watching) == ("moved", INTERVIEW)
    told = await watching.told(outreach.candidate_id)
    assert (told.count("note_written"), told.count("candidate_moved")) == (1, 1)
    assert told.index("note_written") < told.index("candidate_moved")


@pytest.mark.parametrize("failure", [401, 422, 500])
@pytest.mark.parametrize("path", [NOTES, CANDIDATE, THE_OFFER])
async def test_what_cannot_be_read_is_waited_for(watching: Scene, path: str, failure: Failure) -> None:
    outreach = await _ended(watching, D.INTERVIEWED, answers=False)
    watching.recruitee.faults.fail_next(path, failure, times=2)
    await _settle(watching)

    assert len(_notes(watching, outreach)) == 1
    assert _stage(watching, outreach) == INTERVIEW


async def test_nothing_is_moved_before_the_note_stands(watching: Scene) -> None:
    outreach = await _ended(watching, D.INTERVIEWED, answers=False)
    watching.recruitee.faults.fail_next(ADD_NOTE, 500, times=None)
    for _ in range(3):
        assert await watching.writeback.write_one()
        await watching.let_pass(900)
    assert _stage(watching, outreach) == CALL
    [row] = await watching.rows("SELECT tries, fault FROM writebacks")
    assert (row["tries"], row["fault"]) == (3, "Recruitee answered 500: status 500")


async def test_the_wait_grows_and_recruitees_own_wish_is_heard(watching: Scene) -> None:
    await _ended(watching, D.DECLINED)
    waits = []
    for retry_after in (None, None, "55", None):
        watching.recruitee.faults.fail_next(NOTES, 429, retry_after=retry_after)
        await watching.writeback.write_one()
        wait_s = await watching.value("SELECT extract(epoch FROM due_at - now())::float8 FROM writebacks")
        waits.append(round(wait_s))
        await watching.let_pass(wait_s + 1)
    assert waits == [5, 10, 55, 40]


async def test_many_hands_write_one_note(watching: Scene) -> None:
    outreach = await _ended(watching, D.INTERVIEWED, answers=False)
    wrote = await asyncio.gather(*(watching.writeback.write_one() for _ in range(5)))
    assert sorted(wrote) == [False] * 4 + [True]
    assert len(_notes(watching, outreach)) == 1


async def test_a_hand_that_was_slower_than_its_lease_leaves_it_to_the_next(watching: Scene) -> None:
    outreach = await _ended(watching, D.INTERVIEWED, answers=False)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with watching.database.transaction() as tx:
        await tx.conn.execute("LOCK TABLE answers")
        first = asyncio.create_task(watching.writeback.write_one())
        await eventually(lambda: watching.value(waiting))
        await watching.let_pass(121)
        second = asyncio.create_task(watching.writeback.write_one())
        await eventually(lambda: _is(watching, waiting, 2))
    assert await first
    assert await second

    assert len(_notes(watching, outreach)) == 1
    assert _stage(watching, outreach) == INTERVIEW


async def _is(scene: Scene, query: str, wanted: int) -> bool:
    return bool(await scene.value(query) == wanted)


async def test_a_note_that_stands_is_found_among_many(watching: Scene) -> None:
    outreach = await _ended(watching, D.DECLINED)
    watching.recruitee.add_note(outreach.candidate_id, ["Some words", await _marker(watching)])
    for nth in range(70):
        watching.recruitee.add_note(outreach.candidate_id, [f"Note {nth}"])
    await _settle(watching)

    assert len(_notes(watching, outreach)) == 71


async def test_a_note_about_another_outreach_is_another_note(watching: Scene) -> None:
    outreach = await _ended(watching, D.DECLINED)
    watching.recruitee.add_note(outreach.candidate_id, [f"Klara-Ref: {outreach.id}"])
    await _settle(watching)
    assert len(_notes(watching, outreach)) == 2


async def test_a_process_that_died_in_between_is_followed_by_another(watching: Scene) -> None:
    outreach = await _ended(watching, D.INTERVIEWED, answers=False)
    watching.recruitee.faults.fail_next(MOVE, "hang", after_effect=True)
    dying = asyncio.create_task(watching.writeback.write_one())
    await watching.recruitee.faults.hanging.wait()
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    assert not await watching.writeback.write_one()

    await watching.let_pass(121)
    assert await watching.writeback.write_one()
    assert await _move_of(watching) == ("moved", INTERVIEW)
    assert _written(watching) == ["notes", "change_stage"]
    assert len(_notes(watching, outreach)) == 1


# People win


async def test_who_was_moved_by_a_recruiter_is_noted_and_left_there(watching: Scene) -> None:
    outreach = await _ended(watching, D.INTERVIEWED, answers=False)
    watching.move(outreach.candidate_id, APPLIED)
    await _settle(watching)
    assert _stage(watching, outreach) == APPLIED
    assert len(_notes(watching, outreach)) == 1
    assert await _why_no_move(watching, outreach) == "moved_by_somebody"


async def test_who_was_moved_to_the_target_by_a_recruiter_is_where_they_should_be(watching: Scene) -> None:
    outreach = await _ended(watching, D.INTERVIEWED, answers=False)
    watching.move(outreach.candidate_id, INTERVIEW)
    await _settle(watching)
    assert _written(watching) == ["notes"]
    assert await _move_of(watching) == ("moved", INTERVIEW)


async def test_a_disqualified_candidate_is_not_revived(watching: Scene) -> None:
    outreach = await _ended(watching, D.INTERVIEWED, answers=False)
    await watching.recruitee.disqualify(COMPANY, outreach.candidate_id, OFFER)
    await _settle(watching)
    assert _stage(watching, outreach) == CALL
    assert watching.recruitee.candidate(outreach.candidate_id).placement(OFFER).disqualified_at
    assert await _why_no_move(watching, outreach) == "disqualified"


async def test_nobody_is_hired_by_a_call(watching: Scene) -> None:
    await watching.configure(target=HIRED)
    outreach = await _ended(watching, D.INTERVIEWED, answers=False)
    await _settle(watching)
    assert _stage(watching, outreach) == CALL
    assert await _why_no_move(watching, outreach) == "hired_stage"


async def test_the_next_stage_may_be_the_hired_one_and_then_nobody_moves(watching: Scene) -> None:
    offer = watching.recruitee.companies[COMPANY].offers[OFFER]
    offer.stages = [stage for stage in offer.stages if stage.id != INTERVIEW]
    outreach = await _ended(watching, D.INTERVIEWED, answers=False)
    await _settle(watching)
    assert await _why_no_move(watching, outreach) == "hired_stage"


@pytest.mark.parametrize("gone", ["stage", "template", "last"])
async def test_a_target_that_has_gone_is_told(watching: Scene, gone: str) -> None:
    await watching.configure(target=INTERVIEW if gone == "stage" else "next")
    outreach = await _ended(watching, D.INTERVIEWED, answers=False)
    offer = watching.recruitee.companies[COMPANY].offers[OFFER]
    if gone == "template":
        offer.template = "gone"
    else:
        kept = {APPLIED, CALL, HIRED} if gone == "stage" else {APPLIED, CALL}
        offer.stages = [stage for stage in offer.stages if stage.id in kept]
    await _settle(watching)
    assert await _why_no_move(watching, outreach) == "target_gone"
    assert len(_notes(watching, outreach)) == 1


async def test_the_stages_may_stand_in_a_template_of_their_own(watching: Scene) -> None:
    watching.recruitee.companies[COMPANY].offers[OFFER].template = "own"
    outreach = await _ended(watching, D.INTERVIEWED, answers=False)
    await _settle(watching)
    assert _stage(watching, outreach) == INTERVIEW


@pytest.mark.parametrize("shows_deleted", [False, True])
async def test_a_candidate_who_has_gone_is_owed_nothing(watching: Scene, shows_deleted: bool) -> None:
    outreach = await _ended(watching, D.INTERVIEWED, answers=False)
    watching.recruitee.habits.shows_deleted = shows_deleted
    watching.recruitee.delete(COMPANY, outreach.candidate_id)
    await _settle(watching)
    assert watching.recruitee.moves[-1].by == "recruiter"


async def test_a_move_that_recruitee_only_says_it_made_is_not_believed(watching: Scene) -> None:
    outreach = await _ended(watching, D.INTERVIEWED, answers=False)
    watching.recruitee.habits.moves = False
    await watching.writeback.write_one()
    assert await _move_of(watching) == ("open", None)
    assert "candidate_moved" not in await watching.told(outreach.candidate_id)

    watching.recruitee.habits.moves = True
    await _settle(watching)
    assert _stage(watching, outreach) == INTERVIEW
    assert len(_notes(watching, outreach)) == 1


async def test_recruitee_may_want_the_stage_inside_the_placement_and_notes_as_html(watching: Scene) -> None:
    watching.recruitee.habits.moves_nested = True
    watching.recruitee.habits.takes_rich_notes = False
    outreach = await _ended(watching, D.INTERVIEWED)
    await _settle(watching)
    assert _stage(watching, outreach) == INTERVIEW
    [note] = _notes(watching, outreach)
    assert "Sieben <b>Jahre</b> & mehr" in note


async def test_while_a_dashboard_saves_the_move_waits(watching: Scene) -> None:
    outreach = await _ended(watching, D.INTERVIEWED, answers=False)
    await watching.execute("DELETE FROM watched_stages")
    await watching.writeback.write_one()
    assert _stage(watching, outreach) == CALL
    await watching.configure()
    await _settle(watching)
    assert _stage(watching, outreach) == INTERVIEW


async def test_a_stage_that_is_watched_no_more_wants_no_move(watching: Scene) -> None:
    outreach = await _ended(watching, D.INTERVIEWED, answers=False)
    await watching.execute("DELETE FROM watched_stages; DELETE FROM stage_watches")
    await _settle(watching)
    assert await _move_of(watching) == ("not_wanted", None)
    assert len(_notes(watching, outreach)) == 1


# The door


async def test_a_company_that_must_reconnect_keeps_its_debts(watching: Scene) -> None:
    outreach = await _ended(watching, D.INTERVIEWED, answers=False)
    await watching.execute("UPDATE company_secrets SET connection = 'reconnect'")
    asked = len(watching.recruitee.asked)
    assert await watching.writeback.write_one()
    assert len(watching.recruitee.asked) == asked

    async with watching.database.transaction() as tx:
        await companies.store_token(tx.conn, watching.vault, COMPANY, "token-of-the-company")
    await watching.let_pass(60)
    assert await watching.writeback.write_one()
    assert _stage(watching, outreach) == INTERVIEW


async def test_one_debt_that_cannot_be_settled_does_not_hold_up_the_next(watching: Scene) -> None:
    first = await _ended(watching, D.DECLINED)
    second = await watching.open_outreach(PHONE_2)
    await watching.call_ends(second, D.DECLINED)
    watching.recruitee.faults.fail_next(f"POST .*/{first.candidate_id}/notes", 422, times=None)
    while await watching.writeback.write_one():
        pass
    assert (_notes(watching, first), len(_notes(watching, second))) == ([], 1)


async def test_without_settings_the_note_is_written_all_the_same(watching: Scene) -> None:
    outreach = await _ended(watching, D.NO_ANSWER, D.DECLINED)
    await watching.execute("SET session_replication_role = replica; DELETE FROM calling_windows")
    await _settle(watching)
    assert len(_notes(watching, outreach)) == 1
