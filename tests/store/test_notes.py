"""What the note about an ended outreach is told."""

from __future__ import annotations

from klara_daemon.domain.dialogue.turns import Question, QuestionKind
from klara_daemon.domain.dispositions import Disposition
from klara_daemon.domain.outcome_notes import NoteFacts
from klara_daemon.store import conversations, notes, writebacks
from tests.actors.scene import NUMBER, QUESTIONS, Scene

D = Disposition


async def _facts(scene: Scene) -> NoteFacts:
    async with scene.database.transaction() as tx:
        writeback = await writebacks.claim(tx.conn, 60)
        assert writeback is not None
        return await notes.facts(tx.conn, writeback)


async def test_the_calls_are_told_in_order_with_their_length_and_number(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    await watching.call_ends(outreach, D.BUSY)
    attempt = await watching.dial(outreach)
    await watching.news(attempt, "in-progress")
    await watching.begin_conversation(attempt, phase="ended", disposition="declined", person_spoke=True)
    await watching.execute("UPDATE conversations SET disposition = 'declined'")
    watching.clock.advance(seconds=61)
    await watching.news(attempt, "completed")
    await watching.deliver()
    facts = await _facts(watching)

    assert [(one.disposition, one.talk_s, one.number) for one in facts.attempts] == [
        (D.BUSY, None, NUMBER),
        (D.DECLINED, 61, NUMBER),
    ]
    assert facts.attempts[1].placed_at == attempt.placed_at
    assert (facts.language, facts.time_zone, facts.job, facts.outcome) == (
        "de",
        "Europe/Berlin",
        "Pflegefachkraft (m/w/d)",
        "refused",
    )
    assert facts.questions == (), "nothing was answered, so nothing stays open"


async def test_answers_keep_the_wording_that_was_asked_and_open_questions_are_named(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    attempt = await watching.dial(outreach)
    asked = Question("experience", "In the words of that day?", QuestionKind.NUMBER)
    async with watching.database.transaction() as tx:
        await conversations.keep_answer(
            tx.conn, outreach.id, attempt.id, 0, asked, heard="Sieben", meaning="7", at=tx.now
        )
    await watching.begin_conversation(attempt, phase="asking", person_spoke=True, answered=["experience"])
    await watching.person_leaves(attempt)
    await watching.configure(calling={"max_attempts": 1})
    await watching.news(attempt, "completed")
    await watching.deliver()
    facts = await _facts(watching)

    assert [(one.question, one.heard, one.meaning) for one in facts.questions] == [
        ("In the words of that day?", "Sieben", "7"),
        (QUESTIONS[1]["text"], None, None),
    ]


async def test_without_settings_there_is_still_a_note(watching: Scene) -> None:
    await watching.call_ends(await watching.open_outreach(), D.DECLINED)
    await watching.execute(
        "SET session_replication_role = replica;"
        " DELETE FROM companies; DELETE FROM watched_stages; DELETE FROM questions; DELETE FROM offers"
    )
    facts = await _facts(watching)
    assert (facts.language, facts.time_zone, facts.job) == ("de", "UTC", "")
