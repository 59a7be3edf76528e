"""RabbitMQ or Postgres go away in the middle and come back: it costs nothing but time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.journey.journey import Journey, journey
from tests.journey.verdict import judge
from tests.servers.interfaces import PrivateAmqpServer, PrivatePostgresServer, StopMode


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
async def test_a_restart_of_rabbitmq_costs_nothing_but_time(
    kill: bool, database_url: str, private_amqp_server: PrivateAmqpServer, tmp_path: Path
) -> None:
    async with journey(database_url, private_amqp_server.fresh_url(), tmp_path) as under_test:
        await go_without(under_test, "broker", lambda: private_amqp_server.stop(kill=kill), private_amqp_server.start)
        verdict = judge(await under_test.evidence())
        assert verdict.is_clean, str(verdict)
        assert verdict.recovered, "nothing was interrupted: this run shows nothing"


@pytest.mark.parametrize("mode", ["immediate", "kill"])
async def test_a_restart_of_postgres_costs_nothing_but_time(
    mode: StopMode,
    private_database_url: str,
    private_postgres_server: PrivatePostgresServer,
    amqp_url: str,
    tmp_path: Path,
) -> None:
    async with journey(private_database_url, amqp_url, tmp_path) as under_test:
        await go_without(
            under_test, "database", lambda: private_postgres_server.stop(mode), private_postgres_server.start
        )
        evidence = await under_test.evidence()
        told_to_come_again = [problem for problem in evidence.problems if problem.startswith("HTTP 503")]
        problems = [problem for problem in evidence.problems if problem not in told_to_come_again]
        verdict = judge(replace(evidence, problems=problems))
        assert verdict.is_clean, str(verdict)
        assert verdict.recovered, "nothing was interrupted: this run shows nothing"


async def go_without(under_test: Journey, what: str, stop: Callable[[], None], start: Callable[[], None]) -> None:
    """Carry everybody through; while some speak, what is needed goes away until every process has said so."""
    await under_test.begin()
    before = [one.pid for one in under_test.daemon]
    async with under_test.going():
        async with asyncio.timeout(30):
            await under_test.town.erika_is_asked.wait()
        await under_test.take_away(stop)
        await under_test.until_ready(503, what)
        await asyncio.to_thread(start)
        await under_test.until_ready()
    assert [(one.pid, one.status) for one in under_test.daemon] == [(pid, None) for pid in before]
