"""The only place where parts are put together, started, watched and stopped in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypeVar

import aiohttp
import structlog
from aiohttp import web

from klara_daemon.actors.ats_writeback import AtsWriteback
from klara_daemon.actors.call_listener import CallListener
from klara_daemon.actors.call_reconciler import CallReconciler
from klara_daemon.actors.call_scheduler import CallScheduler
from klara_daemon.actors.circuit_breaker import CircuitBreaker
from klara_daemon.actors.dead_letters import collect_dead_letters
from klara_daemon.actors.dialer import Dialer
from klara_daemon.actors.observer import Observer
from klara_daemon.actors.outbox_relay import SWEEP_S as RELAY_SWEEP_S
from klara_daemon.actors.outbox_relay import OutboxRelay
from klara_daemon.actors.patience import PATIENCE, Patience
from klara_daemon.actors.recruitee_door import RecruiteeDoor
from klara_daemon.actors.rounds import go_round
from klara_daemon.actors.stage_watcher import StageWatcher
from klara_daemon.actors.step import Handle, Step, serve, sleep_unless
from klara_daemon.broker.carriage import Broker, Queue, Topology
from klara_daemon.broker.in_process import InProcessBroker
from klara_daemon.broker.rabbitmq import RabbitMQ
from klara_daemon.config import IN_PROCESS_BROKER, Address, Config
from klara_daemon.domain.dialogue.understanding import make_ready
from klara_daemon.errors import KlaraError
from klara_daemon.flow import FLOW, Role, leg_of
from klara_daemon.messages import (
    CallProgressed,
    CancelCall,
    Message,
    OutreachEnded,
    PlaceCall,
    PlanOutreach,
    StayChanged,
    WebhookAccepted,
)
from klara_daemon.recruitee.client import DEFAULT_LIMITS, Limits, RecruiteeClient
from klara_daemon.store.database import Database
from klara_daemon.store.listening import listen
from klara_daemon.supervisor import Actor, Progress, Supervisor
from klara_daemon.telephony.floor import Timing
from klara_daemon.telephony.twilio.client import TwilioClient
from klara_daemon.vault import Vault
from klara_daemon.web.recruitee_webhooks import RecruiteeWebhooks
from klara_daemon.web.server import web_app
from klara_daemon.web.twilio_webhooks import TwilioWebhooks

HANDS = 4
PATIENCE_S = 180.0
CLOSE_S = 3.0
SWEEP_S = 5.0
SETTINGS_SWEEP_S = 60.0
OBSERVE_EVERY_S = 30.0
FORGET_EVERY_S = 60.0

log = structlog.get_logger()
Look = Callable[[], Awaitable[bool]]
M = TypeVar("M", bound=Message)

TOPOLOGY = Topology(tuple(Queue(leg.queue, leg.message.name) for leg in FLOW))


def system_now() -> datetime:
    """The business clock of a real daemon: the machine's."""
    return datetime.now(UTC)


def broker_for(url: str) -> Broker:
    """RabbitMQ, or the broker inside the process for `memory:`."""
    return InProcessBroker(TOPOLOGY) if url == IN_PROCESS_BROKER else RabbitMQ(url, TOPOLOGY)


