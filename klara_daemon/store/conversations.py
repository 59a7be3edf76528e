"""What was said in a call: the dialogue's state after each turn, the transcript, the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from klara_daemon.domain.dialogue.turns import Question, QuestionKind
from klara_daemon.domain.dispositions import Disposition
from klara_daemon.store.database import Connection


@dataclass(frozen=True, slots=True)
class Conversation:
    """One row of `conversations`: script and state as the dialogue wrote them down."""

    attempt_id: UUID
    outreach_id: UUID
    script: str
    state: str
    took_up: int
    disposition: Disposition | None
    fault: str | None
    person_left: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to a question, in the wording in which it was asked."""

    key: str
    question: str
    heard: str
    meaning: str | None
    kind: QuestionKind


async def begin(conn: Connection, attempt_id: UUID, outreach_id: UUID, script: str, state: str) -> None:
    """Begin the conversation of an attempt; one that has begun goes on as it is."""
    await conn.execute(
        "INSERT INTO conversations (attempt_id, outreach_id, script, state) VALUES ($1, $2, $3::jsonb, $4::jsonb)"
        " ON CONFLICT DO NOTHING",
        attempt_id,
        outreach_id,
        script,
        state,
    )


async def lock(conn: Connection, attempt_id: UUID) -> Conversation | None:
    """The conversation of an attempt, locked for one turn."""
    row = await conn.fetchrow(
        "SELECT attempt_id, outreach_id, script::text, state::text, took_up, disposition, fault, person_left"
        " FROM conversations WHERE attempt_id = $1 FOR UPDATE",
        attempt_id,
    )
    if row is None:
        return None
    disposition = Disposition(row["disposition"]) if row["disposition"] else None
    return Conversation(**{**dict(row), "disposition": disposition})


async def store_turn(conn: Connection, attempt_id: UUID, state: str, disposition: Disposition | None) -> None:
    """Store where the dialogue stands after a turn."""
    await conn.execute(
        "UPDATE conversations SET state = $2::jsonb, disposition = $3, fault = NULL, person_left = false,"
        " updated_at = now() WHERE attempt_id = $1",
        attempt_id,
        state,
        disposition,
    )


async def lasts_s(conn: Connection, attempt_id: UUID) -> float:
    """For how many seconds the conversation has lasted, over all its lines; 0 for one that has not begun."""
    seconds: float | None = await conn.fetchval(
        "SELECT extract(epoch FROM clock_timestamp() - begun_at)::float8 FROM conversations WHERE attempt_id = $1",
        attempt_id,
    )
    return seconds or 0.0


async def broke_off(conn: Connection, attempt_id: UUID, line: int, fault: str) -> None:
    """Our side of a line broke off: unless it is taken up again, the call's end is our fault and not the person's.

    `line` counts from 0; that of one that was taken up since is no fault any more.
    """
    await conn.execute(
        "UPDATE conversations SET fault = $3 WHERE attempt_id = $1 AND took_up = $2", attempt_id, line, fault
    )


async def person_left(conn: Connection, attempt_id: UUID, line: int) -> bool:
    """The person closed a line (from 0); False when that is known, or the line was left behind before."""
    row = await conn.fetchval(
        "UPDATE conversations SET person_left = true WHERE attempt_id = $1 AND took_up = $2 AND NOT person_left"
        " RETURNING attempt_id",
        attempt_id,
        line,
    )
    return row is not None


async def take_up(conn: Connection, attempt_id: UUID, line: int, limit: int) -> bool:
    """Take up a broken line (from 0) again, once; False for the `limit`-th, or when the conversation has ended."""
    row = await conn.fetchval(
        "UPDATE conversations SET took_up = greatest(took_up, $2::integer + 1), person_left = false,"
        " updated_at = now()"
        " WHERE attempt_id = $1 AND $2 < $3::integer AND disposition IS NULL RETURNING took_up",
        attempt_id,
        line,
        limit,
    )
    return row is not None


async def write_down(
    conn: Connection, attempt_id: UUID, at: datetime, lines: Sequence[tuple[str, str, str | None, str | None]]
) -> None:
    """Add lines to the transcript: who spoke, what, in which wording, and whether it was played to the end."""
    await conn.executemany(
        "INSERT INTO transcript_lines (attempt_id, seq, at, speaker, said, wording, played)"
        " SELECT $1, 1 + coalesce(max(seq), 0), $2, $3, $4, $5, $6 FROM transcript_lines WHERE attempt_id = $1",
        [(attempt_id, at, *line) for line in lines],
    )


async def keep_answer(
    conn: Connection,
    outreach_id: UUID,
    attempt_id: UUID,
    position: int,
    question: Question,
    *,
    heard: str,
    meaning: str | None,
    at: datetime,
) -> None:
    """Keep an answer; given again, the later one stands."""
    await conn.execute(
        "INSERT INTO answers (outreach_id, question_key, position, question_text, kind, heard, meaning, attempt_id,"
        " given_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (outreach_id, question_key) DO UPDATE"
        " SET kind = excluded.kind, heard = excluded.heard, meaning = excluded.meaning,"
        " attempt_id = excluded.attempt_id,"
        " given_at = excluded.given_at, question_text = excluded.question_text, position = excluded.position",
        outreach_id,
        question.key,
        position,
        question.text,
        question.kind,
        heard,
        meaning,
        attempt_id,
        at,
    )


async def answers(conn: Connection, outreach_id: UUID) -> list[Answer]:
    """What was answered in an outreach so far, in the order of the questions."""
    rows = await conn.fetch(
        "SELECT question_key, question_text, heard, meaning, kind FROM answers WHERE outreach_id = $1"
        " ORDER BY position",
        outreach_id,
    )
    return [
        Answer(row["question_key"], row["question_text"], row["heard"], row["meaning"], QuestionKind(row["kind"]))
        for row in rows
    ]


async def answers_of_call(conn: Connection, attempt_id: UUID) -> int:
    """How many questions were answered in one call."""
    number: int = await conn.fetchval("SELECT count(*) FROM answers WHERE attempt_id = $1", attempt_id)
    return number
