"""`klara-daemon parked`: what could not be handled is shown, sent once more, or settled, each exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from klara_daemon.actors.outbox_relay import OutboxRelay
from klara_daemon.actors.step import Step, serve
from klara_daemon.app import TOPOLOGY
from klara_daemon.broker.rabbitmq import RabbitMQ
from klara_daemon.flow import leg_of
from klara_daemon.messages import StayChanged, encode
from klara_daemon.store import outbox
from klara_daemon.store.database import Database, Transaction
from tests.commands.command_line import Ended, give
from tests.eventually import eventually

QUEUE = leg_of(StayChanged).queue


@dataclass
class House:
    """A database, and what a handler has got out of its queue."""

    url: str
    database: Database
    handled: list[UUID] = field(default_factory=list)

    async def give(self, *words: str) -> Ended:
        """Give a `parked` command."""
        return await give("parked", *words, environment={"KLARA_DATABASE_URL": self.url})

    async def park(self, body: str, queue: str = QUEUE, name: str = StayChanged.name, reason: str = "why") -> str:
        """Set a message aside; its number comes back."""
        async with self.database.transaction() as tx:
            return str(await outbox.park(tx.conn, queue, uuid4(), name, body, reason))

    async def handle(self, _: Transaction, messages: Sequence[StayChanged]) -> None:
        """What an actor would do with them."""
        self.handled += [message.stay_id for message in messages]

    async def rows(self, query: str) -> list[tuple[object, ...]]:
        """Rows out of the database."""
        async with self.database.connection() as conn:
            return [tuple(row) for row in await conn.fetch(query)]


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    database = await Database.open(database_url, lambda: datetime.now(UTC))
    yield House(database_url, database)
    await database.close()


async def test_nothing_is_parked(house: House) -> None:
    ended = await house.give("list")

    assert (ended.status, ended.printed) == (0, "Nothing is parked.\n")


async def test_what_is_parked_is_listed_a_line_each_and_shown_whole(house: House) -> None:
    first = await house.park('{"a": 1}', reason="ValueError: no such stay\nand more")
    second = await house.park("\x1b[2Jno JSON\ufffd\u202e\nat all" + "x" * 500, queue="klara.dead", name="\x07bell")

    listed = await house.give("list")
    shown = await house.give("show", second)

    lines = listed.printed.splitlines()
    assert [line.split()[0] for line in lines] == [first, second, "2"]
    assert "klara.call-scheduler.stay_changed  stay_changed  ValueError: no such stay and more" in lines[0]
    assert lines[2] == "2 parked."
    assert shown.status == 0
    assert "queue:   klara.dead\nmessage: \\x07bell " in shown.printed
    assert r"body:    \x1b[2Jno JSON" in shown.printed
    assert shown.printed.endswith(r"\u202e\nat all" + "x" * 500 + "\n")
    for printed in (listed.printed, shown.printed):
        assert not [sign for sign in printed if sign != "\n" and not sign.isprintable()]


async def test_a_replayed_message_goes_through_the_outbox_and_is_handled_once(house: House, amqp_url: str) -> None:
    stay_id = uuid4()
    number = await house.park(encode(StayChanged(stay_id=stay_id)))
    broker, stop = RabbitMQ(amqp_url, TOPOLOGY), asyncio.Event()
    step = Step(house.database, QUEUE, StayChanged, house.handle)
    serving = asyncio.create_task(serve(step, broker, lambda: None, stop))

    replayed = await house.give("replay", number)
    again = await house.give("replay", number)
    await OutboxRelay(house.database, broker).relay_some()
    await eventually(lambda: house.handled, saying="it was handled")
    unreadable = await house.park("not JSON")
    await house.give("replay", unreadable)
    await OutboxRelay(house.database, broker).relay_some()
    parked_anew = await eventually(lambda: house.rows("SELECT id FROM parked WHERE settled_at IS NULL"))
    stop.set()
    await serving
    await broker.close()

    assert (replayed.status, replayed.printed) == (0, f"Message {number} is on its way again.\n")
    assert again.status == 2
    assert f"No message {number} is parked." in again.told
    assert house.handled == [stay_id]
    assert await house.rows("SELECT 1 FROM outbox") == []
    assert await house.rows(f"SELECT settled_how FROM parked WHERE id = {number}") == [("replayed",)]  # noqa: S608
    assert len(parked_anew) == 1
    assert parked_anew[0][0] not in {int(number), int(unreadable)}


async def test_a_dropped_message_is_settled_and_never_sent(house: House) -> None:
    number = await house.park("{}")

    dropped = await house.give("drop", number)
    again = await house.give("drop", number)

    assert (dropped.status, dropped.printed) == (0, f"Message {number} is settled; it will not be sent.\n")
    assert again.status == 2
    assert await house.rows("SELECT settled_how FROM parked") == [("dropped",)]
    assert await house.rows("SELECT 1 FROM outbox") == []


async def test_what_the_broker_gave_up_is_replayed_by_its_own_name(house: House) -> None:
    body = encode(StayChanged(stay_id=uuid4()))
    number = await house.park(body, queue="klara.dead")

    await house.give("replay", number)

    assert await house.rows("SELECT name, body FROM outbox") == [(StayChanged.name, body)]


async def test_a_message_that_no_actor_handles_stays_parked(house: House) -> None:
    number = await house.park("{}", queue="klara.dead", name="appointment_agreed")

    ended = await house.give("replay", number)

    assert ended.status == 2
    assert f"Message {number} is of a kind that no actor of this version handles: 'appointment_agreed'." in ended.told
    assert await house.rows("SELECT settled_at FROM parked") == [(None,)]


@pytest.mark.parametrize("command", ["show", "replay", "drop"])
@pytest.mark.parametrize("number", ["1000000", str(2**63 - 1)])
async def test_an_unknown_number_is_said_to_be_one(house: House, command: str, number: str) -> None:
    ended = await house.give(command, number)

    assert ended.status == 2
    assert f"No message {number} is parked." in ended.told
    assert "parked list" in ended.told


@pytest.mark.parametrize("number", ["0", "-1", "first", "1.5", str(2**63), ""])
async def test_what_is_no_number_is_refused(house: House, number: str) -> None:
    ended = await house.give("show", "--", number)

    assert ended.status == 2
    assert "NUMBER" in ended.told


async def test_a_database_that_is_away_is_said_to_be(house: House) -> None:
    ended = await give("parked", "list", environment={"KLARA_DATABASE_URL": "postgresql://x:pa55@127.0.0.1:1/x"})

    assert ended.status == 1
    assert "The database cannot be reached" in ended.told
    assert "pa55" not in ended.told
