"""What docs/settings.md promises: its tables are the tables, its SQL, its document and its commands run as written."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from klara_daemon.demo.recruitee import SmallRecruitee
from klara_daemon.domain.settings import parse
from klara_daemon.store import companies, settings
from klara_daemon.store.database import Connection
from klara_daemon.store.settings_rows import TABLES
from klara_daemon.vault import Vault, new_key

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "settings.md").read_text("utf-8")
COMPANY = 89564


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def described() -> dict[str, list[tuple[str, str, str]]]:
    """Column, type and default of each table, as the page has them."""
    sections = re.findall(r"^### `(\w+)`\n(.*?)(?=^##)", PAGE, re.MULTILINE | re.DOTALL)
    rows = r"^\| `(\w+)` \| (.+?) \| (.*?) ?\| .+ \|$"
    return {table: re.findall(rows, section, re.MULTILINE) for table, section in sections}


@pytest.fixture
async def conn(database_url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def columns(conn: Connection, table: str) -> list[tuple[str, str, str]]:
    rows = await conn.fetch(
        """
        SELECT attname::text, format_type(atttypid, atttypmod), CASE
            WHEN attidentity <> '' THEN ''
            WHEN adbin IS NOT NULL THEN '`' || regexp_replace(pg_get_expr(adbin, adrelid), '::\\S+$', '') || '`'
            WHEN attnotnull THEN 'needed'
            ELSE 'none' END
        FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
        """,
        table,
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def test_the_tables_are_as_described(conn: Connection) -> None:
    tables = described()

    assert list(tables) == [*(table.name for table in TABLES), "calling_pauses", "settings_history"]
    assert {table: await columns(conn, table) for table in tables} == tables


async def test_every_constraint_that_is_named_exists(conn: Connection) -> None:
    named = set(re.findall(r"`((?:companies|call_settings|calling_windows|questions|watched_stages)_\w+)`", PAGE))
    rows = await conn.fetch("SELECT conname::text FROM pg_constraint WHERE connamespace = 'public'::regnamespace")

    assert len(named) >= 6
    assert named - {row["conname"] for row in rows} == {"companies_time_zone_is_known"}  # a trigger's, raised by hand


async def test_the_sql_runs_as_written(conn: Connection, database_url: str) -> None:
    login = f"dashboard_{uuid4().hex[:12]}"
    owner, *dashboard = blocks("sql")
    assert owner.startswith("-- as the owner")
    await conn.execute(owner.replace("dashboard", login))
    try:
        program = await asyncpg.connect(database_url, user=login, password="choose-one")
        for block in dashboard:
            assert block.startswith("-- as the dashboard")
            await program.execute(block)
        history = await program.fetch(dashboard[-1])
        await program.close()
    finally:
        await conn.execute(f"DROP ROLE {login}")

    company = await settings.company(conn, COMPANY)
    assert company is not None
    assert [(window.opens, window.closes) for window in company.rules.windows] == [(540, 720), (960, 1200)]
    assert len(history) == 10
    assert [(row["who"], row["table_name"], row["operation"]) for row in history[:2]] == [
        ("anna@example.com", "calling_windows", "insert"),
        ("anna@example.com", "calling_windows", "delete"),
    ]


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH on which `klara-daemon` is this checkout."""
    program = tmp_path / "bin" / "klara-daemon"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m klara_daemon "$@"\n', "utf-8")
    program.chmod(0o755)
    return f"{program.parent}{os.pathsep}{os.environ['PATH']}"


async def run(script: str, folder: Path, environment: dict[str, str]) -> str:
    """Run a block in a shell, stopping at the first command that fails."""
    shell = await asyncio.create_subprocess_exec(
        "sh", "-ec", script,
        cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(60):
        printed, _ = await shell.communicate()
    assert shell.returncode == 0, printed.decode()
    return printed.decode()


async def test_the_document_and_the_commands_run_as_written(
    conn: Connection, database_url: str, tmp_path: Path, path: str
) -> None:
    key = new_key()
    (document,), (apply, secrets, rotate) = blocks("json"), blocks("sh")
    (tmp_path / "settings.json").write_text(document, "utf-8")
    (tmp_path / "recruitee-token").write_text("the-token\n", "utf-8")
    (tmp_path / "webhook-secret").write_text("the-secret\n", "utf-8")
    recruitee = SmallRecruitee(lambda: datetime(2026, 11, 23, 8, 0, tzinfo=UTC))
    recruitee.add_company(COMPANY, "Example GmbH", "the-token")
    await recruitee.start()
    environment = {
        "PATH": path,
        "KLARA_DATABASE_URL": database_url,
        "KLARA_SECRET_KEYS": key,
        "KLARA_RECRUITEE_API_URL": recruitee.url,
    }

    applied = await run(apply, tmp_path, environment)
    added = await run(secrets, tmp_path, environment)
    fresh = (await run(rotate.splitlines()[0], tmp_path, environment)).strip()
    rotated = await run(rotate, tmp_path, environment | {"KLARA_SECRET_KEYS": f"{fresh},{key}"})
    await recruitee.stop()

    assert "Saved the settings of Example GmbH" in applied
    assert applied.strip().splitlines()[-2].startswith("Nothing to change")
    assert await settings.document(conn, COMPANY) == parse(document)
    assert "Stored the token" in added
    assert "Stored the webhook secret" in added
    assert "Encrypted 2 secrets" in rotated
    found = await companies.secrets(conn, Vault([fresh]), COMPANY)
    assert (found.token, found.webhook_secret) == ("the-token", "the-secret")
