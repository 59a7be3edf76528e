"""Twilio's side of the web role: what to do with a call, how it goes, and the socket of the spoken call.

Everything is signed over the configured public address, never over what a `Host` header says; an unsigned or wrongly
signed request gets 403, whatever else is wrong with it. News is stored and answered; the work happens in the dialer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog
from aiohttp import web

from klara_daemon import metrics
from klara_daemon.domain.dialogue.catalogue import catalogue
from klara_daemon.messages import CallProgressed
from klara_daemon.store import call_events, calls
from klara_daemon.store.database import Database
from klara_daemon.telephony.floor import Timing
from klara_daemon.telephony.relay import converse
from klara_daemon.telephony.twilio import addresses, twiml
from klara_daemon.telephony.twilio.addresses import Params, is_signed, requested_address, socket_address
from klara_daemon.telephony.twilio.callbacks import (
    RelayEnded,
    answer_request,
    inbound_call,
    machine_event,
    relay_ended,
    status_event,
)
from klara_daemon.telephony.twilio.fields import Malformed, fields_of, form_of
from klara_daemon.web.answering import Answering, Talk
from klara_daemon.web.spoken_call import SpokenCall

LONGEST_BODY = 64 * 1024
LONGEST_FRAME = 64 * 1024
BODY_WITHIN_S = 10.0
LAST_NEWS_S = 2.0
HEARTBEAT_S = 8.0
"""When to ask a silent line for a sign of life, and half as long is waited for it: less, together, than two silences,
which would be taken for the person's."""

log = structlog.get_logger()
Handler = Callable[[web.Request, Params], Awaitable[web.StreamResponse]]


