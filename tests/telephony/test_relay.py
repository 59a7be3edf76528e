"""The spoken call over a real socket, with scripted frames on the other end."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientWebSocketResponse, WSCloseCode, WSMsgType, web

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
from klara_daemon.domain.dispositions import Disposition
from klara_daemon.telephony.floor import Timing
from klara_daemon.telephony.relay import Leaving, converse
from klara_daemon.telephony.relay_frames import FRAME_LIMIT, Setup
from tests.eventually import eventually

QUICK = replace(Timing().with_fast_voice(silence_s=30), turn_s=5, setup_s=5, send_s=5, close_s=5)
GREETING = Say("Guten Tag, hier ist Klara.", "greeting@1", interruptible=False)
SETUP = {"type": "setup", "sessionId": "VX1", "callSid": "CA1", "customParameters": {}}


@dataclass
class Scripted:
    """A conversation that does one scripted thing a turn; what it heard and when a turn ran is kept."""

    beginning: Sequence[Action] | None = (GREETING,)
    turns: list[Sequence[Action] | None] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    setups: list[Setup] = field(default_factory=list)
    left_as: list[str] = field(default_factory=list)
    before_turn: Callable[[], Awaitable[object]] | None = None
    at_work: int = 0
    at_work_most: int = 0

    async def begin(self, setup: Setup) -> Sequence[Action] | None:
        self.setups.append(setup)
        return self.beginning

    async def hear(self, heard: Heard) -> Sequence[Action] | None:
        self.at_work += 1
        self.at_work_most = max(self.at_work_most, self.at_work)
        if self.before_turn is not None:
            await self.before_turn()
        self.heard.append(heard)
        self.at_work -= 1
        return self.turns.pop(0) if self.turns else ()

    async def left(self, reason: str) -> None:
        self.left_as.append(reason)


@dataclass
class Line:
    """The provider's end of the socket, and how our end came out."""

    socket: ClientWebSocketResponse
    outcome: asyncio.Future[Leaving]
    closing: asyncio.Event

    async def send(self, *frames: dict[str, Any] | str) -> None:
        for frame in frames:
            await self.socket.send_str(frame if isinstance(frame, str) else json.dumps(frame))

    async def frame(self) -> dict[str, Any]:
        message = await self.socket.receive(timeout=5)
        assert message.type is WSMsgType.TEXT, message
        read: dict[str, Any] = json.loads(message.data)
        return read

    async def close_code(self) -> int | None:
        message = await self.socket.receive(timeout=5)
        assert message.type in {WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING}, message
        return self.socket.close_code

    async def over(self) -> Leaving:
        async with asyncio.timeout(5):
            return await self.outcome


@asynccontextmanager
async def line(conversation: Scripted, timing: Timing = QUICK) -> AsyncIterator[Line]:
    outcome: asyncio.Future[Leaving] = asyncio.get_running_loop().create_future()
    closing = asyncio.Event()

    async def relay(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(max_msg_size=FRAME_LIMIT, timeout=0.2)
        await socket.prepare(request)
        try:
            outcome.set_result(await converse(socket, conversation, timing, closing))
        except Exception as error:  # noqa: BLE001 (handed on to the test)
            outcome.set_exception(error)
        return socket

    app = web.Application()
    app.router.add_get("/relay", relay)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)  # as in production: handlers are not cancelled
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        async with aiohttp.ClientSession() as client, client.ws_connect(f"ws://{host}:{port}/relay") as socket:
            yield Line(socket, outcome, closing)
    finally:
        await runner.cleanup()


def setup(**parameters: str) -> dict[str, Any]:
    return {**SETUP, "customParameters": parameters}


def prompt(text: str, *, last: bool = True) -> dict[str, object]:
    return {"type": "prompt", "voicePrompt": text, "lang": "de-DE", "last": last}


# Speaking


async def test_the_first_sentence_is_sent_and_cannot_be_interrupted() -> None:
    async with line(conversation := Scripted()) as phone:
        await phone.send(setup())
        assert await phone.frame() == {
            "type": "text",
            "token": "Guten Tag, hier ist Klara.",
            "last": True,
            "interruptible": False,
        }
    assert conversation.setups[0].ref == "CA1"


