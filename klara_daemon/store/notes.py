"""Collects what the note about an ended outreach tells."""

from __future__ import annotations

from klara_daemon.domain.dialogue.turns import Question
from klara_daemon.domain.dispositions import Disposition
from klara_daemon.domain.outcome_notes import AnsweredQuestion, AttemptLine, NoteFacts
from klara_daemon.store import conversations, settings, stays
from klara_daemon.store.conversations import Answer
from klara_daemon.store.database import Connection
from klara_daemon.store.writebacks import Writeback

SPARE_LANGUAGE = "de"
SPARE_ZONE = "UTC"


async def facts(conn: Connection, writeback: Writeback) -> NoteFacts:
    """The note's facts, also when the company's settings have gone since."""
    company = await settings.company(conn, writeback.company_id)
    given = await conversations.answers(conn, writeback.outreach_id)
    return NoteFacts(
        ref=writeback.id,
        language=company.language if company else SPARE_LANGUAGE,
        time_zone=company.time_zone if company else SPARE_ZONE,
        outcome=writeback.outcome,
        job=await stays.offer_title(conn, writeback.company_id, writeback.offer_id) or "",
        questions=_questions(await _asked(conn, writeback), given),
        attempts=tuple(await _attempts(conn, writeback)),
    )


async def _asked(conn: Connection, writeback: Writeback) -> tuple[Question, ...]:
    watched = await settings.watched_stage(conn, writeback.company_id, writeback.offer_id, writeback.stage_id)
    if watched is None or watched.question_set is None:
        return ()
    chosen = await settings.question_set(conn, writeback.company_id, watched.question_set)
    return chosen.questions if chosen else ()


def _questions(asked: tuple[Question, ...], given: list[Answer]) -> tuple[AnsweredQuestion, ...]:
    """In the wording that was asked; what stayed open is named once anything was answered."""
    if not given:
        return ()
    answered = {answer.key for answer in given}
    return (
        *(AnsweredQuestion(answer.question, answer.heard, answer.meaning, answer.kind) for answer in given),
        *(AnsweredQuestion(question.text, kind=question.kind) for question in asked if question.key not in answered),
    )


async def _attempts(conn: Connection, writeback: Writeback) -> list[AttemptLine]:
    rows = await conn.fetch(
        "SELECT coalesce(placed_at, claimed_at) AS placed_at, disposition, e164,"
        "       extract(epoch FROM ended_at - answered_at)::int AS talk_s"
        "  FROM attempts WHERE outreach_id = $1 AND state = 'ended' ORDER BY number",
        writeback.outreach_id,
    )
    return [AttemptLine(row["placed_at"], Disposition(row["disposition"]), row["talk_s"], row["e164"]) for row in rows]
