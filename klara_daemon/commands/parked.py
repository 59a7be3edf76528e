"""`klara-daemon parked`: messages that could not be handled: look at them, replay them, drop them."""

from __future__ import annotations

from uuid import uuid4

import click

from klara_daemon.commands.ending import BadInput, run
from klara_daemon.commands.instants import instant
from klara_daemon.config import Config
from klara_daemon.domain.dialogue.speakable import one_line
from klara_daemon.flow import FLOW
from klara_daemon.store import outbox
from klara_daemon.store.outbox import Parked
from klara_daemon.store.session import session

_NUMBER = click.argument("number", type=click.IntRange(1, 2**63 - 1))
_LONGEST_REASON = 100


@click.group("parked")
def group() -> None:
    """Messages that could not be handled, with the reason."""


@group.command("list")
def list_() -> None:
    """One line each, oldest first."""
    run(_list())


@group.command()
@_NUMBER
def show(number: int) -> None:
    """One of them, whole."""
    run(_show(number))


@group.command()
@_NUMBER
def replay(number: int) -> None:
    """Send it once more, after its cause was mended."""
    run(_replay(number))


@group.command()
@_NUMBER
def drop(number: int) -> None:
    """Settle it without sending it; its row stays."""
    run(_drop(number))


async def _list() -> None:
    waiting = await _waiting()
    for one in waiting:
        reason = one_line(one.reason)[:_LONGEST_REASON]
        click.echo(f"{one.id:>6}  {instant(one.parked_at)}  {one.queue}  {one_line(one.name)}  {reason}")
    click.echo(f"{len(waiting)} parked." if waiting else "Nothing is parked.")


async def _show(number: int) -> None:
    one = next((one for one in await _waiting() if one.id == number), None)
    if one is None:
        raise _not_there(number)
    click.echo(f"queue:   {one.queue}")
    click.echo(f"message: {_visible(one.name)} {one.message_id or 'without an id'}")
    click.echo(f"parked:  {instant(one.parked_at)}")
    click.echo(f"reason:  {_visible(one.reason)}")
    click.echo(f"body:    {_visible(one.body)}")


async def _replay(number: int) -> None:
    config = Config.from_env().require("database_url")
    async with session(config.database_url) as conn, conn.transaction():
        one = await outbox.settle(conn, number, "replayed")
        if one is None:
            raise _not_there(number)
        name = next((leg.message.name for leg in FLOW if leg.queue == one.queue), one.name)
        if all(leg.message.name != name for leg in FLOW):
            raise BadInput(
                f"Message {number} is of a kind that no actor of this version handles: {name!r}.",
                means="It stays parked.",
                remedy=f"Drop it with `klara-daemon parked drop {number}` if it is not needed.",
            )
        await outbox.send_again(conn, uuid4(), name, one.body)
    click.echo(f"Message {number} is on its way again.")


async def _drop(number: int) -> None:
    config = Config.from_env().require("database_url")
    async with session(config.database_url) as conn:
        if await outbox.settle(conn, number, "dropped") is None:
            raise _not_there(number)
    click.echo(f"Message {number} is settled; it will not be sent.")


async def _waiting() -> list[Parked]:
    config = Config.from_env().require("database_url")
    async with session(config.database_url) as conn:
        return await outbox.parked(conn)


def _not_there(number: int) -> BadInput:
    return BadInput(f"No message {number} is parked.", remedy="`klara-daemon parked list` shows those that are.")


def _visible(text: str) -> str:
    """The whole text, with what steers a terminal written out."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
