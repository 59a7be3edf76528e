"""The other end of the relay's WebSocket: it hears Klara out, lets the person answer, and sends Twilio's frames."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp

from klara_daemon.demo.telephone.exchange import CEILING_S, Exchange
from klara_daemon.demo.telephone.people import HangUp, PicksUp, Press, Reply, spoken_by
from klara_daemon.demo.telephone.records import CallRecord, Spoken

CHARACTER_S: Final = 0.06
MALFORMED_AT_MOST: Final = 10


@dataclass(frozen=True, slots=True)
class RelayOutcome:
    """How a session ended, in Twilio's words: `ended` by us, `completed` (hung up), `failed`."""

    session_status: str
    handoff: str | None = None
    error_code: str | None = None
    error_message: str | None = None


ENDED_BY_THE_PERSON: Final = RelayOutcome("completed")
SOCKET_LOST: Final = RelayOutcome("failed", None, "64105", "WebSocket Ended")
UNREACHABLE: Final = RelayOutcome("failed", None, "64102", "Unable to connect to WebSocket URL")


class RelaySession:
    """One `<ConversationRelay>`: opened with a signed handshake, over when `run` returns."""

    def __init__(
        self, exchange: Exchange, call: CallRecord, person: PicksUp, relay: Mapping[str, str], params: Mapping[str, str]
    ) -> None:
        self._exchange = exchange
        self._call = call
        self._person = person
        self._relay = relay
        self._params = params
        self._heard: list[str] = []
        self._played_at = 0.0
        self._malformed = 0
        self._texts_left = exchange.drop_after.popleft() if exchange.drop_after else None
        call.sessions += 1
        self.session_id = f"VX{call.sid[2:30]}{call.sessions:04x}"

    async def run(self) -> RelayOutcome:
        """Hold the session until either side ends it."""
        url = self._relay["url"]
        try:
            async with asyncio.timeout(CEILING_S):
                socket = await self._exchange.http.ws_connect(url, headers=self._exchange.headers(url))
        except (aiohttp.ClientError, OSError, TimeoutError):
            return UNREACHABLE
        try:
            return await self._talk(socket)
        except ConnectionError:
            return SOCKET_LOST
        finally:
            await socket.close()

    async def _talk(self, socket: aiohttp.ClientWebSocketResponse) -> RelayOutcome:
        await self._send(socket, self._setup())
        if greeting := self._relay.get("welcomeGreeting"):
            await self._play(socket, greeting)
        while True:
            try:
                async with asyncio.timeout_at(self._played_at if self._heard else None):
                    message = await socket.receive()
            except TimeoutError:
                if not await self._answer(socket):
                    return ENDED_BY_THE_PERSON
                continue
            if message.type is not aiohttp.WSMsgType.TEXT:
                return SOCKET_LOST
            if (outcome := await self._take(socket, str(message.data))) is not None:
                return outcome

    async def _take(self, socket: aiohttp.ClientWebSocketResponse, data: str) -> RelayOutcome | None:
        match _object(data):
            case {"type": "text", "token": str(text), **rest} if _flags_are_flags(rest):
                await self._play(socket, text)
                if self._texts_left is not None:
                    self._texts_left -= 1
                return SOCKET_LOST if self._texts_left == 0 else None
            case {"type": "end", **rest} if isinstance(rest.get("handoffData", ""), str):
                self._call.handoff = str(rest.get("handoffData", "")) or None
                return RelayOutcome("ended", self._call.handoff)
            case {"type": "language" | "play" | "sendDigits"}:
                return None
            case _:
                return await self._complain(socket, data)

    async def _complain(self, socket: aiohttp.ClientWebSocketResponse, data: str) -> RelayOutcome | None:
        self._exchange.problems.append(f"a frame that is none: {data[:80]}")
        self._malformed += 1
        if self._malformed >= MALFORMED_AT_MOST:
            await socket.close(code=aiohttp.WSCloseCode.INVALID_TEXT)
            return SOCKET_LOST
        await self._send(socket, {"type": "error", "description": f"Invalid message received: {data[:80]}"})
        return None

    async def _play(self, socket: aiohttp.ClientWebSocketResponse, text: str) -> None:
        now = asyncio.get_running_loop().time()
        speaking_s = len(text) * CHARACTER_S * self._exchange.pace
        if not self._heard:
            await self._tell_speaking(socket, "agentSpeaking", "on")
        self._played_at = max(self._played_at, now) + speaking_s
        self._heard.append(text)
        self._call.transcript.append(Spoken("klara", text, self._exchange.now()))

    async def _answer(self, socket: aiohttp.ClientWebSocketResponse) -> bool:
        """Klara has finished: what the person does then. False when that is to hang up."""
        await self._tell_speaking(socket, "agentSpeaking", "off")
        reply = spoken_by(self._person, self._call.turns, " ".join(self._heard))
        self._heard.clear()
        self._call.turns += 1
        if reply is HangUp.NOW:
            return False
        await self._exchange.pause(1)
        await self._speak(socket, reply)
        return True

    async def _speak(self, socket: aiohttp.ClientWebSocketResponse, reply: Reply) -> None:
        match reply:
            case str(text):
                await self._tell_speaking(socket, "clientSpeaking", "on")
                await self._exchange.pause(len(text) * CHARACTER_S)
                await self._tell_speaking(socket, "clientSpeaking", "off")
                if self._relay.get("partialPrompts") == "true":
                    await self._send(socket, self._prompt(text[: len(text) // 2], last=False))
                await self._send(socket, self._prompt(text, last=True))
                self._call.transcript.append(Spoken("person", text, self._exchange.now()))
            case Press(digit):
                await self._send(socket, {"type": "dtmf", "digit": digit})
                self._call.transcript.append(Spoken("person", f"[{digit}]", self._exchange.now()))
            case HangUp.NOW | None:
                pass

    async def _tell_speaking(self, socket: aiohttp.ClientWebSocketResponse, who: str, value: str) -> None:
        if "speaker-events" in self._relay.get("events", ""):
            await self._send(socket, {"type": "info", "name": who, "value": value})

    def _prompt(self, text: str, *, last: bool) -> dict[str, object]:
        return {"type": "prompt", "voicePrompt": text, "lang": self._relay.get("language", "en-US"), "last": last}

    def _setup(self) -> dict[str, object]:
        return {
            "type": "setup",
            "sessionId": self.session_id,
            "accountSid": self._exchange.account_sid,
            "parentCallSid": "",
            "callSid": self._call.sid,
            "from": self._call.caller,
            "to": self._call.to,
            "forwardedFrom": "",
            "callType": "PSTN",
            "callerName": "",
            "direction": self._call.direction,
            "callStatus": "IN_PROGRESS",
            "customParameters": dict(self._params),
        }

    async def _send(self, socket: aiohttp.ClientWebSocketResponse, frame: Mapping[str, object]) -> None:
        await socket.send_str(json.dumps(frame, ensure_ascii=False))


def _flags_are_flags(rest: Mapping[str, object]) -> bool:
    return all(isinstance(rest.get(flag, False), bool) for flag in ("last", "interruptible", "preemptible"))


def _object(data: str) -> dict[str, object]:
    try:
        frame = json.loads(data)
    except ValueError:
        return {}
    return frame if isinstance(frame, dict) else {}
