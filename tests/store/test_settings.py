"""A company's settings in the store: read as the actors need them, written as one document."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings

from klara_daemon.domain.calling_hours import Window
from klara_daemon.domain.dialogue.turns import Question, QuestionKind
from klara_daemon.domain.settings import BadSettings, Mode, MoveWhen, Target, parse
from klara_daemon.store import settings
from klara_daemon.store.database import Connection
from klara_daemon.store.settings import QuestionSet, SettingsRefused, WatchedStage
from tests.domain.settings_documents import EXAMPLE, changed, documents

COMPANY = 89564
DOCUMENT = parse(json.dumps(EXAMPLE))
MORNING = DOCUMENT.calling.windows[0]


@pytest.fixture
async def conn(database_url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def told(conn: Connection) -> list[tuple[str, str, str]]:
    rows = await conn.fetch("SELECT who, table_name, operation FROM settings_history ORDER BY id")
    return [(row["who"], row["table_name"], row["operation"]) for row in rows]


# As the actors read


async def test_a_company_is_read_as_the_calling_rule_wants_it(conn: Connection) -> None:
    await settings.apply(conn, parse(changed(("calling.windows.1.to", "24:00"))), "anna")

    company = await settings.company(conn, COMPANY)

    assert company is not None
    assert (company.company_id, company.name, company.language) == (COMPANY, "Example GmbH", "de")
    assert (company.time_zone, company.country, company.caller_number) == ("Europe/Berlin", "DE", "+4952112345670")
    rules = company.rules
    assert (rules.time_zone, rules.country, rules.subdivision) == ("Europe/Berlin", "DE", "NW")
    assert rules.weekdays == frozenset(range(1, 7))
    assert rules.windows == (Window(540, 720), Window(840, 1440))
    assert (rules.max_attempts, rules.attempts_per_day, rules.max_per_30_days) == (4, 2, 10)
    assert (rules.pause, rules.first_call_delay) == (timedelta(minutes=180), timedelta(minutes=3))
    assert rules.observe_public_holidays
    assert rules.closed_days == frozenset({date(2026, 12, 24)})


async def test_each_company_is_read_with_its_own_windows_and_days(conn: Connection) -> None:
    neighbour = changed(
        ("company.recruitee_company_id", 7),
        ("calling.windows", [{"from": "10:00", "to": "11:00"}]),
        ("calling.weekdays", ["sat", "tue"]),
        ("calling.closed_days", []),
    )
    await settings.apply(conn, DOCUMENT, "anna")
    await settings.apply(conn, parse(neighbour), "anna")

    company = await settings.company(conn, 7)

    assert company is not None
    assert company.rules.windows == (Window(600, 660),)
    assert company.rules.weekdays == frozenset({2, 6})
    assert company.rules.closed_days == frozenset()
    assert await settings.companies(conn) == [7, COMPANY]


@pytest.mark.parametrize("lacking", ["companies", "call_settings", "calling_windows"])
async def test_a_company_that_lacks_a_part_has_no_settings(conn: Connection, lacking: str) -> None:
    await settings.apply(conn, DOCUMENT, "anna")
    async with conn.transaction():
        await conn.execute("SET LOCAL session_replication_role = replica")
        await conn.execute({
            "companies": "DELETE FROM companies",
            "call_settings": "DELETE FROM call_settings",
            "calling_windows": "DELETE FROM calling_windows",
        }[lacking])  # fmt: skip

    assert await settings.company(conn, COMPANY) is None
    with pytest.raises(BadSettings, match="is missing"):
        await settings.document(conn, COMPANY)


async def test_of_an_unknown_company_nothing_is_known(conn: Connection) -> None:
    assert await settings.company(conn, 1) is None
    assert await settings.companies(conn) == []
    assert await settings.watched_stages(conn) == []
    assert await settings.watched_stage(conn, 1, 2, 3) is None
    assert await settings.question_set(conn, 1, "care") is None
    assert await settings.document(conn, 1) is None


async def test_watched_stages_are_read_for_one_company_or_all(conn: Connection) -> None:
    stage = EXAMPLE["watched_stages"][0]
    other = {"offer_id": 5, "stage_id": 6, "mode": "interview", "question_set": "care", "move_when": "reached"}
    await settings.apply(conn, parse(changed(("watched_stages", [stage, other]))), "anna")
    await settings.apply(conn, parse(changed(("company.recruitee_company_id", 7))), "anna")

    watched = await settings.watched_stages(conn, COMPANY)

    expected = WatchedStage(
        COMPANY, 1181300, 8063176, Mode.INTERVIEW, Target.STAGE, 8063177, MoveWhen.COMPLETED, "care", None, False
    )
    assert watched == [
        WatchedStage(COMPANY, 5, 6, Mode.INTERVIEW, Target.NEXT, None, MoveWhen.REACHED, "care", None, False),
        expected,
    ]
    assert [one.company_id for one in await settings.watched_stages(conn)] == [7, COMPANY, COMPANY]
    assert await settings.watched_stage(conn, COMPANY, 1181300, 8063176) == expected
    assert await settings.watched_stage(conn, COMPANY, 1181300, 6) is None


async def test_questions_come_in_their_order(conn: Connection) -> None:
    questions = (
        Question("experience", "Wie viele Jahre haben Sie in der Pflege gearbeitet?", QuestionKind.NUMBER),
        Question("start", "Ab wann können Sie anfangen?"),
    )
    await settings.apply(conn, DOCUMENT, "anna")
    first = await settings.question_set(conn, COMPANY, "care")
    turned = EXAMPLE["question_sets"]["care"]["questions"][::-1]
    await settings.apply(conn, parse(changed(("question_sets.care.questions", turned))), "anna")

    assert first == QuestionSet("de", questions)
    assert await settings.question_set(conn, COMPANY, "care") == QuestionSet("de", questions[::-1])


async def test_a_set_without_a_question_cannot_be_asked(conn: Connection) -> None:
    await settings.apply(conn, DOCUMENT, "anna")
    await conn.execute("DELETE FROM questions")

    assert await settings.question_set(conn, COMPANY, "care") is None


# As one document


async def test_applying_twice_changes_nothing(conn: Connection) -> None:
    changes = await settings.apply(conn, DOCUMENT, "anna")
    once = await told(conn)

    assert {change.table.name: len(change.added) for change in changes} == {
        "companies": 1,
        "call_settings": 1,
        "calling_windows": 2,
        "question_sets": 1,
        "questions": 2,
        "watched_stages": 1,
    }
    assert set(once) == {("anna", table, "insert") for table in {change.table.name for change in changes}}
    assert await settings.apply(conn, DOCUMENT, "ben") == ()
    assert await told(conn) == once


async def test_applying_replaces_the_whole_and_touches_only_what_differs(conn: Connection) -> None:
    await settings.apply(conn, DOCUMENT, "anna")
    await settings.apply(conn, parse(changed(("company.recruitee_company_id", 7))), "anna")
    before = len(await told(conn))

    changes = await settings.apply(
        conn,
        parse(
            changed(
                ("calling.windows", [{"from": "09:00", "to": "18:00"}]),
                ("question_sets.care.questions", EXAMPLE["question_sets"]["care"]["questions"][::-1]),
                ("watched_stages", []),
                ("hosts", {"anna": {"name": "Anna Müller"}}),
            )
        ),
        "ben",
    )

    assert {change.table.name: (len(change.added), len(change.changed), len(change.removed)) for change in changes} == {
        "calling_windows": (0, 1, 1),
        "questions": (0, 2, 0),
        "hosts": (1, 0, 0),
        "watched_stages": (0, 0, 1),
    }
    assert sorted((await told(conn))[before:]) == [
        ("ben", "calling_windows", "delete"),
        ("ben", "calling_windows", "update"),
        ("ben", "hosts", "insert"),
        ("ben", "questions", "update"),
        ("ben", "questions", "update"),
        ("ben", "watched_stages", "delete"),
    ]
    assert await settings.document(conn, 7) == parse(changed(("company.recruitee_company_id", 7)))


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents())
async def test_any_document_follows_any_other_and_comes_back(conn: Connection, document: dict[str, Any]) -> None:
    document["company"]["recruitee_company_id"] = COMPANY
    wanted = parse(json.dumps(document))

    await settings.apply(conn, wanted, "anna")
    shown = await settings.document(conn, COMPANY)

    assert shown is not None
    assert await settings.apply(conn, shown, "anna") == ()
    assert await settings.apply(conn, wanted, "anna") == ()


async def test_what_another_program_wrote_in_its_own_order_is_not_rewritten(conn: Connection) -> None:
    await settings.apply(conn, DOCUMENT, "anna")
    await conn.execute(
        "UPDATE call_settings SET weekdays = '{sat,mon}', closed_days = '{2026-12-31,2026-12-24,2026-12-31}';"
        "UPDATE questions SET position = position * 10; UPDATE companies SET name = ' Example  GmbH ';"
    )
    before = await told(conn)

    shown = await settings.document(conn, COMPANY)

    assert shown is not None
    assert await settings.apply(conn, shown, "anna") == ()
    assert await told(conn) == before


async def test_a_question_finds_its_place_among_positions_with_gaps(conn: Connection) -> None:
    await settings.apply(conn, DOCUMENT, "anna")
    await conn.execute("UPDATE questions SET position = position * 10")
    first, last = EXAMPLE["question_sets"]["care"]["questions"]
    between = {"key": "licence", "text": "Haben Sie einen Führerschein?", "kind": "yes_no"}
    wanted = parse(changed(("question_sets.care.questions", [first, between, last])))

    await settings.apply(conn, wanted, "anna")

    assert await settings.document(conn, COMPANY) == wanted


async def test_what_no_document_may_hold_is_still_shown(conn: Connection) -> None:
    await settings.apply(conn, DOCUMENT, "anna")
    await conn.execute("UPDATE companies SET subdivision = 'XX'; DELETE FROM questions")

    stored = await settings.stored(conn, COMPANY)

    assert stored is not None
    assert stored["company"]["subdivision"] == "XX"
    with pytest.raises(BadSettings) as bad:
        await settings.document(conn, COMPANY)
    assert [fault.path for fault in bad.value.faults] == ["company.subdivision", "question_sets.care.questions"]


@pytest.mark.parametrize(
    ("part", "update", "says"),
    [
        ("company", {"time_zone": "Mars/Olympus"}, "'Mars/Olympus' is not the name of a time zone"),
        (
            "calling",
            {"windows": (MORNING, MORNING.model_copy(update={"opens": 600}))},
            "calling_windows_do_not_overlap",
        ),
    ],
)
async def test_what_the_database_refuses_is_refused_as_a_whole(
    conn: Connection, part: str, update: dict[str, Any], says: str
) -> None:
    await settings.apply(conn, DOCUMENT, "anna")
    before = await told(conn)
    sound = DOCUMENT.model_copy(update={"hosts": {}, "watched_stages": ()})
    unchecked = sound.model_copy(update={part: getattr(sound, part).model_copy(update=update)})

    with pytest.raises(SettingsRefused, match=says):
        await settings.apply(conn, unchecked, "anna")

    assert await told(conn) == before
    assert await settings.document(conn, COMPANY) == DOCUMENT


async def test_of_two_documents_at_once_one_stands_whole(conn: Connection, database_url: str) -> None:
    await settings.apply(conn, DOCUMENT, "anna")
    wanted = [
        parse(
            changed(("calling.max_attempts", 5 + part), ("calling.windows", [{"from": f"0{part}:00", "to": "12:00"}]))
        )
        for part in range(4)
    ]
    connections = [await asyncpg.connect(database_url) for _ in wanted]

    async with asyncio.TaskGroup() as group:
        for connection, document in zip(connections, wanted, strict=True):
            group.create_task(settings.apply(connection, document, "x"))

    assert await settings.document(conn, COMPANY) in wanted
    for connection in connections:
        await connection.close()


async def test_a_column_that_a_later_version_added_is_left_alone(conn: Connection) -> None:
    await conn.execute("ALTER TABLE companies ADD COLUMN record_calls boolean NOT NULL DEFAULT false")
    await settings.apply(conn, DOCUMENT, "anna")
    await conn.execute("UPDATE companies SET record_calls = true")

    assert await settings.apply(conn, DOCUMENT, "anna") == ()
    await settings.apply(conn, parse(changed(("company.name", "Beispiel GmbH"))), "anna")

    assert await conn.fetchval("SELECT record_calls FROM companies")
