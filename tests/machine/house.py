"""What lasts for a run of many examples: the loop, a database in two processes' hands, dice that fall the same."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from time import monotonic
from typing import Any, TypeVar
from uuid import UUID

import aiohttp
import pytest

from klara_daemon.actors import dialer as dialer_module
from klara_daemon.actors import elapsed
from klara_daemon.actors import step as step_module
from klara_daemon.domain.settings import parse
from klara_daemon.store import companies, outreaches, stays, writebacks
from klara_daemon.store import database as database_module
from klara_daemon.store import settings as settings_store
from klara_daemon.store.database import Database
from tests.actors.emptied import _EMPTY, _behind_the_triggers
from tests.actors.scene import BERLIN, MONDAY, TOKEN, VAULT, Clock, Scene
from tests.machine.account import Account
from tests.machine.daemon import Daemon
from tests.machine.jobs import COMPANIES, JOBS, document
from tests.machine.lines import Lines
from tests.machine.sometimes import Sometimes
from tests.machine.wire import NotingNetwork, NotingRecruitee
from tests.machine.world import World

T = TypeVar("T")


class Example:
    """Everything of one example."""

    def __init__(self, scene: Scene, other_database: Database, sometimes: Sometimes) -> None:
        self.world = World(scene, sometimes)
        self.lines = Lines(self.world)
        self.daemon = Daemon(self.world, other_database)
        self.account = Account(self.world, self.lines, self.daemon)


class House:
    """Runs coroutines for the machine, which itself is not one, and makes the world of each example."""

    def __init__(self, runner: asyncio.Runner, url: str, databases: tuple[Database, Database], clock: Clock) -> None:
        self._runner = runner
        self._url = url
        self._databases = databases
        self._clock = clock
        self._documents = [parse(json.dumps(document(company_id))) for company_id in COMPANIES]
        self._dice = random.Random(0)  # noqa: S311 - ids that fall the same each time
        self.sometimes = Sometimes()
        self.example: Example | None = None

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Wait for it."""
        return self._runner.run(coroutine)

    def uuid4(self) -> UUID:
        """The next id."""
        return UUID(int=self._dice.getrandbits(128), version=4)

    def monotonic(self) -> float:
        """Real seconds and those that the machine has let pass: of two readings, the first begun has to be older."""
        return monotonic() + (self.example.world.seconds if self.example else 0.0)

    @asynccontextmanager
    async def new_example(self, start: datetime) -> AsyncIterator[Example]:
        """A new world, in which nothing has happened yet but that the stages are watched."""
        self._dice.seed(0)
        self._clock.set(start)
        await self._furnish()
        recruitee = NotingRecruitee(self._clock, BERLIN)
        for company_id in COMPANIES:
            recruitee.add_company(company_id, "Pflege am Teuto", TOKEN)
        for job in JOBS:
            recruitee.add_offer(job.company_id, job.offer_id, "Pflegefachkraft (m/w/d)", job.stages)
        await recruitee.start()
        try:
            async with NotingNetwork() as telephone, aiohttp.ClientSession() as session:
                database, other = self._databases
                scene = Scene(self._clock, database, recruitee, telephone, VAULT, session, self._url)
                await scene.have_watched()
                self.example = Example(scene, other, self.sometimes)
                yield self.example
        finally:
            self.example = None
            await recruitee.stop()

    async def _furnish(self) -> None:
        async with _behind_the_triggers(self._url) as conn:
            await conn.execute(await conn.fetchval(_EMPTY))
        async with self._databases[0].transaction() as tx:
            for company_id, settings in zip(COMPANIES, self._documents, strict=True):
                await settings_store.apply(tx.conn, settings, "machine")
                await companies.store_token(tx.conn, VAULT, company_id, TOKEN)


@contextmanager
def house(url: str) -> Iterator[House]:
    """A house for one run."""
    clock = Clock(MONDAY)
    with asyncio.Runner() as runner, pytest.MonkeyPatch.context() as patch:
        databases = (runner.run(Database.open(url, clock)), runner.run(Database.open(url, clock)))
        made = House(runner, url, databases, clock)
        for module in (stays, outreaches, writebacks, database_module, dialer_module, step_module):
            patch.setattr(module, "uuid4", made.uuid4)
        for clock_of_the_process in ("monotonic", "time"):
            patch.setattr(elapsed, clock_of_the_process, made.monotonic)
        try:
            yield made
        finally:
            for database in databases:
                runner.run(database.close())