def http_session() -> aiohttp.ClientSession:
    """What vendors are asked with: no cookie that one of them sets is ever sent back, to nobody."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())


class Daemon:
    """One process of the daemon: the roles it was given, on the parts they share."""

    def __init__(
        self,
        config: Config,
        roles: Collection[Role],
        database: Database,
        broker: Broker,
        session: aiohttp.ClientSession,
        *,
        timing: Timing | None = None,
        limits: Limits = DEFAULT_LIMITS,
        patience: Patience = PATIENCE,
    ) -> None:
        self._config = config
        self._roles = roles
        self.database = database
        self.broker = broker
        self._vault = Vault(config.secret_keys)
        self._recruitee = RecruiteeClient(session, config.recruitee_api_url, limits)
        self._door = RecruiteeDoor(database, self._vault)
        self._provider = TwilioClient(
            session,
            account_sid=config.twilio_account_sid,
            auth_token=config.twilio_auth_token,
            base_url=config.twilio_api_url,
            public_url=config.public_url,
        )
        self._timing = timing or Timing()
        self._patience = patience
        self._web_listens = asyncio.Event()
        self.supervisor = Supervisor(self._actors(), database.bells.ring_all)

    async def web_fault(self) -> str | None:
        """Why the web role, where this process has it, cannot be asked yet."""
        return "does not listen yet" if Role.WEB in self._roles and not self._web_listens.is_set() else None

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop`, then drain. Raises `ActorEnded`."""
        log.info("daemon_started", roles=sorted(self._roles))
        await self.supervisor.run(stop, self._config.drain_s)
        log.info("daemon_stopped")

    def _actors(self) -> list[Actor]:
        of_role: dict[Role, Callable[[], Sequence[Actor]]] = {
            Role.WEB: self._web,
            Role.STAGE_WATCHER: self._stage_watcher,
            Role.CALL_SCHEDULER: self._call_scheduler,
            Role.DIALER: self._dialer,
            Role.ATS_WRITEBACK: self._ats_writeback,
        }
        return [actor for role in Role if role in self._roles for actor in of_role[role]()] + self._shared()

    def _shared(self) -> list[Actor]:
        """What every process has: it hears bells, relays the outbox, collects dead letters, tells systemd."""
        relay = OutboxRelay(self.database, self.broker)

        async def hear(progress: Progress, stop: asyncio.Event) -> None:
            await listen(self._config.database_url, self.database.bells, progress, stop)

        async def collect(progress: Progress, stop: asyncio.Event) -> None:
            await collect_dead_letters(self.database, self.broker, TOPOLOGY.dead_queue, progress, stop)

        return [
            Actor("listener", hear),
            Actor("dead-letters", collect),
            self._round("outbox-relay", relay.relay_some, "outbox", RELAY_SWEEP_S, phase=1),
        ]

    def _stage_watcher(self) -> list[Actor]:
        watcher = StageWatcher(
            self.database,
            self._recruitee,
            self._door,
            poll_every_s=self._config.poll_every_s,
            patience=self._patience,
        )
        return [
            self._step(WebhookAccepted, watcher.on_webhook_accepted),
            self._round("watched-stages", watcher.follow_settings, "settings", SETTINGS_SWEEP_S),
            self._round("polling", watcher.poll_one, "polls", SWEEP_S),
            *self._rounds("reading", watcher.read_one, "reads", SWEEP_S),
        ]

    def _call_scheduler(self) -> list[Actor]:
        scheduler = CallScheduler(self.database)
        observer = Observer(self.database)
        return [
            self._step(StayChanged, scheduler.on_stay_changed),
            self._step(PlanOutreach, scheduler.on_plan_outreach),
            self._round("handing-out", scheduler.hand_out_due, "due", 1.0),
            self._round("replanning", scheduler.follow_settings, "settings", SETTINGS_SWEEP_S),
            self._round("forgotten", scheduler.find_forgotten, "forgotten", SETTINGS_SWEEP_S),
            self._round("observing", observer.observe, "observing", OBSERVE_EVERY_S),
            self._round("forgetting", observer.forget, "forgetting", FORGET_EVERY_S),
        ]

    def _dialer(self) -> list[Actor]:
        dialer = Dialer(
            self.database,
            self._recruitee,
            self._door,
            self._provider,
            calls_at_once=self._config.calls_at_once,
            calls_per_second=self._config.calls_per_second,
            patience=self._patience,
        )
        listener = CallListener(self._patience)
        reconciler = CallReconciler(self.database, self._provider, self._patience)
        return [
            self._round("reconciling", reconciler.sweep, "reconciling", SWEEP_S),
            self._round("circuit-breaker", CircuitBreaker(self.database).look, "call_failed", SWEEP_S),
            self._step(PlaceCall, dialer.on_place_call),
            self._step(CancelCall, listener.on_cancel_call),
            self._step(CallProgressed, listener.on_call_progressed),
            *self._rounds("dialling", dialer.dial_one, "dials", 1.0),
            self._round("asking", reconciler.look_at_one, "asking", SWEEP_S),
            self._round("hanging-up", reconciler.hang_up_one, "hang_ups", SWEEP_S),
        ]

    def _ats_writeback(self) -> list[Actor]:
        writeback = AtsWriteback(self.database, self._recruitee, self._door, self._patience)
        return [
            self._step(OutreachEnded, writeback.on_outreach_ended),
            *self._rounds("writing-back", writeback.write_one, "writebacks", SWEEP_S),
        ]

    def _web(self) -> list[Actor]:
        closing = asyncio.Event()
        twilio = TwilioWebhooks(
            self.database,
            auth_token=self._config.twilio_auth_token,
            public_url=self._config.public_url,
            timing=self._timing,
            closing=closing,
        )
        app = web_app(RecruiteeWebhooks(self.database, self._vault), twilio)

        async def run(progress: Progress, stop: asyncio.Event) -> None:
            await asyncio.to_thread(make_ready)
            async with listening(app, self._config.listen):
                self._web_listens.set()
                while not stop.is_set():
                    progress()
                    await sleep_unless(stop, SWEEP_S)
                await sleep_unless(twilio.silent, max(0.0, self._config.drain_s - CLOSE_S))
                closing.set()

        return [Actor("web", run)]

    def _step(self, kind: type[M], handle: Handle[M]) -> Actor:
        step = Step(self.database, leg_of(kind).queue, kind, handle)

        async def run(progress: Progress, stop: asyncio.Event) -> None:
            await serve(step, self.broker, progress, stop)

        return Actor(step.queue, run)

    def _rounds(self, name: str, look: Look, bell: str, sweep_s: float) -> list[Actor]:
        """Several hands at the same work: each waits for vendors by itself."""
        return [self._round(f"{name}-{hand}", look, bell, sweep_s) for hand in range(1, HANDS + 1)]

    def _round(self, name: str, look: Look, bell: str, sweep_s: float, phase: int = 0) -> Actor:
        async def run(progress: Progress, stop: asyncio.Event) -> None:
            await go_round(name, look, self.database.bells.ear(bell), sweep_s, progress, stop)

        return Actor(name, run, patience_s=sweep_s + PATIENCE_S, phase=phase)


class CannotListen(KlaraError):
    """An address is taken, or is none of this machine's."""


@asynccontextmanager
async def listening(app: web.Application, address: Address) -> AsyncIterator[int]:
    """Serve an application for as long as the context lasts; the port comes back (useful when 0 was asked for).

    Raises `CannotListen`.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_S, handle_signals=False)
    await runner.setup()
    try:
        site = web.TCPSite(runner, address.host, address.port)
        try:
            await site.start()
        except OSError as error:
            raise CannotListen(
                f"Nobody can listen on {address}: {error.strerror or error}.",
                remedy="Each process needs its own KLARA_HEALTH_LISTEN, each web role its own KLARA_LISTEN.",
            ) from error
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
