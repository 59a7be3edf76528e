"""The whole daemon in one process: it carries a candidate through, and what it tells of itself is really set."""

from __future__ import annotations

import asyncio
import math
import re
from datetime import datetime
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import Counter, Gauge, Histogram

from klara_daemon import metrics
from klara_daemon.app import TOPOLOGY, CannotListen, Daemon, broker_for, http_session, listening
from klara_daemon.broker.in_process import InProcessBroker
from klara_daemon.broker.rabbitmq import RabbitMQ
from klara_daemon.config import Address, Config
from klara_daemon.domain.dispositions import Outcome
from klara_daemon.flow import FLOW, Role
from klara_daemon.process import _readiness
from klara_daemon.recruitee.client import Limits
from klara_daemon.store import outreaches, unfinished
from klara_daemon.store.database import Database
from klara_daemon.telephony.floor import Timing
from tests.eventually import eventually
from tests.journey.candidates import ERIKA
from tests.journey.town import CALL, COMPANY, OFFER, Town, town

PAGE = (Path(__file__).parent.parent / "docs" / "operations.md").read_text("utf-8")
#: What is counted only when something fails in an unforeseen way.
ONLY_IN_TROUBLE = {"klara_rounds_failed"}


async def run(around: Town, database: Database, stop: asyncio.Event) -> None:
    """Run every role in this process."""
    config = Config.from_env({**around.environment, "KLARA_LISTEN": f"127.0.0.1:{around.public_port}"})
    async with http_session() as session:
        daemon = Daemon(
            config,
            list(Role),
            database,
            InProcessBroker(TOPOLOGY),
            session,
            timing=Timing().with_fast_voice(silence_s=3),
            limits=Limits(per_second=50, burst=50),
        )
        assert await _readiness(daemon)["web"]() == "does not listen yet"
        running = asyncio.create_task(daemon.run(stop))
        await eventually(lambda: is_listening(daemon), within=20, saying="the web role listens")
        await running


async def is_listening(daemon: Daemon) -> bool:
    return await _readiness(daemon)["web"]() is None


async def test_one_process_carries_a_candidate_through_and_sets_every_metric(database_url: str, tmp_path: Path) -> None:
    gauges = [one for one in vars(metrics).values() if isinstance(one, Gauge) and not one._labelnames]
    for gauge in gauges:
        gauge.set(math.nan)
    for of_several in counted().values():
        of_several.clear()
    before = {name: total(name) for name in counted()}
    async with town(database_url, "memory:", tmp_path) as around:
        await around.set_up()
        database, stop = await Database.open(database_url, around.clock.now), asyncio.Event()
        running = asyncio.create_task(run(around, database, stop))
        erika = next(id_ for id_, person in around.people.items() if person is ERIKA)

        async def watches() -> bool:
            async with database.connection() as conn:
                return await unfinished.is_watching(conn) and await around.recruitee.ping(COMPANY) == 200

        async def is_written_back() -> bool:
            around.clock.jump_to(await due_at(database) or around.clock.now())
            database.bells.ring("due")
            return bool(around.recruitee.notes_of(erika)) and around.recruitee.stage_of(erika, OFFER) != CALL

        await eventually(watches, within=30)
        await around.recruitee.move(COMPANY, erika, OFFER, CALL)
        await eventually(is_written_back, within=30)
        stop.set()
        async with asyncio.timeout(15):
            await running
        async with database.connection() as conn:
            assert await outreaches.outcomes(conn, COMPANY) == {erika: Outcome.COMPLETED}
        await database.close()

    assert [gauge._name for gauge in gauges if math.isnan(gauge._value.get())] == []
    assert {name for name in before if total(name) == before[name]} == ONLY_IN_TROUBLE
    watched = re.findall(r"(?m)^\| `(klara_\w+)` \|", PAGE)
    assert len(watched) > 5
    assert {
        name for name in watched if not re.search(rf"(?m)^{name}(\{{.*\}})? ", metrics.exposition().decode())
    } == set()


def counted() -> dict[str, Counter | Histogram | Gauge]:
    """The metrics that grow: counters, histograms, and gauges with a value for each of something."""
    found = {}
    for one in vars(metrics).values():
        if isinstance(one, Counter | Histogram) or (isinstance(one, Gauge) and one._labelnames):
            found[one._name] = one
    return found


def total(name: str) -> float:
    """The sum of all samples of a metric, their number included."""
    samples = [sample for family in counted()[name].collect() for sample in family.samples]
    return len(samples) + sum(sample.value for sample in samples if not sample.name.endswith("_created"))


async def due_at(database: Database) -> datetime | None:
    async with database.connection() as conn:
        return await outreaches.next_due_at(conn)


def test_every_message_of_the_flow_has_its_queue() -> None:
    assert {(queue.name, queue.routing_key) for queue in TOPOLOGY.queues} == {
        (leg.queue, leg.message.name) for leg in FLOW
    }


async def test_the_broker_is_the_one_that_the_address_names() -> None:
    inside, outside = broker_for("memory:"), broker_for("amqp://klara@mq/klara")
    assert isinstance(inside, InProcessBroker)
    assert isinstance(outside, RabbitMQ)
    await outside.close()


async def test_no_cookie_of_a_vendor_is_sent_back() -> None:
    seen: list[str | None] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Cookie"))
        response = web.Response(text="ok")
        response.set_cookie("session", "of-another-company")
        return response

    app = web.Application()
    app.add_routes([web.get("/", answer)])
    async with listening(app, Address("127.0.0.1", 0)) as port, http_session() as session:
        for _ in range(2):
            async with session.get(f"http://localhost:{port}/") as response:
                assert response.status == 200
    assert seen == [None, None]


def test_whoever_asks_a_vendor_has_such_a_session() -> None:
    package = Path(metrics.__file__).parent
    makers = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if "aiohttp.ClientSession(" in path.read_text("utf-8") and "demo" not in path.parts
    }
    assert makers == {"app.py", "telephony/twilio/client.py"}  # the latter has one for each dial, and keeps none


async def test_an_address_that_is_taken_is_said_to_be() -> None:
    async with listening(web.Application(), Address("127.0.0.1", 0)) as port:
        with pytest.raises(CannotListen, match=f"Nobody can listen on 127.0.0.1:{port}: "):
            async with listening(web.Application(), Address("127.0.0.1", port)):
                pass
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/") as response:
            assert response.status == 404, "who was there first still is"
