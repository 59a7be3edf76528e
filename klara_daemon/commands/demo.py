"""`klara-daemon demo`: the whole story on embedded parts; the daemon in it is the daemon."""

from __future__ import annotations

import asyncio
import signal
import sys

import click

from klara_daemon import log
from klara_daemon.app import TOPOLOGY, Daemon, http_session
from klara_daemon.broker.in_process import InProcessBroker
from klara_daemon.commands.ending import run
from klara_daemon.demo.private_server import ServerFailed
from klara_daemon.demo.story import play, verdict
from klara_daemon.demo.world import World, world
from klara_daemon.errors import KlaraError
from klara_daemon.flow import Role
from klara_daemon.recruitee.client import Limits
from klara_daemon.store.migrations import MigrationFailed
from klara_daemon.supervisor import ActorEnded
from klara_daemon.telephony.floor import Timing

COMPLETE_WITHIN_S = 60.0


@click.command()
@click.option("--once", is_flag=True, help="End when the story is complete.")
@click.option("--verbose", is_flag=True, help="Show the daemon's log as well.")
def demo(*, once: bool, verbose: bool) -> None:
    """Run the whole story on embedded parts; nobody is really called."""
    log.configure("console", "info" if verbose else "critical")
    sys.exit(run(_demo(once=once)))


class Interrupted(Exception):
    """It was interrupted before it had begun."""


class Interruption:
    """Ctrl-C or SIGTERM: how a demo ends that was not asked to end by itself."""

    def __init__(self) -> None:
        self.came = asyncio.Event()
        self._signal = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._take, number)

    def _take(self, number: int) -> None:
        self._signal = number
        self.came.set()

    def say(self, line: str) -> None:
        """Say how far it is. Raises `Interrupted`."""
        if self.came.is_set():
            raise Interrupted
        click.echo(line)

    def status(self, *, once: bool) -> int:
        """0 where that is the way to end it; else as a shell says it of a program that a signal ended."""
        return 128 + self._signal if once else 0


async def _demo(*, once: bool) -> int:
    interruption = Interruption()
    try:
        async with world(interruption.say) as around:
            return await _run_daemon(around, interruption, once=once)
    except Interrupted:
        return interruption.status(once=once)
    except (ServerFailed, MigrationFailed) as error:
        if interruption.came.is_set():  # a terminal's Ctrl-C is for everybody in front of it
            return interruption.status(once=once)
        raise KlaraError(f"The demo's own Postgres cannot be had: {error}") from error


async def _run_daemon(around: World, interruption: Interruption, *, once: bool) -> int:
    broker = InProcessBroker(TOPOLOGY)
    async with http_session() as session:
        daemon = Daemon(
            around.config,
            list(Role),
            around.database,
            broker,
            session,
            timing=Timing().with_fast_voice(silence_s=3),
            limits=Limits(per_second=50, burst=50),
        )
        halt = asyncio.Event()
        running = asyncio.create_task(daemon.run(halt))
        try:
            return await _tell(around, broker, running, interruption, once=once)
        finally:
            halt.set()
            await asyncio.wait([running])


async def _tell(
    around: World, broker: InProcessBroker, running: asyncio.Task[None], interruption: Interruption, *, once: bool
) -> int:
    stop = asyncio.create_task(interruption.came.wait())
    story = asyncio.create_task(play(around, lambda: broker.idle, click.echo))
    within_s = COMPLETE_WITHIN_S if once else None
    done, late = await asyncio.wait([story, running, stop], timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    if story in late:
        story.cancel()
        await asyncio.wait([story])
    if stop in done:
        click.echo("\nStopped.")
        return interruption.status(once=once)
    if running in done:
        raise _actor_ended(running)
    if story in late:
        click.echo(f"\nThe story did not come to its end within {within_s:.0f} s.")
        return 1
    await story
    return await _conclude(around, stop, once=once)


async def _conclude(around: World, stop: asyncio.Task[bool], *, once: bool) -> int:
    wrong = await verdict(around)
    for fault in wrong:
        click.echo(f"NOT AS IT MUST BE: {fault}")
    if not wrong:
        click.echo("\nThe story is complete, and everybody ended where they must.")
    if not once:
        click.echo("Look at the pages named above; Ctrl-C ends it.")
        await stop
    return 1 if wrong else 0


def _actor_ended(running: asyncio.Task[None]) -> KlaraError:
    cause = running.exception()
    ended = str(cause) if isinstance(cause, ActorEnded) else repr(cause)
    return KlaraError(f"The daemon ended by itself: {ended}.", remedy="`--verbose` shows its log.")
