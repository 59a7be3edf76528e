"""How fast one company's Recruitee is asked."""

from __future__ import annotations

import asyncio

from klara_daemon.recruitee.pace import Pace


async def _starts(pace: Pace, turns: int) -> list[float]:
    loop = asyncio.get_running_loop()
    starts: list[float] = []

    async def one() -> None:
        async with pace.turn():
            starts.append(loop.time())

    await asyncio.gather(*(one() for _ in range(turns)))
    return [start - starts[0] for start in starts]


async def test_a_burst_goes_at_once_and_then_one_at_a_time() -> None:
    starts = await _starts(Pace(per_second=20, burst=4, at_once=8), 8)
    assert max(starts[:4]) < 0.04
    assert all(start >= (place - 3) * 0.05 - 0.005 for place, start in enumerate(starts[4:], start=4))


async def test_no_more_than_so_many_at_once() -> None:
    pace, inside, most = Pace(per_second=10_000, burst=10_000, at_once=3), 0, 0

    async def one() -> None:
        nonlocal inside, most
        async with pace.turn():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(one() for _ in range(20)))
    assert (most, inside) == (3, 0)


async def test_who_gives_up_while_waiting_gives_the_place_back() -> None:
    pace = Pace(per_second=0.001, burst=1, at_once=1)
    async with pace.turn():
        pass
    waiting = asyncio.create_task(_starts(pace, 1))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert not pace._places.locked()
