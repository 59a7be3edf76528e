"""The spoken call: the loop between a provider's WebSocket and the conversation, one turn after another."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from enum import StrEnum
from typing import Final, Protocol, TypeVar, assert_never

import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from klara_daemon.domain.dialogue.turns import (
    Action,
    End,
    Heard,
    KeepAnswer,
    Key,
    OptOut,
    Say,
    Silence,
    Speech,
    TimeUp,
)
from klara_daemon.telephony.floor import Floor, Timing
from klara_daemon.telephony.relay_frames import (
    Frame,
    KeyPress,
    LineError,
    Prompt,
    Setup,
    Unknown,
    decode,
    end_frame,
    text_frame,
)

log = structlog.get_logger()

T = TypeVar("T")

UNREADABLE_AT_MOST: Final = 10
"""So many unreadable frames in a row end the session, as they would on the provider's side (Twilio error 64105)."""


class Conversation(Protocol):
    """What is said and heard in one call, with its memory: the loop below brings it to the line."""

    async def begin(self, setup: Setup) -> Sequence[Action] | None:
        """The line stands: the first actions, or None when this call may not go on (a second one for the same person).

        When `setup.greeted`, the first `Say` is what the provider has spoken already; it is not sent again.
        """

    async def hear(self, heard: Heard) -> Sequence[Action] | None:
        """One turn. It is over, and what it decided is stored, before the next one begins.

        None when nothing may be said on this line any more: another one has taken its place, or all is said.
        """

    async def left(self, reason: str) -> None:
        """The line is gone (a `Leaving`); called once if `begin` was."""


class Leaving(StrEnum):
    """Why a session is over: `closed` by the provider, as when the person hangs up; `broken` without a word."""

    ENDED = "ended"
    REFUSED = "refused"
    CLOSED = "closed"
    BROKEN = "broken"
    DRAINED = "drained"
    TOO_LONG = "too_long"
    UNREADABLE = "unreadable"
    NO_SETUP = "no_setup"
    FAILED = "failed"


async def converse(
    socket: web.WebSocketResponse,
    conversation: Conversation,
    timing: Timing,
    closing: asyncio.Event | None = None,
) -> Leaving:
    """Hold one spoken call over a prepared socket until either side ends it; says why it ended.

    Setting `closing` gives the socket up at once: the provider then asks `<Connect action>`, and whoever answers takes
    the call up again. What the conversation raises (a turn may take `turn_s`) ends the session and is raised.
    """
    session = _Session(socket, conversation, timing, closing or asyncio.Event())
    leaving = Leaving.FAILED
    try:
        leaving = await session.run()
    finally:
        await session.leave(leaving)
    return leaving


_IN_ORDER = frozenset({0, WSCloseCode.OK})
"""What a close frame says of a session that is over and did not fail; 0 stands for no code at all."""
_CLOSE_CODES = {
    Leaving.DRAINED: WSCloseCode.GOING_AWAY,
    Leaving.UNREADABLE: WSCloseCode.INVALID_TEXT,
    Leaving.NO_SETUP: WSCloseCode.POLICY_VIOLATION,
    Leaving.FAILED: WSCloseCode.INTERNAL_ERROR,
}


class _LineGone(Exception):
    """The socket does not take frames any more."""


