"""Going round: as long as there is more, then a rest until a bell or the sweep; nothing that fails ends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest

from klara_daemon.actors import rounds
from tests.eventually import eventually

FOR_EVER_S = 3600.0
Result = bool | Exception


class Work:
    """Gives one result after another, then says that there is nothing more."""

    def __init__(self, *results: Result) -> None:
        self.looked = 0
        self._results = list(results)

    async def look(self) -> bool:
        """Look for work."""
        self.looked += 1
        result = self._results.pop(0) if self._results else False
        if isinstance(result, Exception):
            raise result
        return result


@asynccontextmanager
async def going_round(work: Work, bell: asyncio.Event, sweep_s: float) -> AsyncIterator[Callable[[], int]]:
    """An actor that goes round; how often it has shown progress."""
    stop, seen = asyncio.Event(), [0]

    def progress() -> None:
        seen[0] += 1

    task = asyncio.create_task(rounds.go_round("test", work.look, bell, sweep_s, progress, stop))
    try:
        yield lambda: seen[0]
    finally:
        stop.set()
        bell.set()
        async with asyncio.timeout(5):
            await task


async def test_it_looks_again_as_long_as_there_is_more() -> None:
    work = Work(True, True, True)
    async with going_round(work, asyncio.Event(), FOR_EVER_S):
        await eventually(lambda: work.looked == 4)


async def test_a_bell_wakes_it_and_one_that_rang_while_it_looked_is_not_lost() -> None:
    bell = asyncio.Event()

    class Ringing(Work):
        async def look(self) -> bool:
            """Ring the bell while looking for the first time."""
            if not self.looked:
                bell.set()
            return await super().look()

    work = Ringing()
    async with going_round(work, bell, FOR_EVER_S):
        await eventually(lambda: work.looked == 2)
        bell.set()
        await eventually(lambda: work.looked == 3)


async def test_without_a_bell_it_sweeps() -> None:
    work = Work()
    async with going_round(work, asyncio.Event(), 0.01) as progress:
        await eventually(lambda: work.looked > 3)
        assert progress() >= work.looked


@pytest.mark.parametrize(
    "failure", [ZeroDivisionError(), OSError(), asyncpg.ConnectionDoesNotExistError(), TimeoutError()]
)
async def test_what_fails_is_looked_at_again(failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "COME_BACK_S", 0.01)
    work = Work(failure, failure, True)
    async with going_round(work, asyncio.Event(), FOR_EVER_S):
        await eventually(lambda: work.looked == 4)


async def test_it_stops_when_it_is_asked_to_and_not_in_the_middle() -> None:
    inside, go_on, stop = asyncio.Event(), asyncio.Event(), asyncio.Event()
    finished = False

    async def look() -> bool:
        nonlocal finished
        inside.set()
        await go_on.wait()
        finished = True
        return True

    task = asyncio.create_task(rounds.go_round("test", look, asyncio.Event(), FOR_EVER_S, lambda: None, stop))
    await inside.wait()
    stop.set()
    go_on.set()
    async with asyncio.timeout(5):
        await task
    assert finished