async def test_a_first_sentence_that_the_provider_has_spoken_is_not_sent_again() -> None:
    conversation = Scripted(beginning=[GREETING, Say("Sind Sie es?", "q@1")])
    async with line(conversation) as phone:
        await phone.send(setup(greeted="yes"))
        assert (await phone.frame())["token"] == "Sind Sie es?"


async def test_each_turn_says_what_came_of_it_and_what_is_stored_is_not_spoken() -> None:
    conversation = Scripted(
        turns=[[KeepAnswer("years", "sieben", "7"), OptOut(), Say("Danke.", "t@1"), Say("Und wann?", "q@2")]]
    )
    async with line(conversation) as phone:
        await phone.send(setup(greeted="yes"), prompt("sieben"))
        assert [(await phone.frame())["token"] for _ in range(2)] == ["Danke.", "Und wann?"]
    assert conversation.heard == [Speech("sieben")]


async def test_the_call_is_given_back_with_the_outcome_once_all_is_said() -> None:
    conversation = Scripted(turns=[[Say("Auf Wiederhören.", "bye@1"), End(Disposition.INTERVIEWED)]])
    async with line(conversation) as phone:
        await phone.send(setup(greeted="yes"), prompt("ja"))
        assert (await phone.frame())["token"] == "Auf Wiederhören."
        end = await phone.frame()
        assert end["type"] == "end"
        assert json.loads(end["handoffData"]) == {"reason": "ended", "disposition": "interviewed"}
        await phone.socket.close()
        assert await phone.over() is Leaving.ENDED
    assert conversation.left_as == ["ended"]


FAREWELL: list[Sequence[Action]] = [[Say("x" * 30, "bye@1"), End(Disposition.INTERVIEWED)]]


async def test_the_last_sentence_has_the_time_to_be_played() -> None:
    timing = replace(QUICK, character_s=0.01)
    async with line(Scripted(turns=list(FAREWELL)), timing) as phone:
        await phone.send(setup(greeted="yes"), prompt("ja"))
        assert (await phone.frame())["type"] == "text"
        begun = time.monotonic()
        assert (await phone.frame())["type"] == "end"
        assert time.monotonic() - begun > 0.25


async def test_the_last_sentence_may_take_longer_than_thought_when_the_provider_says_so() -> None:
    timing = replace(QUICK, character_s=0.001, voice_overruns_s=5)
    async with line(Scripted(turns=list(FAREWELL)), timing) as phone:
        await phone.send(setup(greeted="yes"), prompt("ja"))
        await phone.frame()
        await phone.send({"type": "info", "name": "agentSpeaking", "value": "on"})
        with pytest.raises(TimeoutError):
            await phone.socket.receive(timeout=0.2)
        await phone.send({"type": "info", "name": "agentSpeaking", "value": "off"})
        assert (await phone.frame())["type"] == "end"


async def test_nobody_has_to_listen_to_the_end_of_a_farewell() -> None:
    timing = replace(QUICK, character_s=10)
    async with line(Scripted(turns=list(FAREWELL)), timing) as phone:
        await phone.send(setup(greeted="yes"), prompt("ja"))
        await phone.frame()
        await phone.send({"type": "interrupt", "utteranceUntilInterrupt": "x", "durationUntilInterruptMs": 5})
        assert (await phone.frame())["type"] == "end"


async def test_what_is_said_after_the_farewell_is_no_turn() -> None:
    timing = replace(QUICK, character_s=0.01)
    conversation = Scripted(turns=list(FAREWELL))
    async with line(conversation, timing) as phone:
        await phone.send(setup(greeted="yes"), prompt("ja"))
        await phone.frame()
        await phone.send(prompt("Tschüss!"))
        assert (await phone.frame())["type"] == "end"
    assert conversation.heard == [Speech("ja")]


# Hearing


