"""The broker inside one process, for the demo and for trying things out: at least once as long as the process lives."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from klara_daemon.broker.carriage import Delivery, Outgoing, Topology


class _Line:
    """One queue: what waits, and a bell for who waits for it."""

    def __init__(self) -> None:
        self.waiting: deque[Delivery] = deque()
        self.in_hand = 0
        self.arrived = asyncio.Event()

    def put(self, delivery: Delivery) -> None:
        self.waiting.append(delivery)
        self.arrived.set()


class _Subscription:
    def __init__(self, line: _Line) -> None:
        self._line = line
        self._taken: list[Delivery] = []

    async def batch(self, limit: int, wait_s: float) -> Sequence[Delivery]:
        line = self._line
        if not line.waiting:
            line.arrived.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await line.arrived.wait()
        self._taken = [line.waiting.popleft() for _ in range(min(limit, len(line.waiting)))]
        line.in_hand += len(self._taken)
        return tuple(self._taken)

    async def done(self) -> None:
        self._line.in_hand -= len(self._taken)
        self._taken = []

    def give_back(self) -> None:
        for delivery in reversed(self._taken):
            self._line.waiting.appendleft(delivery)
        self._line.in_hand -= len(self._taken)
        self._taken = []
        self._line.arrived.set()


class InProcessBroker:
    """Queues in memory, routed as RabbitMQ would route them. What it holds is lost with the process; rows remake it."""

    def __init__(self, topology: Topology) -> None:
        self._lines = {queue.name: _Line() for queue in topology.queues}
        self._lines[topology.dead_queue] = _Line()
        self._routes = {queue.routing_key: self._lines[queue.name] for queue in topology.queues}

    @property
    def idle(self) -> bool:
        """Whether no message waits or is being worked on."""
        return not any(line.waiting or line.in_hand for line in self._lines.values())

    async def prepare(self) -> None:
        """There is always a line."""

    async def publish(self, outgoing: Sequence[Outgoing]) -> Collection[UUID]:
        """Put each message into the queue that its name leads to; a name that leads nowhere is not confirmed."""
        routed = [message for message in outgoing if message.name in self._routes]
        for message in routed:
            self._routes[message.name].put(Delivery(message.id, message.name, message.body))
        return {message.id for message in routed}

    @asynccontextmanager
    async def subscribe(self, queue: str) -> AsyncIterator[_Subscription]:
        """Receive from one queue; what was taken and not done goes back to its head."""
        subscription = _Subscription(self._lines[queue])
        try:
            yield subscription
        finally:
            subscription.give_back()

    async def close(self) -> None:
        """Nothing to let go of."""
