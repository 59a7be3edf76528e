"""`klara-daemon secrets`: the keys with which secrets are encrypted at rest."""

from __future__ import annotations

import click

from klara_daemon.commands.ending import run
from klara_daemon.config import Config
from klara_daemon.store import companies
from klara_daemon.store.session import session
from klara_daemon.vault import Vault
from klara_daemon.vault import new_key as random_key


@click.group("secrets")
def group() -> None:
    """Make keys for KLARA_SECRET_KEYS, and change them."""


@group.command()
def new_key() -> None:
    """Print a new random key."""
    click.echo(random_key())


@group.command()
def rotate() -> None:
    """Encrypt every stored secret with the first key of KLARA_SECRET_KEYS."""
    run(_rotate())


async def _rotate() -> None:
    config = Config.from_env().require("database_url", "secret_keys")
    vault = Vault(config.secret_keys)
    async with session(config.database_url) as conn:
        rotated = await companies.rotate(conn, vault)
    noun = "secret" if rotated == 1 else "secrets"
    click.echo(f"Encrypted {rotated} {noun} with the first key. No other key is needed for them any more.")
