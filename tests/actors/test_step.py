"""The durable step: done once, poison stands alone, what cannot be read is set aside, an outage keeps the batch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from klara_daemon.actors import dead_letters as dead_letters_module
from klara_daemon.actors import step as step_module
from klara_daemon.actors.dead_letters import collect_dead_letters
from klara_daemon.actors.outbox_relay import OutboxRelay
from klara_daemon.actors.step import Step, serve
from klara_daemon.app import TOPOLOGY
from klara_daemon.broker.carriage import BrokerLost, Delivery, Outgoing
from klara_daemon.broker.in_process import InProcessBroker
from klara_daemon.demo.private_server import free_port
from klara_daemon.flow import leg_of
from klara_daemon.messages import CancelCall, PlanOutreach, encode
from klara_daemon.store.database import OUTAGE, Database, Transaction
from tests.actors.scene import Scene
from tests.eventually import eventually

QUEUE = leg_of(PlanOutreach).queue


class Handler:
    """Remembers what it was given and sends something on; fails for those it is told to."""

    def __init__(self) -> None:
        self.batches: list[list[UUID]] = []
        self.poison: set[UUID] = set()

    async def __call__(self, tx: Transaction, messages: Sequence[PlanOutreach]) -> None:
        """Handle a batch."""
        ids = [message.outreach_id for message in messages]
        self.batches.append(ids)
        for outreach_id in ids:
            tx.send(CancelCall(attempt_id=outreach_id, because="handled"))
        if self.poison & set(ids):
            raise ZeroDivisionError("in the handler")


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (step_module, dead_letters_module):
        monkeypatch.setattr(module, "WAIT_S", 0.05)


@pytest.fixture
def handler() -> Handler:
    """What is done with the messages."""
    return Handler()


@pytest.fixture
def step(scene: Scene, handler: Handler) -> Step[PlanOutreach]:
    """The step."""
    return Step(scene.database, QUEUE, PlanOutreach, handler)


def delivery(outreach_id: UUID | None = None, *, id_: UUID | None = None, body: bytes | None = None) -> Delivery:
    """A message as received."""
    text = body if body is not None else encode(PlanOutreach(outreach_id=outreach_id or uuid4())).encode()
    return Delivery(id_ or uuid4(), PlanOutreach.name, text)


async def _parked(scene: Scene) -> list[dict[str, Any]]:
    return await scene.rows("SELECT * FROM parked ORDER BY id")


async def _sent(scene: Scene) -> int:
    return len(await scene.waiting_messages())


async def test_a_batch_is_one_transaction(scene: Scene, step: Step[PlanOutreach], handler: Handler) -> None:
    await step.take([delivery() for _ in range(5)])
    assert [len(batch) for batch in handler.batches] == [5]
    assert await _sent(scene) == 5


async def test_a_message_seen_twice_changes_nothing(scene: Scene, step: Step[PlanOutreach], handler: Handler) -> None:
    first, second = delivery(), delivery()
    await step.take([first, first])
    await step.take([second, first])
    await step.take([first, second])
    assert [len(batch) for batch in handler.batches] == [1, 1]
    assert await _sent(scene) == 2


async def test_the_same_message_on_another_queue_is_another(scene: Scene, handler: Handler) -> None:
    message = delivery()
    for queue in ("one", "two"):
        await Step(scene.database, queue, PlanOutreach, handler).take([message])
    assert len(handler.batches) == 2


async def test_a_stranger_without_an_id_is_taken_each_time(step: Step[PlanOutreach], handler: Handler) -> None:
    message = Delivery(None, "", encode(PlanOutreach(outreach_id=uuid4())).encode())
    await step.take([message])
    await step.take([message])
    assert len(handler.batches) == 2


async def test_poison_stands_alone(scene: Scene, step: Step[PlanOutreach], handler: Handler) -> None:
    bad, good = uuid4(), [uuid4(), uuid4()]
    handler.poison = {bad}
    batch = [delivery(good[0]), delivery(bad), delivery(good[1])]
    await step.take(batch)
    assert handler.batches[1:] == [[good[0]], [bad], [good[1]]]
    assert await _sent(scene) == 2
    [parked] = await _parked(scene)
    assert (parked["queue"], parked["message_id"], parked["name"]) == (QUEUE, batch[1].id, "plan_outreach")
    assert parked["reason"] == "ZeroDivisionError: in the handler"
    assert str(bad) in parked["body"]

    await step.take(batch)
    assert len(await _parked(scene)) == 1, "parked once"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not a plan_outreach message"),
        (b"\xff\x00{", "not a plan_outreach message"),
        (b"{}", "outreach_id: Field required"),
        (b'{"outreach_id": 7}', "not a plan_outreach message"),
        (
            b'{"v": 2, "outreach_id": "1b27e5d5-211d-4cbd-83ce-312be82f14b5"}',
            "plan_outreach of version 2; this daemon reads version 1",
        ),
    ],
)
async def test_what_cannot_be_read_is_set_aside_with_the_reason(
    scene: Scene, step: Step[PlanOutreach], handler: Handler, body: bytes, reason: str
) -> None:
    await step.take([delivery(), delivery(body=body)])
    [parked] = await _parked(scene)
    assert reason in parked["reason"]
    assert "\x00" not in parked["body"]
    assert [len(batch) for batch in handler.batches] == [1]


async def test_fields_that_are_not_known_are_passed_over(step: Step[PlanOutreach], handler: Handler) -> None:
    await step.take([delivery(body=b'{"outreach_id": "1b27e5d5-211d-4cbd-83ce-312be82f14b5", "new": [1]}')])
    assert len(handler.batches) == 1


async def test_an_outage_parks_nothing(scene: Scene, handler: Handler) -> None:
    database = await Database.open(f"postgresql://nobody@127.0.0.1:{free_port()}/none", scene.clock)
    try:
        with pytest.raises(OUTAGE):
            await Step(database, QUEUE, PlanOutreach, handler).take([delivery()])
    finally:
        await database.close()
    assert await _parked(scene) == []
    assert handler.batches == []


async def test_messages_go_from_the_outbox_through_the_broker_into_the_next_step(
    scene: Scene, step: Step[PlanOutreach], handler: Handler
) -> None:
    broker, stop = InProcessBroker(TOPOLOGY), asyncio.Event()
    relay = OutboxRelay(scene.database, broker)
    async with scene.database.transaction() as tx:
        for _ in range(3):
            tx.send(PlanOutreach(outreach_id=uuid4()))
    serving = asyncio.create_task(serve(step, broker, lambda: None, stop))
    assert not await relay.relay_some()
    await eventually(lambda: sum(len(batch) for batch in handler.batches) == 3)
    await eventually(lambda: broker.idle)
    stop.set()
    await serving
    assert set(await scene.waiting_messages()) == {"cancel_call"}


class Unwilling(InProcessBroker):
    """A broker that is lost, or confirms only some messages."""

    def __init__(self, confirms: int | None) -> None:
        super().__init__(TOPOLOGY)
        self._confirms = confirms

    async def publish(self, outgoing: Sequence[Outgoing]) -> set[UUID]:
        """Confirm only the first ones."""
        if self._confirms is None:
            raise BrokerLost("gone")
        return {message.id for message in outgoing[: self._confirms]}


@pytest.mark.parametrize(("confirms", "left"), [(None, 3), (0, 3), (2, 1), (3, 0)])
async def test_a_message_is_forgotten_only_after_it_was_confirmed(
    scene: Scene, confirms: int | None, left: int
) -> None:
    async with scene.database.transaction() as tx:
        for _ in range(3):
            tx.send(PlanOutreach(outreach_id=uuid4()))
    ids = {row["id"] for row in await scene.rows("SELECT id FROM outbox")}
    assert not await OutboxRelay(scene.database, Unwilling(confirms)).relay_some()
    rest = {row["id"] for row in await scene.rows("SELECT id FROM outbox")}
    assert len(rest) == left
    assert rest <= ids, "sent again under the same id"


async def test_two_relays_share_the_work(scene: Scene) -> None:
    async with scene.database.transaction() as tx:
        for _ in range(250):
            tx.send(PlanOutreach(outreach_id=uuid4()))
    broker = InProcessBroker(TOPOLOGY)
    relays = [OutboxRelay(scene.database, broker) for _ in range(2)]
    more = await asyncio.gather(*(relay.relay_some() for relay in relays))
    assert sorted(more) == [False, True]
    assert await scene.waiting_messages() == []
    async with broker.subscribe(QUEUE) as subscription:
        assert len({message.id for message in await subscription.batch(1000, 0)}) == 250


async def test_dead_letters_are_parked(scene: Scene) -> None:
    broker, stop = InProcessBroker(TOPOLOGY), asyncio.Event()
    broker._lines[TOPOLOGY.dead_queue].put(Delivery(uuid4(), "plan_outreach", b"\xff"))
    collecting = asyncio.create_task(
        collect_dead_letters(scene.database, broker, TOPOLOGY.dead_queue, lambda: None, stop)
    )
    [parked] = await eventually(lambda: _parked(scene))
    await eventually(lambda: broker.idle)
    stop.set()
    await collecting
    assert (parked["queue"], parked["reason"]) == (TOPOLOGY.dead_queue, "given up by the broker")
