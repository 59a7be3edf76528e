"""The settings tables as a contract: what another program may write, what is refused, what each change leaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from klara_daemon.store.database import Connection

SETTINGS_TABLES = (
    "companies",
    "call_settings",
    "calling_windows",
    "question_sets",
    "questions",
    "hosts",
    "watched_stages",
)
SAVE = """
INSERT INTO companies VALUES (89564, 'Example GmbH', 'Europe/Berlin', 'DE', 'NW', 'de', '+4952112345670');
INSERT INTO call_settings (company_id, max_attempts, attempts_per_day, weekdays)
    VALUES (89564, 4, 2, '{mon,tue,wed,thu,fri,sat}');
INSERT INTO calling_windows VALUES (89564, '09:00', '12:00'), (89564, '14:00', '24:00');
INSERT INTO question_sets VALUES (89564, 'care', 'de');
INSERT INTO questions VALUES (89564, 'care', 1, 'experience', 'Wie viele Jahre?', 'number', true);
INSERT INTO questions (company_id, question_set, position, key, text)
    VALUES (89564, 'care', 2, 'start', 'Ab wann?');
INSERT INTO hosts VALUES (89564, 'anna', 'Anna Müller', 316045, 'de');
INSERT INTO watched_stages (company_id, offer_id, stage_id, mode, question_set)
    VALUES (89564, 1181300, 8063176, 'interview', 'care');
