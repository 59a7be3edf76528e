"""Which company a command is about: its option, and the words for one that nobody knows here."""

from __future__ import annotations

import click

from klara_daemon.commands.ending import BadInput
from klara_daemon.store import health
from klara_daemon.store.database import Connection

_ID = click.IntRange(1, 999_999_999_999)

COMPANY = click.option("--company", "company_id", type=_ID, required=True, help="Recruitee's company id.")
ONE_OR_EVERY = click.option(
    "--company", "company_id", type=_ID, help="Recruitee's company id.  [default: every company]"
)


async def must_be_known(conn: Connection, company_id: int) -> None:
    """Raise `BadInput` for a company that has neither settings nor secrets here."""
    if company_id not in await health.known_companies(conn):
        raise BadInput(
            f"Company {company_id} has neither settings nor secrets here.",
            means="Nothing was changed.",
            remedy="Check the id; write settings with `klara-daemon settings apply FILE`.",
        )
