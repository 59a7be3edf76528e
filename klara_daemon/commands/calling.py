"""`klara-daemon calling`: call nobody for now, of one company or of every one; go on; show how calling stands."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from time import monotonic

import click

from klara_daemon.commands.ending import run
from klara_daemon.commands.instants import instant
from klara_daemon.commands.which_company import ONE_OR_EVERY, must_be_known
from klara_daemon.commands.who_and_why import WHO, WHY
from klara_daemon.config import Config
from klara_daemon.domain.dialogue.speakable import one_line
from klara_daemon.errors import KlaraError
from klara_daemon.store import calls, pauses, trunks
from klara_daemon.store.calls import Attempt
from klara_daemon.store.database import Connection
from klara_daemon.store.pauses import EVERY_COMPANY, CallingPause
from klara_daemon.store.session import session

LOOK_EVERY_S = 1.0
TELL_EVERY_S = 10.0


class ResumedMeanwhile(KlaraError):
    """Somebody ended the pause while another waited for the calls to end."""


@click.group("calling")
def group() -> None:
    """Pause calling, and go on."""


@group.command()
@ONE_OR_EVERY
@WHY
@WHO
@click.option("--wait", is_flag=True, help="Return only when no call is under way any more.")
def pause(company_id: int | None, why: str, who: str, wait: bool) -> None:
    """Let no call begin until `resume`; those that ring already go on."""
    run(_pause(company_id, who, why))
    if not wait:
        return
    try:
        run(_wait(company_id))
    except KeyboardInterrupt:
        click.echo("Not waited to the end: calls may be under way. Calling stays paused.", err=True)
        sys.exit(1)


@group.command()
@ONE_OR_EVERY
@WHO
def resume(company_id: int | None, who: str) -> None:
    """Call again. Without a company it also frees trunks that are paused or on trial."""
    run(_resume(company_id, who))


@group.command()
def show() -> None:
    """Say what is paused, and which calls are under way."""
    run(_show())


async def _pause(company_id: int | None, who: str, why: str) -> None:
    async with _connection() as conn:
        if company_id is not None:
            await must_be_known(conn, company_id)
        is_news = await pauses.pause(conn, company_id or EVERY_COMPANY, who, why)
        before = await _standing(conn, company_id or EVERY_COMPANY)
    if is_news:
        click.echo(f"Calling is paused for {_whose(company_id)}. Calls that are under way go on.")
    else:
        click.echo(f"Calling was paused for {_whose(company_id)} before{_told(before)}. Nothing was changed.")


async def _wait(company_id: int | None) -> None:
    """Until no call is under way, saying how many are whenever that changes, and now and then."""
    told: tuple[int, float] | None = None
    async with _connection() as conn:
        while number := len(await calls.under_way(conn, company_id)):
            if await pauses.reason(conn, company_id or EVERY_COMPANY) is None:
                raise ResumedMeanwhile("Somebody resumed calling meanwhile.", means="Calls may begin at any time.")
            if told is None or told[0] != number or monotonic() - told[1] >= TELL_EVERY_S:
                click.echo(f"Waiting for {_counted(number, 'call')} to end.")
                told = number, monotonic()
            await asyncio.sleep(LOOK_EVERY_S)
    click.echo("No call is under way.")


async def _resume(company_id: int | None, who: str) -> None:
    async with _connection() as conn, conn.transaction():
        freed = await trunks.resume(conn) if company_id is None else []
        was_paused = await pauses.resume(conn, company_id or EVERY_COMPANY, who)
        if company_id is not None and not was_paused:
            await must_be_known(conn, company_id)
        left = await pauses.pauses(conn)
    over = f"The pause of {_whose(company_id)} is over."
    click.echo(over if was_paused else f"Calling was not paused for {_whose(company_id)}.")
    for provider in freed:
        click.echo(f"Trunk {provider} is free again: its pause is over, and what failed before counts no more.")
    for one in _still(company_id, left):
        click.echo(one)


def _still(company_id: int | None, left: Sequence[CallingPause]) -> Iterator[str]:
    """What goes on to hold calls back that a person may believe to have freed."""
    for one in left:
        if one.company_id == EVERY_COMPANY:
            yield f"The pause of every company still holds{_told(one)}. `klara-daemon calling resume` ends it."
        elif company_id is None:
            resume = f"klara-daemon calling resume --company {one.company_id}"
            yield f"Company {one.company_id} is still paused{_told(one)}. `{resume}` ends it."


async def _show() -> None:
    async with _connection() as conn:
        standing, paused = await pauses.pauses(conn), await trunks.paused(conn)
        live = await calls.under_way(conn)
    for one in standing:
        click.echo(f"Calling is paused for {_whose(one.company_id or None)}{_told(one)}.")
    if not standing:
        click.echo("Calling is not paused.")
    for provider, because in paused:
        click.echo(f"Trunk {provider} is paused, or tried with single calls after a pause: {one_line(because)}")
    click.echo(f"{_counted(len(live), 'call')} under way{':' if live else '.'}")
    for attempt in live:
        click.echo(_line(attempt))


def _line(attempt: Attempt) -> str:
    since = f", placed {instant(attempt.placed_at)}" if attempt.placed_at else ""
    whose = f"company {attempt.company_id}, candidate {attempt.candidate_id}"
    return f"  {whose}, call {attempt.number}: {attempt.state}{since}"


def _connection() -> AbstractAsyncContextManager[Connection]:
    return session(Config.from_env().require("database_url").database_url)


async def _standing(conn: Connection, company_id: int) -> CallingPause | None:
    return next((one for one in await pauses.pauses(conn) if one.company_id == company_id), None)


def _whose(company_id: int | None) -> str:
    return "every company" if company_id is None else f"company {company_id}"


def _told(one: CallingPause | None) -> str:
    """Since when, by whom and why, to be put behind a sentence."""
    return f", since {instant(one.paused_at)} by {one_line(one.who)}: {one_line(one.why)}" if one else ""


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
