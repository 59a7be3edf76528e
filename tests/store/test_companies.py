"""The companies' secrets: encrypted in their row, in either order, and the state of the connection with them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from klara_daemon.store import companies
from klara_daemon.store.companies import CompanySecrets, ConnectionState
from klara_daemon.store.database import Connection
from klara_daemon.vault import CannotOpen, Vault, new_key

OLD, NEW = new_key(), new_key()
VAULT = Vault([NEW])


@pytest.fixture
async def conn(database_url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def test_a_company_that_entrusted_nothing_has_nothing(conn: Connection) -> None:
    assert await companies.secrets(conn, VAULT, 1) == CompanySecrets(1)
    assert not await companies.has_token(conn, 1)


@pytest.mark.parametrize("token_first", [True, False])
async def test_token_and_webhook_secret_are_stored_in_either_order(conn: Connection, token_first: bool) -> None:
    if token_first:
        await companies.store_token(conn, VAULT, 1, "token")
    await companies.store_webhook_secret(conn, VAULT, 1, "hook")
    if not token_first:
        assert not await companies.has_token(conn, 1)
        await companies.store_token(conn, VAULT, 1, "token")

    stored = await companies.secrets(conn, VAULT, 1)

    assert (stored.token, stored.webhook_secret, stored.connection) == ("token", "hook", ConnectionState.CONNECTED)
    assert await companies.has_token(conn, 1)


async def test_no_secret_lies_in_the_table_or_in_what_is_shown(conn: Connection) -> None:
    await companies.store_token(conn, VAULT, 1, "s3cret-token")
    await companies.store_webhook_secret(conn, VAULT, 1, "s3cret-hook")

    row = await conn.fetchval("SELECT to_jsonb(company_secrets)::text FROM company_secrets")
    shown = repr(await companies.secrets(conn, VAULT, 1))

    assert "s3cret" not in row + shown
    assert await conn.fetchval("SELECT count(*) FROM settings_history") == 0


async def test_a_secret_that_was_copied_to_another_company_opens_for_nobody(conn: Connection) -> None:
    await companies.store_token(conn, VAULT, 1, "token")
    await conn.execute(
        "INSERT INTO company_secrets (company_id, recruitee_token) SELECT 2, recruitee_token FROM company_secrets"
    )

    with pytest.raises(CannotOpen, match="row 2"):
        await companies.secrets(conn, VAULT, 2)


async def test_a_refused_token_pauses_until_a_new_one_is_stored(conn: Connection) -> None:
    await companies.store_token(conn, VAULT, 1, "old")

    assert await companies.mark_reconnect(conn, 1, "401")
    assert not await companies.mark_reconnect(conn, 1, "401 again")
    paused = await companies.secrets(conn, VAULT, 1)
    await companies.store_token(conn, VAULT, 1, "new")
    again = await companies.secrets(conn, VAULT, 1)

    assert (paused.connection, paused.reconnect_reason, paused.token) == (ConnectionState.RECONNECT, "401", "old")
    assert (again.connection, again.reconnect_reason, again.token) == (ConnectionState.CONNECTED, None, "new")


async def test_a_late_refusal_of_the_old_token_does_not_pause_the_new_one(conn: Connection) -> None:
    await companies.store_token(conn, VAULT, 1, "old")
    refused = await companies.secrets(conn, VAULT, 1)
    await companies.store_token(conn, VAULT, 1, "new")

    assert not await companies.mark_reconnect(conn, 1, "401", seen=refused)
    assert (await companies.secrets(conn, VAULT, 1)).connection == ConnectionState.CONNECTED
    assert await companies.mark_reconnect(conn, 1, "401", seen=await companies.secrets(conn, VAULT, 1))


async def test_a_connection_that_works_again_goes_on(conn: Connection) -> None:
    await companies.store_token(conn, VAULT, 1, "token")
    assert not await companies.mark_connected(conn, 1)
    await companies.mark_reconnect(conn, 1, "403")

    assert await companies.mark_connected(conn, 1)
    assert (await companies.secrets(conn, VAULT, 1)).connection == ConnectionState.CONNECTED


async def test_a_webhook_secret_does_not_mend_the_connection(conn: Connection) -> None:
    await companies.store_token(conn, VAULT, 1, "token")
    await companies.mark_reconnect(conn, 1, "401")

    await companies.store_webhook_secret(conn, VAULT, 1, "hook")

    assert (await companies.secrets(conn, VAULT, 1)).connection == ConnectionState.RECONNECT


async def test_marking_a_company_without_secrets_is_no_news(conn: Connection) -> None:
    assert not await companies.mark_reconnect(conn, 1, "401")
    assert not await companies.mark_connected(conn, 1)


async def test_rotation_makes_the_old_key_needless(conn: Connection) -> None:
    for company_id in (1, 2):
        await companies.store_token(conn, Vault([OLD]), company_id, f"token {company_id}")
    await companies.store_webhook_secret(conn, Vault([OLD]), 2, "hook")
    await companies.mark_reconnect(conn, 2, "401")

    assert await companies.rotate(conn, Vault([NEW, OLD])) == 3

    assert (await companies.secrets(conn, VAULT, 1)).token == "token 1"
    second = await companies.secrets(conn, VAULT, 2)
    assert (second.token, second.webhook_secret, second.connection) == ("token 2", "hook", ConnectionState.RECONNECT)


async def test_rotation_changes_all_or_nothing(conn: Connection) -> None:
    await companies.store_token(conn, Vault([OLD]), 1, "token 1")
    await companies.store_token(conn, Vault([new_key()]), 2, "token 2")

    with pytest.raises(CannotOpen, match="row 2"):
        await companies.rotate(conn, Vault([NEW, OLD]))

    assert (await companies.secrets(conn, Vault([OLD]), 1)).token == "token 1"
