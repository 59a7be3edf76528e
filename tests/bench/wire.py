"""The messages and queues that both workers share."""

from __future__ import annotations

from klara_daemon.broker.carriage import Queue, Topology
from klara_daemon.messages import Message


class Step(Message):
    """A row is to be stepped on."""

    name = "bench_step"
    row_id: int


class Stepped(Message):
    """A row was stepped on."""

    name = "bench_stepped"
    row_id: int


FROM = Queue("klara.bench.step", Step.name)
TO = Queue("klara.bench.stepped", Stepped.name)
TOPOLOGY = Topology((FROM, TO))
TABLE = "CREATE TABLE IF NOT EXISTS bench_rows (id bigint PRIMARY KEY, steps bigint NOT NULL)"
