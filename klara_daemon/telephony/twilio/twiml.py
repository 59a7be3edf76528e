"""What Klara tells Twilio to do with a call, as TwiML: connect it to the spoken call, say one sentence, hang up.

Sources: "TwiML for Programmable Voice", "TwiML Voice: <ConversationRelay>".
"""

from __future__ import annotations

import re
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from klara_daemon.telephony.relay_frames import GREETED, LINE
from klara_daemon.telephony.twilio.addresses import RELAY_ENDED_PATH, RELAY_PATH, address, socket_address

CONTENT_TYPE: Final = "text/xml"

_LOCALES = {"de": "de-DE", "en": "en-US"}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

LISTENING: Final = {
    # a free answer has pauses; the default ends a turn after less than a second
    "speechTimeout": "2000",
    # both are signs of life while somebody gives a long answer, which is heard only at its end
    "partialPrompts": "true",
    "events": "speaker-events",
    "dtmfDetection": "true",
    # keys always work; a "hello?" into our first sentence is no answer to it
    "reportInputDuringAgentSpeech": "dtmf",
}


def locale(language: str) -> str:
    """A language as Twilio wants it (BCP 47 with a region): `de` is `de-DE`; others are passed on as they are."""
    return _LOCALES.get(language, language)


def connect_relay(
    public_url: str, attempt_id: str, language: str, *, greeting: str | None = None, resumed: int = 0
) -> str:
    """Connect the call to our WebSocket, and ask us again when that ends.

    `greeting` is the first sentence: spoken at once, before our socket stands, and not to be interrupted, because it
    says who calls and that this is a machine (AI Act, Article 50). The setup frame then says that it was spoken.
    `resumed` counts how often the line has been taken up again; it comes back with `Setup` and with `RelayEnded`.
    """
    response = Element("Response")
    again = {"resumed": str(resumed)} if resumed else {}
    ended = address(public_url, RELAY_ENDED_PATH, attempt=attempt_id, **again)
    connect = SubElement(response, "Connect", {"action": ended})
    relay = SubElement(
        connect,
        "ConversationRelay",
        {
            "url": socket_address(address(public_url, RELAY_PATH, attempt=attempt_id)),
            "language": locale(language),
            **LISTENING,
        },
    )
    if resumed:
        SubElement(relay, "Parameter", {"name": LINE, "value": str(resumed)})
    if greeting:
        relay.attrib |= {"welcomeGreeting": _legal(greeting), "welcomeGreetingInterruptible": "none"}
        SubElement(relay, "Parameter", {"name": GREETED, "value": "yes"})
    return _document(response)


def say_and_hang_up(sentence: str, language: str) -> str:
    """Say one sentence and hang up: to whoever rings Klara's number, and where all else has failed."""
    response = Element("Response")
    SubElement(response, "Say", {"language": locale(language)}).text = _legal(sentence)
    SubElement(response, "Hangup")
    return _document(response)


def hang_up() -> str:
    """Say nothing and hang up."""
    response = Element("Response")
    SubElement(response, "Hangup")
    return _document(response)


def _document(response: Element) -> str:
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(response, encoding="unicode")


def _legal(text: str) -> str:
    """Names come from forms: what XML cannot hold is left out."""
    return _NOT_XML.sub("", text)
