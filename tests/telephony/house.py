"""A house for Klara's addresses: answers the telephone network as the web role does, over the real relay loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from aiohttp import web

from klara_daemon.domain.dialogue.turns import Action, End, Heard, Say, Silence, Speech
from klara_daemon.domain.dispositions import Disposition
from klara_daemon.telephony.floor import Timing
from klara_daemon.telephony.relay import Leaving, converse
from klara_daemon.telephony.relay_frames import Setup
from klara_daemon.telephony.twilio import addresses, callbacks, fields, twiml

TOKEN = "test-token"
ACCOUNT = "AC" + "0" * 32
KLARA = "+4952112345670"
FAST = Timing().with_fast_voice(silence_s=5)
GREETING = "Guten Tag, hier ist Klara, ein automatischer Assistent. Spreche ich mit Jörg?"


@dataclass
class Interview:
    """A conversation that asks its questions in order and remembers what it was told."""

    questions: Sequence[str]
    answers: list[Heard] = field(default_factory=list)
    left_as: list[str] = field(default_factory=list)
    setups: list[Setup] = field(default_factory=list)
    allowed: bool = True

    async def begin(self, setup: Setup) -> Sequence[Action] | None:
        """Greet, or take up the open question."""
        self.setups.append(setup)
        if not self.allowed:
            return None
        return [Say(GREETING, "greeting@1", interruptible=False)] if len(self.setups) == 1 else self._ask()

    async def hear(self, heard: Heard) -> Sequence[Action]:
        """Store an answer and ask the next question; give up on silence."""
        if isinstance(heard, Silence):
            return [End(Disposition.NO_ANSWER)]
        self.answers.append(heard)
        return self._ask()

    async def left(self, reason: str) -> None:
        """Remember how it ended."""
        self.left_as.append(reason)

    def _ask(self) -> list[Action]:
        if len(self.answers) > len(self.questions):
            return [Say("Vielen Dank.", "farewell@1"), End(Disposition.INTERVIEWED)]
        return [Say(self.questions[len(self.answers) - 1] if self.answers else "Sind Sie es?", "question@1")]


class House:
    """Serves the addresses on loopback; what came in is in `statuses`, `machines`, `relays`."""

    def __init__(self, conversation: Callable[[], Interview] = lambda: Interview(["Eins?", "Zwei?"])) -> None:
        self.conversations: dict[str, Interview] = {}
        self.statuses: list[callbacks.StatusEvent] = []
        self.machines: list[callbacks.MachineEvent] = []
        self.relays: list[callbacks.RelayEnded] = []
        self.answers: list[callbacks.AnswerRequest] = []
        self.leavings: list[Leaving] = []
        self.forged: list[str] = []
        self.closing = asyncio.Event()
        self.timing = FAST
        self.answer_status = 200
        self.url = ""
        self._conversation = conversation

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.add_routes(
            [
                web.post(addresses.ANSWER_PATH, self._answer),
                web.post(addresses.FALLBACK_PATH, self._fallback),
                web.post(addresses.STATUS_PATH, self._status),
                web.post(addresses.MACHINE_PATH, self._machine),
                web.post(addresses.RELAY_ENDED_PATH, self._relay_ended),
                web.post(addresses.INBOUND_PATH, self._inbound),
                web.get(addresses.RELAY_PATH, self._relay),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _form(self, request: web.Request) -> list[tuple[str, str]]:
        form = fields.form_of(await request.read())
        url = addresses.requested_address(self.url, request.raw_path)
        if not addresses.is_signed(TOKEN, url, form, request.headers.get(addresses.SIGNATURE_HEADER)):
            self.forged.append(url)
            raise web.HTTPForbidden
        return form

    async def _answer(self, request: web.Request) -> web.Response:
        event = callbacks.answer_request(request.query, await self._form(request))
        self.answers.append(event)
        if self.answer_status != 200:
            return web.Response(status=self.answer_status)
        assert event.attempt_id is not None
        self.conversations[event.attempt_id] = self._conversation()
        return _twiml(twiml.connect_relay(self.url, event.attempt_id, "de", greeting=GREETING))

    async def _fallback(self, request: web.Request) -> web.Response:
        self.answers.append(callbacks.answer_request(request.query, await self._form(request)))
        return _twiml(twiml.say_and_hang_up("Wir melden uns.", "de"))

    async def _inbound(self, request: web.Request) -> web.Response:
        callbacks.inbound_call(await self._form(request))
        return _twiml(twiml.say_and_hang_up("Hier ist Klara.", "de"))

    async def _status(self, request: web.Request) -> web.Response:
        self.statuses.append(callbacks.status_event(request.query, await self._form(request)))
        return web.Response(status=204)

    async def _machine(self, request: web.Request) -> web.Response:
        self.machines.append(callbacks.machine_event(request.query, await self._form(request)))
        return web.Response(status=204)

    async def _relay_ended(self, request: web.Request) -> web.Response:
        event = callbacks.relay_ended(request.query, await self._form(request))
        self.relays.append(event)
        if event.broke_off and event.resumed < 3 and event.attempt_id is not None:
            again = twiml.connect_relay(self.url, event.attempt_id, "de", resumed=event.resumed + 1)
            return _twiml(again)
        return _twiml(twiml.hang_up())

    async def _relay(self, request: web.Request) -> web.StreamResponse:
        url = addresses.socket_address(addresses.requested_address(self.url, request.raw_path))
        if not addresses.is_signed(TOKEN, url, (), request.headers.get(addresses.SIGNATURE_HEADER)):
            self.forged.append(url)
            raise web.HTTPForbidden
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        conversation = self.conversations[request.query["attempt"]]
        self.leavings.append(await converse(socket, conversation, self.timing, self.closing))
        return socket


def answer_of(heard: Heard) -> str:
    """The words of an answer."""
    assert isinstance(heard, Speech)
    return heard.text


def _twiml(document: str) -> web.Response:
    return web.Response(text=document, content_type=twiml.CONTENT_TYPE)
