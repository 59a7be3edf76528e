"""One process of the daemon as a journey runs it.

It is the command line's `run`, but it lives by the test's business clock, hears voices that take no time, does not
wait for minutes for the dead, and dies with the test that started it. SIGUSR1 cancels one of its actors, as aio-pika
once did when the heartbeat was lost.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from klara_daemon import log, process
from klara_daemon.actors.patience import Patience
from klara_daemon.commands.ending import run
from klara_daemon.config import Config
from klara_daemon.domain.dispositions import AttemptState
from klara_daemon.flow import Role
from klara_daemon.recruitee.client import Limits
from klara_daemon.telephony.floor import Timing
from tests.journey.business_clock import BusinessClock

VICTIM: Final = "outbox-relay"
PATIENCE: Final = Patience(
    reading_s=4,
    dialling_s=6,
    writing_back_s=8,
    claimed_s=6,
    placing_s=4,
    absent_s=11,
    silent_s={
        AttemptState.UNCLEAR: 0.5,
        AttemptState.PLACED: 8,
        AttemptState.RINGING: 4,
        AttemptState.TALKING: 6,
    },
    ask_again_s=2,
    news_s=2,
    parting_s=1.5,
)


def main(roles: Sequence[Role], environment: Mapping[str, str], clock: Path, log_file: Path) -> None:
    """Run these roles with this environment until the end; what is said goes to the file. Ends the process."""
    said = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(said, sys.stdout.fileno())
    os.dup2(said, sys.stderr.fileno())
    sys.exit(run(_run(list(roles), environment, BusinessClock(clock))))


async def _run(roles: list[Role], environment: Mapping[str, str], clock: BusinessClock) -> int:
    config = Config.from_env(environment).check_roles(roles)
    log.configure(config.log_format, config.log_level)
    loop = asyncio.get_running_loop()
    if test := multiprocessing.parent_process():
        loop.add_reader(test.sentinel, os.kill, os.getpid(), signal.SIGKILL)
    loop.add_signal_handler(signal.SIGUSR1, _cancel_an_actor)
    return await process.run(
        config,
        roles,
        clock.now,
        timing=Timing().with_fast_voice(silence_s=3),
        limits=Limits(per_second=50, burst=50),
        patience=PATIENCE,
    )


def _cancel_an_actor() -> None:
    next(task for task in asyncio.all_tasks() if task.get_name() == VICTIM).cancel()