async def test_only_finished_utterances_and_keys_are_turns() -> None:
    conversation = Scripted(turns=[[Say("1", "a@1")], [Say("2", "a@1")], [Say("3", "a@1")]])
    async with line(conversation) as phone:
        await phone.send(
            setup(greeted="yes"),
            prompt("Also ich", last=False),
            prompt(""),
            prompt("Also ich bin es."),
            {"type": "info", "name": "clientSpeaking", "value": "off"},
            {"type": "error", "description": "64107"},
            {"type": "dtmf", "digit": "9"},
            setup(),
            {"type": "interrupt"},
            prompt("Nein."),
        )
        for _ in range(3):
            await phone.frame()
    assert conversation.heard == [Speech("Also ich bin es."), Key("9"), Speech("Nein.")]
    assert len(conversation.setups) == 1


async def test_turns_are_taken_one_after_another_in_the_order_of_speaking() -> None:
    conversation = Scripted(before_turn=lambda: asyncio.sleep(0.01))
    async with line(conversation) as phone:
        await phone.send(setup(greeted="yes"), *(prompt(str(number)) for number in range(10)))
        await eventually(lambda: len(conversation.heard) == 10)
    assert conversation.heard == [Speech(str(number)) for number in range(10)]
    assert conversation.at_work_most == 1


async def test_silence_is_a_turn_each_time_it_has_lasted() -> None:
    conversation = Scripted(turns=[[Say("Sind Sie noch da?", "s@1")], [End(Disposition.NO_ANSWER)]])
    async with line(conversation, replace(QUICK, silence_s=0.05)) as phone:
        await phone.send(setup(greeted="yes"))
        assert (await phone.frame())["token"] == "Sind Sie noch da?"
        assert (await phone.frame())["type"] == "end"
    assert conversation.heard == [Silence(), Silence()]


async def test_silence_waits_until_we_have_finished_speaking() -> None:
    conversation = Scripted(beginning=[Say("x" * 30, "q@1")])
    async with line(conversation, replace(QUICK, silence_s=0.05, character_s=0.01)) as phone:
        await phone.send(setup())
        await phone.frame()
        begun = time.monotonic()
        await eventually(lambda: conversation.heard == [Silence()])
        assert time.monotonic() - begun > 0.3


async def test_a_long_answer_is_not_taken_for_silence() -> None:
    conversation = Scripted()
    async with line(conversation, replace(QUICK, silence_s=0.1)) as phone:
        await phone.send(setup(greeted="yes"), {"type": "info", "name": "clientSpeaking", "value": "on"})
        for _ in range(5):
            await asyncio.sleep(0.06)
            await phone.send(prompt("Also ich habe", last=False))
        await phone.send(prompt("Also ich habe sieben Jahre gearbeitet."))
        await eventually(lambda: bool(conversation.heard))
    assert conversation.heard == [Speech("Also ich habe sieben Jahre gearbeitet.")]


async def test_silence_without_anything_to_say_does_not_spin() -> None:
    conversation = Scripted()
    async with line(conversation, replace(QUICK, silence_s=0.05)) as phone:
        await phone.send(setup(greeted="yes"))
        await asyncio.sleep(0.2)
    assert 1 <= len(conversation.heard) <= 4


# Limits


async def test_the_conversation_is_told_before_the_time_is_up() -> None:
    conversation = Scripted(turns=[[Say("Leider ist die Zeit um.", "t@1"), End(Disposition.PARTLY_INTERVIEWED)]])
    async with line(conversation, replace(QUICK, longest_s=30.05, farewell_s=30)) as phone:
        await phone.send(setup(greeted="yes"))
        assert (await phone.frame())["token"] == "Leider ist die Zeit um."
        assert (await phone.frame())["type"] == "end"
    assert conversation.heard == [TimeUp()]


async def test_a_conversation_that_does_not_end_is_ended() -> None:
    conversation = Scripted()
    async with line(conversation, replace(QUICK, longest_s=0.1, farewell_s=0.05)) as phone:
        await phone.send(setup(greeted="yes"))
        end = await phone.frame()
        assert json.loads(end["handoffData"]) == {"reason": "too_long"}
        await phone.socket.close()
        assert await phone.over() is Leaving.TOO_LONG
    assert conversation.heard == [TimeUp()]


