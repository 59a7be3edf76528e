"""Hears notifications and rings this process's bells. A notification is a hint: each bell has a sweep behind it.

A LISTEN connection can go deaf without a word (half-open line, frozen backend), so it is asked for a sign of life, and
replaced when there is none; every bell rings after each new beginning, since something may have been missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import asyncpg
import structlog

from klara_daemon.store.database import OUTAGE, Bells

BELL_CHANNEL = "klara_bell"
SETTINGS_CHANNEL = "klara_settings"
SIGN_OF_LIFE_EVERY_S = 10.0
SIGN_OF_LIFE_WITHIN_S = 2.0
CONNECT_S = 5.0
COME_BACK_S = 1.0

log = structlog.get_logger()


async def listen(url: str, bells: Bells, progress: Callable[[], None], stop: asyncio.Event) -> None:
    """Listen until `stop`, on a connection of its own, made again whenever it is lost or deaf."""
    while not stop.is_set():
        progress()
        try:
            await _listen_once(url, bells, progress, stop)
        except OUTAGE as error:
            log.warning("listening_lost", cause=type(error).__name__)
            await _rest(stop, COME_BACK_S)


async def _listen_once(url: str, bells: Bells, progress: Callable[[], None], stop: asyncio.Event) -> None:
    conn = await asyncpg.connect(url, timeout=CONNECT_S, server_settings={"application_name": "klara-daemon listening"})
    try:
        await conn.add_listener(BELL_CHANNEL, lambda *heard: bells.ring(str(heard[3])))
        await conn.add_listener(SETTINGS_CHANNEL, lambda *_: bells.ring("settings"))
        bells.ring_all()
        while not stop.is_set():
            progress()
            await _rest(stop, SIGN_OF_LIFE_EVERY_S)
            async with asyncio.timeout(SIGN_OF_LIFE_WITHIN_S):
                await conn.execute("SELECT 1")
    finally:
        conn.terminate()


async def _rest(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
