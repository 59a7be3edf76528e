"""One process of the operating system: what it tells systemd and whoever asks, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import pytest

from klara_daemon.demo.private_server import free_port
from klara_daemon.process import ACTOR_ENDED, HUNG, STOPPED
from klara_daemon.vault import new_key
from tests.actors.emptied import _one_database, emptied_database_url
from tests.eventually import eventually
from tests.journey.forwarding import forwarding

__all__ = ["_one_database", "emptied_database_url"]

STARTS_WITHIN_S: Final = 30.0
#: The daemon with one more actor, which behaves as the last argument says.
ODD: Final = """
import asyncio, sys
from klara_daemon import process, supervisor
from klara_daemon.__main__ import main
from klara_daemon.app import Daemon
from klara_daemon.supervisor import Actor

async def hangs(progress, stop): await asyncio.Event().wait()
async def fails(progress, stop): raise LookupError("no such stage")
async def heeds_nothing(progress, stop):
    while True:
        try: await asyncio.Event().wait()
        except asyncio.CancelledError: pass

odd = [Actor(name, globals()[name], patience_s=1) for name in sys.argv.pop().split("+")]
class Odd(Daemon):
    def _actors(self): return [*super()._actors(), *odd]
process.Daemon = Odd
process.OVERTIME_S, supervisor.ABANDON_S = 1, 0.1
main()
"""


@dataclass
class Running:
    """One process, its service manager, and where it is asked how it is."""

    process: asyncio.subprocess.Process
    manager: socket.socket
    health: str
    log: Path

    def told(self) -> list[str]:
        """What the service manager has been told since the last look."""
        told = []
        while True:
            try:
                told.append(self.manager.recv(100).decode())
            except BlockingIOError:
                return told

    def events(self) -> list[dict[str, Any]]:
        """What it has logged; each line is one JSON object."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def logged(self) -> list[str]:
        """The names of the events."""
        return [event["event"] for event in self.events()]

    async def get(self, path: str) -> tuple[int, str]:
        """What it answers; status 0 where nobody does."""
        try:
            async with aiohttp.ClientSession() as session, session.get(f"http://{self.health}{path}") as answer:
                return answer.status, await answer.text()
        except aiohttp.ClientError as error:
            return 0, repr(error)

    async def until(self, path: str, status: int, saying: str = "") -> None:
        """Returns when it answers so."""

        async def answers() -> bool:
            found, text = await self.get(path)
            assert (found, saying in text) == (status, True), (found, text)
            return True

        await eventually(answers, within=STARTS_WITHIN_S, saying=f"{path} answers {status}")

    async def ended(self) -> int:
        """Its exit status."""
        async with asyncio.timeout(STARTS_WITHIN_S):
            return await self.process.wait()


@pytest.fixture
def environment(emptied_database_url: str, amqp_url: str) -> dict[str, str]:
    return {
        "KLARA_DATABASE_URL": emptied_database_url,
        "KLARA_AMQP_URL": amqp_url,
        "KLARA_PUBLIC_URL": "https://klara.example.com",
        "KLARA_SECRET_KEYS": new_key(),
        "KLARA_TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "KLARA_TWILIO_AUTH_TOKEN": "t0ken",
        "KLARA_RECRUITEE_API_URL": "http://127.0.0.1:1",
        "KLARA_TWILIO_API_URL": "http://127.0.0.1:1",
        "KLARA_DRAIN_S": "1",
        "WATCHDOG_USEC": "600000",
    }


