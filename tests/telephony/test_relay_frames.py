"""Frames of the relay: read whatever comes, write what the provider accepts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klara_daemon.telephony.relay_frames import (
    FRAME_LIMIT,
    UTTERANCE_LIMIT,
    Frame,
    Interrupt,
    KeyPress,
    LineError,
    Notice,
    Prompt,
    Setup,
    Speaking,
    Unknown,
    decode,
    end_frame,
    language_frame,
    text_frame,
)

SETUP = {
    "type": "setup",
    "sessionId": "VX1",
    "accountSid": "AC1",
    "parentCallSid": "",
    "callSid": "CA1",
    "from": "+4952112345670",
    "to": "+4915112345678",
    "forwardedFrom": None,
    "callType": "PSTN",
    "callerName": "",
    "direction": "outbound-api",
    "callStatus": "IN_PROGRESS",
    "customParameters": {"greeted": "yes", "odd": 5},
}


def test_the_setup_frame_is_read() -> None:
    setup = decode(json.dumps(SETUP))
    assert setup == Setup("VX1", "CA1", "+4952112345670", "+4915112345678", "outbound-api", {"greeted": "yes"})
    assert setup.greeted


@pytest.mark.parametrize("parameters", [None, [], "greeted", {}, {"greeted": "no"}, {"greeted": True}])
def test_a_setup_without_our_word_was_not_greeted(parameters: object) -> None:
    setup = decode(json.dumps(SETUP | {"customParameters": parameters}))
    assert isinstance(setup, Setup)
    assert not setup.greeted


@pytest.mark.parametrize(("told", "line"), [({}, 0), ({"line": "3"}, 3), ({"line": "-1"}, 0), ({"line": "9" * 99}, 0)])
def test_a_setup_says_which_of_the_calls_lines_it_is(told: dict[str, str], line: int) -> None:
    assert Setup("VX1", "CA1", parameters=told).line == line


@pytest.mark.parametrize(
    ("frame", "read"),
    [
        ({"type": "prompt", "voicePrompt": " Ja, gern. ", "lang": "de-DE", "last": True}, Prompt("Ja, gern.", True)),
        ({"type": "prompt", "voicePrompt": "Ja,", "last": False}, Prompt("Ja,", False)),
        ({"type": "prompt", "voicePrompt": "نعم"}, Prompt("نعم", True)),
        ({"type": "prompt", "voicePrompt": ""}, Prompt("", True)),
        ({"type": "prompt", "voicePrompt": "a" * (UTTERANCE_LIMIT + 5)}, Prompt("a" * UTTERANCE_LIMIT, True)),
        ({"type": "dtmf", "digit": "0"}, KeyPress("0")),
        ({"type": "dtmf", "digit": "#"}, KeyPress("#")),
        ({"type": "interrupt", "utteranceUntilInterrupt": "Gut", "durationUntilInterruptMs": "460"}, Interrupt()),
        ({"type": "interrupt", "durationUntilInterruptMs": 460}, Interrupt()),
        ({"type": "info", "name": "agentSpeaking", "value": "on"}, Speaking(us=True, on=True)),
        ({"type": "info", "name": "clientSpeaking", "value": "off", "ts": 1}, Speaking(us=False, on=False)),
        ({"type": "info", "name": "tokensPlayed", "value": "Guten Tag"}, Notice()),
        ({"type": "info", "name": "agentSpeaking", "value": True}, Notice()),
        ({"type": "error", "description": 'Invalid message: {"token": "Jörg?"}'}, LineError("Invalid message:")),
        ({"type": "error"}, LineError("")),
    ],
)
def test_each_frame_is_read(frame: dict[str, object], read: Frame) -> None:
    assert decode(json.dumps(frame)) == read


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 60_000, "not JSON"),
        ("1" * 10_000, "not JSON"),
        ("null", "not an object"),
        ('["prompt"]', "not an object"),
        ("{}", "of no known type"),
        ('{"type": null}', "of no known type"),
        ('{"type": ["prompt"]}', "of no known type"),
        ('{"type": "connected"}', "of no known type"),
        ('{"type": "prompt"}', "a prompt frame without what belongs to it"),
        ('{"type": "prompt", "voicePrompt": 5}', "a prompt frame without what belongs to it"),
        ('{"type": "dtmf", "digit": 5}', "a dtmf frame without what belongs to it"),
        ('{"type": "dtmf", "digit": ""}', "a dtmf frame without what belongs to it"),
        ('{"type": "dtmf", "digit": "12"}', "a dtmf frame without what belongs to it"),
        ('{"type": "setup", "callSid": "CA1"}', "a setup frame without what belongs to it"),
        ("x" * (FRAME_LIMIT + 1), "longer than a frame may be"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, reason: str) -> None:
    assert decode(text) == Unknown(reason)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=10),
    lambda j: st.lists(j) | st.dictionaries(st.text(), j),
)


@given(
    st.text(max_size=100)
    | st.builds(json.dumps, JSON)
    | st.builds(
        lambda kind, rest: json.dumps({**rest, "type": kind}),
        st.sampled_from(["setup", "prompt", "dtmf", "interrupt", "info", "error"]),
        st.dictionaries(
            st.sampled_from(["sessionId", "callSid", "voicePrompt", "last", "digit", "name", "value"]), JSON
        ),
    )
)
def test_whatever_comes_is_read_without_raising(text: str) -> None:
    decode(text)


def test_text_is_sent_as_a_whole_cycle_with_its_letters_as_they_are() -> None:
    frame = text_frame("Grüß Gott, Jürgen!", interruptible=False)
    assert "Grüß" in frame
    assert json.loads(frame) == {"type": "text", "token": "Grüß Gott, Jürgen!", "last": True, "interruptible": False}
    assert json.loads(text_frame("Hi", lang="en-US"))["lang"] == "en-US"


def test_a_language_is_switched_for_both_directions() -> None:
    frame = {"type": "language", "ttsLanguage": "en-US", "transcriptionLanguage": "en-US"}
    assert json.loads(language_frame("en-US")) == frame


def test_the_end_carries_its_handoff_as_a_string() -> None:
    frame = json.loads(end_frame({"reason": "ended"}))
    assert frame == {"type": "end", "handoffData": '{"reason": "ended"}'}
