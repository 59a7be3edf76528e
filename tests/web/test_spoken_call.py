"""The spoken call over its socket: each turn is kept, a broken line loses nothing, only the one call is spoken with."""

from __future__ import annotations

import pytest

from klara_daemon.actors.patience import PATIENCE
from klara_daemon.domain.dispositions import AttemptState, Disposition, Outcome, OutreachState
from klara_daemon.messages import CallProgressed
from klara_daemon.store.calls import Attempt
from klara_daemon.telephony.floor import Timing
from klara_daemon.web import twilio_webhooks
from tests.actors.scene import QUESTIONS, Scene
from tests.eventually import eventually
from tests.web.front import TIMING, Front, words
from tests.web.front import front as another_front

FIRST, SECOND = (question["text"] for question in QUESTIONS)
HERE, GOOD_TIME = "Ja, am Apparat.", "Ja, das passt gut."


@pytest.fixture
async def attempt(watching: Scene) -> Attempt:
    """A call that is placed."""
    return await watching.dial(await watching.open_outreach())


async def _answers(scene: Scene) -> list[tuple[str, str, str | None]]:
    rows = await scene.rows("SELECT question_key, heard, meaning FROM answers ORDER BY position")
    return [(row["question_key"], row["heard"], row["meaning"]) for row in rows]


async def _over(scene: Scene, attempt: Attempt) -> Disposition | None:
    await scene.news(attempt, "completed")
    await scene.deliver()
    return (await scene.how_it_ended(attempt))[1]


async def _hang_up_is_known(scene: Scene) -> None:
    await eventually(lambda: scene.value("SELECT person_left FROM conversations ORDER BY begun_at DESC LIMIT 1"))


async def _over_in_the_end(scene: Scene, attempt: Attempt) -> Disposition | None:
    """The phone company tells only that the call is over, and nobody ever says who ended it."""
    await _over(scene, attempt)
    await scene.let_pass(PATIENCE.news_s + 1)
    await scene.reconciler.sweep()
    await scene.deliver()
    return (await scene.how_it_ended(attempt))[1]


async def test_an_interview_is_held_and_every_word_is_kept(watching: Scene, front: Front, attempt: Attempt) -> None:
    told = await front.answer(attempt)
    async with front.relay(attempt, told) as line:
        said = await line.talk(HERE, GOOD_TIME, "Sieben Jahre.", "Ab dem ersten Oktober.")
        assert await line.heard() == "", "she gives the call back"
    assert "Pflegefachkraft" in said[0]
    assert FIRST in said[1]
    assert SECOND in said[2]

    assert await _answers(watching) == [
        ("experience", "Sieben Jahre.", "7"),
        ("start", "Ab dem ersten Oktober.", None),
    ]
    lines = await watching.rows("SELECT * FROM transcript_lines ORDER BY seq")
    assert words(lines, "candidate") == [HERE, GOOD_TIME, "Sieben Jahre.", "Ab dem ersten Oktober."]
    assert words(lines, "klara") == [told.relay["welcomeGreeting"], *said]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert all(line["wording"] for line in lines if line["speaker"] == "klara")
    assert (await watching.told(attempt.candidate_id))[-2:] == ["question_answered", "question_answered"]
    assert await _over(watching, attempt) is Disposition.INTERVIEWED
    assert (await watching.outreach(attempt.outreach_id)).outcome is Outcome.COMPLETED


async def test_a_line_that_tears_is_taken_up_at_the_same_question(
    watching: Scene, front: Front, attempt: Attempt
) -> None:
    told = await front.answer(attempt)
    async with front.relay(attempt, told) as line:
        await line.talk(HERE, GOOD_TIME, "Sieben Jahre.")
        line.tear()
    again = await front.relay_ended(attempt, told, ErrorCode="64105")
    assert again.verbs == ["Connect"]
    assert "resumed=1" in again.action
    assert "welcomeGreeting" not in again.relay
    async with front.relay(attempt, again) as line:
        resumed = [await line.heard(), await line.heard()]
        assert SECOND in resumed[1]
        assert FIRST not in " ".join(resumed)
        await line.talk("Sofort.")
        assert await line.heard() == ""

    assert [answer[:2] for answer in await _answers(watching)] == [
        ("experience", "Sieben Jahre."),
        ("start", "Sofort."),
    ]
    assert await _over(watching, attempt) is Disposition.INTERVIEWED