"""
DELETE = """
DELETE FROM companies WHERE company_id = 89564;
DELETE FROM call_settings WHERE company_id = 89564;
DELETE FROM calling_windows WHERE company_id = 89564;
DELETE FROM question_sets WHERE company_id = 89564;
DELETE FROM questions WHERE company_id = 89564;
DELETE FROM hosts WHERE company_id = 89564;
DELETE FROM watched_stages WHERE company_id = 89564;
"""


@pytest.fixture
async def conn(database_url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def dashboard(conn: Connection, database_url: str) -> AsyncIterator[Connection]:
    """Another program: it logs in as itself and has the role `klara_settings`, nothing more."""
    name = f"dashboard_{uuid4().hex[:12]}"
    await conn.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'for-a-minute' IN ROLE klara_settings")
    connection = await asyncpg.connect(database_url, user=name, password="for-a-minute")
    yield connection
    await connection.close()
    await conn.execute(f"DROP ROLE {name}")


async def history(conn: Connection) -> list[tuple[str, str, Any, Any]]:
    rows = await conn.fetch("SELECT table_name, operation, before, after FROM settings_history ORDER BY id")
    return [(row[0], row[1], *(value and json.loads(value) for value in (row[2], row[3]))) for row in rows]


BAD_WRITES = [
    ("companies_time_zone_is_known", "UPDATE companies SET time_zone = 'Foo5'"),
    ("companies_time_zone_is_known", "UPDATE companies SET time_zone = 'europe/berlin'"),
    ("companies_time_zone_is_known", "UPDATE companies SET time_zone = 'CEST'"),
    ("companies_time_zone_is_known", "UPDATE companies SET time_zone = '+02:00'"),
    (
        "companies_time_zone_is_known",
        "INSERT INTO companies VALUES (1, 'x', 'Foo5', 'DE', NULL, 'de', '+4952112345670')",
    ),
    ("companies_name_is_not_blank", "UPDATE companies SET name = '  '"),
    ("companies_country_is_two_letters", "UPDATE companies SET country = 'de'"),
    ("companies_country_is_two_letters", "UPDATE companies SET country = 'DEU'"),
    ("companies_subdivision_is_a_code", "UPDATE companies SET subdivision = ''"),
    ("companies_language_is_two_letters", "UPDATE companies SET language = 'German'"),
    ("companies_caller_number_is_e164", "UPDATE companies SET caller_number = '052112345670'"),
    ("companies_caller_number_is_e164", "UPDATE companies SET caller_number = '+49 521 12345670'"),
    ("companies_company_id_is_an_id", "UPDATE companies SET company_id = 0"),
    ("companies_company_id_is_an_id", "UPDATE companies SET company_id = 1000000000000"),
    ("call_settings_never_on_sunday", "UPDATE call_settings SET weekdays = '{mon,sun}'"),
    ("call_settings_never_on_sunday", "UPDATE call_settings SET weekdays = '{sun}'"),
    ("call_settings_weekdays_are_days_once", "UPDATE call_settings SET weekdays = '{}'"),
    ("call_settings_weekdays_are_days_once", "UPDATE call_settings SET weekdays = '{mon,mon}'"),
    ("call_settings_weekdays_are_days_once", "UPDATE call_settings SET weekdays = '{mon,NULL}'"),
    ("call_settings_weekdays_are_days_once", "UPDATE call_settings SET weekdays = '{Sunday}'"),
    ("call_settings_weekdays_are_days_once", "UPDATE call_settings SET weekdays = '{MON}'"),
    ("call_settings_max_attempts_1_to_20", "UPDATE call_settings SET max_attempts = 0"),
    ("call_settings_max_attempts_1_to_20", "UPDATE call_settings SET max_attempts = 21"),
    ("call_settings_attempts_per_day_1_to_10", "UPDATE call_settings SET attempts_per_day = 0"),
    ("call_settings_attempts_per_day_1_to_10", "UPDATE call_settings SET attempts_per_day = 11"),
    ("call_settings_pause_is_at_most_a_week", "UPDATE call_settings SET pause_minutes = -1"),
    ("call_settings_pause_is_at_most_a_week", "UPDATE call_settings SET pause_minutes = 10081"),
    ("call_settings_first_call_delay_is_at_most_a_week", "UPDATE call_settings SET first_call_delay_minutes = -1"),
    ("call_settings_max_per_30_days_1_to_100", "UPDATE call_settings SET max_per_30_days = 0"),
    ("call_settings_closed_days_are_days", "UPDATE call_settings SET closed_days = '{infinity}'"),
    ("call_settings_closed_days_are_days", "UPDATE call_settings SET closed_days = '{2026-12-24,NULL}'"),
    ("calling_windows_close_after_they_open", "UPDATE calling_windows SET closes = '08:00' WHERE opens = '09:00'"),
    ("calling_windows_close_after_they_open", "UPDATE calling_windows SET closes = opens"),
    ("calling_windows_are_whole_minutes", "UPDATE calling_windows SET closes = '12:00:30' WHERE opens = '09:00'"),
    ("calling_windows_do_not_overlap", "INSERT INTO calling_windows VALUES (89564, '11:59', '13:00')"),
    ("calling_windows_do_not_overlap", "INSERT INTO calling_windows VALUES (89564, '08:00', '13:00')"),
    ("calling_windows_do_not_overlap", "INSERT INTO calling_windows VALUES (89564, '23:00', '24:00')"),
    ("calling_windows_pkey", "INSERT INTO calling_windows VALUES (89564, '09:00', '09:30')"),
    ("calling_windows_company_fkey", "INSERT INTO calling_windows VALUES (1, '09:00', '12:00')"),
    ("questions_kind_is_built", "UPDATE questions SET kind = 'date'"),
    ("questions_kind_is_built", "UPDATE questions SET kind = 'choice'"),
    ("questions_key_is_a_key", "UPDATE questions SET key = 'a key' WHERE position = 1"),
    ("questions_text_is_not_blank", "UPDATE questions SET text = ''"),
    ("questions_position_is_taken_once", "UPDATE questions SET position = 7"),
    ("questions_question_set_fkey", "DELETE FROM question_sets"),
    ("question_sets_language_is_two_letters", "UPDATE question_sets SET language = 'DE'"),
    ("hosts_host_is_a_key", "UPDATE hosts SET host = 'Anna Müller'"),
    ("hosts_name_is_not_blank", "UPDATE hosts SET name = ''"),
    ("watched_stages_recruiter_mode_is_not_built", "UPDATE watched_stages SET mode = 'recruiter', host = 'anna'"),
    ("watched_stages_mode_is_known", "UPDATE watched_stages SET mode = 'reminder'"),
    ("watched_stages_interview_has_questions", "UPDATE watched_stages SET question_set = NULL"),
    ("watched_stages_question_set_fkey", "UPDATE watched_stages SET question_set = 'nursing'"),
    ("watched_stages_host_is_for_recruiter_mode", "UPDATE watched_stages SET host = 'anna'"),
    ("watched_stages_target_is_known", "UPDATE watched_stages SET target = 'previous'"),
    ("watched_stages_target_stage_has_its_id", "UPDATE watched_stages SET target = 'stage'"),
    ("watched_stages_target_stage_has_its_id", "UPDATE watched_stages SET target_stage_id = 5"),
    (
        "watched_stages_target_is_another_stage",
        "UPDATE watched_stages SET target = 'stage', target_stage_id = stage_id",
    ),
    ("watched_stages_move_when_is_known", "UPDATE watched_stages SET move_when = 'always'"),
    ("watched_stages_ids_are_ids", "UPDATE watched_stages SET offer_id = 0"),
    ("company_secrets_are_encrypted", "INSERT INTO company_secrets (company_id, recruitee_token) VALUES (1, 's3cret')"),
]


async def refused_by(conn: Connection, write: str) -> str | None:
    transaction = conn.transaction()
    await transaction.start()
    try:
        await conn.execute(write)
        await conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except asyncpg.IntegrityConstraintViolationError as refused:
        return refused.constraint_name
    finally:
        await transaction.rollback()
    return None


async def test_the_database_refuses_what_may_not_be(conn: Connection) -> None:
    await conn.execute(SAVE)

    found = [(await refused_by(conn, write), write) for _, write in BAD_WRITES]

    assert found == BAD_WRITES


async def test_a_refused_zone_is_named_and_a_good_one_suggested(conn: Connection) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await conn.execute("INSERT INTO companies VALUES (1, 'x', 'Mars/Olympus', 'DE', NULL, 'de', '+4952112345670')")

    assert "'Mars/Olympus' is not the name of a time zone" in str(refused.value)
    assert refused.value.hint
    assert "Europe/Berlin" in refused.value.hint


async def test_the_six_days_may_stand_in_any_order_and_windows_may_touch(conn: Connection) -> None:
    await conn.execute(SAVE)

    await conn.execute("UPDATE call_settings SET weekdays = '{sat,mon,fri,wed,thu,tue}'")
    await conn.execute("INSERT INTO calling_windows VALUES (89564, '12:00', '14:00'), (89564, '00:00', '09:00')")


async def test_the_windows_of_one_company_do_not_stand_in_the_way_of_another(conn: Connection) -> None:
    await conn.execute(SAVE)
    neighbour = SAVE.replace("89564", "89565").replace("'24:00'", "'15:00'")

    await conn.execute(neighbour)
    await conn.execute("INSERT INTO calling_windows VALUES (89565, '00:00', '09:00')")


async def test_a_save_may_delete_and_insert_in_any_order(dashboard: Connection) -> None:
    await dashboard.execute(SAVE)

    async with dashboard.transaction():
        await dashboard.execute(DELETE)
        for statement in reversed(SAVE.strip().split(";\n")):
            await dashboard.execute(statement)

    assert await dashboard.fetchval("SELECT count(*) FROM questions") == 2


async def test_a_save_may_pass_through_states_that_may_not_stay(dashboard: Connection) -> None:
    await dashboard.execute(SAVE)

    async with dashboard.transaction():
        await dashboard.execute("UPDATE questions SET position = 2 WHERE key = 'experience'")
        await dashboard.execute("UPDATE questions SET position = 1 WHERE key = 'start'")
        await dashboard.execute("UPDATE calling_windows SET closes = '15:00' WHERE opens = '09:00'")
        await dashboard.execute("UPDATE calling_windows SET opens = '15:00' WHERE opens = '14:00'")


async def test_a_company_cannot_go_while_its_windows_stay(conn: Connection) -> None:
    await conn.execute(SAVE)

    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await conn.execute("DELETE FROM companies")


# History


async def test_each_change_says_who_when_and_what(conn: Connection) -> None:
    await conn.execute(SAVE)
    await conn.execute("SELECT set_config('klara.who', 'anna@example.com', false)")
    await conn.execute("UPDATE call_settings SET max_attempts = 5")
    await conn.execute("DELETE FROM hosts")

    update, delete = await conn.fetch("SELECT * FROM settings_history WHERE operation <> 'insert' ORDER BY id")
    assert (update["who"], update["company_id"], update["table_name"]) == ("anna@example.com", 89564, "call_settings")
    assert json.loads(update["row_key"]) == {"company_id": 89564}
    assert (json.loads(update["before"])["max_attempts"], json.loads(update["after"])["max_attempts"]) == (4, 5)
    assert (delete["operation"], delete["after"]) == ("delete", None)
    assert json.loads(delete["before"])["name"] == "Anna Müller"
    assert update["at"] < delete["at"]


async def test_without_a_name_the_login_is_who(dashboard: Connection) -> None:
    login = await dashboard.fetchval("SELECT session_user")

    await dashboard.execute(SAVE)

    assert {row["who"] for row in await dashboard.fetch("SELECT who FROM settings_history")} == {login}


async def test_a_save_that_changes_nothing_leaves_nothing(conn: Connection) -> None:
    await conn.execute(SAVE)
    before = await history(conn)

    await conn.execute("UPDATE call_settings SET max_attempts = 4; UPDATE hosts SET name = name;")
    async with conn.transaction():
        await conn.execute(DELETE + SAVE)

    assert await history(conn) == before


async def test_a_row_that_is_deleted_and_inserted_anew_has_been_updated(conn: Connection) -> None:
    await conn.execute(SAVE)
    before = await history(conn)

    async with conn.transaction():
        await conn.execute(DELETE + SAVE.replace("Ab wann?", "Wann?"))
        await conn.execute("UPDATE questions SET text = 'Wann können Sie?' WHERE key = 'start'")

    ((table, operation, was, became),) = (await history(conn))[len(before) :]
    assert (table, operation) == ("questions", "update")
    assert (was["text"], became["text"]) == ("Ab wann?", "Wann können Sie?")


async def test_what_came_and_went_within_one_save_was_never_there(conn: Connection) -> None:
    async with conn.transaction():
        await conn.execute(SAVE + DELETE)

    assert await history(conn) == []


async def test_each_save_has_its_own_line(conn: Connection) -> None:
    await conn.execute(SAVE)

    for attempts in (5, 6, 4):
        await conn.execute("UPDATE call_settings SET max_attempts = $1", attempts)

    assert [line[1] for line in await history(conn) if line[0] == "call_settings"] == ["insert"] + 3 * ["update"]


async def test_another_key_is_another_row(conn: Connection) -> None:
    await conn.execute(SAVE)
    before = await history(conn)

    await conn.execute("UPDATE watched_stages SET stage_id = 8063100")

    changes = (await history(conn))[len(before) :]
    assert [(operation, (was or became)["stage_id"]) for _, operation, was, became in changes] == [
        ("delete", 8063176),
        ("insert", 8063100),
    ]


async def test_what_is_rolled_back_leaves_nothing(conn: Connection) -> None:
    transaction = conn.transaction()
    await transaction.start()
    await conn.execute(SAVE)
    await transaction.rollback()

    assert await history(conn) == []


# Notification


@pytest.fixture
async def notified(database_url: str) -> AsyncIterator[asyncio.Queue[str]]:
    heard: asyncio.Queue[str] = asyncio.Queue()
    listener = await asyncpg.connect(database_url)
    await listener.add_listener("klara_settings", lambda *heard_of: heard.put_nowait(str(heard_of[3])))
    yield heard
    await listener.close()


CHANGES = [
    "UPDATE companies SET name = 'Beispiel GmbH'",
    "UPDATE call_settings SET max_attempts = 5",
    "UPDATE calling_windows SET closes = '20:00' WHERE opens = '14:00'",
    "DELETE FROM calling_windows WHERE opens = '09:00'",
    "INSERT INTO question_sets VALUES (89564, 'nursing', 'de')",
    "UPDATE questions SET required = false",
    "DELETE FROM hosts",
    "UPDATE watched_stages SET move_when = 'reached'",
    "DELETE FROM watched_stages",
]


async def test_every_change_notifies_with_the_company(dashboard: Connection, notified: asyncio.Queue[str]) -> None:
    for change in [SAVE, *CHANGES]:
        await dashboard.execute(change)
        async with asyncio.timeout(5):
            assert await notified.get() == "89564", change


async def test_one_save_notifies_once(dashboard: Connection, notified: asyncio.Queue[str]) -> None:
    async with dashboard.transaction():
        await dashboard.execute(SAVE + DELETE + SAVE)
    await dashboard.execute("NOTIFY klara_settings, 'the next'")

    async with asyncio.timeout(5):
        assert [await notified.get(), await notified.get()] == ["89564", "the next"]


async def test_a_stored_token_notifies(conn: Connection, notified: asyncio.Queue[str]) -> None:
    await conn.execute("INSERT INTO company_secrets (company_id, recruitee_token) VALUES (7, 'gAAAA')")

    async with asyncio.timeout(5):
        assert await notified.get() == "7"


# The role


async def test_the_role_reads_and_writes_the_settings_and_nothing_else(conn: Connection, dashboard: Connection) -> None:
    rights = await conn.fetch(
        """
        SELECT relname, privilege FROM pg_class
        CROSS JOIN unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) privilege
        WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND relnamespace = 'public'::regnamespace
            AND has_table_privilege($1, pg_class.oid, privilege)
        """,
        await dashboard.fetchval("SELECT session_user"),
    )

    assert {(row["relname"], row["privilege"]) for row in rights} == {
        (table, privilege)
        for table in (*SETTINGS_TABLES, "calling_pauses")
        for privilege in ("SELECT", "INSERT", "UPDATE", "DELETE")
    } | {("settings_history", "SELECT")}


FORBIDDEN = [
    "SELECT * FROM company_secrets",
    "INSERT INTO company_secrets (company_id) VALUES (1)",
    "UPDATE company_secrets SET connection = 'connected'",
    "DELETE FROM company_secrets",
    "INSERT INTO settings_history (who, company_id, table_name) VALUES ('somebody else', 1, 'hosts')",
    "UPDATE settings_history SET who = 'somebody else'",
    "DELETE FROM settings_history",
    "TRUNCATE hosts",
    "ALTER TABLE call_settings DISABLE TRIGGER changed",
    "ALTER TABLE call_settings DROP CONSTRAINT call_settings_never_on_sunday",
    "CREATE TABLE public.mine (id int)",
    "DROP TABLE hosts",
    "SELECT klara_note_settings_change('hosts', '{\"company_id\": 1}', NULL, '{}')",
    "SELECT * FROM schema_migrations",
    "CREATE ROLE mine",
]


async def is_forbidden(conn: Connection, statement: str) -> bool:
    try:
        await conn.execute(statement)
    except asyncpg.InsufficientPrivilegeError:
        return True
    return False


async def test_the_role_may_do_nothing_else(dashboard: Connection) -> None:
    await dashboard.execute(SAVE)

    assert [statement for statement in FORBIDDEN if not await is_forbidden(dashboard, statement)] == []


async def test_the_role_itself_cannot_log_in(conn: Connection) -> None:
    role = await conn.fetchrow(
        "SELECT rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles"
        " WHERE rolname = 'klara_settings'"
    )

    assert role is not None
    assert not any(role.values())
