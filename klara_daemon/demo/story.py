"""Lets the demo's story happen: moves everybody, drives the clock, and says at the end whether it went as it must."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from klara_daemon.demo.narrator import Narrator
from klara_daemon.demo.world import COMPANY, INTERVIEW, OFFER, World
from klara_daemon.domain.dispositions import Outcome
from klara_daemon.store import outreaches, unfinished

LOOK_EVERY_S = 0.05
PING_EVERY_S = 0.2


async def play(world: World, is_idle: Callable[[], bool], say: Callable[[str], None]) -> None:
    """Move everybody, then let time run, and jump whenever nothing is left to be done before the next call is due.

    Returns when nobody is to be called any more.
    """
    narrator = Narrator(world, say)
    await _until_watched(world)
    async with asyncio.TaskGroup() as tasks:
        moving = tasks.create_task(world.move_everybody())
        while True:
            await narrator.tell_news()
            if moving.done() and await _nothing_to_do(world, is_idle):
                async with world.database.connection() as conn:
                    due_at = await outreaches.next_due_at(conn)
                if due_at is not None:
                    _jump(world, due_at)
                elif narrator.has_met_everybody:
                    break
            await asyncio.sleep(LOOK_EVERY_S)
    await narrator.tell_news()


async def _until_watched(world: World) -> None:
    """Nobody is moved before the webhook's ping is answered, and the daemon has looked at the stage once.

    Who is there by then was there already, and is not called.
    """
    while True:
        if await world.recruitee.ping(COMPANY) == 200:
            break
        await asyncio.sleep(PING_EVERY_S)
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
    for candidate_id, person in world.candidates.items():
        outcome = ended.get(candidate_id, "not at all")
        calls = len(world.telephone.calls_to(person.number))
        notes = len(world.recruitee.notes_of(candidate_id))
        stage_id = world.recruitee.stage_of(candidate_id, OFFER)
        checks = {
            f"ended {outcome}, not {person.outcome}": outcome == person.outcome,
            f"was rung {calls} times, not {person.calls}": calls == person.calls,
            f"has {notes} notes, not 1": notes == 1,
            f"stands in “{world.name_of_stage(stage_id)}”": (stage_id == INTERVIEW)
            == (person.outcome is Outcome.COMPLETED),
        }
        wrong += [f"{person.name} {fault}" for fault, holds in checks.items() if not holds]
    return wrong
