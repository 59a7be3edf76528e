"""Another program saves settings with plain SQL, and the running daemon follows: by the bell, or by its sweep."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, time
from typing import Final
from uuid import uuid4

import asyncpg
import pytest

from klara_daemon import app
from klara_daemon.app import TOPOLOGY, Daemon, http_session
from klara_daemon.broker.in_process import InProcessBroker
from klara_daemon.config import Config
from klara_daemon.flow import Role
from klara_daemon.store import listening
from klara_daemon.store.database import Connection
from klara_daemon.vault import new_key
from tests.actors.emptied import _one_database, furnished_database_url
from tests.actors.scene import COMPANY, MONDAY, Scene, scene
from tests.eventually import eventually

__all__ = ["_one_database", "furnished_database_url"]

WITHIN_S: Final = 10.0
#: The first look, and the one with which hearing begins, may follow two of them; the third is left to the bell.
SAVED: Final = (time(9, 30), time(10), time(10, 30))


@pytest.fixture(name="scene")
async def _scene(furnished_database_url: str) -> AsyncIterator[Scene]:
    async with scene(furnished_database_url) as found:
        await found.have_watched()
        yield found


@asynccontextmanager
async def scheduling(around: Scene) -> AsyncIterator[None]:
    """The call scheduler of a daemon runs."""
    needed = {
        "KLARA_DATABASE_URL": around.database_url,
        "KLARA_AMQP_URL": "memory:",
        "KLARA_PUBLIC_URL": "https://klara.example",
        "KLARA_SECRET_KEYS": new_key(),
        "KLARA_TWILIO_ACCOUNT_SID": f"AC{'0' * 32}",
        "KLARA_TWILIO_AUTH_TOKEN": "token",
    }
    async with http_session() as session:
        daemon = Daemon(
            Config.from_env(needed), [Role.CALL_SCHEDULER], around.database, InProcessBroker(TOPOLOGY), session
        )
        stop = asyncio.Event()
        running = asyncio.create_task(daemon.run(stop))
        yield
        stop.set()
        await running


@asynccontextmanager
async def dashboard(around: Scene) -> AsyncIterator[Connection]:
    """A program that logs in as itself and has the role `klara_settings`, nothing more."""
    name = f"dashboard_{uuid4().hex[:12]}"
    await around.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'for-a-minute' IN ROLE klara_settings")
    connection = await asyncpg.connect(around.database_url, user=name, password="for-a-minute")
    yield connection
    await connection.close()
    await around.execute(f"DROP ROLE {name}")


async def follows(around: Scene, conn: Connection, outreach_id: object, opens: time) -> None:
    """The dashboard lets calls begin later, and whoever waits is planned for then."""
    await conn.execute(
        "UPDATE calling_windows SET opens = $2 WHERE company_id = $1 AND opens < '12:00'", COMPANY, opens
    )
    due_at = datetime.combine(MONDAY, opens, MONDAY.tzinfo)

    async def is_planned() -> bool:
        return bool(await around.value("SELECT due_at FROM outreaches WHERE id = $1", outreach_id) == due_at)

    await eventually(is_planned, within=WITHIN_S, saying=f"the next call is due at {opens}")


async def test_what_a_dashboard_saves_takes_effect_within_seconds(scene: Scene) -> None:
    assert WITHIN_S * len(SAVED) < app.SETTINGS_SWEEP_S
    waiting = await scene.open_outreach()
    async with scheduling(scene), dashboard(scene) as conn:
        for opens in SAVED:
            await follows(scene, conn, waiting.id, opens)


async def test_behind_the_bell_a_sweep_follows_the_settings_every_minute(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert app.SETTINGS_SWEEP_S == 60
    monkeypatch.setattr(app, "SETTINGS_SWEEP_S", 0.5)
    monkeypatch.setattr(listening, "SETTINGS_CHANNEL", "of_nobody")
    waiting = await scene.open_outreach()
    async with scheduling(scene), dashboard(scene) as conn:
        for opens in SAVED:
            await follows(scene, conn, waiting.id, opens)
