"""What goes wrong with a command's connection comes out in words."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from klara_daemon.store.database import UnusableAddress
from klara_daemon.store.session import DatabaseFailed, session


async def failure(url: str, statement: str = "SELECT 1") -> str:
    with pytest.raises(DatabaseFailed) as failed:
        async with session(url) as conn:
            await conn.execute(statement)
    return failed.value.render()


async def test_a_server_that_is_not_there(database_url: str) -> None:
    told = await failure("postgresql://klara:pa55word@127.0.0.1:1/klara")

    assert "The database cannot be reached" in told
    assert "pa55word" not in told


async def test_an_address_that_is_none() -> None:
    told = await failure("postgresql://klara:pa55word@127.0.0.1:notaport/klara")

    assert "The address of the database cannot be understood." in told
    assert "pa55word" not in told


async def test_an_address_whose_certificate_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/nowhere")
    with pytest.raises(UnusableAddress) as failed:
        async with session("postgresql://klara:pa55word@127.0.0.1:1/klara?sslmode=verify-full"):
            pass

    told = failed.value.render()
    assert (failed.value.exit_status, "root certificate file" in told, "pa55word" in told) == (78, True, False)


async def test_a_database_that_is_not_there(database_url: str) -> None:
    told = await failure(urlsplit(database_url)._replace(path="/not_there").geturl())

    assert "Postgres lets nobody in so" in told
    assert "KLARA_DATABASE_URL" in told


async def test_tables_that_are_not_there_are_to_be_migrated(database_url: str) -> None:
    assert "klara-daemon migrate" in await failure(database_url, "SELECT * FROM of_a_later_version")


async def test_a_role_that_may_not(database_url: str) -> None:
    assert "may not do this" in await failure(database_url, "SET ROLE klara_settings; SELECT * FROM company_secrets")


async def test_a_statement_that_is_refused(database_url: str) -> None:
    told = await failure(database_url, "INSERT INTO hosts VALUES (1, 'a host', 'Anna', NULL, NULL)")

    assert "hosts_host_is_a_key" in told
    assert "Anna" not in told


async def test_a_connection_that_breaks(database_url: str) -> None:
    assert "cannot be reached" in await failure(database_url, "SELECT pg_terminate_backend(pg_backend_pid())")