async def test_a_flood_of_frames_does_not_hold_up_the_end() -> None:
    async with line(Scripted(), replace(QUICK, longest_s=0.2, farewell_s=0.1)) as phone:
        await phone.send(setup(greeted="yes"))

        async def flood() -> None:
            while True:
                await phone.send({"type": "info", "name": "tokensPlayed", "value": "x"})
                await asyncio.sleep(0)

        flooding = asyncio.create_task(flood())
        assert (await phone.frame())["type"] == "end"
        flooding.cancel()


async def test_a_line_on_which_nothing_may_be_said_any_more_is_given_back() -> None:
    async with line(Scripted(turns=[None])) as phone:
        await phone.send(setup(greeted="yes"), prompt("ja"))
        assert await phone.frame() == {"type": "end", "handoffData": '{"reason": "refused"}'}
        await phone.socket.close()
        assert await phone.over() is Leaving.REFUSED


async def test_a_second_call_for_the_same_person_is_given_back_at_once() -> None:
    async with line(conversation := Scripted(beginning=None)) as phone:
        await phone.send(setup(greeted="yes"))
        end = await phone.frame()
        assert json.loads(end["handoffData"]) == {"reason": "refused"}
        await phone.socket.close()
        assert await phone.over() is Leaving.REFUSED
    assert conversation.heard == []


# Garbage

GARBAGE = [
    "",
    "{",
    "[]",
    '{"type": "dance"}',
    '{"type": "prompt"}',
    '{"type": "dtmf", "digit": "12"}',
    "null",
    "\x00",
    "💣",
]


async def test_nine_unreadable_frames_in_a_row_are_forgiven_again_and_again() -> None:
    async with line(conversation := Scripted()) as phone:
        await phone.send(setup(greeted="yes"), *GARBAGE, prompt("eins"), *GARBAGE, prompt("zwei"))
        await eventually(lambda: len(conversation.heard) == 2)
    assert conversation.heard == [Speech("eins"), Speech("zwei")]


async def test_ten_unreadable_frames_in_a_row_end_the_session_politely() -> None:
    async with line(conversation := Scripted(), replace(QUICK, close_s=0.05)) as phone:
        await phone.send(setup(greeted="yes"), *GARBAGE, "}")
        end = await phone.frame()
        assert json.loads(end["handoffData"]) == {"reason": "unreadable"}
        assert await phone.close_code() == aiohttp.WSCloseCode.INVALID_TEXT
        assert await phone.over() is Leaving.UNREADABLE
    assert conversation.left_as == ["unreadable"]


async def test_bytes_are_as_unreadable_as_garbage() -> None:
    async with line(Scripted(), replace(QUICK, close_s=0.05)) as phone:
        await phone.send(setup(greeted="yes"))
        for _ in range(10):
            await phone.socket.send_bytes(json.dumps(prompt("ja")).encode())
        assert (await phone.frame())["type"] == "end"
        assert await phone.over() is Leaving.UNREADABLE


async def test_a_frame_that_is_too_long_closes_the_line() -> None:
    async with line(conversation := Scripted()) as phone:
        await phone.send(setup(greeted="yes"), prompt("x" * (FRAME_LIMIT + 1)))
        assert await phone.close_code() == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
        assert await phone.over() is Leaving.BROKEN
    assert conversation.left_as == ["broken"]


@pytest.mark.parametrize("frames", [[], [prompt("ja")], GARBAGE])
async def test_who_does_not_say_which_call_it_is_is_sent_away(frames: list[dict[str, Any] | str]) -> None:
    async with line(conversation := Scripted(), replace(QUICK, setup_s=0.1)) as phone:
        await phone.send(*frames)
        assert await phone.close_code() == aiohttp.WSCloseCode.POLICY_VIOLATION
        assert await phone.over() is Leaving.NO_SETUP
    assert (conversation.setups, conversation.heard, conversation.left_as) == ([], [], [])


# The line breaks, or we do


async def test_somebody_who_hangs_up_has_left() -> None:
    async with line(conversation := Scripted()) as phone:
        await phone.send(setup(greeted="yes"))
        await phone.socket.close()
        assert await phone.over() is Leaving.CLOSED
    assert conversation.left_as == ["closed"]


