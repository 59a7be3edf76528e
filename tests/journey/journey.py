"""A journey: candidates are moved, time runs and jumps, something is taken away in the middle, all must end well."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Final

import asyncpg

from klara_daemon.flow import Role
from klara_daemon.store import outreaches, unfinished
from klara_daemon.store.database import OUTAGE
from tests.eventually import eventually
from tests.journey.evidence import Evidence, collect, under_way
from tests.journey.forwarding import forwarding
from tests.journey.processes import DaemonProcess, processes
from tests.journey.town import Town, town

LOOK_EVERY_S: Final = 0.05
RING_EVERY_S: Final = 0.5
#: Whoever rests between two sweeps. Sweeps find everything, but a test need not wait five seconds for each.
BELLS: Final = ("due", "dials", "reads", "polls", "hang_ups", "reconciling", "asking", "writebacks", "settings")
ENDS_WITHIN_S: Final = 90.0
LATE_S: Final = 10.0


class Journey:
    """The daemon's processes in their town, and what was under way when something was taken away."""

    def __init__(self, around: Town, daemon: Sequence[DaemonProcess], pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self.town = around
        self.daemon = daemon
        self._pool = pool
        self._interrupted: frozenset[str] = frozenset()
        self._rang_at = 0.0

    def of(self, role: Role) -> DaemonProcess:
        """The process with this role."""
        return next(one for one in self.daemon if role in one.roles)

    async def begin(self) -> None:
        """Set the town up, start everything, and wait until the daemon watches."""
        await self.town.set_up()
        self.start()
        await self.until_watching()

    def start(self) -> None:
        """Start every process."""
        for one in self.daemon:
            one.start()

    async def until_ready(self, status: int = 200, saying: str = "") -> None:
        """Returns when every process answers so when it is asked whether it is ready."""
        for one in self.daemon:
            await one.until_ready(status, saying)

    async def until_watching(self) -> None:
        """Returns when every process is ready, and the daemon has looked once at who is in the stage by now."""
        await self.until_ready()
        await eventually(self._is_watching, within=20)

    async def go(self) -> None:
        """Move everybody, and carry them through to the end."""
        moving = asyncio.create_task(self.town.move_everybody())
        try:
            await eventually(self._is_over, within=ENDS_WITHIN_S, saying="the journey came to its end")
            await moving
            await self.town.telephone.idle()
            await self.town.recruitee.settled()
        except AssertionError as error:
            error.add_note(f"still under way: {sorted(await self._under_way())}")
            raise
        finally:
            moving.cancel()

    @asynccontextmanager
    async def going(self) -> AsyncIterator[None]:
        """Go, while the block does something to it; both have ended when this has, and the first failure ends both."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self.go())
            yield

    async def take_away(self, take: Callable[[], object]) -> None:
        """Kill or stop something, and note what was under way."""
        before = await self._under_way()
        await asyncio.to_thread(take)
        self._interrupted |= before

    async def lines(self) -> int:
        """How far the story has come: how many lines everybody's timelines have."""
        return int(await self._pool.fetchval("SELECT count(*) FROM timeline"))

    async def has_happened(self, event: str) -> bool:
        """Whether something of this name stands in anybody's timeline."""
        return bool(await self._pool.fetchval("SELECT EXISTS (SELECT FROM timeline WHERE event = $1)", event))

    async def was_told_the_end_of(self, ref: str) -> bool:
        """Whether the phone company could tell that this call has ended."""
        question = "SELECT EXISTS (SELECT FROM call_events WHERE ref = $1 AND call_status = 'completed')"
        return bool(await self._pool.fetchval(question, ref))

    async def evidence(self) -> Evidence:
        """What there is to be known about it at the end."""
        left = await self._left_undone()
        async with self._pool.acquire() as conn:
            return await collect(self.town, conn, interrupted=self._interrupted, left=left)

    async def _is_over(self) -> bool:
        """One look: jump when everybody waits for a later time; True when nobody waits any more."""
        try:
            if await self._nothing_to_do():
                if await self._everybody_has_an_end():
                    return True
                await self._jump()
            await self._ring()
        except OUTAGE:
            await self._pool.expire_connections()
        return False

    async def _everybody_has_an_end(self) -> bool:
        return not await self._pool.fetchval("SELECT EXISTS (SELECT FROM outreaches WHERE state <> 'ended')")

    async def _jump(self) -> None:
        async with self._pool.acquire() as conn:
            due_at = await outreaches.next_due_at(conn)
        if due_at is not None:
            self.town.clock.jump_to(due_at)

    async def _nothing_to_do(self) -> bool:
        """Twice in a row, so that nothing is on its way between two tables."""
        for _ in range(2):
            async with self._pool.acquire() as conn:
                arrived = await conn.fetchval("SELECT count(*) FROM outreaches")
                if arrived < len(self.town.people) or not await unfinished.is_idle(conn):
                    return False
            await asyncio.sleep(LOOK_EVERY_S)
        return True

    async def _ring(self) -> None:
        if monotonic() - self._rang_at > RING_EVERY_S:
            self._rang_at = monotonic()
            await self._pool.execute("SELECT pg_notify('klara_bell', bell) FROM unnest($1::text[]) bell", list(BELLS))

    async def _is_watching(self) -> bool:
        async with self._pool.acquire() as conn:
            return await unfinished.is_watching(conn)

    async def _left_undone(self) -> frozenset[str]:
        """What is under way and stays so: Recruitee tells of our own moves too, and those readings come late."""
        waiting = await self._under_way()

        async def are_done() -> bool:
            return not waiting & await self._under_way()

        with contextlib.suppress(AssertionError):
            await eventually(are_done, within=LATE_S)
        return waiting & await self._under_way()

    async def _under_way(self) -> frozenset[str]:
        async with self._pool.acquire() as conn:
            return await under_way(conn)


@asynccontextmanager
async def journey(
    database_url: str, amqp_url: str, folder: Path, *role_sets: Sequence[Role], **variables: str
) -> AsyncIterator[Journey]:
    """A town and a daemon that is not started: one process for each role, unless said otherwise."""
    async with (
        town(database_url, amqp_url, folder) as around,
        asyncpg.create_pool(database_url, min_size=0, max_size=3, timeout=5, command_timeout=10) as pool,
    ):
        with processes(
            role_sets or [[role] for role in Role],
            environment={**around.environment, **variables},
            clock=around.clock_file,
            folder=folder,
        ) as daemon:
            async with forwarding(around.public_port, *(one.web_port for one in daemon if Role.WEB in one.roles)):
                yield Journey(around, daemon, pool)