class _Session:
    """One socket from its first frame to its last; turns are taken one after another."""

    def __init__(
        self, socket: web.WebSocketResponse, conversation: Conversation, timing: Timing, closing: asyncio.Event
    ) -> None:
        self._socket = socket
        self._conversation = conversation
        self._timing = timing
        self._closing = closing
        self._now = asyncio.get_running_loop().time
        begun_at = self._now()
        self._floor = Floor(timing, begun_at)
        self._time_up_at = begun_at + timing.longest_s - timing.farewell_s
        self._too_long_at = begun_at + timing.longest_s
        self._time_is_up = False
        self._has_begun = False
        self._unreadable = 0

    async def run(self) -> Leaving:
        giving_up = asyncio.create_task(self._give_up_when_asked())
        try:
            return await self._talk()
        except _LineGone:
            return self._gone()
        finally:
            giving_up.cancel()

    async def leave(self, leaving: Leaving) -> None:
        log.info("relay_session_ended", leaving=str(leaving))
        try:
            if self._has_begun:
                await self._turn(self._conversation.left(leaving))
        finally:
            await self._socket.close(code=_CLOSE_CODES.get(leaving, WSCloseCode.OK))

    async def _give_up_when_asked(self) -> None:
        await self._closing.wait()
        await self._socket.close(code=WSCloseCode.GOING_AWAY)

    async def _talk(self) -> Leaving:
        setup = await self._set_up()
        if not isinstance(setup, Setup):
            return setup
        self._has_begun = True
        leaving = await self._act(await self._turn(self._conversation.begin(setup)), greeted=setup.greeted)
        while leaving is None:
            heard = await self._listen()
            if isinstance(heard, Leaving):
                return heard
            leaving = await self._act(await self._turn(self._conversation.hear(heard)))
        return leaving

    async def _set_up(self) -> Setup | Leaving:
        until = self._now() + self._timing.setup_s
        while self._now() < until:
            frame = await self._receive(until)
            if isinstance(frame, Setup | Leaving):
                return frame
        return Leaving.NO_SETUP

    async def _turn(self, turn: Coroutine[object, object, T]) -> T:
        async with asyncio.timeout(self._timing.turn_s):
            return await turn

    async def _act(self, actions: Sequence[Action] | None, *, greeted: bool = False) -> Leaving | None:
        if actions is None:
            return await self._end(Leaving.REFUSED)
        for action in actions:
            match action:
                case Say(text=text, interruptible=interruptible):
                    if not greeted:
                        await self._send(text_frame(text, interruptible=interruptible))
                    greeted = False
                    self._floor.say(text, self._now())
                case End(disposition=disposition):
                    return await self._play_out() or await self._end(Leaving.ENDED, disposition=disposition)
                case KeepAnswer() | OptOut():
                    pass  # the conversation has stored it
                case _:
                    assert_never(action)
        return None

    async def _listen(self) -> Heard | Leaving:
        """Wait for the next thing that the conversation has to know."""
        while True:
            limit = self._too_long_at if self._time_is_up else self._time_up_at
            if self._now() >= limit:
                return await self._limit_reached()
            match await self._receive(min(limit, self._floor.silent_at)):
                case Leaving() as leaving:
                    return leaving
                case Prompt(text=text, last=True) if text:
                    return Speech(text)
                case KeyPress(digit=digit):
                    return Key(digit)
                case None if self._now() >= self._floor.silent_at:
                    self._floor.wait_again(self._now())
                    return Silence()

    async def _limit_reached(self) -> Heard | Leaving:
        if self._time_is_up:
            return await self._end(Leaving.TOO_LONG)
        self._time_is_up = True
        return TimeUp()

    async def _receive(self, until: float) -> Frame | Leaving | None:
        """The next frame; None when the time has come."""
        try:
            async with asyncio.timeout_at(until):
                message = await self._socket.receive()
        except TimeoutError:
            return None
        if message.type is WSMsgType.CLOSE and message.data in _IN_ORDER:
            return Leaving.CLOSED
        if message.type not in {WSMsgType.TEXT, WSMsgType.BINARY}:
            return self._gone()
        frame = decode(message.data) if isinstance(message.data, str) else Unknown("not text")
        self._floor.take(frame, self._now())
        if isinstance(frame, LineError):
            log.warning("relay_complained", description=frame.description)
        return await self._count_unreadable(frame)

    async def _count_unreadable(self, frame: Frame) -> Frame | Leaving:
        if not isinstance(frame, Unknown):
            self._unreadable = 0
            return frame
        self._unreadable += 1
        log.warning("relay_frame_unreadable", reason=frame.reason)
        return await self._end(Leaving.UNREADABLE) if self._unreadable == UNREADABLE_AT_MOST else frame

    async def _play_out(self) -> Leaving | None:
        """Wait until what was said has been played: whether the provider plays it after `end` is not documented."""
        while self._now() < self._floor.played_at:
            if isinstance(frame := await self._receive(self._floor.played_at), Leaving):
                return frame
        return None

    async def _end(self, leaving: Leaving, **handoff: str) -> Leaving:
        """Give the call back, and let the provider close the socket: ours would look like a failure to it."""
        await self._send(end_frame({"reason": leaving, **handoff}))
        until = self._now() + self._timing.close_s
        while self._now() < until and not isinstance(await self._receive(until), Leaving):
            pass
        return leaving

    async def _send(self, frame: str) -> None:
        try:
            async with asyncio.timeout(self._timing.send_s):
                await self._socket.send_str(frame)
        except (ConnectionError, TimeoutError) as error:
            raise _LineGone from error

    def _gone(self) -> Leaving:
        return Leaving.DRAINED if self._closing.is_set() else Leaving.BROKEN
