"""TwiML, compared with what the official package writes."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.twiml.voice_response import Connect, VoiceResponse

from klara_daemon.telephony.twilio.twiml import connect_relay, hang_up, locale, say_and_hang_up

PUBLIC = "https://k.example/base"
LISTENING = {
    "speech_timeout": "2000",
    "partial_prompts": "true",
    "events": "speaker-events",
    "dtmf_detection": "true",
    "report_input_during_agent_speech": "dtmf",
}


def parsed(document: str) -> ET.Element:
    return ET.fromstring(document)  # noqa: S314 (our own document)


def same(ours: str, official: VoiceResponse) -> bool:
    return ET.canonicalize(ours) == ET.canonicalize(str(official))


def test_a_call_is_connected_to_the_relay_with_a_greeting_that_cannot_be_interrupted() -> None:
    greeting = 'Hier ist "Klara" von Müller & Söhne <GmbH>.'
    connect = Connect(action=f"{PUBLIC}/telephony/twilio/relay-ended?attempt=a1")
    relay = connect.conversation_relay(
        url="wss://k.example/base/telephony/twilio/relay?attempt=a1",
        language="de-DE",
        welcome_greeting=greeting,
        welcome_greeting_interruptible="none",
        **LISTENING,
    )
    relay.parameter(name="greeted", value="yes")
    official = VoiceResponse()
    official.append(connect)
    assert same(connect_relay(PUBLIC, "a1", "de", greeting=greeting), official)


def test_a_call_is_taken_up_again_without_a_greeting_and_counted() -> None:
    connect = Connect(action=f"{PUBLIC}/telephony/twilio/relay-ended?attempt=a1&resumed=2")
    relay = connect.conversation_relay(
        url="wss://k.example/base/telephony/twilio/relay?attempt=a1", language="en-US", **LISTENING
    )
    relay.parameter(name="line", value="2")
    official = VoiceResponse()
    official.append(connect)
    assert same(connect_relay(PUBLIC, "a1", "en", resumed=2), official)


def test_one_sentence_is_said_before_hanging_up() -> None:
    official = VoiceResponse()
    official.say("Guten Tag & auf Wiederhören.", language="de-DE")
    official.hangup()
    assert same(say_and_hang_up("Guten Tag & auf Wiederhören.", "de"), official)


def test_hanging_up_says_nothing() -> None:
    official = VoiceResponse()
    official.hangup()
    assert same(hang_up(), official)


@pytest.mark.parametrize(("language", "twilio"), [("de", "de-DE"), ("en", "en-US"), ("en-GB", "en-GB"), ("fr", "fr")])
def test_a_language_gets_its_region(language: str, twilio: str) -> None:
    assert locale(language) == twilio


@given(st.text(max_size=80))
def test_any_name_can_be_spoken_and_stays_inside_its_attribute(name: str) -> None:
    document = parsed(connect_relay(PUBLIC, "a1", "de", greeting=f"Hallo {name}"))
    relay = document.find("Connect/ConversationRelay")
    assert relay is not None
    legal = "".join(c for c in name if c in "\t\n\r" or (c >= " " and c not in "￾￿" and not 0xD800 <= ord(c) < 0xE000))
    assert relay.get("welcomeGreeting") == f"Hallo {legal}"
    said = parsed(say_and_hang_up(name, "de")).findtext("Say") or ""
    assert said == legal.replace("\r\n", "\n").replace("\r", "\n")
