"""The interface of the broker: what is sent, what is received, and what a lost line looks like."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


class BrokerLost(Exception):
    """The broker cannot be reached, or the line to it broke. What was under way may or may not have arrived."""


@dataclass(frozen=True, slots=True)
class Queue:
    """One durable queue and the routing key that leads into it."""

    name: str
    routing_key: str


@dataclass(frozen=True, slots=True)
class Topology:
    """The exchange and the queues; the same in every process."""

    queues: tuple[Queue, ...]
    exchange: str = "klara"
    dead_exchange: str = "klara.dead"
    dead_queue: str = "klara.dead"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be sent. `id` is what receivers tell doubles by."""

    id: UUID
    name: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as received. `id` is None, and `name` may be empty, when a stranger sent it."""

    id: UUID | None
    name: str
    body: bytes


class Subscription(Protocol):
    """Deliveries of one queue, in batches; each batch is done before the next is taken."""

    async def batch(self, limit: int, wait_s: float) -> Sequence[Delivery]:
        """Up to `limit` of the messages that are there; none after `wait_s` without any. Raises `BrokerLost`."""

    async def done(self) -> None:
        """Acknowledge all that the last batch held. It may come again all the same. Raises `BrokerLost`."""


class Broker(Protocol):
    """Carries messages at least once. The broker is never the only place where a candidate exists."""

    async def prepare(self) -> None:
        """Have a line to publish on, before anything is locked for it. Raises `BrokerLost`."""

    async def publish(self, outgoing: Sequence[Outgoing]) -> Collection[UUID]:
        """Send, and return the ids that the broker confirmed; the rest is unknown. Raises `BrokerLost`."""

    def subscribe(self, queue: str) -> AbstractAsyncContextManager[Subscription]:
        """Receive from one queue; leaving gives back what was not done. Raises `BrokerLost`."""

    async def close(self) -> None:
        """Let go of the line."""
