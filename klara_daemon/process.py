"""One process from its start to its exit status: waits for what it needs, runs the daemon, drains on SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from datetime import datetime

import aiohttp
import structlog

from klara_daemon import sd_notify
from klara_daemon.actors.patience import PATIENCE, Patience
from klara_daemon.app import Daemon, broker_for, http_session, listening, system_now
from klara_daemon.broker.carriage import Broker, BrokerLost
from klara_daemon.broker.rabbitmq import RabbitMQ
from klara_daemon.config import Config
from klara_daemon.flow import Role
from klara_daemon.recruitee.client import DEFAULT_LIMITS, Limits
from klara_daemon.store.database import OUTAGE, Database
from klara_daemon.store.migrations import pending
from klara_daemon.supervisor import ActorEnded
from klara_daemon.telephony.floor import Timing
from klara_daemon.web.health import Check, health_app

STOPPED = 0
ACTOR_ENDED = 70  # EX_SOFTWARE
HUNG = 71
OVERTIME_S = 20.0
WAIT_S = 1.0
READY_WITHIN_S = 5.0
SYSTEMD_EVERY_S = 5.0

log = structlog.get_logger()


async def run(
    config: Config,
    roles: Collection[Role],
    now: Callable[[], datetime] = system_now,
    *,
    timing: Timing | None = None,
    limits: Limits = DEFAULT_LIMITS,
    patience: Patience = PATIENCE,
) -> int:
    """Run these roles until SIGTERM or SIGINT, by this business clock; the exit status comes back."""
    stop = _stop_on_signals(config.drain_s)
    async with parts(config, now) as (database, broker, session):
        daemon = Daemon(config, roles, database, broker, session, timing=timing, limits=limits, patience=patience)
        async with _health(config, daemon):
            if not await _wait_for_migrations(database, stop):
                return STOPPED
            return await _run(daemon, stop)


async def _run(daemon: Daemon, stop: asyncio.Event) -> int:
    systemd = asyncio.create_task(_tell_systemd(daemon), name="systemd")
    try:
        await daemon.run(stop)
    except ActorEnded as error:
        log.critical("actor_ended", cause=str(error), exc_info=error)
        _end(within_s=OVERTIME_S)
        return ACTOR_ENDED
    finally:
        systemd.cancel()
    return STOPPED


def _stop_on_signals(drain_s: float) -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()

    def asked() -> None:
        log.info("stop_asked", drain_s=drain_s)
        stop.set()
        _end(within_s=2 * drain_s + OVERTIME_S)

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked)
    return stop


def _end(within_s: float) -> None:
    """The end has begun; who hangs beyond this time is ended without further ado."""

    def give_up() -> None:
        log.critical("process_hung", within_s=within_s)
        os._exit(HUNG)

    sd_notify.notify("STOPPING=1")
    asyncio.get_running_loop().call_later(within_s, give_up)


@asynccontextmanager
async def parts(
    config: Config, now: Callable[[], datetime]
) -> AsyncIterator[tuple[Database, Broker, aiohttp.ClientSession]]:
    """Pool, broker and HTTP session; closed in the order: broker, pool, session."""
    async with http_session() as session:
        database = await Database.open(config.database_url, now)
        broker = broker_for(config.amqp_url)
        try:
            yield database, broker, session
        finally:
            await broker.close()
            await database.close()


async def _wait_for_migrations(database: Database, stop: asyncio.Event) -> bool:
    """Wait until the database is there and up to date; False when `stop` came first."""
    said = ""
    while not stop.is_set():
        wrong = await _database_fault(database)
        if wrong is None:
            return True
        if wrong != said:
            log.warning("waiting_for_database", cause=wrong)
            said = wrong
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAIT_S):
                await stop.wait()
    return False


async def _database_fault(database: Database) -> str | None:
    try:
        async with database.connection() as conn:
            missing = await pending(conn)
    except OUTAGE as error:
        return f"not reachable: {type(error).__name__}"
    return f"migrations missing: {', '.join(missing)}; run `klara-daemon migrate`" if missing else None


async def _broker_fault(broker: Broker) -> str | None:
    try:
        if isinstance(broker, RabbitMQ):
            async with asyncio.timeout(READY_WITHIN_S):
                await broker.depths()
    except (BrokerLost, TimeoutError) as error:
        return str(error) or "does not answer"
    return None


@asynccontextmanager
async def _health(config: Config, daemon: Daemon) -> AsyncIterator[None]:
    if config.health_listen is None:
        yield
        return
    async with listening(health_app(daemon.supervisor.stuck, _readiness(daemon)), config.health_listen):
        yield


def _readiness(daemon: Daemon) -> dict[str, Check]:
    """What must be there before this process can do its work."""
    return {
        "database": lambda: _database_fault(daemon.database),
        "broker": lambda: _broker_fault(daemon.broker),
        "web": daemon.web_fault,
    }


async def _tell_systemd(daemon: Daemon) -> None:
    """`READY=1` once all that is needed is there; a sign of life for as long as every actor makes progress."""
    is_ready = False
    while True:
        if not is_ready and await _is_ready(daemon) and sd_notify.notify("READY=1"):
            is_ready = True
            log.info("daemon_ready")
        stuck = daemon.supervisor.stuck()
        if stuck:
            log.error("actors_stuck", actors=stuck)
        else:
            sd_notify.notify("WATCHDOG=1")
        await asyncio.sleep(min(SYSTEMD_EVERY_S if is_ready else WAIT_S, (sd_notify.watchdog_s() or 60) / 3))


async def _is_ready(daemon: Daemon) -> bool:
    for check in _readiness(daemon).values():
        if await check() is not None:
            return False
    return True
