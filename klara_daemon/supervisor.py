"""Starts the actors, watches that each makes progress, and stops them in order.

An actor that ends while nobody asked it to, in whatever way, ends the process: half a daemon looks healthy and forgets
people. The service manager starts it again, and starting is always recovery.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic

import structlog

from klara_daemon import metrics

log = structlog.get_logger()

Progress = Callable[[], None]

ABANDON_S = 5.0


@dataclass(frozen=True, slots=True)
class Actor:
    """Something that runs until it is asked to stop. `patience_s`: without progress for longer it counts as stuck.

    Actors of a later `phase` are stopped after all of an earlier one have ended.
    """

    name: str
    run: Callable[[Progress, asyncio.Event], Awaitable[None]]
    patience_s: float = 60.0
    phase: int = 0


class ActorEnded(Exception):
    """An actor ended although nobody asked it to."""


class Supervisor:
    """Runs a set of actors as one: all of them, or none."""

    def __init__(self, actors: Sequence[Actor], wake: Callable[[], None]) -> None:
        self._actors = actors
        self._wake = wake
        self._progress: dict[str, float] = {}
        self._is_stopping = False

    def stuck(self) -> list[str]:
        """The actors that have made no progress for longer than their patience.

        None before they are started, and none while they stop: for that they have their time.
        """
        if self._is_stopping:
            return []
        now = monotonic()
        return [actor.name for actor in self._actors if now - self._progress.get(actor.name, now) > actor.patience_s]

    async def run(self, stop: asyncio.Event, drain_s: float) -> None:
        """Run until `stop`, then let each phase end in its time. Raises `ActorEnded`."""
        phases = sorted({actor.phase for actor in self._actors})
        stops = {phase: asyncio.Event() for phase in phases}
        tasks = {self._start(actor, stops[actor.phase]): actor for actor in self._actors}
        try:
            await self._until(stop, tasks)
            self._is_stopping = True
            for phase in phases:
                stops[phase].set()
                self._wake()
                await self._end([task for task, actor in tasks.items() if actor.phase == phase], drain_s)
        finally:
            await self._abandon(tasks)

    def _start(self, actor: Actor, stop: asyncio.Event) -> asyncio.Task[None]:
        def progress() -> None:
            self._progress[actor.name] = monotonic()
            metrics.ACTOR_LAST_PROGRESS.labels(actor.name).set_to_current_time()

        async def run() -> None:
            await actor.run(progress, stop)

        progress()
        return asyncio.create_task(run(), name=actor.name)

    async def _until(self, stop: asyncio.Event, tasks: dict[asyncio.Task[None], Actor]) -> None:
        async def stop_asked() -> None:
            await stop.wait()

        stopping = asyncio.create_task(stop_asked(), name="stopping")
        try:
            done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        for task in done - {stopping}:
            raise ActorEnded(f"{tasks[task].name} ended: {_how(task)}") from _error(task)

    async def _end(self, tasks: Sequence[asyncio.Task[None]], within_s: float) -> None:
        if not tasks:
            return
        done, late = await asyncio.wait(tasks, timeout=within_s)
        for task in done:
            if error := _error(task):
                log.error("actor_failed_while_stopping", actor=task.get_name(), exc_info=error)
        for task in late:
            log.warning("actor_did_not_stop", actor=task.get_name(), within_s=within_s)

    async def _abandon(self, tasks: dict[asyncio.Task[None], Actor]) -> None:
        left = [task for task in tasks if not task.done()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=ABANDON_S)


def _error(task: asyncio.Task[None]) -> BaseException | None:
    return None if task.cancelled() else task.exception()


def _how(task: asyncio.Task[None]) -> str:
    if task.cancelled():
        return "cancelled by nobody"
    return repr(task.exception()) if task.exception() else "returned"
