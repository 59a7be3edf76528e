"""One durable step on real servers, beside a plain consumer, interleaved; prints ratios.

Aim: 2.5 times as many steps a second, at 40 % of the CPU (worker, Postgres and RabbitMQ together).
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg

from klara_daemon.broker.carriage import Outgoing
from klara_daemon.broker.rabbitmq import RabbitMQ
from klara_daemon.demo.embedded_postgres import EmbeddedPostgres, embedded_postgres
from klara_daemon.messages import encode
from klara_daemon.store.migrations import migrate
from tests.bench.wire import TABLE, TOPOLOGY, Step
from tests.servers.interfaces import PrivateAmqpServer
from tests.servers.session import Servers

MESSAGES = int(os.environ.get("KLARA_BENCH_MESSAGES", "6000"))
ROUNDS = int(os.environ.get("KLARA_BENCH_ROUNDS", "3"))
AIM_STEPS, AIM_CPU = 2.5, 0.4
SAFE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one worker: seconds, and CPU-seconds of the worker, of Postgres and of RabbitMQ."""

    seconds: float
    worker_s: float
    postgres_s: float
    rabbitmq_s: float

    @property
    def steps_per_s(self) -> float:
        """Steps a second."""
        return MESSAGES / self.seconds

    @property
    def cpu_per_10_000(self) -> float:
        """CPU-seconds for 10,000 steps, everybody's."""
        return (self.worker_s + self.postgres_s + self.rabbitmq_s) * 10_000 / MESSAGES


def measure() -> None:
    """Measure both workers in turns and print what they came to."""
    servers = Servers(print)
    with embedded_postgres(settings=SAFE) as postgres:
        try:
            rabbitmq = servers.private_rabbitmq
            print(f"Postgres {postgres.version} with fsync, RabbitMQ {rabbitmq.version}, {os.cpu_count()} cores;")
            print(f"{MESSAGES} messages through one transaction each to the next queue, {ROUNDS} rounds, in turns\n")
            migrate(postgres.url())
            runs: dict[str, list[Measured]] = {"plain": [], "klara": []}
            for nth in range(ROUNDS):
                for which, measured in runs.items():
                    measured.append(_measure(which, postgres, rabbitmq))
                    _print_run(nth, which, measured[-1])
            _print_verdict(runs["plain"], runs["klara"])
        finally:
            servers.end()


def _measure(which: str, postgres: EmbeddedPostgres, rabbitmq: PrivateAmqpServer) -> Measured:
    amqp_url = rabbitmq.fresh_url()
    asyncio.run(prepare(postgres.url(), amqp_url, MESSAGES))
    before = _cpu_s(postgres.pid), _cpu_s(rabbitmq.pid)
    command = [sys.executable, "-m", "tests.bench.workers", which, postgres.url(), amqp_url, str(MESSAGES)]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=300).stdout)
    return Measured(said["seconds"], said["cpu_s"], _cpu_s(postgres.pid) - before[0], _cpu_s(rabbitmq.pid) - before[1])


async def prepare(database_url: str, amqp_url: str, messages: int) -> None:
    """The same start for everybody: no row processed, no table bloated, all messages in the queue."""
    conn = await asyncpg.connect(database_url)
    await conn.execute(TABLE)
    await conn.execute("TRUNCATE bench_rows, processed, outbox")
    await conn.execute("INSERT INTO bench_rows SELECT n, 0 FROM generate_series(1, $1::bigint) n", messages)
    await conn.execute("CHECKPOINT")
    await conn.close()
    broker = RabbitMQ(amqp_url, TOPOLOGY)
    steps = [Outgoing(uuid4(), Step.name, encode(Step(row_id=n)).encode()) for n in range(1, messages + 1)]
    for first in range(0, messages, 500):
        confirmed = await broker.publish(steps[first : first + 500])
        assert len(confirmed) == len(steps[first : first + 500])
    await broker.close()


def _cpu_s(pid: int) -> float:
    """CPU-seconds of a process, its living descendants, and those that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = sum(int(field) for field in fields[11:15]) / TICKS
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(_cpu_s(int(child)) for child in children)


def _print_run(nth: int, which: str, run: Measured) -> None:
    parts = f"worker {run.worker_s:5.1f}  postgres {run.postgres_s:5.1f}  rabbitmq {run.rabbitmq_s:5.1f}"
    print(
        f"round {nth + 1}  {which:<6} {run.steps_per_s:7.0f} steps/s  {run.cpu_per_10_000:6.1f} CPU-s/10,000  ({parts})"
    )


def _print_verdict(plain: list[Measured], klara: list[Measured]) -> None:
    steps = statistics.median(k.steps_per_s / p.steps_per_s for p, k in zip(plain, klara, strict=True))
    cpu = statistics.median(k.cpu_per_10_000 / p.cpu_per_10_000 for p, k in zip(plain, klara, strict=True))
    print(f"\nmedian of the rounds: {steps:.2f} times as many steps a second (aim {AIM_STEPS}),")
    print(f"                      at {cpu:.0%} of the CPU (aim {AIM_CPU:.0%})")
