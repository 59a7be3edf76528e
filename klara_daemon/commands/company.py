"""`klara-daemon company`: what a company entrusts to us, checked where that is possible, stored encrypted."""

from __future__ import annotations

import re
from typing import BinaryIO

import click

from klara_daemon.app import http_session
from klara_daemon.commands.ending import BadInput, run
from klara_daemon.commands.which_company import COMPANY
from klara_daemon.config import Config
from klara_daemon.errors import KlaraError
from klara_daemon.recruitee.client import RecruiteeClient
from klara_daemon.recruitee.protocol import Access, Admin, RecruiteeError, Unavailable
from klara_daemon.store import companies
from klara_daemon.store.session import session
from klara_daemon.vault import Vault

LONGEST_SECRET = 4096


class NotChecked(KlaraError):
    """Recruitee did not say whether the token is good."""


@click.group("company")
def group() -> None:
    """Store what a company entrusts to Klara."""


@group.command()
@COMPANY
@click.option("--token-file", type=click.File("rb"), required=True, help="The token's file; - for standard input.")
def add(company_id: int, token_file: BinaryIO) -> None:
    """Check a company's Recruitee API token against Recruitee, and store it."""
    run(_add(company_id, token_file.read(2 * LONGEST_SECRET)))


@group.command()
@COMPANY
@click.option("--secret-file", type=click.File("rb"), required=True, help="The secret's file; - for standard input.")
def secret(company_id: int, secret_file: BinaryIO) -> None:
    """Store the secret of a company's webhook, which Recruitee shows after the webhook's first ping."""
    run(_secret(company_id, secret_file.read(2 * LONGEST_SECRET)))


async def _add(company_id: int, content: bytes) -> None:
    access = Access(company_id, _read(content, "token"))
    config = Config.from_env().require("database_url", "secret_keys")
    vault = Vault(config.secret_keys)
    admin = await _whoami(access, config.recruitee_api_url)
    async with session(config.database_url) as conn:
        await companies.store_token(conn, vault, company_id, access.token)
    click.echo(f"Stored the token of company {company_id}. In Recruitee it acts as {admin.name} (id {admin.id}).")


async def _secret(company_id: int, content: bytes) -> None:
    webhook_secret = _read(content, "secret")
    config = Config.from_env().require("database_url", "secret_keys")
    vault = Vault(config.secret_keys)
    async with session(config.database_url) as conn:
        await companies.store_webhook_secret(conn, vault, company_id, webhook_secret)
    click.echo(f"Stored the webhook secret of company {company_id}. From now on unsigned webhooks are refused.")


async def _whoami(access: Access, url: str) -> Admin:
    try:
        async with http_session() as http:
            return await RecruiteeClient(http, url).whoami(access)
    except Unavailable as error:
        raise NotChecked(
            f"Recruitee did not say whether the token is good: {error}.",
            means="The token was not stored.",
            remedy=f"Try again later, and look whether {url} can be reached from here.",
        ) from error
    except RecruiteeError as error:
        raise BadInput(
            f"Recruitee does not take this token for company {access.company_id}: {error}.",
            means="The token was not stored.",
            remedy="Check the company id, and the token in Recruitee: Settings > Apps and plugins > API tokens.",
        ) from error


def _read(content: bytes, what: str) -> str:
    word = re.fullmatch(rb"\s*([!-~]{1,%d})\s*" % LONGEST_SECRET, content)
    if word is None:
        raise BadInput(
            f"The file does not hold a {what}: expected one word of up to {LONGEST_SECRET} ASCII signs.",
            means="Nothing was stored.",
        )
    return word[1].decode("ascii")