@asynccontextmanager
async def running(folder: Path, environment: Mapping[str, str], *command: str) -> AsyncIterator[Running]:
    """`python` with this command, under a service manager; it is gone afterwards."""
    health, log, address = f"127.0.0.1:{free_port()}", folder / "log", str(folder / "notify")
    variables = {**os.environ, "KLARA_HEALTH_LISTEN": health, "NOTIFY_SOCKET": address, **environment}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, log.open("wb") as said:
        manager.bind(address)
        manager.setblocking(False)
        process = await asyncio.create_subprocess_exec(sys.executable, *command, env=variables, stderr=said)
        try:
            yield Running(process, manager, health, log)
        except AssertionError as error:
            error.add_note(log.read_text())
            raise
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def test_it_is_ready_once_all_is_there_and_gives_signs_of_life_until_it_is_stopped(
    environment: dict[str, str], amqp_url: str, tmp_path: Path
) -> None:
    broker, port = urlsplit(amqp_url), free_port()
    login = broker.netloc.rpartition("@")[0]
    environment["KLARA_AMQP_URL"] = broker._replace(netloc=f"{login}@127.0.0.1:{port}").geturl()
    environment["KLARA_DRAIN_S"] = "4"
    environment["KLARA_LISTEN"] = f"127.0.0.1:{free_port()}"
    async with running(tmp_path, environment, "-m", "klara_daemon", "run", "web", "ats-writeback") as daemon:
        await daemon.until("/readyz", 503, '"wrong": {"broker": ')
        assert (await daemon.get("/healthz"))[0] == 200
        assert "READY=1" not in daemon.told()
        async with forwarding(port, broker.port or 5672):
            await daemon.until("/readyz", 200)
            await eventually(lambda: "READY=1" in daemon.told())
            await eventually(lambda: "WATCHDOG=1" in daemon.told())
            await eventually(lambda: "queue_opened" in daemon.logged())
            status, metrics = await daemon.get("/metrics")
            daemon.process.send_signal(signal.SIGTERM)
            assert await daemon.ended() == STOPPED
        assert [state for state in daemon.told() if state != "WATCHDOG=1"] == ["STOPPING=1"]
        assert status == 200
        assert 'klara_actor_last_progress_timestamp_seconds{actor="web"}' in metrics
        assert 'actor="dialling-1"' not in metrics
        assert [event["roles"] for event in daemon.events() if event["event"] == "daemon_started"] == [
            ["ats-writeback", "web"]
        ]
        assert [event["queue"] for event in daemon.events() if event["event"] == "queue_opened"] == [
            "klara.ats-writeback.outreach_ended"
        ]
        assert daemon.logged()[-2:] == ["stop_asked", "daemon_stopped"]


async def test_a_stuck_actor_is_told_by_silence_and_holds_the_end_up_no_longer_than_its_time(
    environment: dict[str, str], tmp_path: Path
) -> None:
    async with running(tmp_path, environment, "-c", ODD, "run", "ats-writeback", "hangs") as daemon:
        await daemon.until("/healthz", 503, '"hangs"')
        assert (await daemon.get("/readyz"))[0] == 503
        await eventually(lambda: "actors_stuck" in daemon.logged())
        daemon.told()
        for _ in range(2):
            seen = len(daemon.logged())
            await eventually(lambda before=seen: len(daemon.logged()) > before)  # type: ignore[misc]
        assert "WATCHDOG=1" not in daemon.told()
        daemon.process.send_signal(signal.SIGINT)
        assert await daemon.ended() == STOPPED
        assert "actor_did_not_stop" in daemon.logged()


async def test_an_actor_that_ends_unasked_ends_the_process_with_status_70(
    environment: dict[str, str], tmp_path: Path
) -> None:
    async with running(tmp_path, environment, "-c", ODD, "run", "ats-writeback", "fails") as daemon:
        assert await daemon.ended() == ACTOR_ENDED
        (ended,) = [event for event in daemon.events() if event["event"] == "actor_ended"]
        assert ended["cause"] == "fails ended: LookupError('no such stage')"
        assert ended["level"] == "critical"
        assert daemon.told()[-1] == "STOPPING=1"


async def test_an_actor_that_heeds_nothing_does_not_hold_the_process(
    environment: dict[str, str], tmp_path: Path
) -> None:
    async with running(tmp_path, environment, "-c", ODD, "run", "ats-writeback", "heeds_nothing+fails") as daemon:
        assert await daemon.ended() == HUNG
        assert daemon.logged()[-1] == "process_hung"


async def test_an_address_that_is_taken_is_named_in_words(environment: dict[str, str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environment["KLARA_HEALTH_LISTEN"] = f"127.0.0.1:{taken.getsockname()[1]}"
        async with running(tmp_path, environment, "-m", "klara_daemon", "run", "ats-writeback") as daemon:
            assert await daemon.ended() == 1
            said = daemon.log.read_text()
    assert f"Nobody can listen on {environment['KLARA_HEALTH_LISTEN']}: " in said
    assert "KLARA_HEALTH_LISTEN" in said
    assert "Traceback" not in said


async def test_a_database_that_no_waiting_brings_is_named_in_words(environment: dict[str, str], tmp_path: Path) -> None:
    environment["KLARA_DATABASE_URL"] = "postgresql://klara:pa55word@127.0.0.1:1/klara?sslmode=verify-full"
    environment["HOME"] = "/nowhere"
    async with running(tmp_path, environment, "-m", "klara_daemon", "run", "ats-writeback") as daemon:
        assert await daemon.ended() == 78
        said = daemon.log.read_text()
    assert "The address of the database cannot be used.\nroot certificate file " in said
    assert "KLARA_DATABASE_URL" in said
    assert not any(word in said for word in ("pa55word", "Traceback"))
