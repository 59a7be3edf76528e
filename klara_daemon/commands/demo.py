"""`klara-daemon demo`: the whole story on embedded parts; the daemon in it is the daemon."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys

import aiohttp
import click
import structlog

from klara_daemon.app import TOPOLOGY, Daemon
from klara_daemon.broker.in_process import InProcessBroker
from klara_daemon.demo.story import play, verdict
from klara_daemon.demo.world import World, world
from klara_daemon.flow import Role
from klara_daemon.recruitee.client import Limits
from klara_daemon.telephony.floor import Timing

COMPLETE_WITHIN_S = 60.0


@click.command()
@click.option("--once", is_flag=True, help="End when the story is complete.")
@click.option("--verbose", is_flag=True, help="Show the daemon's log as well.")
def demo(*, once: bool, verbose: bool) -> None:
    """Run the whole story on embedded parts, with candidates who behave differently."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO if verbose else logging.CRITICAL)
    )
    sys.exit(asyncio.run(_demo(once=once)))


async def _demo(*, once: bool) -> int:
    click.echo("Starting a Postgres, a small Recruitee, a small telephone network, and the daemon ...")
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with world() as around, aiohttp.ClientSession() as session:
        broker = InProcessBroker(TOPOLOGY)
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
            return await _tell(around, broker, running, stop, once=once)
        finally:
            halt.set()
            await running


async def _tell(
    around: World, broker: InProcessBroker, running: asyncio.Task[None], stop: asyncio.Event, *, once: bool
) -> int:
    click.echo(f"  Recruitee, with its pipelines and notes:  {around.recruitee.url}/")
    click.echo(f"  telephone network, with its calls:        {around.telephone.url}/")
    story = asyncio.create_task(play(around, lambda: broker.idle, click.echo, stop))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(COMPLETE_WITHIN_S if once else None):
            await asyncio.wait([story, running], return_when=asyncio.FIRST_COMPLETED)
    if not story.done():
        story.cancel()
        click.echo("\nThe story did not come to its end.")
        return 1
    await story
    wrong = [] if stop.is_set() else await verdict(around)
    for fault in wrong:
        click.echo(f"NOT AS IT MUST BE: {fault}")
    if not wrong and not stop.is_set():
        click.echo("\nThe story is complete, and everybody ended where they must.")
    if not once and not stop.is_set():
        click.echo("Look at the pages above; Ctrl-C ends it.")
        await stop.wait()
    return 1 if wrong else 0
