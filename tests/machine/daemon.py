"""The daemon, driven by hand: each actor does one thing when told to, in one of two processes, and may die at it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from klara_daemon.actors.call_sender import CallSender
from klara_daemon.actors.circuit_breaker import CircuitBreaker
from klara_daemon.actors.dialer import Dialer, Later, Reading
from klara_daemon.actors.elapsed import Clocks
from klara_daemon.actors.step import Step
from klara_daemon.broker.carriage import Delivery
from klara_daemon.flow import FLOW
from klara_daemon.messages import (
    CallProgressed,
    CancelCall,
    OutreachEnded,
    PlaceCall,
    PlanOutreach,
    StayChanged,
    WebhookAccepted,
)
from klara_daemon.store import outbox
from klara_daemon.store.database import Database
from klara_daemon.store.outreaches import Outreach
from tests.actors.scene import ACCOUNT, AUTH_TOKEN, PUBLIC_URL
from tests.machine.wire import Killed, MortalProvider
from tests.machine.world import World

CALLS_AT_ONCE = 3
Look = Callable[[], Awaitable[object]]


class Post:
    """The broker in small: a queue for each message, from which it is delivered, doubled or lost."""

    def __init__(self, world: World, handlers: dict[type, Callable[[Any, Any], Awaitable[None]]]) -> None:
        self._database = world.database
        self._steps = {
            leg.message.name: Step[Any](world.database, leg.queue, leg.message, handlers[leg.message]) for leg in FLOW
        }
        self._queues: dict[str, list[Delivery]] = {name: [] for name in self._steps}
        self.carried: list[tuple[str, Delivery]] = []

    async def relay(self) -> bool:
        """What is in the outbox is in its queues; whether anything waits there."""
        async with self._database.transaction() as tx:
            rows = await outbox.take(tx.conn, 1000)
            for row in rows:
                self._queues[row.name].append(Delivery(row.id, row.name, row.body.encode()))
            await outbox.remove(tx.conn, [row.seq for row in rows])
        return any(self._queues.values())

    def waiting(self) -> list[str]:
        """The queues in which something waits."""
        return [name for name, queue in self._queues.items() if queue]

    async def deliver(self, name: str, at_most: int) -> None:
        """The oldest messages of one queue are handled, in one batch."""
        batch, self._queues[name] = self._queues[name][:at_most], self._queues[name][at_most:]
        if batch:
            await self._steps[name].take(batch)
            self.carried += [(name, delivery) for delivery in batch]

    async def deliver_all(self) -> None:
        """Everything is handled, and what follows from it."""
        while await self.relay():
            for name in self._queues:
                await self.deliver(name, 64)

    async def deliver_again(self, nth: int) -> bool:
        """One of the messages that have been handled comes once more."""
        if not self.carried:
            return False
        name, delivery = self.carried[nth % len(self.carried)]
        await self._steps[name].take([delivery])
        return True

    async def lose(self) -> int:
        """The broker loses everything; how much that was."""
        await self.relay()
        lost = sum(map(len, self._queues.values()))
        self._queues = {name: [] for name in self._queues}
        return lost


@dataclass(frozen=True, slots=True)
class Claim:
    """A call that one of the dialers has claimed and not sent yet: it waits for its slot."""

    sender: CallSender
    outreach_id: UUID
    attempt_id: UUID
    read_at: Clocks


class SlowSender:
    """Stands between a dialer and its sender: what was claimed may be sent at once, later, or never."""

    def __init__(self, sender: CallSender) -> None:
        self._sender = sender
        self.waits = False
        self.claims: list[Claim] = []

    async def send(self, outreach_id: UUID, attempt_id: UUID, read_at: Clocks) -> None:
        """Send it, or keep it for later."""
        if self.waits:
            self.claims.append(Claim(self._sender, outreach_id, attempt_id, read_at))
        else:
            await self._sender.send(outreach_id, attempt_id, read_at)


class SlowDialer(Dialer):
    """A dialer to which anything may happen between its reading and its claim."""

    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def _read(self, outreach: Outreach, tries: int) -> Reading | Later:
        reading = await super()._read(outreach, tries)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return reading


class Hand:
    """One dialer in a process of its own, with its way to the phone company."""

    def __init__(self, world: World, database: Database) -> None:
        scene = world.scene
        self.provider = MortalProvider(
            scene.session,
            account_sid=ACCOUNT,
            auth_token=AUTH_TOKEN,
            base_url=scene.telephone.url,
            public_url=PUBLIC_URL,
            timeout_s=2,
        )
        self.dialer = SlowDialer(
            database,
            scene.client,
            scene.door,
            self.provider,
            calls_at_once=CALLS_AT_ONCE,
            calls_per_second=10_000,
            patience=scene.patience,
        )
        self.sender = SlowSender(self.dialer._sender)
        self.dialer._sender = self.sender  # type: ignore[assignment]

    async def dial(self) -> bool:
        """Carry the next dial as far as it goes; whether there was one."""
        try:
            return await self.dialer.dial_one()
        except Killed:
            return True

    async def claim(self) -> bool:
        """Carry it up to the claim: it waits for its slot."""
        self.sender.waits = True
        try:
            return await self.dial()
        finally:
            self.sender.waits = False


class Daemon:
    """Two processes of every actor."""

    def __init__(self, world: World, other_database: Database) -> None:
        self._world = world
        scene = world.scene
        self.hands = (Hand(world, scene.database), Hand(world, other_database))
        self.breaker = CircuitBreaker(scene.database)
        self.post = Post(
            world,
            {
                WebhookAccepted: scene.watcher.on_webhook_accepted,
                StayChanged: scene.scheduler.on_stay_changed,
                PlaceCall: self.hands[0].dialer.on_place_call,
                CancelCall: scene.listener.on_cancel_call,
                CallProgressed: scene.listener.on_call_progressed,
                PlanOutreach: scene.scheduler.on_plan_outreach,
                OutreachEnded: scene.writeback.on_outreach_ended,
            },
        )
        self.looks: dict[str, Look] = {
            "read": scene.read,
            "watched stages": scene.watcher.follow_settings,
            "replanning": scene.scheduler.follow_settings,
            "handing out": scene.scheduler.hand_out_due,
            "forgotten": scene.scheduler.find_forgotten,
            "sweep": scene.reconciler.sweep,
            "asking": scene.reconciler.look_at_one,
            "hanging up": self.hang_up,
            "breaker": self.breaker.look,
            "writing back": scene.writeback.write_one,
            "polling": scene.watcher.poll_one,
            "polling all": scene.poll,
        }

    @property
    def claims(self) -> list[Claim]:
        """The calls that wait for their slots."""
        return [claim for hand in self.hands for claim in hand.sender.claims]

    async def hang_up(self) -> None:
        """Whoever is to be hung up on is hung up on."""
        while await self._world.scene.reconciler.hang_up_one():
            await self._world.telephone.let_klara_hang_up()

    async def send(self, claim: Claim) -> None:
        """A claimed call has its slot."""
        for hand in self.hands:
            if claim in hand.sender.claims:
                hand.sender.claims.remove(claim)
        with contextlib.suppress(Killed):
            await claim.sender.send(claim.outreach_id, claim.attempt_id, claim.read_at)

    def die(self) -> int:
        """Both dialers are killed while their calls wait for slots; how many did."""
        dead = len(self.claims)
        for hand in self.hands:
            hand.sender.claims.clear()
        return dead

    async def work(self) -> None:
        """Everybody does what there is to be done at this moment."""
        scene = self._world.scene
        for look in ("watched stages", "replanning"):
            await self.looks[look]()
        while await scene.watcher.poll_one():
            pass
        await scene.read()
        await self.post.deliver_all()
        for look in ("sweep", "hanging up", "forgotten", "breaker"):
            await self.looks[look]()
        while await scene.reconciler.look_at_one():
            pass
        await self.call_all()

    async def write_back(self) -> None:
        """All that is owed to Recruitee is paid."""
        while await self._world.scene.writeback.write_one():
            pass

    async def call_all(self) -> None:
        """Whoever is due is called; nothing else happens but that messages are delivered."""
        await self.looks["handing out"]()
        await self.post.deliver_all()
        await self.dial_all()
        await self.post.deliver_all()

    async def both_dial(self) -> None:
        """Two processes dial at the same time."""
        await asyncio.gather(*(hand.dial() for hand in self.hands))

    async def dial_all(self) -> None:
        """The dialers take turns until nothing is due."""
        nth = 0
        while await self.hands[nth % 2].dial():
            nth += 1
