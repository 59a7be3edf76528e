"""What was said is kept turn by turn: in order, each answer once, a broken line known as ours until it goes on."""

from __future__ import annotations

import pytest

from klara_daemon.domain.dialogue.turns import Question, QuestionKind
from klara_daemon.domain.dispositions import Disposition
from klara_daemon.store import conversations
from klara_daemon.store.calls import Attempt
from tests.actors.scene import MONDAY, Scene

YEARS = Question("years", "Wie viele Jahre?", QuestionKind.NUMBER)


@pytest.fixture
async def attempt(watching: Scene) -> Attempt:
    """A call whose conversation has begun."""
    attempt = await watching.dial(await watching.open_outreach())
    await watching.begin_conversation(attempt)
    return attempt


async def test_a_conversation_begins_once(watching: Scene, attempt: Attempt) -> None:
    await watching.begin_conversation(attempt, phase="asking")
    async with watching.database.connection() as conn:
        conversation = await conversations.lock(conn, attempt.id)
        assert await conversations.lock(conn, attempt.outreach_id) is None
    assert conversation is not None
    assert conversation.state == '{"version": 1}'


async def test_a_turn_goes_on_and_clears_a_fault(watching: Scene, attempt: Attempt) -> None:
    async with watching.database.connection() as conn:
        await conversations.broke_off(conn, attempt.id, 0, "failed")
        broken = await conversations.lock(conn, attempt.id)
        await conversations.store_turn(conn, attempt.id, '{"version": 1}', Disposition.DECLINED)
        after = await conversations.lock(conn, attempt.id)
    assert broken is not None
    assert after is not None
    assert (broken.fault, broken.disposition) == ("failed", None)
    assert (after.fault, after.disposition) == (None, Disposition.DECLINED)


async def test_a_line_is_taken_up_so_often_and_never_after_the_end(watching: Scene, attempt: Attempt) -> None:
    async with watching.database.connection() as conn:
        assert [await conversations.take_up(conn, attempt.id, line, 2) for line in range(3)] == [True, True, False]
        await conversations.store_turn(conn, attempt.id, "{}", Disposition.DECLINED)
        assert not await conversations.take_up(conn, attempt.id, 2, 9)
        assert not await conversations.take_up(conn, attempt.outreach_id, 0, 9)


async def test_who_has_left_has_not_once_the_talk_goes_on(watching: Scene, attempt: Attempt) -> None:
    async def has_left() -> bool:
        conversation = await conversations.lock(conn, attempt.id)
        return conversation is not None and conversation.person_left

    async with watching.database.connection() as conn:
        assert [await conversations.person_left(conn, attempt.id, line) for line in (1, 0, 0)] == [False, True, False]
        assert await has_left()
        await conversations.store_turn(conn, attempt.id, '{"version": 1}', None)
        assert not await has_left()
        await conversations.person_left(conn, attempt.id, 0)
        await conversations.take_up(conn, attempt.id, 0, 5)
        assert not await has_left()


async def test_a_line_is_taken_up_once_and_its_late_fault_is_none_of_the_next(
    watching: Scene, attempt: Attempt
) -> None:
    async with watching.database.connection() as conn:
        for line in (0, 1, 0):
            assert await conversations.take_up(conn, attempt.id, line, 5)
        await conversations.broke_off(conn, attempt.id, 1, "failed")
        conversation = await conversations.lock(conn, attempt.id)
    assert conversation is not None
    assert (conversation.took_up, conversation.fault) == (2, None)


async def test_lines_are_numbered_in_the_order_in_which_they_were_said(watching: Scene, attempt: Attempt) -> None:
    async with watching.database.connection() as conn:
        await conversations.write_down(
            conn, attempt.id, MONDAY, [("candidate", "Ja.", None, None), ("klara", "Gut.", "good_time@1", "not_known")]
        )
        await conversations.write_down(conn, attempt.id, MONDAY, [])
        await conversations.write_down(conn, attempt.id, MONDAY, [("candidate", "نعم", None, None)])
    rows = await watching.rows("SELECT seq, speaker, said, wording, played FROM transcript_lines ORDER BY seq")
    assert [tuple(row.values()) for row in rows] == [
        (1, "candidate", "Ja.", None, None),
        (2, "klara", "Gut.", "good_time@1", "not_known"),
        (3, "candidate", "نعم", None, None),
    ]


async def test_an_answer_that_is_given_again_replaces_the_first(watching: Scene, attempt: Attempt) -> None:
    async with watching.database.connection() as conn:
        for heard, meaning in (("sieben", "7"), ("nein, acht", "8")):
            await conversations.keep_answer(
                conn, attempt.outreach_id, attempt.id, 0, YEARS, heard=heard, meaning=meaning, at=MONDAY
            )
        [answer] = await conversations.answers(conn, attempt.outreach_id)
        assert await conversations.answers_of_call(conn, attempt.id) == 1
        assert await conversations.answers(conn, attempt.id) == []
    assert (answer.heard, answer.meaning, answer.question, answer.kind) == (
        "nein, acht",
        "8",
        "Wie viele Jahre?",
        QuestionKind.NUMBER,
    )


async def test_a_talk_lasts_from_its_beginning_over_all_its_lines(watching: Scene, attempt: Attempt) -> None:
    await watching.execute("UPDATE conversations SET begun_at = begun_at - interval '100 s'")
    async with watching.database.connection() as conn:
        await conversations.take_up(conn, attempt.id, 0, 5)
        assert 100 <= await conversations.lasts_s(conn, attempt.id) < 130
        assert await conversations.lasts_s(conn, attempt.outreach_id) == 0
