"""How a process ends: drained on SIGTERM, aloud when an actor is lost, at once when it cannot be run so."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from klara_daemon.app import CLOSE_S
from klara_daemon.config import BadConfig
from klara_daemon.demo.telephone.records import CallRecord
from klara_daemon.flow import Role
from klara_daemon.process import ACTOR_ENDED, STOPPED
from tests.journey.candidates import ERIKA
from tests.journey.daemon_process import VICTIM
from tests.journey.journey import Journey, journey
from tests.journey.town import town
from tests.journey.verdict import judge
from tests.servers.interfaces import PostgresServer

INTERVIEWED: Final = '{"reason": "ended", "disposition": "interviewed"}'


async def call_of_erika(on: Journey) -> CallRecord:
    """The call in which she is just being asked the first question."""
    async with asyncio.timeout(30):
        await on.town.erika_is_asked.wait()
    return on.town.telephone.calls_to(ERIKA.number)[-1]


async def test_a_live_call_ends_in_peace_before_its_process_does(
    database_url: str, amqp_url: str, tmp_path: Path
) -> None:
    async with journey(database_url, amqp_url, tmp_path) as under_test:
        await under_test.begin()
        async with under_test.going():
            call, web = await call_of_erika(under_test), under_test.of(Role.WEB)
            web.signal(signal.SIGTERM)
            assert await web.ended() == STOPPED
            assert (call.sessions, call.handoff) == (1, INTERVIEWED)
            assert await under_test.was_told_the_end_of(call.sid)
            web.start()
        verdict = judge(await under_test.evidence())
        assert verdict.is_clean, str(verdict)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_a_live_call_of_a_web_process_that_goes_is_taken_up_by_another(
    how: signal.Signals, database_url: str, amqp_url: str, tmp_path: Path
) -> None:
    rest = [role for role in Role if role is not Role.WEB]
    no_time_to_drain = {"KLARA_DRAIN_S": f"{CLOSE_S}"}
    async with journey(
        database_url, amqp_url, tmp_path, [Role.WEB], [Role.WEB], rest, **no_time_to_drain
    ) as under_test:
        await under_test.begin()
        async with under_test.going():
            call, first = await call_of_erika(under_test), under_test.of(Role.WEB)
            first.signal(how)
            assert await first.ended() == (STOPPED if how is signal.SIGTERM else -signal.SIGKILL)
        assert (call.sessions, call.handoff) == (2, INTERVIEWED)
        verdict = judge(await under_test.evidence())
        assert verdict.is_clean, str(verdict)


@pytest.mark.parametrize("roles", [*([role] for role in Role), list(Role)], ids="+".join)
async def test_every_process_ends_in_order_when_it_is_asked_to(
    roles: list[Role], database_url: str, amqp_url: str, tmp_path: Path
) -> None:
    async with journey(database_url, amqp_url, tmp_path, roles) as under_test:
        [process] = under_test.daemon
        process.start()
        await process.until_ready()
        process.signal(signal.SIGTERM)
        assert await process.ended() == STOPPED


async def test_a_process_that_waits_for_its_database_ends_in_order_too(
    postgres_server: PostgresServer, amqp_url: str, tmp_path: Path
) -> None:
    nowhere = postgres_server.url("there_is_no_such_database")
    async with journey(nowhere, amqp_url, tmp_path, list(Role)) as under_test:
        [process] = under_test.daemon
        process.start()
        await process.until_ready(503, "database")
        process.signal(signal.SIGTERM)
        assert await process.ended() == STOPPED


@pytest.mark.parametrize("roles", [[Role.WEB], list(Role)], ids=["web", "all"])
async def test_a_process_that_loses_an_actor_ends_and_says_so(
    roles: list[Role], database_url: str, amqp_url: str, tmp_path: Path
) -> None:
    async with journey(database_url, amqp_url, tmp_path, roles) as under_test:
        [process] = under_test.daemon
        process.start()
        await process.until_ready()
        process.signal(signal.SIGUSR1)
        assert await process.ended() == ACTOR_ENDED
        assert f"{VICTIM} ended: cancelled by nobody" in process.last_words()


@pytest.mark.parametrize("roles", [["web"], ["dialer", "call-scheduler"]], ids=" ".join)
async def test_the_broker_within_a_process_is_refused_where_there_are_several(
    roles: list[str], database_url: str, tmp_path: Path
) -> None:
    async with town(database_url, "memory:", tmp_path) as around:
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "klara_daemon", "run", *roles],
            env={**os.environ, **around.environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == BadConfig.exit_status == 78
    assert "KLARA_AMQP_URL is memory:, which carries nothing between processes" in done.stderr
    assert "Traceback" not in done.stderr