async def test_only_the_line_that_was_taken_up_last_speaks_for_the_call(
    watching: Scene, front: Front, attempt: Attempt
) -> None:
    """The old socket is half open, and the person thinks: that is no silence of theirs."""
    async with (
        another_front(watching, timing=TIMING.with_fast_voice(silence_s=1)) as before,
        before.relay(attempt, told := await before.answer(attempt)) as old,
    ):
        await old.talk(HERE, GOOD_TIME)
        async with front.relay(attempt, await front.relay_ended(attempt, told)) as line:
            assert FIRST in [await line.heard(), await line.heard()][1]
            assert await old.heard() == "", "nothing more is said there, and it is given back"
            assert SECOND in (await line.talk("Sieben Jahre."))[0]
    assert [answer[0] for answer in await _answers(watching)] == ["experience"]


async def test_what_becomes_of_an_old_line_is_no_fault_of_the_one_that_was_taken_up(
    watching: Scene, front: Front, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twilio_webhooks, "LAST_NEWS_S", 0.05)
    async with another_front(watching) as before, before.relay(attempt, told := await before.answer(attempt)) as old:
        await old.talk(HERE)
        async with front.relay(attempt, await front.relay_ended(attempt, told)) as line:
            assert all([await line.heard(), await line.heard()])
            before.closing.set()
            assert await old.heard() == ""
            await before.twilio.silent.wait()
            assert await watching.value("SELECT fault FROM conversations") is None
            assert FIRST in (await line.talk(GOOD_TIME))[0]


async def test_a_line_that_was_left_behind_is_not_begun(watching: Scene, front: Front, attempt: Attempt) -> None:
    told = await front.answer(attempt)
    await front.relay_ended(attempt, told)
    async with front.relay(attempt, told) as line:
        assert await line.heard() == ""
    assert await watching.rows("SELECT FROM transcript_lines") == []


async def test_an_end_that_is_told_twice_is_taken_up_once(watching: Scene, front: Front, attempt: Attempt) -> None:
    """The phone company repeats what was answered too late; the first request may even be served last."""
    told = await front.answer(attempt)
    again = await front.relay_ended(attempt, told)
    assert (await front.relay_ended(attempt, told)).text == again.text
    async with front.relay(attempt, again) as line:
        assert await line.heard()
        await line.talk(HERE)
        await front.relay_ended(attempt, told)
        assert await watching.value("SELECT took_up FROM conversations") == 1
        assert FIRST in (await line.talk(GOOD_TIME))[0]


async def test_a_line_on_which_the_conversation_has_ended_is_given_back(
    watching: Scene, front: Front, attempt: Attempt
) -> None:
    async with front.relay(attempt, await front.answer(attempt)) as line:
        await line.talk(HERE)
        await watching.execute("UPDATE conversations SET disposition = 'declined'")
        assert await line.talk(GOOD_TIME) == [""]


