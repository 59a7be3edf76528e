"""Tells the demo's story as it happens, drives its clock, and says at the end whether it went as it must."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from klara_daemon.demo.people import PEOPLE
from klara_daemon.demo.world import BERLIN, COMPANY, INTERVIEW, OFFER, World
from klara_daemon.domain.dispositions import Outcome
from klara_daemon.domain.telling import tell
from klara_daemon.store import outreaches, timeline, unfinished

LOOK_EVERY_S = 0.05
LATE_COMMITS = 200
QUIET_LINES = frozenset({"call_claimed", "outreach_opened"})


class Narrator:
    """Prints each new line of everybody's timeline once, in words."""

    def __init__(self, world: World, say: Callable[[str], None]) -> None:
        self._world = world
        self._say = say
        self._told: set[int] = set()
        self._day = ""

    async def tell_news(self) -> None:
        """Tell what has happened since the last time. Lines may be committed out of order: look back a little."""
        async with self._world.database.connection() as conn:
            lines = await timeline.after(conn, max(self._told, default=0) - LATE_COMMITS, 1000)
        for line in lines:
            if line.id not in self._told:
                self._told.add(line.id)
                if line.event not in QUIET_LINES:
                    self._say_line(line)

    def _say_line(self, line: timeline.Line) -> None:
        at = line.at.astimezone(BERLIN)
        day = f"{at:%A, %d %B}"
        if day != self._day:
            self._say(f"\n{day}")
            self._day = day
        name = self._world.candidates.get(line.candidate_id, str(line.candidate_id))
        self._say(f"  {at:%H:%M}  {name:<18} {tell(line.event, line.details, BERLIN)}")


async def play(world: World, is_idle: Callable[[], bool], say: Callable[[str], None], stop: asyncio.Event) -> None:
    """Move everybody, then let time run, and jump whenever nothing is left to be done before the next call is due.

    Returns when the story is complete, or when `stop` is set.
    """
    narrator = Narrator(world, say)
    await _until_watched(world)
    moving = asyncio.create_task(world.move_everybody())
    while not stop.is_set():
        await narrator.tell_news()
        if moving.done() and await _nothing_to_do(world, is_idle):
            async with world.database.connection() as conn:
                due_at = await outreaches.next_due_at(conn)
            if due_at is None:
                await narrator.tell_news()
                break
            _jump(world, due_at)
        await asyncio.sleep(LOOK_EVERY_S)
    await moving


async def _until_watched(world: World) -> None:
    """Nobody is moved before the daemon has looked at the stage once: who is there by then was there already."""
    while True:
        async with world.database.connection() as conn:
            if await unfinished.is_watching(conn):
                return
        await asyncio.sleep(LOOK_EVERY_S)


async def _nothing_to_do(world: World, is_idle: Callable[[], bool]) -> bool:
    """Twice in a row, so that nothing is on its way between two tables."""
    for _ in range(2):
        if not is_idle():
            return False
        async with world.database.connection() as conn:
            if not await unfinished.is_idle(conn):
                return False
        await asyncio.sleep(LOOK_EVERY_S)
    return True


def _jump(world: World, due_at: datetime) -> None:
    world.clock.jump_to(due_at)
    world.database.bells.ring("due")


async def verdict(world: World) -> list[str]:
    """What is not as it must be at the end of the story; empty when all is well."""
    wrong = [f"two calls at once: {first.to}" for first, _ in world.telephone.overlaps] + world.telephone.problems
    async with world.database.connection() as conn:
        ended = await outreaches.outcomes(conn, COMPANY)
    for candidate_id, person in zip(world.candidates, PEOPLE, strict=True):
        calls = len(world.telephone.calls_to(person.number)) or (person.outcome is Outcome.UNCALLABLE)
        stage = world.recruitee.stage_of(candidate_id, OFFER)
        notes = world.recruitee.notes_of(candidate_id)
        checks = {
            f"ended as {ended.get(candidate_id)}, not {person.outcome}": ended.get(candidate_id) is person.outcome,
            f"was called {calls} times, not {person.calls}": calls == person.calls,
            f"has {len(notes)} notes, not 1": len(notes) == 1,
            f"stands in stage {stage}": (stage == INTERVIEW) == (person.outcome is Outcome.COMPLETED),
        }
        wrong += [f"{person.name} {fault}" for fault, holds in checks.items() if not holds]
    return wrong
