"""One role is killed with SIGKILL at its worst moment and at a random one, and started again: it costs only time."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import pytest

from klara_daemon.demo.telephone.api import Fault
from klara_daemon.domain.dispositions import Disposition
from klara_daemon.flow import Role
from tests.eventually import eventually
from tests.journey.candidates import NOT_THERE_AT_FIRST, PEOPLE
from tests.journey.daemon_process import PATIENCE
from tests.journey.journey import Journey, journey
from tests.journey.processes import DaemonProcess
from tests.journey.town import PACE
from tests.journey.verdict import judge

Moment = Callable[[Journey], Awaitable[object]]

#: The seeds of the random moments; more of them for a longer look.
SEEDS: Final = range(int(os.environ.get("KLARA_TEST_JOURNEY_SEEDS", "1")))
#: Later than the first question about a lost dial, sooner than it counts as never placed.
LISTED_AFTER_S: Final = (PATIENCE.placing_s + PATIENCE.absent_s) / 2
#: An undisturbed journey has more lines than this.
LINES_AT_LEAST: Final = 60


async def candidate_is_being_read(on: Journey) -> None:
    """The stage watcher waits for Recruitee's answer about somebody who has just been moved."""
    on.town.recruitee.faults.fail_next(r"GET .*/candidates/\d+$", "hang")
    await on.town.recruitee.faults.hanging.wait()


async def call_has_ended(on: Journey) -> None:
    """What follows on a call is being planned."""
    await eventually(lambda: on.has_happened("call_ended"), within=30)


async def dials_are_not_answered(on: Journey) -> None:
    """Requests are out and telephones ring: no answer has come, no news will, and the list of calls is late."""
    on.town.telephone.dial_faults.extend([(Fault.LATE, True)] * len(PEOPLE))
    on.town.telephone.callback_faults.lost = frozenset({"initiated", "ringing", "no-answer"})
    on.town.telephone.listed_after_s = LISTED_AFTER_S / PACE
    await eventually(lambda: on.town.telephone.calls_to(NOT_THERE_AT_FIRST.number), within=30)


async def dial_goes_nowhere(on: Journey) -> None:
    """The request is out, the answer has not come, and nothing will ever ring."""
    on.town.telephone.dial_faults.append((Fault.HANGS, False))
    await eventually(lambda: on.town.telephone.dials, within=30)


async def people_are_speaking(on: Journey) -> None:
    """Somebody is about to answer the first question."""
    await on.town.erika_is_asked.wait()


async def note_was_taken(on: Journey) -> None:
    """Recruitee has taken a note, and its answer has not come."""
    on.town.recruitee.faults.fail_next(r"POST .*/notes$", "hang", after_effect=True)
    await on.town.recruitee.faults.hanging.wait()


async def move_was_made(on: Journey) -> None:
    """Recruitee has moved somebody, and its answer has not come."""
    on.town.recruitee.faults.fail_next(r"PATCH .*/change_stage$", "hang", after_effect=True)
    await on.town.recruitee.faults.hanging.wait()


WORST: Final[list[tuple[Role, Moment]]] = [
    (Role.STAGE_WATCHER, candidate_is_being_read),
    (Role.CALL_SCHEDULER, call_has_ended),
    (Role.DIALER, dials_are_not_answered),
    (Role.DIALER, dial_goes_nowhere),
    (Role.WEB, people_are_speaking),
    (Role.ATS_WRITEBACK, note_was_taken),
    (Role.ATS_WRITEBACK, move_was_made),
]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("role", "moment"), WORST, ids=[f"{role}-{moment.__name__}" for role, moment in WORST])
async def test_a_role_killed_in_the_middle_costs_nothing_but_time(
    role: Role, moment: Moment, seed: int, database_url: str, amqp_url: str, tmp_path: Path
) -> None:
    chance = random.Random(f"{seed} {role} {moment.__name__}")  # noqa: S311 - a moment is no secret
    async with journey(database_url, amqp_url, tmp_path) as under_test:
        await under_test.begin()
        async with under_test.going():
            async with asyncio.timeout(30):
                await moment(under_test)
            await kill_and_start_again(under_test, role)
            await random_moment(under_test, chance)
            await kill_and_start_again(under_test, role)
        verdict = judge(await under_test.evidence())
        assert verdict.is_clean, str(verdict)
        assert verdict.recovered, "nothing was interrupted: this run shows nothing"


async def test_the_loss_of_all_processes_at_once_costs_nothing_but_time(
    database_url: str, amqp_url: str, tmp_path: Path
) -> None:
    async with journey(database_url, amqp_url, tmp_path) as under_test:
        await under_test.begin()
        async with under_test.going():
            async with asyncio.timeout(30):
                await people_are_speaking(under_test)
            await under_test.take_away(lambda: kill_all(under_test.daemon))
            under_test.start()
        verdict = judge(await under_test.evidence())
        assert verdict.is_clean, str(verdict)
        assert verdict.recovered, "nothing was interrupted: this run shows nothing"


async def test_a_talk_that_nobody_was_there_to_take_up_again_is_nobodys_hanging_up(
    database_url: str, amqp_url: str, tmp_path: Path
) -> None:
    async with journey(database_url, amqp_url, tmp_path) as under_test:
        await under_test.begin()
        async with under_test.going():
            async with asyncio.timeout(30):
                await people_are_speaking(under_test)
            await under_test.take_away(under_test.of(Role.WEB).kill)
            await under_test.town.telephone.idle()
            under_test.of(Role.WEB).start()
        evidence = await under_test.evidence()
        verdict = judge(evidence)
        assert verdict.is_clean, str(verdict)
        assert Disposition.TECHNICAL_FAILURE in {attempt.disposition for attempt in evidence.attempts}


def kill_all(daemon: Sequence[DaemonProcess]) -> None:
    """As when a machine loses its power."""
    for one in daemon:
        one.signal(signal.SIGKILL)
    for one in daemon:
        one.kill()


async def kill_and_start_again(under_test: Journey, role: Role) -> None:
    """SIGKILL in the middle of whatever it does; the service manager starts it again."""
    await under_test.take_away(under_test.of(role).kill)
    under_test.of(role).start()


async def random_moment(under_test: Journey, chance: random.Random) -> None:
    """Some lines further in the story, and some milliseconds more."""
    lines = min(await under_test.lines() + chance.randrange(1, 30), LINES_AT_LEAST)

    async def has_come_so_far() -> bool:
        return await under_test.lines() >= lines

    await eventually(has_come_so_far, within=60)
    await asyncio.sleep(chance.uniform(0, 0.1))