async def test_a_dead_line_is_found_out_before_its_silence_is_the_persons(
    watching: Scene, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Timing().silence_s * 2 > twilio_webhooks.HEARTBEAT_S * 1.5
    monkeypatch.setattr(twilio_webhooks, "HEARTBEAT_S", 0.2)
    monkeypatch.setattr(twilio_webhooks, "LAST_NEWS_S", 0.05)
    async with (
        another_front(watching, timing=TIMING.with_fast_voice(silence_s=2)) as quick,
        quick.relay(attempt, await quick.answer(attempt)) as line,
    ):
        await line.talk(HERE)  # and from here on nothing is read any more, so no ping is answered
        await quick.twilio.silent.wait()
    assert await watching.value("SELECT disposition FROM conversations") is None


async def test_a_line_may_tear_before_anything_was_said(watching: Scene, front: Front, attempt: Attempt) -> None:
    told = await front.answer(attempt)
    async with front.relay(attempt, told) as line:
        line.tear()
    again = await front.relay_ended(attempt, told)
    async with front.relay(attempt, again) as line:
        assert "Erika Mustermann" in await line.heard(), "who is there is asked before anything is told"
        await line.talk(HERE)


async def test_after_a_restart_another_process_goes_on(watching: Scene, front: Front, attempt: Attempt) -> None:
    told = await front.answer(attempt)
    async with front.relay(attempt, told) as line:
        await line.talk(HERE, GOOD_TIME)
        front.closing.set()
        assert await line.heard() == ""
        assert line.socket.close_code == 1001
    await eventually(lambda: watching.value("SELECT fault FROM conversations"))
    async with another_front(watching) as other:
        again = await other.relay_ended(attempt, told)
        async with other.relay(attempt, again) as line:
            assert FIRST in [await line.heard(), await line.heard()][1]
            await line.talk("Sieben")
    assert await watching.value("SELECT fault FROM conversations") is None
    assert [answer[0] for answer in await _answers(watching)] == ["experience"]


async def test_a_line_is_not_taken_up_for_ever(watching: Scene, front: Front, attempt: Attempt) -> None:
    """What the phone company could not hold is nobody's hanging up."""
    told = await front.answer(attempt)
    for _ in range(5):
        told = await front.relay_ended(attempt, told, ErrorCode="64102")
        assert told.verbs == ["Connect"]
    last = await front.relay_ended(attempt, told, ErrorCode="64102")
    assert last.verbs == ["Hangup"]
    assert await _over(watching, attempt) is Disposition.TECHNICAL_FAILURE


@pytest.mark.parametrize(
    ("status", "call_status"), [("completed", "completed"), ("failed", "completed"), ("ended", "in-progress")]
)
async def test_a_call_that_is_over_is_not_taken_up(
    watching: Scene, front: Front, attempt: Attempt, status: str, call_status: str
) -> None:
    told = await front.answer(attempt)
    ended = await front.relay_ended(attempt, told, status, CallStatus=call_status)
    assert ended.verbs == ["Hangup"]
    assert await watching.value("SELECT took_up FROM conversations") == 0


async def test_a_conversation_that_has_ended_is_not_taken_up(watching: Scene, front: Front, attempt: Attempt) -> None:
    told = await front.answer(attempt)
    async with front.relay(attempt, told) as line:
        await line.talk(HERE, "Nein danke, ich habe kein Interesse mehr.")
    assert (await front.relay_ended(attempt, told)).verbs == ["Hangup"]
    assert await _over(watching, attempt) is Disposition.DECLINED


async def test_a_call_that_is_not_the_one_of_its_attempt_is_not_spoken_with(
    watching: Scene, front: Front, attempt: Attempt
) -> None:
    told = await front.answer(attempt)
    await watching.execute("UPDATE attempts SET provider_ref = 'CAother'")
    async with front.relay(attempt, told) as line:
        assert await line.heard() == ""
    assert await watching.rows("SELECT FROM transcript_lines") == []


async def test_a_socket_for_a_call_that_nobody_took_is_refused(watching: Scene, front: Front, attempt: Attempt) -> None:
    told = await front.answer(attempt)
    await watching.news(attempt, "no-answer")
    async with front.relay(attempt, told) as line:
        assert await line.heard() == ""


async def test_what_is_no_frame_is_passed_over(watching: Scene, front: Front, attempt: Attempt) -> None:
    told = await front.answer(attempt)
    async with front.relay(attempt, told) as line:
        for nonsense in ("", "{", "[]", '{"type": "dance"}', '{"type": "prompt"}', "x" * 1000):
            await line.socket.send_str(nonsense)
        await line.socket.send_bytes(b"\x00\xff")
        assert FIRST in (await line.talk(HERE, GOOD_TIME))[1]


@pytest.mark.parametrize("said", ["Sieben\x00", "\ud800 sieben", "sieben " * 2000, "\u202esieben\u202c", "\n7\t"])
async def test_whatever_signs_are_heard_are_kept_as_far_as_they_are_signs(
    watching: Scene, front: Front, attempt: Attempt, said: str
) -> None:
    told = await front.answer(attempt)
    async with front.relay(attempt, told) as line:
        await line.talk(HERE, GOOD_TIME, said)
        if not await _answers(watching):
            await line.talk(said)
    [(key, heard, _)] = await _answers(watching)
    assert key == "experience"
    assert "\x00" not in heard


async def test_never_again_holds_from_that_moment(watching: Scene, front: Front, attempt: Attempt) -> None:
    told = await front.answer(attempt)
    async with front.relay(attempt, told) as line:
        await line.talk(HERE, "Rufen Sie mich nie wieder an!")
        assert await line.heard() == ""
        [row] = await watching.rows("SELECT * FROM opt_outs")
        assert (row["candidate_id"], row["e164"]) == (attempt.candidate_id, attempt.e164)
    assert await _over(watching, attempt) is Disposition.OPTED_OUT
    assert (await watching.outreach(attempt.outreach_id)).outcome is Outcome.REFUSED


async def test_who_hangs_up_in_the_middle_is_asked_the_open_question_next_time(
    watching: Scene, front: Front, attempt: Attempt
) -> None:
    told = await front.answer(attempt)
    async with front.relay(attempt, told) as line:
        await line.talk(HERE, GOOD_TIME, "Sieben Jahre.")
    await _hang_up_is_known(watching)
    assert await _over(watching, attempt) is Disposition.PARTLY_INTERVIEWED

    second = await watching.dial(await watching.outreach(attempt.outreach_id))
    async with front.relay(second, await front.answer(second)) as line:
        said = await line.talk(HERE, GOOD_TIME, "Sofort.")
        assert await line.heard() == ""
    assert SECOND in said[1]
    assert len(await _answers(watching)) == 2
    assert await _over(watching, second) is Disposition.INTERVIEWED


async def test_two_talks_that_our_process_did_not_outlive_are_no_refusal(
    watching: Scene, front: Front, attempt: Attempt
) -> None:
    """It is killed after "Ja", and back after the phone company asked what follows: the call has ended by then."""
    for _ in range(2):
        async with front.relay(attempt, await front.answer(attempt)) as line:
            await line.talk(HERE, GOOD_TIME)
            line.tear()
        assert await _over_in_the_end(watching, attempt) is Disposition.TECHNICAL_FAILURE
        attempt = await watching.dial(await watching.outreach(attempt.outreach_id))
    assert (await watching.outreach(attempt.outreach_id)).state is OutreachState.CALLING


async def test_a_database_that_is_away_in_the_middle_of_a_talk_is_no_hang_up(
    watching: Scene, front: Front, attempt: Attempt
) -> None:
    told = await front.answer(attempt)
    async with front.relay(attempt, told) as line:
        await line.talk(HERE, GOOD_TIME, "Sieben Jahre.")
        await watching.execute("ALTER TABLE conversations RENAME TO mislaid")
        try:
            assert await line.talk("Sofort.") == [""]
            assert (await front.relay_ended(attempt, told)).status == 500
        finally:
            await watching.execute("ALTER TABLE mislaid RENAME TO conversations")
    assert await _over_in_the_end(watching, attempt) is Disposition.TECHNICAL_FAILURE

    second = await watching.dial(await watching.outreach(attempt.outreach_id))
    async with front.relay(second, await front.answer(second)) as line:
        assert SECOND in (await line.talk(HERE, GOOD_TIME))[1], "what was answered stays answered"


@pytest.mark.parametrize("news_first", [True, False])
async def test_who_hangs_up_before_the_first_answer_is_known_to_have_done_so(
    watching: Scene, front: Front, attempt: Attempt, news_first: bool
) -> None:
    """That the call is over and that the person has left are told in any order, and no socket has to tell it."""
    told = await front.answer(attempt)
    async with front.relay(attempt, told) as line:
        await line.talk(HERE, GOOD_TIME)
        line.tear()
    if news_first:
        assert await _over(watching, attempt) is None
    assert (await front.relay_ended(attempt, told, "completed", CallStatus="completed")).verbs == ["Hangup"]
    if news_first:
        assert await watching.waiting_messages() == [CallProgressed.name]
        await watching.deliver()
        assert (await watching.how_it_ended(attempt))[1] is Disposition.HUNG_UP
    else:
        assert await _over(watching, attempt) is Disposition.HUNG_UP


async def test_who_hangs_up_on_a_line_that_was_left_behind_has_not_left(
    watching: Scene, front: Front, attempt: Attempt
) -> None:
    told = await front.answer(attempt)
    again = await front.relay_ended(attempt, told)
    await front.relay_ended(attempt, told, "completed", CallStatus="completed")
    assert await watching.value("SELECT person_left FROM conversations") is False
    async with front.relay(attempt, again) as line:
        await line.heard()
    await _hang_up_is_known(watching)


async def test_a_line_that_failed_before_the_call_was_over_is_nobodys_hanging_up(
    watching: Scene, front: Front, attempt: Attempt
) -> None:
    told = await front.answer(attempt)
    async with front.relay(attempt, told) as line:
        await line.talk(HERE)
    await _hang_up_is_known(watching)
    assert (await front.relay_ended(attempt, told, "failed", CallStatus="completed")).verbs == ["Hangup"]
    assert await _over(watching, attempt) is Disposition.TECHNICAL_FAILURE


async def test_two_silences_end_it_politely(watching: Scene, attempt: Attempt) -> None:
    async with (
        another_front(watching, timing=TIMING.with_fast_voice(silence_s=0.05)) as quick,
        quick.relay(attempt, await quick.answer(attempt)) as line,
    ):
        heard = []
        while text := await line.heard():
            heard.append(text)
    assert 2 <= len(heard) <= 4
    assert await _over(watching, attempt) is Disposition.NO_ANSWER


async def test_a_turn_that_fails_is_our_fault_and_the_line_is_taken_up_again(
    watching: Scene, front: Front, attempt: Attempt
) -> None:
    told = await front.answer(attempt)
    async with front.relay(attempt, told) as line:
        await line.talk(HERE)
        await watching.execute("ALTER TABLE transcript_lines RENAME TO mislaid")
        try:
            assert await line.talk(GOOD_TIME) == [""]
        finally:
            await watching.execute("ALTER TABLE mislaid RENAME TO transcript_lines")
    await eventually(lambda: watching.value("SELECT fault FROM conversations"))
    again = await front.relay_ended(attempt, told)
    async with front.relay(attempt, again) as line:
        assert await line.heard()
        assert await line.heard()
        assert FIRST in (await line.talk(GOOD_TIME))[0]


async def test_the_process_knows_when_nobody_speaks_here(
    watching: Scene, front: Front, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twilio_webhooks, "LAST_NEWS_S", 0.05)
    assert front.twilio.silent.is_set()
    told = await front.answer(attempt)
    async with front.relay(attempt, told) as line:
        await line.talk(HERE)
        assert not front.twilio.silent.is_set()
    await eventually(front.twilio.silent.is_set)
    assert (await watching.attempt(attempt.id)).state is AttemptState.TALKING
