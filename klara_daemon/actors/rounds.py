"""Going round: look for the next piece of work in the rows, do it, look again; rest until a bell or a sweep.

This is how an actor works with the world outside. The row says what is to be done, so nothing is lost with a message
or a process, and no message is held while a vendor is being asked.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from klara_daemon import metrics
from klara_daemon.actors.step import COME_BACK_S, sleep_unless
from klara_daemon.store.database import OUTAGE

log = structlog.get_logger()


async def go_round(
    name: str,
    look: Callable[[], Awaitable[bool]],
    bell: asyncio.Event,
    sweep_s: float,
    progress: Callable[[], None],
    stop: asyncio.Event,
) -> None:
    """Call `look` as long as it says there may be more; then rest until `bell`, or `sweep_s` seconds (never longer).

    The bell is a hint and may be missed; the sweep is what nothing escapes. A lost database is waited for. Work that
    fails is offered again when its lease has run out.
    """
    while not stop.is_set():
        progress()
        bell.clear()
        try:
            more = await look()
        except OUTAGE as error:
            log.warning("database_lost", actor=name, cause=type(error).__name__)
            await sleep_unless(stop, COME_BACK_S)
        except Exception:
            metrics.ROUNDS_FAILED.labels(name).inc()
            log.exception("round_failed", actor=name)
            await sleep_unless(stop, COME_BACK_S)
        else:
            if not more:
                await _rest(bell, sweep_s)


async def _rest(bell: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await bell.wait()
