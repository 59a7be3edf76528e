"""What the companies have set: read for the actors in the form in which they decide, written as one document."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg

from klara_daemon.domain.call_settings import Weekday
from klara_daemon.domain.calling_hours import CallingRules, Window
from klara_daemon.domain.dialogue.turns import Question, QuestionKind
from klara_daemon.domain.settings import Mode, MoveWhen, SettingsDocument, Target, parse
from klara_daemon.errors import KlaraError
from klara_daemon.store.database import Connection
from klara_daemon.store.settings_rows import READ_SQL, TABLES, Difference, Row, differences, document_of, rows_of


@dataclass(frozen=True, slots=True)
class CompanySettings:
    """Who calls for a company, and when its calls may start. `language` is ISO 639, `caller_number` E.164.

    `calls_at_once` is the company's own limit; None: as many as the trunk takes.
    """

    company_id: int
    name: str
    time_zone: str
    country: str
    language: str
    caller_number: str
    calls_at_once: int | None
    rules: CallingRules


@dataclass(frozen=True, slots=True)
class WatchedStage:
    """A stage whose entry starts calling. `target_stage_id` is given for `Target.STAGE` alone."""

    company_id: int
    offer_id: int
    stage_id: int
    mode: Mode
    target: Target
    target_stage_id: int | None
    move_when: MoveWhen
    question_set: str | None
    host: str | None
    call_those_already_there: bool


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """The Application Questions of an interview in the order in which they are asked."""

    language: str
    questions: tuple[Question, ...]


class SettingsRefused(KlaraError):
    """The database refused a document that the daemon itself found no fault in."""


_COMPANY = """
SELECT company_id, name, time_zone, country, subdivision, language, caller_number, max_attempts, attempts_per_day,
    weekdays, pause_minutes, first_call_delay_minutes, max_per_30_days, observe_public_holidays, closed_days,
    calls_at_once, opens, closes
FROM companies
JOIN call_settings USING (company_id)
JOIN (
    -- Minutes, since Python knows no 24:00.
    SELECT company_id,
        array_agg((extract(epoch FROM opens) / 60)::int ORDER BY opens) AS opens,
        array_agg((extract(epoch FROM closes) / 60)::int ORDER BY opens) AS closes
    FROM calling_windows WHERE company_id = $1 GROUP BY company_id
) windows USING (company_id)
"""


async def company(conn: Connection, company_id: int) -> CompanySettings | None:
    """A company's settings; None while its row, its call settings or every window is missing: it calls nobody."""
    row = await conn.fetchrow(_COMPANY, company_id)
    return _company(row) if row else None


def _company(row: asyncpg.Record) -> CompanySettings:
    rules = CallingRules(
        time_zone=row["time_zone"],
        country=row["country"],
        subdivision=row["subdivision"],
        weekdays=frozenset(day.iso for day in Weekday if day in row["weekdays"]),
        windows=tuple(Window(*window) for window in zip(row["opens"], row["closes"], strict=True)),
        max_attempts=row["max_attempts"],
        attempts_per_day=row["attempts_per_day"],
        pause=timedelta(minutes=row["pause_minutes"]),
        first_call_delay=timedelta(minutes=row["first_call_delay_minutes"]),
        max_per_30_days=row["max_per_30_days"],
        observe_public_holidays=row["observe_public_holidays"],
        closed_days=frozenset(row["closed_days"]),
    )
    return CompanySettings(
        company_id=row["company_id"],
        name=row["name"],
        time_zone=row["time_zone"],
        country=row["country"],
        language=row["language"],
        caller_number=row["caller_number"],
        calls_at_once=row["calls_at_once"],
        rules=rules,
    )


async def country(conn: Connection, company_id: int) -> str | None:
    """The country of a company (ISO 3166), whose national numbers are its own; None for one without settings."""
    found: str | None = await conn.fetchval("SELECT country FROM companies WHERE company_id = $1", company_id)
    return found


async def plan_basis(conn: Connection, company: CompanySettings | None, company_id: int) -> str:
    """What the plans of a company rest on, as a text that is another when they have to be made anew: never empty.

    The calling rules, and which stages have something to ask.
    """
    stages: str = await conn.fetchval(
        "SELECT md5(coalesce(string_agg(concat_ws(' ', offer_id, stage_id, mode, has_questions), ','"
        "                               ORDER BY offer_id, stage_id), ''))"
        "  FROM (SELECT offer_id, stage_id, mode, EXISTS (SELECT FROM questions q"
        "          WHERE (q.company_id, q.question_set) = (w.company_id, w.question_set)) AS has_questions"
        "          FROM watched_stages w WHERE company_id = $1) stages",
        company_id,
    )
    return f"{company.rules.fingerprint if company else 'no settings'} {stages}"


