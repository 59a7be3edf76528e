"""How fast one company's Recruitee is asked. No limit is documented, so Klara keeps one of her own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Pace:
    """At most `at_once` requests at a time, `per_second` in the long run, `burst` of them without waiting."""

    def __init__(self, per_second: float, burst: int, at_once: int) -> None:
        self._gap_s = 1 / per_second
        self._ahead_s = (burst - 1) / per_second
        self._places = asyncio.Semaphore(at_once)
        self._due = 0.0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits for a turn, in order of arrival; cancelling while it waits gives up the turn only."""
        async with self._places:
            clock = asyncio.get_running_loop().time
            due, now = max(self._due, clock()), clock()
            self._due = due + self._gap_s
            if (wait_s := due - self._ahead_s - now) > 0:
                await asyncio.sleep(wait_s)
            yield