class TwilioWebhooks:
    """The addresses that each call names to Twilio."""

    def __init__(
        self, database: Database, *, auth_token: str, public_url: str, timing: Timing, closing: asyncio.Event
    ) -> None:
        self._database = database
        self._answering = Answering(database)
        self._auth_token = auth_token
        self._public_url = public_url
        self._timing = timing
        self._closing = closing
        self._live = 0
        self.silent = asyncio.Event()
        self.silent.set()

    def routes(self) -> list[web.RouteDef]:
        """Where they are."""
        return [
            web.post(addresses.ANSWER_PATH, self._signed(self._answer)),
            web.post(addresses.FALLBACK_PATH, self._signed(self._answer)),
            web.post(addresses.STATUS_PATH, self._signed(self._status)),
            web.post(addresses.MACHINE_PATH, self._signed(self._machine)),
            web.post(addresses.RELAY_ENDED_PATH, self._signed(self._relay_ended)),
            web.post(addresses.INBOUND_PATH, self._signed(self._inbound)),
            web.get(addresses.RELAY_PATH, self._relay),
        ]

    def _signed(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            response = await self._verified(request, handler)
            metrics.WEBHOOKS.labels("twilio", str(response.status)).inc()
            return response

        return handle

    async def _verified(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.headers.get(addresses.SIGNATURE_HEADER):
            return _not_signed(request)
        if (request.content_length or 0) > LONGEST_BODY:
            return _too_long()
        async with asyncio.timeout(BODY_WITHIN_S):
            body = await request.read()
        if len(body) > LONGEST_BODY:
            return _too_long()
        if not self._is_signed(request, body):
            return _not_signed(request)
        try:
            return await handler(request, form_of(body))
        except Malformed as error:
            log.warning("callback_malformed", path=request.path, cause=str(error))
            return web.Response(status=400, text=str(error))

    def _is_signed(self, request: web.Request, body: bytes) -> bool:
        """Whether Twilio has signed this; what is no form cannot have been."""
        url = requested_address(self._public_url, request.raw_path)
        try:
            fields = fields_of(body)
        except Malformed:
            return False
        return is_signed(self._auth_token, url, fields, request.headers.get(addresses.SIGNATURE_HEADER))

    async def _answer(self, request: web.Request, params: Params) -> web.StreamResponse:
        asked = answer_request(request.query, params)
        talk = await self._answering.answer(UUID(asked.attempt_id), asked.ref) if asked.attempt_id else None
        return self._connect(asked.attempt_id, talk)

    async def _relay_ended(self, request: web.Request, params: Params) -> web.StreamResponse:
        ended = relay_ended(request.query, params)
        talk = await self._after(ended)
        log.info("relay_ended", attempt_id=ended.attempt_id, status=ended.session_status, taken_up=talk is not None)
        return self._connect(ended.attempt_id, talk, resumed=ended.resumed + 1)

    async def _after(self, ended: RelayEnded) -> Talk | None:
        """What follows on the end of a line: it is taken up again, or whose doing the end was is kept."""
        if ended.attempt_id is None:
            return None
        attempt_id = UUID(ended.attempt_id)
        if ended.broke_off:
            return await self._answering.take_up(attempt_id, ended.ref, ended.resumed)
        if ended.person_left or ended.is_lost:
            await self._answering.over(attempt_id, ended.ref, ended.resumed, is_lost=ended.is_lost)
        return None

    def _connect(self, attempt_id: str | None, talk: Talk | None, *, resumed: int = 0) -> web.Response:
        if talk is None or attempt_id is None:
            return _twiml(twiml.hang_up())
        document = twiml.connect_relay(
            self._public_url, attempt_id, talk.language, greeting=talk.greeting, resumed=resumed
        )
        return _twiml(document)

    async def _inbound(self, _: web.Request, params: Params) -> web.StreamResponse:
        language = await self._answering.inbound_language(inbound_call(params).to)
        return _twiml(twiml.say_and_hang_up(catalogue(language).said["inbound_neutral"].text, language))

    async def _status(self, request: web.Request, params: Params) -> web.StreamResponse:
        event = status_event(request.query, params)
        if event.attempt_id:
            await self._store(
                UUID(event.attempt_id),
                event.dedup_key,
                event.ref,
                "status",
                call_status=event.status.value,
                sip_code=event.sip_code,
                error_code=event.error_code,
            )
        return web.Response(text="")

    async def _machine(self, request: web.Request, params: Params) -> web.StreamResponse:
        event = machine_event(request.query, params)
        if event.attempt_id:
            await self._store(
                UUID(event.attempt_id), event.dedup_key, event.ref, "machine", answered_by=event.answered_by
            )
        return web.Response(text="")

    async def _store(
        self,
        attempt_id: UUID,
        dedup_key: str,
        ref: str,
        kind: str,
        *,
        call_status: str | None = None,
        answered_by: str | None = None,
        sip_code: int | None = None,
        error_code: str | None = None,
    ) -> None:
        async with self._database.transaction() as tx:
            if await calls.get(tx.conn, attempt_id) is None:
                log.warning("callback_for_unknown_attempt", attempt_id=attempt_id)
                return
            is_news = await call_events.accept(
                tx.conn,
                attempt_id,
                dedup_key,
                ref,
                kind,
                call_status=call_status,
                answered_by=answered_by,
                sip_code=sip_code,
                error_code=error_code,
            )
            if is_news:
                tx.send(CallProgressed(attempt_id=attempt_id))

    async def _relay(self, request: web.Request) -> web.StreamResponse:
        url = socket_address(requested_address(self._public_url, request.raw_path))
        if not is_signed(self._auth_token, url, (), request.headers.get(addresses.SIGNATURE_HEADER)):
            log.warning("relay_not_signed")
            return web.Response(status=403, text="The signature does not fit.")
        try:
            attempt_id = UUID(request.query.get("attempt", ""))
        except ValueError:
            return web.Response(status=400, text="`attempt` is not a UUID.")
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=LONGEST_FRAME)
        await socket.prepare(request)
        self._count(1)
        try:
            with structlog.contextvars.bound_contextvars(attempt_id=attempt_id):
                call = SpokenCall(self._database, attempt_id)
                await converse(socket, call, await call.time_left(self._timing), self._closing)
        finally:
            self._count(-1)
        return socket

    def _count(self, more: int) -> None:
        """Keep count of the calls whose conversation is held here; `silent` while there is none.

        After the last one it takes a moment: Twilio has still to ask what follows, and to tell of the call's end.
        """
        self._live += more
        metrics.CALLS_LIVE.set(self._live)
        self.silent.clear()
        if not self._live:
            asyncio.get_running_loop().call_later(LAST_NEWS_S, self._fall_silent)

    def _fall_silent(self) -> None:
        if not self._live:
            self.silent.set()


def _not_signed(request: web.Request) -> web.Response:
    log.warning("callback_not_signed", path=request.path)
    return web.Response(status=403, text="The signature does not fit.")


def _too_long() -> web.Response:
    return web.Response(status=413, text="No callback is that long.")


def _twiml(document: str) -> web.Response:
    return web.Response(body=document.encode(), content_type=twiml.CONTENT_TYPE, charset="utf-8")
