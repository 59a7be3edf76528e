"""Migrations: applied once, in turn, told in plain words when they fail, and found wherever the package lies."""

import asyncio
import subprocess
import sys
import zipfile
from pathlib import Path

import asyncpg
import pytest

from klara_daemon.demo.private_server import free_port
from klara_daemon.store.migrations import MIGRATIONS, MigrationFailed, migrate, pending, with_ssl_mode
from tests.servers.databases import empty
from tests.servers.interfaces import PostgresServer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two migrations."""
    _write(tmp_path / "20300101000001_first.sql", "CREATE TABLE first (a int);")
    _write(tmp_path / "20300101000002_second.sql", "CREATE TABLE second (a int);")
    return tmp_path


def _write(path: Path, statements: str) -> None:
    path.write_text(f"-- migrate:up\n{statements}\n-- migrate:down\n")


async def _pending(url: str, folder: Path) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return await pending(connection, folder=folder)
    finally:
        await connection.close()


async def test_each_is_applied_once_and_what_is_missing_is_known_before(
    postgres_server: PostgresServer, folder: Path
) -> None:
    async with empty(postgres_server) as url:
        assert await _pending(url, folder) == ["20300101000001_first.sql", "20300101000002_second.sql"]
        migrate(url, folder=folder)
        assert await _pending(url, folder) == []
        _write(folder / "20300101000003_third.sql", "CREATE TABLE third (a int);")
        assert await _pending(url, folder) == ["20300101000003_third.sql"]
        migrate(url, folder=folder)
        migrate(url, folder=folder)
        assert await _pending(url, folder) == []


async def test_processes_that_migrate_at_once_take_turns(postgres_server: PostgresServer, folder: Path) -> None:
    async with empty(postgres_server) as url:
        await asyncio.gather(*(asyncio.to_thread(migrate, url, folder=folder) for _ in range(4)))
        assert await _pending(url, folder) == []


async def test_one_that_fails_changes_nothing_and_says_what_the_database_said(
    postgres_server: PostgresServer, folder: Path
) -> None:
    _write(folder / "20300101000002_second.sql", "CREATE TABLE half (a int);\nSELECT 1/0;")
    async with empty(postgres_server) as url:
        with pytest.raises(MigrationFailed) as caught:
            migrate(url, folder=folder)
        assert "division by zero" in caught.value.means
        assert await _pending(url, folder) == ["20300101000002_second.sql"]
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("SELECT to_regclass('half')") is None
        await connection.close()


async def test_an_older_version_is_content_with_a_newer_database(postgres_server: PostgresServer, folder: Path) -> None:
    async with empty(postgres_server) as url:
        migrate(url, folder=folder)
        (folder / "20300101000002_second.sql").unlink()
        assert await _pending(url, folder) == []


async def test_asking_within_a_transaction_does_not_spoil_it(postgres_server: PostgresServer, folder: Path) -> None:
    async with empty(postgres_server) as url:
        connection = await asyncpg.connect(url)
        async with connection.transaction():
            assert len(await pending(connection, folder=folder)) == 2
            assert await connection.fetchval("SELECT 1") == 1
        await connection.close()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://klara:s3cr%40t@127.0.0.1:{port}/klara",
        "postgresql://klara:s3cr%40t@127.0.0.1:port/klara",
        "postgresql://klara:s3cr%zzt@127.0.0.1:{port}/klara",
    ],
)
def test_a_failure_names_the_trouble_and_not_the_password(url: str, folder: Path) -> None:
    url = url.format(port=free_port())
    with pytest.raises(MigrationFailed) as caught:
        migrate(url, folder=folder, wait_s=1)
    assert caught.value.means
    assert "s3cr" not in caught.value.render()


def test_without_any_files_nobody_takes_the_database_for_up_to_date(tmp_path: Path, database_url: str) -> None:
    with pytest.raises(MigrationFailed, match="no migrations"):
        asyncio.run(_pending(database_url, tmp_path))


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("postgres://h/db", "postgres://h/db?sslmode=prefer"),
        ("postgres://h/db?application_name=x", "postgres://h/db?application_name=x&sslmode=prefer"),
        ("postgres://h/db?sslmode=verify-full", "postgres://h/db?sslmode=verify-full"),
        ("postgresql:///db", "postgresql:///db?sslmode=prefer"),
        ("postgres://u:sslmode@h/db", "postgres://u:sslmode@h/db?sslmode=prefer"),
    ],
)
def test_a_url_that_does_not_choose_its_tls_gets_the_choice_of_the_rest_of_the_daemon(url: str, seen: str) -> None:
    assert with_ssl_mode(url) == seen


def test_the_variable_that_chooses_tls_for_all_is_left_its_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "require")
    assert with_ssl_mode("postgres://h/db") == "postgres://h/db"


def test_an_installed_package_brings_its_migrations(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=MIGRATIONS.parents[1], check=True, capture_output=True, timeout=60)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        inside = {Path(name).name for name in wheel.namelist() if name.startswith("klara_daemon/sql/migrations/")}
    assert inside == {path.name for path in MIGRATIONS.glob("*.sql")}
