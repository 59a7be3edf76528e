"""`klara-daemon settings`: a company's settings as one JSON document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import BinaryIO

import click

from klara_daemon.commands.ending import BadInput, run
from klara_daemon.commands.rehearsing import rehearse
from klara_daemon.commands.which_company import COMPANY
from klara_daemon.commands.who_and_why import WHO
from klara_daemon.config import Config
from klara_daemon.domain.faults import Fault
from klara_daemon.domain.replanning import Moves
from klara_daemon.domain.settings import LONGEST_DOCUMENT, BadSettings, SettingsDocument, parse, to_json
from klara_daemon.errors import KlaraError
from klara_daemon.store import companies, settings
from klara_daemon.store.session import session
from klara_daemon.store.settings_rows import Difference


@click.group("settings")
def group() -> None:
    """Read and write a company's settings."""


@group.command()
@click.argument("file", type=click.File("rb"))
@WHO
@click.option("--dry-run", is_flag=True, help="Change nothing; say what would change, and which calls would move.")
def apply(file: BinaryIO, who: str, *, dry_run: bool) -> None:
    """Make the JSON document FILE (- for standard input) the whole of its company's settings."""
    content = file.read(LONGEST_DOCUMENT + 1)
    run(_rehearse(content, who) if dry_run else _apply(content, who))


@group.command()
@COMPANY
def show(company_id: int) -> None:
    """Print a company's settings as the JSON document that `apply` reads."""
    run(_show(company_id))


async def _apply(content: bytes, who: str) -> None:
    document = _read(content)
    config = Config.from_env().require("database_url")
    company_id = document.company.recruitee_company_id
    async with session(config.database_url) as conn:
        changes = await settings.apply(conn, document, who)
        has_token = await companies.has_token(conn, company_id)
    click.echo(_told(document, changes))
    if not has_token:
        remedy = f"klara-daemon company add --company {company_id} --token-file PATH"
        click.echo(f"It has no Recruitee token and calls nobody yet. Store one with `{remedy}`.", err=True)


async def _rehearse(content: bytes, who: str) -> None:
    document = _read(content)
    config = Config.from_env().require("database_url")
    async with session(config.database_url) as conn:
        rehearsal = await rehearse(conn, document, who, datetime.now(UTC))
    click.echo(_told(document, rehearsal.changes, "Would save"))
    click.echo(_moves_told(rehearsal.moves))
    click.echo("Nothing was changed.")


def _moves_told(moves: Moves) -> str:
    """What becomes of those who wait; the lines that a careful person looks for first."""
    counts = [
        (moves.moved, "calls move"),
        (moves.to_today, "of them come today instead of later"),
        (moves.held, "are held: the settings would allow them no call"),
        (moves.freed, "are held no longer"),
        (moves.ended, "end: nobody is called any more"),
    ]
    told = [f"Of {moves.asked} who wait for a call:", *(f"  {number} {what}" for number, what in counts)]
    return "\n".join(told)


def _read(content: bytes) -> SettingsDocument:
    try:
        return parse(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise _bad([Fault("document", "must be UTF-8 text")]) from None
    except BadSettings as bad:
        raise _bad(bad.faults) from None


def _bad(faults: Sequence[Fault]) -> BadInput:
    return BadInput(
        "The settings document cannot be used:\n" + _listed(faults),
        means="Nothing was changed.",
        remedy="Mend what is named and apply it again; docs/settings.md says what may stand where.",
    )


def _listed(faults: Sequence[Fault]) -> str:
    return "\n".join(f"  {fault}" for fault in faults)


def _told(document: SettingsDocument, changes: Sequence[Difference], done: str = "Saved") -> str:
    company = document.company
    if not changes:
        return f"Nothing to change: {company.name} ({company.recruitee_company_id}) is set as the document says."
    lines = [f"{done} the settings of {company.name} ({company.recruitee_company_id}):"]
    for change in changes:
        counts = {"added": len(change.added), "changed": len(change.changed), "removed": len(change.removed)}
        told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        lines.append(f"  {change.table.name}: {told}")
    return "\n".join(lines)


async def _show(company_id: int) -> None:
    config = Config.from_env().require("database_url")
    async with session(config.database_url) as conn:
        stored = await settings.stored(conn, company_id)
    if stored is None:
        raise BadInput(
            f"Company {company_id} has no settings.", remedy="Write them with `klara-daemon settings apply FILE`."
        )
    try:
        click.echo(to_json(parse(json.dumps(stored))))
    except BadSettings as bad:
        click.echo(json.dumps(stored, ensure_ascii=False, indent=2))
        raise KlaraError(
            f"The settings of company {company_id} hold what no document may hold:\n{_listed(bad.faults)}",
            means="Another program has written the tables.",
            remedy="Mend what is named, there or by applying a document.",
        ) from None