@pytest.mark.parametrize("code", [WSCloseCode.GOING_AWAY, WSCloseCode.INTERNAL_ERROR, WSCloseCode.INVALID_TEXT])
async def test_a_line_that_is_closed_because_something_fails_is_broken(code: WSCloseCode) -> None:
    async with line(conversation := Scripted()) as phone:
        await phone.send(setup(greeted="yes"))
        await phone.socket.close(code=code)
        assert await phone.over() is Leaving.BROKEN
    assert conversation.left_as == ["broken"]


async def test_a_line_that_breaks_during_a_turn_loses_no_turn() -> None:
    conversation = Scripted(turns=[[Say("Danke.", "t@1")] * 50])
    async with line(conversation) as phone:

        async def break_the_line() -> None:
            transport = phone.socket._response.connection.transport  # type: ignore[union-attr]
            transport.abort()  # type: ignore[union-attr]
            await asyncio.sleep(0.05)

        conversation.before_turn = break_the_line
        await phone.send(setup(greeted="yes"), prompt("sieben"))
        assert await phone.over() is Leaving.BROKEN
    assert conversation.heard == [Speech("sieben")]
    assert conversation.left_as == ["broken"]


async def test_on_shutdown_the_socket_is_given_up_for_another_process_to_take() -> None:
    async with line(conversation := Scripted()) as phone:
        await phone.send(setup(greeted="yes"), prompt("ja"))
        await eventually(lambda: bool(conversation.heard))
        phone.closing.set()
        assert await phone.close_code() == aiohttp.WSCloseCode.GOING_AWAY
        assert await phone.over() is Leaving.DRAINED
    assert conversation.left_as == ["drained"]


async def test_on_shutdown_the_turn_in_hand_is_finished() -> None:
    conversation = Scripted(turns=[[Say("Danke.", "t@1")]])
    async with line(conversation) as phone:

        async def shut_down() -> None:
            phone.closing.set()
            await asyncio.sleep(0.05)

        conversation.before_turn = shut_down
        await phone.send(setup(greeted="yes"), prompt("sieben"))
        assert await phone.close_code() == aiohttp.WSCloseCode.GOING_AWAY
        assert await phone.over() is Leaving.DRAINED
    assert conversation.heard == [Speech("sieben")]


class OutageError(Exception):
    """The database is away."""


async def test_a_turn_that_fails_ends_the_session_and_says_why() -> None:
    async def fail() -> None:
        raise OutageError

    async with line(conversation := Scripted(before_turn=fail)) as phone:
        await phone.send(setup(greeted="yes"), prompt("sieben"))
        assert await phone.close_code() == aiohttp.WSCloseCode.INTERNAL_ERROR
        with pytest.raises(OutageError):
            await phone.over()
    assert conversation.left_as == ["failed"]


async def test_a_turn_that_hangs_is_given_up() -> None:
    conversation = Scripted(before_turn=asyncio.Event().wait)
    async with line(conversation, replace(QUICK, turn_s=0.05)) as phone:
        await phone.send(setup(greeted="yes"), prompt("sieben"))
        assert await phone.close_code() == aiohttp.WSCloseCode.INTERNAL_ERROR
        with pytest.raises(TimeoutError):
            await phone.over()
    assert conversation.left_as == ["failed"]


async def test_an_outage_that_looks_like_a_broken_line_is_still_told() -> None:
    async def fail() -> None:
        raise ConnectionRefusedError

    async with line(conversation := Scripted(before_turn=fail)) as phone:
        await phone.send(setup(greeted="yes"), prompt("sieben"))
        with pytest.raises(ConnectionRefusedError):
            await phone.over()
    assert conversation.left_as == ["failed"]


async def test_a_provider_that_does_not_close_after_the_end_is_closed() -> None:
    conversation = Scripted(turns=[[End(Disposition.DECLINED)]])
    async with line(conversation, replace(QUICK, close_s=0.05)) as phone:
        await phone.send(setup(greeted="yes"), prompt("nein"))
        assert (await phone.frame())["type"] == "end"
        assert await phone.close_code() == aiohttp.WSCloseCode.OK
        assert await phone.over() is Leaving.ENDED
