"""The secrets of the companies, encrypted, and whether Recruitee still lets us in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from klara_daemon.store.database import Connection

TABLE = "company_secrets"
TOKEN = "recruitee_token"  # noqa: S105 -- the name of a column
WEBHOOK_SECRET = "webhook_secret"  # noqa: S105


class Vault(Protocol):
    """What seals secrets for one place and opens them there again (`klara_daemon.vault.Vault`)."""

    def seal(self, plain: str, *, table: str, column: str, row: int) -> str:
        """Encrypt a text for this place."""

    def open(self, sealed: str, *, table: str, column: str, row: int) -> str:
        """Decrypt what was sealed for this place."""

    def rotate(self, sealed: str, *, table: str, column: str, row: int) -> str:
        """Encrypt it anew with the newest key."""


class ConnectionState(StrEnum):
    """Whether a company's token opens Recruitee; under `RECONNECT` its calling pauses until a new one is stored."""

    CONNECTED = "connected"
    RECONNECT = "reconnect"


@dataclass(frozen=True, slots=True)
class CompanySecrets:
    """What a company has entrusted to us; None for what it has not. `since` is when the connection last changed."""

    company_id: int
    token: str | None = field(default=None, repr=False)
    webhook_secret: str | None = field(default=None, repr=False)
    connection: ConnectionState = ConnectionState.CONNECTED
    reconnect_reason: str | None = None
    since: datetime | None = None


async def secrets(conn: Connection, vault: Vault, company_id: int) -> CompanySecrets:
    """A company's secrets in clear, and the state of its connection. What cannot be opened raises the vault's error."""
    row = await conn.fetchrow(
        "SELECT recruitee_token, webhook_secret, connection, reconnect_reason, connection_changed_at"
        " FROM company_secrets WHERE company_id = $1",
        company_id,
    )
    if row is None:
        return CompanySecrets(company_id)
    return CompanySecrets(
        company_id,
        token=_open(vault, row[TOKEN], TOKEN, company_id),
        webhook_secret=_open(vault, row[WEBHOOK_SECRET], WEBHOOK_SECRET, company_id),
        connection=ConnectionState(row["connection"]),
        reconnect_reason=row["reconnect_reason"],
        since=row["connection_changed_at"],
    )


async def has_token(conn: Connection, company_id: int) -> bool:
    """Whether a company's Recruitee token is stored; without one it calls nobody."""
    sealed = await conn.fetchval("SELECT recruitee_token FROM company_secrets WHERE company_id = $1", company_id)
    return sealed is not None


async def store_token(conn: Connection, vault: Vault, company_id: int, token: str) -> None:
    """Store a company's Recruitee token, which has just been checked: the company is connected."""
    await conn.execute(
        "INSERT INTO company_secrets (company_id, recruitee_token) VALUES ($1, $2)"
        " ON CONFLICT (company_id) DO UPDATE SET recruitee_token = excluded.recruitee_token,"
        " connection = 'connected', reconnect_reason = NULL, connection_changed_at = clock_timestamp()",
        company_id,
        vault.seal(token, table=TABLE, column=TOKEN, row=company_id),
    )


async def store_webhook_secret(conn: Connection, vault: Vault, company_id: int, secret: str) -> None:
    """Store the secret with which Recruitee signs the webhooks of a company."""
    await conn.execute(
        "INSERT INTO company_secrets (company_id, webhook_secret) VALUES ($1, $2)"
        " ON CONFLICT (company_id) DO UPDATE SET webhook_secret = excluded.webhook_secret",
        company_id,
        vault.seal(secret, table=TABLE, column=WEBHOOK_SECRET, row=company_id),
    )


async def mark_reconnect(conn: Connection, company_id: int, reason: str, *, seen: CompanySecrets | None = None) -> bool:
    """Note that Recruitee refused the token; True if that is news.

    With `seen`, the secrets that were refused, a company that has been given another token meanwhile stays connected.
    """
    return await _changed(
        conn,
        "UPDATE company_secrets SET connection = 'reconnect', reconnect_reason = $2,"
        " connection_changed_at = clock_timestamp()"
        " WHERE company_id = $1 AND connection = 'connected'"
        " AND ($3::timestamptz IS NULL OR connection_changed_at = $3) RETURNING company_id",
        company_id,
        reason,
        seen.since if seen else None,
    )


async def mark_connected(conn: Connection, company_id: int) -> bool:
    """Note that Recruitee takes the token (again); True if that is news."""
    return await _changed(
        conn,
        "UPDATE company_secrets SET connection = 'connected', reconnect_reason = NULL,"
        " connection_changed_at = clock_timestamp()"
        " WHERE company_id = $1 AND connection = 'reconnect' RETURNING company_id",
        company_id,
    )


async def rotate(conn: Connection, vault: Vault) -> int:
    """Encrypt every secret with the newest key, all or none; how many there are. Raises the vault's error."""
    rotated = 0
    async with conn.transaction():
        rows = await conn.fetch(
            "SELECT company_id, recruitee_token, webhook_secret FROM company_secrets ORDER BY company_id FOR UPDATE"
        )
        for company_id, token, webhook_secret in rows:
            await conn.execute(
                "UPDATE company_secrets SET recruitee_token = $2, webhook_secret = $3 WHERE company_id = $1",
                company_id,
                _rotate(vault, token, TOKEN, company_id),
                _rotate(vault, webhook_secret, WEBHOOK_SECRET, company_id),
            )
            rotated += (token is not None) + (webhook_secret is not None)
    return rotated


def _open(vault: Vault, sealed: str | None, column: str, company_id: int) -> str | None:
    return None if sealed is None else vault.open(sealed, table=TABLE, column=column, row=company_id)


def _rotate(vault: Vault, sealed: str | None, column: str, company_id: int) -> str | None:
    return None if sealed is None else vault.rotate(sealed, table=TABLE, column=column, row=company_id)


async def _changed(conn: Connection, update: str, *values: object) -> bool:
    return await conn.fetchval(update, *values) is not None