async def companies(conn: Connection) -> list[int]:
    """The ids of all companies that have a row, with or without the rest of their settings."""
    return [row["company_id"] for row in await conn.fetch("SELECT company_id FROM companies ORDER BY company_id")]


_WATCHED = """
SELECT company_id, offer_id, stage_id, mode, target, target_stage_id, move_when, question_set, host,
    call_those_already_there
FROM watched_stages
WHERE ($1::bigint IS NULL OR company_id = $1)
    AND ($2::bigint IS NULL OR (offer_id, stage_id) = ($2, $3::bigint))
ORDER BY company_id, offer_id, stage_id
"""


async def watched_stages(conn: Connection, company_id: int | None = None) -> list[WatchedStage]:
    """The watched stages of one company, or of all."""
    rows = await conn.fetch(_WATCHED, company_id, None, None)
    return [_watched_stage(row) for row in rows]


async def watched_stage(conn: Connection, company_id: int, offer_id: int, stage_id: int) -> WatchedStage | None:
    """One watched stage; None when it is not watched."""
    row = await conn.fetchrow(_WATCHED, company_id, offer_id, stage_id)
    return _watched_stage(row) if row else None


def _watched_stage(row: asyncpg.Record) -> WatchedStage:
    return WatchedStage(
        company_id=row["company_id"],
        offer_id=row["offer_id"],
        stage_id=row["stage_id"],
        mode=Mode(row["mode"]),
        target=Target(row["target"]),
        target_stage_id=row["target_stage_id"],
        move_when=MoveWhen(row["move_when"]),
        question_set=row["question_set"],
        host=row["host"],
        call_those_already_there=row["call_those_already_there"],
    )


_QUESTION_SET = """
SELECT question_sets.language, key, text, kind, required
FROM question_sets JOIN questions USING (company_id, question_set)
WHERE company_id = $1 AND question_set = $2
ORDER BY position
"""


async def question_set(conn: Connection, company_id: int, key: str) -> QuestionSet | None:
    """A set of questions; None when there is none of this name, or no question in it."""
    rows = await conn.fetch(_QUESTION_SET, company_id, key)
    if not rows:
        return None
    questions = (Question(row["key"], row["text"], QuestionKind(row["kind"]), row["required"]) for row in rows)
    return QuestionSet(rows[0]["language"], tuple(questions))


async def stored(conn: Connection, company_id: int) -> dict[str, Any] | None:
    """What the tables hold for a company, as a document that nobody has checked; None when they hold nothing."""
    rows = await _rows(conn, company_id)
    return document_of(rows) if any(rows.values()) else None


async def document(conn: Connection, company_id: int) -> SettingsDocument | None:
    """A company's settings as a document. Raises `BadSettings` when another program wrote what no document may hold."""
    found = await stored(conn, company_id)
    return None if found is None else parse(json.dumps(found))


async def apply(conn: Connection, document: SettingsDocument, who: str) -> tuple[Difference, ...]:
    """Make the document the whole of the company's settings, in one transaction, and tell what that changed.

    Rows that are as the document says stay untouched: nothing is noted or notified for them. Raises `SettingsRefused`.
    """
    company_id = document.company.recruitee_company_id
    try:
        async with conn.transaction():
            # One document at a time for each company; `who` is what the history will say.
            await conn.execute(
                "SELECT set_config('klara.who', $1, true),"
                " pg_advisory_xact_lock(hashtextextended('settings ' || $2::bigint, 0))",
                who,
                company_id,
            )
            found = differences(rows_of(document), await _rows(conn, company_id))
            for difference in found:
                await _write(conn, difference)
    except asyncpg.IntegrityConstraintViolationError as error:
        raise SettingsRefused(
            f"The database refused the settings of company {company_id}: {error.args[0]}.",
            means="Nothing was changed.",
            remedy="Mend what is named and apply the document again.",
        ) from error
    return found


async def _rows(conn: Connection, company_id: int) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {table.name: [] for table in TABLES}
    for name, row in await conn.fetch(READ_SQL, company_id):
        rows[name].append(json.loads(row))
    return rows


async def _write(conn: Connection, difference: Difference) -> None:
    if difference.removed:
        await conn.execute(difference.table.remove_sql, json.dumps(difference.removed))
    if saved := difference.added + difference.changed:
        await conn.execute(difference.table.save_sql, json.dumps(saved))
