"""`klara-daemon settings`: the document in and out, and what a person is told who gave a bad one."""

from __future__ import annotations

import getpass
import json
from pathlib import Path

import asyncpg
import pytest

from klara_daemon.domain.settings import LONGEST_DOCUMENT, parse, to_json
from tests.commands.command_line import give
from tests.domain.changed_documents import ABSENT
from tests.domain.settings_documents import EXAMPLE, changed

DOCUMENT = json.dumps(EXAMPLE, ensure_ascii=False)


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    return {"KLARA_DATABASE_URL": database_url}


async def authors(database_url: str) -> set[str]:
    conn = await asyncpg.connect(database_url)
    rows = await conn.fetch("SELECT DISTINCT who FROM settings_history")
    await conn.close()
    return {row["who"] for row in rows}


async def test_what_is_applied_is_shown_and_applying_twice_changes_nothing(
    environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "settings.json"
    file.write_text(DOCUMENT, "utf-8")

    first = await give("settings", "apply", str(file), environment=environment)
    second = await give("settings", "apply", str(file), environment=environment)
    shown = await give("settings", "show", "--company", "89564", environment=environment)
    third = await give("settings", "apply", "-", environment=environment, typed=shown.printed)

    assert (first.status, second.status, shown.status, third.status) == (0, 0, 0, 0)
    assert "Saved the settings of Example GmbH (89564)" in first.printed
    assert "questions: 2 added" in first.printed
    assert "Nothing to change" in second.printed
    assert "Nothing to change" in third.printed
    assert shown.printed == to_json(parse(DOCUMENT)) + "\n"


async def test_who_has_no_token_is_told_what_is_missing(environment: dict[str, str]) -> None:
    ended = await give("settings", "apply", "-", environment=environment, typed=DOCUMENT)

    assert "klara-daemon company add --company 89564" in ended.told


@pytest.mark.parametrize(
    ("words", "who"), [((), getpass.getuser()), (("--who", "anna@example.com"), "anna@example.com")]
)
async def test_the_history_names_who_applied(
    environment: dict[str, str], database_url: str, words: tuple[str, ...], who: str
) -> None:
    await give("settings", "apply", "-", *words, environment=environment, typed=DOCUMENT)

    assert await authors(database_url) == {who}


async def test_a_bad_document_changes_nothing_and_each_fault_is_named(environment: dict[str, str]) -> None:
    await give("settings", "apply", "-", environment=environment, typed=DOCUMENT)
    bad = changed(
        ("company.name", "Beispiel GmbH"),
        ("calling.weekdays.5", "sun"),
        ("calling.windows.1.to", "13:00"),
        ("watched_stages.0.question_set", ABSENT),
    )

    ended = await give("settings", "apply", "-", environment=environment, typed=bad)
    shown = await give("settings", "show", "--company", "89564", environment=environment)

    assert (ended.status, ended.printed) == (2, "")
    assert "calling.weekdays[5]: Klara never calls on a Sunday" in ended.told
    assert "calling.windows[1].to: must be later than the start of the window, 14:00" in ended.told
    assert "watched_stages[0].question_set: is missing" in ended.told
    assert "Nothing was changed." in ended.told
    assert "Example GmbH" in shown.printed


@pytest.mark.parametrize(
    "typed",
    [b"", b"{", b"\xff\xfe{\0}\0", b"\0", b"[" * 100_000, b" " * (LONGEST_DOCUMENT + 10), b'{"company": "\xe4"}'],
)
async def test_whatever_is_given_for_a_document_ends_in_words(environment: dict[str, str], typed: bytes) -> None:
    ended = await give("settings", "apply", "-", environment=environment, typed=typed)

    assert ended.status == 2
    assert "  document: " in ended.told


async def test_a_byte_order_mark_does_no_harm(environment: dict[str, str]) -> None:
    ended = await give("settings", "apply", "-", environment=environment, typed=DOCUMENT.encode("utf-8-sig"))

    assert ended.status == 0


async def test_a_file_that_is_not_there_is_named(environment: dict[str, str], tmp_path: Path) -> None:
    ended = await give("settings", "apply", str(tmp_path / "absent.json"), environment=environment)

    assert ended.status == 2
    assert "absent.json" in ended.told


async def test_a_company_without_settings_has_nothing_to_show(environment: dict[str, str]) -> None:
    ended = await give("settings", "show", "--company", "1", environment=environment)

    assert (ended.status, ended.printed) == (2, "")
    assert "Company 1 has no settings." in ended.told


async def test_what_another_program_wrote_is_shown_with_its_faults(
    environment: dict[str, str], database_url: str
) -> None:
    await give("settings", "apply", "-", environment=environment, typed=DOCUMENT)
    conn = await asyncpg.connect(database_url)
    await conn.execute("UPDATE companies SET subdivision = 'XX'")
    await conn.close()

    ended = await give("settings", "show", "--company", "89564", environment=environment)

    assert ended.status == 1
    assert json.loads(ended.printed)["company"]["subdivision"] == "XX"
    assert "company.subdivision: must be a part of DE" in ended.told


async def test_a_database_that_is_away_is_an_outage_in_words() -> None:
    away = {"KLARA_DATABASE_URL": "postgresql://klara:pa55word@127.0.0.1:1/klara"}

    ended = await give("settings", "apply", "-", environment=away, typed=DOCUMENT)

    assert ended.status == 1
    assert "The database cannot be reached" in ended.told
    assert "KLARA_DATABASE_URL" in ended.told
    assert "pa55word" not in ended.told


async def test_without_an_address_of_the_database_the_variable_is_named() -> None:
    ended = await give("settings", "show", "--company", "1", environment={"KLARA_DATABASE_URL": ""})

    assert ended.status != 0
    assert "KLARA_DATABASE_URL is missing" in ended.told
