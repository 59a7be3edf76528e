"""All actors run, or none: whoever ends unasked ends them all; they are watched, and stopped in order, in time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

import pytest

from klara_daemon import metrics
from klara_daemon import supervisor as supervision
from klara_daemon.supervisor import Actor, ActorEnded, Progress, Supervisor
from tests.eventually import eventually

Run = Callable[[Progress, asyncio.Event], Awaitable[None]]
SOON: Final = 5.0


async def until_stopped(_: Progress, stop: asyncio.Event) -> None:
    await stop.wait()


async def never(_: Progress, __: asyncio.Event) -> None:
    await asyncio.Event().wait()


def noting(name: str, ended: list[str]) -> Run:
    """An actor that notes when it ends, also when it is cancelled."""

    async def run(_: Progress, stop: asyncio.Event) -> None:
        try:
            await stop.wait()
        finally:
            ended.append(name)

    return run


def supervisor(*actors: Actor) -> Supervisor:
    return Supervisor(actors, lambda: None)


async def returns(_: Progress, __: asyncio.Event) -> None:
    await asyncio.sleep(0)


async def raises(_: Progress, __: asyncio.Event) -> None:
    raise LookupError("no such stage")


async def is_cancelled_by_nobody(_: Progress, __: asyncio.Event) -> None:
    raise asyncio.CancelledError


async def raises_at_once_what_is_no_exception_of_ours(_: Progress, __: asyncio.Event) -> None:
    raise ExceptionGroup("several", [ValueError("one")])


@pytest.mark.parametrize(
    ("run", "how"),
    [
        (returns, "returned"),
        (raises, "LookupError('no such stage')"),
        (is_cancelled_by_nobody, "cancelled by nobody"),
        (raises_at_once_what_is_no_exception_of_ours, "ExceptionGroup('several', [ValueError('one')])"),
    ],
)
async def test_an_actor_that_ends_unasked_ends_them_all_and_is_named(run: Run, how: str) -> None:
    ended: list[str] = []
    actors = supervisor(Actor("sibling", noting("sibling", ended)), Actor("victim", run))
    async with asyncio.timeout(SOON):
        with pytest.raises(ActorEnded) as raised:
            await actors.run(asyncio.Event(), drain_s=60)
    assert str(raised.value) == f"victim ended: {how}"
    assert ended == ["sibling"]
    assert not [task for task in asyncio.all_tasks() if task.get_name() in {"sibling", "victim", "stopping"}]


async def test_the_error_of_an_actor_is_the_cause() -> None:
    with pytest.raises(ActorEnded) as raised:
        await supervisor(Actor("victim", raises)).run(asyncio.Event(), 1)
    assert isinstance(raised.value.__cause__, LookupError)


async def test_phases_stop_one_after_the_other() -> None:
    ended: list[str] = []
    slowly = asyncio.Event()

    async def drains(_: Progress, stop: asyncio.Event) -> None:
        await stop.wait()
        await slowly.wait()
        ended.append("drained")

    stop, woken = asyncio.Event(), asyncio.Event()
    actors = Supervisor(
        [
            Actor("relay", noting("relay", ended), phase=1),
            Actor("web", drains),
            Actor("dialer", noting("dialer", ended)),
            Actor("last", noting("last", ended), phase=2),
        ],
        woken.set,
    )
    running = asyncio.create_task(actors.run(stop, drain_s=SOON))
    await asyncio.sleep(0)
    assert not woken.is_set()
    stop.set()
    await eventually(lambda: ended == ["dialer"])
    assert woken.is_set(), "who rests is woken, to see that it is to stop"
    assert not running.done()
    slowly.set()
    async with asyncio.timeout(SOON):
        await running
    assert ended == ["dialer", "drained", "relay", "last"]


async def test_an_actor_that_hangs_holds_the_rest_no_longer_than_its_time() -> None:
    ended: list[str] = []
    stop = asyncio.Event()
    stop.set()
    began = monotonic()
    await supervisor(Actor("hangs", never), Actor("relay", noting("relay", ended), phase=1)).run(stop, drain_s=0.2)
    assert 0.2 <= monotonic() - began < 2
    assert ended == ["relay"]


async def test_an_actor_that_does_not_even_heed_cancelling_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "ABANDON_S", 0.1)
    let_go = asyncio.Event()

    async def stubborn(_: Progress, __: asyncio.Event) -> None:
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue

    stop = asyncio.Event()
    stop.set()
    async with asyncio.timeout(SOON):
        await supervisor(Actor("stubborn", stubborn)).run(stop, drain_s=0.05)
    let_go.set()
    await eventually(lambda: not [task for task in asyncio.all_tasks() if task.get_name() == "stubborn"])


async def test_an_error_while_stopping_keeps_nobody_from_stopping() -> None:
    ended: list[str] = []

    async def fails_late(_: Progress, stop: asyncio.Event) -> None:
        await stop.wait()
        raise LookupError

    stop = asyncio.Event()
    stop.set()
    await supervisor(Actor("fails", fails_late), Actor("relay", noting("relay", ended), phase=1)).run(stop, SOON)
    assert ended == ["relay"]


async def test_an_actor_without_progress_counts_as_stuck_until_it_goes_on() -> None:
    beat = asyncio.Event()

    async def beats(progress: Progress, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await beat.wait()
            beat.clear()
            progress()

    stop = asyncio.Event()
    patient, hasty = Actor("patient", never, patience_s=60), Actor("hasty", beats, patience_s=0.3)
    actors = supervisor(patient, hasty)
    assert actors.stuck() == [], "nobody is stuck before the start"
    running = asyncio.create_task(actors.run(stop, drain_s=0.2))
    await asyncio.sleep(0)
    assert actors.stuck() == []
    await eventually(lambda: actors.stuck() == ["hasty"])
    beat.set()
    await eventually(lambda: actors.stuck() == [])
    stop.set()
    beat.set()
    await running


async def test_nobody_is_stuck_while_live_calls_are_let_end() -> None:
    async def drains(_: Progress, stop: asyncio.Event) -> None:
        await stop.wait()
        await asyncio.sleep(0.5)

    stop = asyncio.Event()
    ends_at_once = Actor("dialer", until_stopped, patience_s=0.1)
    actors = supervisor(Actor("web", drains, patience_s=0.1), ends_at_once)
    running = asyncio.create_task(actors.run(stop, drain_s=SOON))
    await asyncio.sleep(0)
    stop.set()
    seen = set()
    while not running.done():
        seen |= set(actors.stuck())
        await asyncio.sleep(0.05)
    assert seen == set()


async def test_the_last_progress_of_each_actor_is_a_metric() -> None:
    stop = asyncio.Event()
    stop.set()
    await supervisor(Actor("an-actor-of-this-test", until_stopped)).run(stop, 1)
    assert (
        'klara_actor_last_progress_timestamp_seconds{actor="an-actor-of-this-test"} 1' in metrics.exposition().decode()
    )
